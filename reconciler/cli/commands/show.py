"""`reconciler show`."""

from pathlib import Path

import click

from reconciler.cli.choices import limit_options
from reconciler.cli.judging import within_budget
from reconciler.cli.options import Options, shared_options
from reconciler.cli.printing import PLAN_FORMATS, print_plan
from reconciler.cli.session import Session
from reconciler.errors import InvalidManifests, ProjectError
from reconciler.plan.gate import Limits, gate
from reconciler.plan.guard import Allowances, Refusal
from reconciler.plan.plan import Plan


@click.command("show")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@limit_options
@shared_options(formats=PLAN_FORMATS)
def command(options: Options, *, file: Path, allowances: Allowances) -> int:
    """Show a saved plan again, in any format, and what of the project's limits it exceeds by now.

    \b
      reconciler show plan.json
      reconciler show plan.json --format json
    """
    session = Session.of(options)
    plan = session.plan_in(file)
    print_plan(session, *_within_limits(session, plan, allowances))
    return 0


def _within_limits(session: Session, plan: Plan, allowances: Allowances) -> tuple[Plan, tuple[Refusal, ...]]:
    """The plan and what it exceeds by the limits of the project it is shown in; without one, that is said."""
    try:
        settings = session.settings(session.project())
    except (ProjectError, InvalidManifests) as wrong:
        session.console.talk(f"limits and policies are not checked: {wrong.message}")
        return plan, ()
    if settings.publisher_id != plan.origin.publisher_id:
        session.console.talk("limits and policies are not checked: the project here is another publisher's")
        return plan, ()
    limits = Limits(settings.safety, allowances, settings.policies, settings.country_groups, within_budget)
    return gate(plan, limits)
