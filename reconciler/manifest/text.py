"""Manifests as text: a new one that declares blocks, or an old one in its usual order and spacing.

Apart from the models, because checking manifests must not wait for what edits them.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.manifest.block import (
    APP_KEYS,
    DOCUMENT_KEYS,
    EXTENSION,
    INNER_KEYS,
    PLACEMENT_KEYS,
    TIER_KEYS,
    VERSION,
    WATERFALL_KEYS,
)
from reconciler.yaml.edit_styles import item_lines
from reconciler.yaml.edits import Writable
from reconciler.yaml.formatted import KeyOrders
from reconciler.yaml.formatted import format_text as text_formatted
from reconciler.yaml.scalar import ManifestText

_ORDERS: Final = KeyOrders(
    {
        "": DOCUMENT_KEYS,
        "apps": APP_KEYS,
        "placements": PLACEMENT_KEYS,
        "waterfalls": WATERFALL_KEYS,
        "tiers": TIER_KEYS,
        **INNER_KEYS,
    },
    EXTENSION,
)


def manifest_text(apps: Sequence[Mapping[str, Writable]], schema: str | None = None) -> str:
    """A manifest that declares apps, each a block whose keys are in the order they are to have.

    `schema` is where editors find the format, relative to the file.
    """
    head = [] if schema is None else [f"# yaml-language-server: $schema={schema}"]
    lines = [*head, f"version: {VERSION}", "apps:"]
    for app in apps:
        lines += item_lines("  ", app)
    return "\n".join((*lines, ""))


def format_manifest(text: ManifestText) -> bytes:
    """The bytes of a manifest in its usual order and spacing. Raises `EditError` as the formatting of any text does."""
    return text_formatted(text, _ORDERS)
