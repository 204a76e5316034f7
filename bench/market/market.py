"""A seeded market whose best floors are known: placements x countries, first-price bidders, the rest of a waterfall.

Prices are USD per thousand impressions. A request has a user quality that all demand sees and the publisher does not.
Exchange demand is there or not; if it is, each of n bidders takes part with some probability and values the request at
quality x a log-normal draw. Its bid is that of the symmetric equilibrium of a first-price auction with a reserve r,
b(v) = v - integral of G^(n-1) from r to v, over G(v)^(n-1), with G the distribution of a rival's value (0: not taking
part). A bidder that reads the floor takes it as the reserve, one that does not bids as without. Fixed-CPM demand bids
its price or is turned away. In a waterfall the rest is asked where DT did not fill; in a unified auction the higher of
both wins.
"""

from dataclasses import dataclass
from math import erf, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PLACEMENTS, COUNTRIES = 24, 30
REQUESTS = 800_000
LOWEST = 0.01
GRID = np.linspace(-4.5, 4.5, 240)
DIMENSIONS = 7

_X = np.linspace(-6.0, 6.0, 20_001)
_PHI = np.array([0.5 * (1 + erf(x / sqrt(2))) for x in _X])


def normal(uniform: Floats) -> Floats:
    return np.interp(uniform, _PHI, _X)


def phi(x: Floats) -> Floats:
    return np.interp(x, _X, _PHI)


@dataclass(frozen=True)
class World:
    """How demand answers a floor: the share of bidders that read it, and its elasticity to the floor.

    `begin`: where floors stand at first: as a publisher left them; where they are best ("best"); or at the share of the
    true opportunity cost that the method aims at, in unified auctions at the lowest ("neutral").
    """

    name: str
    reacting: float
    elasticity: float = 0.0
    begin: str = "left"


WORLDS = {
    world.name: world
    for world in (
        World("static", 0.0),
        World("mixed", 0.35),
        World("bne", 1.0),
        World("adverse", 0.15, -0.15),
        World("placebo", 0.0, begin="neutral"),
        World("settled", 0.0, begin="best"),
    )
}


@dataclass(frozen=True)
class Shape:
    """What of a market its description leaves open.

    `quality`: spread of the logarithm of user quality; `felt_by_rest`: the power of it that the rest pays for.
    `rest`: what the rest pays, as a share of DT's mean price. `present`: how often exchange demand is there, from and
    to. `fixed`: how often fixed-CPM demand is there, where it is at all. Starting floors: `floorless` of them none, the
    others log-normal around the mean price with this mean and spread, cut at two standard deviations.
    """

    name: str
    quality: float
    felt_by_rest: float
    rest: float
    present: tuple[float, float]
    fixed: tuple[float, float]
    floorless: float
    start: tuple[float, float]


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("fitted", 0.8, 0.7, 0.6, (0.5, 0.9), (0.2, 0.78), 0.1, (-0.8, 1.2)),
        Shape("even", 0.6, 1.0, 0.85, (0.35, 0.8), (0.15, 0.6), 0.25, (-0.3, 0.7)),
        Shape("rich rest", 0.6, 1.0, 1.3, (0.5, 0.9), (0.15, 0.6), 0.25, (-0.3, 1.0)),
        Shape("rough", 1.0, 0.7, 0.5, (0.5, 0.9), (0.24, 0.96), 0.2, (-0.8, 1.0)),
    )
}


@dataclass(frozen=True)
class Requests:
    """Draws of requests, one column each: the cell, and uniforms or what was made of them."""

    cell: Ints
    quality: Floats
    steady: Floats
    reading: Floats
    fixed: Floats
    filled: Floats
    felt: Floats
    pay: Floats
    stay: Floats


@dataclass(frozen=True)
class Outcome:
    """What each request came to: DT's price where DT filled it, else 0; what the rest would pay, and did."""

    price: Floats
    rest: Floats
    after: Floats


