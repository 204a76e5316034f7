"""`reconciler plan`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from reconciler.cli.choices import fail_on_option, limit_options, selection_options
from reconciler.cli.judging import within_budget
from reconciler.cli.options import Options, shared_options
from reconciler.cli.printing import PLAN_FORMATS, print_plan
from reconciler.cli.session import Session
from reconciler.errors import ProjectError
from reconciler.floors.record import with_evidence
from reconciler.given import write_given
from reconciler.model.desired import DesiredState
from reconciler.model.journal import past_creates
from reconciler.plan.gate import Limits, gate
from reconciler.plan.guard import Allowances, Refusal
from reconciler.plan.outlook import Obstacle, gravest, obstacles
from reconciler.plan.plan import Plan
from reconciler.project import Project
from reconciler.report.outlook import not_carried_out
from reconciler.workflow.observing import Selection
from reconciler.workflow.planning import make_plan

DIFFERENCES: Final = 2
FAILURES: Final[Mapping[Obstacle, int]] = {"refused": 6, "blocked": 3, "warnings": 1}
"""What `--fail-on` exits with: as apply would, where the plan stays as it is."""


@click.command("plan")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan, for `apply FILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is anything to do.")
@fail_on_option
@selection_options
@limit_options
@shared_options(formats=PLAN_FORMATS, api=True)
def command(
    options: Options,
    *,
    out: Path | None,
    detailed_exitcode: bool,
    fail_on: frozenset[Obstacle],
    selection: Selection,
    allowances: Allowances,
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
    session = Session.of(options)
    project = session.project()
    loaded, desired = session.checked(project, remember=False)
    made = _made(session, project, desired, replace(selection, parallelism=options.parallelism))
    limits = Limits(desired.safety, allowances, desired.policies, desired.country_groups, within_budget)
    plan, exceeded = gate(made, limits)
    is_kept = out is not None and _save(out, plan, project.root)
    print_plan(session, plan, exceeded)
    if out is not None and is_kept:
        session.console.talk(_what_becomes_of(out, plan, exceeded))
    if (grave := gravest(obstacles(plan, exceeded, loaded.findings) & fail_on)) is not None:
        session.console.talk(f"exit {FAILURES[grave]}, as --fail-on asks for: {grave}")
        return FAILURES[grave]
    return DIFFERENCES if detailed_exitcode and plan.changes else 0


def _made(session: Session, project: Project, desired: DesiredState, selection: Selection) -> Plan:
    """The plan before limits, with the evidence of its prices."""
    with session.gateway(desired.publisher_id) as gateway:
        store = session.store(project, desired.publisher_id)
        origin, ledger = session.origin(desired), store.ledger()
        made, live = make_plan(desired, gateway, ledger, origin, selection, lambda: past_creates(store.events()))
    if ledger and not live.apps:
        session.tell_nothing_live()
    return with_evidence(made, session.price_evidence(project))


def _what_becomes_of(saved: Path, plan: Plan, exceeded: Sequence[Refusal]) -> str:
    """What an apply of a saved plan does, as far as is known now."""
    missing = not_carried_out(plan, exceeded)
    if not missing:
        return f"saved to {saved}; `reconciler apply {saved}` carries out exactly this"
    return f"saved to {saved}, for `reconciler apply {saved}`. {missing}"


def _save(path: Path, plan: Plan, root: Path) -> bool:
    """Write the plan; whether to a file that it can be read from again. Raises `ProjectError`."""
    from reconciler.plan.codec import plan_text  # noqa: PLC0415 - most plans are not kept

    try:
        return write_given(path, plan_text(plan), root)
    except ProjectError as wrong:
        raise ProjectError(f"the plan could not be saved: {wrong.message}", hint=wrong.hint) from wrong
