"""DT's user level report of an app and a day as CSV: one row a user, placement and country.

Ids of users are made up. Of some no revenue is told by itself: one row, of the user `masked`, sums them. Phones whose
owners allow no advertising id share one that is all zeros, and so one row.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from io import StringIO
from random import Random
from typing import Final, TypeAlias

from reconciler.sandbox.reports.market import Band, Market, Sale, Trade
from reconciler.sandbox.stored import Stored

COLUMNS: Final = (
    *("Date", "Fyber App ID", "App Name", "Placement Name", "Placement Type", "Country", "Device OS", "Device ID"),
    *("Impressions", "Revenue (USD)"),
)
"""The vendor publishes none for this report; these are its sibling's, and the id of the device."""
_MASKED: Final = "masked"
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
_SHARE_MASKED: Final = 0.04
_SHARE_NOBODY: Final = {"ios": 0.2, "android": 0.03}
_SEEN_AGAIN: Final = 0.2
"""Of impressions, the share that goes to the user who saw the one before."""

Row: TypeAlias = tuple[object, ...]


def user_csv(market: Market, app: Stored, day: date) -> bytes:
    """The report. An app that sells nothing has one without rows."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for waterfall in market.waterfalls(app):
        for trade in market.trades(waterfall, day):
            for sale in trade.sales:
                writer.writerows(_rows(trade, sale, Random(_words(market, trade, sale))))  # noqa: S311 - no secrets
    return text.getvalue().encode()


def _words(market: Market, trade: Trade, sale: Sale) -> str:
    return f"{market.seed} {sale.placement.id} {trade.country.code} {trade.day}"


def _rows(trade: Trade, sale: Sale, chance: Random) -> Iterator[Row]:
    app, fields = trade.waterfall.app, sale.placement.fields
    platform = str(app.fields["platform"])
    system = "iOS" if platform == "ios" else "Android"
    told = trade.day.isoformat(), app.id, app.fields["name"], fields["name"], fields["placementType"]
    seen: dict[str, list[float]] = {}
    user = ""
    for price in _prices(sale, chance):
        if not user or chance.random() > _SEEN_AGAIN:
            user = _user(chance, platform)
        seen.setdefault(user, []).append(price / 1000)
    for user, paid in seen.items():
        yield (*told, trade.country.code, system, user, len(paid), sum(paid))


def _prices(sale: Sale, chance: Random) -> Iterator[float]:
    """What each impression paid, USD per thousand."""
    weights = [band.weight * sale.bids.between(band.low, band.high) for band in sale.bands]
    if sale.impressions:
        for band in _chosen(sale.bands, weights, sale.impressions, chance):
            yield sale.bids.at(chance.random(), band.low, band.high)


def _chosen(bands: tuple[Band, ...], weights: list[float], number: int, chance: Random) -> Iterable[Band]:
    return bands * number if len(bands) == 1 else chance.choices(bands, weights, k=number)


def _user(chance: Random, platform: str) -> str:
    drawn = chance.random()
    if drawn < _SHARE_MASKED:
        return _MASKED
    if drawn < _SHARE_MASKED + _SHARE_NOBODY.get(platform, 0):
        return _NOBODY
    number = f"{chance.getrandbits(128):032x}"
    shown = f"{number[:8]}-{number[8:12]}-4{number[13:16]}-a{number[17:20]}-{number[20:]}"
    return shown.upper() if platform == "ios" else shown
