"""How manifests declare the fields of the API: as pydantic types, made of the table of fields.

Descriptions and examples go into the JSON Schemas, and so into editors.
"""

from collections.abc import Callable, Iterable
from types import GenericAlias
from typing import Annotated, Any, Final, Literal, Self, TypeVar, assert_never, cast

from pydantic import Discriminator, Field, Tag, create_model, model_validator
from pydantic.config import ConfigDict
from pydantic_core import PydanticCustomError

from reconciler.manifest.block import (
    APP_KEYS,
    UNSET,
    Amount,
    Block,
    Bundle,
    Count,
    CountOrNone,
    Day,
    DocumentBlock,
    Id,
    Price,
    Text,
    Version,
)
from reconciler.model.field import (
    APP_FIELDS,
    PLACEMENT_FIELDS,
    BundleType,
    CountType,
    FieldSpec,
    FlagType,
    GeoType,
    LimitType,
    PricesType,
    RewardType,
    TextType,
    WordsType,
    WordType,
)

Unit = Literal["second", "minute", "hour", "day"]
Decorated = TypeVar("Decorated", bound=Block)


def _complete_unless_off(*names: str) -> ConfigDict:
    """A schema in which the named fields may be missing only where `enabled` is false."""
    off: dict[str, Any] = {"properties": {"enabled": {"const": False}}, "required": ["enabled"]}
    return ConfigDict(json_schema_extra={"anyOf": [{"required": list(names)}, off]})


class Switchable(Block):
    """A block with a switch: turned off it needs nothing else."""

    enabled: bool = Field(default=True, description="false turns it off; so does null in its place.", examples=[True])

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name, value in self.__dict__.items() if value is None]
        if self.enabled and missing:
            raise PydanticCustomError("incomplete", "{missing}", {"missing": " and ".join(missing)})
        return self


class Frequency(Switchable):
    """So many impressions, or so much time between them."""

    model_config = _complete_unless_off("value", "unit")
    value: Count = Field(default=UNSET, description="How many; a whole number from 1.", examples=[12])
    unit: Unit = Field(default=UNSET, description="The unit of time.", examples=["minute"])


class Reward(Switchable):
    """What a user is given for watching, announced to your server."""

    model_config = _complete_unless_off("currency", "amount")
    currency: Text = Field(default=UNSET, description="What is given, in your app's words.", examples=["coins"])
    amount: Amount = Field(default=UNSET, description="How much of it.", examples=[10])


class Geo(Block):
    """Where ads are asked for."""

    include: bool = Field(description="true: only in these countries; false: everywhere but there.", examples=[True])
    countries: list[str] = Field(
        min_length=1, description="ISO 3166 alpha-2 codes and names of countryGroups.", examples=[["BT", "SG"]]
    )


class CountryPrice(Block):
    """One line of floorPrices in the API's own form."""

    country: str = Field(description="An ISO 3166 alpha-2 code, WW, or a name of countryGroups.", examples=["US"])
    price: Price = Field(description="USD per thousand impressions, at least 0.01.", examples=[1.2])


def _floor_form(raw: Any) -> str:
    return "(list)" if isinstance(raw, list) else "(map)"


FloorPrices = Annotated[
    Annotated[dict[str, Price], Tag("(map)")] | Annotated[list[CountryPrice], Tag("(list)")], Discriminator(_floor_form)
]


def _annotation(spec: FieldSpec) -> Any:
    """The type of what a manifest declares for the field."""
    declared: Any
    match spec.type:
        case FlagType():
            declared = bool
        case TextType():
            declared = Text
        case BundleType():
            declared = Bundle
        case WordType() | WordsType():
            declared = _choice(spec.type)
        case CountType():
            declared = CountOrNone
        case PricesType():
            declared = FloorPrices
        case GeoType():
            declared = Geo
        case LimitType():
            declared = Frequency
        case RewardType():
            declared = Reward
        case _:
            assert_never(spec.type)
    return declared


def _choice(word: WordType | WordsType) -> Any:
    one = cast("Any", Literal)[word.choices]
    return one if isinstance(word, WordType) else Annotated[GenericAlias(list, (one,)), Field(min_length=1)]


def described(spec: FieldSpec, **more: Any) -> Any:
    """A pydantic field with the name, description and examples of the API's."""
    return Field(alias=spec.name, description=spec.description, examples=list(spec.examples), **more)


def declaring(specs: Iterable[FieldSpec]) -> Callable[[type[Decorated]], type[Decorated]]:
    """A decorator: the class with the fields behind its own, as attributes of their names, none of them required."""

    def declare(block: type[Decorated]) -> type[Decorated]:
        fields: dict[str, Any] = {}
        for spec in specs:
            declared = _annotation(spec)
            fields[spec.name] = declared | None if spec.turns_off else declared, described(spec, default=UNSET)
        return create_model(block.__name__, __base__=block, __doc__=block.__doc__, __module__=__name__, **fields)

    return declare


Platform = Literal["android", "ios"]
PlacementType = Literal["Banner", "Rewarded", "Interstitial", "MREC"]
Presence = Literal["present", "absent"]
Prune = Literal["report", "deactivate", "delete"]


class DriftAccepted(Block):
    """A difference between manifest and account that somebody agreed to."""

    field: Text = Field(description="The field, or a part of it with dots.", examples=["status", "floorPrices.US"])
    reason: Text = Field(description="Why it is accepted; shown in reports.", examples=["store review"])
    until: Day = Field(default=UNSET, description="The last day (UTC) it is accepted on.", examples=["2026-12-31"])


