"""Manifests -> desired state, or everything that is wrong with them."""

from collections.abc import Sequence
from typing import Final

from reconciler.manifest.assemble import Loaded, assemble, by_file
from reconciler.manifest.read import read_manifest
from reconciler.manifest.scalar import PlainScalars
from reconciler.manifest.settings import Settings, load_settings
from reconciler.manifest.text import ManifestText
from reconciler.model.desired import Safety
from reconciler.model.diagnostic import Finding

_RESTS_ON_SETTINGS: Final = frozenset(
    (
        *("unknown-country", "unknown-group", "groups-disagree", "floor-above-maximum", "targeting-incomplete"),
        *("geo-excludes-floor", "inverted-ladder", "missing-field"),
    )
)
"""Codes of findings that country groups, defaults and limits of the settings may give rise to, or may settle."""

__all__ = ["Loaded", "ManifestText", "Settings", "findings_without_settings", "load_desired", "load_settings"]


def load_desired(settings: Settings, settings_text: ManifestText, manifests: Sequence[ManifestText]) -> Loaded:
    """What the manifests declare. The order in which they are given makes no difference.

    Findings are of the manifests only; those of the settings came from `load_settings`. Nothing is raised for any text.
    """
    texts = by_file(manifests)
    scalars = PlainScalars()
    readings = (read_manifest(text, settings, scalars) for text in texts)
    return assemble(settings.outline, settings_text, texts, readings)


def findings_without_settings(settings_text: ManifestText, manifests: Sequence[ManifestText]) -> tuple[Finding, ...]:
    """What is wrong with manifests, however the settings read, which cannot be read."""
    settings = Settings("unknown", (), {}, {}, "report", Safety(), sound=False)
    loaded = load_desired(settings, settings_text, manifests)
    return tuple(found for found in loaded.findings if found.code not in _RESTS_ON_SETTINGS)
