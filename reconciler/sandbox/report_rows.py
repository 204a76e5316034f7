"""The rows of both reports over the market: lines of waterfalls and auctions, and user reports as CSV.

Ids of users are invented. One row, of the user `masked`, sums users whose revenue is hidden. Devices without an
advertising id share one of zeros, and so one row.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from io import StringIO
from random import Random
from typing import Final, Literal, TypeAlias

from reconciler.sandbox.account import StoredResource
from reconciler.sandbox.market import REST_BIDS, Band, Market, Sale, Trade, Waterfall, count, normal, rest_bids, uniform
from reconciler.sandbox.quirks import Quirks

Network: TypeAlias = Literal["bidding", "mediation"]

DT: Final = "fyber"
_FORMATS: Final = {
    "Interstitial": "interstitial",
    "Rewarded": "rewarded",
    "Banner": "banner",
    "MREC": "medium_rectangle",
}
_AHEAD: Final = "ironsource"
_SHARE_AHEAD: Final = 0.15
"""The share of requests that a line ahead of DT fills where there is one."""
_BEHIND: Final = (("admob", 0.5, 1.0), ("applovin", 0.4, 0.7), ("unity", 0.3, 0.45))
"""Sources behind DT in their order, the share of requests that they fill, and their price relative to the best."""
_BIDDERS: Final = (("applovin", 0.5), ("mintegral", 0.3), ("vungle", 0.2))
"""Sources that bid in one auction with DT, and their shares of the others' sales."""
_SEASON: Final = "season_special"
"""A placement of the mediation platform alone: DT's line in it is of a deleted placement."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """The figures of one source in one placement, in a country on a day. Earnings are USD, not rounded."""

    app: str
    day: date
    placement: str
    kind: str
    source: str
    country: str
    partner: str
    network: Network
    requests: int
    impressions: int
    earnings: float
    responses: int = 0
    valid_bids: int = 0
    winning_bids: int = 0


def mediation_app(app_id: str) -> str:
    """The mediation platform's id of an app."""
    return sha256(f"app {app_id}".encode()).hexdigest()[:24]


def report_lines(market: Market, app: StoredResource, day: date) -> Iterator[ReportLine]:
    """All lines of an app on a day."""
    for waterfall in market.waterfalls(app):
        for trade in market.trades(waterfall, day):
            match waterfall.setting:
                case "waterfall":
                    yield from _waterfall_lines(market, trade)
                case "unified":
                    yield from _auction_lines(market, trade)
                case "alone":
                    pass
    if app.fields.get("status") == "active":
        yield from _season_lines(market, app, day)


def days(first: date, last: date) -> Iterator[date]:
    """The days from first to last, both included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _waterfall_lines(market: Market, trade: Trade) -> Iterator[ReportLine]:
    """In some waterfalls a source ahead of DT, then DT's tiers, then the others, each asked for what is left."""
    words = (market.seed, trade.waterfall.app.id, trade.waterfall.name)
    best = market.paid_by_rest(trade.waterfall, trade.country)
    if uniform(*words, "ahead") < 0.4:
        requests = round(trade.requests / (1 - _SHARE_AHEAD))
        yield _waterfall_line(trade, _AHEAD, requests, requests - trade.requests, 1.6 * best)
    for sale in trade.sales:
        yield _line(
            trade, DT, sale.requests, sale.impressions, sale.earnings, partner=_partner(trade, sale),
            responses=min(sale.requests, round(1.04 * sale.impressions)),
        )  # fmt: skip
    last = trade.sales[-1]
    remaining = last.requests - last.impressions
    for source, share, price in _BEHIND:
        chance = (*words, source, trade.country.code, trade.day)
        filled = count(remaining, share, normal(*chance, "filled"))
        yield _waterfall_line(trade, source, remaining, filled, price * best * (1 + 0.2 * normal(*chance, "price")))
        remaining -= filled


def _auction_lines(market: Market, trade: Trade) -> Iterator[ReportLine]:
    """DT and the others bid at once; where DT does not win, the others' best bid does."""
    sale = trade.sales[0]
    yield _auction_line(trade, DT, sale.requests, sale.impressions, sale.earnings, partner=_partner(trade, sale))
    prices = rest_bids(market.paid_by_rest(trade.waterfall, trade.country))
    against = sale.bands[1:]
    present = trade.waterfall.present
    won = [1 - present * sale.bids.between(band.low, band.high) for band in against]
    sold = sale.requests * REST_BIDS * sum(won) / len(won)
    paid = sum(share * price for share, price in zip(won, prices, strict=True)) / sum(won)
    for source, share in _BIDDERS:
        words = (market.seed, trade.waterfall.app.id, trade.waterfall.name, source, trade.country.code, trade.day)
        shown = round(max(0.0, sold * share * (1 + 0.05 * normal(*words, "shown"))))
        yield _auction_line(trade, source, sale.requests, shown, shown * paid / 1000)


def _season_lines(market: Market, app: StoredResource, day: date) -> Iterator[ReportLine]:
    """The lines of the placement `_SEASON`: small figures, nearly the same in every app."""
    words = (market.seed, app.id, _SEASON, day)
    requests = 200 + round(20 * normal(*words))
    identity = (mediation_app(app.id), day, _SEASON, "interstitial")
    yield ReportLine(*identity, DT, "USA", f"{_SEASON}_old", "mediation", requests, 40, 0.08, responses=44)
    yield ReportLine(*identity, "admob", "USA", f"admob {_SEASON}", "mediation", requests - 40, 70, 0.12, responses=75)


