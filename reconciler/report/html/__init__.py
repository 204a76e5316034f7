"""Pages: one file each, no network, no scripts needed. Templates draw them; all text is escaped on the way."""
