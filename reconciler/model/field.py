"""The fields of apps and placements: what can be changed, what an unset one means, what a type allows.

One table for the whole program: decoding, diffing, the wire and the schemas read it. Facts are the vendor's
Management API pages, and where these are silent, what was seen of the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.model.address import Kind
from reconciler.model.value import ABSENT, Absent, Value

PLATFORMS: Final = ("android", "ios")
STATUSES: Final = ("active", "inactive")
PLACEMENT_TYPES: Final = ("Banner", "Rewarded", "Interstitial", "MREC")
CREATIVE_TYPES: Final = ("video", "display")
CONNECTIVITY: Final = ("Cellular", "WIFI")
UNITS: Final = ("second", "minute", "hour", "day")
KNOWN_SKIPABILITY: Final = ("NonSkippable",)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of one kind of resource.

    `remedy` says what a user can do about a difference in a field that the API cannot change; None where it can.
    `when_unset` is what a full answer without the field means; ABSENT where that tells nothing.
    `only_for` names the one placement type that has the field.
    """

    name: str
    remedy: str | None = None
    when_unset: "Value | Absent" = ABSENT
    only_for: str | None = None


_STORE_OWNED = (
    "the API cannot change it after creation: change it in the console, or write the live value in the manifest"
)
_IDENTITY = "it is fixed after creation: {} is another app, give it a block of its own"

APP_FIELDS: Final[Mapping[str, FieldSpec]] = {
    spec.name: spec
    for spec in (
        FieldSpec("platform", remedy=_IDENTITY.format("another platform")),
        FieldSpec("bundle", remedy=_IDENTITY.format("another bundle")),
        FieldSpec("name", remedy="the vendor takes it from the store"),
        FieldSpec("category1", remedy=_STORE_OWNED),
        FieldSpec("category2", remedy=_STORE_OWNED),
        FieldSpec("status"),
        FieldSpec("coppa"),
        FieldSpec("rewardedAdUrl"),
    )
}

PLACEMENT_FIELDS: Final[Mapping[str, FieldSpec]] = {
    spec.name: spec
    for spec in (
        FieldSpec("name"),
        FieldSpec(
            "placementType",
            remedy="it is fixed after creation: declare a new placement under another name, and make this one absent",
        ),
        FieldSpec("status"),
        FieldSpec("coppa"),
        FieldSpec("creativeTypes", only_for="Interstitial"),
        FieldSpec("bannerRefresh", only_for="Banner"),
        FieldSpec("floorPrices"),
        FieldSpec("targetingEnabled", when_unset=False),
        FieldSpec("geo", when_unset=None),
        FieldSpec("connectivity", when_unset=None),
        FieldSpec("capping", when_unset=None),
        FieldSpec("pacing", when_unset=None),
        FieldSpec("ssrConfig", when_unset=None, only_for="Rewarded"),
        FieldSpec("skipability"),
    )
}

FIELDS: Final[Mapping[Kind, Mapping[str, FieldSpec]]] = {"app": APP_FIELDS, "placement": PLACEMENT_FIELDS}

REQUIRED_TO_CREATE: Final[Mapping[Kind, tuple[str, ...]]] = {
    "app": ("name", "bundle", "platform", "category1", "coppa"),
    "placement": ("name", "placementType", "coppa"),
}
