"""`reconciler floors backtest`."""

from datetime import datetime, timedelta
from typing import Final

import click

from reconciler.cli.choices import day_options
from reconciler.cli.options import Options, shared_options
from reconciler.cli.reports import Desk
from reconciler.cli.session import Session
from reconciler.errors import UsageError
from reconciler.report.floors.backtest import backtest_lines, backtest_markdown
from reconciler.report.floors.document import backtest_document
from reconciler.workflow.floors import backtest_floors

HELD_OUT: Final = 7
"""Days at the end of the window that suggestions are tried on, unless a day is named."""


@click.command("backtest")
@day_options
@click.option(
    "--split",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="The last day that suggestions may see; by default seven are held out.",
)
@shared_options(formats=("text", "json", "markdown", "html"))
def command(options: Options, *, first: datetime | None, last: datetime | None, split: datetime | None) -> int:
    """Make suggestions from earlier days, and say what they would have done on later ones that they had not seen.

    \b
      reconciler floors backtest
      reconciler floors backtest --from 2026-10-01 --to 2026-10-31 --split 2026-10-24
    """
    desk = Desk.of(Session.of(options))
    window = desk.window(first and first.date(), last and last.date())
    last_seen = split.date() if split else window.last - timedelta(days=HELD_OUT)
    if not window.first <= last_seen < window.last:
        raise UsageError(
            f"the reports of {window.first} to {window.last} cannot be parted after {last_seen}",
            hint="name a --split between the first and the last day; more days can be fetched",
        )
    with desk.warehouse() as warehouse:
        made = backtest_floors(desk.ground(), warehouse, window, last_seen, desk.rules())
    console = desk.session.console
    match options.format:
        case "json":
            console.document(backtest_document(made))
        case "markdown":
            console.markup(backtest_markdown(made))
        case "html":
            from reconciler.report.html.backtest import backtest_page  # noqa: PLC0415 - templates cost 0.1 s

            console.markup(backtest_page(made))
        case _:
            console.answer(backtest_lines(made))
    return 0
