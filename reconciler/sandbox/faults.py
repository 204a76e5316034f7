"""Faults: what goes wrong with a request, which requests are struck, and when.

One class per fault. A faults file has the same names and values; `do` names the fault.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

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
