"""`make bench`: how far the program is from the floor, in one run and one table. Each figure is the best of three runs.

The load is 1,000 apps x 20 placements, some 9 MB of YAML, against orjson on the same data. The read is the same account
over HTTP at 20 ms latency, against bare sockets sending the same requests, as many at once. Then ten million rows of a
user level report, against plain SQL; growth.py, and the peers (peers/run.py). Everything that is timed has a process of
its own, and so has the server. `python bench/run.py NAME...` takes some of the tables alone.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import reports
from children import BENCH, RECONCILER, WORK, Ran, keys, ran, server, surroundings
from generate import app, project
from table import ratio, seconds, show

FOLDER, SMALL, MADE = WORK / "project", WORK / "small", WORK / "made"
APPS, PLACEMENTS, LATENCY = 1000, 20, 0.02
PARALLEL = (8, 32, 64)
WAITS = f"{LATENCY * 1000:g} ms latency"
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
    return json.loads(subprocess.run(called, check=True, capture_output=True, text=True, env=surroundings({})).stdout)


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
    subprocess.run(called, cwd=SMALL, env=surroundings({}), check=True, **quiet)
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
    plan = partial(command, FOLDER, url, "plan", "--detailed-exitcode", "--parallelism", str(workers))
    yield f"bare sockets, {workers} at once", seconds(raw[0]), seconds(raw[1]), ratio(raw[0], raw[0]), ""
    cold = min(plan(RECONCILER_CACHE="off") for _ in range(RUNS))
    yield "`reconciler plan`, nothing remembered", seconds(cold.wall), seconds(cold.cpu), ratio(cold.wall, raw[0]), ""
    command(FOLDER, url, "validate")
    warm = min(plan() for _ in range(RUNS))
    times = ratio(warm.wall, raw[0])
    yield "`reconciler plan`, after `validate`", seconds(warm.wall), seconds(warm.cpu), times, aim("plan")


def apply_rows(url: str) -> Iterator[tuple[str, ...]]:
    """Creates, each recorded on disk before and after: from the start of the command to the undo plan it leaves."""
    raw = best(lambda: told("raw_client.py", url, str(MADE_AT), str(PLACEMENTS)))
    yield f"bare sockets, {MADE_AT} at once", seconds(raw[0]), seconds(raw[1]), ratio(raw[0], raw[0]), ""
    ours = min(made(url) for _ in range(RUNS))
    times = ratio(ours.wall, raw[0])
    yield "`reconciler apply`, after `validate`", seconds(ours.wall), seconds(ours.cpu), times, aim("apply")


def made(url: str) -> Ran:
    """An apply to an account of empty apps."""
    shutil.rmtree(MADE, ignore_errors=True)
    project(MADE, [app(number, PLACEMENTS) for number in range(MADE_APPS)])
    command(MADE, url, "validate")
    done = command(MADE, url, "apply", "--yes", "--parallelism", str(MADE_AT))
    assert f"{MADE_APPS * PLACEMENTS} applied" in done.said, done.said[-2000:]
    return done


def command(folder: Path, url: str, *arguments: str, **environment: str) -> Ran:
    """One of our commands, which must end well."""
    return ran([*RECONCILER, *arguments], folder, keys(url) | environment)


def starts() -> None:
    show("start", start_rows(), "CPU s", "of python", "aim")


def loads() -> None:
    show("load and diff", load_rows(), "CPU s", "of orjson", "aim")


def reads() -> None:
    with server(APPS, PLACEMENTS, LATENCY) as url:
        show(f"read over HTTP, {WAITS}", read_rows(url), "wall s", "CPU s", "of raw, wall")


def plans() -> None:
    with server(APPS, PLACEMENTS, LATENCY) as url:
        show(f"plan with no change, {WAITS}", plan_rows(url, 32), "wall s", "CPU s", "of raw, wall", "aim")


def applies() -> None:
    with server(MADE_APPS, PLACEMENTS, LATENCY, "empty") as url:
        name = f"{MADE_APPS * PLACEMENTS:,} creates, {WAITS}"
        show(name, apply_rows(url), "wall s", "CPU s", "of raw, wall", "aim")


def rows_of_reports() -> None:
    show(f"{reports.ROWS:,} user rows", iter(reports.rows()), "wall s", "CPU s", "peak MB", "of plain, CPU")


def another(script: str, *arguments: str) -> None:
    subprocess.run([sys.executable, str(BENCH / script), *arguments], check=True)


TABLES: dict[str, Callable[[], None]] = {
    "start": starts,
    "load": loads,
    "read": reads,
    "plan": plans,
    "apply": applies,
    "reports": rows_of_reports,
    "growth": partial(another, "growth.py", "--plot", str(WORK / "growth.svg")),
    "peers": partial(another, "peers/run.py"),
}


def main() -> None:
    asked = sys.argv[1:] or list(TABLES)
    size = project(FOLDER, [app(number, PLACEMENTS) for number in range(APPS)])
    python, cores = sys.version.split()[0], os.cpu_count()
    print(f"{APPS:,} apps x {PLACEMENTS} placements, {size / 1e6:.1f} MB of YAML; {cores} cores, Python {python}")
    for name in asked:
        TABLES[name]()


if __name__ == "__main__":
    main()
