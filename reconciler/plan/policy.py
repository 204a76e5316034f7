"""User policies, rules in CEL (https://cel.dev) over each change, and the gate: all limits of a plan.

A rule says what must hold. One that cannot be evaluated is taken for broken: a policy that fails must not let pass what
it was written against.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import product
from typing import Any, cast

from reconciler.diff.change import Blocked, Change, Create, Delete, Update, action_of, id_of
from reconciler.model.address import app_of, kind_of, name_of
from reconciler.model.desired import Policy, Safety
from reconciler.model.floors import WORLDWIDE, Floors, complete, effective
from reconciler.model.value import Value, to_json
from reconciler.plan.guard import Allowances, Refusal, hold, refusals
from reconciler.plan.plan import Plan
from reconciler.plan.rules import Judge, Unfinished, evaluate_rules

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
