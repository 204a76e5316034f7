"""Manifests as text: new ones of blocks, and those of people in their usual order."""

from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.manifest.block import EXTENSION, VERSION
from reconciler.manifest.order import (
    APP_KEYS,
    DOCUMENT_KEYS,
    INNER_KEYS,
    PLACEMENT_KEYS,
    TIER_KEYS,
    WATERFALL_KEYS,
)
from reconciler.yaml.edit.block_style import item_lines
from reconciler.yaml.edit.changes import Writable
from reconciler.yaml.style.formatted import KeyOrders
from reconciler.yaml.style.formatted import formatted as text_formatted
from reconciler.yaml.text import ManifestText

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


def formatted(text: ManifestText) -> bytes:
    """The bytes of a manifest in its usual order and spacing. Raises `EditError` as the formatting of any text does."""
    return text_formatted(text, _ORDERS)
