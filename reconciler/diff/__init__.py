"""PURE. Desired state x live state x ledger -> changes."""
