"""`reconciler apply`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from reconciler.apply.executor import Execution
from reconciler.cli.applying import (
    Job,
    Saved,
    carried_out,
    exit_code,
    hold_to_review,
    is_done,
    part_that_holds,
    refuse,
    what_was_reviewed,
    why_ended,
    within_limits,
    writes,
)
from reconciler.cli.choices import limit_options, selection_options
from reconciler.cli.console import asks_on_terminal
from reconciler.cli.judging import within_budget
from reconciler.cli.options import Options, shared_options
from reconciler.cli.printing import RESULT_FORMATS, print_results
from reconciler.cli.session import Session
from reconciler.errors import ProjectError, Refused, UnfitFile, UsageError
from reconciler.floors.record import with_evidence
from reconciler.model.address import address_order
from reconciler.model.journal import past_creates
from reconciler.model.live import LiveState
from reconciler.model.outcome import Result
from reconciler.plan.codec import plan_text
from reconciler.plan.forecast import forecast
from reconciler.plan.gate import Limits, gate
from reconciler.plan.guard import Allowances, Refusal
from reconciler.plan.plan import Plan
from reconciler.plan.reviewed import left_mark
from reconciler.project import Project, write_state
from reconciler.report.overview import plan_overview
from reconciler.report.text import forecast_text
from reconciler.workflow.carrying_out import Before, let_settle, undo_of
from reconciler.workflow.observing import Selection
from reconciler.workflow.planning import Ground, make_plan, make_settled_plan, plan_anew

DECLINED = 1


@click.command("apply")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option("--skip-stale", is_flag=True, help="With FILE: leave out what moved since, and go on with the rest.")
@click.option(
    "--reviewed",
    metavar="FILE|DIGEST",
    help="Refuse what a reviewed plan did not hold: a saved plan, its Markdown, what `ci reviewed` wrote, or a digest.",
)
@selection_options
@limit_options
@shared_options(formats=RESULT_FORMATS, api=True)
def command(
    options: Options,
    *,
    file: Path | None,
    yes: bool,
    skip_stale: bool,
    reviewed: str | None,
    selection: Selection,
    allowances: Allowances,
) -> int:
    """Make the account as declared: plan, show, ask, carry out. With FILE: exactly that saved plan.

    With --reviewed: a new plan, which may hold no more than the reviewed one did.

    Exit 0: done. 3: some steps failed, were blocked, or have an unknown outcome. 4: the saved plan is stale, or there
    is more to do than was reviewed. 5: another run is at work. 6: a safety limit refuses; the message names the switch.

    \b
      reconciler apply
      reconciler apply --yes --only 'ios:*'
      reconciler plan --out plan.json && reconciler apply plan.json
      reconciler apply --yes --reviewed plan.json
    """
    session = Session.of(options)
    project = session.project()
    if file is not None:
        if selection != Selection():
            told = "--only, --recreate, --overwrite-drift and --hold-conflicts shape a plan; FILE is one already"
            raise UsageError(told, hint="give them to `plan`")
        if reviewed is not None:
            raise UsageError("--reviewed is for a new plan; FILE is one already", hint="give one of the two")
        return _apply_saved(session, project, file, allowances, skip_stale=skip_stale)
    if skip_stale:
        raise UsageError("--skip-stale goes with a saved plan", hint="reconciler apply FILE --skip-stale")
    if not yes and not asks_on_terminal():
        raise Refused("there is no terminal to ask on", hint="--yes applies without asking")
    session.console.give_account()
    terms = _Terms(replace(selection, parallelism=options.parallelism), allowances, reviewed, yes)
    return _plan_and_apply(session, project, terms)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a plan is made and applied on: `reviewed` is as it was given, `yes` asks nobody."""

    selection: Selection
    allowances: Allowances
    reviewed: str | None
    yes: bool


