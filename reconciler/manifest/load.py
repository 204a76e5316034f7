"""Manifests -> desired state, or everything that is wrong with them."""

from collections.abc import Sequence

from reconciler.manifest.assemble import Loaded, assemble, by_file
from reconciler.manifest.read import read_manifest
from reconciler.manifest.scalar import PlainScalars
from reconciler.manifest.settings import Settings, load_settings
from reconciler.manifest.text import ManifestText

__all__ = ["Loaded", "ManifestText", "Settings", "load_desired", "load_settings"]


def load_desired(settings: Settings, settings_text: ManifestText, manifests: Sequence[ManifestText]) -> Loaded:
    """What the manifests declare. The order in which they are given makes no difference.

    Findings are of the manifests only; those of the settings came from `load_settings`. Nothing is raised for any text.
    """
    texts = by_file(manifests)
    scalars = PlainScalars()
    readings = (read_manifest(text, settings, scalars) for text in texts)
    return assemble(settings.outline, settings_text, texts, readings)
