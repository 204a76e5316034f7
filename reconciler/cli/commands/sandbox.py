"""`reconciler sandbox`."""

from pathlib import Path
from typing import Final

import click

from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.sandbox.faultfile import FaultFile, read_faults
from reconciler.sandbox.seed import SEEDS
from reconciler.sandbox.server import SandboxOptions, serve

_APIS: Final = {
    "DT": ("DT_MANAGEMENT_URL",),
    "DT_REPORTING": ("DT_REPORTING_URL",),
    "CHARTBOOST": ("CHARTBOOST_API_URL", "CHARTBOOST_AUTH_URL"),
}
"""The variables of each API's addresses, by how those of its credentials begin."""


def exports(url: str) -> tuple[str, ...]:
    """What a shell is told so that commands speak to a sandbox at this URL, a line for each API."""
    return tuple(
        " ".join(["export", *(f"{name}={url}" for name in names), f"{api}_CLIENT_ID=demo {api}_CLIENT_SECRET=demo"])
        for api, names in _APIS.items()
    )


@click.command("sandbox")
@click.option("--port", type=click.IntRange(0, 65535), default=8099, show_default=True, help="0 takes any free one.")
@click.option("--seed", type=click.Choice(sorted(SEEDS)), help="Fill an empty account with this one.")
@click.option("--latency", type=click.FloatRange(0, 60), default=0.0, help="Seconds that every call takes.")
@click.option("--faults", type=click.Path(path_type=Path, dir_okay=False), help="A YAML file of faults and quirks.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the account in this file; without it, it is gone at the end.",
)
@shared_options(formats=("text",))
def command(
    options: Options, *, port: int, seed: str | None, latency: float, faults: Path | None, state: Path | None
) -> int:
    """Run a local server that speaks all three APIs, faults and odd spellings included.

    It listens on loopback only and takes any credentials. Its URL is the first line it prints, and what to export for
    it comes next.

    \b
      reconciler sandbox --seed demo --state sandbox.db
      export DT_MANAGEMENT_URL=http://127.0.0.1:8099 DT_CLIENT_ID=demo DT_CLIENT_SECRET=demo
      reconciler plan
    """
    session = Session.of(options)
    told = read_faults(faults) if faults is not None else FaultFile()
    account = SandboxOptions(
        port=port,
        database=state,
        seed=seed,
        latency=latency,
        faults=told.faults,
        quirks=told.quirks,
        chance=told.chance,
    )

    def announce(url: str) -> None:
        session.console.raw(url)
        for exported in exports(url):
            session.console.talk(exported)
        session.console.talk("Ctrl-C ends it")

    serve(account, announce=announce)
    return 0
