"""Opportunity costs by cell: what the rest of a waterfall pays where DT does not fill. Sparse cells borrow from others.

The model: cost = placement x country x own deviation, measured with noise. Placement and country factors come from a
weighted multiplicative fit (iterative proportional fitting with a weak prior), the spread of deviations from weighted
moments, the noise from a jackknife over days, and each cell lies between its fit and its own figure as far as its own
evidence reaches (an empirical Bayes shrinkage). Prices are USD per thousand impressions.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from reconciler.floors.decide import Rules
from reconciler.model.evidence import Bounds, Cell, DayEvidence, Evidence

ROUNDS: Final = 60
CLOSE_ENOUGH: Final = 1e-7
PRIOR_WEIGHT: Final = 1.0
"""A factor starts with the weight of one observation whose relative variance is 1: any real evidence outweighs it."""
FIRST_SPREAD: Final = 0.1
LEAST_SPREAD: Final = 0.0025
"""Cells are never taken to agree with the fit closer than to 5 %."""
LEAST_DAYS: Final = 4
DAY_TOLD: Final = 5
"""Cents a day from which the days of a cell show noise rather than rounding."""
PHI_WEIGHT: Final = 8.0
"""The weight of the noise of all cells, in days, beside a cell's own days."""
LEAST_PHI: Final = 0.05
LEAST_LEVEL: Final = 1e-6
"""USD per thousand; a lower mean counts as nothing."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The opportunity cost of a cell: its own figure, the fit, the weight of its own figure (0..1), and the result."""

    own: float
    fit: float
    weight: float
    sd: float
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class _Sample:
    """A cell's own figure and its relative variance apart from cent rounding."""

    cell: Cell
    cost: float
    variance: float
    rounding: float


def opportunity_costs(evidence: Iterable[Evidence], rules: Rules) -> dict[Cell, Estimate]:
    """An estimate for each cell of a waterfall that has requests without a fill and sources behind DT."""
    cells = sorted(
        (
            cell_evidence
            for cell_evidence in evidence
            if cell_evidence.mode == "waterfall" and cell_evidence.unfilled and cell_evidence.after_requests
        ),
        key=lambda cell_evidence: cell_evidence.cell,
    )
    level = _mean_cost(cells)
    if level < LEAST_LEVEL:
        return {cell_evidence.cell: _zero_estimate(cell_evidence, rules) for cell_evidence in cells}
    samples = [
        _sample(cell_evidence, phi, rules) for cell_evidence, phi in zip(cells, _noise(cells, rules), strict=True)
    ]
    spread = FIRST_SPREAD
    for _ in range(3):
        fits = _fit(samples, level, spread)
        spread = _fit_spread(samples, fits)
    return {sample.cell: _posterior(sample, fit, spread, rules) for sample, fit in zip(samples, fits, strict=True)}


def cost_of(evidence: Evidence) -> float:
    """A cell's own figure: what the rest earned per thousand requests that DT did not fill."""
    return 1000 * evidence.after / evidence.unfilled


def _mean_cost(evidence: Sequence[Evidence]) -> float:
    unfilled = sum(cell_evidence.unfilled for cell_evidence in evidence)
    return 1000 * sum(cell_evidence.after for cell_evidence in evidence) / unfilled if unfilled else 0.0


def _rounding(evidence: Evidence, rules: Rules) -> float:
    """Standard deviation of the cost from rounding alone; one rounded figure has cent / sqrt(12)."""
    return 1000 * rules.cent * sqrt(rules.rounded_rows / 12) / evidence.unfilled


def _zero_estimate(evidence: Evidence, rules: Rules) -> Estimate:
    sd = _rounding(evidence, rules)
    return Estimate(own=0.0, fit=0.0, weight=1.0, sd=sd, bounds=Bounds(0.0, 0.0, rules.bound * sd))


def _sample(evidence: Evidence, phi: float, rules: Rules) -> _Sample:
    return _Sample(evidence.cell, cost_of(evidence), phi / evidence.unfilled, _rounding(evidence, rules))


