"""From the prices DT paid to what another floor would earn if nobody reads it.

Prices are USD per thousand impressions; impressions and money are per week. Below the floor in force no price was ever
seen: there the curve goes on with as many impressions per price step as just above it, a guess and called one.
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
from reconciler.model.floors import MINIMUM

POINTS: Final = 24
EDGE: Final = 1.5
"""Prices up to this multiple of the floor tell how densely they lie at it."""
UNSURE: Final = 2.0
"""The guess below the floor may be wrong by this factor either way."""

FIXED_SHARE: Final = 0.05
FIXED_COUNT: Final = 10
FIXED_RATIO: Final = 5.0
NEAR: Final = 0.03
"""A price with so many of all impressions, and so many times those just beside it, is a fixed one; not at a floor."""


@dataclass(frozen=True, slots=True)
class PriceDistribution:
    """Winning prices in ascending order; `counts` and `sums` are impressions and USD a week below each, from none."""

    prices: tuple[float, ...]
    counts: tuple[float, ...]
    sums: tuple[float, ...]

    def between(self, low: float, high: float) -> tuple[float, float]:
        """Impressions paid from one price up to another, and what they paid."""
        start, end = bisect_left(self.prices, low), bisect_left(self.prices, high)
        return self.counts[end] - self.counts[start], self.sums[end] - self.sums[start]

    def quantile(self, share: float) -> float:
        """The highest floor that cuts at most this share of impressions; 0 where no price was seen."""
        kept_whole = bisect_left(self.counts, share * self.counts[-1] * (1 + 1e-9))
        return self.prices[max(0, kept_whole - 1)] if self.prices else 0.0


@dataclass(frozen=True, slots=True)
class RevenueModel:
    """A cell as the curve sees it: its prices, what DT and the rest earn a week, and what a sale of DT's displaces.

    `cost` (USD per thousand) is what the rest pays for requests without a fill, and `marginal` the share of it that it
    pays for those at the floor. It is None in one auction with the others: there the best of them bid less than DT
    paid, so that a sale displaces something between nothing and its own price.
    """

    prices: PriceDistribution
    from_dt: float
    from_rest: float
    cost: Bounds | None
    marginal: float

    def change(self, before: float, after: float) -> Bounds:
        """Change of revenue when the floor moves; below the one in force a guess that leaves room for no gain."""
        cut, paid = self._cut(before, after)
        low, mid, high = (displaced - paid for displaced in self._displaced(cut, paid))
        if after >= before:
            return Bounds(low, mid, high)
        return Bounds(min(0.0, UNSURE * high), mid, max(UNSURE * low, mid, 0.0))

    def _displaced(self, cut: float, paid: float) -> tuple[float, float, float]:
        """What the rest earns on so many impressions that DT paid so much for: least, likely and most."""
        if self.cost is None:
            return 0.0, paid / 2, paid
        share = cut * self.marginal / 1000
        return share * self.cost.low, share * self.cost.estimate, share * self.cost.high

    def point(self, current: float, floor: float) -> CurvePoint:
        """Revenue at one floor, with the current one as the known point."""
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
        """Impressions that the change takes from DT, and what they pay; negative for those that it brings."""
        if after >= before:
            return self.prices.between(before, after)
        near, _ = self.prices.between(before, EDGE * before)
        density = near / log(EDGE)
        return -density * log(before / after), -density * (before - after) / 1000


def price_distribution(sketch: Mapping[int, float], impressions: float) -> PriceDistribution:
    """The sketch as prices in the middle of their bins, scaled to the impressions a week of the cell."""
    bins = [(PRICE_STEP ** (bin_number + 0.5), count) for bin_number, count in sorted(sketch.items()) if count > 0]
    total = sum(count for _, count in bins)
    scale = impressions / total if total else 0.0
    counts = accumulate((count * scale for _, count in bins), initial=0.0)
    sums = accumulate((price * count * scale / 1000 for price, count in bins), initial=0.0)
    return PriceDistribution(tuple(price for price, _ in bins), tuple(counts), tuple(sums))


def fixed_price(evidence: Evidence, current: float) -> float | None:
    """The lowest price above a floor that demand at a fixed price pays, None without; it never rises to meet a floor.

    One price that far more is paid at than just beside it shows it. At a floor that was in force such a price may be
    the floor's own doing.
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
    """The outlook of a cell from its evidence over so many weeks."""
    prices = price_distribution(evidence.prices, evidence.impressions / weeks)
    return RevenueModel(prices, evidence.revenue / weeks, evidence.after / weeks, cost, marginal)


def auction_displacement(evidence: Evidence) -> Bounds:
    """What a sale displaces in one auction: up to what the others pay for an average request that DT does not win."""
    average = 1000 * evidence.after / evidence.unfilled if evidence.unfilled else 0.0
    return Bounds(0.0, average / 2, average)


def curve(model: RevenueModel, current: float, suggested: float) -> tuple[CurvePoint, ...]:
    """Revenue over floors from half the lower of both floors to where nine in ten impressions are cut."""
    low = max(float(MINIMUM), min(current, suggested) / 2)
    high = max(1.2 * current, 1.2 * suggested, model.prices.quantile(0.9))
    steps = log(high / low) / (POINTS - 1)
    grid = {current, suggested, *(low * exp(steps * step) for step in range(POINTS))}
    return tuple(model.point(current, floor) for floor in sorted(grid))


FAR_TOO_MANY: Final = 1e15
"""More of anything than all publishers together see in a year."""
OUTERMOST_BIN: Final = 4000
"""Prices beyond the bins up to here, 1e17 USD, are no prices."""


@dataclass(frozen=True, slots=True)
class CheckedEvidence:
    """The evidence that is used (`sound`, one for each cell), and what is wrong with that of other cells, by cell."""

    sound: tuple[Evidence, ...]
    flaws: dict[Cell, str]


def check_evidence(evidence: Sequence[Evidence]) -> CheckedEvidence:
    """Set aside cells with impossible figures, and those that are told of twice."""
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
    for cell_evidence in evidence:
        for observed in _cell_reactions(cell_evidence):
            total += observed
    return total


def total_reaction(windows: Iterable[Sequence[Evidence]]) -> Reaction:
    """What several windows say together; each pair of weeks should be in one of them."""
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
    """Impressions of the window that paid less than a floor; all of them are from days without it."""
    below = sum(count for place, count in evidence.prices.items() if PRICE_STEP ** (place + 0.5) < floor)
    return evidence.impressions * below / sum(evidence.prices.values())
