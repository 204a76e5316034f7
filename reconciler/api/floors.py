"""Floors from reports: suggest them, write them into the manifests, and backtest them on later days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from reconciler.api.reports import reports_folder
from reconciler.api.results import ColumnTypes, table
from reconciler.api.workspace import Workspace
from reconciler.errors import ProjectError, UsageError
from reconciler.files.project import changed_error, read_manifests, write_manifests
from reconciler.floors.current_floors import RECORD_NAME, merge_records, records_of, records_text
from reconciler.floors.decide import Rules, Window
from reconciler.manifest.assemble import digest_of, sorted_by_file
from reconciler.manifest.checked_edits import ProjectContext
from reconciler.manifest.floor_edits import FloorChange, FloorTexts, write_floors
from reconciler.manifest.settings import Settings
from reconciler.model.diagnostic import Finding
from reconciler.model.evidence import Backtest, Cell, Suggestion, Suggestions
from reconciler.model.state import DesiredState
from reconciler.render.floors_document import WrittenDocument, backtest_document, suggestions_document
from reconciler.store.ledger_file import write_atomically
from reconciler.warehouse.report_store import ReportStore
from reconciler.warehouse.warehouse import Warehouse
from reconciler.workflow.floors import FloorsInput, backtest_floors, read_floors_input, suggest_floors
from reconciler.yaml.scalar import ManifestText

if TYPE_CHECKING:
    from pyarrow import Table

USUAL_DAYS: Final = 14
HELD_OUT: Final = 7
"""Days at the end of the window that suggestions are tried on, unless a day is named."""
_ENGINE: Final = "RECONCILER_REPORTS_ENGINE"


@dataclass(frozen=True, slots=True)
class SuggestionsResult:
    """A suggestion for each declared floor."""

    suggestions: Suggestions

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.floors/1`."""
        return suggestions_document(self.suggestions)

    def to_arrow(self) -> "Table":
        """A row for each floor, in USD; the expected change of revenue is USD a week, with its bounds."""
        columns: ColumnTypes = {
            "address": "text", "country": "text", "mode": "text", "verdict": "text", "current": "number",
            "suggested": "number", "changeLow": "number", "change": "number", "changeHigh": "number",
        }  # fmt: skip
        return table(columns, map(_suggestion_row, self.suggestions.cells))


def _suggestion_row(one: Suggestion) -> dict[str, Any]:
    row = {"address": one.cell.address, "country": one.cell.country, "mode": one.mode, "verdict": one.verdict}
    change = one.change
    bounds = {} if change is None else {"changeLow": change.low, "change": change.estimate, "changeHigh": change.high}
    return {**row, "current": one.current, "suggested": one.suggested, **bounds}