class LifecycleBlock(Block):
    """How differences and removal are treated."""

    ignore_changes: list[Text] = Field(
        default=UNSET, description="Fields that are never compared or sent once created.", examples=[["skipability"]]
    )
    protect: bool = Field(
        default=False, description="Never deactivate or delete it, even when its block is gone.", examples=[True]
    )
    distinct: bool = Field(
        default=False,
        description="It is another than a resource of the account whose name or bundle looks like its own. Without"
        " this or a pin nothing is created beside such a look-alike.",
        examples=[True],
    )
    accept_drift: list[DriftAccepted] = Field(
        default=UNSET,
        description="Differences that count as accepted.",
        examples=[[{"field": "status", "reason": "store review", "until": "2026-12-31"}]],
    )


_PLACED_BY: Final = ("name", "placementType")
"""Fields whose description differs between placements, tiers and waterfalls."""


@declaring(spec for spec in PLACEMENT_FIELDS.values() if spec.name not in _PLACED_BY)
class _PlacementFields(Block):
    """The API's fields alone."""


class PlacementFields(_PlacementFields):
    """What placements, tiers, waterfalls and defaults have in common. A field left out is not managed."""

    lifecycle: LifecycleBlock = Field(
        default=UNSET,
        description="What is not compared, not removed, or accepted as it is.",
        examples=[{"protect": True}],
    )


class _Named(PlacementFields):
    placement_id: Id = Field(
        default=UNSET, description="Optional pin: the id in the account; wins over the name.", examples=["243713"]
    )
    renamed_from: Text = Field(
        default=UNSET, description="The placement's whole former name; ignored once renamed.", examples=["int_12"]
    )
    state: Presence = Field(
        default="present",
        description="absent: deactivate, wait out the quarantine, then delete.",
        examples=["present"],
    )


class PlacementBlock(_Named):
    """A placement. Its name is its identity within the app."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["placementType"]},
                {"properties": {"state": {"const": "absent"}}, "required": ["state"]},
            ]
        }
    )
    name: Text = described(PLACEMENT_FIELDS["name"])
    placement_type: PlacementType = described(PLACEMENT_FIELDS["placementType"], default=UNSET)

    @model_validator(mode="after")
    def _typed_unless_absent(self) -> Self:
        if self.placement_type is None and self.state == "present":
            raise PydanticCustomError("incomplete", "{missing}", {"missing": "placementType"})
        return self


class TierBlock(_Named):
    """A rung of a waterfall: the placement `<waterfall>_<tier>`. Its fields win over the waterfall's."""

    name: Text = Field(description="The tier's name, unique within its waterfall.", examples=["high"])


class WaterfallBlock(PlacementFields):
    """A ladder of placements of one type, dearest first. Fields written here hold for every tier."""

    name: Text = Field(description="The beginning of each tier's placement name.", examples=["level_end"])
    placement_type: PlacementType = Field(description="The type of every tier.", examples=["Interstitial"])
    tiers: list[TierBlock] = Field(
        min_length=1,
        description="Dearest first; in every country each floor must be below the one above.",
        examples=[[{"name": "high", "floorPrices": {"WW": 6}}, {"name": "low", "floorPrices": {"WW": 0.01}}]],
    )


class _AppIdentity(Block):
    platform: Platform = described(APP_FIELDS["platform"])
    bundle: Bundle = described(APP_FIELDS["bundle"])
    app_id: Id = Field(
        default=UNSET, description="Optional pin: the id in the account; wins over the identity.", examples=["170709"]
    )


@declaring(APP_FIELDS[name] for name in APP_KEYS if name in APP_FIELDS and name not in _AppIdentity.model_fields)
class _AppFields(_AppIdentity):
    """The API's fields alone."""


class AppBlock(_AppFields):
    """An app. Platform and bundle are its identity. A field left out is not managed."""

    prune: Prune = Field(
        default=UNSET,
        description="What becomes of owned resources no manifest names; overrides the project's.",
        examples=["report"],
    )
    state: Presence = Field(
        default="present",
        description="absent: deactivate, wait out the quarantine, then delete.",
        examples=["present"],
    )
    lifecycle: LifecycleBlock = Field(
        default=UNSET,
        description="What is not compared, not removed, or accepted as it is.",
        examples=[{"protect": True}],
    )
    placements: list[PlacementBlock] = Field(
        default=UNSET,
        description="The app's placements. Without placements and waterfalls none are managed.",
        examples=[[{"name": "bottom", "placementType": "Banner", "bannerRefresh": 45}]],
    )
    waterfalls: list[WaterfallBlock] = Field(
        default=UNSET,
        description="Ladders of placements, each expanded to one placement per tier.",
        examples=[
            [
                {
                    "name": "level_end",
                    "placementType": "Interstitial",
                    "tiers": [{"name": "high", "floorPrices": {"WW": 6}}],
                }
            ]
        ],
    )


class ManifestDocument(DocumentBlock):
    """One document of a manifest file."""

    version: Version = Field(description="The version of this format.", examples=[1])
    apps: list[AppBlock] = Field(
        description="The apps of this document.",
        examples=[[{"platform": "android", "bundle": "com.cash_crash.54", "name": "CashCrash"}]],
    )
