"""`reconciler reports`."""

import click

from reconciler.cli.lazy import Entry, Lazy

COMMANDS = {
    "import": Entry("reports.importing", "Take in a report of another platform, or a table of a warehouse."),
}


@click.group("reports", cls=Lazy, entries=COMMANDS)
def command() -> None:
    """Reports beside those that are fetched: what floors are suggested from where another platform mediates.

    \b
      reconciler reports import max-report.csv
      reconciler floors suggest
    """
