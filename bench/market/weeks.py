"""One week of a market at given floors, as the reports would count it, and evidence from several such weeks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from market import DIMENSIONS, Floats, Ints, Market, Requests, World
from numpy.typing import NDArray

from reconciler.model.address import Address
from reconciler.model.evidence import PRICE_STEP, Cell, DayEvidence, Evidence

FIRST_DAY = date(2026, 1, 5)
DAYS = 7
SOURCES = 2
SINGLE = 0.7
"""Share of impressions that are the only ones of their user and day, and so show a price."""
COUNTRIES = (
    "US", "GB", "DE", "CA", "AU", "FR", "JP", "BR", "IN", "MX", "IT", "ES", "NL", "SE", "NO", "DK", "FI", "PL", "TR",
    "KR", "ID", "PH", "TH", "VN", "ZA", "AR", "CL", "CO", "NA", "AT",
)  # fmt: skip


@dataclass(frozen=True)
class Draws:
    """The requests of a week with the day, source and report row that each falls in. Shared by all rules of a world."""

    week: int
    drawn: Requests
    day: Ints
    source: Ints
    single: NDArray[np.bool_]


@dataclass(frozen=True)
class Week:
    """Counts by cell and day; `after` by cell, day and source; the sketch as rows of cell, bin and count."""

    week: int
    floors: Floats
    requests: Floats
    impressions: Floats
    revenue: Floats
    after: Floats
    asked: Floats
    sketch: tuple[Ints, Ints, Floats]
    singles: Floats


def draw_week(market: Market, world: World, week: int) -> Draws:
    draw = np.random.default_rng([market.seed, 3, week])
    counts = draw.poisson(market.volume)
    cell = np.repeat(np.arange(market.size), counts)
    uniforms = draw.random((DIMENSIONS, len(cell)))
    return Draws(
        week=week,
        drawn=market.requests(uniforms, cell, world),
        day=draw.integers(0, DAYS, len(cell)),
        source=(draw.random(len(cell)) < 0.4).astype(np.int64),
        single=draw.random(len(cell)) < SINGLE,
    )


def play(market: Market, world: World, draws: Draws, floors: Floats) -> Week:
    """The week at these floors."""
    came = market.outcome(draws.drawn, floors, world)
    day = draws.drawn.cell * DAYS + draws.day
    sold = came.price > 0
    row = day * SOURCES + draws.source
    size = market.size
    shape = (size, DAYS)

    def by_day(weights: Floats) -> Floats:
        return np.bincount(day, weights, size * DAYS).reshape(shape)

    return Week(
        week=draws.week,
        floors=floors,
        requests=by_day(np.ones(len(day))),
        impressions=by_day(sold.astype(float)),
        revenue=by_day(came.price / 1000),
        after=np.bincount(row, came.after / 1000, size * DAYS * SOURCES).reshape(*shape, SOURCES),
        asked=by_day((~sold).astype(float)),
        sketch=_sketch(draws.drawn.cell[sold & draws.single], came.price[sold & draws.single]),
        singles=np.bincount(draws.drawn.cell[sold & draws.single], minlength=size).astype(float),
    )


def _sketch(cell: Ints, price: Floats) -> tuple[Ints, Ints, Floats]:
    bins = np.floor(np.log(price) / np.log(PRICE_STEP)).astype(np.int64)
    offset = 100_000
    keys, counts = np.unique(cell * offset + bins + offset // 2, return_counts=True)
    return keys // offset, keys % offset - offset // 2, counts.astype(float)


def cells_of(market: Market) -> list[Cell]:
    """The cells' names; the address of placement 3 is android:bench.market/placement_03."""
    return [
        Cell(Address(f"android:bench.market/placement_{placement:02d}"), COUNTRIES[country])
        for placement, country in zip(market.placement, market.country, strict=True)
    ]


def evidence_of(market: Market, weeks: Sequence[Week]) -> list[Evidence]:
    """What the reports of these weeks say, earnings of each source rounded to cents, by day and undated."""
    totals = np.round(sum(week.after.sum(axis=1) for week in weeks), 2).sum(axis=1)
    prices = _prices(market, weeks)
    requests, impressions, revenue, asked, singles = (
        sum(part) for part in zip(*(_totals(week) for week in weeks), strict=True)
    )
    days = [_days(market, week) for week in weeks]
    return [
        Evidence(
            cell=cell,
            mode="unified" if market.unified[at] else "waterfall",
            requests=int(requests[at]),
            impressions=int(impressions[at]),
            revenue=float(revenue[at]),
            after=float(totals[at]),
            after_requests=int(asked[at]),
            single_rows=int(singles[at]),
            prices=prices[at],
            days=tuple(day for week in days for day in week[at]),
        )
        for at, cell in enumerate(cells_of(market))
    ]


def _totals(week: Week) -> tuple[Floats, ...]:
    by_day = (week.requests, week.impressions, week.revenue, week.asked)
    return (*(part.sum(axis=1) for part in by_day), week.singles)


def _prices(market: Market, weeks: Sequence[Week]) -> list[dict[int, float]]:
    prices: list[dict[int, float]] = [{} for _ in range(market.size)]
    for week in weeks:
        for cell, one, count in zip(*(part.tolist() for part in week.sketch), strict=True):
            prices[cell][one] = prices[cell].get(one, 0.0) + count
    return prices


def _days(market: Market, week: Week) -> list[list[DayEvidence]]:
    first = FIRST_DAY + timedelta(days=DAYS * week.week)
    dates = [first + timedelta(days=day) for day in range(DAYS)]
    after = np.round(week.after, 2).sum(axis=2).tolist()
    requests, impressions = week.requests.astype(int).tolist(), week.impressions.astype(int).tolist()
    revenue, floors = week.revenue.tolist(), week.floors.tolist()
    return [
        [
            DayEvidence(
                dates[day], requests[at][day], impressions[at][day], revenue[at][day], after[at][day], floors[at]
            )
            for day in range(DAYS)
        ]
        for at in range(market.size)
    ]
