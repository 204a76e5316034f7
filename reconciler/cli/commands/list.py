"""`reconciler list`."""

import click

from reconciler.cli.completing import addresses
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.diff.inventory import inventory
from reconciler.errors import ProjectError
from reconciler.model.glob import selector
from reconciler.report.inventory import list_csv, list_document, list_lines
from reconciler.workflow.observing import observe_account


@click.command("list")
@click.argument("globs", metavar="[GLOB]...", nargs=-1, shell_complete=addresses)
@shared_options(formats=("table", "json", "csv"), api=True)
def command(options: Options, *, globs: tuple[str, ...]) -> int:
    """List resources: declared, owned or live, with id and status.

    Declared: a manifest has a block for it. Owned: the ledger knows it. Live: the account shows it; what is live alone
    is unmanaged. Reads the whole account, writes nothing.

    \b
      reconciler list
      reconciler list 'android:com.cash_crash.54*'
      reconciler list --format csv > resources.csv
    """
    session = Session.of(options)
    project = session.project()
    desired = session.desired(project, remember=False)
    ledger = session.store(project, desired.publisher_id).ledger()
    with session.reader(desired.publisher_id) as reader:
        live = observe_account(reader, ledger, (), options.parallelism)
    wanted = selector(globs)
    listed = [each for each in inventory(desired, live, ledger) if wanted(each.address)]
    if globs and not listed:
        raise ProjectError(f"{' '.join(globs)}: no address matches", hint="`reconciler list` without it shows all")
    match options.format:
        case "json":
            session.console.document(list_document(listed))
        case "csv":
            session.console.raw(list_csv(listed))
        case _:
            session.console.answer(list_lines(listed))
    return 0
