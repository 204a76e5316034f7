"""`make bench`: how far the program is from the floor, in one run and one table. Each figure is the best of three runs.

The load is 1,000 apps x 20 placements, some 9 MB of YAML, against orjson on the same data. The read is the same account
over HTTP at 20 ms latency, against bare sockets sending the same requests, as many at once. Then ten million rows of a
user level report, against plain SQL, and the peers, for which see `bench/peers/run.py`. Everything that is timed has a
process of its own, and so has the server.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import reports
from generate import app, project
from table import ratio, seconds, show

BENCH = Path(__file__).parent
FOLDER = BENCH.parent / ".bench" / "project"
SMALL = BENCH.parent / ".bench" / "small"
MADE = BENCH.parent / ".bench" / "made"
APPS, PLACEMENTS, LATENCY = 1000, 20, 0.02
PARALLEL = (8, 32, 64)
RUNS, STARTS = 3, 20
MADE_APPS, MADE_AT = 100, 32
"""Apps that an apply fills with placements, and how many creates are under way at once."""
AIMS = {"--version": 3, "--help": 5, "load": 30, "warm": 8, "plan": 1.3, "apply": 1.3}
READERS = (
    ("bare sockets", "raw_client.py"),
    ("our client", "read_live.py", "bodies"),
    ("our client, decoded", "read_live.py", "live"),
)


def best(measure: Callable[[], list[float]]) -> list[float]:
    """The figures of the run whose first one is the least."""
    return min(measure() for _ in range(RUNS))


def told(script: str, *arguments: str) -> Any:
    """What a script of this folder prints as JSON."""
    called = [sys.executable, str(BENCH / script), *arguments]
    return json.loads(subprocess.run(called, check=True, capture_output=True, text=True).stdout)


@contextmanager
def server(apps: int, *more: str) -> Iterator[str]:
    """The URL of an account, in a process of its own that ends with this block."""
    called = [sys.executable, str(BENCH / "server.py"), str(apps), str(PLACEMENTS), str(LATENCY), *more]
    with subprocess.Popen(called, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def load_rows() -> Iterator[tuple[str, ...]]:
    stages = min((told("load.py", str(FOLDER)) for _ in range(RUNS)), key=lambda run: run["load"])
    names = {
        "parse": "  YAML to values with places",
        "validate": "  validate",
        "expand": "  expand and lint",
        "load": "load: all of these",
        "first": "load, and remember it",
        "warm": "load what is remembered",
        "diff": "diff against an equal account",
    }
    floor = stages["json"]
    yield "orjson.loads of the same data", seconds(floor), ratio(floor, floor), ""
    yield from ((name, seconds(stages[key]), ratio(stages[key], floor), aim(key)) for key, name in names.items())


def start_rows() -> Iterator[tuple[str, ...]]:
    """What it takes to start; `validate` in a project of one small file."""
    project(SMALL, [app(0, 1)])
    calls = {
        "python -c pass": ["-c", "pass"],
        "--version": ["-m", "reconciler", "--version"],
        "--help": ["-m", "reconciler", "--help"],
        "validate, one small file": ["-m", "reconciler", "validate"],
    }
    took: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(STARTS):  # in turn, so that what else the machine does hits all alike
        for name, arguments in calls.items():
            took[name].append(start_seconds(arguments))
    floor = min(took["python -c pass"])
    yield from ((f"`{name}`", seconds(min(each)), ratio(min(each), floor), aim(name)) for name, each in took.items())


def start_seconds(arguments: list[str]) -> float:
    """CPU seconds of a Python of its own; `os.times` counts hundredths, which is too coarse for this."""
    called, before = [sys.executable, *arguments], resource.getrusage(resource.RUSAGE_CHILDREN)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(called, cwd=SMALL, check=True, **quiet)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def aim(name: str) -> str:
    """The most that the figure may be of its floor, where that was settled."""
    return f"{AIMS[name]}x" if name in AIMS else ""


def read_rows(url: str) -> Iterator[tuple[str, ...]]:
    for workers in PARALLEL:
        told_of = {name: best(partial(told, script, url, str(workers), *rest)) for name, script, *rest in READERS}
        raw, *_ = told_of.values()
        assert {requests for _, _, requests in told_of.values()} == {raw[2]}, told_of
        for name, (wall, cpu, _) in told_of.items():
            yield f"{workers} at once: {name}", seconds(wall), seconds(cpu), ratio(wall, raw[0])


def plan_rows(url: str, workers: int) -> Iterator[tuple[str, ...]]:
    """The whole command: start, load, read, diff, report. It must find nothing to do."""
    raw = best(lambda: told("raw_client.py", url, str(workers)))
    plan = partial(command_seconds, FOLDER, url, "plan", "--detailed-exitcode", "--parallelism", str(workers))
    yield f"bare sockets, {workers} at once", seconds(raw[0]), seconds(raw[1]), ratio(raw[0], raw[0]), ""
    cold = best(partial(plan, RECONCILER_CACHE="off"))
    yield "`reconciler plan`, nothing remembered", seconds(cold[0]), seconds(cold[1]), ratio(cold[0], raw[0]), ""
    command_seconds(FOLDER, url, "validate")
    warm = best(plan)
    yield "`reconciler plan`, after `validate`", seconds(warm[0]), seconds(warm[1]), ratio(warm[0], raw[0]), aim("plan")


def apply_rows(url: str) -> Iterator[tuple[str, ...]]:
    """Creates, each recorded on disk before and after: from the start of the command to the undo plan it leaves."""
    raw = best(lambda: told("raw_client.py", url, str(MADE_AT), str(PLACEMENTS)))
    yield f"bare sockets, {MADE_AT} at once", seconds(raw[0]), seconds(raw[1]), ratio(raw[0], raw[0]), ""
    ours = best(partial(made, url))
    yield (
        "`reconciler apply`, after `validate`",
        seconds(ours[0]),
        seconds(ours[1]),
        ratio(ours[0], raw[0]),
        aim("apply"),
    )


def made(url: str) -> list[float]:
    """The wall and CPU seconds of an apply to an account of empty apps."""
    shutil.rmtree(MADE, ignore_errors=True)
    project(MADE, [app(number, PLACEMENTS) for number in range(MADE_APPS)])
    command_seconds(MADE, url, "validate")
    took = command_seconds(MADE, url, "apply", "--yes", "--parallelism", str(MADE_AT))
    ledger = (MADE / "reconciler.lock").read_text(encoding="utf-8")
    assert ledger.count('"kind":"placement"') == MADE_APPS * PLACEMENTS
    return took


def command_seconds(folder: Path, url: str, *arguments: str, **environment: str) -> list[float]:
    """Wall and CPU seconds of a command that must end well."""
    keys = {"DT_MANAGEMENT_URL": url, "DT_CLIENT_ID": "bench", "DT_CLIENT_SECRET": "bench", **environment}
    called, quiet = [sys.executable, "-m", "reconciler", *arguments], subprocess.DEVNULL
    before, began = os.times(), time.perf_counter()
    subprocess.run(called, cwd=folder, env={**os.environ, **keys}, check=True, stdout=quiet, stderr=quiet)
    wall, after = time.perf_counter() - began, os.times()
    return [wall, after.children_user + after.children_system - before.children_user - before.children_system]


def main() -> None:
    size = project(FOLDER, [app(number, PLACEMENTS) for number in range(APPS)])
    cores = os.cpu_count()
    print(
        f"{APPS:,} apps x {PLACEMENTS} placements, {size / 1e6:.1f} MB of YAML; {cores} cores, {sys.version.split()[0]}"
    )
    show("start", start_rows(), "CPU s", "of python", "aim")
    show("load and diff", load_rows(), "CPU s", "of orjson", "aim")
    latency = f"{LATENCY * 1000:g} ms latency"
    with server(APPS) as url:
        show(f"read over HTTP, {latency}", read_rows(url), "wall s", "CPU s", "of raw, wall")
        show(f"plan with no change, {latency}", plan_rows(url, 32), "wall s", "CPU s", "of raw, wall", "aim")
    with server(MADE_APPS, "empty") as url:
        name = f"{MADE_APPS * PLACEMENTS:,} creates, {latency}"
        show(name, apply_rows(url), "wall s", "CPU s", "of raw, wall", "aim")
    show(f"{reports.ROWS:,} user rows", iter(reports.rows()), "wall s", "CPU s", "peak MB", "of plain, CPU")
    subprocess.run([sys.executable, str(BENCH / "peers" / "run.py")], check=True)


if __name__ == "__main__":
    main()
