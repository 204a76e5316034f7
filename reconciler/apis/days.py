"""PURE. Which days a vendor's API gives, and which days it may still correct. All days and times are UTC."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, TypeAlias

ReportSource: TypeAlias = Literal["dt", "chartboost"]

_READY_FROM: Final = time(12)
"""Day D is there at noon of D+1 (User Level Reporting page; taken to hold for Chartboost too)."""
_KEPT_DAYS: Final = 10
_BEGINNING: Final = date(2020, 2, 16)
"""The first day of which the User Level Reporting API has reports."""
_USUAL_DAYS: Final = 14
RESTATED_DAYS: Final = 2
"""The latest days, which either vendor may still correct."""
LONGEST_SPAN: Final = 30
"""Days that one call of Chartboost's API may ask for."""

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class DayRange:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    def days(self) -> Iterator[date]:
        """Each day, in order."""
        for number in range(len(self)):
            yield self.first + number * _DAY

    def __len__(self) -> int:
        return max(0, (self.last - self.first).days + 1)

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"

    def halves(self) -> tuple["DayRange", "DayRange"]:
        """Split the range in two; it has two days or more."""
        middle = self.first + timedelta(days=len(self) // 2 - 1)
        return DayRange(self.first, middle), DayRange(middle + _DAY, self.last)


def last_complete(now: datetime) -> date:
    """The last day whose reports are complete."""
    return now.date() - (_DAY if now.time() >= _READY_FROM else 2 * _DAY)


def usual_range(source: ReportSource, now: datetime) -> DayRange:
    """The days that are fetched unless a user names others: all that DT keeps, two weeks of Chartboost."""
    last = last_complete(now)
    if source == "chartboost":
        return DayRange(last - (_USUAL_DAYS - 1) * _DAY, last)
    return DayRange(_oldest_kept(now), last)


def refusal(source: ReportSource, day: date, now: datetime) -> str | None:
    """Why reports of a day cannot be fetched: not complete yet, or too old. None where they can."""
    if day > last_complete(now):
        ready = datetime.combine(day + _DAY, _READY_FROM)
        return f"not complete before {ready:%Y-%m-%d %H:%M} UTC"
    if source != "dt":
        return None
    if day < _BEGINNING:
        return f"the API knows nothing before {_BEGINNING}"
    if day < _oldest_kept(now):
        return f"DT keeps {_KEPT_DAYS} days: the oldest is {_oldest_kept(now)}"
    return None


def is_settled(day: date, fetched_at: datetime) -> bool:
    """Whether a day was fetched once the vendor could no longer restate it."""
    return (last_complete(fetched_at) - day).days >= RESTATED_DAYS


def day_ranges(days: Iterable[date], longest: int = LONGEST_SPAN) -> tuple[DayRange, ...]:
    """The days as ranges without gaps, none longer than `longest`."""
    found: list[DayRange] = []
    for day in sorted(set(days)):
        if found and found[-1].last + _DAY == day and len(found[-1]) < longest:
            found[-1] = DayRange(found[-1].first, day)
        else:
            found.append(DayRange(day, day))
    return tuple(found)


def _oldest_kept(now: datetime) -> date:
    return now.date() - _KEPT_DAYS * _DAY
