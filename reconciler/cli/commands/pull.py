"""`reconciler pull`."""

import click

from reconciler.cli.completing import addresses
from reconciler.cli.options import Options, shared_options
from reconciler.cli.pulling import declared, pulled, tell
from reconciler.cli.session import Session


@click.command("pull")
@click.option(
    "--app",
    "apps",
    multiple=True,
    metavar="ID",
    shell_complete=addresses,
    help="Only this live app, by id or address; repeatable.",
)
@click.option("--check", is_flag=True, help="Say what would be written, write nothing; exit 2 if there is anything.")
@click.option(
    "--theirs", is_flag=True, help="Take what is live where the manifest has moved since the last apply, too."
)
@shared_options(api=True)
def command(options: Options, *, apps: tuple[str, ...], check: bool, theirs: bool) -> int:
    """Adopt what is live: write manifests and ledger so that a plan finds nothing to change.

    New apps get files of their own. In files that exist, only values that differ change; comments, order, quotes and
    anchors stay. What a manifest has changed since the last apply stays, and is told.

    Exit 3: some differences could not be written, and are named. 1: the manifests have errors.

    \b
      reconciler pull
      reconciler pull --check
      reconciler pull --theirs
      reconciler pull --app android:com.cash_crash.54
    """
    session = Session.of(options)
    project = session.project()
    stands = declared(session, project)
    adoption = pulled(session, project, stands, apps, check=check, theirs=theirs)
    return tell(session, adoption, stands, check=check)
