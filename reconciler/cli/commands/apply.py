"""Commands that write to the account, and the journal of what they did: `apply`, `undo`, `history`."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.api.results import INCOMPLETE
from reconciler.cli.console import asks_on_terminal
from reconciler.cli.options import Options, addresses, limit_options, selection_options, shared_options, since_option
from reconciler.cli.render import RESULT_FORMATS, print_result
from reconciler.cli.session import CommandSession
from reconciler.errors import Refused, UsageError

if TYPE_CHECKING:
    from reconciler.api.apply import Approval
    from reconciler.api.results import ApplyResult, PlanResult
    from reconciler.plan.guard import Allowances
    from reconciler.workflow.observe import Selection

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
    from reconciler.workflow.observe import Selection

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
    from reconciler.plan.guard import Allowances
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
