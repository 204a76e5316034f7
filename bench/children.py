"""Commands as a user starts them, each in a process of its own, and what they cost."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from urllib.request import urlopen

BENCH = Path(__file__).parent
WORK = BENCH.parent / ".bench"
RECONCILER = (sys.executable, "-m", "reconciler")


class BrokenRunError(Exception):
    """A command that did not end as it should, and the end of what it said."""


@dataclass(frozen=True, order=True)
class Ran:
    """What one command took: seconds of wall and of CPU with all processes it started, megabytes at its peak.

    And what it said. The peak is that of the largest process or, where it was `watched`, of all together.
    """

    wall: float
    cpu: float
    peak: float
    said: str


def ran(
    called: Sequence[str | Path],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    code: int = 0,
    *,
    watched: bool = False,
) -> Ran:
    """Run a command, which must end with this code: what is broken must not count as fast.

    `watched`: look all the time how much memory it and its children hold together, which costs seconds.
    """
    with TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            called, cwd=folder, env=surroundings(environment or {}), stdout=output, stderr=output
        )
        memory = _Memory(process.pid) if watched else None
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()  # whoever stops the bench stops what it started
            process.wait()
            raise
        wall = time.perf_counter() - began
        together = 0.0 if memory is None else memory.end()
        output.seek(0)
        said = output.read().decode(errors="replace")
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        raise BrokenRunError(
            f"{' '.join(map(str, called))} ended with {process.returncode}, not {code}:\n{said[-2000:]}"
        )
    return Ran(wall, used.ru_utime + used.ru_stime, max(used.ru_maxrss / 1024, together), said)


class _Memory:
    """Adds up, many times a second, what a process and those that it started hold: what they share counts once."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._ended = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> float:
        """The most there was, in megabytes."""
        self._ended.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            self._most = max(self._most, sum(map(_held, _family(self._pid))))


def _family(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = listed.read_text().split()
        except OSError:  # it has ended meanwhile
            continue
        for child in children:
            yield from _family(int(child))


def _held(pid: int) -> float:
    """Megabytes of a process, by its share of what it holds with others."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in told.splitlines() if line.startswith("Pss:")), 0.0)


def surroundings(more: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without what somebody set for one of the programs or for Python, and with `more`.

    Where bytecode is not written, by PYTHONDONTWRITEBYTECODE, each of our runs would compile all it imports.
    """
    set_for = ("TF_", "TOFU_", "DT_", "RECONCILER_", "PYTHON")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(set_for)}, **more}


@contextmanager
def server(apps: int, each: int, latency: float, *more: str) -> Iterator[str]:
    """The URL of a ready-made account, in a process of its own that ends with this block; `more` as of server.py."""
    called = [sys.executable, str(BENCH / "server.py"), str(apps), str(each), str(latency), *more]
    with subprocess.Popen(called, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def requests_at(url: str) -> int:
    """How many requests such an account has had since this was asked last."""
    with urlopen(f"{url}/requests", timeout=10) as answer:
        return int(answer.read())


def keys(url: str) -> dict[str, str]:
    """What our commands need to reach an account."""
    return {"DT_MANAGEMENT_URL": url, "DT_CLIENT_ID": "bench", "DT_CLIENT_SECRET": "bench"}
