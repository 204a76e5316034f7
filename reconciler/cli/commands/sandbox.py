"""`reconciler sandbox`."""

from pathlib import Path

import click

from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import Session
from reconciler.sandbox.faultfile import FaultFile, read_faults
from reconciler.sandbox.seed import SEEDS
from reconciler.sandbox.server import SandboxOptions, serve


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
    """Run a local server that speaks the Management API, faults and odd spellings included.

    It listens on loopback only and takes any credentials. Its URL is the first line it prints.

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
        session.console.talk(f"export DT_MANAGEMENT_URL={url} DT_CLIENT_ID=demo DT_CLIENT_SECRET=demo")
        session.console.talk("Ctrl-C ends it")

    serve(account, announce=announce)
    return 0
