"""PURE. Manifest text -> desired state: decode, expand, lint. And desired floors or fields -> edited manifests.

`load.load_desired` is the way in; `settings.load_settings` reads `reconciler.yaml`; `cached_load` does the same
from a cache; `checked_edits` and `floor_edits` write.
"""
