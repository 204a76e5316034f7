"""What was earned: sums of the stored reports by day, week, app, placement, type, country and platform."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from reconciler.api.floors import days_between, open_warehouse
from reconciler.api.reports import reports_folder
from reconciler.api.results import RowsResult
from reconciler.api.workspace import Workspace
from reconciler.errors import ProjectError, UsageError
from reconciler.model.address import Address, selector
from reconciler.model.rows import Rows
from reconciler.model.state import DesiredState
from reconciler.model.value import WORLDWIDE, floor_table
from reconciler.warehouse.report_store import ReportStore
from reconciler.warehouse.revenue import KEYS, Key, RevenueQuery
from reconciler.workflow.floors import known_placements

if TYPE_CHECKING:
    from pyarrow import Table


@dataclass(frozen=True, slots=True)
class Rung:
    """One placement of a waterfall; its figures are those of a row by placement, None where it has none."""

    address: Address
    floor: float | None
    figures: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class RevenueResult:
    """A row for each combination of the keys; and, for charts, the sums by day, by country and by waterfall."""

    rows: Rows
    days: Rows
    countries: Rows
    waterfalls: tuple[tuple[Rung, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.rows/1`."""
        return RowsResult(self.rows).to_dict()

    def to_arrow(self) -> "Table":
        """The rows; numbers as floats."""
        return RowsResult(self.rows).to_arrow()


def revenue(
    workspace: Workspace, by: Sequence[str], first: date | None, last: date | None, only: Sequence[str], *, charts: bool
) -> RevenueResult:
    """Sums of the reports of these days, else of all that are stored. Reads the store alone.

    Raises `UsageError` for a key that does not exist, and `ProjectError` where no reports are stored, or no placement
    matches.
    """
    keys = _keys(by)
    desired, settings = workspace.desired(), workspace.settings()
    days = days_between(ReportStore(reports_folder(workspace)).days(), first, last)
    known = tuple(known_placements(desired, workspace.store(settings.publisher_id).ledger()))
    wanted = selector(only)
    if only and not any(wanted(placement.address) for placement in known):
        raise ProjectError(f"--only {' '.join(only)}: no placement matches", hint="`reconciler list` shows addresses")
    query = RevenueQuery(days[0], days[-1], known, wanted, is_part=bool(only))
    with open_warehouse(workspace) as warehouse:
        tables = warehouse.revenue(query)
        rows = tables.rows(keys)
        if not charts:
            return RevenueResult(rows, rows, rows)
        placements = tables.rows(("placement",))
        waterfalls = tuple(_waterfalls(desired, placements, only))
        return RevenueResult(rows, tables.rows(("day",)), tables.rows(("country",)), waterfalls)


def _keys(by: Sequence[str]) -> tuple[Key, ...]:
    """The keys, each once, as they were named; the day where none was."""
    named = list(dict.fromkeys(by)) or ["day"]
    keys = tuple(key for name in named for key in KEYS if key == name)
    if len(keys) < len(named):
        unknown = next(name for name in named if name not in KEYS)
        raise UsageError(f"--by {unknown}: no such key", hint=f"there are {', '.join(KEYS)}")
    return keys


def _waterfalls(desired: DesiredState, placements: Rows, only: Sequence[str]) -> Iterator[tuple[Rung, ...]]:
    """The waterfalls with any figures, dearest rung first."""
    figures = {str(row["placement"]): dict(row) for row in placements.records()}
    wanted = selector(only)
    blocks = {each.address: each for app in desired.apps for each in app.placements or ()}
    for app in desired.apps:
        for ladder in app.ladders:
            rungs = tuple(
                Rung(address, _floor(blocks[address].fields.get("floorPrices")), figures.get(address))
                for address in ladder
                if wanted(address)
            )
            if any(rung.figures for rung in rungs):
                yield rungs


def _floor(declared: Any) -> float | None:
    """The worldwide floor (USD), which ranks the rungs; None where none is declared."""
    table = floor_table(declared)
    return None if table is None else float(table.get(WORLDWIDE, 0))
