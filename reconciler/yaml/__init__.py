"""PURE. YAML text -> values with places, and the same text with some of them changed. It knows nothing of manifests.

`parse.parse` reads, `parse.read_tree` reads for editing, `apply_edits` edits, `formatted.format_text` formats.
"""
