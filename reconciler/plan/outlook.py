"""What stands in the way of a plan as it is: what an apply of it would refuse, leave out, or warn of."""

from collections.abc import Collection, Iterable
from typing import Final, Literal, get_args

from reconciler.model.diagnostic import Finding
from reconciler.plan.guard import Refusal
from reconciler.plan.plan import Plan, summary

Obstacle = Literal["refused", "blocked", "warnings"]

OBSTACLES: Final[tuple[Obstacle, ...]] = get_args(Obstacle)
"""The gravest first: nothing of a refused plan is done, the rest of one with blocked changes is, and a warning stops
nothing."""


def obstacles(plan: Plan, refusals: Iterable[Refusal], findings: Iterable[Finding] = ()) -> frozenset[Obstacle]:
    """What is so of a plan: a limit or policy binds, a change is blocked, a policy or `findings` warn."""
    binding = [refusal.binding for refusal in refusals]
    warned = not all(binding) or any(finding.severity == "warning" for finding in findings)
    found: dict[Obstacle, bool] = {"refused": any(binding), "blocked": bool(summary(plan).blocked), "warnings": warned}
    return frozenset(each for each, is_so in found.items() if is_so)


def gravest(found: Collection[Obstacle]) -> Obstacle | None:
    """The first of `OBSTACLES` that was found."""
    return next((each for each in OBSTACLES if each in found), None)
