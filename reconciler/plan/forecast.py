"""What carrying out a plan will cost: calls, and the time they take at the pace seen while reading."""

from dataclasses import dataclass
from typing import Final

from reconciler.diff.change import Blocked, Create, Deactivate, Delete, Update
from reconciler.model.address import kind_of
from reconciler.plan.plan import Plan

UNKNOWN_PACE: Final = 0.5
"""Seconds a call, where none has been timed yet."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Calls of an undisturbed run, and the seconds they take at the given pace and parallelism."""

    calls: int
    seconds: float


def forecast(plan: Plan, seconds_a_call: float | None, parallelism: int) -> Forecast:
    """One call a step; an inactive placement is born by two and read back.

    A delete is read back, and before it goes what is left in an app.
    """
    calls = 0
    for change in plan.changes:
        match change:
            case Create():
                calls += 3 if change.app_id is not None and change.send.get("status") == "inactive" else 1
            case Update() | Deactivate():
                calls += 1
            case Delete():
                calls += 3 if kind_of(change.address) == "app" else 2
            case Blocked():
                pass
    pace = UNKNOWN_PACE if seconds_a_call is None else seconds_a_call
    return Forecast(calls, calls * pace / max(1, min(parallelism, calls)))
