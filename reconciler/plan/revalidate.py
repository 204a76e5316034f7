"""A plan that was made before, against the account and a plan made now: what is stale, and what would still be made.

The digest of a plan document shows that it was not changed by accident. Anybody can compute it, so it proves nothing
about who wrote the document: what a saved plan may do is decided from the account, the ledger and the manifests alone.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, FieldChange, HeldChange, Update
from reconciler.diff.compare import field_changes, or_none
from reconciler.model.address import Address, address_order, app_address, folded_app, folded_placement, kind_of, name_of
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import ById, LiveResource, LiveState, ResourceKey
from reconciler.model.value import ABSENT, Absent, Fields, Value, value_text
from reconciler.plan.aftermath import MADE_BY_WHAT_IS_UNDONE, is_undo
from reconciler.plan.gate import delete_groups
from reconciler.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Stale:
    """A change that would not be made now, and why, as a sentence without its subject."""

    address: Address
    how: str


def other_values(change: Change, fresh: Change | None) -> str | None:
    """How a change made from other manifests differs from what those of now ask for; None where it does not.

    `fresh` is the change that a plan made now has for the resource, if any. What the change would leave for a later
    plan is no difference: a field more that is declared by now. Removals have no values.
    """
    match change:
        case Create():
            asked = fresh.send if isinstance(fresh, Create) else {}
            return None if asked == change.send else "the manifests ask for other values by now"
        case Update():
            asked = fresh.send if isinstance(fresh, Update) else {}
            left = [name for name, value in change.send.items() if asked.get(name, ABSENT) != value]
            return f"the manifests do not ask for this {', '.join(sorted(left))} any more" if left else None
        case Deactivate() | Delete() | Blocked():
            return None


def without(plan: Plan, stale: tuple[Stale, ...]) -> Plan:
    """The plan without its stale changes. What would have gone into an app among them stays, for the apply to skip."""
    gone = {each.address for each in stale}
    return replace(plan, changes=tuple(change for change in plan.changes if change.address not in gone))


def why_moved(change: Change, by_id: ById, live: LiveState) -> str | None:
    """How the live resource of a change has moved since the plan was made; None where it has not."""
    match change:
        case Blocked():
            return None
        case Create():
            return _why_taken(change, live)
        case Update() | Deactivate() | Delete():
            resource = by_id.get((kind_of(change.address), change.id))
            if resource is None:
                return f"id {change.id} is gone"
            return None if resource.digest() == change.observed else _moved_fields(change, resource)


def _why_taken(change: Create, live: LiveState) -> str | None:
    """Why a create is stale: the resource, or one that looks like it, exists. None where neither does."""
    is_app = kind_of(change.address) == "app"
    listed = live.apps if is_app else live.placements.get(change.app_id or "", ())
    others = [each for each in listed if each.id not in change.beside]
    keys = ("platform", "bundle") if is_app else ("name",)
    same = next((each for each in others if all(each.fields.get(key) == change.send.get(key) for key in keys)), None)
    if same is not None:
        return f"it exists by now, as id {same.id}"
    wanted = () if change.distinct else _folded_identity(change.send, is_app=is_app)
    alike = next((each for each in others if _folded_identity(each.fields, is_app=is_app) == wanted), None)
    return None if alike is None else f"a look-alike exists by now, as id {alike.id}"


def _folded_identity(fields: Fields, *, is_app: bool) -> tuple[str, ...]:
    if is_app:
        return folded_app(str(fields.get("platform", "")), str(fields.get("bundle", "")))
    return folded_placement(str(fields.get("name", "")))


def _moved_fields(change: Update | Deactivate | Delete, resource: LiveResource) -> str:
    """In words: the planned fields whose live values have moved; of a resource of which only others have, that."""
    moves = []
    for field in () if isinstance(change, Delete) else change.fields:
        now = _live_value(resource, field.path)
        if now != field.before and not (isinstance(now, Absent) and field.before is None):
            moves.append(f"{field.path} was {value_text(field.before)}, is {value_text(or_none(now))}")
    return "; ".join(moves) or "fields that the plan does not change have moved"


def _live_value(resource: LiveResource, path: str) -> Value | Absent:
    value: Value | Absent = resource.fields
    for key in path.split("."):
        value = value.get(key, ABSENT) if isinstance(value, Mapping) else ABSENT
    return value


def contradiction(change: Change, by_id: ById) -> str | None:
    """In what a change contradicts itself or the resource it rests on, which has not moved; None in a sound one."""
    if isinstance(change, Blocked):
        return None
    if isinstance(change, Create):
        if not _has_address(change.send, change.address):
            return "what is sent has another identity"
        return None if _shows_all(change.fields, change.send, {}) else "its fields do not show what is sent"
    resource = by_id[(kind_of(change.address), change.id)]
    if resource.app_id != change.app_id:
        return f"id {change.id} is not in app {change.app_id}"
    if isinstance(change, Update) and not _shows_all(change.fields, change.send, resource.fields):
        return "its fields do not show what is sent"
    return None


def _has_address(send: Fields, address: Address) -> bool:
    if kind_of(address) == "placement":
        return send.get("name") == name_of(address)
    return app_address(str(send.get("platform", "")), str(send.get("bundle", ""))) == address


def _shows_all(shown: Iterable[FieldChange], send: Fields, live: Fields) -> bool:
    """Whether the field changes that a reader of the plan sees are those that sending these values makes."""
    made: dict[str, tuple[Value, Value]] = {
        field.path: (field.before, field.after)
        for name, value in send.items()
        for field in field_changes(name, live.get(name, ABSENT), value, None)
    }
    return made == {field.path: (field.before, field.after) for field in shown}


Subject = TypeVar("Subject", bound=Change)

A_NEW_PLAN: Final = "a new plan"


@dataclass(frozen=True, slots=True)
class CurrentState:
    """The account, ledger and manifests at the time when a plan that was made before is carried out.

    `fresh` is the plan that would be made now, with nothing held for leave and with what is gone made again;
    `protected` are the addresses whose blocks forbid a removal.
    """

    live: LiveState
    ledger: Ledger
    fresh: Plan
    protected: frozenset[Address] = frozenset()


@dataclass(frozen=True, slots=True)
class Revalidated:
    """What is left of a plan, with the ledger entries that would be remembered now.

    `stale` are changes whose resource has moved or that would not be made now; `refused` are deletes that would not be
    made now; `broken` are changes that contradict themselves or the account, as in a document that was edited.
    `outdated`: the manifests are not those that the plan was made from. A plan that undoes a run is made from none.
    """

    plan: Plan
    stale: tuple[Stale, ...] = ()
    refused: tuple[Stale, ...] = ()
    broken: tuple[Stale, ...] = ()
    outdated: bool = False


def revalidate(original: Plan, within: Plan, now: CurrentState) -> Revalidated:
    """Compare a plan with the current state, and keep of it what would still be made.

    `original` is the plan as it was made, `within` the same as the limits of this run let it out. A delete that was
    held when the plan was made, and that this run gives leave for, stays held unless it would be made now.
    """
    current = _CurrentIndex.of(now)
    planned = {_key(each) for each in _deletes(original.changes)}
    back = list(_held_again((each for each in _deletes(within.changes) if _key(each) not in planned), current))
    waiting = [each if _key(each.change) in planned else _with_present_reason(each, current) for each in within.held]
    gone = {_key(each.change) for each in back}
    dropped = frozenset(original.forget)
    plan = replace(
        within,
        changes=tuple(each for each in within.changes if not (isinstance(each, Delete) and _key(each) in gone)),
        held=tuple(sorted([*waiting, *back], key=lambda each: address_order(each.address))),
        remember=tuple(_entries_to_remember(original, now)),
        forget=tuple(each for each in now.fresh.forget if each in dropped),
    )
    in_place = [each for each in plan.changes if why_moved(each, current.by_id, now.live) is None]
    unmoved = [each for each in _deletes(original.changes) if why_moved(each, current.by_id, now.live) is None]
    outdated = original.origin.manifest_digest != now.fresh.origin.manifest_digest and not is_undo(original)

    def why_stale(change: Change) -> str | None:
        why = why_moved(change, current.by_id, now.live) or _why_not_made(change, current)
        return why or (other_values(change, current.planned_for(change)) if outdated else None)

    stale = _with_reasons(plan.changes, why_stale)
    return Revalidated(
        plan,
        stale=(*stale, *_deleted_together(stale, plan.changes, current.by_id)),
        refused=_with_reasons(unmoved, lambda each: _why_not_deleted(each, current)),
        broken=_with_reasons(in_place, lambda each: contradiction(each, current.by_id)),
        outdated=outdated,
    )


def _with_reasons(changes: Iterable[Subject], why: Callable[[Subject], str | None]) -> tuple[Stale, ...]:
    """The changes for which `why` gives a reason, each with that reason."""
    return tuple(Stale(each.address, reason) for each in changes if (reason := why(each)) is not None)


def _key(change: Update | Deactivate | Delete) -> ResourceKey:
    return kind_of(change.address), change.id


def _deletes(changes: Iterable[Change]) -> list[Delete]:
    return [each for each in changes if isinstance(each, Delete)]


@dataclass(frozen=True, slots=True)
class _CurrentIndex:
    """The current state, indexed by address or by kind and id.

    `entries` is the ledger as it would be remembered now, `owners` the addresses by which each resource is known.
    """

    by_id: ById
    planned: Mapping[ResourceKey, Update | Deactivate | Delete]
    held: Mapping[ResourceKey, HeldChange]
    creates: Mapping[Address, Create]
    blocked: Mapping[Address, Sequence[Blocked]]
    entries: Ledger
    owners: Mapping[ResourceKey, Collection[Address]]
    shielded: frozenset[Address]
    ledger: Ledger

    @classmethod
    def of(cls, now: CurrentState) -> "_CurrentIndex":
        made: dict[ResourceKey, Update | Deactivate | Delete] = {}
        creates: dict[Address, Create] = {}
        blocked: dict[Address, list[Blocked]] = {}
        for change in now.fresh.changes:
            match change:
                case Create():
                    creates[change.address] = change
                case Blocked():
                    blocked.setdefault(change.address, []).append(change)
                case Update() | Deactivate() | Delete():
                    made[_key(change)] = change
        held = {_key(each.change): each for each in now.fresh.held}
        entries = {**now.ledger, **{entry.address: entry for entry in now.fresh.remember}}
        owners: dict[ResourceKey, set[Address]] = {}
        for key, address in (
            *(((entry.kind, entry.id), entry.address) for entry in entries.values()),
            *((key, change.address) for key, change in made.items()),
            *((key, each.address) for key, each in held.items()),
        ):
            owners.setdefault(key, set()).add(address)
        by_id = now.live.by_id()
        return cls(by_id, made, held, creates, blocked, entries, owners, now.protected, now.ledger)

    def planned_for(self, change: Change) -> Change | None:
        """What a plan made now has for the resource of a change."""
        match change:
            case Create():
                return self.creates.get(change.address)
            case Update() | Deactivate() | Delete():
                return self.planned.get(_key(change))
            case Blocked():
                return None

    def protects(self, address: Address, key: ResourceKey) -> bool:
        """Whether a block or the ledger forbids to take a resource off the air."""
        known = (self.entries[each] for each in self.owners.get(key, ()) if each in self.entries)
        return address in self.shielded or any(entry.protect for entry in known)


def _held_again(released: Iterable[Delete], current: _CurrentIndex) -> Iterator[HeldChange]:
    """The deletes that this run gives leave for and that would not be made now; an app's with those that go with it."""
    for removal in delete_groups(released):
        reason = next((why for each in removal if (why := _why_not_released(each, current)) is not None), None)
        if reason is not None:
            yield from (_held_delete(each, reason) for each in removal)


