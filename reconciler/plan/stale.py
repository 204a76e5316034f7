"""Does what a saved plan rests on still hold? Live resources against the digests the plan carries."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, Update
from reconciler.model.address import Address, kind_of
from reconciler.model.likeness import folded_app, folded_placement
from reconciler.model.live import ById, LiveResource, LiveState
from reconciler.model.value import ABSENT, Absent, Fields, Value, to_json
from reconciler.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Stale:
    """One change whose ground has moved, and how."""

    address: Address
    how: str


def without(plan: Plan, stale: tuple[Stale, ...]) -> Plan:
    """The plan without its stale changes. What would have gone into an app among them stays, for the apply to skip."""
    gone = {each.address for each in stale}
    return replace(plan, changes=tuple(change for change in plan.changes if change.address not in gone))


def moved(change: Change, by_id: ById, live: LiveState) -> str | None:
    """How the ground of a change has moved, None where it has not."""
    match change:
        case Blocked():
            return None
        case Create():
            return _taken(change, live)
        case Update() | Deactivate() | Delete():
            resource = by_id.get((kind_of(change.address), change.id))
            if resource is None:
                return f"id {change.id} is gone"
            return None if resource.digest() == change.observed else _how(change, resource)


def _taken(change: Create, live: LiveState) -> str | None:
    """How what is to be created, or what looks like it, came to be there."""
    is_app = kind_of(change.address) == "app"
    listed = live.apps if is_app else live.placements.get(change.app_id or "", ())
    others = [each for each in listed if each.id not in change.beside]
    keys = ("platform", "bundle") if is_app else ("name",)
    same = next((each for each in others if all(each.fields.get(key) == change.send.get(key) for key in keys)), None)
    if same is not None:
        return f"it exists by now, as id {same.id}"
    wanted = () if change.distinct else _folded(change.send, is_app=is_app)
    alike = next((each for each in others if _folded(each.fields, is_app=is_app) == wanted), None)
    return None if alike is None else f"a look-alike exists by now, as id {alike.id}"


def _folded(fields: Fields, *, is_app: bool) -> tuple[str, ...]:
    if is_app:
        return folded_app(str(fields.get("platform", "")), str(fields.get("bundle", "")))
    return folded_placement(str(fields.get("name", "")))


def _how(change: Update | Deactivate | Delete, resource: LiveResource) -> str:
    told = []
    for field in () if isinstance(change, Delete) else change.fields:
        now = _leaf(resource, field.path)
        if now != field.before and not (isinstance(now, Absent) and field.before is None):
            shown = None if isinstance(now, Absent) else to_json(now)
            told.append(f"{field.path} was {to_json(field.before)!r}, is {shown!r}")
    return "; ".join(told) or "fields that the plan does not change have moved"


def _leaf(resource: LiveResource, path: str) -> Value | Absent:
    value: Value | Absent = resource.fields
    for key in path.split("."):
        value = value.get(key, ABSENT) if isinstance(value, Mapping) else ABSENT
    return value
