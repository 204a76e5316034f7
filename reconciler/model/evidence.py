"""Evidence for floors: what the reports say of one placement in one country over a window of days.

Prices and earnings are USD, prices per thousand impressions; days are UTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
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
    """Days of an app on which the mediation reports have no line of DT's, though they have one on others.

    `instead` names sources that are there on those days alone: one of them may be DT under another name.
    """

    app: str
    days: tuple[date, ...]
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Basis:
    """What of a window the evidence stands on.

    `days` is the length of the window; `mediation_days` are those with mediation reports, `dt_days` the reports of DT's
    own that are there, of `dt_expected` (one for each app and day). `rows` are those of all these reports, `unread` of
    them could not be read, `repeated` and `sums` were left out, since they would count twice. `revenue` is what DT paid
    in them (USD), and `joined` the part of it that belongs to known placements.
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
class Unmatched:
    """What could not be joined, by name, so that nothing is dropped in silence; `rows` counts report rows.

    `loose` counts report rows that were joined, but by a name that is only equal without case and spaces. `basis` says
    how much was there to be joined; None where nobody looked.
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
class Question:
    """What is asked for: these cells, from `first` to `last` (both included).

    `known` tells by which names and ids reports may call the placements; all placements of the account that are known,
    so that what remains is really unknown. `floors` holds the floor in force (USD) by cell and day, None or nothing for
    a day on which it changed: such a day belongs to neither floor.
    """

    cells: Sequence[Cell]
    first: date
    last: date
    known: Sequence[KnownPlacement]
    floors: Mapping[Cell, Mapping[date, float | None]] = field(default_factory=dict)
