"""The constants of the method, each with its reason. docs/floors.md tells how they were chosen and what they reach."""

from dataclasses import dataclass, field

from reconciler.floors.reaction import Reaction
from reconciler.model.desired import Safety


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
        """How much dearer than without any answer the best floor is when bidders keep this share of sales."""
        return 1 + self.answer * kept / (1 - kept)
