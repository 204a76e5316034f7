"""`reconciler validate`."""

import click

from reconciler.cli.findings import FINDINGS_FORMATS, print_findings
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.errors import UnfitFile
from reconciler.manifest.assemble import Loaded
from reconciler.report.count import counted


@click.command("validate")
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@shared_options(formats=FINDINGS_FORMATS)
def command(options: Options, *, strict: bool) -> int:
    """Check everything that can be known without the network, and show all findings at once.

    Each finding names its place: file:line:column: address: what [code] (hint). Errors exit 1; warnings are shown and
    exit 0, or 1 with --strict.

    \b
      reconciler validate
      reconciler validate --strict --format github
    """
    session = Session.of(options)
    loaded = _loaded(session)
    errors = sum(finding.severity == "error" for finding in loaded.findings)
    warnings = len(loaded.findings) - errors
    told = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    if loaded.state is not None:
        apps = loaded.state.apps
        placements = sum(len(app.placements or ()) for app in apps)
        told = f"{counted(len(apps), 'app')}, {counted(placements, 'placement')}: {told}"
    print_findings(session, loaded.findings, told, strict=strict)
    session.console.talk(told)
    return 1 if errors or (strict and warnings) else 0


def _loaded(session: Session) -> Loaded:
    """The manifests with all findings; settings that are no file of the project are one, too."""
    try:
        return session.loaded(session.project())
    except UnfitFile as wrong:
        return Loaded(None, (wrong.finding,))
