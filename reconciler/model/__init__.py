"""PURE. The nouns: addresses, values, fields, floors, desired and live resources, the ledger, findings."""
