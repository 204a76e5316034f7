"""PURE. An audit in every format, drawn from the same values."""
