"""Whether and when a call is tried again, and how many calls may be under way at once.

Decisions come as seconds or None; the client does the waiting. Only `CallLimiter` waits, for its turn.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from threading import Condition
from types import TracebackType
from typing import Final

from reconciler.http.exchange import Attempt, NoResponse, RequestNotSent, Response


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long and how often. Times are seconds.

    `deadline` bounds a call with all its tries and waits; `connect` and `read` a single wait for the network. A server
    that asks for less traffic (429) is not in trouble, so it is given more tries than one that fails.
    """

    deadline: float = 120.0
    connect: float = 10.0
    read: float = 30.0
    tries: int = 5
    throttled_tries: int = 12
    first_pause: float = 0.25
    longest_pause: float = 8.0


def is_throttled(end: Attempt) -> bool:
    """Whether the server asked for less traffic, and so did nothing."""
    return isinstance(end, Response) and end.status == 429


def may_have_been_done(end: Attempt) -> bool:
    """Whether the server may have acted although it did not say so."""
    match end:
        case Response(status=status):
            return status == 408 or status >= 500
        case NoResponse():
            return True
        case RequestNotSent():
            return False


def pause(  # noqa: PLR0913 - a decision over six plain facts
    end: Attempt, *, nth: int, repeatable: bool, asked: float | None, chance: float, left: float, patience: RetryPolicy
) -> float | None:
    """Seconds to wait before the next try, or None where there is none.

    `nth` counts the tries that ended this way (throttled or failed), from 1; `asked` is what Retry-After asks for;
    `chance` is in 0..1 and spreads the workers over the pause (full jitter); `left` is the time the call still has.
    """
    if not _worth_another(end, repeatable=repeatable):
        return None
    if nth >= (patience.throttled_tries if is_throttled(end) else patience.tries):
        return None
    seconds = (asked or 0.0) + chance * min(patience.longest_pause, patience.first_pause * 2 ** (nth - 1))
    return seconds if seconds < left else None


def _worth_another(end: Attempt, *, repeatable: bool) -> bool:
    if isinstance(end, NoResponse | RequestNotSent) and end.final:
        return False
    if isinstance(end, RequestNotSent) or is_throttled(end):
        return True
    return repeatable and may_have_been_done(end)


_SECONDS: Final = re.compile(r"\d{1,20}(\.\d{1,20})?", re.ASCII)


def retry_after(header: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or as a date; None where it asks for nothing."""
    text = (header or "").strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return float(text)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - slow to import, and hardly any answer names a date

    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


_MOST_SECONDS: Final = 100 * 366 * 86_400
"""A century: what a server asks for beyond that is a mistake of its own, and no date is reckoned from it."""
_UNITS: Final = ((2 * 86_400, 86_400, "days"), (5_400, 3_600, "h"), (90, 60, "min"), (0, 1, "s"))


def until_words(seconds: float, now: datetime) -> str:
    """When seconds from now are over, in words: a time in UTC, never too early, and how long that is."""
    whole = ceil(min(seconds, _MOST_SECONDS))
    try:
        until = (now + timedelta(seconds=whole + (now.microsecond > 0))).astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        return "for more than a lifetime"
    size, name = next((size, name) for least, size, name in _UNITS if whole >= least)
    return f"until {until:%Y-%m-%d %H:%M:%S} UTC, in {whole / size:.3g} {name}"


FIRST: Final = 8
"""What a run begins with, and what slow answers alone never go below: no API made for programs minds so many."""

ROUND: Final = 16
"""Answers over which their time is smoothed, so that one large list among small ones does not count."""

RISEN_FACTOR: Final = 2.0
RISEN_SECONDS: Final = 0.5
"""Answers that take twice as long as they did at their best, and this on top, wait in a queue; less may be our own."""

SHRINK_SLOW: Final = 0.8
SHRINK_THROTTLED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Latency:
    """The seconds that answers of one kind take, smoothed, and the least that these have been."""

    smoothed: float
    least: float

    def after(self, took: float) -> "Latency":
        """With one more answer."""
        smoothed = self.smoothed + (took - self.smoothed) / ROUND
        return Latency(smoothed, min(self.least, smoothed))

    @property
    def risen(self) -> bool:
        """Whether answers take so much longer than they did that the API must be busy with us."""
        return self.smoothed > RISEN_FACTOR * self.least + RISEN_SECONDS


@dataclass(frozen=True, slots=True)
class ConcurrencyLimit:
    """`limit` requests at once, at most `most`; additive increase, multiplicative decrease, as of TCP (RFC 5681).

    Until the first bad answer every good one lets one more request out, which doubles the limit in each round trip;
    from then on a whole round of good ones does. `cut_at` is the second of the last decrease: what was sent before
    says nothing of the limit since.
    """

    most: int
    limit: float
    cut_at: float | None = None

    @classmethod
    def up_to(cls, most: int) -> "ConcurrencyLimit":
        """The limit to begin with."""
        return cls(most, min(most, FIRST))

    def after(self, *, sent_at: float, now: float, throttled: bool, slow: bool) -> "ConcurrencyLimit":
        """The limit after an answer; times are monotonic seconds.

        `throttled`: it asked for less traffic (429); `slow`: answers like it take ever longer.
        """
        if not throttled and not slow:
            if self.limit >= self.most:
                return self
            step = 1.0 if self.cut_at is None else 1.0 / self.limit
            return replace(self, limit=min(self.most, self.limit + step))
        if self.cut_at is not None and sent_at < self.cut_at:
            return self
        if throttled:
            return replace(self, limit=max(1.0, self.limit * SHRINK_THROTTLED), cut_at=now)
        least = min(self.limit, FIRST)
        return replace(self, limit=max(least, self.limit * SHRINK_SLOW), cut_at=now)


class CallLimiter:
    """Counts the calls under way: each is made `with` it. Safe to share between workers."""

    def __init__(self, most: int) -> None:
        self._width = ConcurrencyLimit.up_to(most)
        self._latency: dict[str, Latency] = {}
        self._under_way = 0
        self._turn = Condition()

    @property
    def width(self) -> ConcurrencyLimit:
        """What calls are held to now."""
        return self._width

    def __enter__(self) -> None:
        """A call begins: wait until there is room for it, with its tries and the pauses between them."""
        with self._turn:
            while self._under_way >= int(self._width.limit):
                self._turn.wait()
            self._under_way += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._turn:
            self._under_way -= 1
            self._turn.notify()

    def on_response(self, kind: str, *, sent_at: float, now: float, throttled: bool) -> None:
        """An answer to a request of some kind has come, in monotonic seconds. `throttled`: it asked for less."""
        took = now - sent_at
        with self._turn:
            known = self._latency.get(kind)
            if not throttled:
                known = Latency(took, took) if known is None else known.after(took)
                self._latency[kind] = known
            slow = known is not None and known.risen
            before = int(self._width.limit)
            self._width = self._width.after(sent_at=sent_at, now=now, throttled=throttled, slow=slow)
            if int(self._width.limit) > before:
                self._turn.notify()
