"""What earlier suggestions would have done on later days that they had not seen.

A raise can be replayed from the prices that were paid below it later on. A lower floor can be replayed only where later
days ran at or below it: else its sales were never seen, and the account says so instead of guessing.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from reconciler.floors.curve import Outlook, outlook
from reconciler.floors.decide import Window
from reconciler.floors.pooling import opportunity_costs
from reconciler.floors.reaction import sift
from reconciler.floors.rules import Rules
from reconciler.model.backtest import Backtest, Replay
from reconciler.model.evidence import Cell, Evidence
from reconciler.model.suggestion import Bounds, Suggestion, Suggestions


def backtest(earlier: Suggestions, later: Sequence[Evidence], first: date, last: date, rules: Rules) -> Backtest:
    """Replay the raises and cuts of an earlier run on evidence of other days."""
    window = Window(first, last, last)
    told = sift(later).told
    known = {one.cell: one for one in told}
    costs = {cell: estimate.bounds for cell, estimate in opportunity_costs(told, rules).items()}
    moves = [made for made in earlier.cells if made.verdict in {"raise", "lower"}]
    return Backtest(first, last, tuple(_replay(made, known, costs, window, rules) for made in moves))


def _replay(
    made: Suggestion, known: Mapping[Cell, Evidence], costs: Mapping[Cell, Bounds], window: Window, rules: Rules
) -> Replay:
    one = known.get(made.cell)
    cost = costs.get(made.cell)
    if one is None or not one.prices or (cost is None and made.mode != "unified"):
        return _silent(made, "there are no later reports to replay it on")
    lower, upper = sorted((float(made.current), float(made.suggested)))
    floors = {day.floor for day in one.days if day.floor is not None} or {float(made.current)}
    if max(floors) > lower:
        return _silent(made, f"later days ran at a floor of {max(floors):g}: sales from {lower:g} USD on were not seen")
    seen = outlook(one, cost, rules.marginal, window.weeks)
    return Replay(made.cell, made.current, made.suggested, made.change, _came(seen, lower, upper, made))


def _came(seen: Outlook, lower: float, upper: float, made: Suggestion) -> Bounds:
    raised = seen.change(lower, upper)
    if made.verdict == "raise":
        return raised
    return Bounds(-raised.high, -raised.estimate, -raised.low)


def _silent(made: Suggestion, why: str) -> Replay:
    return Replay(made.cell, made.current, made.suggested, made.change, None, why)
