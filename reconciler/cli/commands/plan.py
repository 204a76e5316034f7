"""Commands that make a plan, or take one that was saved without applying it: `plan`, `show`, `rehearse`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.options import Options, fail_on_option, limit_options, selection_options, shared_options
from reconciler.cli.render import PLAN_FORMATS, print_plan, print_result
from reconciler.cli.session import CommandSession
from reconciler.errors import InvalidManifests, ProjectError

if TYPE_CHECKING:
    from reconciler.api.results import PlanResult
    from reconciler.plan.aftermath import Obstacle
    from reconciler.plan.guard import Allowances
    from reconciler.plan.plan import Plan
    from reconciler.workflow.observe import Selection

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
    from reconciler.plan.aftermath import gravest, obstacles

    session = CommandSession.of(options)
    result = session.project().plan(selection, allowances)
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
    from reconciler.files.given import write_given

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
