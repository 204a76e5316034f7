"""PURE. Values -> text and JSON, for people and for programs."""
