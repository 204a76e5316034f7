"""Suggestions from evidence and current floors: estimate, decide, apply the guardrails, explain; and their backtest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from reconciler.floors.current_floors import CurrentFloor
from reconciler.floors.curve import Reaction, RevenueModel, check_evidence, curve, fixed_price, reaction, revenue_model
from reconciler.floors.decide import (
    NO_FLOOR,
    Ceiling,
    GuardedFloor,
    Proposal,
    Rules,
    Window,
    cooling,
    decide,
    guarded_lower,
    guarded_raise,
    sure_share,
)
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
from reconciler.model.value import WORLDWIDE

TELLING_PRICES: Final = 20
"""The least number of single prices from which the share of impressions that a floor cuts is known."""
ONE_FLOOR: Final = "nothing shows how bidders answer, so floors above {:g} USD cannot be justified from these data."
NO_PRICES: Final = (
    "No report tells what single impressions were paid, as DT's own does: what the change would bring is not known."
)
BEHIND: Final = 1.25
"""The ratio, either way, of other sources' requests to those that DT left, beyond which not all may come after DT."""


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything that a suggestion for one cell is made from."""

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
    by_cell = {one.cell: one for one in checked.sound}
    answer = rules.known + reaction(checked.sound)
    cells = sorted(floors, key=lambda cell: (address_order(cell.address), cell.country))
    cases = (
        _Case(cell, floors[cell], by_cell.get(cell), estimates.get(cell), window, answer, checked.flaws.get(cell))
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
    model = _revenue_model(case, rules)
    guarded = _guarded_floor(case, proposal, model, rules)
    moves = guarded.floor != current_floor.current
    verdict = "keep" if proposal.verdict in {"raise", "lower"} and not moves else proposal.verdict
    change_known = verdict != "insufficient" and model is not None and (bool(model.prices.prices) or not moves)
    suggestion = Suggestion(
        cell=case.cell,
        mode=case.one.mode if case.one else "unknown",
        verdict=verdict,
        current=current_floor.current,
        suggested=guarded.floor,
        opportunity_cost=case.cost,
        change=model.change(current, float(guarded.floor)) if model and change_known else None,
        evidence=case.one,
        reasons=(
            *proposal.reasons,
            *guarded.reasons,
            *_cautions(case),
            *(() if change_known or not moves else (NO_PRICES,)),
        ),
        assumptions=_assumptions(case, guarded.floor) if moves else (),
        curve=curve(model, current, float(guarded.floor)) if model and change_known and model.prices.prices else (),
    )
    return replace(suggestion, working=working(suggestion, proposal, case.estimate, rules, case.answer.share))


def _revenue_model(case: _Case, rules: Rules) -> RevenueModel | None:
    """The revenue model of the cell; None without evidence, or where the opportunity cost is not known."""
    if case.one is None or (case.cost is None and case.one.mode != "unified"):
        return None
    return revenue_model(case.one, case.cost, rules.marginal, case.window.weeks)


def _guarded_floor(case: _Case, proposal: Proposal, model: RevenueModel | None, rules: Rules) -> GuardedFloor:
    at, evidence, cost = case.current_floor, case.one, case.cost
    stay = at.current
    if proposal.verdict not in {"raise", "lower"} or evidence is None or model is None:
        return GuardedFloor(stay)
    why_not = cooling(at, case.window.today, rules)
    if why_not:
        return GuardedFloor(stay, (why_not,))
    if proposal.verdict == "lower":
        guarded = guarded_lower(proposal.target, at, rules)
    else:
        enough_prices = evidence.single_rows >= TELLING_PRICES
        most_cut = (
            model.prices.quantile(rules.most_cut)
            if enough_prices
            else rules.most_cut * 1000 * evidence.revenue / evidence.impressions
        )
        sure = rules.dominance * cost.low if cost else NO_FLOOR
        ceiling = Ceiling(sure, most_cut, fixed_price(evidence, float(stay)))
        guarded = guarded_raise(proposal.target, ceiling, at, rules)
    gain = model.change(float(stay), float(guarded.floor)).estimate
    if not at.own_line and case.cell.country != WORLDWIDE and guarded.floor != stay and gain < rules.line_worth:
        takes = f"it takes {rules.line_worth:g} to be worth one"
        why = f"A line of its own would gain {gain:.2f} USD a week; {takes}."
        if not model.prices.prices:
            why = f"What a line of its own would gain is not known; {takes} (USD a week)."
        return GuardedFloor(stay, (*guarded.reasons, why))
    return guarded


def _cautions(case: _Case) -> tuple[str, ...]:
    evidence = case.one
    if evidence is None or evidence.mode != "waterfall" or not evidence.after_requests or not evidence.unfilled:
        return ()
    ratio = evidence.after_requests / evidence.unfilled
    if 1 / BEHIND <= ratio <= BEHIND:
        return ()
    text = f"DT left {evidence.unfilled} requests, but the sources behind it were asked {evidence.after_requests} times"
    return (f"{text}: not all of them seem to come right after DT.",)


def _assumptions(case: _Case, floor: Decimal) -> tuple[str, ...]:
    texts = [
        "No demand leaves above the floor.",
        "The rest of the waterfall goes on paying what it paid in the window.",
    ]
    floors = {day.floor for day in case.one.days if day.floor is not None} if case.one else set()
    if len(floors) <= 1:
        texts.append(f"All days were at one floor: {ONE_FLOOR.format(float(floor))}")
    return tuple(texts)


def backtest(earlier: Suggestions, later: Sequence[Evidence], first: date, last: date, rules: Rules) -> Backtest:
    """Replay the raises and cuts of earlier suggestions on evidence of the days from `first` to `last`."""
    window = Window(first, last, last)
    sound = check_evidence(later).sound
    by_cell = {one.cell: one for one in sound}
    costs = {cell: estimate.bounds for cell, estimate in opportunity_costs(sound, rules).items()}
    moves = [suggestion for suggestion in earlier.cells if suggestion.verdict in {"raise", "lower"}]
    return Backtest(first, last, tuple(_replay(suggestion, by_cell, costs, window, rules) for suggestion in moves))


def _replay(
    suggestion: Suggestion, by_cell: Mapping[Cell, Evidence], costs: Mapping[Cell, Bounds], window: Window, rules: Rules
) -> Replay:
    evidence = by_cell.get(suggestion.cell)
    cost = costs.get(suggestion.cell)
    if evidence is None or not evidence.prices or (cost is None and suggestion.mode != "unified"):
        return _replay_without_evidence(suggestion, "there are no later reports to replay it on")
    lower, upper = sorted((float(suggestion.current), float(suggestion.suggested)))
    floors = {day.floor for day in evidence.days if day.floor is not None} or {float(suggestion.current)}
    if max(floors) > lower:
        return _replay_without_evidence(
            suggestion, f"later days ran at a floor of {max(floors):g}: sales from {lower:g} USD on were not seen"
        )
    model = revenue_model(evidence, cost, rules.marginal, window.weeks)
    return Replay(
        suggestion.cell,
        suggestion.current,
        suggestion.suggested,
        suggestion.change,
        _replayed_change(model, lower, upper, suggestion),
    )


def _replayed_change(model: RevenueModel, lower: float, upper: float, suggestion: Suggestion) -> Bounds:
    raised = model.change(lower, upper)
    if suggestion.verdict == "raise":
        return raised
    return Bounds(-raised.high, -raised.estimate, -raised.low)


def _replay_without_evidence(suggestion: Suggestion, why: str) -> Replay:
    return Replay(suggestion.cell, suggestion.current, suggestion.suggested, suggestion.change, None, why)


def working(
    suggestion: Suggestion, proposal: Proposal, estimate: Estimate | None, rules: Rules, kept: float
) -> tuple[str, ...]:
    """The steps from the reports to the suggested floor, as sentences; prices in USD per thousand."""
    return (*_evidence_steps(suggestion), *_cost_steps(estimate, rules, kept), *_floor_steps(suggestion, proposal))


def _evidence_steps(suggestion: Suggestion) -> Iterator[str]:
    evidence = suggestion.evidence
    if evidence is None:
        yield "no reports"
        return
    requests, impressions, revenue = evidence.requests, evidence.impressions, evidence.revenue
    ecpm = 1000 * revenue / impressions if impressions else 0.0
    yield f"DT: {requests} requests, {impressions} impressions, {revenue:.2f} USD, {ecpm:.3f} on average"
    yield f"prices: {evidence.single_rows} impressions with a price of their own, in {len(evidence.prices)} bins"
    if suggestion.mode == "waterfall" and evidence.unfilled:
        own = 1000 * evidence.after / evidence.unfilled
        yield f"the rest: {evidence.after:.2f} USD on {evidence.unfilled} requests without a fill = {own:.3f}"


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


def _floor_steps(suggestion: Suggestion, proposal: Proposal) -> Iterator[str]:
    current, suggested = float(suggestion.current), float(suggestion.suggested)
    yield f"the evidence says {proposal.verdict}: {current:g} -> {proposal.target:.3f}"
    yield f"after the guardrails: {suggestion.verdict}, {current:g} -> {suggested:g}"
    if suggestion.change is not None:
        change = suggestion.change
        yield f"change of revenue a week: {change.estimate:+.2f} USD ({change.low:+.2f} to {change.high:+.2f})"
