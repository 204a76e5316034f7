"""How `plan` grows: accounts of 200 to 200,000 placements, 20 an app; CPU seconds, peak memory, the exponent fitted.

`python bench/growth.py [LARGEST] [--plot FILE]` prints a table, and draws it; `--only N` takes the memory of that many
placements alone. Memory is that of all processes of a command together, taken in runs of their own; what it is for a
placement leaves out what a plan of a single one holds. Every plan has a process of its own:
`cold` without anything remembered, `warm` after `validate`, and `all moved`, warm, of an account in which every
placement has another floor. The exponent is the slope of log(seconds) over log(placements) by least squares, from
20,000 placements on, less the seconds that a plan of a single placement takes: starting up does not grow.
"""

import argparse
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from children import RECONCILER, WORK, Ran, keys, ran, server
from generate import app, project
from table import show

FOLDER = WORK / "growth"
SIZES = (200, 2_000, 20_000, 60_000, 200_000)
EACH = 20
LATENCY = 0.005
WORKERS = 32
FITTED_FROM = 20_000
RUNS = 3
"""Plans of an account that is small, the least of which counts: of a large one the first is good enough."""
HOW = ("cold", "warm", "all moved")
WATCHED = ("in sync", "all moved")
MEMORY = tuple(f"{how}, {unit}" for how in WATCHED for unit in ("MB", "kB each"))
HEADINGS = (*(f"{how}, CPU s" for how in HOW), "cold, wall s", "warm, wall s", *MEMORY)


@dataclass(frozen=True)
class Size:
    """What plans of an account of so many placements took, in the order of `HOW`."""

    placements: int
    plans: tuple[Ran, ...]
    peaks: tuple[float, ...]
    """Megabytes, in the order of `WATCHED`."""

    def memory(self, one: "Size") -> Iterator[str]:
        """The cells of `MEMORY`; `one` is a plan of a single placement."""
        for peak, least in zip(self.peaks, one.peaks, strict=True):
            yield f"{peak:.0f}"
            yield f"{(peak - least) * 1024 / self.placements:.1f}"


def plan(url: str, code: int = 0, *, watched: bool = False, **environment: str) -> Ran:
    called = [*RECONCILER, "plan", "--detailed-exitcode", "--parallelism", str(WORKERS)]
    return ran(called, FOLDER, keys(url) | environment, code, watched=watched)


def measured(placements: int, *, timed: bool = True) -> Size:
    """Plans of one account; of a large one each kind once. Not `timed`: their memory alone."""
    each = min(placements, EACH)
    apps, times = placements // each, range(RUNS if placements < SIZES[-1] else 1)
    shutil.rmtree(FOLDER, ignore_errors=True)
    project(FOLDER, (app(number, each) for number in range(apps)))
    plans: list[Ran] = []
    with server(apps, each, LATENCY) as url:
        if timed:
            plans.append(min((plan(url, RECONCILER_CACHE="off") for _ in times), key=lambda ran: ran.cpu))
        ran([*RECONCILER, "validate"], FOLDER)
        if timed:
            plans.append(min((plan(url) for _ in times), key=lambda ran: ran.cpu))
        in_sync = plan(url, watched=True)
    with server(apps, each, LATENCY, "moved") as url:
        if timed:
            plans.append(min((plan(url, code=2) for _ in times), key=lambda ran: ran.cpu))
        moved = plan(url, code=2, watched=True)
    return Size(placements, tuple(plans), (in_sync.peak, moved.peak))


def rows(sizes: Sequence[int], into: list[Size]) -> Iterator[tuple[str, ...]]:
    start = measured(1)
    for placements in sizes:
        size = measured(placements)
        into.append(size)
        cold, warm, _ = size.plans
        seconds = [*(f"{plan.cpu:.2f}" for plan in size.plans), f"{cold.wall:.2f}", f"{warm.wall:.2f}"]
        yield f"{placements:,}", *seconds, *size.memory(start)
    grown = [size for size in into if size.placements >= FITTED_FROM]
    if len(grown) < 2:
        return
    fitted = [fit([(size.placements, size.plans[at].cpu - start.plans[at].cpu) for size in grown]) for at in range(3)]
    yield "exponent", *(f"{slope:.2f}" for slope in fitted), *("" for _ in HEADINGS[len(HOW) :])


def memory_alone(placements: int) -> Iterator[tuple[str, ...]]:
    start = measured(1, timed=False)
    yield f"{placements:,}", *measured(placements, timed=False).memory(start)


def fit(points: Sequence[tuple[int, float]]) -> float:
    """The slope of the line through the logarithms, by least squares."""
    xs, ys = [math.log(size) for size, _ in points], [math.log(each) for _, each in points]
    x0, y0 = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x0) * (y - y0) for x, y in zip(xs, ys, strict=True)) / sum((x - x0) ** 2 for x in xs)


def draw(sizes: Sequence[Size], path: Path) -> None:
    """CPU seconds and peak memory over placements, both axes logarithmic: a straight line of slope 1 is linear."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - for those who draw

    placements = [size.placements for size in sizes]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for at, (how, style) in enumerate(zip(HOW, ("o-", "s-", "^-"), strict=True)):
        left.plot(placements, [size.plans[at].cpu for size in sizes], style, label=how)
    for at, how in enumerate(WATCHED):
        right.plot(placements, [size.peaks[at] for size in sizes], "os"[at] + "-", label=how)
    for axes, title in ((left, "reconciler plan, CPU seconds"), (right, "peak memory, MB")):
        axes.set(xscale="log", yscale="log", xlabel="placements", title=title)
        axes.grid(visible=True, which="major", alpha=0.3)
        axes.legend()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("largest", nargs="?", type=int, default=SIZES[-1])
    asked.add_argument("--plot", type=Path)
    asked.add_argument("--only", type=int, metavar="N")
    given = asked.parse_args()
    if given.only:
        show("placements, memory alone", memory_alone(given.only), *MEMORY)
        return
    found: list[Size] = []
    show("placements", rows([size for size in SIZES if size <= given.largest], found), *HEADINGS)
    if given.plot:
        draw(found, given.plot)


if __name__ == "__main__":
    main()
