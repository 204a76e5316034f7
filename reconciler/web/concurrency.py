"""How many calls an API is sent side by side: more while it answers well, fewer when it does not. See docs/adr/0016."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Condition
from typing import Final

FIRST: Final = 8
"""What a run begins with, and what slow answers alone never go below: no API made for programs minds so many."""

ROUND: Final = 16
"""Answers over which their time is smoothed: one large list among small ones tells nothing."""

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
        """The width to begin with."""
        return cls(most, min(most, FIRST))

    def after(self, *, sent_at: float, now: float, throttled: bool, slow: bool) -> "ConcurrencyLimit":
        """The width once an answer has come, in monotonic seconds.

        `throttled`: it asked for less traffic (429); `slow`: answers like it take ever longer.
        """
        if not throttled and not slow:
            step = 1.0 if self.cut_at is None else 1.0 / self.limit
            return replace(self, limit=min(self.most, self.limit + step))
        if self.cut_at is not None and sent_at < self.cut_at:
            return self
        if throttled:
            return replace(self, limit=max(1.0, self.limit * SHRINK_THROTTLED), cut_at=now)
        least = min(self.limit, FIRST)
        return replace(self, limit=max(least, self.limit * SHRINK_SLOW), cut_at=now)


class CallLimiter:
    """Counts the calls under way. Safe to share between workers."""

    def __init__(self, most: int) -> None:
        self._width = ConcurrencyLimit.up_to(most)
        self._latency: dict[str, Latency] = {}
        self._under_way = 0
        self._turn = Condition()

    @property
    def width(self) -> ConcurrencyLimit:
        """What calls are held to now."""
        return self._width

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One call, with its tries and the pauses between them; waits until there is room for it."""
        with self._turn:
            while self._under_way >= int(self._width.limit):
                self._turn.wait()
            self._under_way += 1
        try:
            yield
        finally:
            with self._turn:
                self._under_way -= 1
                self._turn.notify()

    def heard(self, kind: str, *, sent_at: float, now: float, throttled: bool) -> None:
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
