"""The geometry of an audit's trend: a bar a day, as high as alarms were open after the day's last audit.

Only numbers become coordinates here; a template draws them and writes the words.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from reconciler.diff.audit import Trend
from reconciler.report.html.chart import Tick

WIDTH: Final = 960
HEIGHT: Final = 170
LEFT, RIGHT, TOP, BOTTOM = 36, 36, 12, 26
MOST_DAYS: Final = 400
"""Bars of more days would be thinner than two pixels."""
WIDEST: Final = 28
NEAREST: Final = 84
"""Days on the axis stand no nearer than this, so that their labels do not touch."""
LEVELS: Final = 4
NONE_OPEN: Final = 2.5
"""Height of the mark of a day on which somebody looked and no alarm was open."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A day with audits; `quiet`: none of its alarms was open any more."""

    left: float
    top: float
    width: float
    height: float
    quiet: bool


@dataclass(frozen=True, slots=True)
class TrendChart:
    """The bars from `first` to `last`, and both axes."""

    first: date
    last: date
    bars: tuple[Bar, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def trend_chart(history: Trend) -> TrendChart | None:
    """The last 400 days at most; None where no day had an audit."""
    if not history.days:
        return None
    last = history.days[-1].day
    first = max(history.since, last - timedelta(days=MOST_DAYS - 1))
    drawn = [day for day in history.days if day.day >= first]
    days = (last - first).days + 1
    each = (WIDTH - LEFT - RIGHT) / days
    step = _step(max(day.still_open for day in drawn))
    top = step * -(-max(day.still_open for day in drawn) // step) or step
    unit = (HEIGHT - TOP - BOTTOM) / top
    ground = HEIGHT - BOTTOM
    wide = min(each * 0.76, WIDEST)
    bars = []
    for day in drawn:
        middle = LEFT + each * ((day.day - first).days + 0.5)
        height = day.still_open * unit or NONE_OPEN
        bars.append(Bar(middle - wide / 2, ground - height, wide, height, quiet=not day.still_open))
    levels = tuple(Tick(ground - level * unit, str(level)) for level in range(0, top + 1, step))
    return TrendChart(first, last, tuple(bars), _day_ticks(first, days, each), levels)


def _step(most: int) -> int:
    """The least of 1, 2, 5, 10, ... that leaves no more than `LEVELS` levels above the ground."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if size * factor * LEVELS >= most:
                return size * factor
        size *= 10


def _day_ticks(first: date, days: int, each: float) -> tuple[Tick, ...]:
    apart = next(number for number in (1, 2, 7, 14, 28, 56) if number * each >= NEAREST or number == 56)
    return tuple(
        Tick(LEFT + each * (number + 0.5), (first + timedelta(days=number)).isoformat())
        for number in range(0, days, apart)
    )
