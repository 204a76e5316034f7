"""`make bench`: how far the program is from the floor, in one run and one table. Each figure is the best of three runs.

The load is 1,000 apps x 20 placements, some 9 MB of YAML, against orjson on the same data. The read is the same account
over HTTP at 20 ms latency, against bare sockets sending the same requests, as many at once. Then ten million rows of a
user level report, against plain SQL; pages.py, many_rows.py, growth.py, and the peers (peers/run.py). Whatever is timed
has a process of its own, and so has the server. `python bench/run.py NAME...` takes some of the tables alone.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import reports
from children import BENCH, RECONCILER, WORK, BrokenRunError, Ran, keys, ran, requests_at, server, surroundings
from generate import app, project
from table import ratio, seconds, show

FOLDER, SMALL, MADE = WORK / "project", WORK / "small", WORK / "made"
PLANNED, CHECKOUT = WORK / "planned", WORK / "checkout"
APPS, PLACEMENTS, LATENCY = 1000, 20, 0.02
PARALLEL = (8, 32, 64)
WAITS = f"{LATENCY * 1000:g} ms latency"
RUNS, STARTS = 3, 20
MADE_APPS, MADE_AT = 100, 32
"""Apps that an apply fills with placements, and how many creates are under way at once."""
AIMS = {
    "--version": 3,
    "--help": 4,
    "load": 8,
    "warm": 8,
    "plan, cold": 1.9,
    "plan, in CI": 1.3,
    "plan": 1.25,
    "plan, 1 %": 1.3,
    "plan, cold, slow": 1.02,
    "plan, in CI, slow": 1.01,
    "plan, slow": 1.01,
    "plan, 1 %, slow": 1.01,
    "apply": 1.3,
}
"""The most that a figure may be of its floor."""


@dataclass(frozen=True)
class Shape:
    """An account, how long its API takes, how many calls are under way at once, and how the names of aims end."""

    apps: int
    latency: float
    workers: int
    aims: str = ""


NEAR, FAR = Shape(APPS, LATENCY, 32), Shape(400, 0.2, 8, ", slow")
SHARED_KEY = {"RECONCILER_CACHE_KEY": "the key of the jobs of this bench alone"}
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
    """What it takes to start; `validate` and the completion of an address in a project of one small file."""
    project(SMALL, [app(0, 1)])
    ours, small = ["-m", "reconciler"], "validate, one small file"
    calls: dict[str, tuple[list[str], dict[str, str]]] = {
        "python -c pass": (["-c", "pass"], {}),
        "--version": ([*ours, "--version"], {}),
        "--help": ([*ours, "--help"], {}),
        f"{small}, nothing remembered": ([*ours, "validate"], {"RECONCILER_CACHE": "off"}),
        f"{small}, after a run": ([*ours, "validate"], {}),
        "a shell completes a command": (ours, completing("va")),
        "a shell completes an address, after a run": (ours, completing("history", "android:")),
    }
    for arguments, more in calls.values():  # bytecode is written, and what is there to be remembered
        start_seconds(arguments, more)
    took: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(STARTS):  # in turn, so that what else the machine does hits all alike
        for name, (arguments, more) in calls.items():
            took[name].append(start_seconds(arguments, more))
    floor = min(took["python -c pass"])
    yield from ((f"`{name}`", seconds(min(each)), ratio(min(each), floor), aim(name)) for name, each in took.items())


def completing(*words: str) -> dict[str, str]:
    """What a shell sets for the completion of the last of these words."""
    asked = {"COMP_WORDS": " ".join(("reconciler", *words)), "COMP_CWORD": str(len(words))}
    return {"_RECONCILER_COMPLETE": "bash_complete", **asked}


def start_seconds(arguments: list[str], more: dict[str, str]) -> float:
    """CPU seconds of a Python of its own; `os.times` counts hundredths, which is too coarse for this."""
    called, before = [sys.executable, *arguments], resource.getrusage(resource.RUSAGE_CHILDREN)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(called, cwd=SMALL, env=surroundings(more), check=True, **quiet)
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


def plan_rows(shape: Shape) -> Iterator[tuple[str, ...]]:
    """The whole command: start, load, read, diff, report; and how much it asks of the API.

    All have the same account, but for the last rows, where one placement in a hundred has another floor.
    """
    shutil.rmtree(PLANNED, ignore_errors=True)
    project(PLANNED, [app(number, PLACEMENTS) for number in range(shape.apps)])
    many = str(shape.workers)
    with server(shape.apps, PLACEMENTS, shape.latency) as url:
        raw = best(lambda: told("raw_client.py", url, many))
        planned, shown = partial(plan, shape, url), partial(plan_row, shape, raw[0])
        yield shown(f"bare sockets, {many} at once", *raw, "")
        yield shown("`reconciler plan`, nothing remembered", *planned(RECONCILER_CACHE="off"), "plan, cold")
        command(PLANNED, url, "validate", **SHARED_KEY)
        shutil.rmtree(CHECKOUT, ignore_errors=True)
        shutil.copytree(PLANNED, CHECKOUT)
        in_ci = planned(folder=CHECKOUT, **SHARED_KEY)
        yield shown("`reconciler plan`, fresh checkout, cache of jobs", *in_ci, "plan, in CI")
        command(PLANNED, url, "validate")
        yield shown("`reconciler plan`, after `validate`", *planned(), "plan")
        command(PLANNED, url, "apply", "--yes", "--parallelism", many)
        yield shown("`reconciler plan`, after `apply`: with a ledger", *planned(), "plan")
    place = f"port={urlsplit(url).port}"  # a ledger belongs to one API
    with server(shape.apps, PLACEMENTS, shape.latency, "few", place) as url:
        raw = best(lambda: told("raw_client.py", url, many))
        yield plan_row(shape, raw[0], "bare sockets, 1 % changed", *raw, "")
        changed = plan(shape, url, code=2)
        yield plan_row(shape, raw[0], "`reconciler plan`, with a ledger, 1 % changed", *changed, "plan, 1 %")


def plan(shape: Shape, url: str, *, folder: Path = PLANNED, code: int = 0, **env: str) -> tuple[float, float, float]:
    """Wall and CPU seconds of the fastest plan, which must find just what there is, and its requests."""
    call = [*RECONCILER, "plan", "--detailed-exitcode", "--parallelism", str(shape.workers)]
    requests_at(url)
    took = min(ran(call, folder, keys(url) | env, code) for _ in range(RUNS))
    expected = f"{shape.apps // 5} to update" if code else "No changes"
    if expected not in took.said:
        raise BrokenRunError(f"a plan does not say {expected}:\n{took.said[-2000:]}")
    return took.wall, took.cpu, requests_at(url) / RUNS


def plan_row(  # noqa: PLR0913, PLR0917 - a row of six cells
    shape: Shape, floor: float, name: str, wall: float, cpu: float, requests: float, aimed: str
) -> tuple[str, ...]:
    aims = aim(f"{aimed}{shape.aims}")
    return name, seconds(wall), seconds(cpu), ratio(wall, floor), f"{requests:,.0f}", aims


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


def plans(shape: Shape) -> None:
    name = f"plan of {shape.apps:,} apps, {shape.latency * 1000:g} ms latency"
    show(name, plan_rows(shape), "wall s", "CPU s", "of raw, wall", "requests", "aim")


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
    "plan": partial(plans, NEAR),
    "far": partial(plans, FAR),
    "apply": applies,
    "pages": partial(another, "pages.py"),
    "reports": rows_of_reports,
    "rows": partial(another, "many_rows.py"),
    "million": partial(another, "growth.py", "--only", "1000000"),
    "growth": partial(another, "growth.py", "--plot", str(WORK / "growth.svg")),
    "tofu": partial(another, "peers/run.py", "tofu"),
    "octodns": partial(another, "peers/run.py", "octodns"),
}


def main() -> int:
    """Take the tables that are asked for. What goes wrong with one is told, and keeps none of the others."""
    asked = sys.argv[1:] or list(TABLES)
    unknown = [name for name in asked if name not in TABLES]
    if unknown:
        print(f"no table is called {', '.join(unknown)}; there are {', '.join(TABLES)}", file=sys.stderr)
        return 2
    size = project(FOLDER, [app(number, PLACEMENTS) for number in range(APPS)])
    python, cores = sys.version.split()[0], os.cpu_count()
    print(f"{APPS:,} apps x {PLACEMENTS} placements, {size / 1e6:.1f} MB of YAML; {cores} cores, Python {python}")
    failed = [name for name in asked if not taken(name)]
    if failed:
        print(f"\nnot taken, or not whole: {', '.join(failed)}", flush=True)
    return int(bool(failed))


def taken(name: str) -> bool:
    """Whether a table was taken; why it was not is told below what there is of it."""
    began = time.monotonic()
    try:
        TABLES[name]()
    except (BrokenRunError, subprocess.SubprocessError, OSError, ValueError, AssertionError) as why:
        print(f"\n{name} failed: {type(why).__name__}: {why}", flush=True)
        return False
    finally:
        print(f"\n({name}: {time.monotonic() - began:.0f} s)", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
