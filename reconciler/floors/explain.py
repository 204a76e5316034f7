"""The working behind a suggestion, as lines to read from top to bottom."""

from collections.abc import Iterator

from reconciler.floors.decide import Proposal, sure_share
from reconciler.floors.pooling import Estimate
from reconciler.floors.rules import Rules
from reconciler.model.suggestion import Suggestion


def working(
    made: Suggestion, proposal: Proposal, estimate: Estimate | None, rules: Rules, kept: float
) -> tuple[str, ...]:
    """Every step from the reports to the suggested floor; prices in USD per thousand."""
    return (*_seen(made), *_cost(estimate, rules, kept), *_floor(made, proposal))


def _seen(made: Suggestion) -> Iterator[str]:
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


def _cost(estimate: Estimate | None, rules: Rules, kept: float) -> Iterator[str]:
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


def _floor(made: Suggestion, proposal: Proposal) -> Iterator[str]:
    yield f"the evidence says {proposal.verdict}: {made.current:g} -> {proposal.target:.3f}"
    yield f"after the guardrails: {made.verdict}, {made.current:g} -> {made.suggested:g}"
    if made.change is not None:
        change = made.change
        yield f"change of revenue a week: {change.estimate:+.2f} USD ({change.low:+.2f} to {change.high:+.2f})"