def _plan_and_apply(session: Session, project: Project, terms: _Terms) -> int:
    desired, selection = session.desired(project), terms.selection
    known = None if terms.reviewed is None else what_was_reviewed(terms.reviewed, session, desired)
    store = session.store(project, desired.publisher_id)
    with session.gateway(desired.publisher_id) as gateway, store.run(session.environment.who()) as run:
        ledger = store.ledger()
        past, least = past_creates(store.events()), desired.safety.settle_seconds

        def read_plan() -> tuple[Plan, LiveState]:
            return make_plan(desired, gateway, ledger, session.origin(desired), selection, lambda: past)

        ground = Ground(gateway, ledger, past)
        made, live = make_settled_plan(read_plan, ground, least, session.clock, session.console.talk)
        if ledger and not live.apps:
            session.tell_nothing_live()
        limits = Limits(desired.safety, terms.allowances, desired.policies, desired.country_groups, within_budget)
        plan, exceeded = gate(with_evidence(made, session.price_evidence(project)), limits)
        show(session, plan, exceeded)
        if known is not None:
            hold_to_review(session, plan, known)
        refuse(exceeded)
        _forecast(session, plan, gateway.pace())
        if writes(plan) and not terms.yes:
            if not session.console.confirm("Apply this?"):
                session.console.talk("nothing was applied")
                return DECLINED
            now = plan_anew(plan, desired, ground, session.origin(desired), selection.parallelism)
            plan, _ = part_that_holds(Saved(plan, plan), now, skip_stale=False)
            live = now.live
        job = Job(plan, live, gateway, run, ledger, past.settle_seconds(least))
        return exit_code(carry_out(session, project, job, is_reviewed=terms.reviewed is not None))


def _apply_saved(session: Session, project: Project, file: Path, allowances: Allowances, *, skip_stale: bool) -> int:
    plan = session.plan_in(file)
    desired = session.desired(project)
    session.console.give_account()
    saved = within_limits(plan, session, desired, allowances)
    store = session.store(project, desired.publisher_id)
    with session.gateway(desired.publisher_id) as gateway, store.run(session.environment.who()) as run:
        least, parallelism = desired.safety.settle_seconds, session.options.parallelism
        past = let_settle(store, session.clock, least, saved.within)
        ledger = store.ledger()
        ground = Ground(gateway, ledger, past)
        now = plan_anew(saved.within, desired, ground, session.origin(desired), parallelism)
        part, left_out = part_that_holds(saved, now, skip_stale=skip_stale)
        _forecast(session, part, gateway.pace())
        job = Job(part, now.live, gateway, run, ledger, past.settle_seconds(least))
        return exit_code(carry_out(session, project, job, left_out))


def show(session: Session, plan: Plan, exceeded: Sequence[Refusal]) -> None:
    """The plan, before anything is done: on stdout, or on stderr where stdout holds a document."""
    told = plan_overview(plan, exceeded, whole=session.options.verbosity > 0)
    if session.options.format == "text":
        session.console.answer(told)
    else:
        session.console.aside(told)


def _forecast(session: Session, plan: Plan, pace: float | None) -> None:
    """What carrying out the plan will cost."""
    if writes(plan):
        cost = forecast(plan, pace, session.options.parallelism)
        session.console.talk(forecast_text(cost, session.options.parallelism))


def carry_out(
    session: Session, project: Project, job: Job, left_out: Sequence[Result] = (), *, is_reviewed: bool = False
) -> list[Result]:
    """Carry out a job, print what came of it with what was left out, and keep the plan that undoes it.

    Raises what broke it off, after it has been told.
    """
    execution = carried_out(session, job)
    results = sorted([*execution.results, *left_out], key=lambda each: address_order(each.address))
    undo = None
    try:
        undo = _keep_undo(session, project, job, execution)
    finally:  # whatever went wrong after the writes, the account of them is given
        left = left_mark(job.plan, {each.address for each in results if is_done(each)}) if is_reviewed else ""
        print_results(session, results, job.run.run_id, undo, job.plan.origin, job.plan.held, left=left)
    if (error := why_ended(execution)) is not None:
        raise error
    return results


def _keep_undo(session: Session, project: Project, job: Job, execution: Execution) -> str | None:
    """Write the plan that would undo this run; its path in the project, None where there is nothing to undo."""
    if execution.after is None:
        return None
    if isinstance(execution.after, str):
        session.console.talk(
            f"the account could not be read after the run, so no undo plan was made: {execution.after}"
        )
        return None
    origin = session.stamp(job.plan.origin)
    plan = undo_of(job.plan, execution, execution.after, Before(job.live, job.ledger), origin)
    if not plan.changes and not plan.notes:
        return None
    try:
        return write_state(project.root, f"undo/{job.run.run_id}.json", plan_text(plan))
    except UnfitFile:
        raise
    except ProjectError as wrong:
        session.console.talk(f"no undo plan was made: {wrong.message}")
        return None
