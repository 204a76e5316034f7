"""Evidence and current floors -> suggestions: estimate, decide, hold back, and say why, with the working."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from reconciler.floors.current_floors import CurrentFloor
from reconciler.floors.curve import Reaction, RevenueModel, check_evidence, curve, fixed_price, reaction, revenue_model
from reconciler.floors.decide import NO_FLOOR, Proposal, Window, decide, sure_share
from reconciler.floors.guard import Ceiling, GuardedFloor, Rules, cooling, guarded_lower, guarded_raise
from reconciler.floors.pooling import Estimate, opportunity_costs
from reconciler.model.address import address_order
from reconciler.model.evidence import (
    Backtest,
    Bounds,
    Cell,
    Evidence,
    Replay,
    Suggestion,
    Suggestions,
    UnmatchedReports,
)
from reconciler.model.floors import WORLDWIDE


def working(
    made: Suggestion, proposal: Proposal, estimate: Estimate | None, rules: Rules, kept: float
) -> tuple[str, ...]:
    """Every step from the reports to the suggested floor; prices in USD per thousand."""
    return (*_evidence_steps(made), *_cost_steps(estimate, rules, kept), *_floor_steps(made, proposal))


def _evidence_steps(made: Suggestion) -> Iterator[str]:
    one = made.evidence
    if one is None:
        yield "no reports"
        return
    ecpm = 1000 * one.revenue / one.impressions if one.impressions else 0.0
    yield f"DT: {one.requests} requests, {one.impressions} impressions, {one.revenue:.2f} USD, {ecpm:.3f} on average"
    yield f"prices: {one.single_rows} impressions with a price of their own, in {len(one.prices)} bins"
    if made.mode == "waterfall" and one.unfilled:
        own = 1000 * one.after / one.unfilled
        yield f"the rest: {one.after:.2f} USD on {one.unfilled} requests without a fill = {own:.3f}"


def _cost_steps(estimate: Estimate | None, rules: Rules, kept: float) -> Iterator[str]:
    if estimate is None:
        return
    cost = estimate.bounds
    yield f"placement and country say {estimate.fit:.3f}; the cell's own figure counts {estimate.weight:.0%}"
    yield f"opportunity cost {cost.estimate:.3f}, standard deviation {estimate.sd:.3f}"
    yield f"bounds at {rules.bound:g} standard deviations: {cost.low:.3f} to {cost.high:.3f}"
    share, factor = sure_share(rules, kept), rules.worth(kept)
    yield f"floors that moved: bidders keep {kept:.1%} of the sales below a raised floor: factor {factor:.2f}"
    sure = share * factor * cost.low
    yield f"surely worth it: {share:g} x {factor:.2f} x {cost.low:.3f} = {sure:.3f}; too high: {factor * cost.high:.3f}"


def _floor_steps(made: Suggestion, proposal: Proposal) -> Iterator[str]:
    yield f"the evidence says {proposal.verdict}: {float(made.current):g} -> {proposal.target:.3f}"
    yield f"after the guardrails: {made.verdict}, {float(made.current):g} -> {float(made.suggested):g}"
    if made.change is not None:
        change = made.change
        yield f"change of revenue a week: {change.estimate:+.2f} USD ({change.low:+.2f} to {change.high:+.2f})"


TELLING_PRICES: Final = 20
"""Fewer single prices than this do not say how many impressions a floor would cut."""
ONE_FLOOR: Final = "nothing shows how bidders answer, so floors above {:g} USD cannot be justified from these data."
NO_PRICES: Final = (
    "No report tells what single impressions were paid, as DT's own does: what the change would bring is not known."
)
BEHIND: Final = 1.25
"""Sources that are asked this much more or less often than DT leaves requests may not all come after it."""


@dataclass(frozen=True, slots=True)
class _Case:
    """All that is known of one cell."""

    cell: Cell
    current_floor: CurrentFloor
    one: Evidence | None
    estimate: Estimate | None
    window: Window
    answer: Reaction
    flaw: str | None = None

    @property
    def cost(self) -> Bounds | None:
        return self.estimate.bounds if self.estimate else None


def suggest(  # noqa: PLR0913, PLR0917 - the whole of what a suggestion rests on, and each a noun of its own
    evidence: Sequence[Evidence],
    floors: Mapping[Cell, CurrentFloor],
    first: date,
    last: date,
    today: date,
    rules: Rules,
    unmatched: UnmatchedReports,
) -> Suggestions:
    """A suggestion for each cell with a floor, in the order of addresses and countries.

    `first` and `last` are the window of the evidence (UTC, both included). Evidence of cells without a floor of its own
    takes part in the pooling and gets no suggestion.
    """
    window = Window(first, last, today)
    checked = check_evidence(evidence)
    estimates = opportunity_costs(checked.sound, rules)
    known = {one.cell: one for one in checked.sound}
    answer = rules.known + reaction(checked.sound)
    cells = sorted(floors, key=lambda cell: (address_order(cell.address), cell.country))
    cases = (
        _Case(cell, floors[cell], known.get(cell), estimates.get(cell), window, answer, checked.flaws.get(cell))
        for cell in cells
    )
    return Suggestions(first, last, tuple(_suggestion(case, rules) for case in cases), unmatched)


def _suggestion(case: _Case, rules: Rules) -> Suggestion:
    current_floor, current = case.current_floor, float(case.current_floor.current)
    proposal = (
        Proposal("insufficient", current, (case.flaw,))
        if case.flaw
        else decide(case.one, case.cost, current, case.window, rules, case.answer.share)
    )
    seen = _revenue_model(case, rules)
    guarded = _guarded_floor(case, proposal, seen, rules)
    moves = guarded.floor != current_floor.current
    verdict = "keep" if proposal.verdict in {"raise", "lower"} and not moves else proposal.verdict
    told = verdict != "insufficient" and seen is not None and (bool(seen.prices.prices) or not moves)
    made = Suggestion(
        cell=case.cell,
        mode=case.one.mode if case.one else "unknown",
        verdict=verdict,
        current=current_floor.current,
        suggested=guarded.floor,
        opportunity_cost=case.cost,
        change=seen.change(current, float(guarded.floor)) if seen and told else None,
        evidence=case.one,
        reasons=(*proposal.reasons, *guarded.reasons, *_cautions(case), *(() if told or not moves else (NO_PRICES,))),
        assumptions=_assumptions(case, guarded.floor) if moves else (),
        curve=curve(seen, current, float(guarded.floor)) if seen and told and seen.prices.prices else (),
    )
    return replace(made, working=working(made, proposal, case.estimate, rules, case.answer.share))


def _revenue_model(case: _Case, rules: Rules) -> RevenueModel | None:
    """None where the evidence does not tell what a sale is worth more than."""
    if case.one is None or (case.cost is None and case.one.mode != "unified"):
        return None
    return revenue_model(case.one, case.cost, rules.marginal, case.window.weeks)


def _guarded_floor(case: _Case, proposal: Proposal, seen: RevenueModel | None, rules: Rules) -> GuardedFloor:
    at, one, cost = case.current_floor, case.one, case.cost
    stay = at.current
    if proposal.verdict not in {"raise", "lower"} or one is None or seen is None:
        return GuardedFloor(stay)
    why_not = cooling(at, case.window.today, rules)
    if why_not:
        return GuardedFloor(stay, (why_not,))
    if proposal.verdict == "lower":
        guarded = guarded_lower(proposal.target, at, rules)
    else:
        telling = one.single_rows >= TELLING_PRICES
        most_cut = (
            seen.prices.quantile(rules.most_cut) if telling else rules.most_cut * 1000 * one.revenue / one.impressions
        )
        sure = rules.dominance * cost.low if cost else NO_FLOOR
        ceiling = Ceiling(sure, most_cut, fixed_price(one, float(stay)))
        guarded = guarded_raise(proposal.target, ceiling, at, rules)
    gain = seen.change(float(stay), float(guarded.floor)).estimate
    if not at.own_line and case.cell.country != WORLDWIDE and guarded.floor != stay and gain < rules.line_worth:
        takes = f"it takes {rules.line_worth:g} to be worth one"
        why = f"A line of its own would gain {gain:.2f} USD a week; {takes}."
        if not seen.prices.prices:
            why = f"What a line of its own would gain is not known; {takes} (USD a week)."
        return GuardedFloor(stay, (*guarded.reasons, why))
    return guarded


def _cautions(case: _Case) -> tuple[str, ...]:
    one = case.one
    if one is None or one.mode != "waterfall" or not one.after_requests or not one.unfilled:
        return ()
    ratio = one.after_requests / one.unfilled
    if 1 / BEHIND <= ratio <= BEHIND:
        return ()
    said = f"DT left {one.unfilled} requests, but the sources behind it were asked {one.after_requests} times"
    return (f"{said}: not all of them seem to come right after DT.",)


def _assumptions(case: _Case, floor: Decimal) -> tuple[str, ...]:
    said = ["No demand leaves above the floor.", "The rest of the waterfall goes on paying what it paid in the window."]
    floors = {day.floor for day in case.one.days if day.floor is not None} if case.one else set()
    if len(floors) <= 1:
        said.append(f"All days were at one floor: {ONE_FLOOR.format(float(floor))}")
    return tuple(said)


def backtest(earlier: Suggestions, later: Sequence[Evidence], first: date, last: date, rules: Rules) -> Backtest:
    """Replay the raises and cuts of an earlier run on evidence of other days."""
    window = Window(first, last, last)
    sound = check_evidence(later).sound
    known = {one.cell: one for one in sound}
    costs = {cell: estimate.bounds for cell, estimate in opportunity_costs(sound, rules).items()}
    moves = [made for made in earlier.cells if made.verdict in {"raise", "lower"}]
    return Backtest(first, last, tuple(_replay(made, known, costs, window, rules) for made in moves))


def _replay(
    made: Suggestion, known: Mapping[Cell, Evidence], costs: Mapping[Cell, Bounds], window: Window, rules: Rules
) -> Replay:
    one = known.get(made.cell)
    cost = costs.get(made.cell)
    if one is None or not one.prices or (cost is None and made.mode != "unified"):
        return _replay_without_evidence(made, "there are no later reports to replay it on")
    lower, upper = sorted((float(made.current), float(made.suggested)))
    floors = {day.floor for day in one.days if day.floor is not None} or {float(made.current)}
    if max(floors) > lower:
        return _replay_without_evidence(
            made, f"later days ran at a floor of {max(floors):g}: sales from {lower:g} USD on were not seen"
        )
    seen = revenue_model(one, cost, rules.marginal, window.weeks)
    return Replay(made.cell, made.current, made.suggested, made.change, _replayed_change(seen, lower, upper, made))


def _replayed_change(seen: RevenueModel, lower: float, upper: float, made: Suggestion) -> Bounds:
    raised = seen.change(lower, upper)
    if made.verdict == "raise":
        return raised
    return Bounds(-raised.high, -raised.estimate, -raised.low)


def _replay_without_evidence(made: Suggestion, why: str) -> Replay:
    return Replay(made.cell, made.current, made.suggested, made.change, None, why)
