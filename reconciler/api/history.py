"""The journal as it is read: what runs have done, and which of them can be undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from reconciler.api.arrow import Columns, flat, table
from reconciler.api.workspace import Workspace
from reconciler.errors import ProjectError
from reconciler.model.address import Address
from reconciler.model.journal import FOREIGN, UNREAD, PastRun, not_done, of_resource, past_runs, run_named, since
from reconciler.plan.reversal import is_undoable
from reconciler.report.count import counted
from reconciler.report.history import history_document

if TYPE_CHECKING:
    from pyarrow import Table

RECENT: Final = 20
"""Runs that are listed as undoable, the latest ones."""


@dataclass(frozen=True, slots=True)
class HistoryResult:
    """Runs of the journal, oldest first. `any_recorded`: the journal holds runs, whether or not they were asked for."""

    runs: tuple[PastRun, ...]
    any_recorded: bool = True

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.history/1`."""
        return history_document(self.runs)

    def to_arrow(self) -> "Table":
        """A row for each field of each step, values as JSON; a step without fields has one row. As the CSV of it."""
        columns: Columns = {
            "startedAt": "text", "run": "text", "who": "json", "at": "text", "address": "text", "action": "text",
            "outcome": "text", "id": "text", "attempts": "count", "field": "text", "before": "json", "after": "json",
            "error": "text",
        }  # fmt: skip
        steps = [{**run, **step, "fields": _changed(step)} for run in self.to_dict()["runs"] for step in run["steps"]]
        return table(columns, flat(steps))


def _changed(step: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The fields that a step of the journal set, each with its value before and after."""
    before, after = step["before"], step["after"]
    return [{"field": name, "before": before.get(name), "after": after[name]} for name in sorted(after)] or [
        {"before": None, "after": None}
    ]


def recorded(workspace: Workspace) -> list[PastRun]:
    """The runs of the journal, oldest first; warns of lines of it that came from elsewhere, or cannot be read."""
    events = list(workspace.store(None).events())
    if unread := [event["line"] for event in events if event.get("event") == UNREAD]:
        workspace.warn(
            f"{counted(len(unread), 'line')} of the journal cannot be read (the first is line {unread[0]}): what was "
            "done there is not shown; a run that was killed leaves one, more are left by whatever changed the file"
        )
    if foreign := sum(bool(event.get(FOREIGN)) for event in events) - len(unread):
        workspace.warn(
            f"{counted(foreign, 'line')} of the journal came from elsewhere or from an earlier version: they are "
            "shown, and no ledger is made of them"
        )
    return past_runs(events)


def named_run(runs: Sequence[PastRun], name: str) -> PastRun:
    """The run that is called so, or begins so. Raises `ProjectError` where there is none, or more than one."""
    try:
        return run_named(runs, name)
    except ValueError as wrong:
        raise ProjectError(str(wrong), hint="`reconciler history` and `reconciler undo` list them") from wrong


def history(
    workspace: Workspace, address: str | None, run: str | None, first: datetime | None, *, failed: bool
) -> HistoryResult:
    """The part of the journal that concerns a resource, a run, or the time from `first` on; with all, what fits all."""
    runs = recorded(workspace)
    any_recorded = bool(runs)
    if address is not None:
        runs = list(of_resource(runs, Address(address)))
    if run is not None:
        runs = [named_run(runs, run)]
    if first is not None:
        runs = list(since(runs, first))
    if failed:
        runs = list(not_done(runs))
    return HistoryResult(tuple(runs), any_recorded)


def undoable(workspace: Workspace) -> HistoryResult:
    """The latest runs of which anything may be undone."""
    runs = [run for run in recorded(workspace) if any(map(is_undoable, run.steps))]
    return HistoryResult(tuple(runs[-RECENT:]))
