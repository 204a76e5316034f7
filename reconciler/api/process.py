"""What a run asks of the machine: time, Python's collector of garbage, and open files."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final

try:
    import resource
except ImportError:  # Windows, which has no such limit on connections
    resource = None  # type: ignore[assignment]


class SystemClock:
    """The machine's clock. Implements `ports.Clock`."""

    def now(self) -> datetime:
        """The current time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


_YOUNG: Final = 200_000
"""Containers made before the collector looks at them; Python's own 700 has it walk an account a thousand times."""


def collect_rarely() -> None:
    """Have the collector run rarely: reading an account makes millions of values, which live on, and few cycles.

    Measured at two fifths of the time it takes to make resources of answers.
    """
    gc.set_threshold(_YOUNG, 50, 100)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Run without the cyclic garbage collector: loading makes millions of values and no cycles of them.

    Measured at a third to a quarter of the time. A collector that was off before stays off.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_KEPT_FREE: Final = 20
"""Descriptors for what is no connection: the standard streams, ledger, journal, lock, a policy's process, modules."""


def connections_within_limit(wanted: int, *, raises: bool = True) -> int:
    """How many connections, of so many wanted, may be open at once beside the files of a run; at least one.

    With `raises` the limit on open files is raised as far as the system lets a process do that by itself: a run that
    found no descriptor for its ledger would end without one.
    """
    if resource is None:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _KEPT_FREE
    if soft in {resource.RLIM_INFINITY, -1} or soft >= needed:
        return wanted
    with suppress(OSError, ValueError):
        raised = needed if hard in {resource.RLIM_INFINITY, -1} else min(needed, hard)
        if raises:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, raised), hard))
            soft = max(soft, raised)
    return max(1, min(wanted, soft - _KEPT_FREE))