def _partner(trade: Trade, sale: Sale) -> str:
    """The name of DT's placement in the mediation platform: its id in iOS apps, its name in the others."""
    ios = trade.waterfall.app.fields["platform"] == "ios"
    return sale.placement.id if ios else str(sale.placement.fields["name"])


def _waterfall_line(trade: Trade, source: str, requests: int, impressions: int, price: float) -> ReportLine:
    responses = min(requests, round(1.1 * impressions))
    return _line(trade, source, requests, impressions, impressions * max(0.0, price) / 1000, responses=responses)


def _auction_line(
    trade: Trade, source: str, requests: int, impressions: int, earnings: float, *, partner: str = ""
) -> ReportLine:
    winning = min(requests, round(1.03 * impressions))
    bids = min(requests, round(1.8 * winning))
    base = _line(trade, source, requests, impressions, earnings, partner=partner, network="bidding")
    return ReportLine(
        **{name: getattr(base, name) for name in ReportLine.__slots__} | {"valid_bids": bids, "winning_bids": winning}
    )


def _line(  # noqa: PLR0913 - a line has many figures
    trade: Trade, source: str, requests: int, impressions: int, earnings: float, *, partner: str = "",
    network: Network = "mediation", responses: int = 0,
) -> ReportLine:  # fmt: skip
    waterfall: Waterfall = trade.waterfall
    return ReportLine(
        mediation_app(waterfall.app.id),
        trade.day,
        waterfall.name,
        _FORMATS[waterfall.kind],
        source,
        trade.country.alpha3,
        partner or f"{source} {waterfall.name}",
        network,
        requests,
        impressions,
        earnings,
        responses,
    )


COLUMNS: Final = (
    *("Date", "Fyber App ID", "App Name", "Placement Name", "Placement Type", "Country", "Device OS", "Device ID"),
    *("Impressions", "Revenue (USD)"),
)
"""The vendor publishes no columns of this report; these are those of a sibling report, and the id of the device."""
_ORDERED_BY: Final = {"Date": "date", "Fyber App ID": "appId"}
_MASKED: Final = "masked"
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
_SHARE_MASKED: Final = 0.04
_SHARE_NOBODY: Final = {"ios": 0.2, "android": 0.03}
_SEEN_AGAIN: Final = 0.2
"""The share of impressions that go to the user of the one before."""

UserRow: TypeAlias = tuple[object, ...]


def user_csv(market: Market, app: StoredResource, day: date, quirks: Quirks) -> bytes:
    """The report of an app and a day as CSV; without rows where nothing was sold."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    places = [at for at, name in enumerate(COLUMNS) if _ORDERED_BY.get(name) not in quirks.report_without]
    user = COLUMNS.index("Device ID")
    writer.writerow([COLUMNS[at] for at in places])
    if quirks.user_level == "empty":
        return text.getvalue().encode()
    for waterfall in market.waterfalls(app):
        for trade in market.trades(waterfall, day):
            for sale in trade.sales:
                for row in _user_rows(trade, sale, Random(_seed_text(market, trade, sale))):  # noqa: S311 - no secrets
                    named = {user: quirks.masked_users} if row[user] == _MASKED else {}
                    writer.writerow([named.get(at, row[at]) for at in places])
    return text.getvalue().encode()


def _seed_text(market: Market, trade: Trade, sale: Sale) -> str:
    return f"{market.seed} {sale.placement.id} {trade.country.code} {trade.day}"


def _user_rows(trade: Trade, sale: Sale, chance: Random) -> Iterator[UserRow]:
    app, fields = trade.waterfall.app, sale.placement.fields
    platform = str(app.fields["platform"])
    system = "iOS" if platform == "ios" else "Android"
    placement_columns = trade.day.isoformat(), app.id, app.fields["name"], fields["name"], fields["placementType"]
    paid_by_user: dict[str, list[float]] = {}
    user = ""
    for price in _prices(sale, chance):
        if not user or chance.random() > _SEEN_AGAIN:
            user = _drawn_user(chance, platform)
        paid_by_user.setdefault(user, []).append(price / 1000)
    for user, paid in paid_by_user.items():
        yield (*placement_columns, trade.country.code, system, user, len(paid), sum(paid))


def _prices(sale: Sale, chance: Random) -> Iterator[float]:
    """The price of each impression, USD per thousand."""
    weights = [band.weight * sale.bids.between(band.low, band.high) for band in sale.bands]
    if sale.impressions:
        for band in _drawn_bands(sale.bands, weights, sale.impressions, chance):
            yield sale.bids.at(chance.random(), band.low, band.high)


def _drawn_bands(bands: tuple[Band, ...], weights: list[float], number: int, chance: Random) -> Iterable[Band]:
    return bands * number if len(bands) == 1 else chance.choices(bands, weights, k=number)


def _drawn_user(chance: Random, platform: str) -> str:
    drawn = chance.random()
    if drawn < _SHARE_MASKED:
        return _MASKED
    if drawn < _SHARE_MASKED + _SHARE_NOBODY.get(platform, 0):
        return _NOBODY
    number = f"{chance.getrandbits(128):032x}"
    shown = f"{number[:8]}-{number[8:12]}-4{number[13:16]}-a{number[17:20]}-{number[20:]}"
    return shown.upper() if platform == "ios" else shown
