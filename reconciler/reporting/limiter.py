"""A limit on requests that holds for all runs of a project together: times of the last ones lie in a file."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

from reconciler import disk
from reconciler.errors import Interrupted, ProjectError
from reconciler.ports import Clock

_NAP: Final = 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    requests: int
    seconds: float


def recent(times: Sequence[float], now: float, rate: Rate) -> list[float]:
    """The times (seconds since the epoch) that still count; those of a clock that has since been set back do not."""
    return sorted(time for time in times if now - rate.seconds < time <= now)


def wait(times: Sequence[float], now: float, rate: Rate) -> float:
    """Seconds until one more request may go out, given the `recent` ones."""
    return max(0.0, times[-rate.requests] + rate.seconds - now) if len(times) >= rate.requests else 0.0


class Limiter:
    """Lets one request at a time through, and waits where there were too many. Safe for threads and runs side by side.

    `told` hears of a wait before it begins, with its seconds. Raises `ProjectError` where the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        rate: Rate,
        clock: Clock,
        *,
        told: Callable[[float], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._path = path
        self._rate = rate
        self._clock = clock
        self._told = told
        self._stopped = stopped

    def pass_one(self) -> None:
        """Returns once a request may go out; it is counted as sent. Raises `Interrupted`."""
        told = False
        while (seconds := self._taken()) > 0:
            if not told:
                self._told(seconds)
                told = True
            if self._stopped():
                raise Interrupted("stopped while waiting for the API's rate limit")
            self._clock.sleep(min(seconds, _NAP))

    def _taken(self) -> float:
        """0 where the request was let through, else the seconds to wait."""
        try:
            folder = disk.make_folder(self._path.parents[1], self._path.parent.name)
            with FileLock(disk.check(folder, f"{self._path.name}.lock")):
                now = self._clock.now().timestamp()
                times = recent(self._read(), now, self._rate)
                seconds = wait(times, now, self._rate)
                if not seconds:
                    self._write([*times, now])
                return seconds
        except OSError as wrong:
            raise ProjectError(f"{self._path.name} cannot be written: {wrong.strerror or wrong}") from wrong

    def _read(self) -> list[float]:
        try:
            told = json.loads(disk.read(self._path.parent, self._path.name))
            return [float(time) for time in told]
        except (FileNotFoundError, ValueError, TypeError):
            return []

    def _write(self, times: Sequence[float]) -> None:
        disk.write(self._path.parent, self._path.name, json.dumps(times).encode())
