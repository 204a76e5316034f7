"""The order in which manifests list the keys of each kind of block: what `pull` writes and `fmt` restores."""

from collections.abc import Mapping
from typing import Final

_SAID_OF_PLACEMENTS: Final = (
    "coppa",
    "status",
    "creativeTypes",
    "bannerRefresh",
    "floorPrices",
    "targetingEnabled",
    "geo",
    "connectivity",
    "capping",
    "pacing",
    "ssrConfig",
    "skipability",
    "lifecycle",
)
_NAMES: Final = ("placementId", "renamedFrom", "state")

DOCUMENT_KEYS: Final = ("version", "apps")
APP_KEYS: Final = (
    "platform",
    "bundle",
    "appId",
    "name",
    "category1",
    "category2",
    "coppa",
    "status",
    "rewardedAdUrl",
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
    "geo": ("include", "countries"),
    "capping": ("value", "unit", "enabled"),
    "pacing": ("value", "unit", "enabled"),
    "ssrConfig": ("currency", "amount", "enabled"),
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
