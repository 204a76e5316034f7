"""PURE. Live state -> manifests that declare it: new files, edits of those that exist, and what the ledger then holds.

`adoption.adopt` is the way in. See `docs/adopting.md`.
"""
