"""EDGE. Forges: comments and issues, found again by a marker; what was reviewed; where the ledger goes."""
