"""`reconciler undo`."""

from collections.abc import Sequence
from dataclasses import dataclass

import click

from reconciler.cli.applying import INCOMPLETE, Job, Saved, exit_code, is_done, part_that_holds, refuse, writes
from reconciler.cli.choices import limit_options
from reconciler.cli.commands.apply import DECLINED, carry_out, show
from reconciler.cli.console import asks_on_terminal
from reconciler.cli.judging import within_budget
from reconciler.cli.options import Options, shared_options
from reconciler.cli.printing import RESULT_FORMATS
from reconciler.cli.session import Session
from reconciler.cli.undoing import named_run, recorded, still_asked, tell_of_manifests, undoable, way_back
from reconciler.diff.change import Update
from reconciler.errors import Refused, UsageError
from reconciler.model.address import Address
from reconciler.model.journal import PastRun, past_creates
from reconciler.model.outcome import Result
from reconciler.plan.gate import Limits, gate
from reconciler.plan.guard import Allowances
from reconciler.plan.plan import Plan
from reconciler.project import Project
from reconciler.report.history import history_document, history_markdown, undo_lines
from reconciler.workflow.observing import check_ledger, observe_apps_of
from reconciler.workflow.planning import Ground, plan_anew


@click.command("undo")
@click.argument("run", required=False)
@click.option("--manifests", is_flag=True, help="Write the old values into the manifests, too.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@limit_options
@shared_options(formats=RESULT_FORMATS, api=True)
def command(options: Options, *, run: str | None, manifests: bool, yes: bool, allowances: Allowances) -> int:
    """Put back what a run has changed, as far as the account is still as that run left it.

    Without RUN: list the latest runs that can be undone. With it, or the beginning of its name: plan, show, ask, carry
    out, under the limits and the lock of any apply. What was made is set inactive; what was deleted, or has been
    changed since, is named and left alone. Exit codes are those of `apply`.

    \b
      reconciler undo
      reconciler undo 20261121T190000Z-4f2a
      reconciler undo 20261121T190000Z-4f2a --manifests --yes
    """
    asked = _Asked(allowances, manifests, yes)
    if run is None and asked != _Asked(Allowances(), manifests=False, yes=False):
        raise UsageError("which run to undo is not said", hint="`reconciler undo` alone lists the runs; then name one")
    session = Session.of(options)
    project = session.project()
    runs = recorded(session, session.store(project, None))
    if run is None:
        _list(session, undoable(runs))
        return 0
    return _undo(session, project, runs, named_run(runs, run), asked)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for beside the run."""

    allowances: Allowances
    manifests: bool
    yes: bool


def _list(session: Session, runs: list[PastRun]) -> None:
    match session.options.format:
        case "json":
            session.console.document(history_document(runs))
        case "markdown":
            session.console.raw(history_markdown(runs))
        case _:
            session.console.answer(undo_lines(runs))


def _undo(session: Session, project: Project, runs: list[PastRun], undone: PastRun, asked: _Asked) -> int:
    desired = session.desired(project)
    store = session.store(project, desired.publisher_id)
    parallelism, least = session.options.parallelism, desired.safety.settle_seconds
    who = {**session.environment.who(), "undoes": undone.run}
    with session.gateway(desired.publisher_id) as gateway, store.run(who) as run:
        ledger, past = store.ledger(), past_creates(store.events())
        addresses = [step.address for step in undone.steps]
        live = observe_apps_of(addresses, desired, gateway, ledger, parallelism)
        check_ledger(desired, live, ledger, past)
        back = way_back(undone, runs, desired, live, ledger, session.origin(desired))
        limits = Limits(desired.safety, asked.allowances, desired.policies, desired.country_groups, within_budget)
        plan, exceeded = gate(back.plan, limits)
        show(session, plan, exceeded)
        refuse(exceeded)
        asking = still_asked(desired, back.leaves)
        if not writes(plan) and not (asked.manifests and (asking.again or asking.quiet)):
            session.console.talk(f"nothing of run {undone.run} is to be undone in the account")
            tell_of_manifests(session, project, asking, write=False)
            return 0
        if not asked.yes:
            if not asks_on_terminal():
                raise Refused("nothing was undone: there is no terminal to ask on", hint="--yes undoes without asking")
            if not session.console.confirm("Undo this?"):
                session.console.talk("nothing was undone")
                return DECLINED
        code = 0
        if writes(plan):
            ground = Ground(gateway, ledger, past)
            now = plan_anew(plan, desired, ground, session.origin(desired), parallelism)
            part, left_out = part_that_holds(Saved(plan, plan), now, skip_stale=True)
            job = Job(part, now.live, gateway, run, ledger, past.settle_seconds(least))
            results = carry_out(session, project, job, left_out)
            code = exit_code(results)
            asking = asking.without(_not_undone(plan, results))
        wrote = tell_of_manifests(session, project, asking, write=asked.manifests)
    return code if code or wrote else INCOMPLETE


def _not_undone(plan: Plan, results: Sequence[Result]) -> frozenset[Address]:
    """The addresses, as they were before, of what is not undone."""
    done = {each.address for each in results if is_done(each)}
    former = {each.address: each.renamed_from for each in plan.changes if isinstance(each, Update)}
    return frozenset(former.get(each.address) or each.address for each in plan.changes if each.address not in done)
