"""`make soak`: thousands of random fault histories, and a kill at every point of an apply of thirty steps.

SOAK_HISTORIES (10,000) says how many histories are played in memory; one for each twenty of these goes over real HTTP,
and as many are of two checkouts. SOAK_SEED (0) is the first seed. Ends with a table, and with 1 and the seeds where a
law was broken; one of them is played again by `python bench/soak.py SEED` (`two SEED` for two checkouts).
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.checkouts import play_two
from support.histories import Broken, Tally, play, scratch
from support.kills import Kills
from support.wire import Wire
from support.wire_histories import QUIRKS, play_on

PACK = 50
WIRE_SHARE = 20
PARALLEL = (1, 4)
TURNS = 4


@dataclass
class Share:
    """What one part of the soak came to. `broken` names the seeds and what did not hold."""

    tally: Tally = field(default_factory=Tally)
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: "Share") -> None:
        """Count another share in."""
        self.tally.add(other.tally)
        self.broken += other.broken


def in_memory(seeds: range, parallelism: int) -> Share:
    share = Share()
    for seed in seeds:
        try:
            share.tally.add(play(seed, parallelism=parallelism))
        except Broken as broken:
            share.broken.append(str(broken))
    return share


def two_checkouts(seeds: range) -> Share:
    share = Share()
    for seed in seeds:
        try:
            share.tally.add(play_two(seed, parallelism=PARALLEL[seed % len(PARALLEL)]))
        except Broken as broken:
            share.broken.append(str(broken))
    return share


def over_http(seeds: range) -> Share:
    share = Share()
    quirks = QUIRKS[seeds.start // PACK % len(QUIRKS)]
    with Wire.running(**quirks) as wire:
        for seed in seeds:
            try:
                with tempfile.TemporaryDirectory(dir=scratch()) as folder:
                    share.tally.add(play_on(wire, seed, Path(folder)))
            except Broken as broken:
                share.broken.append(f"{broken} (quirks {quirks})")
    return share


def kills(parallelism: int, turn: int) -> Share:
    """An apply killed at every `TURNS`-th point that it passes, one after another."""
    share = Share()
    with tempfile.TemporaryDirectory(dir=scratch()) as folder, Kills.running(Path(folder)) as killer:
        points = range(1 + turn, killer.points(parallelism) + 1, TURNS)
        try:
            reached = killer.at(parallelism, points)
        except AssertionError as wrong:
            share.broken.append(f"killed with {parallelism} at once: {wrong}")
        else:
            share.tally.histories = share.tally.runs["killed"] = len(reached)
    return share


def packs(first: int, count: int) -> list[range]:
    return [range(at, min(at + PACK, first + count)) for at in range(first, first + count, PACK)]


def timed(shares: Iterable[Share]) -> Share:
    began = time.perf_counter()
    total = Share()
    for share in shares:
        total.add(share)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{total.tally.histories:,} played, {len(total.broken)} broken ")
            sys.stderr.flush()
    total.seconds = time.perf_counter() - began
    return total


def shares(first: int, count: int) -> Iterator[tuple[str, Share]]:
    with ProcessPoolExecutor() as workers:
        threaded = count // WIRE_SHARE
        alone = workers.map(partial(in_memory, parallelism=1), packs(first, count - threaded))
        yield "in memory, step by step", timed(alone)
        together = workers.map(partial(in_memory, parallelism=3), packs(first, threaded))
        yield "in memory, three steps at once", timed(together)
        both = workers.map(two_checkouts, packs(first, count // WIRE_SHARE))
        yield "in memory, two checkouts at once", timed(both)
        yield "over HTTP, one or four at once", timed(workers.map(over_http, packs(first, count // WIRE_SHARE)))
        for parallelism in PARALLEL:
            killed = workers.map(partial(kills, parallelism), range(TURNS))
            yield f"SIGKILL at every point, {parallelism} at once", timed(killed)


def report(name: str, share: Share) -> None:
    tally = share.tally
    outcomes = ", ".join(f"{number:,} {outcome}" for outcome, number in sorted(tally.outcomes.items())) or "-"
    runs = ", ".join(f"{number:,} {kind}" for kind, number in sorted(tally.runs.items()))
    told = [name, f"{tally.histories:,}", runs, outcomes, f"{tally.calls:,}", str(len(share.broken))]
    print(f"| {' | '.join([*told, f'{share.seconds:.0f}'])} |", flush=True)


def main() -> int:
    if len(sys.argv) > 1:
        *two, seed = sys.argv[1:]
        print((play_two if two else play)(int(seed) if seed.isdigit() else seed))
        return 0
    count, first = int(os.environ.get("SOAK_HISTORIES", "10000")), int(os.environ.get("SOAK_SEED", "0"))
    print("| histories | played | runs | outcomes | calls | broken | seconds |\n|---|---|---|---|---|---|---|")
    broken = []
    for name, share in shares(first, count):
        report(name, share)
        broken += share.broken
    for each in broken:
        print(f"BROKEN {each}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
