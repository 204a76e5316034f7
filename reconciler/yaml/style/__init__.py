"""PURE. Manifest text -> the same text in its usual order and spacing. `formatted.formatted` is the way in."""
