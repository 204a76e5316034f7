"""`sandbox`: run, detach or stop the local server."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import click

from reconciler.cli import detached
from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import CommandSession
from reconciler.errors import ReconcilerError
from reconciler.sandbox.fault_script import FaultFile, read_faults
from reconciler.sandbox.seed import SEEDS
from reconciler.sandbox.server import SandboxOptions, serve

_APIS: Final = {
    "DT": ("DT_MANAGEMENT_URL",),
    "DT_REPORTING": ("DT_REPORTING_URL",),
    "CHARTBOOST": ("CHARTBOOST_API_URL", "CHARTBOOST_AUTH_URL"),
}
"""The variables of each API's addresses, by how those of its credentials begin."""


def exports(url: str) -> tuple[str, ...]:
    """Shell commands, a line for each API, that make commands use the sandbox at this URL."""
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
@click.option("--detach", is_flag=True, help="Run on in the background; print what to export once it answers.")
@click.option("--stop", "ends", is_flag=True, help="End the sandbox at --port, however it was started.")
@shared_options(formats=("text",))
def sandbox(
    options: Options,
    *,
    port: int,
    seed: str | None,
    latency: float,
    faults: Path | None,
    state: Path | None,
    detach: bool,
    ends: bool,
) -> int:
    """Run a local server that speaks all three APIs, faults and odd spellings included.

    It listens on loopback only and takes any credentials. Its URL is the first line it prints, and what to export for
    it comes next. With --detach it prints the exports alone, on stdout and for `eval`, once it answers, and runs until
    --stop; where it cannot start, nothing is printed there and the exit code is 1.

    \b
      reconciler sandbox --seed demo --state sandbox.db
      exports=$(reconciler sandbox --detach --seed demo) && eval "$exports" && reconciler plan
      reconciler sandbox --stop
    """
    session = CommandSession.of(options)
    if ends:
        return _end(session, port, detach=detach)
    message = read_faults(faults) if faults is not None else FaultFile()
    if detach:
        given = {"--port": port, "--latency": latency, "--seed": seed, "--faults": faults, "--state": state}
        return _detach(session, port, given)
    account = SandboxOptions(
        port=port,
        database=state,
        seed=seed,
        latency=latency,
        faults=message.faults,
        quirks=message.quirks,
        chance=message.chance,
    )
    serve(account, announce=partial(_announce, session))
    return 0


def _announce(session: CommandSession, url: str) -> None:
    session.console.raw(url)
    for exported in exports(url):
        session.console.talk(exported)
    session.console.talk("Ctrl-C ends it")


def _end(session: CommandSession, port: int, *, detach: bool) -> int:
    if detach or not port:
        raise click.UsageError("--stop ends the sandbox at --port N; it goes with nothing else")
    detached.stop(port)
    session.console.talk(f"the sandbox at port {port} has ended")
    return 0


def _detach(session: CommandSession, port: int, given: Mapping[str, object]) -> int:
    """Start one with the same options in a process of its own, and print what to export for it."""
    options = [part for name, value in given.items() if value is not None for part in (name, str(value))]
    talk = ["--log-format", session.options.log_format, *["-v"] * session.options.verbosity]
    running = detached.detach([*options, *talk], port)
    number = running.url.rpartition(":")[2]
    try:
        session.console.raw("\n".join(exports(running.url)))
    except (ReconcilerError, OSError):  # nobody would know of it
        detached.stop(int(number))
        raise
    session.console.talk(f"a sandbox answers at {running.url}; process {running.pid}, log {running.log}")
    session.console.talk(f"`reconciler sandbox --stop --port {number}` ends it")
    return 0
