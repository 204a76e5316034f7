"""Bids of one demand in one country: a log-normal distribution, and its parts. USD per thousand impressions."""

from dataclasses import dataclass
from math import exp, inf, log
from statistics import NormalDist

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Bids:
    """Bids with this median; `spread` is the standard deviation of their logarithm."""

    median: float
    spread: float

    def below(self, price: float) -> float:
        """The share of bids below a price."""
        return 1.0 if price == inf else _NORMAL.cdf(log(price / self.median) / self.spread)

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
        return min(high, max(low, self.median * exp(self.spread * _NORMAL.inv_cdf(min(1 - 1e-12, max(1e-12, share))))))
