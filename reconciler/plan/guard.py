"""The safety gate: which limits of `reconciler.yaml` a plan exceeds, and what would allow it all the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, cast

from reconciler.diff.change import Change, Create, Deactivate, Delete, Update
from reconciler.model.address import Address
from reconciler.model.desired import Safety
from reconciler.model.floors import Floors, effective, percent_change
from reconciler.plan.plan import Plan

COUNTED_FROM: Final = 10
"""The share of changed resources says nothing of an account with fewer owned ones than this."""


@dataclass(frozen=True, slots=True)
class Allowances:
    """Limits lifted for one run: `--max-deletes N` and `--allow-floor-jump`."""

    max_deletes: int | None = None
    floor_jump: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """One limit that a plan exceeds. `switch` is the flag or setting that would allow it.

    One that is not `binding` is told, and lets the plan pass. `address` names the change it is about, None the whole
    plan.
    """

    limit: str
    message: str
    switch: str
    binding: bool = True
    address: Address | None = None


def refusals(plan: Plan, safety: Safety, allowances: Allowances) -> tuple[Refusal, ...]:
    """Every limit the plan exceeds; an apply goes ahead only with none. What it holds back is no part of it."""
    return (
        *_too_much_change(plan, safety),
        *(refusal for change in plan.changes for refusal in _floors(change, safety, allowances)),
    )


def _too_much_change(plan: Plan, safety: Safety) -> Iterator[Refusal]:
    changed = sum(isinstance(change, Update | Deactivate | Delete) for change in plan.changes)
    if plan.owned < COUNTED_FROM:
        return
    percent = 100 * changed / plan.owned
    if percent > safety.max_change_percent:
        message = (
            f"the plan changes {changed} of {plan.owned} resources ({percent:.0f} %), "
            f"the limit is {safety.max_change_percent:g} %"
        )
        yield Refusal("maxChangePercent", message, "--only GLOB for a part of it, or safety.maxChangePercent")


def _floors(change: Change, safety: Safety, allowances: Allowances) -> Iterator[Refusal]:
    if not isinstance(change, Create | Update) or "floorPrices" not in change.send:
        return
    after = cast("Floors", change.send["floorPrices"])
    for country, floor in sorted(after.items()):
        if floor > Decimal(str(safety.max_floor)):
            message = f"{change.address}: floor {country} {floor} is above {safety.max_floor:g} USD"
            yield Refusal("maxFloor", message, "safety.maxFloor", address=change.address)
    if isinstance(change, Update) and not allowances.floor_jump:
        yield from _jumps(change.address, _before(change, after), after, safety)


def _before(change: Update, after: Floors) -> Floors:
    """The live floor table: the table to be sent, with the plan's own changes taken back."""
    table = dict(after)
    for field in change.fields:
        name, _, country = field.path.partition(".")
        if name == "floorPrices":
            table.pop(country, None)
            if field.before is not None:
                table[country] = cast("Decimal", field.before)
    return table


def _jumps(address: Address, before: Floors, after: Floors, safety: Safety) -> Iterator[Refusal]:
    for country in sorted(before.keys() | after.keys()):
        was, wanted = effective(before, country), effective(after, country)
        percent = percent_change(was, wanted)
        if percent is not None and abs(percent) > Decimal(str(safety.max_floor_change_percent)):
            message = (
                f"{address}: floor {country} {was} -> {wanted} ({percent:+.0f} %), "
                f"the limit is {safety.max_floor_change_percent:g} % either way"
            )
            yield Refusal("maxFloorChangePercent", message, "--allow-floor-jump", address=address)
