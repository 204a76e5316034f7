"""A matched block -> its update, and what of it is held, kept, accepted or blocked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from reconciler.diff.assessment import Matched
from reconciler.diff.change import (
    Blocked,
    FieldChange,
    Forget,
    HeldChange,
    InSync,
    Note,
    Remember,
    Update,
    Verdict,
    with_worldwide,
)
from reconciler.diff.compare import IN_SYNC, Comparison, field_changes, or_none, value_at, with_live_leaves
from reconciler.diff.context import DiffOptions, DriftRule, is_drift
from reconciler.diff.removals import STOPS_APP
from reconciler.diff.resolve import Found
from reconciler.model.address import Address, Kind, folded_app, kind_of
from reconciler.model.field import FIELDS
from reconciler.model.habits import AccountHabits
from reconciler.model.ledger import LedgerEntry
from reconciler.model.state import DesiredResource, LiveResource
from reconciler.model.value import ABSENT, WORLDWIDE, Absent, Fields, Value, value_text

OVERWRITE_DRIFT: Final = "--overwrite-drift"


def update_verdicts(each: Matched, options: DiffOptions) -> Iterator[Verdict]:
    """Verdicts on a present block whose live resource is known."""
    block, live, found = each.block, each.found.live, each.found
    if each.unread is not None:
        yield Blocked(block.address, each.unread, live.id, source=block.source)
        return
    differs = each.compared is not IN_SYNC
    result = _with_protection(block, without_held(each.compared, options.drift)) if differs else IN_SYNC
    lost = _lost_fields(block, live, options.habits) if options.habits.lost else {}
    synced = _synced_entry(block, live, each.entry, result)
    fixed = [change for change in result.fixed if not is_spelling(live.kind, change)]
    if differs:
        yield from _left_alone_notes(block, result, fixed)
    if fixed:
        yield Blocked(block.address, _remedy_text(block, fixed), live.id, tuple(fixed), block.source)
    if differs:
        yield from _drift_verdicts(block, found, result, options.drift)
    changes = (*result.changes, *_leaves_to_restore(lost, live))
    if changes and (why := options.why_unsendable(live)) is not None:
        yield Blocked(block.address, why, live.id, changes, block.source)
        return
    if changes:
        yield from _merged_line_notes(block, result) if options.habits.floors_merge else ()
        stops = live.kind == "app" and any((one.path, one.after) == ("status", "inactive") for one in changes)
        reasons = (STOPS_APP if stops else None, RESTORES.format(", ".join(sorted(lost))) if lost else None)
        update = _update(block, found, changes, {**lost, **result.send}, synced.applied)
        yield replace(update, reason="; ".join(filter(None, reasons)) or None)
        return
    if not fixed and not result.drifted:
        yield InSync(block.address)
    if synced != each.entry:
        yield Remember(synced)
    if found.renamed_from is not None:
        yield Forget(found.renamed_from, block.address)


def _lost_fields(block: DesiredResource, live: LiveResource, habits: AccountHabits) -> Fields:
    """The fields that earlier updates may have reset, as they were; not those that the block says anything of."""
    lost = {name: was for _, left in habits.lost_by(live, block.fields) for name, was in left.items()}
    return {
        name: was
        for name, was in lost.items()
        if name not in block.fields and not (block.lifecycle.protect and (name, was) == ("status", "inactive"))
    }


def _leaves_to_restore(lost: Fields, live: LiveResource) -> Iterator[FieldChange]:
    for name in sorted(lost):
        for leaf in field_changes(name, live.fields.get(name, ABSENT), lost[name], None):
            yield replace(leaf, origin="pending")


RESTORES: Final = "puts back what an earlier update may have reset ({}); declare what is to be otherwise"


def _left_alone_notes(block: DesiredResource, result: Comparison, fixed: Sequence[FieldChange]) -> Iterator[Note]:
    """What differs and is left as it is: kept by the account, accepted, or nothing but another spelling."""
    yield from kept_notes(block.address, result.kept)
    for accepted in result.accepted:
        until = f" until {accepted.drift.until}" if accepted.drift.until else ""
        yield Note(block.address, f"{accepted.change.path}: drift accepted{until} ({accepted.drift.reason})")
    for change in result.fixed:
        if change not in fixed:
            yield Note(block.address, f"live {change.field} is {value_text(change.before)}: {_spelling_reason(change)}")


def _merged_line_notes(block: DesiredResource, result: Comparison) -> Iterator[Note]:
    """That lines of floors which a manifest names no more get the worldwide price, as the account keeps them."""
    declared = block.fields.get("floorPrices")
    paths = [
        each.path
        for each in result.changes
        if each.field == "floorPrices"
        if isinstance(declared, Mapping) and each.path.partition(".")[2] not in {*declared, WORLDWIDE}
    ]
    if paths:
        text = "this account keeps lines of floors that are left out, so they get the worldwide price"
        yield Note(block.address, f"{', '.join(paths)}: {text}")


def _update(
    block: DesiredResource, found: Found, changes: Sequence[FieldChange], send: Fields, declared: Fields
) -> Update:
    live = found.live
    return Update(
        block.address,
        live.id,
        block.source,
        tuple(changes),
        send,
        declared,
        live.digest(),
        app_id=live.app_id,
        protect=block.lifecycle.protect,
        renamed_from=found.renamed_from,
    )


def kept_notes(address: Address, kept: Sequence[FieldChange]) -> Iterator[Note]:
    """What the account keeps instead of what the manifest asks for, one note for each leaf.

    Platform and bundle are the address of an app, and stay in the manifest as they are.
    """
    for leaf in kept:
        asked, shown = value_text(leaf.after), value_text(leaf.before)
        is_identity = kind_of(address) == "app" and leaf.path in {"platform", "bundle"}
        what_then = "the block stands for it all the same" if is_identity else "`pull` takes that over"
        yield Note(address, f"{leaf.path}: asked for {asked}, the account keeps {shown}; {what_then}")


def is_spelling(kind: Kind, change: FieldChange) -> bool:
    """Whether a difference that nothing can change is none: an app's name is the store's own, its identity folded."""
    if kind != "app":
        return False
    live_text, declared_text = str(change.before or ""), str(change.after or "")
    match change.path:
        case "name":
            return True
        case "platform":
            return folded_app(live_text, "") == folded_app(declared_text, "")
        case "bundle":
            return folded_app("", live_text) == folded_app("", declared_text)
        case _:
            return False


def _spelling_reason(change: FieldChange) -> str:
    if change.field == "name":
        return str(FIELDS["app"]["name"].remedy)
    return "the account spells it otherwise, and nothing can change that; it is taken for this app all the same"


def _with_protection(block: DesiredResource, result: Comparison) -> Comparison:
    """With protection on, a change to inactive is not made but reported as one that cannot be."""
    if result is IN_SYNC or not block.lifecycle.protect:
        return result
    held = [each for each in result.changes if each.path == "status" and each.after == "inactive"]
    if not held:
        return result
    changes = tuple(change for change in result.changes if change not in held)
    send = {name: value for name, value in result.send.items() if name != "status"}
    return replace(result, changes=changes, fixed=(*result.fixed, *held), send=send)


def without_held(comparison: Comparison, rule: DriftRule) -> Comparison:
    """The comparison without the changes that the rule holds, which go to `drifted`: they are not sent."""
    drifted = tuple(each for each in comparison.changes if rule.holds(each))
    if not drifted:
        return comparison
    changes: list[FieldChange] = []
    send: dict[str, Value] = {}
    for name, value in comparison.send.items():
        leaves = [each for each in comparison.changes if each.field == name and each not in drifted]
        if leaves:
            send[name] = with_live_leaves(value, [each for each in drifted if each.field == name])
            changes += with_worldwide(leaves, send[name]) if name == "floorPrices" else leaves
    return replace(comparison, changes=tuple(changes), drifted=drifted, send=send)


def _drift_verdicts(
    block: DesiredResource, found: Found, result: Comparison, rule: DriftRule
) -> Iterator[HeldChange | Note]:
    """The held update, or the note, for fields that changed in the account."""
    if result.drifted:
        yield _held_for_drift(block, found, result.drifted, rule)
    if rule.on_drift == "warn" and (overwritten := [each for each in result.changes if is_drift(each)]):
        yield Note(
            block.address, f"{_drift_text(overwritten)}, this plan overwrites it; safety.onDrift: hold would not"
        )


def _held_for_drift(
    block: DesiredResource, found: Found, drifted: Sequence[FieldChange], rule: DriftRule
) -> HeldChange:
    """The part of an update that would overwrite what was changed in the account."""
    paths = {each.path for each in drifted}
    send = {}
    for name in dict.fromkeys(each.field for each in drifted):
        leaves = field_changes(name, found.live.fields.get(name, ABSENT), block.fields[name], None)
        send[name] = with_live_leaves(block.fields[name], [each for each in leaves if each.path not in paths])
    update = _update(block, found, drifted, send, block.fields)
    return HeldChange(update, "onDrift", f"{_drift_text(drifted)}, {rule.name} waits for leave", OVERWRITE_DRIFT)


def _drift_text(changes: Sequence[FieldChange]) -> str:
    """What live has, what the manifest asks for, and how to take over what is live."""
    leaves = ", ".join(
        f"{each.path} is {value_text(each.before)} (declared: {value_text(each.after)}"
        f"{', changed in the manifest as well' if each.origin == 'conflict' else ''})"
        for each in changes
    )
    pull = "pull --theirs" if any(each.origin == "conflict" for each in changes) else "pull"
    return f"changed in the account since the last apply: {leaves}; `reconciler {pull}` takes that over"


def _synced_entry(
    block: DesiredResource, live: LiveResource, entry: LedgerEntry | None, result: Comparison
) -> LedgerEntry:
    """The ledger entry once all that can be changed is as declared; for what is fixed, the old values stay."""
    fixed_fields = {change.field for change in result.fixed}
    applied = block.fields
    if fixed_fields:
        before = entry.applied if entry is not None else {}
        applied = {name: value for name, value in applied.items() if name not in fixed_fields}
        applied.update({name: before[name] for name in fixed_fields & before.keys()})
    if result.drifted and entry is not None:
        applied = with_applied_leaves(applied, result.drifted, entry.applied)
    unconfirmed = entry.unconfirmed if entry is not None else frozenset()
    still = {name for name in unconfirmed if name in applied and live.fields.get(name) is None}
    protect = block.lifecycle.protect
    return LedgerEntry(
        block.address, live.id, applied, frozenset(still), protect=protect, kept=_kept_values(entry, applied, live)
    )


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


def _kept_values(entry: LedgerEntry | None, applied: Fields, live: LiveResource) -> Fields:
    """What the account keeps instead of what it was given, as long as the same is asked for and not there."""
    if entry is None or not entry.kept:
        return {}
    return {
        name: value
        for name, value in entry.kept.items()
        if name in applied and applied[name] == entry.applied.get(name) and live.fields.get(name) != applied[name]
    }


def _remedy_text(block: DesiredResource, fixed: list[FieldChange]) -> str:
    specs = FIELDS[kind_of(block.address)]
    texts = []
    for name in dict.fromkeys(change.field for change in fixed):
        remedy = specs[name].remedy or "it is protected; take `protect` out of its lifecycle first"
        texts.append(f"{name}: {remedy}")
    return "; ".join(texts)
