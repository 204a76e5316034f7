"""`reconciler ping`."""

import click

from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.errors import WrongAccount
from reconciler.installed import program, whence
from reconciler.report.count import counted
from reconciler.report.inventory import PingDocument
from reconciler.report.line import Span, line


@click.command("ping")
@shared_options(api=True)
def command(options: Options) -> int:
    """Check the credentials: are they good, and what can they see? Reads one list, writes nothing.

    Exit 1: they are not accepted, see another publisher's apps, or see none although the ledger knows some.

    Tells also which program asks: its version, from where it runs, and the commit or file that it was installed from.

    \b
      reconciler ping
    """
    session = Session.of(options)
    project = session.project()
    settings = session.settings(project)
    ledger = session.store(project, settings.publisher_id).ledger()
    with session.reader(settings.publisher_id) as reader:
        apps = reader.apps()
    if not apps:
        _tell_nothing(session, sum(entry.kind == "app" for entry in ledger.values()))
    if options.format == "json":
        session.console.document(
            PingDocument.write(api=session.api(), publisher_id=settings.publisher_id, apps=len(apps), program=program())
        )
    else:
        number = counted(len(apps), "app")
        good = "credentials are good" if apps else "credentials are accepted"
        told = f"{good}: publisher {settings.publisher_id} at {session.api()} has {number}"
        session.console.answer([line(told), line(f"asked by {whence()}")])
    return 0


def _tell_nothing(session: Session, owned: int) -> None:
    """Warn of an account without any app. Raises `WrongAccount` where the ledger knows some in it."""
    check = "check publisherId in reconciler.yaml, and whose keys DT_CLIENT_ID and DT_CLIENT_SECRET are"
    if owned:
        told = f"no app is visible, and the ledger knows {counted(owned, 'app')}"
        raise WrongAccount(f"{told}: the credentials may be of another account", hint=check)
    session.console.talk(Span("warning: ", "change"), "no app is visible, which is right for an empty account alone")
    session.console.talk(Span("hint: ", "strong"), check)
