"""The verdict on a cell, the floor that the evidence supports, and the guardrails that limit one change of a floor.

The constants of the method stand here, each with its reason; docs/floors.md says how they were chosen and what they
achieve.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Final

from reconciler.floors.current_floors import CurrentFloor
from reconciler.floors.curve import Reaction, auction_displacement
from reconciler.model.evidence import Bounds, Evidence, Verdict
from reconciler.model.state import Safety
from reconciler.model.value import MINIMUM, price


@dataclass(frozen=True, slots=True)
class Rules:
    """How suggestions are made. Prices are USD per thousand impressions, money is USD, times are days.

    marginal: what the rest pays for the requests at the floor, as a share of what it pays for those without a fill;
        the requests that DT bids little on are poorer than the average one.
    lower_to: share of the opportunity cost that a floor that is too high is lowered to.
    answer: how fast the best floor grows over the opportunity cost with the share of sales that bidders keep.
    unified_answer: share kept from which even a floor in a unified auction earns its place.
    dominance: share of the lower bound up to which a raise can hardly lose, whatever bidders do. It needs no steps up
        to there, and goes beyond only when a floor that moved has shown that bidders answer.
    bound: standard deviations of a one-sided 90 % bound.
    raise_step, lower_step: the most a floor is multiplied by, and the least, in one change.
    least_raise, least_lower: a change must be at least this share of the floor to be worth the noise.
    most_cut: the largest share of impressions that a raise may cut.
    week_impressions, week_requests: the least evidence in an average week; a floor that is too high may itself keep
        impressions away, so that `week_impressions_to_lower` are enough to lower it.
    oldest_report: age of the newest report beyond which nothing is suggested.
    cool_down: days between two changes of one floor.
    line_worth: USD a week that a country must gain to get a line of its own.
    cent: what the mediation platform rounds earnings to; 0 for exact ones. rounded_rows: rows that make up a total.
    known: what floors that moved before the window say of bidders.
    usual_variance: relative variance of what one request earns, where no days are there to measure it.
    """

    marginal: float = 0.75
    lower_to: float = 0.75
    answer: float = 1.0
    unified_answer: float = 0.4
    dominance: float = 0.5
    bound: float = 1.28
    raise_step: float = 1.3
    lower_step: float = 0.5
    least_raise: float = 0.15
    least_lower: float = 0.2
    most_cut: float = 0.5
    week_impressions: float = 40
    week_requests: float = 200
    week_impressions_to_lower: float = 10
    oldest_report: int = 3
    cool_down: int = 7
    line_worth: float = 1.0
    cent: float = 0.01
    rounded_rows: int = 3
    usual_variance: float = 4.0
    known: Reaction = field(default_factory=Reaction)
    safety: Safety = field(default_factory=Safety)

    def worth(self, kept: float) -> float:
        """The factor on the best floor when bidders keep this share of sales; 1 where they keep none."""
        return 1 + self.answer * kept / (1 - kept)


CENT: Final = Decimal("0.01")
TENTH: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Limit:
    """A floor that one change must not cross, and why."""

    floor: Decimal
    why: str


@dataclass(frozen=True, slots=True)
class GuardedFloor:
    """The floor that may be suggested (the current one: no change), and the limits that applied."""

    floor: Decimal
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The limits of a raise by the evidence, in USD.

    Up to `sure` neither the step limit nor fixed-price demand applies; `most_cut` is the floor that cuts the largest
    share of impressions allowed; `fixed` the price of demand that never bids more.
    """

    sure: float
    most_cut: float
    fixed: float | None = None


def guarded_raise(target: float, ceiling: Ceiling, at: CurrentFloor, rules: Rules) -> GuardedFloor:
    """The raise towards the target that every limit allows, rounded down."""
    current = at.current
    limits = list(_raise_limits(current, ceiling, at, rules))
    nearest = min(limits, key=lambda limit: limit.floor)
    floor = rounded(min(exact(target), nearest.floor), ROUND_DOWN)
    held = (nearest.why,) if nearest.floor < exact(target) else ()
    if floor < current + max(CENT, current * exact(rules.least_raise)):
        return GuardedFloor(at.current, (*held, f"A raise of less than {rules.least_raise:.0%} is not worth a change."))
    return GuardedFloor(price(floor), held)


