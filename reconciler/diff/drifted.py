"""Fields that live has moved in since the last apply: held, or told, as `safety.onDrift` says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from reconciler.diff.change import FieldChange, Held, Note, Update, with_worldwide
from reconciler.diff.compare import Comparison, field_changes, or_none, value_at, with_live_leaves
from reconciler.diff.identity import Found
from reconciler.diff.unclear import Block
from reconciler.model.desired import OnDrift
from reconciler.model.value import ABSENT, Absent, Fields, Value, canonical_json, to_json

OVERWRITE_DRIFT: Final = "--overwrite-drift"


HOLD_CONFLICTS: Final = "--hold-conflicts"


@dataclass(frozen=True, slots=True)
class DriftRule:
    """What becomes of fields that live moved in since the last apply: what `safety.onDrift` says.

    With `holds_conflicts` those that the manifest has changed as well are held, unless they are to be overwritten
    without a word.
    """

    on_drift: OnDrift = "overwrite"
    holds_conflicts: bool = False

    def holds(self, change: FieldChange) -> bool:
        """Whether a change of a field waits for leave."""
        match self.on_drift:
            case "hold":
                return is_drift(change)
            case "warn":
                return self.holds_conflicts and change.origin == "conflict"
            case "overwrite":
                return False
            case _:
                assert_never(self.on_drift)

    @property
    def name(self) -> str:
        """What holds, as a person finds it."""
        return "safety.onDrift: hold" if self.on_drift == "hold" else HOLD_CONFLICTS


OVERWRITE: Final = DriftRule()


def is_drift(change: FieldChange) -> bool:
    """Whether live has moved away from what was last applied, whatever the manifest asks for by now."""
    return change.origin in {"drift", "conflict"}


def without_held(found: Comparison, rule: DriftRule) -> Comparison:
    """The comparison with what is held of it kept back: that is neither changed nor sent."""
    drifted = tuple(each for each in found.changes if rule.holds(each))
    if not drifted:
        return found
    changes: list[FieldChange] = []
    send: dict[str, Value] = {}
    for name, value in found.send.items():
        leaves = [each for each in found.changes if each.field == name and each not in drifted]
        if leaves:
            send[name] = with_live_leaves(value, [each for each in drifted if each.field == name])
            changes += with_worldwide(leaves, send[name]) if name == "floorPrices" else leaves
    return replace(found, changes=tuple(changes), drifted=drifted, send=send)


def on_drift(block: Block, found: Found, result: Comparison, rule: DriftRule) -> Iterator[Held | Note]:
    """What is held, or told, of fields that live moved in."""
    if result.drifted:
        yield _held_for_drift(block, found, result.drifted, rule)
    if rule.on_drift == "warn" and (overwritten := [each for each in result.changes if is_drift(each)]):
        yield Note(block.address, f"{_moves(overwritten)}, this plan overwrites it; safety.onDrift: hold would not")


def _held_for_drift(block: Block, found: Found, drifted: Sequence[FieldChange], rule: DriftRule) -> Held:
    """The part of an update that would overwrite what was changed in the account."""
    live = found.live
    send = {each.field: block.fields[each.field] for each in drifted}
    paths = {each.path for each in drifted}
    others = {
        name: [
            each for each in field_changes(name, live.fields.get(name, ABSENT), value, None) if each.path not in paths
        ]
        for name, value in send.items()
    }
    update = Update(
        block.address,
        live.id,
        block.source,
        tuple(drifted),
        {name: with_live_leaves(value, others[name]) for name, value in send.items()},
        block.fields,
        live.digest(),
        app_id=live.app_id,
        protect=block.lifecycle.protect,
        renamed_from=found.renamed_from,
    )
    return Held(update, "onDrift", f"{_moves(drifted)}, {rule.name} waits for leave", OVERWRITE_DRIFT)


def _moves(changes: Sequence[FieldChange]) -> str:
    """What live has, what the manifest asks for, and how to take over what is live."""
    told = ", ".join(
        f"{each.path} is {told_value(each.before)} (declared: {told_value(each.after)}"
        f"{', changed in the manifest as well' if each.origin == 'conflict' else ''})"
        for each in changes
    )
    pull = "pull --theirs" if any(each.origin == "conflict" for each in changes) else "pull"
    return f"changed in the account since the last apply: {told}; `reconciler {pull}` takes that over"


def told_value(value: Value) -> str:
    """A value in a sentence."""
    return "(none)" if value is None else canonical_json(to_json(value))


def with_applied_leaves(wanted: Fields, changes: Iterable[FieldChange], applied: Fields) -> Fields:
    """Wanted fields with what was last applied kept in every leaf of the changes, as nothing is applied to these."""
    fields = dict(wanted)
    for change in changes:
        was, path = applied.get(change.field, ABSENT), tuple(change.path.split(".")[1:])
        whole = fields.get(change.field)
        if isinstance(was, Absent):
            fields.pop(change.field, None)
        elif path and isinstance(was, Mapping) and isinstance(whole, Mapping):
            fields[change.field] = with_live_leaves(whole, [replace(change, before=or_none(value_at(was, path)))])
        else:
            fields[change.field] = was
    return fields