def _noise(evidence: Sequence[Evidence], rules: Rules) -> list[float]:
    """For each cell the relative variance of one request: by its own days, shrunk towards that of all cells."""
    own = [_jackknife(cell_evidence, rules) for cell_evidence in evidence]
    days = sum(weight for _, weight in own)
    common = sum(phi * weight for phi, weight in own) / days if days else rules.usual_variance
    return [max(LEAST_PHI, (common * PHI_WEIGHT + phi * weight) / (PHI_WEIGHT + weight)) for phi, weight in own]


def _jackknife(evidence: Evidence, rules: Rules) -> tuple[float, float]:
    """Relative variance of one request by a jackknife over days, and its degrees of freedom."""
    days = [day for day in evidence.days if day.requests > day.impressions]
    unfilled = sum(_unfilled(day) for day in days)
    after = sum(day.after for day in days)
    if len(days) < LEAST_DAYS or after < DAY_TOLD * 0.01 * len(days):
        return 0.0, 0.0
    count = len(days)
    without = [(after - day.after) / (unfilled - _unfilled(day)) for day in days]
    middle = sum(without) / count
    variance = (count - 1) / count * sum((part - middle) ** 2 for part in without)
    rounded = rules.cent**2 * rules.rounded_rows * count / 12 / unfilled**2
    return max(LEAST_PHI, (variance - rounded) * unfilled / (after / unfilled) ** 2), count - 1.0


def _unfilled(day: DayEvidence) -> int:
    return day.requests - day.impressions


def _fit(samples: Sequence[_Sample], level: float, spread: float) -> list[float]:
    """The fitted cost of each cell: level x placement factor x country factor."""
    weights = [1 / (sample.variance + (sample.rounding / level) ** 2 + spread) for sample in samples]
    by_placement: dict[str, float] = defaultdict(lambda: 1.0)
    by_country: dict[str, float] = defaultdict(lambda: 1.0)
    placements = [str(sample.cell.address) for sample in samples]
    countries = [sample.cell.country for sample in samples]
    shares = [sample.cost / level for sample in samples]
    for _ in range(ROUNDS):
        moved = _proportional(by_placement, placements, [by_country[name] for name in countries], shares, weights)
        moved = max(
            moved, _proportional(by_country, countries, [by_placement[name] for name in placements], shares, weights)
        )
        if moved < CLOSE_ENOUGH:
            break
    return [
        level * by_placement[placement] * by_country[country]
        for placement, country in zip(placements, countries, strict=True)
    ]


def _proportional(
    factors: dict[str, float],
    names: Sequence[str],
    others: Sequence[float],
    shares: Sequence[float],
    weights: Sequence[float],
) -> float:
    """Update one side's factors given the other's; returns the largest relative change."""
    got: dict[str, float] = defaultdict(lambda: PRIOR_WEIGHT)
    due: dict[str, float] = defaultdict(lambda: PRIOR_WEIGHT)
    for name, other, share, weight in zip(names, others, shares, weights, strict=True):
        got[name] += weight * share
        due[name] += weight * other
    moved = 0.0
    for name, total in got.items():
        factor = total / due[name]
        moved = max(moved, abs(factor / factors[name] - 1))
        factors[name] = factor
    return moved


def _fit_spread(samples: Sequence[_Sample], fits: Sequence[float]) -> float:
    """Variance of the cells' true deviations from the fit, by weighted moments."""
    total = weights = 0.0
    for sample, fit in zip(samples, fits, strict=True):
        noise = sample.variance + (sample.rounding / fit) ** 2
        weight = 1 / (FIRST_SPREAD + noise)
        total += weight * ((sample.cost / fit - 1) ** 2 - noise)
        weights += weight
    return max(LEAST_SPREAD, total / weights)


def _posterior(sample: _Sample, fit: float, spread: float, rules: Rules) -> Estimate:
    noise = sample.variance + (sample.rounding / fit) ** 2
    weight = spread / (spread + noise)
    cost = fit + weight * (sample.cost - fit)
    sd = fit * sqrt(weight * noise)
    reach = rules.bound * sd
    return Estimate(sample.cost, fit, weight, sd, Bounds(max(0.0, cost - reach), cost, cost + reach))
