"""`reconciler history`."""

from datetime import datetime

import click

from reconciler.cli.choices import since_option
from reconciler.cli.completing import addresses
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.cli.undoing import named_run, recorded
from reconciler.model.address import Address
from reconciler.model.journal import not_done, of_resource, since
from reconciler.report.history import history_csv, history_document, history_lines, history_markdown


@click.command("history")
@click.argument("address", required=False, shell_complete=addresses)
@since_option
@click.option("--run", "named", metavar="ID", help="Only this run; the beginning of its name will do.")
@click.option("--failed", is_flag=True, help="Only steps that were not done, or of which nobody knows.")
@shared_options(formats=("text", "json", "markdown", "csv"))
def command(options: Options, *, address: str | None, first: datetime | None, named: str | None, failed: bool) -> int:
    """Show the journal: what was done, when, by which run, and what came of it.

    With an ADDRESS: what happened to that resource, under earlier names too. As csv: a line for each field.

    \b
      reconciler history
      reconciler history android:com.cash_crash.54/int_13 --format json
      reconciler history --since 7d --failed
      reconciler history --run 20261121T190000Z-4f2a --format csv >run.csv
    """
    session = Session.of(options)
    runs = recorded(session, session.store(session.project(), None))
    known = bool(runs)
    if address is not None:
        runs = list(of_resource(runs, Address(address)))
    if named is not None:
        runs = [named_run(runs, named)]
    if first is not None:
        runs = list(since(runs, first))
    if failed:
        runs = list(not_done(runs))
    match session.options.format:
        case "json":
            session.console.document(history_document(runs))
        case "markdown":
            session.console.raw(history_markdown(runs))
        case "csv":
            session.console.raw(history_csv(runs))
        case _:
            session.console.answer(history_lines(runs, empty="nothing of the journal is like that" if known else ""))
    return 0
