"""Whether bidders answer a floor, learned from floors that moved: a project's own changes are the experiment.

Take two floors that one cell had, and the sales made below the higher one while the lower one held. If nobody reads
floors, the higher one just loses them. Whatever sold beyond that under the higher floor was kept: bids rose to meet it.
The share kept is near zero where floors go unread, about a half where all bidders best-respond, and below zero
where demand leaves. Summed over all cells that moved, it shows after one round of changes.

Telling a demand part from a bidding part by varying floors is the idea of Feng, Lahaie, Schneider and Ye (2021), with
floors varied at random. These changes are not random: a week that is busier for other reasons looks like an answer.
Requests are divided out, and a share within its noise counts for nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite, sqrt
from typing import Final

from reconciler.model.evidence import PRICE_STEP, Cell, DayEvidence, Evidence

FAR_TOO_MANY: Final = 1e15
"""More of anything than all publishers together see in a year."""
OUTERMOST_BIN: Final = 4000
"""Prices beyond the bins up to here, 1e17 USD, are no prices."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """Evidence to go by, one for each cell, and why that of other cells is none."""

    told: tuple[Evidence, ...]
    flaws: dict[Cell, str]


def sift(evidence: Sequence[Evidence]) -> Sifted:
    """Set aside cells with impossible figures, and those that are told of twice."""
    times = Counter(one.cell for one in evidence)
    flaws: dict[Cell, str] = {}
    told = []
    for one in evidence:
        why = "They tell of this cell twice." if times[one.cell] > 1 else next(_flaws(one), "")
        if why:
            flaws[one.cell] = f"The reports of this placement and country cannot be true. {why}"
        else:
            told.append(one)
    return Sifted(tuple(told), flaws)


def _flaws(one: Evidence) -> Iterator[str]:
    totals = (one.requests, one.impressions, one.revenue, one.after, one.after_requests, one.single_rows)
    if not all(map(_possible, totals)):
        yield "A total is negative or no number."
    if not all(_possible(part) for day in one.days for part in (day.requests, day.impressions, day.revenue, day.after)):
        yield "The figures of a day are negative or no numbers."
    if not all(day.floor is None or _possible(day.floor) for day in one.days):
        yield "The floor of a day is negative or no number."
    if not all(abs(place) <= OUTERMOST_BIN and _possible(count) for place, count in one.prices.items()):
        yield "A price or how often it was paid is no number."
    if one.mode == "waterfall" and one.impressions > one.requests > 0:  # none: reports without a column of them
        yield f"{one.impressions} impressions came of {one.requests} requests."


def _possible(figure: float) -> bool:
    return isfinite(figure) and 0 <= figure < FAR_TOO_MANY


DOUBT: Final = 1000.0
"""Sales that speak for no answer before any was seen."""
LEAST: Final = -0.3
MOST: Final = 0.7


@dataclass(frozen=True, slots=True)
class Reaction:
    """Sales seen below a floor that was also tried, how many of them were kept under it, and that figure's variance."""

    below: float = 0.0
    kept: float = 0.0
    variance: float = 0.0

    def __add__(self, other: "Reaction") -> "Reaction":
        return Reaction(self.below + other.below, self.kept + other.kept, self.variance + other.variance)

    @property
    def share(self) -> float:
        """The share kept, drawn towards zero by doubt and by one standard deviation of noise."""
        noise = sqrt(self.variance)
        sure = max(0.0, self.kept - noise) if self.kept > 0 else min(0.0, self.kept + noise)
        return min(MOST, max(LEAST, sure / (self.below + DOUBT)))


def reaction(evidence: Iterable[Evidence]) -> Reaction:
    """What the moved floors of waterfalls say: in each cell the two lowest of the window.

    Days whose floor is not known, or on which it changed, are left out. Sales below the second lowest floor can only
    have been made under the lowest, so that the prices of the window need no days.
    """
    total = Reaction()
    for one in evidence:
        for seen in _answer(one):
            total += seen
    return total


def learned(windows: Iterable[Sequence[Evidence]]) -> Reaction:
    """What several windows say together; each pair of weeks should be in one of them."""
    return sum((reaction(sift(evidence).told) for evidence in windows), Reaction())


def windows_before(first: date, last: date, earliest: date) -> Iterator[tuple[date, date]]:
    """Windows as long as this one that end a week earlier each, none from before the earliest day."""
    week = timedelta(days=7)
    while first - week >= earliest:
        first, last = first - week, last - week
        yield first, last


def _answer(one: Evidence) -> Iterator[Reaction]:
    floors = sorted({day.floor for day in one.days if day.floor is not None})
    if one.mode != "waterfall" or len(floors) < 2 or not sum(one.prices.values()):
        return
    under_low, under_high = (_sales(one.days, floor) for floor in floors[:2])
    if not under_low[0] or not under_high[0]:
        return
    scale = under_low[0] / under_high[0]
    below = _priced_below(one, floors[1])
    kept = under_high[1] * scale - (under_low[1] - below)
    yield Reaction(below, kept, under_high[1] * scale**2 + under_low[1] + below)


def _sales(days: Iterable[DayEvidence], floor: float) -> tuple[int, int]:
    """Requests and impressions of the days at a floor."""
    at = [day for day in days if day.floor == floor]
    return sum(day.requests for day in at), sum(day.impressions for day in at)


def _priced_below(one: Evidence, floor: float) -> float:
    """Impressions of the window that paid less than a floor; all of them are from days without it."""
    below = sum(count for place, count in one.prices.items() if PRICE_STEP ** (place + 0.5) < floor)
    return one.impressions * below / sum(one.prices.values())
