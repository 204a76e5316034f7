"""The order in which manifests list the keys of each kind of block: what `pull` writes and `fmt` restores."""

from collections.abc import Mapping
from typing import Final

from reconciler.model.address import Kind
from reconciler.model.field import FIELDS
from reconciler.model.field_type import LimitType, RewardType, parts_of


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
