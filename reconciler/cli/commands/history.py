"""`reconciler history`."""

import click

from reconciler.cli.completing import addresses
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.model.address import Address
from reconciler.model.journal import of_resource, past_runs
from reconciler.report.count import counted
from reconciler.report.history import history_document, history_lines
from reconciler.report.line import Span


@click.command("history")
@click.argument("address", required=False, shell_complete=addresses)
@shared_options()
def command(options: Options, *, address: str | None) -> int:
    """Show the journal: what was done, when, by which run, and what came of it.

    With an ADDRESS: what happened to that resource, under earlier names too.

    \b
      reconciler history
      reconciler history android:com.cash_crash.54/int_13 --format json
    """
    session = Session.of(options)
    project = session.project()
    events = list(session.store(project, None).events())
    if foreign := sum(bool(event.get("foreign")) for event in events):
        session.console.talk(
            Span("warning: ", "change"),
            f"{counted(foreign, 'line')} of the journal came from elsewhere or from an earlier version: they are "
            "shown, and no ledger is made of them",
        )
    runs = past_runs(events)
    if address is not None:
        runs = list(of_resource(runs, Address(address)))
    if options.format == "json":
        session.console.document(history_document(runs))
    else:
        session.console.answer(history_lines(runs))
    return 0
