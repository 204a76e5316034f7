"""`reconciler floors`."""

import click

from reconciler.cli.lazy import Entry, Lazy

COMMANDS = {
    "fetch": Entry("floors.fetch", "Fetch the reports of both vendors that are missing."),
    "suggest": Entry("floors.suggest", "Say which floors the reports speak for, and why."),
    "write": Entry("floors.write", "Write the suggested floors into the manifests."),
    "backtest": Entry("floors.backtest", "Say what earlier suggestions would have done on later days."),
}


@click.group("floors", cls=Lazy, entries=COMMANDS)
def command() -> None:
    """Fetch reports, suggest floors from them, and write them into the manifests.

    \b
      reconciler floors fetch
      reconciler floors suggest
      reconciler floors write && reconciler plan
    """
