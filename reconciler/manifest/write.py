"""Manifests as text: the order of the keys in each kind of block, new files, and formatting."""

from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.manifest.block import EXTENSION, VERSION
from reconciler.model.address import Kind
from reconciler.model.field import FIELDS
from reconciler.model.field_type import LimitType, RewardType, parts_of
from reconciler.yaml.edit.changes import Writable
from reconciler.yaml.edit.styles import item_lines
from reconciler.yaml.formatted import KeyOrders
from reconciler.yaml.formatted import format_text as text_formatted
from reconciler.yaml.scalar import ManifestText


def _fields(kind: Kind, *but: str) -> tuple[str, ...]:
    """The fields in the order of their table, `coppa` before `status`: it is what no create goes without."""
    names = [name for name in FIELDS[kind] if name not in but]
    names.insert(names.index("status"), names.pop(names.index("coppa")))
    return tuple(names)


_SAID_OF_PLACEMENTS: Final = (*_fields("placement", "name", "placementType"), "lifecycle")
_NAMES: Final = ("placementId", "renamedFrom", "state")
_IDENTITY: Final = ("platform", "bundle")

DOCUMENT_KEYS: Final = ("version", "apps")
APP_KEYS: Final = (
    *_IDENTITY,
    "appId",
    *_fields("app", *_IDENTITY),
    "state",
    "prune",
    "lifecycle",
    "placements",
    "waterfalls",
)
PLACEMENT_KEYS: Final = ("name", "placementType", *_NAMES, *_SAID_OF_PLACEMENTS)
TIER_KEYS: Final = ("name", *_NAMES, *_SAID_OF_PLACEMENTS)
WATERFALL_KEYS: Final = ("name", "placementType", *_SAID_OF_PLACEMENTS, "tiers")

INNER_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    **{
        spec.name: (*parts_of(spec.type), *(("enabled",) if isinstance(spec.type, LimitType | RewardType) else ()))
        for specs in FIELDS.values()
        for spec in specs.values()
        if parts_of(spec.type)
    },
    "lifecycle": ("ignoreChanges", "protect", "distinct", "acceptDrift"),
    "acceptDrift": ("field", "reason", "until"),
}
"""Keys of the blocks that stand below a key. Floors keep the order in which people wrote them."""

EVERY_KEY: Final = frozenset(
    (
        *DOCUMENT_KEYS,
        *APP_KEYS,
        *PLACEMENT_KEYS,
        *TIER_KEYS,
        *WATERFALL_KEYS,
        *(key for keys in INNER_KEYS.values() for key in keys),
    )
)
"""The keys that any block may have."""


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
