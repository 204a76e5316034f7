"""What of a plan to look at first: what takes resources off the air or cannot be done, then what moves floors."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal, TypeAlias

from reconciler.diff.change import Action, Blocked, Change, Create, Deactivate, Delete, Update, action_of
from reconciler.model.address import Address, app_of
from reconciler.plan.plan import Plan

Grave: TypeAlias = Delete | Deactivate | Blocked
Count = Literal["create", "update", "deactivate", "delete", "blocked", "floors"]

READABLE: Final = 500
"""More lines of a plan than this nobody reads: it is told by app and kind instead."""

_GRAVITY: Final[tuple[Count, ...]] = ("delete", "deactivate", "blocked", "floors")


@dataclass(frozen=True, slots=True)
class Triage:
    """The changes of a plan, each in one list.

    `grave` has deletes first, then deactivations, then what is blocked; within these, and in `floors` (updates that
    touch floors) and `rest`, the order is that of addresses.
    """

    grave: tuple[Grave, ...]
    floors: tuple[Update, ...]
    rest: tuple[Create | Update, ...]


@dataclass(frozen=True, slots=True)
class AppCounts:
    """How many changes of each action an app has; `floors` of the updates touch floors."""

    app: Address
    counts: Counter[Count]


def triage(changes: Iterable[Change]) -> Triage:
    """The changes by how much they can cost."""
    grave: list[Grave] = []
    floors: list[Update] = []
    rest: list[Create | Update] = []
    for change in changes:
        match change:
            case Delete() | Deactivate() | Blocked():
                grave.append(change)
            case Update() if moves_floors(change):
                floors.append(change)
            case Create() | Update():
                rest.append(change)
    ranks: Mapping[Action, int] = {"delete": 0, "deactivate": 1, "blocked": 2}
    return Triage(tuple(sorted(grave, key=lambda each: ranks[action_of(each)])), tuple(floors), tuple(rest))


def moves_floors(change: Change) -> bool:
    """Whether a live resource gets other floors; a first floor of a new one moves none."""
    return isinstance(change, Update) and any(field.field == "floorPrices" for field in change.fields)


def by_app(changes: Iterable[Change]) -> list[AppCounts]:
    """The changes counted by app, the apps with the gravest ones first."""
    counted = [
        AppCounts(app, Counter(_counts(list(group))))
        for app, group in groupby(changes, key=lambda each: app_of(each.address))
    ]
    return sorted(counted, key=lambda each: (_gravity(each), each.app))


def _counts(changes: Iterable[Change]) -> Iterable[Count]:
    for change in changes:
        yield action_of(change)
        if moves_floors(change):
            yield "floors"


def _gravity(app: AppCounts) -> int:
    return next((rank for rank, kind in enumerate(_GRAVITY) if app.counts[kind]), len(_GRAVITY))


def is_large(plan: Plan) -> bool:
    """Whether there is more to tell of a plan than anybody reads."""
    return len(plan.changes) + len(plan.held) + len(plan.unmanaged) + len(plan.notes) > READABLE
