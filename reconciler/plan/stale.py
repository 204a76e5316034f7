"""Which changes of a saved plan are stale or contradict themselves: live resources against the plan's digests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, FieldChange, Update
from reconciler.diff.compare import field_changes, or_none
from reconciler.model.address import Address, app_address, folded_app, folded_placement, kind_of, name_of
from reconciler.model.live import ById, LiveResource, LiveState
from reconciler.model.value import ABSENT, Absent, Fields, Value, value_text
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
