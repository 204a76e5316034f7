"""A made-up market behind an account: what its placements sell by country and day, and what the rest would pay.

Everything is a function of a seed, of the account's apps and placements as they are now, and of the day. So floors
matter: DT buys where its bid reaches the floor, and what it leaves goes to the sources behind it. The account does not
remember earlier floors: all days are told at the floors of today.

Placements of one app and type whose names differ only behind the last underscore are rungs of one waterfall. All rungs
see the same bid for a request: the dearest takes it first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from math import exp, inf
from typing import Any, Final, Literal, TypeAlias

from reconciler.sandbox.account import Account
from reconciler.sandbox.market_data import COUNTRIES, Bids, Country, aims_at, count, normal, uniform
from reconciler.sandbox.resources import Stored

Setting: TypeAlias = Literal["waterfall", "unified", "alone"]
"""DT is asked in turn, or in one auction beside the others; `alone`: the mediation platform knows nothing of it."""

_REQUESTS: Final = {"Interstitial": 4000, "Rewarded": 2500, "Banner": 6000, "MREC": 1500}
"""A day's requests of a waterfall, about."""
_PRICES: Final = {"Interstitial": 1.0, "Rewarded": 1.6, "Banner": 0.12, "MREC": 0.25}
_MOST_REQUESTS: Final = 16_000
"""A day's requests of an app, at most: half of them at most become rows of a report."""
_SPREAD: Final = 0.75
_WEEKEND: Final = 1.15


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Placements of DT's that are asked for the same requests, and what is known of their demand.

    `price` and `requests` are factors and a day's number; `rest` is how well the other sources pay beside DT.
    """

    app: Stored
    name: str
    rungs: tuple[Stored, ...]
    setting: Setting
    requests: float
    price: float
    present: float
    rest: float

    @property
    def kind(self) -> str:
        """The type that all of its placements have."""
        return str(self.rungs[0].fields["placementType"])


@dataclass(frozen=True, slots=True)
class Band:
    """Bids from `low` up to `high` buy; `weight` is the share of requests for which that is so."""

    weight: float
    low: float
    high: float = inf


@dataclass(frozen=True, slots=True)
class Sale:
    """What one placement was asked for and sold in a country on a day. `bands` hold the bids that bought."""

    placement: Stored
    requests: int
    impressions: int
    bids: Bids
    bands: tuple[Band, ...]

    @property
    def earnings(self) -> float:
        """USD, as expected: the mediation platform's own figure, beside which DT's differs a little."""
        shares = [band.weight * self.bids.between(band.low, band.high) for band in self.bands]
        prices = [self.bids.mean(band.low, band.high) for band in self.bands]
        total = sum(shares)
        paid = sum(share * price for share, price in zip(shares, prices, strict=True)) / total if total else 0.0
        return self.impressions * paid / 1000


@dataclass(frozen=True, slots=True)
class Trade:
    """A waterfall in a country on a day: all its requests, and DT's sales, the dearest rung first."""

    waterfall: Waterfall
    country: Country
    day: date
    requests: int
    sales: tuple[Sale, ...]