def _why_not_released(delete: Delete, current: _CurrentIndex) -> str | None:
    resource = current.by_id.get(_key(delete))
    if resource is None:
        return f"id {delete.id} is gone"
    if resource.digest() != delete.observed:
        return "it has moved since the plan was made"
    return _why_not_deleted(delete, current)


def _with_present_reason(held: HeldChange, current: _CurrentIndex) -> HeldChange:
    """A held change of the plan, with the reason of now where it would be neither held nor deleted."""
    if _key(held.change) in current.held or not isinstance(held.change, Delete):
        return held
    why = _why_not_deleted(held.change, current)
    return held if why is None else replace(_held_delete(held.change, why), limit=held.limit)


def _held_delete(delete: Delete, why: str) -> HeldChange:
    return HeldChange(delete, "maxDeletes", f"{delete.reason}; not deleted: {why}", A_NEW_PLAN)


def _entries_to_remember(original: Plan, now: CurrentState) -> Iterator[LedgerEntry]:
    """What would be remembered now, of what the plan was to bring up to date in the ledger.

    The entries of a document are never taken from it: one that was edited could make the ledger own a strange id.
    """
    named = {entry.address for entry in original.remember} | set(original.forget)
    lost = {(entry.kind, entry.id) for each in original.forget if (entry := now.ledger.get(each)) is not None}
    return (each for each in now.fresh.remember if each.address in named or (each.kind, each.id) in lost)


