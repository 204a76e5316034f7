"""A sandbox as a process of its own: start it in a new session, ask whether it answers, and stop it."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Timer
from typing import Any, Final

from reconciler.errors import ReconcilerError, os_reason
from reconciler.sandbox.front import CONTROL
from reconciler.sandbox.server import LOOPBACK

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
