"""The manifest format as pydantic models. Descriptions and examples go into the JSON Schemas, and so into editors."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic.config import ConfigDict
from pydantic_core import PydanticCustomError

from reconciler.manifest.block import UNSET, Amount, Block, Bundle, Count, Day, DocumentBlock, Id, Price, Text, Version

Status = Literal["active", "inactive"]
Platform = Literal["android", "ios"]
PlacementType = Literal["Banner", "Rewarded", "Interstitial", "MREC"]
CreativeType = Literal["video", "display"]
Connection = Literal["Cellular", "WIFI"]
Unit = Literal["second", "minute", "hour", "day"]
Presence = Literal["present", "absent"]
Prune = Literal["report", "deactivate", "delete"]


def _complete_unless_off(*names: str) -> ConfigDict:
    """A schema in which the named fields may be missing only where `enabled` is false."""
    off: dict[str, Any] = {"properties": {"enabled": {"const": False}}, "required": ["enabled"]}
    return ConfigDict(json_schema_extra={"anyOf": [{"required": list(names)}, off]})


class Switchable(Block):
    """A block with a switch: turned off it needs nothing else."""

    enabled: bool = Field(default=True, description="false turns it off; so does null in its place.", examples=[True])

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in type(self).model_fields if name != "enabled" and getattr(self, name) is None]
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


class PlacementFields(Block):
    """What placements, tiers, waterfalls and defaults have in common. A field left out is not managed."""

    status: Status = Field(default=UNSET, description="Whether it serves ads.", examples=["active"])
    coppa: bool = Field(default=UNSET, description="Directed to children under 13 (COPPA).", examples=[False])
    creative_types: list[CreativeType] = Field(
        default=UNSET,
        min_length=1,
        description="Kinds of creative; Interstitial only.",
        examples=[["video", "display"]],
    )
    banner_refresh: Count = Field(default=UNSET, description="Refresh interval; Banner only.", examples=[45])
    floor_prices: FloorPrices = Field(
        default=UNSET,
        description="Least prices in USD per thousand impressions, by country, group, or WW for all others (0.01 unless"
        " said). A country's own line beats its group's.",
        examples=[{"WW": 0.01, "US": 1.2}, [{"country": "US", "price": 1.2}]],
    )
    targeting_enabled: bool = Field(
        default=UNSET, description="Must be true where geo or connectivity are set.", examples=[True]
    )
    geo: Geo | None = Field(
        default=UNSET,
        description="Countries to ask for ads in; null turns it off.",
        examples=[{"include": True, "countries": ["BT", "SG"]}],
    )
    connectivity: Annotated[list[Connection], Field(min_length=1)] | None = Field(
        default=UNSET, description="Connections to ask for ads on; null turns it off.", examples=[["WIFI"]]
    )
    capping: Frequency | None = Field(
        default=UNSET,
        description="Most impressions per unit of time; null turns it off.",
        examples=[{"value": 12, "unit": "minute"}],
    )
    pacing: Frequency | None = Field(
        default=UNSET,
        description="Least time between impressions; null turns it off.",
        examples=[{"value": 13, "unit": "second"}],
    )
    ssr_config: Reward | None = Field(
        default=UNSET,
        description="Reward announced from server to server; Rewarded only; null turns it off.",
        examples=[{"currency": "coins", "amount": 10}],
    )
    skipability: Text = Field(default=UNSET, description="Whether an ad can be skipped.", examples=["NonSkippable"])
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
    name: Text = Field(description="The placement's name, unique within its app.", examples=["int_13"])
    placement_type: PlacementType = Field(
        default=UNSET, description="What it shows; fixed once created.", examples=["Interstitial"]
    )

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


class AppBlock(Block):
    """An app. Platform and bundle are its identity. A field left out is not managed."""

    platform: Platform = Field(description="The store's platform.", examples=["android"])
    bundle: Bundle = Field(
        description="Android package name; for iOS the App Store number or a bundle id.",
        examples=["com.cash_crash.54", 1234567],
    )
    app_id: Id = Field(
        default=UNSET, description="Optional pin: the id in the account; wins over the identity.", examples=["170709"]
    )
    name: Text = Field(default=UNSET, description="Needed to create the app.", examples=["CashCrash"])
    category1: Text = Field(
        default=UNSET, description="First store category; needed to create the app.", examples=["Finance"]
    )
    category2: Text = Field(default=UNSET, description="Second store category.", examples=["Business"])
    coppa: bool = Field(
        default=UNSET, description="Directed to children under 13 (COPPA); needed to create the app.", examples=[False]
    )
    status: Status = Field(default=UNSET, description="Whether the app serves ads.", examples=["active"])
    rewarded_ad_url: Text = Field(
        default=UNSET,
        description="https address called for rewards; should hold the macro {{USER_ID}}.",
        examples=["https://example.com/cb?user_id={{USER_ID}}&amount={{AMOUNT}}&sig={{SIG}}"],
    )
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
