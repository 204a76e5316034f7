"""Quirks: points on which servers differ.

Each is a switch: its default is what the vendor's own pages show, its other values were seen in public clients of the
API, or are what the pages leave open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from reconciler.manifest.layer import COUNTRIES
from reconciler.model.field import APP_FIELDS, PLACEMENT_FIELDS
from reconciler.model.value import MINIMUM, WORLDWIDE

_REFUSALS: Final = (400, 409)
_CREATED: Final = (200, 201)
_MOST_REDIRECTS: Final = 9


MediationQuirk: TypeAlias = Literal[
    "nulls", "today", "default-lists", "no-partner", "no-partner-unnamed", "form-token", "v5-token"
]
"""`nulls`: metrics of nothing are null. `today`: days that are not complete have rows. `default-lists`: empty lists and
filters count as none. `no-partner`: the dimension `partner_placement_name` is refused; `-unnamed`: without its name.
`form-token`: a token's request may be a form. `v5-token`: tokens are given at `/v5/oauth/token` alone."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """How this server differs. In a faults file the names are written in camelCase (`listShape`)."""

    list_shape: Literal["array", "lone-object", "named", "data", "list"] = "array"
    """`lone-object`: a list of one is the object itself. `named`, `data`, `list`: wrapped under `apps` or
    `placements`, `data`, `list`."""
    empty_list: Literal["same", "empty-body", "null", "not-found"] = "same"
    """A list of placements without any: `empty-body` is a 200 without a body, `null` a null under `data`, `not-found` a
    404."""
    unknown_app: Literal["empty", "empty-body", "not-found"] = "empty"
    """The placements of an app that there is not: as an empty list, a 200 without a body, or a 404."""
    ids: Literal["string", "number"] = "string"
    own_ids: Literal["named", "id"] = "named"
    """`id`: answers have a resource's own id under `id`."""
    auth: Literal["json", "either"] = "json"
    """`either`: the Management API's token is also given to a form."""
    app_status: Literal["kept", "ignored"] = "kept"
    """`ignored`: an app is created active, whatever was sent."""
    empty_targeting: Literal["taken", "refused"] = "taken"
    """`refused`: a list of countries or connections must not be empty."""
    keys: Literal["vendor", "plain", "contrary"] = "vendor"
    """`vendor`: odd in the answers to creates and in `createTypes`, as the pages have it. `plain`: as requests are
    spelled. `contrary`: `appid`, `PlacementId`, `storeURL`, `createTypes` in every answer."""
    booleans: Literal["boolean", "text", "empty-false"] = "boolean"
    """`text`: "true" and "false". `empty-false`: false is an empty string, true a boolean."""
    off_blocks: Literal["absent", "shown"] = "absent"
    """`shown`: capping, pacing and reward that are off come back as such."""
    put: Literal["merge", "replace"] = "merge"
    """`replace`: what an update does not send goes back to its default."""
    floors: Literal["replace", "merge"] = "replace"
    """What a table of floors that is sent does to the lines it does not name."""
    hidden: tuple[str, ...] = ()
    """Fields that are taken and never given back, by the names they are sent under."""
    put_answer: Literal["full", "message", "stale"] = "full"
    """`message`: no fields. `stale`: the fields as they were before."""
    create_answer: Literal["full", "id", "no-id"] = "full"
    create_status: int = 200
    """200 or 201."""
    refusal_status: int = 400
    """400 or 409, for requests that are not valid. An unknown store category is always a 409."""
    message_key: Literal["message", "msg", "error"] = "message"
    expires_in: Literal["number", "text"] = "number"
    token_seconds: float = 3600
    appears_after: float = 0
    """Seconds until a created resource shows in lists."""
    found_after: float = 0
    """Seconds until a created resource can be read by its id."""
    updates_after: float = 0
    """Seconds for which reads show what was there before an update, and lists what was deleted."""
    replicas: tuple[float, ...] = (0,)
    """The servers that lists are read of in turn, drawn by chance: by how many seconds each lags beside the above."""
    names: Literal["sent", "lower", "trim", "cut16", "dashes", "escape"] = "sent"
    """How names and bundles are kept: as sent, in lower case, without blanks at their ends, cut to 16 characters, with
    `-` for `_`, or with what HTML has a meaning for escaped."""
    prices: float = 0
    """The step in USD whose nearest multiple is kept of a price; 0: prices are kept as sent."""
    drops: tuple[str, ...] = ()
    """Countries whose lines in a table of floors are not kept."""
    adds: Mapping[str, float] = field(default_factory=dict)
    """Lines that a table of floors gets for countries that it has none for, in USD."""
    kept_answer: Literal["stored", "sent"] = "stored"
    """Whether full answers to writes show what is stored or what was sent."""
    dedup: bool = False
    """A create of a like name in the same app, or a like bundle, makes nothing and is answered with what is there."""
    store_names: bool = False
    """The name of an app becomes what the store calls it, not what was sent."""
    report_reads: int = 2
    """How often the URL of a user level report is read in vain."""
    report_seconds: float = 10_800
    """How long that URL is good for."""
    report_orders: Literal["strict", "loose"] = "strict"
    """`loose`: orders without `format=csv`, with the app's id as a number, and tokens asked for by a form are taken."""
    report_redirects: int = 0
    """Over how many redirects the URL of a report leads to its file."""
    report_ranges: bool = True
    """Whether parts of a file are given (`Range`, `If-Range`)."""
    report_without: tuple[str, ...] = ()
    """Columns that reports lack, by the order's names for them: `date`, `appId`."""
    masked_users: str = "masked"
    """What stands for the user in a row that sums users whose revenue is hidden."""
    user_level: Literal["on", "off", "empty"] = "on"
    """`off`: orders are refused, as for an app that it is not turned on for. `empty`: reports hold no rows."""
    metrics_calls: int = 40
    """Calls for mediation metrics that are taken in ten minutes."""
    mediation: tuple[MediationQuirk, ...] = ()
    """How the mediation API differs: see `MediationQuirk`."""

    def __post_init__(self) -> None:
        if self.create_status not in _CREATED or self.refusal_status not in _REFUSALS:
            raise ValueError("createStatus is 200 or 201, refusalStatus 400 or 409")
        unknown = set(self.hidden) - set(APP_FIELDS) - set(PLACEMENT_FIELDS)
        if unknown:
            raise ValueError(f"hidden: there is no field {', '.join(sorted(unknown))}")
        if self.token_seconds <= 0 or self.appears_after < 0:
            raise ValueError("tokenSeconds is above 0, appearsAfter is not below 0")
        if self.found_after < 0 or self.updates_after < 0 or not self.replicas or min(self.replicas) < 0:
            raise ValueError("foundAfter and updatesAfter are not below 0, replicas are one or more and none below 0")
        unknown = {*self.drops, *self.adds} - COUNTRIES - {WORLDWIDE}
        if unknown or WORLDWIDE in self.drops:
            raise ValueError(f"drops and adds name countries; {', '.join(sorted(unknown)) or WORLDWIDE} cannot be one")
        if self.prices < 0 or any(price < MINIMUM for price in self.adds.values()):
            raise ValueError(f"prices is not below 0, a price in adds not below {MINIMUM}")
        if not 0 <= self.report_redirects <= _MOST_REDIRECTS or set(self.report_without) - {"date", "appId"}:
            raise ValueError("reportRedirects are 0 to 9, reportWithout holds date and appId")
        if self.report_reads < 0 or self.report_seconds < 0 or self.metrics_calls < 1:
            raise ValueError("reportReads and reportSeconds are not below 0, metricsCalls is above 0")

    @property
    def longest_lag(self) -> float:
        """Seconds after which every read shows what is there."""
        return max(self.appears_after, self.found_after, self.updates_after) + max(self.replicas)

    def token_lifetime(self, seconds: float) -> str | float:
        """The lifetime of a token as responses show it: a number, or its text."""
        number = int(seconds) if seconds == int(seconds) else seconds
        return str(number) if self.expires_in == "text" else number
