"""The format of `reconciler.yaml` as pydantic models, with descriptions and examples for the JSON Schema."""

from typing import Annotated, Literal

from pydantic import Field

from reconciler.manifest.block import AS_DOUBLE, UNSET, Block, DocumentBlock, Id, Percent, Text, Version
from reconciler.manifest.models import PlacementFields, Prune
from reconciler.model.desired import OnDrift, Safety

_LIMITS = Safety()
USUAL_MANIFESTS = ("apps/**/*.{yaml,yml}",)
"""Where manifests are unless the settings say otherwise."""


class ByTypeBlock(Block):
    """Defaults for placements of one type."""

    banner: PlacementFields = Field(
        default=UNSET, alias="Banner", description="For Banner placements.", examples=[{"bannerRefresh": 45}]
    )
    rewarded: PlacementFields = Field(
        default=UNSET,
        alias="Rewarded",
        description="For Rewarded placements.",
        examples=[{"ssrConfig": {"currency": "coins", "amount": 10}}],
    )
    interstitial: PlacementFields = Field(
        default=UNSET,
        alias="Interstitial",
        description="For Interstitial placements.",
        examples=[{"creativeTypes": ["video"]}],
    )
    mrec: PlacementFields = Field(
        default=UNSET, alias="MREC", description="For MREC placements.", examples=[{"coppa": False}]
    )


class DefaultsBlock(Block):
    """Fields merged under every placement; the more specific wins, field by field."""

    placements: PlacementFields = Field(default=UNSET, description="For all placements.", examples=[{"coppa": False}])
    by_type: ByTypeBlock = Field(
        default=UNSET,
        description="For placements of one type; wins over `placements`.",
        examples=[{"Banner": {"bannerRefresh": 45}}],
    )


class SafetyBlock(Block):
    """Limits no run goes beyond unless told so on the command line."""

    max_deletes: int = Field(
        default=_LIMITS.max_deletes,
        ge=0,
        description="How many resources a run may delete; further deletes are held, and the rest goes on.",
        examples=[0],
    )
    max_change_percent: Percent = Field(
        default=_LIMITS.max_change_percent,
        description="Most owned resources a plan may touch, in percent; counted from 10 up.",
        examples=[30],
    )
    max_floor_change_percent: Percent = Field(
        default=_LIMITS.max_floor_change_percent,
        description="Most a floor may move either way, in percent.",
        examples=[50],
    )
    max_floor: Annotated[float, Field(ge=0.01, allow_inf_nan=False), AS_DOUBLE] = Field(
        default=_LIMITS.max_floor, description="Highest floor in USD per thousand impressions.", examples=[50]
    )
    settle_seconds: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False), AS_DOUBLE] = Field(
        default=_LIMITS.settle_seconds,
        description="Seconds a create of unknown outcome is given to appear, at least, before it may be sent again.",
        examples=[30],
    )
    quarantine_days: Annotated[float, Field(ge=0, le=36_500, allow_inf_nan=False), AS_DOUBLE] = Field(
        default=_LIMITS.quarantine_days,
        description="How long a resource must have been inactive before it may be deleted.",
        examples=[14],
    )
    on_drift: OnDrift = Field(
        default=_LIMITS.on_drift,
        description="What becomes of fields that were changed in the account since the last apply: overwritten, "
        "overwritten with a note, or held until --overwrite-drift gives leave.",
        examples=["hold"],
    )


class PolicyBlock(Block):
    """A rule of the project's own, over every change of a plan."""

    name: Text = Field(description="What the policy is called in messages.", examples=["tier1-floor"])
    rule: Text = Field(
        description="What must hold for a change, in CEL, over `action`, `kind`, `address`, `app`, `name`, `id`, "
        "`fields`, `declared`, `floors` and `groups`.",
        examples=["size(floors) == 0 || groups.tier1.all(c, floors[c] >= 0.10)"],
    )
    message: Text = Field(
        description="What to say of a change that breaks it.", examples=["no floor under 0.10 in tier1"]
    )
    severity: Literal["error", "warning"] = Field(
        default="error", description="error: apply refuses the plan; warning: it is told.", examples=["error"]
    )


