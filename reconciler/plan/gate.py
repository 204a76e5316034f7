"""The gate: which limits and policies of `reconciler.yaml` a plan exceeds, and what would allow it all the same.

Policies are the user's rules in CEL (https://cel.dev) over each change. A rule says what must hold. One that cannot be
evaluated is taken for broken: a policy that fails must not let pass what it was written against.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import product
from typing import Any, Final, TypeAlias, cast

from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, HeldChange, Update, action_of, id_of
from reconciler.model.address import Address, address_order, app_of, kind_of, name_of
from reconciler.model.state import Allowances, Policy, Safety
from reconciler.model.value import WORLDWIDE, Floors, Value, complete, effective, percent_change, to_json
from reconciler.plan.plan import Plan
from reconciler.plan.rules import Judge, Unfinished, evaluate_rules

COUNTED_FROM: Final = 10
"""The share of changed resources says nothing of an account with fewer owned ones than this."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One limit that a plan exceeds. `switch` is the flag or setting that would allow it.

    One that is not `binding` is reported, and lets the plan pass. `address` names the change it is about; None stands
    for the whole plan.
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
        *(refusal for change in plan.changes for refusal in _floor_refusals(change, safety, allowances)),
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


def _floor_refusals(change: Change, safety: Safety, allowances: Allowances) -> Iterator[Refusal]:
    if not isinstance(change, Create | Update) or "floorPrices" not in change.send:
        return
    after = cast("Floors", change.send["floorPrices"])
    highest = Decimal(str(safety.max_floor))
    for country, floor in sorted(after.items()):
        if floor > highest:
            message = f"{change.address}: floor {country} {floor} is above {safety.max_floor:g} USD"
            yield Refusal("maxFloor", message, "safety.maxFloor", address=change.address)
    if isinstance(change, Update) and not allowances.floor_jump:
        yield from _jump_refusals(change.address, _live_floors(change, after), after, safety)


def _live_floors(change: Update, after: Floors) -> Floors:
    """The live floor table: the table to be sent, with the plan's own changes taken back."""
    table = dict(after)
    for each in change.fields:
        name, _, country = each.path.partition(".")
        if name == "floorPrices":
            table.pop(country, None)
            if each.before is not None:
                table[country] = cast("Decimal", each.before)
    return table


def _jump_refusals(address: Address, before: Floors, after: Floors, safety: Safety) -> Iterator[Refusal]:
    most = Decimal(str(safety.max_floor_change_percent))
    for country in sorted(before.keys() | after.keys()):
        was, wanted = effective(before, country), effective(after, country)
        percent = None if was == wanted else percent_change(was, wanted)
        if percent is not None and abs(percent) > most:
            message = (
                f"{address}: floor {country} {was} -> {wanted} ({percent:+.0f} %), "
                f"the limit is {safety.max_floor_change_percent:g} % either way"
            )
            yield Refusal("maxFloorChangePercent", message, "--allow-floor-jump", address=address)


DeleteGroup: TypeAlias = tuple[Delete, ...]
"""Deletes that go together or not at all: an app's with those of its placements, any other by itself."""


def delete_groups(deletes: Iterable[Delete]) -> tuple[DeleteGroup, ...]:
    """The deletes as removals, in the order of addresses."""
    ordered = sorted(deletes, key=lambda each: address_order(each.address))
    whole_apps = {each.address for each in ordered if kind_of(each.address) == "app"}
    groups: dict[Address, list[Delete]] = {}
    for each in ordered:
        app = app_of(each.address)
        groups.setdefault(app if app in whole_apps else each.address, []).append(each)
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
    remaining = limit
    going: list[Change] = []
    held = [each for each in plan.held if each.limit != "maxDeletes"]
    for removal in delete_groups(deletes):
        if len(removal) <= remaining:
            remaining -= len(removal)
            going += removal
        else:
            held += (_held_delete(each, len(deletes), limit) for each in removal)
    others: list[Change] = [each for each in plan.changes if not isinstance(each, Delete)]
    return replace(
        plan,
        changes=tuple(sorted([*others, *going], key=lambda each: address_order(each.address))),
        held=tuple(sorted(held, key=lambda each: address_order(each.address))),
    )


def _held_delete(delete: Delete, deletes: int, limit: int) -> HeldChange:
    reason = f"{delete.reason}; it waits for leave: the plan deletes {deletes}, the limit is {limit}"
    return HeldChange(delete, "maxDeletes", reason, f"--max-deletes {deletes}")


