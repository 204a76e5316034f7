"""How much of what could be gained each rule gains, and what it breaks, in markets whose best floors are known.

    python bench/market/score.py --seeds 1-10 --rounds 12

Each rule sees two weeks at the floors the market starts with, then sets floors once a week. The columns:
captured      long-run revenue gained over keeping all floors, summed over the weeks, as a share of what the best
              floors would have gained in them
revenue       the same as a share of all revenue
false raises  of the cells that end above their start, those that earn over 1 % less for it
harm          what the cells lose that end worse than they started, as a share of all revenue
cover         how often the truth keeps each of the stated one-sided 90 % bounds of the first run: the worse of the two
moved         cells that ever moved
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np  # noqa: E402 - after the threads are set
from choosers import Chooser, Tool, cost_alone, hill_climbing, keep, rule_of_thumb  # noqa: E402
from market import REQUESTS, SHAPES, WORLDS, Floats, Market  # noqa: E402
from truth import Truth  # noqa: E402
from weeks import cells_of, draw_week, play  # noqa: E402

from reconciler.floors.decide import Rules  # noqa: E402
from reconciler.model.evidence import Suggestion  # noqa: E402

BEFORE = 2


@dataclass(frozen=True)
class Score:
    """One rule in one world of one seed; shares are 0..1. `possible` is the gain of the best floors over keeping."""

    seed: int
    world: str
    rule: str
    captured: float
    revenue: float
    false_raises: float
    harm: float
    moved: float
    possible: float
    cover: float | None = None


def scores(seed: int, name: str, rounds: int, requests: int, shape: str) -> list[Score]:
    market, world = Market(seed, requests, SHAPES[shape]), WORLDS[name]
    truth = Truth(market, world)
    tool = Tool(market, Rules())
    choosers: dict[str, Chooser] = {
        "keep": keep,
        "80 % of eCPM": rule_of_thumb,
        "hill-climbing": hill_climbing,
        "0.75 c, no pooling": cost_alone(market),
        "floors suggest": tool,
    }
    start = truth.start()
    floors = dict.fromkeys(choosers, start)
    played = {rule: [] for rule in choosers}
    path: dict[str, list[Floats]] = {rule: [] for rule in choosers}
    for week in range(BEFORE + rounds):
        draws = draw_week(market, world, week)
        for rule, choose in choosers.items():
            if week >= BEFORE:
                floors[rule] = choose(played[rule], floors[rule])
                path[rule].append(floors[rule])
            if rule != "keep":
                played[rule].append(play(market, world, draws, floors[rule]))
    made = [_score(truth, rule, path[rule], start) for rule in choosers]
    return [*made[:-1], Score(**{**asdict(made[-1]), "cover": cover(tool, truth, start)})]


def _score(truth: Truth, rule: str, path: Sequence[Floats], start: Floats) -> Score:
    kept, best = truth.earned(start), truth.revenue.max(axis=1)
    gained = [np.zeros_like(kept) if np.array_equal(floors, start) else truth.earned(floors) - kept for floors in path]
    possible = (best - kept).sum() * len(path)
    raised = path[-1] > start
    wrong = raised & (gained[-1] < -0.01 * kept)
    return Score(
        seed=truth.market.seed,
        world=truth.world.name,
        rule=rule,
        captured=float(sum(part.sum() for part in gained) / possible) if truth.world.begin == "left" else 0.0,
        revenue=float(sum(part.sum() for part in gained) / kept.sum() / len(path)),
        false_raises=float(wrong.sum() / max(1, raised.sum())),
        harm=float(-np.minimum(gained[-1], 0).sum() / kept.sum()),
        moved=float(np.mean(np.any([floors != start for floors in path], axis=0))),
        possible=float((best - kept).sum() / kept.sum()),
    )


def cover(tool: Tool, truth: Truth, start: Floats) -> float:
    """Of the waterfall cells with enough evidence, how many true costs keep the bound that holds less often."""
    cost = truth.cost(start)
    stated = [
        (one.opportunity_cost, true)
        for one, true in zip(_in_order(tool), cost, strict=True)
        if one.opportunity_cost and one.verdict != "insufficient"
    ]
    above = np.mean([bounds.low <= true for bounds, true in stated])
    below = np.mean([true <= bounds.high for bounds, true in stated])
    return float(min(above, below))


def _in_order(tool: Tool) -> list[Suggestion]:
    by_cell = {one.cell: one for one in tool.first.cells}
    return [by_cell[cell] for cell in cells_of(tool.market)]


def seeds_of(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def table(made: Iterable[Score]) -> str:
    grouped = defaultdict(list)
    for score in made:
        grouped[score.world, score.rule].append(score)
    lines = [
        "| world | rule | captured | worst seed | revenue | false raises | harm | cover | moved |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (world, rule), several in grouped.items():
        mean = {
            name: np.mean([getattr(one, name) for one in several])
            for name in ("captured", "revenue", "false_raises", "harm", "moved")
        }
        covers = [one.cover for one in several if one.cover is not None]
        shown = f"{np.mean(covers):.1%}" if covers else ""
        worst = min(one.captured for one in several)
        figures = f"{mean['captured']:.1%} | {worst:.1%} | {mean['revenue']:+.2%} | {mean['false_raises']:.1%}"
        lines.append(f"| {world} | {rule} | {figures} | {mean['harm']:.2%} | {shown} | {mean['moved']:.1%} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1-10")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--worlds", default=",".join(WORLDS))
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--shape", default="fitted", choices=tuple(SHAPES))
    parser.add_argument("--processes", type=int, default=2, choices=(1, 2))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    runs = [(seed, world) for world in asked.worlds.split(",") for seed in seeds_of(asked.seeds)]
    with ProcessPoolExecutor(asked.processes) as pool:
        jobs = [pool.submit(scores, seed, world, asked.rounds, asked.requests, asked.shape) for seed, world in runs]
        for done, job in enumerate(as_completed(jobs), 1):
            job.result()
            print(f"{done} of {len(jobs)}", file=sys.stderr, flush=True)
    made = [score for job in jobs for score in job.result()]
    print(json.dumps([asdict(score) for score in made]) if asked.json else table(made))


if __name__ == "__main__":
    main()
