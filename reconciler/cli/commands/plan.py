"""Commands that make, show or carry out a plan: `plan`, `show`, `rehearse`, `apply`, `undo`; and `history`."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.api.results import INCOMPLETE
from reconciler.cli.console import asks_on_terminal
from reconciler.cli.options import (
    Options,
    addresses,
    fail_on_option,
    limit_options,
    selection_options,
    shared_options,
    since_option,
)
from reconciler.cli.session import PLAN_FORMATS, RESULT_FORMATS, CommandSession, print_plan, print_result
from reconciler.errors import InvalidManifests, ProjectError, Refused, UsageError

if TYPE_CHECKING:
    from reconciler.api.results import PlanResult
    from reconciler.model.state import Allowances
    from reconciler.plan.aftermath import Obstacle
    from reconciler.plan.plan import Plan
    from reconciler.workflow.selection import Selection

DIFFERENCES: Final = 2
FAILURES: Final[Mapping[str, int]] = {"refused": 6, "blocked": 3, "warnings": 1}
"""What `--fail-on` exits with: as apply would, where the plan stays as it is."""

# ruff: noqa: PLC0415 - each command imports what it takes


@click.command("plan")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan, for `apply FILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is anything to do.")
@fail_on_option
@selection_options
@limit_options
@shared_options(formats=PLAN_FORMATS, api=True)
def plan(
    options: Options,
    *,
    out: Path | None,
    detailed_exitcode: bool,
    fail_on: "frozenset[Obstacle]",
    selection: "Selection",
    allowances: "Allowances",
) -> int:
    """Read the account and show what apply would do. Writes nothing anywhere but to --out FILE.

    Exit 0: the plan is made, whatever it holds. 2: with --detailed-exitcode, there is something to do. With --fail-on,
    the first of these that is so: 6: apply would refuse the plan. 3: changes are blocked. 1: there are warnings, of
    the manifests or of policies. The plan is printed and saved all the same.

    \b
      reconciler plan
      reconciler plan --only 'android:com.cash_crash.54*'
      reconciler plan --out plan.json --detailed-exitcode
      reconciler plan --out plan.json --format markdown >comment.md
      reconciler plan --fail-on refused,blocked
    """
    session = CommandSession.of(options)
    result = session.project().plan(selection, allowances)
    from reconciler.plan.aftermath import gravest, obstacles  # after the first requests are sent

    is_kept = out is not None and _save_plan(session, out, result)
    print_plan(session.console, options, result, session.folder)
    if out is not None and is_kept:
        session.console.talk(_saved_file_notice(out, result))
    if (grave := gravest(obstacles(result.plan, result.refusals, result.findings) & fail_on)) is not None:
        session.console.talk(f"exit {FAILURES[grave]}, as --fail-on asks for: {grave}")
        return FAILURES[grave]
    return DIFFERENCES if detailed_exitcode and result.plan.changes else 0


def _saved_file_notice(saved: Path, result: "PlanResult") -> str:
    """What an apply of a saved plan does, as far as is known now."""
    from reconciler.render.plan_text import not_carried_out

    missing = not_carried_out(result.plan, result.refusals)
    if not missing:
        return f"saved to {saved}; `reconciler apply {saved}` carries out exactly this"
    return f"saved to {saved}, for `reconciler apply {saved}`. {missing}"


def _save_plan(session: CommandSession, path: Path, result: "PlanResult") -> bool:
    """Write the plan; whether to a file that it can be read from again. Raises `ProjectError`."""
    from reconciler.files.project import write_given

    try:
        return write_given(path, result.to_text(), session.root())
    except ProjectError as error:
        raise ProjectError(f"the plan could not be saved: {error.message}", hint=error.hint) from error


@click.command("show")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@limit_options
@shared_options(formats=PLAN_FORMATS)
def show(options: Options, *, file: Path, allowances: "Allowances") -> int:
    """Show a saved plan again, in any format, and what of the project's limits it exceeds by now.

    \b
      reconciler show plan.json
      reconciler show plan.json --format json
    """
    from reconciler.api.plan import load_plan

    session = CommandSession.of(options)
    plan = load_plan(file, session.root_if_any())
    print_plan(session.console, options, _within_limits(session, plan, allowances), session.folder)
    return 0


def _within_limits(session: CommandSession, plan: "Plan", allowances: "Allowances") -> "PlanResult":
    """The plan and what it exceeds by the limits of the project it is shown in; without one, that is said."""
    from reconciler.api.plan import check_limits
    from reconciler.api.results import PlanResult

    try:
        settings = session.workspace().settings()
    except (ProjectError, InvalidManifests) as error:
        session.console.talk(f"limits and policies are not checked: {error.message}")
        return PlanResult(plan)
    if settings.publisher_id != plan.origin.publisher_id:
        session.console.talk("limits and policies are not checked: the project here is another publisher's")
        return PlanResult(plan)
    return check_limits(settings, plan, allowances)


@click.command("rehearse")
@click.argument("file", metavar="PLAN", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--faults", type=click.Path(path_type=Path, dir_okay=False), help="A YAML file of faults and quirks.")
@click.option("--skip-stale", is_flag=True, help="Leave out what moved since the plan was made.")
@limit_options
@shared_options(api=True)
def rehearse(options: Options, *, file: Path, faults: Path | None, skip_stale: bool, allowances: "Allowances") -> int:
    """Carry out a saved plan on a sandbox, under faults, and show the account of it.

    The sandbox holds what the account holds now, under the same ids. The account itself is only read; ledger, journal
    and lock of the project are left alone. Exits as `apply PLAN` would have.

    \b
      reconciler plan --out plan.json
      reconciler rehearse plan.json
      reconciler rehearse plan.json --faults faults.yaml --format json
    """
    from reconciler.render.result import rehearsal_lines

    session = CommandSession.of(options)
    result = session.project().rehearse(file, faults=faults, allowances=allowances, skip_stale=skip_stale)
    print_result(session.console, options.format, result, lambda: rehearsal_lines(result.rehearsal))
    if result.rehearsal.error is not None:
        raise result.rehearsal.error
    return result.rehearsal.exit_code


if TYPE_CHECKING:
    from reconciler.api.apply import Approval
    from reconciler.api.results import ApplyResult, PlanResult
    from reconciler.model.state import Allowances
    from reconciler.workflow.selection import Selection

DECLINED: Final = 1

# ruff: noqa: PLC0415 - each command imports what it takes


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
def apply(
    options: Options,
    *,
    file: Path | None,
    yes: bool,
    skip_stale: bool,
    reviewed: str | None,
    selection: "Selection",
    allowances: "Allowances",
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
    from reconciler.workflow.selection import Selection

    session = CommandSession.of(options)
    project = session.project()
    if file is not None:
        _check_saved(reviewed, is_shaped=selection != Selection())
        session.console.require_answer()
        return _exit_code(session, project.apply(file, allowances=allowances, skip_stale=skip_stale))
    if skip_stale:
        raise UsageError("--skip-stale goes with a saved plan", hint="reconciler apply FILE --skip-stale")
    if not yes and not asks_on_terminal():
        raise Refused("there is no terminal to ask on", hint="--yes applies without asking")
    session.console.require_answer()
    approve = None if yes else _approval_prompt(session, "Apply this?")
    result = project.plan_and_apply(selection, allowances=allowances, reviewed=reviewed, approve=approve)
    return _exit_code(session, result)


def _check_saved(reviewed: str | None, *, is_shaped: bool) -> None:
    """Raise `UsageError` for options that do not go with a saved plan."""
    if is_shaped:
        message = "--only, --recreate, --overwrite-drift and --hold-conflicts shape a plan; FILE is one already"
        raise UsageError(message, hint="give them to `plan`")
    if reviewed is not None:
        raise UsageError("--reviewed is for a new plan; FILE is one already", hint="give one of the two")


def _exit_code(session: CommandSession, result: "ApplyResult") -> int:
    if result.declined:
        session.console.talk("nothing was applied")
        return DECLINED
    return 0 if result.is_done else INCOMPLETE


def _approval_prompt(session: CommandSession, question: str) -> "Approval":
    """An approval by whoever sits at the terminal."""
    return lambda _plan: session.console.confirm(question)


@click.command("undo")
@click.argument("run", required=False)
@click.option("--manifests", is_flag=True, help="Write the old values into the manifests, too.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@limit_options
@shared_options(formats=RESULT_FORMATS, api=True)
def undo(options: Options, *, run: str | None, manifests: bool, yes: bool, allowances: "Allowances") -> int:
    """Put back what a run has changed, as far as the account is still as that run left it.

    Without RUN: list the latest runs that can be undone. With it, or the beginning of its name: plan, show, ask, carry
    out, under the limits and the lock of any apply. What was made is set inactive; what was deleted, or has been
    changed since, is named and left alone. Exit codes are those of `apply`.

    \b
      reconciler undo
      reconciler undo 20261121T190000Z-4f2a
      reconciler undo 20261121T190000Z-4f2a --manifests --yes
    """
    from reconciler.model.state import Allowances
    from reconciler.render.history import history_markdown, undo_lines

    if run is None and (manifests or yes or allowances != Allowances()):
        raise UsageError("no run to undo is named", hint="`reconciler undo` alone lists the runs; then name one")
    session = CommandSession.of(options)
    project = session.project()
    if run is None:
        undoable_runs = project.undoable()
        print_result(
            session.console,
            options.format,
            undoable_runs,
            lambda: undo_lines(undoable_runs.runs),
            markdown=lambda: session.console.raw(history_markdown(undoable_runs.runs)),
        )
        return 0
    approve = None if yes else _undo_prompt(session)
    result = project.undo(run, manifests=manifests, allowances=allowances, approve=approve)
    if result.declined:
        session.console.talk("nothing was undone")
        return DECLINED
    return 0 if result.is_done else INCOMPLETE


def _undo_prompt(session: CommandSession) -> "Approval":
    def approve(_plan: "PlanResult") -> bool:
        if not asks_on_terminal():
            raise Refused("nothing was undone: there is no terminal to ask on", hint="--yes undoes without asking")
        return session.console.confirm("Undo this?")

    return approve


@click.command("history")
@click.argument("address", required=False, shell_complete=addresses)
@since_option
@click.option("--run", "named", metavar="ID", help="Only this run; the beginning of its name will do.")
@click.option("--failed", is_flag=True, help="Only steps that were not done, or of which nobody knows.")
@shared_options(formats=("text", "json", "markdown", "csv"))
def history(options: Options, *, address: str | None, first: datetime | None, named: str | None, failed: bool) -> int:
    """Show the journal: what was done, when, by which run, and what came of it.

    With an ADDRESS: what happened to that resource, under earlier names too. As csv: a line for each field.

    \b
      reconciler history
      reconciler history android:com.cash_crash.54/int_13 --format json
      reconciler history --since 7d --failed
      reconciler history --run 20261121T190000Z-4f2a --format csv >run.csv
    """
    from reconciler.render.history import history_csv, history_lines, history_markdown

    session = CommandSession.of(options)
    result = session.project().history(address, run=named, since=first, failed=failed)
    empty = "no step in the journal matches" if result.any_recorded else ""
    print_result(
        session.console,
        options.format,
        result,
        lambda: history_lines(result.runs, empty=empty),
        markdown=lambda: session.console.raw(history_markdown(result.runs)),
        csv=lambda: session.console.raw(history_csv(result.runs)),
    )
    return 0
