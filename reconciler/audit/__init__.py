"""PURE. Live state against what was last applied: what drifted, what is pending, what is nobody's; and since when."""
