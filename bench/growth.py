"""How `plan` grows: accounts of 200 to 200,000 placements, 20 an app; CPU seconds, peak memory, the exponent fitted.

`python bench/growth.py [LARGEST]` prints a table. Every plan has a process of its own: `cold` without any cache, `warm`
with what the plan before left. The exponent is the slope of log(seconds) over log(placements) by least squares, from
2,000 placements on, less the seconds that a plan of a single placement takes: starting up does not grow.
"""

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from generate import app, project

BENCH = Path(__file__).parent
FOLDER = BENCH.parent / ".bench" / "growth"
SIZES = (200, 2_000, 20_000, 200_000)
EACH = 20
LATENCY = 0.005
WORKERS = 32
FITTED_FROM = 2_000
RUNS = 3
"""Plans of an account that is small, the least of which counts: of a large one the first is good enough."""


@dataclass(frozen=True)
class Cost:
    """What one plan took: CPU seconds, and megabytes at its peak."""

    cpu: float
    peak: float


@contextmanager
def server(apps: int, each: int) -> Iterator[str]:
    called = [sys.executable, str(BENCH / "server.py"), str(apps), str(each), str(LATENCY)]
    with subprocess.Popen(called, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def plan(folder: Path, url: str) -> Cost:
    """One `reconciler plan`, which must find nothing to do."""
    called = [sys.executable, "-m", "reconciler", "plan", "--detailed-exitcode", "--parallelism", str(WORKERS)]
    keys = {"DT_MANAGEMENT_URL": url, "DT_CLIENT_ID": "bench", "DT_CLIENT_SECRET": "bench"}
    process = subprocess.Popen(called, cwd=folder, env={**os.environ, **keys}, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def measured(placements: int) -> tuple[Cost, Cost]:
    """The cold plan of an account and the warm one."""
    each = min(placements, EACH)
    apps = placements // each
    shutil.rmtree(FOLDER, ignore_errors=True)
    project(FOLDER, [app(number, each) for number in range(apps)])
    with server(apps, each) as url:
        cold, *warm = (plan(FOLDER, url) for _ in range(RUNS if placements < SIZES[-1] else 2))
        return cold, min(warm, key=lambda cost: cost.cpu)


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The slope of the line through the logarithms, by least squares."""
    xs, ys = [math.log(size) for size in sizes], [math.log(each) for each in seconds]
    x0, y0 = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x0) * (y - y0) for x, y in zip(xs, ys, strict=True)) / sum((x - x0) ** 2 for x in xs)


def main() -> None:
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[-1]
    sizes = [size for size in SIZES if size <= largest]
    start = measured(1)
    print("| placements | cold, CPU s | warm, CPU s | peak MB |\n|---|---|---|---|")
    costs = []
    for size in sizes:
        cold, warm = measured(size)
        costs.append((cold, warm))
        print(f"| {size:,} | {cold.cpu:.2f} | {warm.cpu:.2f} | {max(cold.peak, warm.peak):.0f} |", flush=True)
    grown = [size for size in sizes if size >= FITTED_FROM]
    start_cpu = min(each.cpu for each in start)
    fitted = [exponent(grown, [cost[run].cpu - start_cpu for cost in costs[-len(grown) :]]) for run in (0, 1)]
    print(f"| exponent | {fitted[0]:.2f} | {fitted[1]:.2f} | |")


if __name__ == "__main__":
    main()
