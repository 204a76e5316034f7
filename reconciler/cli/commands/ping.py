"""`reconciler ping`."""

import click

from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.installed import program, whence
from reconciler.report.count import counted
from reconciler.report.line import line


@click.command("ping")
@shared_options(api=True)
def command(options: Options) -> int:
    """Check the credentials: are they good, and what can they see? Reads one list, writes nothing.

    Tells also which program asks: its version, from where it runs, and the commit or file that it was installed from.

    \b
      reconciler ping
    """
    session = Session.of(options)
    settings = session.settings(session.project())
    with session.gateway(settings.publisher_id) as gateway:
        apps = gateway.apps()
    seen = {"api": session.api(), "publisherId": settings.publisher_id, "apps": len(apps), "program": program()}
    if options.format == "json":
        session.console.document({"format": "reconciler.ping/1", **seen})
    else:
        number = counted(len(apps), "app")
        told = f"credentials are good: publisher {settings.publisher_id} at {session.api()} has {number}"
        session.console.answer([line(told), line(f"asked by {whence()}")])
    return 0
