"""PURE. Manifest text -> the same text with some values changed, and every other byte as it was.

`apply.apply_edits` is the way in, `changes` what can be asked for, `floors` what a new floor asks for. See
`docs/editing.md`.
"""
