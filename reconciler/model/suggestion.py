"""Floor suggestions: a verdict on each cell with a declared floor, what it rests on, and what it assumes."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from reconciler.model.evidence import Cell, Evidence, Mode, Unmatched

Verdict = Literal["raise", "lower", "keep", "insufficient"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """An estimate with its interval (one-sided 90 % bounds either way)."""

    low: float
    estimate: float
    high: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Expected revenue of a cell per week in USD at one floor: DT's part, and what is left of the waterfall."""

    floor: float
    revenue: Bounds
    from_dt: float
    from_rest: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One cell. `current` and `suggested` are floors in USD; equal unless the verdict is raise or lower.

    `change` is the expected change of revenue per week in USD, None where the evidence does not allow one.
    """

    cell: Cell
    mode: Mode
    verdict: Verdict
    current: Decimal
    suggested: Decimal
    opportunity_cost: Bounds | None
    change: Bounds | None
    evidence: Evidence | None
    reasons: tuple[str, ...]
    assumptions: tuple[str, ...]
    curve: tuple[CurvePoint, ...] = ()
    working: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestions:
    """All cells of a run over a window of days (both ends included), and what could not be joined."""

    first: date
    last: date
    cells: tuple[Suggestion, ...]
    unmatched: Unmatched
