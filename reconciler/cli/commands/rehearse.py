"""`reconciler rehearse`."""

from pathlib import Path

import click

from reconciler.cli.applying import part_that_holds, within_limits
from reconciler.cli.choices import limit_options
from reconciler.cli.options import Options, shared_options
from reconciler.cli.rehearsing import Stage, rehearse
from reconciler.cli.session import Session
from reconciler.model.journal import past_creates
from reconciler.plan.guard import Allowances
from reconciler.report.rehearsal import Rehearsal, rehearsal_document, rehearsal_lines
from reconciler.sandbox.faultfile import FaultFile, read_faults
from reconciler.workflow.planning import Ground, plan_anew


@click.command("rehearse")
@click.argument("file", metavar="PLAN", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--faults", type=click.Path(path_type=Path, dir_okay=False), help="A YAML file of faults and quirks.")
@click.option("--skip-stale", is_flag=True, help="Leave out what moved since the plan was made.")
@limit_options
@shared_options(api=True)
def command(options: Options, *, file: Path, faults: Path | None, skip_stale: bool, allowances: Allowances) -> int:
    """Carry out a saved plan on a sandbox, under faults, and show the account of it.

    The sandbox holds what the account holds now, under the same ids. The account itself is only read; ledger, journal
    and lock of the project are left alone. Exits as `apply PLAN` would have.

    \b
      reconciler plan --out plan.json
      reconciler rehearse plan.json
      reconciler rehearse plan.json --faults faults.yaml --format json
    """
    session = Session.of(options)
    project = session.project()
    script = read_faults(faults) if faults is not None else FaultFile()
    plan = session.plan_in(file)
    desired = session.desired(project, remember=False)
    saved = within_limits(plan, session, desired, allowances)
    store = session.store(project, desired.publisher_id)
    ledger = store.ledger()
    with session.reader(desired.publisher_id) as reader:
        ground = Ground(reader, ledger, past_creates(store.events()))
        now = plan_anew(saved.within, desired, ground, session.origin(desired), options.parallelism)
    part, left_out = part_that_holds(saved, now, skip_stale=skip_stale)
    rehearsal = rehearse(session, Stage(part, now.live, ledger, desired, left_out, skip_stale), script)
    return _told(session, rehearsal)


def _told(session: Session, rehearsal: Rehearsal) -> int:
    if session.options.format == "json":
        session.console.document(rehearsal_document(rehearsal))
    else:
        session.console.answer(rehearsal_lines(rehearsal))
    if rehearsal.error is not None:
        raise rehearsal.error
    return rehearsal.exit_code
