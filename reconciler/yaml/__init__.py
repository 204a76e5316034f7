"""PURE. YAML text -> values with places, and the same text with some of them changed; it knows no manifest.

`parse.parse` reads, `edit.apply` edits, `style.formatted` puts in order.
"""
