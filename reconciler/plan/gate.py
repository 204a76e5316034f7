"""All that may hold a part of a plan or refuse it: the safety limits, and the project's own policies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.desired import Policy, Safety
from reconciler.plan.guard import Allowances, Refusal, refusals
from reconciler.plan.hold import hold
from reconciler.plan.plan import Plan
from reconciler.plan.policy import violations
from reconciler.plan.rules import Judge, judged


@dataclass(frozen=True, slots=True)
class Limits:
    """What plans of a project are held to, less what was allowed for one run; `judge` evaluates the policies' rules."""

    safety: Safety
    allowances: Allowances
    policies: tuple[Policy, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    judge: Judge = judged


def gate(plan: Plan, limits: Limits) -> tuple[Plan, tuple[Refusal, ...]]:
    """The plan with what waits for leave held, and every limit and policy that the rest breaks.

    An apply goes ahead with no binding refusal.
    """
    within = hold(plan, limits.safety, limits.allowances)
    return within, (
        *refusals(within, limits.safety, limits.allowances),
        *violations(within.changes, limits.policies, limits.groups, limits.judge),
    )
