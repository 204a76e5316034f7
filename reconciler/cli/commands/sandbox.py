"""`sandbox`: run, detach or stop the local server.

Detached it is a process of its own, in a new session, which is asked whether it answers.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Timer
from typing import Any, Final

import click

from reconciler.cli.options import Options, shared_options
from reconciler.cli.session import CommandSession
from reconciler.errors import ReconcilerError, os_reason
from reconciler.sandbox.fault_script import FaultFile, read_faults
from reconciler.sandbox.front import CONTROL
from reconciler.sandbox.server import LOOPBACK, SEEDS, SandboxOptions, serve

_START_SECONDS: Final = 60.0
_ASK_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = 0.05
_NO_CONSOLE: Final = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""What Windows has for a session of its own."""


@dataclass(frozen=True, slots=True)
class Detached:
    """A sandbox that answers: its base URL, its process, and the file with what it says."""

    url: str
    pid: int
    log: str


def detach(arguments: Sequence[str], port: int) -> Detached:
    """Start `reconciler sandbox` with these arguments in a session of its own, and wait until it answers.

    It holds no stream of this process. Raises `ReconcilerError` with its words where it does not start; nothing runs
    then.
    """
    log, descriptor = _open_log()
    command = [sys.executable, "-P", "-m", "reconciler", "sandbox", *arguments]
    try:
        process = subprocess.Popen(  # noqa: S603 - this program itself; its arguments are our own
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=descriptor,
            start_new_session=True,
            creationflags=_NO_CONSOLE,
            text=True,
        )
    except OSError as error:
        raise ReconcilerError(f"no process could be started for the sandbox: {error.strerror or error}") from error
    finally:
        os.close(descriptor)
    url = _read_url(process)
    if url:
        return Detached(url, process.pid, log)
    raise _start_error(log, port)


def _read_url(process: "subprocess.Popen[str]") -> str:
    """The first line that the process prints, which is the URL of a sandbox that answers; empty where it ended."""
    late = Timer(_START_SECONDS, process.kill)
    late.start()
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        with process.stdout:
            url = process.stdout.readline().strip()
    except BaseException:
        process.kill()
        raise
    finally:
        late.cancel()
    if not url:
        process.wait()
    return url


def _open_log() -> tuple[str, int]:
    """A new file for what the sandbox says, and its descriptor; the null device where there is no room for one."""
    try:
        descriptor, name = tempfile.mkstemp(prefix="reconciler-sandbox-", suffix=".log")
    except OSError:
        return os.devnull, os.open(os.devnull, os.O_WRONLY)
    return name, descriptor


def _start_error(log: str, port: int) -> ReconcilerError:
    log_text = ""
    if log != os.devnull:
        with suppress(OSError):
            log_text = Path(log).read_text(encoding="utf-8", errors="replace")
            Path(log).unlink()
    lines = log_text.splitlines()
    message = "\n".join(line.removeprefix("error: ") for line in lines if line and not line.startswith("hint: "))
    hints = [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]
    if port and is_sandbox(port):
        hints = [f"a sandbox runs there already: `reconciler sandbox --stop --port {port}` ends it"]
    return ReconcilerError(
        f"the sandbox did not start: {message or 'it ended without an error message'}", hint="; ".join(hints)
    )


def is_sandbox(port: int) -> bool:
    """Whether a sandbox of this program answers at a port of this machine."""
    try:
        return _call_control("GET", port)
    except (OSError, HTTPException):
        return False


def stop(port: int) -> None:
    """End the sandbox at a port, and wait until the port is free. Raises `ReconcilerError` where none answers."""
    try:
        stopped = is_sandbox(port) and _call_control("DELETE", port)
        ends = time.monotonic() + _ASK_SECONDS
        while stopped and is_sandbox(port) and time.monotonic() < ends:
            time.sleep(_PAUSE_SECONDS)
    except (OSError, HTTPException) as error:
        raise ReconcilerError(f"the sandbox at port {port} does not answer: {os_reason(error)}") from error
    if not stopped:
        raise ReconcilerError(f"no sandbox answers at port {port} of {LOOPBACK}", hint="name its port with --port")


def _call_control(method: str, port: int) -> bool:
    connection = HTTPConnection(LOOPBACK, port, timeout=_ASK_SECONDS)
    try:
        connection.request(method, CONTROL)
        answer = connection.getresponse()
        body: Any = json.loads(answer.read(1024))
        return answer.status == 200 and isinstance(body, dict) and "sandbox" in body
    except ValueError:
        return False
    finally:
        connection.close()


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
    stop(port)
    session.console.talk(f"the sandbox at port {port} has ended")
    return 0


def _detach(session: CommandSession, port: int, given: Mapping[str, object]) -> int:
    """Start one with the same options in a process of its own, and print what to export for it."""
    options = [part for name, value in given.items() if value is not None for part in (name, str(value))]
    talk = ["--log-format", session.options.log_format, *["-v"] * session.options.verbosity]
    running = detach([*options, *talk], port)
    number = running.url.rpartition(":")[2]
    try:
        session.console.raw("\n".join(exports(running.url)))
    except (ReconcilerError, OSError):  # nobody would know of it
        stop(int(number))
        raise
    session.console.talk(f"a sandbox answers at {running.url}; process {running.pid}, log {running.log}")
    session.console.talk(f"`reconciler sandbox --stop --port {number}` ends it")
    return 0
