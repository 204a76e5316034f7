"""Quirks: the points on which servers of this API differ, each a switch.

The defaults are what the vendor's own pages show. The other values were seen in public clients of the API, or are what
the pages leave open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from reconciler.manifest.country_expansion import COUNTRIES
from reconciler.model.field import APP_FIELDS, PLACEMENT_FIELDS
from reconciler.model.floors import MINIMUM, WORLDWIDE

_REFUSALS: Final = (400, 409)
_CREATED: Final = (200, 201)


@dataclass(frozen=True, slots=True)
class Quirks:
    """How this server differs. In a faults file the names are written in camelCase (`listShape`)."""

    list_shape: Literal["array", "lone-object", "named", "data", "list"] = "array"
    """`lone-object`: a list of one is the object itself. `named`, `data`, `list`: wrapped under `apps` or
    `placements`, `data`, `list`."""
    empty_list: Literal["same", "empty-body"] = "same"
    """`empty-body`: a list of placements without any is a 200 without a body."""
    unknown_app: Literal["empty", "empty-body", "not-found"] = "empty"
    """The placements of an app that there is not: as an empty list, a 200 without a body, or a 404."""
    ids: Literal["string", "number"] = "string"
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
    metrics_calls: int = 40
    """Calls for mediation metrics that are taken in ten minutes."""

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