def _deleted_together(stale: Iterable[Stale], changes: Iterable[Change], by_id: ById) -> Iterator[Stale]:
    """The deletes that go with a stale one, as an app is deleted whole or not at all. What is gone holds up none."""
    moved_on = {each.address for each in stale}
    for removal in delete_groups(_deletes(changes)):
        left = [each.address for each in removal if each.address in moved_on and _key(each) in by_id]
        if left:
            others = (each.address for each in removal if each.address not in moved_on)
            yield from (Stale(each, f"it is deleted with {left[0]} or not at all") for each in others)


def _why_not_made(change: Change, current: _CurrentIndex) -> str | None:
    """Why a change would not be made now, None where it would; deletes are judged by `_why_not_deleted`."""
    match change:
        case Create():
            return _why_not_created(change, current)
        case Update():
            return _why_not_updated(change, current)
        case Deactivate():
            return _why_not_deactivated(change, current)
        case Delete() | Blocked():
            return None


def _why_not_created(create: Create, current: _CurrentIndex) -> str | None:
    fresh = current.creates.get(create.address)
    known = current.entries.get(create.address)
    if fresh is None:
        return (
            _why_blocked(create.address, current)
            or (f"it exists by now, as id {known.id}" if known is not None else None)
            or "no manifest declares it any more"
        )
    if known is not None and fresh.reason != create.reason:
        return f"id {known.id}, which it was, is gone; a plan made with --recreate makes it again"
    if create.app_id is not None and create.app_id != fresh.app_id:
        return f"its app is not id {create.app_id} any more"
    return None