class Market:
    """The market of one account. The same seed makes the same one."""

    def __init__(self, account: Account, seed: int) -> None:
        self._account = account
        self.seed = seed

    def waterfalls(self, app: Stored) -> tuple[Waterfall, ...]:
        """Those of an app, by type and name; of an app or placement that is inactive none."""
        if app.fields.get("status") != "active":
            return ()
        active = [each for each in self._account.placements(app.id) if each.fields.get("status") == "active"]
        stems = _stems(active)
        key = {each.id: (each.fields["placementType"], stems[each.id], each.id) for each in active}
        active.sort(key=lambda each: key[each.id])
        grouped = groupby(active, key=lambda each: key[each.id][:2])
        drawn = [self._waterfall(app, str(stem), tuple(rungs)) for (_, stem), rungs in grouped]
        total = sum(each.requests for each in drawn)
        return tuple(_scaled(each, min(1.0, _MOST_REQUESTS / total)) for each in drawn)

    def trades(self, waterfall: Waterfall, day: date) -> Iterator[Trade]:
        """What happened in it on a day, by country."""
        for country in COUNTRIES:
            rungs = [rung for rung in waterfall.rungs if aims_at(rung.fields, country)]
            if rungs:
                yield self._trade(waterfall, country, day, rungs)

    def paid_by_rest(self, waterfall: Waterfall, country: Country) -> float:
        """What the best of the other sources pays, USD per thousand impressions."""
        here = exp(0.2 * normal(self.seed, "rest", waterfall.app.id, waterfall.name, country.code))
        return waterfall.rest * here * self._bids(waterfall, country).mean()

    def _waterfall(self, app: Stored, name: str, rungs: tuple[Stored, ...]) -> Waterfall:
        kind = rungs[0].fields["placementType"]
        words = (self.seed, app.id, kind, name)
        return Waterfall(
            app,
            name,
            rungs,
            _setting(uniform(*words, "setting"), len(rungs)),
            requests=_REQUESTS[kind] * exp(0.3 * normal(*words, "requests")),
            price=_PRICES[kind] * exp(0.3 * normal(*words, "price")),
            present=0.4 + 0.4 * uniform(*words, "present"),
            rest=0.9 * exp(0.4 * normal(*words, "rest")),
        )

    def _bids(self, waterfall: Waterfall, country: Country) -> Bids:
        return Bids(waterfall.price * country.price, _SPREAD)

    def _trade(self, waterfall: Waterfall, country: Country, day: date, rungs: Sequence[Stored]) -> Trade:
        words = (self.seed, waterfall.app.id, waterfall.kind, waterfall.name, country.code, day)
        busy = exp(0.08 * normal(*words, "busy")) * (_WEEKEND if day.weekday() > 4 else 1.0)
        requests = round(waterfall.requests * country.share * busy)
        bids = self._bids(waterfall, country)
        if waterfall.setting == "unified":
            bands = _beside(self.paid_by_rest(waterfall, country), floor_of(rungs[0].fields, country))
            return Trade(waterfall, country, day, requests, (_sale(rungs[0], requests, waterfall, bids, bands, words),))
        sales: list[Sale] = []
        high, left = inf, requests
        for rung in sorted(rungs, key=lambda each: (-floor_of(each.fields, country), int(each.id))):
            low = floor_of(rung.fields, country)
            sales.append(_sale(rung, left, waterfall, bids, (Band(1.0, low, high),), words))
            high, left = low, left - sales[-1].impressions
        return Trade(waterfall, country, day, requests, tuple(sales))


def floor_of(fields: Mapping[str, Any], country: Country) -> float:
    """The floor in force in a country, USD per thousand impressions."""
    floors = fields.get("floorPrices", {})
    return float(floors.get(country.code, floors.get("WW", 0.01)))


def rest_bids(best: float) -> tuple[float, ...]:
    """What the best of the others bids in an auction: five prices, each as likely as the next."""
    bids = Bids(best, 0.5)
    return tuple(bids.at((step + 0.5) / 5, 0.01, inf) for step in range(5))


REST_BIDS: Final = 0.85
"""The share of auctions in which any of the others bids."""


def _beside(best: float, floor: float) -> tuple[Band, ...]:
    """In an auction a bid has to beat the floor and the others' best."""
    prices = rest_bids(best)
    against = (Band(REST_BIDS / len(prices), max(floor, price)) for price in prices)
    return (Band(1 - REST_BIDS, floor), *against)


def _sale(
    rung: Stored, requests: int, waterfall: Waterfall, bids: Bids, bands: tuple[Band, ...], words: tuple[object, ...]
) -> Sale:
    share = waterfall.present * sum(band.weight * bids.between(band.low, band.high) for band in bands)
    return Sale(rung, requests, count(requests, share, normal(*words, rung.id, "sold")), bids, bands)


def _setting(rank: float, rungs: int) -> Setting:
    """A ladder makes no sense in one auction."""
    if rank < 0.15:
        return "alone"
    return "unified" if rank > 0.75 and rungs == 1 else "waterfall"


def _scaled(waterfall: Waterfall, factor: float) -> Waterfall:
    told = {name: getattr(waterfall, name) for name in Waterfall.__slots__}
    return Waterfall(**{**told, "requests": factor * waterfall.requests})


def _stems(placements: Sequence[Stored]) -> Mapping[str, str]:
    """The name of its waterfall for each placement by id: its own, without the rung where it has neighbours."""
    shared: dict[tuple[str, str], int] = {}
    for each in placements:
        key = each.fields["placementType"], _stem(each)
        shared[key] = shared.get(key, 0) + 1
    return {
        each.id: _stem(each) if shared[each.fields["placementType"], _stem(each)] > 1 else str(each.fields["name"])
        for each in placements
    }


def _stem(placement: Stored) -> str:
    name = str(placement.fields["name"])
    return name.rpartition("_")[0] or name
