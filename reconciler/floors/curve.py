"""Expected revenue at other floors, from the prices that DT paid; checks of the evidence; bidders' reaction to floors.

Prices are USD per thousand impressions; impressions and money are per week. No price below the floor in force was ever
seen: there the curve continues with the density of impressions just above it, which is a guess, and marked as one.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from math import exp, isfinite, log, sqrt
from typing import Final

from reconciler.model.evidence import PRICE_STEP, Bounds, Cell, CurvePoint, DayEvidence, Evidence
from reconciler.model.value import MINIMUM

POINTS: Final = 24
EDGE: Final = 1.5
"""Prices up to this multiple of the floor give the density of impressions at it."""
UNSURE: Final = 2.0
"""The factor by which the guess below the floor may be wrong, either way."""

FIXED_SHARE: Final = 0.05
FIXED_COUNT: Final = 10
FIXED_RATIO: Final = 5.0
NEAR: Final = 0.03
"""A price with this share and number of the impressions, and this multiple of those at neighbouring prices, is fixed;
not where it is within `NEAR` of a floor."""


@dataclass(frozen=True, slots=True)
class PriceDistribution:
    """Winning prices in ascending order; `counts` and `sums` are the impressions and USD a week below each price.

    They have one item more than `prices`: the first is 0, the last the total.
    """

    prices: tuple[float, ...]
    counts: tuple[float, ...]
    sums: tuple[float, ...]

    def between(self, low: float, high: float) -> tuple[float, float]:
        """Impressions with a price from `low` up to `high`, and their revenue in USD, both a week."""
        start, end = bisect_left(self.prices, low), bisect_left(self.prices, high)
        return self.counts[end] - self.counts[start], self.sums[end] - self.sums[start]

    def quantile(self, share: float) -> float:
        """The highest floor that cuts at most this share of the impressions; 0 where there are no prices."""
        kept_whole = bisect_left(self.counts, share * self.counts[-1] * (1 + 1e-9))
        return self.prices[max(0, kept_whole - 1)] if self.prices else 0.0


@dataclass(frozen=True, slots=True)
class RevenueModel:
    """The revenue of a cell by floor: its prices, and what DT and the other sources earn (USD a week).

    `cost` (USD per thousand) is what the other sources pay for requests that DT did not fill, and `marginal` the share
    of it that they pay for requests at the floor. `cost` is None in one auction with the others: there the best of them
    bid less than DT paid, so that a sale displaces between nothing and its own price.
    """

    prices: PriceDistribution
    from_dt: float
    from_rest: float
    cost: Bounds | None
    marginal: float

    def change(self, before: float, after: float) -> Bounds:
        """Change of revenue (USD a week) when the floor moves; for a lower floor a guess whose bounds include 0."""
        cut, paid = self._cut(before, after)
        low, mid, high = (displaced - paid for displaced in self._displaced(cut, paid))
        if after >= before:
            return Bounds(low, mid, high)
        return Bounds(min(0.0, UNSURE * high), mid, max(UNSURE * low, mid, 0.0))

    def _displaced(self, cut: float, paid: float) -> tuple[float, float, float]:
        """What the other sources earn on `cut` impressions that DT paid `paid` USD for: low, estimate and high."""
        if self.cost is None:
            return 0.0, paid / 2, paid
        share = cut * self.marginal / 1000
        return share * self.cost.low, share * self.cost.estimate, share * self.cost.high

    def point(self, current: float, floor: float) -> CurvePoint:
        """Revenue at a floor, given that the one at `current` is known."""
        cut, paid = self._cut(current, floor)
        earned = self.from_dt + self.from_rest
        change = self.change(current, floor)
        return CurvePoint(
            floor=floor,
            revenue=Bounds(earned + change.low, earned + change.estimate, earned + change.high),
            from_dt=self.from_dt - paid,
            from_rest=self.from_rest + self._displaced(cut, paid)[1],
        )

    def _cut(self, before: float, after: float) -> tuple[float, float]:
        """Impressions that DT loses by the change, and their revenue; negative where it gains them."""
        if after >= before:
            return self.prices.between(before, after)
        near, _ = self.prices.between(before, EDGE * before)
        density = near / log(EDGE)
        return -density * log(before / after), -density * (before - after) / 1000


def price_distribution(sketch: Mapping[int, float], impressions: float) -> PriceDistribution:
    """The price sketch as prices (the middle of each bin), scaled to the cell's impressions a week."""
    bins = [(PRICE_STEP ** (bin_number + 0.5), count) for bin_number, count in sorted(sketch.items()) if count > 0]
    total = sum(count for _, count in bins)
    scale = impressions / total if total else 0.0
    counts = accumulate((count * scale for _, count in bins), initial=0.0)
    sums = accumulate((price * count * scale / 1000 for price, count in bins), initial=0.0)
    return PriceDistribution(tuple(price for price, _ in bins), tuple(counts), tuple(sums))


