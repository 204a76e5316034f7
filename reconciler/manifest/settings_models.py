"""The format of `reconciler.yaml` as pydantic models, described for the JSON Schema; and checks of its policies.

Policies are CEL rules with unique names, checked for syntax, unknown names and cost.
"""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from reconciler.manifest.block import AS_DOUBLE, UNSET, Block, DocumentBlock, Id, Percent, Text, Version
from reconciler.manifest.models import PlacementFields, Prune
from reconciler.manifest.parsed_manifest import Reporter
from reconciler.model.state import OnDrift, Policy, Safety
from reconciler.yaml.node import Map
from reconciler.yaml.scalar import did_you_mean, quoted

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


FACTS_HINT: Final = "docs/policies.md tells what a rule can speak of"

FACTS: Final = ("action", "kind", "address", "app", "name", "id", "fields", "declared", "floors", "groups")
"""The variables that a rule can use."""

_TYPES: Final = ("bool", "int", "uint", "double", "string", "bytes", "list", "map", "type", "null_type")
_BOUND: Final = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*(\w+)\s*,")
"""Where a rule names each part of a list, as in `floors.all(country, ...)`."""

LONGEST_RULE: Final = 4096
"""Characters; a longer rule cannot be reviewed."""

DEEPEST_LOOP: Final = 3
"""Loops in one another: over fields, over countries and over the countries of a group, say."""

MISSING: Final = "policies are read with common-expression-language: not installed"
INSTALL_HINT: Final = "it is in the extra waterfall-reconciler[policies]; docs/policies.md tells how to add it"

SIMPLER_RULE_HINT: Final = "write a simpler rule, or several; docs/policies.md tells what a rule may cost"
_PART: Final = re.compile(
    r"//[^\n]*|[bB]?[rR]\"[^\"\n]*\"?|[bB]?[rR]'[^'\n]*'?|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?"
    r"|\.\s*(?:all|exists|exists_one|map|filter)\s*\(|[()\[\]{}]"
)
"""What matters to how deep loops stand: comments and texts, in which no bracket counts, loops, and brackets."""


def read_policies(blocks: Sequence[PolicyBlock], raw: Map, reporter: Reporter) -> tuple[Policy, ...]:
    """The policies as declared.

    Reports a rule that is not CEL, an unknown variable in one, a name that is used twice, and that the CEL library is
    missing.
    """
    if not blocks:
        return ()
    written = raw["policies"]
    compiled = _compiler()
    if compiled is None:
        reporter.error(raw.key_place("policies"), "missing-library", MISSING, INSTALL_HINT)
    names: set[str] = set()
    for at, block in enumerate(blocks):
        if block.name in names:
            reporter.error(written[at].value_place("name"), "bad-policy", f"{quoted(block.name)} is there twice")
        names.add(block.name)
        message, hint = _cost_error(block.rule), SIMPLER_RULE_HINT
        if not message and compiled is not None:
            message, hint = _cel_error(compiled, block.rule)
        if message:
            reporter.error(written[at].value_place("rule"), "bad-policy", message, hint)
    return tuple(Policy(block.name, block.rule, block.message, block.severity) for block in blocks)


def _compiler() -> Callable[[str], Any] | None:
    """The function that compiles a rule; None where the library is not installed, or does not load."""
    try:
        from cel import compile as compiled  # noqa: PLC0415 - costs 0.2 s to import, and few projects have policies
    except ImportError:
        return None
    compiler: Callable[[str], Any] = compiled
    return compiler


def _cost_error(rule: str) -> str:
    """The error of a rule that costs too much for any change; empty for others."""
    if len(rule) > LONGEST_RULE:
        return f"the rule has {len(rule):,} characters; {LONGEST_RULE:,} are read"
    depth = _loop_depth(rule)
    return f"{depth} loops stand in one another; {DEEPEST_LOOP} may" if depth > DEEPEST_LOOP else ""


def _loop_depth(rule: str) -> int:
    """How many loops (`all`, `map` and the like) stand in one another at most."""
    opened: list[bool] = []
    deepest = 0
    for part in _PART.findall(rule):
        if part[-1] == "(" or part in {"[", "{"}:
            opened.append(part[0] == ".")
            deepest = max(deepest, sum(opened))
        elif part in {")", "]", "}"} and opened:
            opened.pop()
    return deepest


def _cel_error(compiled: Callable[[str], Any], rule: str) -> tuple[str, str]:
    try:
        program = compiled(rule)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - the library is native: what it panics with is no Exception
        return f"the rule is not CEL: {_first_line(error)}", FACTS_HINT
    return _unknown_name_error(program, rule)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _unknown_name_error(program: Any, rule: str) -> tuple[str, str]:
    """The error and hint for the first unknown name in a rule; both empty where there is none."""
    known = {*FACTS, *_TYPES, *_BOUND.findall(rule)}
    unknown = [name for name in program.variables() if name not in known]
    if not unknown:
        return "", ""
    return f"the rule uses {quoted(unknown[0])}, which is not defined", did_you_mean(unknown[0], FACTS) or FACTS_HINT
