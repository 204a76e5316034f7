"""A week of the market in the vendors' report shapes, so that the whole path from reports to floors can be scored.

DT's user-level file is CSV with human column names, one row a user, placement, country and day; Chartboost answers rows
of JSON with alpha-3 countries and earnings in whole cents, by day or without the date. The first other source is asked
for every request that DT leaves, the second for those that the first leaves too.
"""

import csv
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import numpy as np
from market import Floats, Ints, Market, World
from weeks import COUNTRIES, DAYS, FIRST_DAY, Draws

ALPHA_3 = (
    "USA", "GBR", "DEU", "CAN", "AUS", "FRA", "JPN", "BRA", "IND", "MEX", "ITA", "ESP", "NLD", "SWE", "NOR", "DNK",
    "FIN", "POL", "TUR", "KOR", "IDN", "PHL", "THA", "VNM", "ZAF", "ARG", "CHL", "COL", "NAM", "AUT",
)  # fmt: skip
COLUMNS = (
    "Date", "Fyber App ID", "App Name", "Placement ID", "Placement Name", "Placement Type", "Country", "Device OS",
    "Device ID", "Impressions", "Revenue (USD)",
)  # fmt: skip
APP, APP_NAME = "170709", "Bench"
OTHERS = ("admob", "unity")


def placement_id(placement: int) -> str:
    return str(243_000 + placement)


def placement_name(placement: int) -> str:
    return f"placement_{placement:02d}"


def dt_file(market: Market, world: World, draws: Draws, floors: Floats, day: int) -> str:
    """DT's file of one day (0..6) of the week."""
    price = market.outcome(draws.drawn, floors, world).price
    sold = (price > 0) & (draws.day == day)
    cell, user = draws.drawn.cell[sold], _users(draws, sold)
    rows, first, group = np.unique(user, return_index=True, return_inverse=True)
    counts, paid = np.bincount(group), np.bincount(group, price[sold] / 1000)
    date = FIRST_DAY + timedelta(days=DAYS * draws.week + day)
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row, at, count, usd in zip(rows.tolist(), cell[first].tolist(), counts.tolist(), paid.tolist(), strict=True):
        placement, country = divmod(at, len(COUNTRIES))
        name = (placement_id(placement), placement_name(placement), "Interstitial", COUNTRIES[country], "android")
        writer.writerow([date, APP, APP_NAME, *name, f"device-{draws.week}-{day}-{row}", count, usd])
    return out.getvalue()


def _users(draws: Draws, sold: np.ndarray) -> Ints:
    """A number for the user of each sale: those that are not single share a user with the next such one of the cell."""
    cell, single = draws.drawn.cell[sold], draws.single[sold]
    alone = np.arange(len(cell))
    among = np.cumsum(~single) - 1
    return np.where(single, alone, len(cell) + cell * len(cell) + among // 2)


def chartboost_rows(
    market: Market, world: World, draws: Draws, floors: Floats, *, dated: bool
) -> Iterator[dict[str, Any]]:
    """Rows of the metrics answer for a week, for DT (fyber) and the two sources behind or beside it."""
    came = market.outcome(draws.drawn, floors, world)
    days = DAYS if dated else 1
    key = draws.drawn.cell * days + (draws.day if dated else 0)
    size = market.size * days
    sold, paid = came.price > 0, came.after > 0
    by_source = [paid & (draws.source == source) for source in range(len(OTHERS))]
    left = ~sold
    asked = (np.ones(len(key), bool), left, left & ~by_source[0])
    shown = (sold, *by_source)
    earned = (came.price, came.after, came.after)
    for source, name in enumerate(("fyber", *OTHERS)):
        requests, impressions = (np.bincount(key[part], minlength=size) for part in (asked[source], shown[source]))
        usd = np.bincount(key[shown[source]], earned[source][shown[source]] / 1000, size)
        for at in np.flatnonzero(requests).tolist():
            yield _row(market, draws.week, at, days, (name, int(requests[at]), int(impressions[at]), float(usd[at])))


def _row(market: Market, week: int, at: int, days: int, said: tuple[str, int, int, float]) -> dict[str, Any]:
    cell, day = divmod(at, days)
    placement, country = divmod(cell, len(COUNTRIES))
    source, requests, impressions, usd = said
    date = {"date": (FIRST_DAY + timedelta(days=DAYS * week + day)).isoformat()} if days > 1 else {}
    return {
        **date,
        "app": "53721724c26ee432aa854f55",
        "helium_placement_name": placement_name(placement),
        "placement_type": "interstitial",
        "demand_source": source,
        "network_type": "bidding" if market.unified[cell] else "mediation",
        "country": ALPHA_3[country],
        "partner_placement_name": placement_id(placement) if source == "fyber" else f"{source}_{placement}",
        "requests": requests,
        "impressions": impressions,
        "estimated_earnings": round(usd, 2),
        "ecpm": round(1000 * usd / impressions, 2) if impressions else 0.0,
        "fill_rate": round(impressions / requests, 2),
    }
