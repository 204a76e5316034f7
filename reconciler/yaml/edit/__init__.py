"""YAML text -> the same text with some values changed, and every other byte as it was.

`apply.edit_tree` is the way in, `changes` what can be asked for. See `docs/editing.md`.
"""
