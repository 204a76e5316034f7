"""From the prices DT paid to what another floor would earn if nobody reads it.

Prices are USD per thousand impressions; impressions and money are per week. Below the floor in force no price was ever
seen: there the curve goes on with as many impressions per price step as just above it, a guess and called one.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import exp, log
from typing import Final

from reconciler.model.evidence import PRICE_STEP, Evidence
from reconciler.model.floors import MINIMUM
from reconciler.model.suggestion import Bounds, CurvePoint

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
class Prices:
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
class Outlook:
    """A cell as the curve sees it: its prices, what DT and the rest earn a week, and what a sale of DT's displaces.

    `cost` (USD per thousand) is what the rest pays for requests without a fill, and `marginal` the share of it that it
    pays for those at the floor. It is None in one auction with the others: there the best of them bid less than DT
    paid, so that a sale displaces something between nothing and its own price.
    """

    prices: Prices
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


def prices_of(sketch: Mapping[int, float], impressions: float) -> Prices:
    """The sketch as prices in the middle of their bins, scaled to the impressions a week of the cell."""
    bins = [(PRICE_STEP ** (one + 0.5), count) for one, count in sorted(sketch.items()) if count > 0]
    seen = sum(count for _, count in bins)
    scale = impressions / seen if seen else 0.0
    counts = accumulate((count * scale for _, count in bins), initial=0.0)
    sums = accumulate((price * count * scale / 1000 for price, count in bins), initial=0.0)
    return Prices(tuple(price for price, _ in bins), tuple(counts), tuple(sums))


def fixed_price(one: Evidence, current: float) -> float | None:
    """The lowest price above a floor that demand at a fixed price pays, None without; it never rises to meet a floor.

    One price that far more is paid at than just beside it shows it. At a floor that was in force such a price may be
    the floor's own doing.
    """
    least = FIXED_SHARE * sum(one.prices.values())
    floors = [current, *{day.floor for day in one.days if day.floor}]
    for place in sorted(one.prices):
        price = PRICE_STEP**place
        count = one.prices[place]
        if price < current or count < max(least, FIXED_COUNT):
            continue
        beside_it = sum(one.prices.get(place + off, 0.0) for off in (-4, -3, -2, 2, 3, 4)) / 6
        if count > FIXED_RATIO * beside_it and all(abs(price / floor - 1) > NEAR for floor in floors):
            return price
    return None


def outlook(one: Evidence, cost: Bounds | None, marginal: float, weeks: float) -> Outlook:
    """The outlook of a cell from its evidence over so many weeks."""
    prices = prices_of(one.prices, one.impressions / weeks)
    return Outlook(prices, one.revenue / weeks, one.after / weeks, cost, marginal)


def beside(one: Evidence) -> Bounds:
    """What a sale displaces in one auction: up to what the others pay for an average request that DT does not win."""
    average = 1000 * one.after / one.unfilled if one.unfilled else 0.0
    return Bounds(0.0, average / 2, average)


def curve(seen: Outlook, current: float, suggested: float) -> tuple[CurvePoint, ...]:
    """Revenue over floors from half the lower of both floors to where nine in ten impressions are cut."""
    low = max(float(MINIMUM), min(current, suggested) / 2)
    high = max(1.2 * current, 1.2 * suggested, seen.prices.quantile(0.9))
    steps = log(high / low) / (POINTS - 1)
    grid = {current, suggested, *(low * exp(steps * step) for step in range(POINTS))}
    return tuple(seen.point(current, floor) for floor in sorted(grid))
