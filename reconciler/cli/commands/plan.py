"""`reconciler plan`."""

from pathlib import Path

import click

from reconciler.cli.choices import limit_options, selection_options
from reconciler.cli.options import Options, shared_options
from reconciler.cli.printing import PLAN_FORMATS, print_plan
from reconciler.cli.session import Session
from reconciler.errors import ProjectError
from reconciler.floors.record import with_evidence
from reconciler.given import write_given
from reconciler.model.journal import past_creates
from reconciler.plan.gate import Limits, gate
from reconciler.plan.guard import Allowances
from reconciler.plan.plan import Plan
from reconciler.workflow.observing import Selection
from reconciler.workflow.planning import make_plan

DIFFERENCES = 2


@click.command("plan")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan, for `apply FILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is anything to do.")
@selection_options
@limit_options
@shared_options(formats=PLAN_FORMATS, api=True)
def command(
    options: Options,
    *,
    out: Path | None,
    detailed_exitcode: bool,
    only: tuple[str, ...],
    recreate: bool,
    allowances: Allowances,
) -> int:
    """Read the account and show what apply would do. Writes nothing anywhere but to --out FILE.

    \b
      reconciler plan
      reconciler plan --only 'android:com.cash_crash.54*'
      reconciler plan --out plan.json --detailed-exitcode
      reconciler plan --out plan.json --format markdown >comment.md
    """
    session = Session.of(options)
    project = session.project()
    desired = session.desired(project, remember=False)
    with session.gateway(desired.publisher_id) as gateway:
        selection = Selection(only, options.parallelism, recreate)
        store = session.store(project)
        origin, ledger = session.origin(desired), store.ledger()
        made, _ = make_plan(desired, gateway, ledger, origin, selection, lambda: past_creates(store.events()))
    plan = with_evidence(made, session.price_evidence(project))
    limits = Limits(desired.safety, allowances, desired.policies, desired.country_groups)
    plan, exceeded = gate(plan, limits)
    is_kept = out is not None and _save(out, plan, project.root)
    print_plan(session, plan, exceeded)
    if is_kept:
        session.console.talk(f"saved to {out}; `reconciler apply {out}` carries out exactly this")
    return DIFFERENCES if detailed_exitcode and plan.changes else 0


def _save(path: Path, plan: Plan, root: Path) -> bool:
    """Write the plan; whether to a file that it can be read from again. Raises `ProjectError`."""
    from reconciler.plan.codec import plan_text  # noqa: PLC0415 - most plans are not kept

    try:
        return write_given(path, plan_text(plan), root)
    except ProjectError as wrong:
        raise ProjectError(f"the plan could not be saved: {wrong.message}", hint=wrong.hint) from wrong
