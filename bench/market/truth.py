"""What floors earn in the long run in a market, which no report tells: the best of each cell, and the true costs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from market import DIMENSIONS, LOWEST, Floats, Market, Requests, World

CURVE = 44
POINTS = 512
NEUTRAL = 0.75


@dataclass(frozen=True)
class Truth:
    """What every floor earns in the long run, USD a week by cell, in one world; and what the rest pays for requests."""

    market: Market
    world: World

    @cached_property
    def floors(self) -> Floats:
        """By cell: the lowest floor, the price of fixed demand, and even steps of the logarithm."""
        steps = np.exp(np.linspace(np.log(0.06), np.log(3.5), CURVE - 2))
        lowest, fixed = np.full((self.market.size, 1), LOWEST), self.market.fixed_price[:, None]
        return np.concatenate([lowest, fixed, self.market.middle[:, None] * steps], axis=1)

    @cached_property
    def _drawn(self) -> Requests:
        size = self.market.size
        ratio = _generalised_golden(DIMENSIONS)
        shift = np.random.default_rng([self.market.seed, 2]).random((DIMENSIONS, size, 1))
        uniforms = (shift + np.arange(POINTS)[None, None, :] * ratio[:, None, None]) % 1
        return self.market.requests(uniforms.reshape(DIMENSIONS, -1), np.repeat(np.arange(size), POINTS), self.world)

    @cached_property
    def revenue(self) -> Floats:
        """By cell and floor of the grid."""
        return np.stack([self.earned(self.floors[:, step]) for step in range(CURVE)], axis=1)

    def earned(self, floor: Floats) -> Floats:
        """Long-run revenue at any floors, by cell."""
        came = self.market.outcome(self._drawn, floor, self.world, mean=True)
        per_request = (came.price + came.after).reshape(self.market.size, POINTS).mean(axis=1)
        return self.market.volume * per_request / 1000

    @cached_property
    def best(self) -> Floats:
        """The best floor of each cell."""
        return self.floors[np.arange(self.market.size), self.revenue.argmax(axis=1)]

    def start(self) -> Floats:
        """Where the floors stand before any suggestion."""
        match self.world.begin:
            case "best":
                return np.maximum(LOWEST, np.round(self.best, 2))
            case "neutral":
                return self._neutral()
            case _:
                return self.market.start

    def _neutral(self) -> Floats:
        floor = self.market.start
        for _ in range(6):
            floor = np.where(self.market.unified, LOWEST, np.maximum(LOWEST, np.round(NEUTRAL * self.cost(floor), 2)))
        return floor

    def cost(self, floor: Floats) -> Floats:
        """What the rest pays on average for a thousand requests that DT leaves at these floors, by cell."""
        came = self.market.outcome(self._drawn, floor, self.world, mean=True)
        left = (came.price <= 0).reshape(self.market.size, POINTS).sum(axis=1)
        return came.after.reshape(self.market.size, POINTS).sum(axis=1) / np.maximum(left, 1)


def _generalised_golden(dimensions: int) -> Floats:
    """Steps of an evenly spread sequence in so many dimensions (the root of x^(d+1) = x + 1, and its powers)."""
    root = 1.5
    for _ in range(40):
        root = (1 + root) ** (1 / (dimensions + 1))
    return (1 / root) ** np.arange(1, dimensions + 1)
