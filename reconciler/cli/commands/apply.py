"""`reconciler apply`."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.apply.executor import Execution
from reconciler.cli.choices import limit_options, selection_options
from reconciler.cli.console import asks_on_terminal, shows_progress
from reconciler.cli.options import Common, shared_options
from reconciler.cli.progress import ProgressBar, Quiet
from reconciler.cli.session import Session
from reconciler.diff.change import action_of, id_of
from reconciler.errors import ApiError, CredentialsError, Interrupted, PlanUnusable, Refused, StalePlan, UsageError
from reconciler.model.address import address_order
from reconciler.model.desired import Safety
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveState
from reconciler.model.outcome import Result
from reconciler.plan.codec import plan_from_text, plan_text
from reconciler.plan.forecast import forecast
from reconciler.plan.gate import Limits, gate
from reconciler.plan.guard import Allowances, Refusal
from reconciler.plan.plan import Plan, summary
from reconciler.plan.stale import Stale, stale_changes, without
from reconciler.ports import Gateway, RunStore
from reconciler.project import Project, read_bytes, write_state
from reconciler.report.document import result_document
from reconciler.report.text import forecast_text, plan_lines, result_lines
from reconciler.workflow import Conditions, Selection, carry_out_plan, make_plan, observe_ground, undo_of

INCOMPLETE = 3
DECLINED = 1


@dataclass(frozen=True, slots=True)
class _Job:
    """A plan and what it is carried out with; `left_out` are results of stale changes that are not tried."""

    root: Path
    plan: Plan
    live: LiveState
    gateway: Gateway
    run: RunStore
    ledger: Ledger
    safety: Safety
    left_out: tuple[Result, ...] = ()


@click.command("apply")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option("--skip-stale", is_flag=True, help="With FILE: leave out what moved since, and go on with the rest.")
@selection_options
@limit_options
@shared_options(api=True)
def command(
    common: Common,
    *,
    file: Path | None,
    yes: bool,
    skip_stale: bool,
    only: tuple[str, ...],
    recreate: bool,
    allowances: Allowances,
) -> int:
    """Make the account as declared: plan, show, ask, carry out. With FILE: exactly that saved plan.

    Exit 0: done. 3: some steps failed, were blocked, or have an unknown outcome. 4: the saved plan is stale.
    5: another run is at work. 6: a safety limit refuses; the message names the switch.

    \b
      reconciler apply
      reconciler apply --yes --only 'ios:*'
      reconciler plan --out plan.json && reconciler apply plan.json
    """
    session = Session.of(common)
    project = session.project()
    if file is not None:
        if only or recreate:
            raise UsageError("--only and --recreate shape a plan; FILE is one already", hint="give them to `plan`")
        return _apply_saved(session, project, file, allowances, skip_stale=skip_stale)
    if skip_stale:
        raise UsageError("--skip-stale goes with a saved plan", hint="reconciler apply FILE --skip-stale")
    if not yes and not asks_on_terminal():
        raise Refused("there is no terminal to ask on", hint="--yes applies without asking")
    return _plan_and_apply(session, project, Selection(only, common.parallelism, recreate), allowances, yes=yes)


def _plan_and_apply(
    session: Session, project: Project, selection: Selection, allowances: Allowances, *, yes: bool
) -> int:
    desired = session.desired(project)
    store = session.store(project)
    with session.gateway(desired.publisher_id) as gateway, store.run(session.environment.who()) as run:
        ledger = store.ledger()
        plan, live = make_plan(desired, gateway, ledger, session.origin(desired), selection)
        limits = Limits(desired.safety, allowances, desired.policies, desired.country_groups)
        exceeded = gate(plan, limits)
        _show(session, plan, exceeded)
        _refuse(exceeded)
        _forecast(session, plan, gateway.pace())
        if _writes(plan) and not yes and not session.console.confirm("Apply this?"):
            session.console.talk("nothing was applied")
            return DECLINED
        return _carry_out(session, _Job(project.root, plan, live, gateway, run, ledger, desired.safety))


def _apply_saved(session: Session, project: Project, file: Path, allowances: Allowances, *, skip_stale: bool) -> int:
    plan = plan_from_text(read_bytes(file).decode("utf-8", errors="replace"))
    settings = session.settings(project)
    _check_target(plan, settings.publisher_id, session.api())
    limits = Limits(settings.safety, allowances, settings.policies, settings.country_groups)
    _refuse(gate(plan, limits))
    store = session.store(project)
    with session.gateway(plan.origin.publisher_id) as gateway, store.run(session.environment.who()) as run:
        ledger = store.ledger()
        live = observe_ground(plan, gateway, ledger, session.common.parallelism)
        stale = stale_changes(plan, live)
        if stale and not skip_stale:
            told = "\n".join(f"{each.address}: {each.how}" for each in stale)
            raise StalePlan(
                f"the account has moved since the plan was made:\n{told}",
                hint="make a new plan, or go on with the rest by --skip-stale",
            )
        _forecast(session, plan, gateway.pace())
        left_out = tuple(_left_out(each, plan) for each in stale)
        job = _Job(project.root, without(plan, stale), live, gateway, run, ledger, settings.safety, left_out)
        return _carry_out(session, job)


def _check_target(plan: Plan, publisher_id: str, api: str) -> None:
    """A plan applies only to the publisher and API it was made for."""
    if (plan.origin.publisher_id, plan.origin.api) != (publisher_id, api):
        raise PlanUnusable(
            f"the plan is for publisher {plan.origin.publisher_id} at {plan.origin.api}, "
            f"this project for {publisher_id} at {api}",
            hint="apply it where it was made, or make a new one here",
        )


def _refuse(exceeded: Sequence[Refusal]) -> None:
    binding = [refusal for refusal in exceeded if refusal.binding]
    if binding:
        switches = "; ".join(dict.fromkeys(refusal.switch for refusal in binding))
        told = "\n".join(f"{refusal.message} [{refusal.limit}]" for refusal in binding)
        raise Refused(told, hint=f"what would allow it: {switches}")


def _left_out(stale: Stale, plan: Plan) -> Result:
    change = next(change for change in plan.changes if change.address == stale.address)
    return Result(stale.address, action_of(change), "skipped", id_of(change), error=f"stale: {stale.how}")


def _writes(plan: Plan) -> bool:
    counts = summary(plan)
    return bool(counts.create or counts.update or counts.deactivate or counts.delete)


def _show(session: Session, plan: Plan, exceeded: Sequence[Refusal]) -> None:
    """The plan, before anything is done: on stdout, or on stderr where stdout holds a document."""
    if session.common.format == "json":
        session.console.aside(plan_lines(plan, exceeded))
    else:
        session.console.answer(plan_lines(plan, exceeded))


def _forecast(session: Session, plan: Plan, pace: float | None) -> None:
    """What carrying out the plan will cost."""
    if _writes(plan):
        cost = forecast(plan, pace, session.common.parallelism)
        session.console.talk(forecast_text(cost, session.common.parallelism))


def _carry_out(session: Session, job: _Job) -> int:
    watching = shows_progress() and _writes(job.plan)
    bar: AbstractContextManager[ProgressBar | Quiet] = (
        ProgressBar(no_color=session.common.no_color) if watching else Quiet()
    )
    with bar as listener:
        conditions = Conditions(session.clock, listener, session.common.parallelism, job.safety.settle_seconds)
        execution = carry_out_plan(job.plan, job.live, job.gateway, job.run, job.ledger, conditions)
    undo = _keep_undo(session, job, execution)
    results = sorted([*execution.results, *job.left_out], key=lambda each: address_order(each.address))
    if session.common.format == "json":
        session.console.document(result_document(results, job.run.run_id, undo))
    else:
        session.console.answer(result_lines(results, job.run.run_id, undo))
    return _code(execution, results)


def _keep_undo(session: Session, job: _Job, execution: Execution) -> str | None:
    """Write the plan that would undo this run; its path in the project, None where there is nothing to undo."""
    if not any(result.attempts for result in execution.results):
        return None
    try:
        plan = undo_of(job.plan, execution, job.live, job.gateway, job.ledger, session.stamp(job.plan.origin))
    except (ApiError, CredentialsError) as wrong:
        session.console.talk(f"no undo plan was made: {wrong.message}")
        return None
    if not plan.changes and not plan.notes:
        return None
    return write_state(job.root, f"undo/{job.run.run_id}.json", plan_text(plan))


def _code(execution: Execution, results: Sequence[Result]) -> int:
    if execution.ended_by is not None:
        raise execution.ended_by
    if execution.interrupted:
        raise Interrupted("interrupted; what was in flight has been finished and recorded")
    done = {"applied", "unverified"}
    return 0 if all(each.outcome in done for each in results) else INCOMPLETE
