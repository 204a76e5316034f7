"""The rules that are compared: each takes the weeks so far and the floors in force, and gives the next floors."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
from market import LOWEST, Floats, Market
from weeks import DAYS, FIRST_DAY, Week, cells_of, evidence_of

from reconciler.floors.current_floors import CurrentFloor
from reconciler.floors.curve import Reaction, reaction
from reconciler.floors.decide import Rules
from reconciler.floors.suggest import suggest
from reconciler.model.evidence import Suggestions, UnmatchedReports
from reconciler.model.value import price

WINDOW = 2
Chooser = Callable[[Sequence[Week], Floats], Floats]


def keep(_weeks: Sequence[Week], floors: Floats) -> Floats:
    return floors


def rule_of_thumb(weeks: Sequence[Week], floors: Floats) -> Floats:
    """80 % of the last week's eCPM."""
    impressions = weeks[-1].impressions.sum(axis=1)
    ecpm = 1000 * weeks[-1].revenue.sum(axis=1) / np.maximum(impressions, 1)
    return np.where(impressions >= 20, np.maximum(LOWEST, 0.8 * ecpm), floors)


def hill_climbing(weeks: Sequence[Week], floors: Floats) -> Floats:
    """Go on while a week earned more per request than the one before, else turn round; steps of 20 %."""
    before, after = (
        (week.revenue.sum(axis=1) + week.after.sum(axis=(1, 2))) / np.maximum(week.requests.sum(axis=1), 1)
        for week in weeks[-2:]
    )
    went_up = np.where(
        weeks[-1].floors == weeks[-2].floors, np.arange(len(floors)) % 2, weeks[-1].floors > weeks[-2].floors
    )
    up = np.where(after >= before, went_up, 1 - went_up) > 0
    return np.maximum(LOWEST, np.where(up, np.maximum(floors, 0.05) * 1.2, floors / 1.2))


def cost_alone(market: Market) -> Chooser:
    """0.75 of each cell's own opportunity cost in waterfalls, the minimum in unified auctions, in steps; no pooling."""

    def choose(weeks: Sequence[Week], floors: Floats) -> Floats:
        seen = weeks[-WINDOW:]
        asked = sum(week.asked.sum(axis=1) for week in seen)
        after = sum(np.round(week.after.sum(axis=1), 2).sum(axis=1) for week in seen)
        cost = 1000 * after / np.maximum(asked, 1)
        target = np.where(market.unified, LOWEST, np.maximum(LOWEST, 0.75 * cost))
        step = np.maximum(1.3 * floors, 0.5 * target)
        return np.maximum(LOWEST, np.clip(np.where(asked > 0, target, floors), 0.5 * floors, step))

    return choose


class Tool:
    """`suggest` with its own guardrails, carried out as it says. Keeps the first run for the bounds it states."""

    def __init__(self, market: Market, rules: Rules, window: int = WINDOW) -> None:
        self.market, self.rules, self.window = market, rules, window
        self.first: Suggestions | None = None
        self.known = Reaction()

    def __call__(self, weeks: Sequence[Week], floors: Floats) -> Floats:
        seen = weeks[-self.window :]
        first = FIRST_DAY + timedelta(days=DAYS * seen[0].week)
        last = FIRST_DAY + timedelta(days=DAYS * (seen[-1].week + 1) - 1)
        cells = cells_of(self.market)
        standing = {cell: self._standing(at, weeks, floors) for at, cell in enumerate(cells)}
        evidence = evidence_of(self.market, seen)
        today = last + timedelta(days=1)
        made = suggest(
            evidence, standing, first, last, today, replace(self.rules, known=self.known), UnmatchedReports()
        )
        self.known += reaction(evidence)
        self.first = self.first or made
        by_cell = {one.cell: float(one.suggested) for one in made.cells}
        return np.array([by_cell[cell] for cell in cells])

    def _standing(self, at: int, weeks: Sequence[Week], floors: Floats) -> CurrentFloor:
        moved = [now.week for before, now in pairwise(weeks) if now.floors[at] != before.floors[at]]
        changed = FIRST_DAY + timedelta(days=DAYS * moved[-1]) if moved else None
        return CurrentFloor(current=price(float(floors[at])), worldwide=price(LOWEST), changed=changed)
