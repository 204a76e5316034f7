"""Evidence from reports on placements in countries, the floors suggested for them, and backtests of suggestions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from reconciler.model.address import Address

Mode = Literal["waterfall", "unified", "unknown"]
"""How DT is asked: in turn, before the other sources; in one auction beside them; or the reports do not say."""

PRICE_STEP: Final = 1.01
"""Ratio of neighbouring bins of a price sketch: bin b holds prices from PRICE_STEP**b up to PRICE_STEP**(b + 1)."""


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """A placement in a country: alpha-2, or `WW` for all countries that have no line of their own."""

    address: Address
    country: str


@dataclass(frozen=True, slots=True)
class DayEvidence:
    """One day of a cell. `after` is what other sources earned on requests that DT did not fill."""

    day: date
    requests: int
    impressions: int
    revenue: float
    after: float
    floor: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A cell over a window.

    `requests`, `impressions` and `revenue` are DT's; `after` and `after_requests` those of the sources behind it, from
    totals without the date dimension where the source rounds to cents. `prices` is the sketch of winning prices: how
    many impressions were paid in each bin, from rows with one impression (`single_rows`), rescaled so that its mean is
    that of all rows. `days` hold the same by day, for variance; their sums may differ by rounding.
    """

    cell: Cell
    mode: Mode
    requests: int
    impressions: int
    revenue: float
    after: float
    after_requests: int
    single_rows: int = 0
    prices: Mapping[int, float] = field(default_factory=dict)
    days: tuple[DayEvidence, ...] = ()

    @property
    def unfilled(self) -> int:
        """Requests that DT did not fill: the chances of the sources behind it."""
        return max(0, self.requests - self.impressions)


@dataclass(frozen=True, slots=True)
class Absence:
    """Days of an app on which the mediation reports have no line of DT's, though they have one on other days.

    `instead` names sources of those days alone: one of them may be DT under another name.
    """

    app: str
    days: tuple[date, ...]
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Basis:
    """The reports that the evidence of a window is based on.

    `days` is the length of the window; `mediation_days` are those with mediation reports, `dt_days` the stored reports
    of DT's own, of `dt_expected` (one for each app and day). `rows` are those of all these reports, `unread` of them
    could not be read, `repeated` and `sums` were left out, since they would count twice. `revenue` is what DT paid in
    them (USD), and `joined` the part of it that belongs to known placements.
    """

    days: int = 0
    mediation_days: int = 0
    dt_days: int = 0
    dt_expected: int = 0
    rows: int = 0
    unread: int = 0
    repeated: int = 0
    sums: int = 0
    revenue: float = 0.0
    joined: float = 0.0
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True)
class UnmatchedReports:
    """Report rows that match no placement, by name; `rows` is their number.

    `loose` counts report rows that were matched by a name that is only equal without case and spaces. `basis` says how
    much there was to match; None where it was not computed.
    """

    chartboost_placements: tuple[str, ...] = ()
    dt_placements: tuple[str, ...] = ()
    rows: int = 0
    loose: int = 0
    basis: Basis | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class KnownPlacement:
    """A placement of ours, as the ledger and the manifests know it; ids are None where it was never applied."""

    address: Address
    name: str
    app_id: str | None = None
    placement_id: str | None = None
    placement_type: str | None = None


@dataclass(frozen=True, slots=True)
class EvidenceQuery:
    """A query for evidence of these cells, from `first` to `last` (both included).

    `known` holds all placements of the account with the names and ids that reports may have for them, so that rows that
    match none are really unknown. `floors` holds the floor in force (USD) by cell and day, None or nothing for
    a day on which it changed: such a day belongs to neither floor.
    """

    cells: Sequence[Cell]
    first: date
    last: date
    known: Sequence[KnownPlacement]
    floors: Mapping[Cell, Mapping[date, float | None]] = field(default_factory=dict)


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
    unmatched: UnmatchedReports


@dataclass(frozen=True, slots=True)
class Replay:
    """One earlier suggestion, USD a week: the expected change, the one by later days, or why that is not known."""

    cell: Cell
    current: Decimal
    suggested: Decimal
    expected: Bounds | None
    came: Bounds | None
    silent: str = ""


@dataclass(frozen=True, slots=True)
class Backtest:
    """All moves of an earlier run, replayed on the days from `first` to `last`."""

    first: date
    last: date
    replays: tuple[Replay, ...]

    @property
    def told(self) -> tuple[Replay, ...]:
        """The replays for which later days have evidence."""
        return tuple(replay for replay in self.replays if replay.came is not None)

    @property
    def total(self) -> float:
        """The sum of their changes of revenue, USD a week."""
        return sum(replay.came.estimate for replay in self.replays if replay.came)

    @property
    def lost(self) -> float:
        """The sum of the negative ones of these changes, USD a week; 0 or below."""
        return sum(min(0.0, replay.came.estimate) for replay in self.replays if replay.came)
