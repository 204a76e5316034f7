"""What of a plan waits for leave: deletes beyond the limit. They are held, and keep nothing else from happening."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

from reconciler.diff.change import Change, Delete, Held
from reconciler.model.address import Address, address_order, app_of, kind_of
from reconciler.model.desired import Safety
from reconciler.plan.guard import Allowances
from reconciler.plan.plan import Plan

Removal: TypeAlias = tuple[Delete, ...]
"""Deletes that go together or not at all: an app's with those of its placements, any other by itself."""


def removals(deletes: Iterable[Delete]) -> tuple[Removal, ...]:
    """The deletes as removals, in the order of addresses."""
    ordered = sorted(deletes, key=lambda each: address_order(each.address))
    whole = {each.address for each in ordered if kind_of(each.address) == "app"}
    groups: dict[Address, list[Delete]] = {}
    for each in ordered:
        app = app_of(each.address)
        groups.setdefault(app if app in whole else each.address, []).append(each)
    return tuple(map(tuple, groups.values()))


def hold(plan: Plan, safety: Safety, allowances: Allowances) -> Plan:
    """The plan with the deletes held that are beyond the limit on deletes.

    In the order of addresses each removal goes that still fits below the limit. What was held for this limit before is
    judged anew, so that a saved plan can be held to the limits of the run that applies it; what waits for a time stays.
    """
    limit = safety.max_deletes if allowances.max_deletes is None else allowances.max_deletes
    waiting = [each.change for each in plan.held if each.limit == "maxDeletes"]
    deletes = [each for each in (*plan.changes, *waiting) if isinstance(each, Delete)]
    if not deletes:
        return plan
    left = limit
    going: list[Change] = []
    held = [each for each in plan.held if each.limit != "maxDeletes"]
    for removal in removals(deletes):
        if len(removal) <= left:
            left -= len(removal)
            going += removal
        else:
            held += (_held(each, len(deletes), limit) for each in removal)
    others: list[Change] = [each for each in plan.changes if not isinstance(each, Delete)]
    return replace(
        plan,
        changes=tuple(sorted([*others, *going], key=lambda each: address_order(each.address))),
        held=tuple(sorted(held, key=lambda each: address_order(each.address))),
    )


def _held(delete: Delete, deletes: int, limit: int) -> Held:
    reason = f"{delete.reason}; it waits for leave: the plan deletes {deletes}, the limit is {limit}"
    return Held(delete, "maxDeletes", reason, f"--max-deletes {deletes}")
