"""PURE. Manifest text -> desired state: parse, decode, expand, lint. `load` is the way in, `settings` its terms."""
