"""Undoing a run: the history of runs, which of them can be undone, the reverting plan, and old values in manifests."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from reconciler.adopt.known import restore_fields
from reconciler.api.apply import Approval, carry_out, still_valid_part, writes
from reconciler.api.plan import limits_of, refuse
from reconciler.api.pull import load_declared
from reconciler.api.results import ApplyResult, ColumnTypes, PlanResult, UndoResult, one_row_per_field, table
from reconciler.api.workspace import Workspace
from reconciler.diff.change import FieldChange, Update
from reconciler.errors import ProjectError
from reconciler.files.project import write_manifests
from reconciler.manifest.checked_edits import blocks_by_address
from reconciler.model.address import Address, address_order, kind_of
from reconciler.model.habits import FOREIGN, AccountHabits
from reconciler.model.journal import (
    UNREAD,
    PastRun,
    past_creates,
    past_runs,
    run_named,
    runs_not_done,
    runs_of_resource,
    runs_since,
)
from reconciler.model.ledger import Ledger
from reconciler.model.state import Allowances, DesiredState, LiveState
from reconciler.model.value import Fields
from reconciler.plan.gate import gate
from reconciler.plan.plan import Plan
from reconciler.plan.reversal import ReversalContext, declared_again, is_undoable, reversal
from reconciler.render.history import HistoryDocument
from reconciler.render.text import counted
from reconciler.workflow.apply import ApplyRequest
from reconciler.workflow.observe import check_ledger, observe_apps_of
from reconciler.workflow.plan import PlanningContext, replan

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
        return HistoryDocument.write(self.runs)

    def to_arrow(self) -> "Table":
        """A row for each field of each step, values as JSON; a step without fields has one row. As the CSV of it."""
        columns: ColumnTypes = {
            "startedAt": "text", "run": "text", "who": "json", "at": "text", "address": "text", "action": "text",
            "outcome": "text", "id": "text", "attempts": "count", "field": "text", "before": "json", "after": "json",
            "error": "text",
        }  # fmt: skip
        steps = [
            {**run, **step, "fields": _field_changes(step)} for run in self.to_dict()["runs"] for step in run["steps"]
        ]
        return table(columns, one_row_per_field(steps))


def _field_changes(step: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The fields that a step of the journal set, each with its value before and after."""
    before, after = step["before"], step["after"]
    return [{"field": name, "before": before.get(name), "after": after[name]} for name in sorted(after)] or [
        {"before": None, "after": None}
    ]


def read_runs(workspace: Workspace) -> list[PastRun]:
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
    except ValueError as error:
        raise ProjectError(str(error), hint="`reconciler history` and `reconciler undo` list them") from error


def history(
    workspace: Workspace, address: str | None, run: str | None, first: datetime | None, *, failed: bool
) -> HistoryResult:
    """The part of the journal that concerns a resource, a run, or the time from `first` on; with all, what fits all."""
    runs = read_runs(workspace)
    any_recorded = bool(runs)
    if address is not None:
        runs = list(runs_of_resource(runs, Address(address)))
    if run is not None:
        runs = [named_run(runs, run)]
    if first is not None:
        runs = list(runs_since(runs, first))
    if failed:
        runs = list(runs_not_done(runs))
    return HistoryResult(tuple(runs), any_recorded)


def undoable(workspace: Workspace) -> HistoryResult:
    """The latest runs of which anything may be undone."""
    runs = [run for run in read_runs(workspace) if any(map(is_undoable, run.steps))]
    return HistoryResult(tuple(runs[-RECENT:]))


def undo(
    workspace: Workspace, name: str, allowances: Allowances, approve: Approval | None, *, manifests: bool
) -> UndoResult:
    """Put back what a run has changed, as far as the account is still as that run left it."""
    runs = read_runs(workspace)
    undone = named_run(runs, name)
    desired = workspace.desired()
    store, parallelism = workspace.store(desired.publisher_id), workspace.parallelism
    who = {**workspace.environment.who(), "undoes": undone.run}
    with workspace.gateway(desired.publisher_id) as gateway, store.run(who) as run:
        ledger, past = store.ledger(), past_creates(store.events())
        inside = [step.address for step in undone.steps if kind_of(step.address) == "placement"]
        live = observe_apps_of(inside, desired, gateway, ledger, parallelism)
        check_ledger(desired, live, ledger, past)
        earlier = runs[: runs.index(undone)]
        back = reversal(
            undone, earlier, _reversal_context(desired, live, ledger, store.habits()), workspace.origin(desired)
        )
        plan, exceeded = gate(back.plan, limits_of(desired, allowances))
        workspace.observer.plan_made(plan, exceeded)
        refuse(exceeded)
        remaining = remaining_declarations(desired, back.leaves)
        if not writes(plan) and not (manifests and (remaining.again or remaining.quiet)):
            workspace.inform(f"nothing of run {undone.run} is to be undone in the account")
            _restore_manifests(workspace, remaining, write=False)
            return UndoResult(undone.run)
        if approve is not None and not approve(PlanResult(plan, exceeded)):
            return UndoResult(undone.run, declined=True)
        result = None
        if writes(plan):
            context = PlanningContext(gateway, ledger, past, store.habits())
            now = replan(plan, desired, context, workspace.origin(desired), parallelism)
            part, left_out = still_valid_part(plan, plan, now, skip_stale=True)
            settle_seconds = past.settle_seconds(desired.safety.settle_seconds)
            request = ApplyRequest(part, now.live, ledger, gateway, run, settle_seconds, habits=context.habits)
            result = carry_out(workspace, request, left_out)
            remaining = remaining.without(_not_undone(plan, result))
        manifests_done = _restore_manifests(workspace, remaining, write=manifests)
    return UndoResult(undone.run, result, manifests_done=manifests_done)


