"""Carry out a plan under the lock, on an account that is read again; write the plan that undoes it.

`apply_new` plans first; `apply_saved` checks what still holds of a plan made before. Both end in `carry_out`.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from reconciler.api.plan import hold_to_review, limits_of, read_review, refuse, within_limits
from reconciler.api.results import ApplyResult, PlanResult
from reconciler.api.workspace import Workspace
from reconciler.apply.executor import Execution
from reconciler.diff.change import action_of, id_of
from reconciler.errors import Interrupted, PlanUnusable, ProjectError, ReconcilerError, Refused, StalePlan, UnfitFile
from reconciler.files.project import write_state
from reconciler.floors.current_floors import with_evidence
from reconciler.model.address import address_order
from reconciler.model.journal import Result, past_creates
from reconciler.model.state import Allowances, DesiredState, LiveState
from reconciler.plan.aftermath import forecast
from reconciler.plan.document import plan_text
from reconciler.plan.gate import gate
from reconciler.plan.plan import Plan, left_mark, summary
from reconciler.plan.revalidate import CurrentState, Stale, revalidate, without
from reconciler.workflow.apply import ApplyRequest, carry_out_plan, make_undo_plan
from reconciler.workflow.plan import PlanningContext, make_plan, make_settled_plan, replan, wait_to_settle
from reconciler.workflow.selection import Selection

if TYPE_CHECKING:
    from reconciler.apis.management.gateway import DtGateway
    from reconciler.ports import Store

Approval: TypeAlias = Callable[[PlanResult], bool]
"""Asked before a plan that writes is carried out, while the lock is held; the account is read again after a yes."""


def apply_new(
    workspace: Workspace, wanted: Selection, allowances: Allowances, reviewed: str | None, approve: Approval | None
) -> ApplyResult:
    """Plan, hold the plan to limits and to what was reviewed, have it approved, carry it out."""
    desired, selection = workspace.desired(), replace(wanted, parallelism=workspace.parallelism)
    review = None if reviewed is None else read_review(workspace, reviewed, desired)
    store = workspace.store(desired.publisher_id)
    least = desired.safety.settle_seconds
    with workspace.gateway(desired.publisher_id) as gateway, store.run(workspace.environment.who()) as run:
        fresh, live, context = _make_settled_plan(workspace, desired, gateway, store, selection)
        plan, exceeded = gate(with_evidence(fresh, workspace.price_evidence()), limits_of(desired, allowances))
        workspace.observer.plan_made(plan, exceeded)
        if review is not None:
            hold_to_review(workspace, plan, review)
        refuse(exceeded)
        announce_forecast(workspace, plan, gateway.pace())
        if writes(plan) and approve is not None:
            if not approve(PlanResult(plan, exceeded)):
                return ApplyResult(run.run_id, plan, declined=True)
            now = replan(plan, desired, context, workspace.origin(desired), workspace.parallelism)
            plan, _ = still_valid_part(plan, plan, now, skip_stale=False)
            live = now.live
        settle = context.past.settle_seconds(least)
        request = ApplyRequest(plan, live, context.ledger, gateway, run, settle, habits=context.habits)
        return carry_out(workspace, request, is_reviewed=reviewed is not None)


def _make_settled_plan(
    workspace: Workspace, desired: DesiredState, gateway: "DtGateway", store: "Store", selection: Selection
) -> tuple[Plan, LiveState, PlanningContext]:
    """A plan that repeats no create of an earlier run, before limits; the account as it was read, and the ledger."""
    ledger = store.ledger()
    past, habits = past_creates(store.events()), store.habits()
    selection = replace(selection, habits=habits)

    def read_plan() -> tuple[Plan, LiveState]:
        return make_plan(desired, gateway, ledger, workspace.origin(desired), selection, lambda: past)

    context, least = PlanningContext(gateway, ledger, past, habits), desired.safety.settle_seconds
    plan, live = make_settled_plan(read_plan, context, least, workspace.clock, workspace.inform)
    workspace.warn_of_empty_account(ledger, live)
    return plan, live, context


def apply_saved(workspace: Workspace, plan: Plan, allowances: Allowances, *, skip_stale: bool) -> ApplyResult:
    """Carry out what still holds of a plan that was made before."""
    desired = workspace.desired()
    within = within_limits(workspace, plan, desired, allowances)
    store, least = workspace.store(desired.publisher_id), desired.safety.settle_seconds
    with workspace.gateway(desired.publisher_id) as gateway, store.run(workspace.environment.who()) as run:
        past = wait_to_settle(store, workspace.clock, least, within)
        context = PlanningContext(gateway, store.ledger(), past, store.habits())
        now = replan(within, desired, context, workspace.origin(desired), workspace.parallelism)
        part, left_out = still_valid_part(plan, within, now, skip_stale=skip_stale)
        announce_forecast(workspace, part, gateway.pace())
        settle = past.settle_seconds(least)
        request = ApplyRequest(part, now.live, context.ledger, gateway, run, settle, habits=context.habits)
        return carry_out(workspace, request, left_out)


def announce_forecast(workspace: Workspace, plan: Plan, pace: float | None) -> None:
    """Pass the cost of a plan that writes to the observer; `pace`: seconds per call as measured, or None."""
    if writes(plan):
        workspace.observer.forecast(forecast(plan, pace, workspace.parallelism))


def writes(plan: Plan) -> bool:
    """Whether carrying out the plan makes any call."""
    counts = summary(plan)
    return bool(counts.create or counts.update or counts.deactivate or counts.delete)


def still_valid_part(
    original: Plan, within: Plan, now: CurrentState, *, skip_stale: bool
) -> tuple[Plan, tuple[Result, ...]]:
    """The plan without what is stale by now, and the results of what was left out.

    `original` is the plan as it was made, `within` the same as the limits of this run let it out. Raises `PlanUnusable`
    where the plan contradicts itself, `Refused` where it deletes what would not be deleted now, and `StalePlan` where
    anything is stale, or the manifests are others, and nothing may be skipped.
    """
    checked = revalidate(original, within, now)
    again = "make a new plan with `reconciler plan --out FILE`"
    if checked.broken:
        raise PlanUnusable(f"the plan document contradicts itself:\n{_stale_reasons(checked.broken)}", hint=again)
    if checked.refused:
        raise Refused(
            f"the plan deletes what a plan made now would not:\n{_stale_reasons(checked.refused)}", hint=again
        )
    if (checked.stale or checked.outdated) and not skip_stale:
        reasons = ["the manifests have changed since it was made"] if checked.outdated else []
        reasons += [_stale_reasons(checked.stale)] if checked.stale else []
        raise StalePlan(
            "\n".join(["the plan does not hold any more:", *reasons]),
            hint="make a new plan, or go on with the rest by --skip-stale",
        )
    return without(checked.plan, checked.stale), tuple(_skipped_result(each, checked.plan) for each in checked.stale)


def _stale_reasons(steps: Sequence[Stale]) -> str:
    return "\n".join(f"{each.address}: {each.how}" for each in steps)


def _skipped_result(stale: Stale, plan: Plan) -> Result:
    change = next(change for change in plan.changes if change.address == stale.address)
    return Result(stale.address, action_of(change), "skipped", id_of(change), error=f"stale: {stale.how}")


def execute(workspace: Workspace, request: ApplyRequest) -> Execution:
    """Carry out a plan; the observer gets each step and can stop the run."""
    observer = workspace.observer
    shown = observer.progress("apply") if writes(request.plan) else nullcontext(_NullListener())
    with shown as listener, observer.interruptible(request.cancellation.interrupt):
        return carry_out_plan(request, workspace.clock, listener, workspace.parallelism)


class _NullListener:
    """A `ports.Listener` that ignores everything, for a plan without steps."""

    def planned(self, steps: int) -> None: ...

    def begun(self, step: object) -> None: ...

    def ended(self, result: Result) -> None: ...


def carry_out(
    workspace: Workspace, request: ApplyRequest, left_out: Sequence[Result] = (), *, is_reviewed: bool = False
) -> ApplyResult:
    """Carry out a plan, write its undo plan, and pass the result, with what was left out, to the observer.

    An error that ended the run is raised after the observer has got the result.
    """
    execution = execute(workspace, request)
    results = all_results(execution, left_out)
    done, plan = {each.address for each in results if each.is_done}, request.plan
    result = ApplyResult(request.run.run_id, plan, results, left=left_mark(plan, done) if is_reviewed else "")
    try:
        result = replace(result, undo=_write_undo_plan(workspace, request, execution))
    finally:  # whatever went wrong after the writes, the account of them is given
        workspace.observer.finished(result)
    if (error := run_error(execution)) is not None:
        raise error
    return result


def all_results(execution: Execution, left_out: Sequence[Result]) -> tuple[Result, ...]:
    """All results in the order of addresses."""
    return tuple(sorted([*execution.results, *left_out], key=lambda each: address_order(each.address)))


def run_error(execution: Execution) -> ReconcilerError | None:
    """The error that ended a run; None for a run that was completed."""
    if execution.ended_by is None and execution.interrupted:
        return Interrupted("interrupted; what was in flight has been finished and recorded")
    return execution.ended_by


def _write_undo_plan(workspace: Workspace, request: ApplyRequest, execution: Execution) -> str | None:
    """Write the plan that would undo this run; its path in the project, None where there is nothing to undo."""
    if execution.after is None:
        return None
    if isinstance(execution.after, str):
        workspace.inform(f"the account could not be read after the run, so no undo plan was made: {execution.after}")
        return None
    plan = make_undo_plan(request, execution, execution.after, workspace.stamp(request.plan.origin))
    if not plan.changes and not plan.notes:
        return None
    try:
        return write_state(workspace.root, f"undo/{request.run.run_id}.json", plan_text(plan))
    except UnfitFile:
        raise
    except ProjectError as error:
        workspace.inform(f"no undo plan was made: {error.message}")
        return None