Groups = Mapping[str, tuple[str, ...]]


def violations(
    changes: Iterable[Change], policies: Iterable[Policy], groups: Groups, judge: Judge = evaluate_rules
) -> tuple[Refusal, ...]:
    """Every break of a policy, in the order of the changes; those of severity `warning` do not bind.

    A rule whose evaluation is given up binds whatever its severity, as nobody was asked about the rest.
    """
    rules = list(policies)
    moving = [change for change in changes if not isinstance(change, Blocked)]
    if not rules or not moving:
        return ()
    verdicts = judge([rule.rule for rule in rules], (facts_of(each, groups) for each in moving))
    return tuple(_refusals_of_verdicts(moving, rules, verdicts))


def _refusals_of_verdicts(
    changes: Sequence[Change], policies: Sequence[Policy], verdicts: Iterator[str | None]
) -> Iterator[Refusal]:
    for change, policy in product(changes, policies):
        try:
            why = next(verdicts)
        except Unfinished as given_up:
            refusal = _refusal(policy, change, f" (the rule cannot be evaluated: {given_up})")
            yield replace(refusal, binding=True)
            return
        if why is not None:
            yield _refusal(policy, change, why)


def _refusal(policy: Policy, change: Change, why: str) -> Refusal:
    return Refusal(
        limit=f"policy {policy.name}",
        message=f"{change.address}: {policy.message}{why}",
        switch=f"the policy {policy.name} in reconciler.yaml",
        binding=policy.severity == "error",
        address=change.address,
    )


def facts_of(change: Change, groups: Groups) -> dict[str, Any]:
    """What a rule can speak of.

    `action`, `kind`, `address`, `app`, `name`, `id`; `fields`: the field changes (`path`, `field`, `before`, `after`,
    `origin`); `declared`: all declared fields; `floors`: the floor in force after the change, in USD, for `WW`, every
    country with a line and every country of a group, empty where floors are not touched; `groups`: the country groups.
    Prices are doubles, whole ones too.
    """
    declared = change.declared if isinstance(change, Create | Update) else {}
    fields = () if isinstance(change, Delete) else change.fields
    return {
        "action": action_of(change),
        "kind": kind_of(change.address),
        "address": str(change.address),
        "app": str(app_of(change.address)),
        "name": name_of(change.address),
        "id": id_of(change),
        "fields": [
            {
                "path": field.path,
                "field": field.field,
                "before": _fact(field.before),
                "after": _fact(field.after),
                "origin": field.origin,
            }
            for field in fields
        ],
        "declared": {name: _fact(value) for name, value in declared.items()},
        "floors": _floors_in_force(change, groups),
        "groups": {name: list(countries) for name, countries in groups.items()},
    }


def _fact(value: Value) -> Any:
    """A value as CEL knows it; exact numbers are always doubles, as CEL computes with no mixed ones."""
    match value:
        case Decimal():
            return float(value)
        case Mapping():
            return {key: _fact(part) for key, part in value.items()}
        case _:
            return to_json(value)


def _floors_in_force(change: Change, groups: Groups) -> dict[str, float]:
    """Floors by country once the change is done. A placement that is made without any gets what the server gives it."""
    table: Floors = cast("Floors", change.send.get("floorPrices", {})) if isinstance(change, Create | Update) else {}
    if isinstance(change, Create) and kind_of(change.address) == "placement":
        table = complete(table)
    if not table:
        return {}
    countries = {WORLDWIDE, *table, *(country for group in groups.values() for country in group)}
    return {country: float(effective(table, country)) for country in sorted(countries)}


@dataclass(frozen=True, slots=True)
class Limits:
    """What plans of a project are held to, less what was allowed for one run; `judge` evaluates the policies' rules."""

    safety: Safety
    allowances: Allowances
    policies: tuple[Policy, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    judge: Judge = evaluate_rules


def gate(plan: Plan, limits: Limits) -> tuple[Plan, tuple[Refusal, ...]]:
    """The plan with what waits for leave held, and every limit and policy that the rest breaks.

    An apply goes ahead with no binding refusal.
    """
    within = hold(plan, limits.safety, limits.allowances)
    return within, (
        *refusals(within, limits.safety, limits.allowances),
        *violations(within.changes, limits.policies, limits.groups, limits.judge),
    )