def _reversal_context(desired: DesiredState, live: LiveState, ledger: Ledger, habits: AccountHabits) -> ReversalContext:
    blocks = blocks_by_address(desired.apps)
    sources = {address: block.source for address, block in blocks.items()}
    protected = frozenset(address for address, block in blocks.items() if block.lifecycle.protect)
    return ReversalContext(live, ledger, sources, protected, habits)


def _not_undone(plan: Plan, result: ApplyResult) -> frozenset[Address]:
    """The addresses, as they were before, of what is not undone."""
    done = {each.address for each in result.results if each.is_done}
    former = {each.address: each.renamed_from for each in plan.changes if isinstance(each, Update)}
    return frozenset(former.get(each.address) or each.address for each in plan.changes if each.address not in done)


@dataclass(frozen=True, slots=True)
class RemainingDeclarations:
    """What the manifests still ask for of what is undone, by the address of the block.

    `again` holds the fields that a block would declare instead, where the next apply would else do it again; `quiet`
    those that say what the next apply leaves alone anyhow; `by_hand` says what no edit of values can do.
    """

    again: Mapping[Address, Fields]
    quiet: Mapping[Address, Fields]
    by_hand: Mapping[Address, str]

    def without(self, addresses: AbstractSet[Address]) -> "RemainingDeclarations":
        """A copy without these addresses."""
        again, quiet = (
            {address: fields for address, fields in each.items() if address not in addresses}
            for each in (self.again, self.quiet)
        )
        by_hand = {address: text for address, text in self.by_hand.items() if address not in addresses}
        return RemainingDeclarations(again, quiet, by_hand)


def remaining_declarations(
    desired: DesiredState, leaves: Mapping[Address, tuple[FieldChange, ...]]
) -> RemainingDeclarations:
    """What blocks declare of leaves that are as before the run again, or are to be."""
    again: dict[Address, Fields] = {}
    quiet: dict[Address, Fields] = {}
    by_hand: dict[Address, str] = {}
    blocks = blocks_by_address(desired.apps)
    for address, changes in leaves.items():
        block = blocks.get(address)
        status = next((each.after for each in changes if each.path == "status"), None)
        if block is None or block.state == "absent":
            if status == "active":
                how = "no block declares it" if block is None else "its block says `state: absent`"
                by_hand[address] = f"{how}: change that, or it may be switched off again"
            continue
        if any(each.path == "name" for each in changes):
            by_hand[address] = "its block keeps the name that the run gave it: change it back, and take out renamedFrom"
        values = [each for each in changes if each.path != "name"]
        fields = declared_again(block.fields, values)
        if fields != block.fields:
            again[address] = fields
        elif status == "inactive" and "status" not in block.fields:
            quiet[address] = {**block.fields, "status": status}
    return RemainingDeclarations(again, quiet, by_hand)


def _restore_manifests(workspace: Workspace, remaining: RemainingDeclarations, *, write: bool) -> bool:
    """Write the old values into the manifests, or warn that the next apply does it again. False: some are left."""
    for address, text in remaining.by_hand.items():
        workspace.warn(f"{address}: {text}")
    if not write:
        if remaining.again:
            workspace.warn(
                "the manifests still ask for what was undone, so the next apply does it again: "
                f"{_address_list(remaining.again)}; `reconciler undo RUN --manifests` writes the old values into them"
            )
        return True
    wanted = {**remaining.again, **remaining.quiet}
    project = load_declared(workspace)
    edits = restore_fields(project, wanted)
    write_manifests(workspace.root, project.manifests, edits.texts)
    for manifest in edits.texts:
        workspace.inform(f"wrote {manifest.file}")
    workspace.observer.findings(edits.held)
    unwritten = [address for address in wanted if address not in edits.done]
    if unwritten:
        workspace.warn(
            f"the old values could not be written for {_address_list(unwritten)}: "
            "edit them, or the next apply does it again"
        )
    return not unwritten and not remaining.by_hand


def _address_list(addresses: Iterable[Address]) -> str:
    ordered = sorted(addresses, key=address_order)
    more = f" and {len(ordered) - 5} more" if len(ordered) > 5 else ""
    return ", ".join(ordered[:5]) + more
