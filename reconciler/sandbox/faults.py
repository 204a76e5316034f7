"""Faults: what goes wrong with a request, which requests are struck, and when. Quirks: points on which servers differ.

One class per fault. A faults file has the same names and values; `do` names the fault. Each quirk is a switch: its
default is what the vendor's own pages show, its other values were seen in public clients of the API, or are what the
pages leave open.
"""

import re
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


RESOURCES: Final = ("auth", "app", "placement", "token", "user-level-data", "file", "metrics")
"""Resources of requests: three of the Management API, then the last parts of the reporting APIs' paths, and `file`."""
_TARGET: Final = re.compile(rf"\*|(GET|POST|PUT|DELETE|\*) ({'|'.join(RESOURCES)}|\*)")
ELSEWHERE: Final = "https://reports.example.net"
_MOST_MEGABYTES: Final = 100_000
When: TypeAlias = Literal["before", "after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """Which requests are struck: all that match `on` and `containing`, or of these the `nth`, every n-th, or by chance.

    `on` is a method and a resource, as in `POST placement`; `*` stands for any of either. `containing` is looked for
    in the query and the body. `nth` counts matching requests from 1 and strikes `times` of them from there on (default
    1); otherwise `times` bounds how often the fault strikes in all.
    """

    on: str = "*"
    containing: str = ""
    nth: int | None = None
    every: int | None = None
    probability: float | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        if not _TARGET.fullmatch(self.on):
            raise ValueError(
                f"on: {self.on!r} is not a method and a resource: GET, POST, PUT, DELETE or *, then "
                f"{', '.join(RESOURCES)} or *"
            )
        if sum(choice is not None for choice in (self.nth, self.every, self.probability)) > 1:
            raise ValueError("only one of nth, every and probability can be given")
        if any(count is not None and count < 1 for count in (self.nth, self.every, self.times)):
            raise ValueError("nth, every and times count from 1")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError("a probability is between 0 and 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout(FaultRule):
    """Hold the connection for so many seconds, then close it without an answer."""

    do: Literal["timeout"] = "timeout"
    when: When = "before"
    seconds: float = 60

    def __post_init__(self) -> None:
        FaultRule.__post_init__(self)
        _refuse_negative(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(FaultRule):
    """Reset the connection without an answer."""

    do: Literal["reset"] = "reset"
    when: When = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(FaultRule):
    """Answer with a status that is no success, and how many seconds to wait where `retry_after` says so."""

    status: int
    do: Literal["status"] = "status"
    when: When = "before"
    retry_after: int | None = None

    def __post_init__(self) -> None:
        FaultRule.__post_init__(self)
        if not 300 <= self.status <= 599:
            raise ValueError("status is between 300 and 599")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate(FaultRule):
    """Announce the whole body, send half of it and close the connection."""

    do: Literal["truncate"] = "truncate"
    when: Literal["after"] = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(FaultRule):
    """Send the body in small parts over so many seconds."""

    do: Literal["slow"] = "slow"
    when: Literal["after"] = "after"
    seconds: float = 5

    def __post_init__(self) -> None:
        FaultRule.__post_init__(self)
        _refuse_negative(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage(FaultRule):
    """Answer 200 with a page of HTML."""

    do: Literal["garbage"] = "garbage"
    when: When = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty(FaultRule):
    """Answer 200 without a body."""

    do: Literal["empty"] = "empty"
    when: When = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Null(FaultRule):
    """Answer 200 with `null`."""

    do: Literal["null"] = "null"
    when: When = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadGzip(FaultRule):
    """Answer 200 with a body that is declared as gzip and is not."""

    do: Literal["bad-gzip"] = "bad-gzip"
    when: When = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bomb(FaultRule):
    """Answer 200 with a small gzip file that unpacks to so many megabytes."""

    do: Literal["bomb"] = "bomb"
    when: When = "before"
    megabytes: int = 2048

    def __post_init__(self) -> None:
        FaultRule.__post_init__(self)
        if not 0 < self.megabytes <= _MOST_MEGABYTES:
            raise ValueError(f"megabytes are between 1 and {_MOST_MEGABYTES}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(FaultRule):
    """Answer 302 with the location `to`."""

    do: Literal["redirect"] = "redirect"
    when: When = "before"
    to: str = ELSEWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongHost(FaultRule):
    """Order a report; the URL in the response has the host `to`."""

    do: Literal["astray"] = "astray"
    when: Literal["after"] = "after"
    to: str = ELSEWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRow(FaultRule):
    """Answer a report that ends within its last row; the announced length is that of the shortened body."""

    do: Literal["cut-row"] = "cut-row"
    when: Literal["after"] = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatRow(FaultRule):
    """Answer a report with its last row twice."""

    do: Literal["repeat-row"] = "repeat-row"
    when: Literal["after"] = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireToken(FaultRule):
    """Revoke every token and answer 401."""

    do: Literal["expire-token"] = "expire-token"
    when: Literal["before"] = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging(FaultRule):
    """Answer the first half of a list, in a wrapper whose key `hint` says that there is more."""

    do: Literal["paging"] = "paging"
    when: Literal["after"] = "after"
    hint: Literal["next", "nextPage", "cursor", "total"] = "next"


@dataclass(frozen=True, slots=True, kw_only=True)
class Omit(FaultRule):
    """Leave resources out of a list: the last so many, or those with the given ids."""

    do: Literal["omit"] = "omit"
    when: Literal["after"] = "after"
    omit: int | tuple[int | str, ...] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate(FaultRule):
    """Show the first resource of a list twice."""

    do: Literal["duplicate"] = "duplicate"
    when: Literal["after"] = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class OldId(FaultRule):
    """Answer a create with an id that already exists: `id`, or that of the newest resource of its kind.

    With `fields` the response has the fields of that resource. Without such a resource the fault does nothing.
    """

    do: Literal["old-id"] = "old-id"
    when: When = "before"
    id: int | str | None = None
    fields: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo(FaultRule):
    """Answer an update with the fields that it sent, without carrying it out."""

    do: Literal["echo"] = "echo"
    when: Literal["before"] = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Late(FaultRule):
    """Reset the connection without an answer, and carry the request out so many seconds later."""

    do: Literal["late"] = "late"
    when: Literal["after"] = "after"
    seconds: float = 5

    def __post_init__(self) -> None:
        FaultRule.__post_init__(self)
        _refuse_negative(self.seconds)


ListFault: TypeAlias = Paging | Omit | Duplicate
ReportFault: TypeAlias = CutRow | RepeatRow
AnswerFault: TypeAlias = (
    Status | Garbage | Empty | Null | BadGzip | Bomb | Redirect | WrongHost | ExpireToken | ListFault | ReportFault
)
"""Faults that replace the response, which is then sent completely."""
CallFault: TypeAlias = OldId | Echo
"""Faults that an API carries out itself, as they depend on the account."""
WireFault: TypeAlias = Timeout | Reset | Truncate | Slow | Late
"""Faults of the connection."""
Fault: TypeAlias = AnswerFault | CallFault | WireFault


def _refuse_negative(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("seconds are not below 0")
