"""Where workers wait for their turn to call: no more of them are let through than the `Width` says."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from reconciler.web.width import Latency, Width


class Gate:
    """Counts the calls under way. Safe to share between workers."""

    def __init__(self, most: int) -> None:
        self._width = Width.up_to(most)
        self._latency: dict[str, Latency] = {}
        self._under_way = 0
        self._turn = Condition()

    @property
    def width(self) -> Width:
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
