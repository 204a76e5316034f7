"""The verdict on a cell before any guardrail, and the floor that the evidence supports."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from reconciler.floors.curve import auction_displacement
from reconciler.floors.guard import Rules
from reconciler.model.evidence import Bounds, Evidence, Verdict
from reconciler.model.floors import MINIMUM

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
