"""EDGE. What is remembered between runs: ledger, journal and lock."""
