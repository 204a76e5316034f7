"""All that may refuse a plan: the safety limits, and the project's own policies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.desired import Policy, Safety
from reconciler.plan.guard import Allowances, Refusal, refusals
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


def gate(plan: Plan, limits: Limits) -> tuple[Refusal, ...]:
    """Every limit the plan exceeds and every policy it breaks; an apply goes ahead with no binding one."""
    return (
        *refusals(plan, limits.safety, limits.allowances),
        *violations(plan.changes, limits.policies, limits.groups, limits.judge),
    )
