"""Time that moves only when somebody sleeps or a test says so."""

from datetime import UTC, datetime, timedelta
from threading import Lock

START = datetime(2026, 11, 21, 19, 0, tzinfo=UTC)


class FakeClock:
    """A clock that begins at `START`; sleeping advances it at once."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._passed = 0.0
        self._lock = Lock()
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._passed += seconds
            self.slept.append(seconds)

    def advance(self, **passed: float) -> None:
        """Let time pass, as in `advance(days=14)`."""
        with self._lock:
            self._passed += timedelta(**passed).total_seconds()
