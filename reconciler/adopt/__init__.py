"""PURE. Live state -> manifests that declare it: new files, edits of existing ones, and the ledger entries for them.

`adoption.adopt` is the way in; `known.restore_fields` writes earlier values back. See `docs/adopting.md`.
"""