class Market:
    """One publisher's account, drawn from a seed. Arrays are by cell: placement x COUNTRIES + country."""

    def __init__(self, seed: int, requests: int = REQUESTS, shape: Shape = SHAPES["fitted"]) -> None:
        self.seed = seed
        self.shape = shape
        draw = np.random.default_rng([seed, 1])
        size = PLACEMENTS * COUNTRIES
        placement, country = np.divmod(np.arange(size), COUNTRIES)
        self.placement, self.country = placement, country
        volume = (1 / (1.0 + draw.permutation(PLACEMENTS)))[placement] * (1 / (1.0 + np.arange(COUNTRIES)))[country]
        volume = volume * np.exp(0.6 * draw.standard_normal(size))
        self.volume = requests * volume / volume.sum()
        self.bidders = draw.integers(2, 9, size).astype(float)
        self.sigma = draw.uniform(0.7, 1.2, size)
        self.rate = draw.uniform(0.8, 1.0, size)
        self.present = draw.uniform(*shape.present, size)
        by_country = -0.035 * np.arange(COUNTRIES) + 0.4 * draw.standard_normal(COUNTRIES)
        by_placement = 0.5 * draw.standard_normal(PLACEMENTS)
        self.level = 1.5 * np.exp(by_country[country] + by_placement[placement] + 0.2 * draw.standard_normal(size))
        self.unified = np.isin(placement, draw.permutation(PLACEMENTS)[: round(0.3 * PLACEMENTS)])
        self.fill = np.clip(
            draw.uniform(0.35, 0.92, PLACEMENTS)[placement] + 0.08 * draw.standard_normal(size), 0.30, 0.95
        )
        self.has_fixed = np.where(draw.random(size) < 0.7, draw.uniform(*shape.fixed, size), 0.0)
        self._tables()
        middle = self._middle_price()
        self.fixed_price = middle * np.exp(0.3 * draw.standard_normal(size))
        richness = 0.3 * draw.standard_normal(PLACEMENTS)[placement] + 0.15 * draw.standard_normal(COUNTRIES)[country]
        self.pay = shape.rest * middle * np.exp(richness + 0.25 * draw.standard_normal(size))
        self.felt = 0.25 * middle
        mean, spread = shape.start
        guess = middle * np.exp(mean + spread * np.clip(draw.standard_normal(size), -2, 2))
        self.start = np.where(draw.random(size) < shape.floorless, LOWEST, np.maximum(LOWEST, np.round(guess, 2)))
        self.middle = middle

    @property
    def size(self) -> int:
        return PLACEMENTS * COUNTRIES

    def _tables(self) -> None:
        """By cell over GRID of log values: G^(rivals) and its integral, for the bids."""
        value = np.exp(GRID)
        taking = 1 - self.rate[:, None] + self.rate[:, None] * phi(GRID[None, :] / self.sigma[:, None])
        rivals = self.bidders - 1 + self.unified
        self.beaten = taking ** rivals[:, None]
        steps = 0.5 * (self.beaten[:, 1:] + self.beaten[:, :-1]) * np.diff(value)
        first = self.beaten[:, :1] * value[0]
        self.area = np.concatenate([first, first + np.cumsum(steps, axis=1)], axis=1)

    def _at(self, table: Floats, cell: Ints, log_value: Floats) -> Floats:
        place = np.clip((log_value - GRID[0]) / (GRID[1] - GRID[0]), 0, len(GRID) - 1.001)
        low = place.astype(np.int64)
        part = place - low
        flat = cell * len(GRID) + low
        values = table.ravel()
        return values[flat] * (1 - part) + values[flat + 1] * part

    def _middle_price(self) -> Floats:
        """Mean price without a floor or fixed demand, by cell."""
        every = np.arange(self.size)
        points = ((np.arange(256) + 0.5) / 256)[:, None]
        top = self._top(np.broadcast_to(every, (256, self.size)).ravel(), np.repeat(points, self.size), 1.0)
        cell = np.tile(every, 256)
        bid = self._bid(cell, top, None)
        won = np.bincount(cell, bid > 0, self.size)
        return self.level * np.bincount(cell, bid, self.size) / won

    def _top(self, cell: Ints, uniform: Floats, share: float) -> Floats:
        """Log of the highest value among a share of the bidders; -inf where none takes part."""
        if share <= 0:
            return np.full(len(cell), -np.inf)
        rank = uniform ** (1 / (self.bidders[cell] * share))
        rate = self.rate[cell]
        part = (rank - 1 + rate) / rate
        return np.where(part > 0, self.sigma[cell] * normal(np.clip(part, 1e-9, 1 - 1e-9)), -np.inf)

    def _bid(self, cell: Ints, top: Floats, reserve: Floats | None) -> Floats:
        """The bid, in units of level x quality, of a bidder with this log value; 0: none."""
        value = np.exp(np.clip(top, GRID[0], GRID[-1]))
        area = self._at(self.area, cell, top)
        if reserve is not None:
            area = area - np.where(reserve > 0, self._at(self.area, cell, np.log(np.maximum(reserve, 1e-9))), 0.0)
            top = np.where(value >= reserve, top, -np.inf)
        bid = value - area / self._at(self.beaten, cell, top)
        return np.where(np.isfinite(top), np.maximum(bid, 0.0 if reserve is None else reserve), 0.0)

    def requests(self, uniforms: Floats, cell: Ints, world: World) -> Requests:
        """Requests from rows of uniforms, DIMENSIONS of them."""
        log_quality = self.shape.quality * normal(uniforms[0])
        quality = np.exp(log_quality - self.shape.quality**2 / 2)
        power = self.shape.felt_by_rest
        felt = np.exp(power * log_quality - (power * self.shape.quality) ** 2 / 2)
        return Requests(
            cell=cell,
            quality=quality,
            steady=quality * self.level[cell] * self._bid(cell, self._top(cell, uniforms[1], 1 - world.reacting), None),
            reading=self._top(cell, uniforms[2], world.reacting),
            fixed=np.where(uniforms[3] < self.has_fixed[cell], self.fixed_price[cell], 0.0),
            filled=uniforms[4],
            felt=felt,
            pay=felt * self.pay[cell] * np.exp(0.4 * normal(uniforms[5]) - 0.08),
            stay=uniforms[6],
        )

    def outcome(self, drawn: Requests, floor: Floats, world: World, *, mean: bool = False) -> Outcome:
        """What becomes of requests at the floors of their cells. `mean`: the rest of a waterfall at its mean."""
        cell = drawn.cell
        least = floor[cell]
        price = np.maximum(drawn.steady, drawn.fixed)
        price = np.where(price >= least, price, 0.0)
        if world.reacting:
            scale = drawn.quality * self.level[cell]
            price = np.maximum(price, scale * self._bid(cell, drawn.reading, least / scale))
        price = np.where(drawn.stay < (self.present * self.staying(floor, world))[cell], price, 0.0)
        rest = np.where(drawn.filled < self.fill[cell], drawn.pay, 0.0)
        unified = self.unified[cell]
        price = np.where(unified & (price <= rest), 0.0, price)
        if mean:
            rest = np.where(unified, rest, drawn.felt * self.pay[cell] * self.fill[cell])
        return Outcome(price, rest, np.where(price > 0, 0.0, rest))

    def staying(self, floor: Floats, world: World) -> Floats:
        """The share of demand that stays; it is full below a quarter of the mean price, where no floor is felt."""
        return (np.maximum(floor, self.felt) / self.felt) ** world.elasticity
