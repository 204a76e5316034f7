"""The steps of a plan: in which order they run, whether one may be tried, and who carries it out.

Apps before their placements; what frees a name before what takes one (updates before creates); removals last,
placements before the app they are in.
"""

from collections.abc import Iterable
from typing import assert_never

from reconciler.apply.changing import deactivating, deleting, updating
from reconciler.apply.context import ExecutionContext, result
from reconciler.apply.create import Doubtful
from reconciler.apply.creating import creating
from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, Update
from reconciler.model.address import app_of, kind_of
from reconciler.model.outcome import StepResult


def waves(changes: Iterable[Change]) -> tuple[tuple[Change, ...], ...]:
    """The changes that can be carried out, in waves; blocked ones are in none."""
    ranked: dict[int, list[Change]] = {}
    for change in changes:
        if not isinstance(change, Blocked):
            ranked.setdefault(_rank(change), []).append(change)
    return tuple(tuple(ranked[rank]) for rank in sorted(ranked))


def _rank(change: Change) -> int:
    app = kind_of(change.address) == "app"
    match change:
        case Create() | Update() if app:
            return 0
        case Update():
            return 1
        case Create():
            return 2
        case Deactivate():
            return 4 if app else 3
        case Delete():
            return 6 if app else 5
        case Blocked():
            raise ValueError("a blocked change has no place in the order")


def carry_out(change: Change, context: ExecutionContext) -> StepResult | Doubtful:
    """Do one step, or tell why it was not tried."""
    refusal = _why_not(change, context)
    if refusal is not None:
        return StepResult(result(change, "skipped", error=refusal))
    match change:
        case Create():
            return creating(change, context)
        case Update():
            return updating(change, context)
        case Deactivate():
            return deactivating(change, context)
        case Delete():
            return deleting(change, context)
        case Blocked():
            return StepResult(result(change, "blocked", error=change.reason))
        case _:
            assert_never(change)


def _why_not(change: Change, context: ExecutionContext) -> str | None:
    app = app_of(change.address)
    if isinstance(change, Blocked):
        return None
    if context.cancellation.reason is not None:
        return context.cancellation.reason
    if app in context.apps.failed and app != change.address:
        return f"its app {app} was not applied"
    if app in context.apps.occupied and app == change.address:
        return "not all of its placements could be removed"
    needs_app = isinstance(change, Create) and kind_of(change.address) == "placement" and change.app_id is None
    if needs_app and app not in context.apps.ids:
        return f"its app {app} does not exist"
    return None
