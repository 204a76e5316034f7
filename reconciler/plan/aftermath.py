"""What a plan will meet and what it has brought about, as values; and the plan that takes it back.

`obstacles` says what an apply of a plan would refuse, leave out or warn of; `forecast` how many calls and seconds it
takes; `aftermath` what differs between two readings of an account, before and after a plan, and which changes of the
plan do not hold in the second. `undo_plan` puts live values back to what they were before an apply that has just ended.
It is an ordinary plan, bound to what was there after that apply: guards, staleness and locks hold for it as for any.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, FieldChange, Note, Update
from reconciler.diff.compare import field_changes
from reconciler.model.address import Address, address_order, app_of, kind_of, placement_address
from reconciler.model.diagnostic import Finding
from reconciler.model.habits import dependents
from reconciler.model.journal import Result
from reconciler.model.ledger import Ledger
from reconciler.model.state import ById, LiveResource, LiveState, ResourceKey, live_app_address
from reconciler.model.value import ABSENT, Absent, Fields, Value, value_text
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import Plan, PlanOrigin, summary

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


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """A resource that was made, changed or deleted. `fields` says how one changed; `planned`: the plan speaks of it."""

    address: Address
    id: str
    planned: bool
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class DuplicateResources:
    """Resources of one identity, at least one of which was not there before."""

    address: Address
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unfulfilled:
    """A change of the plan that does not hold, and why not."""

    address: Address
    why: str


@dataclass(frozen=True, slots=True)
class Aftermath:
    """An account after a plan, against the same account before it."""

    made: tuple[ResourceChange, ...] = ()
    changed: tuple[ResourceChange, ...] = ()
    deleted: tuple[ResourceChange, ...] = ()
    twins: tuple[DuplicateResources, ...] = ()
    unfulfilled: tuple[Unfulfilled, ...] = ()


def aftermath(plan: Plan, before: LiveState, after: LiveState) -> Aftermath:
    """What moved between two readings of an account, and which changes of the plan hold in the second."""
    was, now = before.by_id(), after.by_id()
    named = {**_addresses(before), **_addresses(after)}
    planned = {(kind_of(change.address), change.id) for change in plan.changes if not isinstance(change, Create)}
    births = {change.address for change in plan.changes if isinstance(change, Create)}
    return Aftermath(
        made=tuple(ResourceChange(named[key], key[1], named[key] in births) for key in sorted(now.keys() - was.keys())),
        changed=tuple(
            ResourceChange(named[key], key[1], key in planned, tuple(_changed_fields(was[key].fields, now[key].fields)))
            for key in sorted(now.keys() & was.keys())
            if was[key].fields != now[key].fields
        ),
        deleted=tuple(ResourceChange(named[key], key[1], key in planned) for key in sorted(was.keys() - now.keys())),
        twins=tuple(_duplicates(named, was, now)),
        unfulfilled=tuple(
            Unfulfilled(change.address, why)
            for change in plan.changes
            if (why := _why_unfulfilled(change, now, named)) is not None
        ),
    )


def bound_to(plan: Plan, live: LiveState) -> Plan:
    """The plan as if it had been made on this reading: each change rests on what is there now under its id."""
    by_id = live.by_id()

    def bound(change: Change) -> Change:
        if isinstance(change, Create | Blocked):
            return change
        live_resource = by_id.get((kind_of(change.address), change.id))
        return change if live_resource is None else replace(change, observed=live_resource.digest())

    return replace(plan, changes=tuple(map(bound, plan.changes)))


def _addresses(live: LiveState) -> dict[ResourceKey, Address]:
    apps = {app.id: live_app_address(app) for app in live.apps}
    addresses: dict[ResourceKey, Address] = {("app", app_id): address for app_id, address in apps.items()}
    for app_id, placements in live.placements.items():
        addresses.update({("placement", each.id): placement_address(apps[app_id], each.name) for each in placements})
    return addresses


def _changed_fields(before: Fields, after: Fields) -> Iterator[FieldChange]:
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, ABSENT), after.get(name, ABSENT)
        if was != now:
            yield from field_changes(name, was, None if isinstance(now, Absent) else now, None)


def _duplicates(named: Mapping[ResourceKey, Address], was: ById, now: ById) -> Iterator[DuplicateResources]:
    groups: dict[Address, list[ResourceKey]] = {}
    for key in now:
        groups.setdefault(named[key], []).append(key)
    for address in sorted(groups):
        keys = groups[address]
        if len(keys) > 1 and any(key not in was for key in keys):
            yield DuplicateResources(address, tuple(sorted(resource_id for _, resource_id in keys)))


def _why_unfulfilled(change: Change, now: ById, named: Mapping[ResourceKey, Address]) -> str | None:
    """Why a change does not hold; None where it does, and for one that could not be tried."""
    match change:
        case Create():
            matches = [resource for key, resource in now.items() if named[key] == change.address]
            if len(matches) != 1:
                return "it is not there" if not matches else f"there are {len(matches)} resources of this identity"
            return _differences(change.address, change.send, matches[0])
        case Update():
            return _differences_by_id(change.address, change.id, change.send, now)
        case Deactivate():
            return _differences_by_id(change.address, change.id, {"status": "inactive"}, now)
        case Delete():
            return "it is still there" if (kind_of(change.address), change.id) in now else None
        case Blocked():
            return None


def _differences_by_id(address: Address, resource_id: str, wanted: Fields, now: ById) -> str | None:
    live_resource = now.get((kind_of(address), resource_id))
    return "it is gone" if live_resource is None else _differences(address, wanted, live_resource)


def _differences(address: Address, wanted: Fields, live_resource: LiveResource) -> str | None:
    """Fields that are not as wanted, in words. An app's name is the store's own."""
    differences = [
        difference
        for name, value in sorted(wanted.items())
        if name != "name" or app_of(address) != address
        for difference in _field_differences(name, value, live_resource.fields.get(name, ABSENT))
    ]
    return "; ".join(differences) or None


def _field_differences(name: str, wanted: Value, live: Value | Absent) -> Iterator[str]:
    """The leaves of a field that are not as wanted, in words.

    A field that is not shown counts as one leaf, or as none where it was to be empty.
    """
    if isinstance(live, Absent):
        if wanted not in (None, "", ()):
            yield f"{name} is {value_text(live)}, wanted {value_text(wanted)}"
        return
    for leaf in field_changes(name, live, wanted, None) if live != wanted else ():
        yield f"{leaf.path} is {value_text(leaf.before)}, wanted {value_text(leaf.after)}"


MADE_BY_WHAT_IS_UNDONE: Final = "made by the apply that is undone; a tombstone deletes it later"
"""Why an undo plan sets a resource inactive that the manifests may still declare."""

PUTS_BACK: Final = "puts back what was there before"
WAS_ACTIVE: Final = "was active before"
"""Why it updates what the apply has updated or set inactive."""

_REASONS: Final = frozenset({MADE_BY_WHAT_IS_UNDONE, PUTS_BACK, WAS_ACTIVE})


def is_undo(plan: Plan) -> bool:
    """Whether a plan undoes what an apply did, by the reasons of its changes: no manifest asks for any of them."""
    return bool(plan.changes) and all(change.reason in _REASONS for change in plan.changes)


def undo_plan(
    plan: Plan,
    results: Iterable[Result],
    before: ById,
    after: ById,
    ledger: Ledger,
    origin: PlanOrigin,
) -> Plan:
    """The inverse of what an apply did. `before` and `after` it: what was live; `ledger` as it was before.

    What cannot be undone is named in the notes.
    """
    outcomes = {(result.address, result.action): result for result in results}
    steps: list[Change] = []
    notes: list[Note] = []
    for change in plan.changes:
        for inverse in _inverse(change, outcomes, before, after, ledger):
            if isinstance(inverse, Note):
                notes.append(inverse)
            else:
                steps.append(inverse)
    ordered = sorted(steps, key=lambda each: address_order(each.address))
    return Plan(origin, tuple(ordered), notes=tuple(notes), owned=plan.owned)


def _inverse(
    change: Change,
    outcomes: Mapping[tuple[Address, str], Result],
    before: ById,
    after: ById,
    ledger: Ledger,
) -> Iterator[Change | Note]:
    kind = kind_of(change.address)
    match change:
        case Create():
            result = outcomes.get((change.address, "create"))
            created = after.get((kind, result.id)) if result is not None and result.id is not None else None
            if created is not None:
                why = MADE_BY_WHAT_IS_UNDONE
                yield Deactivate(change.address, created.id, why, created.digest(), created.app_id, change.source)
            elif result is not None and result.outcome == "unknown":
                yield Note(change.address, "nobody knows whether it was made: look in the console")
        case Update():
            result = outcomes.get((change.address, "update"))
            yield from _restoring_update(
                change, before.get((kind, change.id)), after.get((kind, change.id)), ledger, result
            )
        case Deactivate():
            now, was = after.get((kind, change.id)), before.get((kind, change.id))
            if now is not None and now.fields.get("status") == "inactive":
                lost = {} if was is None else _lost_fields(outcomes.get((change.address, "deactivate")), was, now)
                yield _reactivation(change, now, ledger, lost)
        case Delete():
            if (kind, change.id) not in after and (change.address, "delete") in outcomes:
                yield Note(change.address, f"id {change.id} was deleted, and nothing brings it back")
        case Blocked():
            pass


def _restoring_update(
    change: Update, was: LiveResource | None, now: LiveResource | None, ledger: Ledger, result: Result | None
) -> Iterator[Update | Note]:
    if was is None or now is None:
        return
    doubtful = result is not None and result.outcome in {"unverified", "unknown"}
    known = ledger.get(change.renamed_from or change.address)
    applied = known.applied if known is not None and known.id == change.id else {}
    changed = (*change.send, *sorted(dependents(change.send, was.fields)))
    moved = [name for name in changed if was.fields.get(name, ABSENT) != now.fields.get(name, ABSENT)]
    send: dict[str, Value] = {name: was.fields[name] for name in moved if name in was.fields}
    if doubtful:
        moved += [name for name in change.send if name not in moved and _is_unshown(name, change.send, now)]
        send.update({name: applied[name] for name in moved if name not in send and name in applied})
    send.update(_lost_fields(result, was, now))
    for name in sorted(set(moved) - send.keys()):
        yield Note(change.address, f"{name} was not shown before, so nobody knows what to put back")
    if not send:
        return
    yield Update(
        change.renamed_from or change.address,
        change.id,
        change.source,
        tuple(restoring_changes(send, now.fields)),
        send,
        applied,
        now.digest(),
        app_id=now.app_id,
        protect=known.protect if known is not None else change.protect,
        renamed_from=change.address if change.renamed_from is not None else None,
        reason=PUTS_BACK,
    )


def _lost_fields(result: Result | None, was: LiveResource, now: LiveResource) -> Fields:
    """What a step has reset without sending it, as it was, where it is not so again."""
    names = () if result is None else result.reset
    return {
        name: was.fields[name]
        for name in names
        if name in was.fields and was.fields[name] != now.fields.get(name, ABSENT)
    }


def _is_unshown(name: str, sent: Fields, now: LiveResource) -> bool:
    """Whether a field was sent and the account does not show it: it may have been taken all the same."""
    return sent[name] is not None and now.fields.get(name) is None


def restoring_changes(send: Fields, now: Fields) -> Iterator[FieldChange]:
    """The leaves in which what is there `now` differs from what is to be sent."""
    for name in sorted(send):
        for field in field_changes(name, now.get(name, ABSENT), send[name], None):
            yield replace(field, origin="pending")


def _reactivation(change: Deactivate, now: LiveResource, ledger: Ledger, lost: Fields) -> Update:
    known = ledger.get(change.address)
    send: Fields = {**lost, "status": "active"}
    return Update(
        change.address,
        change.id,
        change.source,
        tuple(restoring_changes(send, now.fields)),
        send,
        known.applied if known is not None and known.id == change.id else {},
        now.digest(),
        app_id=now.app_id,
        protect=known.protect if known is not None else False,
        reason=WAS_ACTIVE,
    )
