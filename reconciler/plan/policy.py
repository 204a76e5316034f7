"""User policies: rules in CEL (https://cel.dev) over each change of a plan.

A rule says what must hold. One that cannot be evaluated is taken for broken: a policy that fails must not let pass what
it was written against.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from reconciler.diff.change import Blocked, Change, Create, Delete, Update, action_of, id_of
from reconciler.model.address import app_of, kind_of, name_of
from reconciler.model.desired import Policy
from reconciler.model.floors import WORLDWIDE, Floors, effective
from reconciler.model.value import fields_to_json, to_json
from reconciler.plan.guard import Refusal

Groups = Mapping[str, tuple[str, ...]]


def violations(changes: Iterable[Change], policies: Iterable[Policy], groups: Groups) -> tuple[Refusal, ...]:
    """Every break of a policy, in the order of the changes; those of severity `warning` do not bind."""
    rules = list(policies)
    if not rules:
        return ()
    from cel import compile as compiled  # noqa: PLC0415 - costs 0.2 s to import, and few projects have policies

    programs = [(policy, compiled(policy.rule)) for policy in rules]
    return tuple(_broken(changes, programs, groups))


def _broken(changes: Iterable[Change], programs: Iterable[tuple[Policy, Any]], groups: Groups) -> Iterator[Refusal]:
    for change in changes:
        if isinstance(change, Blocked):
            continue
        facts = facts_of(change, groups)
        for policy, program in programs:
            try:
                holds = program.execute(facts)
            except (ValueError, TypeError, RuntimeError, LookupError) as wrong:
                yield _refusal(policy, change, f" (the rule cannot be evaluated: {wrong})")
            else:
                if holds is not True:
                    yield _refusal(policy, change)


def _refusal(policy: Policy, change: Change, why: str = "") -> Refusal:
    return Refusal(
        limit=f"policy {policy.name}",
        message=f"{change.address}: {policy.message}{why}",
        switch=f"the policy {policy.name} in reconciler.yaml",
        binding=policy.severity == "error",
    )


def facts_of(change: Change, groups: Groups) -> dict[str, Any]:
    """What a rule can speak of.

    `action`, `kind`, `address`, `app`, `name`, `id`; `fields`: the field changes (`path`, `field`, `before`, `after`,
    `origin`); `declared`: all declared fields; `floors`: the floor in force after the change, in USD, for `WW`, every
    country with a line and every country of a group, empty where floors are not touched; `groups`: the country groups.
    """
    sends, declared = (change.send, change.declared) if isinstance(change, Create | Update) else ({}, {})
    table = cast("Floors", sends.get("floorPrices", {}))
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
                "before": to_json(field.before),
                "after": to_json(field.after),
                "origin": field.origin,
            }
            for field in fields
        ],
        "declared": fields_to_json(declared),
        "floors": _in_force(table, groups) if table else {},
        "groups": {name: list(countries) for name, countries in groups.items()},
    }


def _in_force(table: Floors, groups: Groups) -> dict[str, float]:
    countries = {WORLDWIDE, *table, *(country for group in groups.values() for country in group)}
    return {country: float(effective(table, country)) for country in sorted(countries)}
