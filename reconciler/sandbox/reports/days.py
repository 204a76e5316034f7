"""Which days the reports of the sandbox hold. Days and times are UTC."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

_READY_FROM: Final = time(12)
_KEPT_DAYS: Final = 10
BEGINNING: Final = date(2020, 2, 16)
"""Before it the User Level Reporting API knows nothing."""


def is_complete(day: date, now: float) -> bool:
    """Whether a day is over and its report written, at noon of the next; `now` is in seconds since the epoch."""
    ready = datetime.combine(day + timedelta(days=1), _READY_FROM, UTC)
    return ready.timestamp() <= now


def is_kept(day: date, now: float) -> bool:
    """Whether DT still has the day: the last ten, and none before the API's first."""
    today = datetime.fromtimestamp(now, UTC).date()
    return day >= max(BEGINNING, today - timedelta(days=_KEPT_DAYS))