def guarded_lower(target: float, at: CurrentFloor, rules: Rules) -> GuardedFloor:
    """The lower floor towards the target that every limit allows, rounded up."""
    current = at.current
    nearest = max(_lower_limits(current, at, rules), key=lambda limit: limit.floor)
    floor = rounded(max(exact(target), nearest.floor), ROUND_UP)
    held = (nearest.why,) if nearest.floor > exact(target) else ()
    if floor > current * exact(1 - rules.least_lower):
        return GuardedFloor(at.current, (*held, f"A change of less than {rules.least_lower:.0%} is not worth one."))
    if floor > exact(rules.safety.max_floor):
        return GuardedFloor(at.current, (f"Even {floor} USD is above the project's maxFloor: lower it by hand.",))
    return GuardedFloor(price(floor), held)


def cooling(at: CurrentFloor, today: date, rules: Rules) -> str | None:
    """Why a floor that changed recently, or has a pending change, must not change now; None where it may."""
    if at.pending:
        return "The manifest has another floor than the one in force: apply that change first, and see what it does."
    if at.changed is None:
        return None
    days = (today - at.changed).days
    if days >= rules.cool_down:
        return None
    return f"The floor changed on {at.changed}, less than {rules.cool_down} days ago: what it does has to be seen."


def _raise_limits(current: Decimal, ceiling: Ceiling, at: CurrentFloor, rules: Rules) -> Iterator[Limit]:
    step, sure = current * exact(rules.raise_step), exact(ceiling.sure)
    yield Limit(
        max(step, sure), f"One change raises a floor at most {rules.raise_step:g} times beyond the safe region."
    )
    yield Limit(exact(ceiling.most_cut), f"One change cuts at most {rules.most_cut:.0%} of the impressions.")
    if ceiling.fixed is not None:
        why = f"Some demand pays a fixed {ceiling.fixed:.2f} USD: it would not answer a higher floor, but leave."
        yield Limit(max(exact(ceiling.fixed), sure), why)
    yield Limit(exact(rules.safety.max_floor), f"The project's maxFloor is {rules.safety.max_floor:g} USD.")
    if current > MINIMUM:
        percent = rules.safety.max_floor_change_percent
        yield Limit(current * (100 + exact(percent)) / 100, f"The project's maxFloorChangePercent is {percent:g}.")
    if at.dearer is not None:
        halfway = (current + at.dearer) / 2
        yield Limit(
            halfway,
            f"The dearer tier stands at {float(at.dearer):g} USD: a floor moves at most half way to it.",
        )


def _lower_limits(current: Decimal, at: CurrentFloor, rules: Rules) -> Iterator[Limit]:
    yield Limit(MINIMUM, f"No floor is below {MINIMUM} USD.")
    yield Limit(current * exact(rules.lower_step), f"One change leaves at least {rules.lower_step:.0%} of a floor.")
    if current > MINIMUM:
        percent = rules.safety.max_floor_change_percent
        yield Limit(current * (100 - exact(percent)) / 100, f"The project's maxFloorChangePercent is {percent:g}.")
    if at.cheaper is not None:
        halfway = (current + at.cheaper) / 2
        yield Limit(
            halfway,
            f"The cheaper tier stands at {float(at.cheaper):g} USD: a floor moves at most half way to it.",
        )


def exact(number: float) -> Decimal:
    """A float as the decimal number that it is written as."""
    return Decimal(repr(float(number)))


def rounded(floor: Decimal, rounding: str) -> Decimal:
    """A price in whole cents below 1 USD and in tenths from there on."""
    return floor.quantize(CENT if floor < 1 else TENTH, rounding)


NO_FLOOR: Final = float(MINIMUM)
UNPROVEN: Final = (
    "The sales that a lower floor would bring were never seen: the data at one floor do not prove the gain; its figure "
    "is a guess from the prices just above the floor."
)


FEW_AT_A_HIGH_FLOOR: Final = (
    "DT sells too little here to judge its prices, but a floor above what the rest pays is itself a reason for that."
)


@dataclass(frozen=True, slots=True)
class Window:
    """Days of evidence, both ends included, and today (UTC)."""

    first: date
    last: date
    today: date

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.last - self.first).days + 1

    @property
    def weeks(self) -> float:
        """The length in weeks, a fraction."""
        return self.days / 7


@dataclass(frozen=True, slots=True)
class Proposal:
    """A verdict with its target floor (USD per thousand impressions) and its reasons."""

    verdict: Verdict
    target: float
    reasons: tuple[str, ...]