Names = Annotated[list[Text], Field(min_length=1)]


class ColumnsBlock(Block):
    """Names that columns have in this account's reports, tried before the usual ones, without case and punctuation."""

    date: Names = Field(default=UNSET, description="The day, UTC.", examples=[["Report Day"]])
    app_id: Names = Field(default=UNSET, description="The app's id.", examples=[["Fyber App ID"]])
    placement_id: Names = Field(default=UNSET, description="The placement's id.", examples=[["Spot ID"]])
    placement_name: Names = Field(default=UNSET, description="The placement's name.", examples=[["Spot Name"]])
    placement_type: Names = Field(default=UNSET, description="The placement's type.", examples=[["Ad Format"]])
    country: Names = Field(default=UNSET, description="The country.", examples=[["Country ISO"]])
    device_os: Names = Field(default=UNSET, description="The operating system.", examples=[["OS"]])
    user: Names = Field(default=UNSET, description="The user's or device's id.", examples=[["IDFA/GAID"]])
    impressions: Names = Field(default=UNSET, description="Impressions.", examples=[["Imps"]])
    revenue: Names = Field(default=UNSET, description="Revenue in USD.", examples=[["Net Revenue"]])


class ReportsBlock(Block):
    """How the vendors' reports are fetched and read, for floor suggestions."""

    columns: ColumnsBlock = Field(
        default_factory=ColumnsBlock,
        description="Names that columns have in this account's reports.",
        examples=[{"revenue": ["Net Payout"]}],
    )
    people: Literal["drop", "hash"] = Field(
        default="drop",
        description="What becomes of ids of users and devices: not kept, or hashed with the project's salt.",
        examples=["drop"],
    )
    hosts: Names = Field(
        default=UNSET,
        description="Hosts that report files may lie on, beside the API's own; `*.` stands for any names in front.",
        examples=[["*.amazonaws.com"]],
    )
    wait_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False), AS_DOUBLE] = Field(
        default=60, description="How long to wait for a report that was ordered.", examples=[60]
    )
    chartboost_apps: Names = Field(
        default=UNSET,
        description="Ids of the apps to ask Chartboost for; all of the account without.",
        examples=[["59c04299d989d60fc5d2c782"]],
    )


class SettingsDocument(DocumentBlock):
    """The settings of a project."""

    version: Version = Field(description="The version of this format.", examples=[1])
    publisher_id: Id = Field(description="The publisher's id, shown in the console.", examples=["3432"])
    manifests: list[Text] = Field(
        default=list(USUAL_MANIFESTS),
        min_length=1,
        description="Where manifests are: patterns relative to this file, with forward slashes; `{a,b}` is either.",
        examples=[["apps/**/*.{yaml,yml}"]],
    )
    defaults: DefaultsBlock = Field(
        default=UNSET,
        description="Fields merged under every placement: the placement's own win, then byType, then placements.",
        examples=[{"placements": {"coppa": False}, "byType": {"Banner": {"bannerRefresh": 45}}}],
    )
    country_groups: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(
        default=UNSET,
        description="Names for lists of countries (ISO 3166 alpha-2), usable in floorPrices and geo.",
        examples=[{"tier1": ["US", "CA", "GB", "AU"], "nordics": ["SE", "NO", "DK", "FI"]}],
    )
    prune: Prune = Field(
        default="report", description="What becomes of owned resources that no manifest names.", examples=["report"]
    )
    safety: SafetyBlock = Field(
        default_factory=SafetyBlock,
        description="How much one run may change or delete, and how high a floor may be.",
        examples=[{"maxDeletes": 0, "maxFloor": 50}],
    )
    reports: ReportsBlock = Field(
        default_factory=ReportsBlock,
        description="How reports are fetched and read, for floor suggestions.",
        examples=[{"people": "drop", "waitMinutes": 60}],
    )
    policies: list[PolicyBlock] = Field(
        default_factory=list,
        description="Rules of the project's own that every change must keep.",
        examples=[[{"name": "no-deletes", "rule": "action != 'delete'", "message": "nothing is deleted here"}]],
    )