def fixed_price(evidence: Evidence, current: float) -> float | None:
    """The lowest fixed price of some demand from the floor up, None where there is none. Such demand never bids higher.

    It shows as a price with far more impressions than its neighbours. Prices near a floor that was in force do not
    count: the floor itself may be the cause.
    """
    least = FIXED_SHARE * sum(evidence.prices.values())
    floors = [current, *{day.floor for day in evidence.days if day.floor}]
    for place in sorted(evidence.prices):
        price = PRICE_STEP**place
        count = evidence.prices[place]
        if price < current or count < max(least, FIXED_COUNT):
            continue
        beside_it = sum(evidence.prices.get(place + off, 0.0) for off in (-4, -3, -2, 2, 3, 4)) / 6
        if count > FIXED_RATIO * beside_it and all(abs(price / floor - 1) > NEAR for floor in floors):
            return price
    return None


def revenue_model(evidence: Evidence, cost: Bounds | None, marginal: float, weeks: float) -> RevenueModel:
    """The revenue model of a cell from its evidence over so many weeks."""
    prices = price_distribution(evidence.prices, evidence.impressions / weeks)
    return RevenueModel(prices, evidence.revenue / weeks, evidence.after / weeks, cost, marginal)


def auction_displacement(evidence: Evidence) -> Bounds:
    """What a sale displaces in one auction: from nothing up to the others' mean price for what DT did not win."""
    average = 1000 * evidence.after / evidence.unfilled if evidence.unfilled else 0.0
    return Bounds(0.0, average / 2, average)


def curve(model: RevenueModel, current: float, suggested: float) -> tuple[CurvePoint, ...]:
    """Revenue at floors from half the lower of both floors up to the one that cuts 90 % of the impressions."""
    low = max(float(MINIMUM), min(current, suggested) / 2)
    high = max(1.2 * current, 1.2 * suggested, model.prices.quantile(0.9))
    steps = log(high / low) / (POINTS - 1)
    grid = {current, suggested, *(low * exp(steps * step) for step in range(POINTS))}
    return tuple(model.point(current, floor) for floor in sorted(grid))


FAR_TOO_MANY: Final = 1e15
"""A figure above this is impossible: all publishers together have less in a year."""
OUTERMOST_BIN: Final = 4000
"""The last possible bin of the price sketch either way: prices from 1e-17 to 1e17 USD."""


@dataclass(frozen=True, slots=True)
class CheckedEvidence:
    """The evidence that is used (`sound`, one for each cell), and what is wrong with that of other cells, by cell."""

    sound: tuple[Evidence, ...]
    flaws: dict[Cell, str]


def check_evidence(evidence: Sequence[Evidence]) -> CheckedEvidence:
    """Set aside cells with impossible figures, and those with more than one evidence."""
    times = Counter(cell_evidence.cell for cell_evidence in evidence)
    flaws: dict[Cell, str] = {}
    sound = []
    for cell_evidence in evidence:
        why = "They tell of this cell twice." if times[cell_evidence.cell] > 1 else next(_flaws(cell_evidence), "")
        if why:
            flaws[cell_evidence.cell] = f"The reports of this placement and country cannot be true. {why}"
        else:
            sound.append(cell_evidence)
    return CheckedEvidence(tuple(sound), flaws)


