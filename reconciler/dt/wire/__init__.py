"""PURE. Their spelling and ours: calls out, answers in. The only place that knows how the vendor writes things."""
