"""The simulated market: repeatable random numbers, countries, bids, waterfalls and their sales, and days of reports.

Days and times are UTC, prices USD per thousand impressions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from itertools import groupby
from math import exp, inf, log, sqrt
from statistics import NormalDist
from typing import Any, Final, Literal, TypeAlias

from reconciler.sandbox.account import SandboxAccount, StoredResource

_NORMAL = NormalDist()
_EDGE = 1e-9


def uniform(*words: object) -> float:
    """A number from 0 up to 1, the same for the same words."""
    digest = sha256("\0".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def normal(*words: object) -> float:
    """A number of the standard normal distribution, the same for the same words."""
    return _NORMAL.inv_cdf(min(1 - _EDGE, max(_EDGE, uniform(*words))))


def count(tries: int, share: float, noise: float) -> int:
    """The number of successes in so many tries: the expected one plus `noise` standard deviations."""
    expected = tries * share
    return max(0, min(tries, round(expected + noise * sqrt(max(0.0, expected * (1 - share))))))


@dataclass(frozen=True, slots=True)
class Country:
    """`price` is the median bid for an interstitial, USD per thousand impressions."""

    code: str
    alpha3: str
    share: float
    price: float


COUNTRIES: Final = (
    Country("US", "USA", 0.30, 4.0),
    Country("GB", "GBR", 0.10, 2.8),
    Country("DE", "DEU", 0.08, 2.4),
    Country("CA", "CAN", 0.06, 2.9),
    Country("AU", "AUS", 0.05, 3.0),
    Country("JP", "JPN", 0.06, 2.5),
    Country("FR", "FRA", 0.06, 1.8),
    Country("SE", "SWE", 0.03, 2.2),
    Country("NO", "NOR", 0.02, 2.6),
    Country("BR", "BRA", 0.08, 0.6),
    Country("IN", "IND", 0.10, 0.3),
    Country("NA", "NAM", 0.01, 0.4),
    Country("XK", "XKX", 0.01, 0.4),
    Country("ZZ", "ZZZ", 0.02, 0.5),
)
"""Three are hard to read correctly: `NA` is Namibia and no missing value, `XK` (Kosovo) is not in ISO 3166, and `ZZ` is
no country."""


def aims_at(fields: Mapping[str, Any], country: Country) -> bool:
    """Whether a placement with these fields is shown in a country."""
    geo = fields.get("geo") if fields.get("targetingEnabled") else None
    return geo is None or (country.code in geo["countries"]) == geo.get("include", True)


_READY_FROM: Final = time(12)
_KEPT_DAYS: Final = 10
BEGINNING: Final = date(2020, 2, 16)
"""The first day of the User Level Reporting API."""


def is_complete(day: date, now: float) -> bool:
    """Whether the report of a day is written, at noon of the next; `now` is in seconds since the epoch."""
    ready = datetime.combine(day + timedelta(days=1), _READY_FROM, UTC)
    return ready.timestamp() <= now


def is_kept(day: date, now: float) -> bool:
    """Whether DT still has the day: the last ten, and none before the API's first."""
    today = datetime.fromtimestamp(now, UTC).date()
    return day >= max(BEGINNING, today - timedelta(days=_KEPT_DAYS))


_STANDARD_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Bids:
    """Log-normal bids with this median; `spread` is the standard deviation of their logarithm."""

    median: float
    spread: float

    def below(self, price: float) -> float:
        """The share of bids below a price."""
        return 1.0 if price == inf else _STANDARD_NORMAL.cdf(log(price / self.median) / self.spread)

    def between(self, low: float, high: float) -> float:
        """The share of bids from one price up to another."""
        return max(0.0, self.below(high) - self.below(low))

    def mean(self, low: float = 0.01, high: float = inf) -> float:
        """The mean of the bids from `low` up to `high`; `low` where there are none."""
        share = self.between(low, high)
        if not share:
            return low
        shifted = Bids(self.median * exp(self.spread**2), self.spread)
        return self.median * exp(self.spread**2 / 2) * shifted.between(low, high) / share

    def at(self, rank: float, low: float, high: float) -> float:
        """The bid of this rank (0 to 1) among those from one price up to another."""
        begin = self.below(low)
        share = begin + rank * (self.below(high) - begin)
        return min(
            high, max(low, self.median * exp(self.spread * _STANDARD_NORMAL.inv_cdf(min(1 - 1e-12, max(1e-12, share)))))
        )


