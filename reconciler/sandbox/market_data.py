"""What the made-up market is drawn from: repeatable chance, countries, bids, and the days that reports hold.

Days and times are UTC, prices USD per thousand impressions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from math import exp, inf, log, sqrt
from statistics import NormalDist
from typing import Any, Final

_NORMAL = NormalDist()
_EDGE = 1e-9


def uniform(*words: object) -> float:
    """A number from 0 up to 1."""
    digest = sha256("\0".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def normal(*words: object) -> float:
    """A number of the standard normal distribution."""
    return _NORMAL.inv_cdf(min(1 - _EDGE, max(_EDGE, uniform(*words))))


def count(tries: int, share: float, noise: float) -> int:
    """How many of so many tries succeed, `noise` standard deviations away from what is expected."""
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
"""With three that are easily lost: `NA` is Namibia and no missing value, `XK` (Kosovo) is not in ISO 3166, and `ZZ` is
nobody's."""


def aims_at(fields: Mapping[str, Any], country: Country) -> bool:
    """Whether a placement with these fields is shown in a country."""
    geo = fields.get("geo") if fields.get("targetingEnabled") else None
    return geo is None or (country.code in geo["countries"]) == geo.get("include", True)


_READY_FROM: Final = time(12)
_KEPT_DAYS: Final = 10
BEGINNING: Final = date(2020, 2, 16)
"""Before it the User Level Reporting API knows nothing."""


def is_complete(day: date, now: float) -> bool:
    """Whether a day is over and its report written, at noon of the next; `now` is in seconds since the epoch."""
    ready = datetime.combine(day + timedelta(days=1), _READY_FROM, UTC)
    return ready.timestamp() <= now


def is_kept(day: date, now: float) -> bool:
    """Whether DT still has the day: the last ten, and none before the API's first."""
    today = datetime.fromtimestamp(now, UTC).date()
    return day >= max(BEGINNING, today - timedelta(days=_KEPT_DAYS))


_STANDARD_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Bids:
    """Bids with this median; `spread` is the standard deviation of their logarithm."""

    median: float
    spread: float

    def below(self, price: float) -> float:
        """The share of bids below a price."""
        return 1.0 if price == inf else _STANDARD_NORMAL.cdf(log(price / self.median) / self.spread)

    def between(self, low: float, high: float) -> float:
        """The share of bids from one price up to another."""
        return max(0.0, self.below(high) - self.below(low))

    def mean(self, low: float = 0.01, high: float = inf) -> float:
        """The mean of the bids from one price up to another; the lower price where there are none."""
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
