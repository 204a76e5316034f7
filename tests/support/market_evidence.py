"""Evidence as the warehouse would give it, one reasonable cell with what a test wants to be different."""

from datetime import date, timedelta
from decimal import Decimal
from math import floor, log

from reconciler.floors.current_floors import CurrentFloor
from reconciler.floors.decide import Rules
from reconciler.floors.suggest import suggest
from reconciler.model.address import Address
from reconciler.model.evidence import PRICE_STEP, Cell, DayEvidence, Evidence, UnmatchedReports

FIRST, LAST, TODAY = date(2026, 11, 1), date(2026, 11, 14), date(2026, 11, 15)
CELL = Cell(Address("android:com.a.b/int_13"), "US")


def price_bin(price):
    return floor(log(price) / log(PRICE_STEP))


def days_of(requests, impressions, revenue, after, floors):
    """The totals spread evenly over the days of the window, with a little wave in the earnings of the rest."""
    count = (LAST - FIRST).days + 1
    return tuple(
        DayEvidence(
            FIRST + timedelta(days=day),
            requests // count,
            impressions // count,
            revenue / count,
            after / count * (1.1 if day % 2 else 0.9),
            floors[day * len(floors) // count],
        )
        for day in range(count)
    )


def evidence(
    cell=CELL, *, requests=28_000, impressions=8_400, cost=1.0, prices=(0.4, 0.8, 1.2, 2.0), mode="waterfall",
    floors=(0.01,), **changes,
):  # fmt: skip
    """Two weeks of a cell: impressions spread evenly over the prices, the rest paying `cost` for what is left."""
    after = cost * (requests - impressions) / 1000
    revenue = impressions * sum(prices) / len(prices) / 1000
    values = {
        "after": after,
        "after_requests": requests - impressions,
        "single_rows": impressions // 2,
        "prices": {price_bin(price): impressions / 2 / len(prices) for price in prices},
        "days": days_of(requests, impressions, revenue, after, floors),
    }
    return Evidence(cell, mode, requests, impressions, revenue, **{**values, **changes})


def standing(current=0.01, **changes):
    prices = {name: Decimal(str(changes.pop(name))) for name in ("dearer", "cheaper") if name in changes}
    return CurrentFloor(current=Decimal(str(current)), worldwide=Decimal("0.01"), **prices, **changes)


def suggested(one, stands, *, rules=None, others=(), today=TODAY):
    """The suggestion for one cell; `one` may be None."""
    cell = one.cell if one else CELL
    found = [*([one] if one else []), *others]
    made = suggest(found, {cell: stands}, FIRST, LAST, today, rules or Rules(), UnmatchedReports())
    return made.cells[0]