@dataclass(frozen=True, slots=True)
class FloorsWriteResult:
    """The floors that were written, the files that they are in, and what could not be written."""

    written: tuple[Suggestion, ...]
    files: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether every price was written."""
        return all(finding.severity != "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.written/1`."""
        return WrittenDocument.write(self.written, files=self.files)

    def to_arrow(self) -> "Table":
        """A row for each floor, in USD."""
        columns: ColumnTypes = {"address": "text", "country": "text", "before": "number", "after": "number"}
        return table(columns, self.to_dict()["floors"])


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """What earlier suggestions would have done on later days."""

    backtest: Backtest

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.backtest/1`."""
        return backtest_document(self.backtest)

    def to_arrow(self) -> "Table":
        """A row for each move, in USD; `expected` and `came` are USD a week, null where nobody can tell."""
        columns: ColumnTypes = {
            "address": "text", "country": "text", "current": "number", "suggested": "number", "expected": "number",
            "came": "number", "silent": "text",
        }  # fmt: skip
        rows = (
            {
                "address": each.cell.address,
                "country": each.cell.country,
                "current": each.current,
                "suggested": each.suggested,
                "expected": None if each.expected is None else each.expected.estimate,
                "came": None if each.came is None else each.came.estimate,
                "silent": each.silent or None,
            }
            for each in self.backtest.replays
        )
        return table(columns, rows)


@dataclass(frozen=True, slots=True)
class FloorsContext:
    """What floors are judged in: settings, manifests, the window of days, and the first day of which anything is known.

    Raises as `Workspace.desired` does, and `ProjectError` where there are no reports of the days.
    """

    workspace: Workspace
    settings: Settings
    desired: DesiredState
    window: Window
    earliest: date

    @classmethod
    def of(cls, workspace: Workspace, first: date | None, last: date | None) -> "FloorsContext":
        """For the reports of these days; the last two weeks of what there is, unless they are named."""
        settings, desired = workspace.settings(), workspace.desired()
        days = ReportStore(reports_folder(workspace)).days()
        window = _report_window(days, first, last, workspace.clock.now().date())
        return cls(workspace, settings, desired, window, days[0])

    def manifests(self) -> list[ManifestText]:
        """The texts that declare what is desired. Raises `ProjectError` where they have changed since."""
        texts = sorted_by_file(read_manifests(self.workspace.root, self.settings.manifests))
        if digest_of(self.workspace.settings_text, texts) != self.desired.digest:
            raise changed_error("manifests")
        return texts

    def floors_input(self) -> FloorsInput:
        """What manifests, ledger and journal say about floors. Raises `ProjectError` where no floor is declared."""
        context = read_floors_input(self.desired, self.workspace.store(self.settings.publisher_id))
        if not context.declared:
            raise ProjectError(
                "no manifest declares floorPrices", hint="a placement takes part with a line such as WW: 0.01"
            )
        return context

    def warehouse(self) -> Warehouse:
        """The reports to be asked."""
        return open_warehouse(self.workspace)

    def suggestions(self, on: FloorsInput, warehouse: Warehouse, only: Sequence[str]) -> Suggestions:
        """A suggestion for every declared floor whose address matches."""
        return suggest_floors(on, warehouse, self.window, Rules(safety=self.settings.safety), self.earliest, only)


def open_warehouse(workspace: Workspace) -> Warehouse:
    """The reports to be asked; RECONCILER_REPORTS_ENGINE names another engine than the embedded one."""
    folder, engine = reports_folder(workspace), workspace.environment.secret(_ENGINE)
    return Warehouse(folder, engine.reveal()) if engine else Warehouse(folder)


def days_between(days: Sequence[date], first: date | None, last: date | None) -> Sequence[date]:
    """The days with reports from `first` to `last`. Raises `ProjectError` where there are none."""
    inside = [day for day in days if (first or date.min) <= day <= (last or date.max)]
    if not inside:
        days_text = f" from {first or '...'} to {last or '...'}" if first or last else ""
        hint = "`reconciler floors fetch` fetches them, `reconciler reports import` takes those of other platforms"
        raise ProjectError(f"no reports{days_text} were fetched or imported", hint=hint)
    return inside


def _report_window(days: Sequence[date], first: date | None, last: date | None, today: date) -> Window:
    """The window of days: those named; else the last two weeks with reports. Raises `ProjectError` without reports."""
    inside = days_between(days, first, last)
    end = last or inside[-1]
    recent = [day for day in inside if day > end - timedelta(days=USUAL_DAYS)]
    return Window(first or recent[0], end, today)


def suggest(workspace: Workspace, first: date | None, last: date | None, only: Sequence[str]) -> SuggestionsResult:
    """A suggestion for every declared floor whose address matches. Changes nothing."""
    frame = FloorsContext.of(workspace, first, last)
    with frame.warehouse() as warehouse:
        return SuggestionsResult(frame.suggestions(frame.floors_input(), warehouse, only))


def backtest(workspace: Workspace, first: date | None, last: date | None, split: date | None) -> BacktestResult:
    """What suggestions of the days up to `split` would have done on the days after it; seven days without one."""
    frame = FloorsContext.of(workspace, first, last)
    window = frame.window
    last_seen = split or window.last - timedelta(days=HELD_OUT)
    if not window.first <= last_seen < window.last:
        raise UsageError(
            f"the reports of {window.first} to {window.last} cannot be parted after {last_seen}",
            hint="name a --split between the first and the last day; more days can be fetched",
        )
    with frame.warehouse() as warehouse:
        rules = Rules(safety=frame.settings.safety)
        return BacktestResult(backtest_floors(frame.floors_input(), warehouse, window, last_seen, rules))


def write(workspace: Workspace, first: date | None, last: date | None, only: Sequence[str]) -> FloorsWriteResult:
    """Write suggested floors into the manifests, and the evidence for them into a file beside the ledger."""
    frame = FloorsContext.of(workspace, first, last)
    on = frame.floors_input()
    with frame.warehouse() as warehouse:
        suggestions = frame.suggestions(on, warehouse, only)
    texts = frame.manifests()
    context = ProjectContext(frame.settings, workspace.settings_text)
    edits = write_floors(context, texts, frame.desired, _floor_changes(suggestions))
    written = _write_files(workspace, on, suggestions, texts, edits)
    return FloorsWriteResult(written, tuple(text.file for text in edits.texts), tuple(edits.findings))


def _write_files(
    workspace: Workspace, on: FloorsInput, suggestions: Suggestions, read: Sequence[ManifestText], edits: FloorTexts
) -> tuple[Suggestion, ...]:
    """Write the edited manifests and the evidence; returns the suggestions that were written."""
    write_manifests(workspace.root, read, edits.texts)
    cells = {Cell(change.address, change.country) for change in edits.written}
    if cells:
        new = records_of(suggestions, cells, workspace.clock.now().date())
        records = merge_records(workspace.price_evidence(), new, on.declared)
        write_atomically(workspace.root / RECORD_NAME, records_text(records))
    return tuple(one for one in suggestions.cells if one.cell in cells)


def _floor_changes(suggestions: Suggestions) -> list[FloorChange]:
    return [
        FloorChange(one.cell.address, one.cell.country, one.suggested)
        for one in suggestions.cells
        if one.suggested != one.current
    ]