def decide(
    evidence: Evidence | None, cost: Bounds | None, current: float, window: Window, rules: Rules, kept: float = 0.0
) -> Proposal:
    """The verdict of the table in docs/floors.md.

    `cost` is what the other sources pay for a thousand requests that DT did not fill; `kept` the share of sales that
    bidders keep when a floor rises above them.
    """
    if evidence is None:
        return Proposal("insufficient", current, ("There are no reports of this placement and country in the window.",))
    missing = tuple(_missing_evidence(evidence, window, rules))
    if missing:
        return Proposal("insufficient", current, missing)
    proposal = _decide_by_mode(evidence, cost, current, rules, kept)
    few = _too_few("DT impressions", evidence.impressions, rules.week_impressions, window)
    if not few or proposal.verdict == "insufficient":
        return proposal
    if proposal.verdict == "lower":
        return replace(proposal, reasons=(*proposal.reasons, FEW_AT_A_HIGH_FLOOR))
    return Proposal("insufficient", current, (few,))


def _decide_by_mode(evidence: Evidence, cost: Bounds | None, current: float, rules: Rules, kept: float) -> Proposal:
    if evidence.mode == "unified":
        return _decide_unified(evidence, current, rules, kept)
    if cost is None:
        return Proposal("insufficient", current, ("DT fills every request: nothing tells what the rest would pay.",))
    return _decide_waterfall(cost, current, rules, kept)


def _too_few(what: str, number: int, week: float, window: Window) -> str:
    """The reason why `number` is too few for `week` of them in an average week; empty where it is enough."""
    if number >= week * window.weeks:
        return ""
    return f"{number} {what} in {window.days} days; {week * window.weeks:.0f} are needed ({week:g} a week)."


def _missing_evidence(evidence: Evidence, window: Window, rules: Rules) -> Iterator[str]:
    yield from filter(
        None,
        (
            _too_few("DT impressions", evidence.impressions, rules.week_impressions_to_lower, window),
            _too_few("requests", evidence.requests, rules.week_requests, window),
        ),
    )
    if evidence.impressions and not evidence.requests:
        yield "No report tells how often DT was asked (its requests): what it left to the others is not known."
    newest = max((day.day for day in evidence.days), default=window.last)
    if (window.today - newest).days > rules.oldest_report:
        yield f"The newest report is of {newest}, more than {rules.oldest_report} days ago."
    if evidence.mode == "unknown":
        yield "The reports do not say whether DT is asked in turn or in one auction with the others."
    if evidence.mode == "waterfall" and evidence.unfilled and not evidence.after_requests:
        yield "No reports of other sources behind DT could be joined: what the rest would pay is not known."


def _decide_unified(evidence: Evidence, current: float, rules: Rules, kept: float) -> Proposal:
    if current <= NO_FLOOR:
        return Proposal("keep", current, ("DT bids in one auction with the others, and has no floor: that is best.",))
    if kept < rules.unified_answer:
        why = (
            "DT bids in one auction with the others: what they bid is its floor, and a floor of its own only cancels "
            "sales."
        )
        return Proposal("lower", NO_FLOOR, (why, UNPROVEN))
    why = f"DT bids in one auction with the others, but its bidders answer floors: {_reaction_text(kept)}"
    displaced = auction_displacement(evidence).high
    worth = rules.worth(kept) * displaced
    if current <= worth:
        return Proposal("keep", current, (why,))
    too_high = f"The floor of {current:g} USD is too high even so: beside it the others pay {displaced:.2f} USD."
    return Proposal("lower", max(NO_FLOOR, rules.lower_to * worth), (why, too_high, UNPROVEN))


def _reaction_text(kept: float) -> str:
    return f"floors that moved show that {kept:.0%} of the sales below a floor are kept by higher bids."


def sure_share(rules: Rules, kept: float) -> float:
    """The share of the lower bound that a raise may reach: more once bidders have been seen to react."""
    return rules.marginal if kept > 0 else rules.dominance


def _decide_waterfall(cost: Bounds, current: float, rules: Rules, kept: float) -> Proposal:
    factor = rules.worth(kept)
    sure, high = sure_share(rules, kept) * factor * cost.low, factor * cost.high
    worth = (
        f"A thousand requests that DT leaves earn {cost.estimate:.2f} USD ({cost.low:.2f} to {cost.high:.2f}) behind it"
    )
    reaction = (f"Bidders answer: {_reaction_text(kept)}",) if kept > 0 else ()
    if current < sure:
        return Proposal(
            "raise", sure, (f"{worth}: a floor of up to {sure:.2f} USD is worth it, even with care.", *reaction)
        )
    if current > high:
        why = f"{worth}: the floor of {current:g} USD turns away bids that pay more."
        return Proposal("lower", max(NO_FLOOR, rules.lower_to * factor * cost.estimate), (why, *reaction, UNPROVEN))
    why = f"{worth}: the floor of {current:g} USD is neither surely too low (below {sure:.2f}) nor too high."
    return Proposal("keep", current, (why, *reaction))