Setting: TypeAlias = Literal["waterfall", "unified", "alone"]
"""DT is asked in turn, or in one auction with the others; `alone`: the mediation platform does not report it."""

_REQUESTS: Final = {"Interstitial": 4000, "Rewarded": 2500, "Banner": 6000, "MREC": 1500}
"""A day's requests of a waterfall, about."""
_PRICES: Final = {"Interstitial": 1.0, "Rewarded": 1.6, "Banner": 0.12, "MREC": 0.25}
_MOST_REQUESTS: Final = 16_000
"""A day's requests of an app, at most: half of them at most become rows of a report."""
_SPREAD: Final = 0.75
_WEEKEND: Final = 1.15


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Placements of DT's that are asked for the same requests, and the parameters of their demand.

    `price` and `requests` are factors and a day's number; `rest` is how well the other sources pay beside DT.
    """

    app: StoredResource
    name: str
    tiers: tuple[StoredResource, ...]
    setting: Setting
    requests: float
    price: float
    present: float
    rest: float

    @property
    def kind(self) -> str:
        """The placement type of all of its placements."""
        return str(self.tiers[0].fields["placementType"])


@dataclass(frozen=True, slots=True)
class Band:
    """Bids from `low` up to `high` win; `weight` is the share of requests for which they do."""

    weight: float
    low: float
    high: float = inf


@dataclass(frozen=True, slots=True)
class Sale:
    """Requests and impressions of one placement in a country on a day. `bands` hold the winning bids."""

    placement: StoredResource
    requests: int
    impressions: int
    bids: Bids
    bands: tuple[Band, ...]

    @property
    def earnings(self) -> float:
        """Expected USD, which the mediation platform reports; DT's own figure differs a little."""
        shares = [band.weight * self.bids.between(band.low, band.high) for band in self.bands]
        prices = [self.bids.mean(band.low, band.high) for band in self.bands]
        total = sum(shares)
        paid = sum(share * price for share, price in zip(shares, prices, strict=True)) / total if total else 0.0
        return self.impressions * paid / 1000


@dataclass(frozen=True, slots=True)
class Trade:
    """A waterfall in a country on a day: all its requests, and DT's sales, the highest tier first."""

    waterfall: Waterfall
    country: Country
    day: date
    requests: int
    sales: tuple[Sale, ...]


class Market:
    """The market of one account. The same seed gives the same market."""

    def __init__(self, account: SandboxAccount, seed: int) -> None:
        self._account = account
        self.seed = seed

    def waterfalls(self, app: StoredResource) -> tuple[Waterfall, ...]:
        """The waterfalls of an app, by type and name; none for an inactive app, without inactive placements."""
        if app.fields.get("status") != "active":
            return ()
        active = [each for each in self._account.placements(app.id) if each.fields.get("status") == "active"]
        stems = _stems(active)
        key = {each.id: (each.fields["placementType"], stems[each.id], each.id) for each in active}
        active.sort(key=lambda each: key[each.id])
        grouped = groupby(active, key=lambda each: key[each.id][:2])
        drawn = [self._waterfall(app, str(stem), tuple(tiers)) for (_, stem), tiers in grouped]
        total = sum(each.requests for each in drawn)
        return tuple(_scaled(each, min(1.0, _MOST_REQUESTS / total)) for each in drawn)

    def trades(self, waterfall: Waterfall, day: date) -> Iterator[Trade]:
        """The trades of a waterfall on a day, by country."""
        for country in COUNTRIES:
            tiers = [tier for tier in waterfall.tiers if aims_at(tier.fields, country)]
            if tiers:
                yield self._trade(waterfall, country, day, tiers)

    def paid_by_rest(self, waterfall: Waterfall, country: Country) -> float:
        """The price of the best of the other sources, USD per thousand impressions."""
        here = exp(0.2 * normal(self.seed, "rest", waterfall.app.id, waterfall.name, country.code))
        return waterfall.rest * here * self._bids(waterfall, country).mean()

    def _waterfall(self, app: StoredResource, name: str, tiers: tuple[StoredResource, ...]) -> Waterfall:
        kind = tiers[0].fields["placementType"]
        words = (self.seed, app.id, kind, name)
        return Waterfall(
            app,
            name,
            tiers,
            _setting(uniform(*words, "setting"), len(tiers)),
            requests=_REQUESTS[kind] * exp(0.3 * normal(*words, "requests")),
            price=_PRICES[kind] * exp(0.3 * normal(*words, "price")),
            present=0.4 + 0.4 * uniform(*words, "present"),
            rest=0.9 * exp(0.4 * normal(*words, "rest")),
        )

    def _bids(self, waterfall: Waterfall, country: Country) -> Bids:
        return Bids(waterfall.price * country.price, _SPREAD)

    def _trade(self, waterfall: Waterfall, country: Country, day: date, tiers: Sequence[StoredResource]) -> Trade:
        words = (self.seed, waterfall.app.id, waterfall.kind, waterfall.name, country.code, day)
        busy = exp(0.08 * normal(*words, "busy")) * (_WEEKEND if day.weekday() > 4 else 1.0)
        requests = round(waterfall.requests * country.share * busy)
        bids = self._bids(waterfall, country)
        if waterfall.setting == "unified":
            bands = _auction_bands(self.paid_by_rest(waterfall, country), floor_of(tiers[0].fields, country))
            return Trade(waterfall, country, day, requests, (_sale(tiers[0], requests, waterfall, bids, bands, words),))
        sales: list[Sale] = []
        high, remaining = inf, requests
        for tier in sorted(tiers, key=lambda placement: (-floor_of(placement.fields, country), int(placement.id))):
            low = floor_of(tier.fields, country)
            sales.append(_sale(tier, remaining, waterfall, bids, (Band(1.0, low, high),), words))
            high, remaining = low, remaining - sales[-1].impressions
        return Trade(waterfall, country, day, requests, tuple(sales))