def _flaws(evidence: Evidence) -> Iterator[str]:
    totals = (
        evidence.requests,
        evidence.impressions,
        evidence.revenue,
        evidence.after,
        evidence.after_requests,
        evidence.single_rows,
    )
    if not all(map(_possible, totals)):
        yield "A total is negative or no number."
    if not all(
        _possible(part) for day in evidence.days for part in (day.requests, day.impressions, day.revenue, day.after)
    ):
        yield "The figures of a day are negative or no numbers."
    if not all(day.floor is None or _possible(day.floor) for day in evidence.days):
        yield "The floor of a day is negative or no number."
    if not all(abs(place) <= OUTERMOST_BIN and _possible(count) for place, count in evidence.prices.items()):
        yield "A price or how often it was paid is no number."
    if (
        evidence.mode == "waterfall" and evidence.impressions > evidence.requests > 0
    ):  # none: reports without a column of them
        yield f"{evidence.impressions} impressions came of {evidence.requests} requests."


def _possible(figure: float) -> bool:
    return isfinite(figure) and 0 <= figure < FAR_TOO_MANY


DOUBT: Final = 1000.0
"""Sales without a reaction that are assumed before any is seen."""
LEAST: Final = -0.3
MOST: Final = 0.7


@dataclass(frozen=True, slots=True)
class Reaction:
    """Bidders' reaction to a raised floor: sales seen below it, how many were kept, and the variance of that."""

    below: float = 0.0
    kept: float = 0.0
    variance: float = 0.0

    def __add__(self, other: "Reaction") -> "Reaction":
        return Reaction(self.below + other.below, self.kept + other.kept, self.variance + other.variance)

    @property
    def share(self) -> float:
        """The share of sales kept, shrunk towards zero by `DOUBT` and by one standard deviation of noise."""
        noise = sqrt(self.variance)
        sure = max(0.0, self.kept - noise) if self.kept > 0 else min(0.0, self.kept + noise)
        return min(MOST, max(LEAST, sure / (self.below + DOUBT)))


def reaction(evidence: Iterable[Evidence]) -> Reaction:
    """The reaction of bidders from cells of waterfalls whose floor moved: the two lowest floors of the window compared.

    Days on which the floor is not known or changed are left out. Sales below the second lowest floor can only have been
    made at the lowest, so that prices are needed over the window and not by day.
    """
    total = Reaction()
    for cell_evidence in evidence:
        for observed in _cell_reactions(cell_evidence):
            total += observed
    return total


def total_reaction(windows: Iterable[Sequence[Evidence]]) -> Reaction:
    """The reaction over several windows of evidence; each pair of weeks should be in one of them."""
    return sum((reaction(check_evidence(evidence).sound) for evidence in windows), Reaction())


def windows_before(first: date, last: date, earliest: date) -> Iterator[tuple[date, date]]:
    """Windows as long as this one that end a week earlier each, none from before the earliest day."""
    week = timedelta(days=7)
    while first - week >= earliest:
        first, last = first - week, last - week
        yield first, last


def _cell_reactions(evidence: Evidence) -> Iterator[Reaction]:
    floors = sorted({day.floor for day in evidence.days if day.floor is not None})
    if evidence.mode != "waterfall" or len(floors) < 2 or not sum(evidence.prices.values()):
        return
    under_low, under_high = (_sales(evidence.days, floor) for floor in floors[:2])
    if not under_low[0] or not under_high[0]:
        return
    scale = under_low[0] / under_high[0]
    below = _priced_below(evidence, floors[1])
    kept = under_high[1] * scale - (under_low[1] - below)
    yield Reaction(below, kept, under_high[1] * scale**2 + under_low[1] + below)


def _sales(days: Iterable[DayEvidence], floor: float) -> tuple[int, int]:
    """Requests and impressions of the days at a floor."""
    at = [day for day in days if day.floor == floor]
    return sum(day.requests for day in at), sum(day.impressions for day in at)


def _priced_below(evidence: Evidence, floor: float) -> float:
    """Impressions of the window with a price below a floor; all of them are from days with a lower one."""
    below = sum(count for place, count in evidence.prices.items() if PRICE_STEP ** (place + 0.5) < floor)
    return evidence.impressions * below / sum(evidence.prices.values())
