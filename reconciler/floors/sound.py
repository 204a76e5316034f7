"""Evidence that can be true: figures from reports that cannot be are named, and nothing is concluded from them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

from reconciler.model.evidence import Cell, Evidence

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