def floor_of(fields: Mapping[str, Any], country: Country) -> float:
    """The floor in force in a country, USD per thousand impressions."""
    floors = fields.get("floorPrices", {})
    return float(floors.get(country.code, floors.get("WW", 0.01)))


def rest_bids(best: float) -> tuple[float, ...]:
    """The best bid of the others in an auction: five prices of equal probability, around `best`."""
    bids = Bids(best, 0.5)
    return tuple(bids.at((step + 0.5) / 5, 0.01, inf) for step in range(5))


REST_BIDS: Final = 0.85
"""The share of auctions in which any of the others bids."""


def _auction_bands(best: float, floor: float) -> tuple[Band, ...]:
    """The bands of winning bids in an auction: a bid has to beat the floor and the others' best bid."""
    prices = rest_bids(best)
    against = (Band(REST_BIDS / len(prices), max(floor, price)) for price in prices)
    return (Band(1 - REST_BIDS, floor), *against)


def _sale(
    tier: StoredResource,
    requests: int,
    waterfall: Waterfall,
    bids: Bids,
    bands: tuple[Band, ...],
    words: tuple[object, ...],
) -> Sale:
    share = waterfall.present * sum(band.weight * bids.between(band.low, band.high) for band in bands)
    return Sale(tier, requests, count(requests, share, normal(*words, tier.id, "sold")), bids, bands)


def _setting(rank: float, tiers: int) -> Setting:
    """How DT is asked, by a random rank (0..1); several tiers are never in one auction."""
    if rank < 0.15:
        return "alone"
    return "unified" if rank > 0.75 and tiers == 1 else "waterfall"


def _scaled(waterfall: Waterfall, factor: float) -> Waterfall:
    values = {name: getattr(waterfall, name) for name in Waterfall.__slots__}
    return Waterfall(**{**values, "requests": factor * waterfall.requests})


def _stems(placements: Sequence[StoredResource]) -> Mapping[str, str]:
    """The waterfall's name for each placement by id: its own name, or the part of it that several tiers share."""
    shared: dict[tuple[str, str], int] = {}
    for placement in placements:
        key = placement.fields["placementType"], _stem(placement)
        shared[key] = shared.get(key, 0) + 1
    return {
        placement.id: _stem(placement)
        if shared[placement.fields["placementType"], _stem(placement)] > 1
        else str(placement.fields["name"])
        for placement in placements
    }


def _stem(placement: StoredResource) -> str:
    name = str(placement.fields["name"])
    return name.rpartition("_")[0] or name
