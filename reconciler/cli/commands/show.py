"""`reconciler show`."""

from pathlib import Path

import click

from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.plan.codec import plan_from_text, plan_to_json
from reconciler.project import read_bytes
from reconciler.report.text import plan_lines


@click.command("show")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@shared_options()
def command(options: Options, *, file: Path) -> int:
    """Show a saved plan again, in any format.

    \b
      reconciler show plan.json
      reconciler show plan.json --format json
    """
    session = Session.of(options)
    plan = plan_from_text(read_bytes(file).decode("utf-8", errors="replace"))
    if options.format == "json":
        session.console.document(plan_to_json(plan))
    else:
        session.console.answer(plan_lines(plan))
    return 0
