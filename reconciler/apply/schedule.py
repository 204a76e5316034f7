"""PURE. The order of steps: waves that run one after another, steps of one wave side by side.

Apps before their placements; what frees a name before what takes one (updates before creates); removals last,
placements before the app they are in.
"""

from collections.abc import Iterable

from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, Update
from reconciler.model.address import kind_of


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
