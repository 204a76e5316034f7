"""YAML text -> the same text with some values changed, and every other byte as it was.

`apply.edit_tree` and `apply.edit_whole` are the way in; `changes` has the kinds of edits. See `docs/editing.md`.
"""