def _why_not_updated(update: Update, current: _CurrentIndex) -> str | None:
    names = [each for each in (update.address, update.renamed_from) if each is not None]
    blocked = (each for name in names for each in current.blocked.get(name, ()))
    doubt = next((each.reason for each in blocked if not each.fields and each.id != update.id), None)
    if doubt is not None:
        return doubt
    if not set(names) & set(current.owners.get(_key(update), ())):
        return f"id {update.id} does not stand for it"
    if update.renamed_from is not None:
        known = current.ledger.get(update.renamed_from)
        if known is None or known.id != update.id:
            return f"id {update.id} is not known as {update.renamed_from} any more"
    fresh = current.planned.get(_key(update))
    would = isinstance(fresh, Update) and fresh.send.get("status") == "inactive"
    if update.send.get("status") == "inactive" and not would and current.protects(update.address, _key(update)):
        return "it is protected, and would be set inactive"
    return None


def _why_not_deactivated(deactivate: Deactivate, current: _CurrentIndex) -> str | None:
    fresh = current.planned.get(_key(deactivate))
    if isinstance(fresh, Deactivate) and fresh.address == deactivate.address:
        return None
    if current.protects(deactivate.address, _key(deactivate)):
        return "it is protected, and would be set inactive"
    if deactivate.reason == MADE_BY_WHAT_IS_UNDONE and deactivate.address in current.owners.get(_key(deactivate), ()):
        return None
    return _why_blocked(deactivate.address, current) or "nothing asks any more for it to be set inactive"


def _why_not_deleted(delete: Delete, current: _CurrentIndex) -> str | None:
    fresh, held = current.planned.get(_key(delete)), current.held.get(_key(delete))
    if isinstance(fresh, Delete) and fresh.address == delete.address:
        return None
    if held is not None and held.address == delete.address and isinstance(held.change, Delete):
        return held.reason
    return _why_blocked(delete.address, current) or "neither a tombstone nor `prune: delete` asks for it"


def _why_blocked(address: Address, current: _CurrentIndex) -> str | None:
    return next((each.reason for each in current.blocked.get(address, ())), None)
