"""One resource: which of its fields moved, on whose side, and the class that makes of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Final

from reconciler.audit.audit import AuditedField, Class, Item, gravest
from reconciler.diff.block import (
    Block,
    View,
    declared_fields,
    entry_of,
    is_spelling,
    kept_notes,
    not_visible_yet,
    to_retire,
)
from reconciler.diff.change import Blocked, Deactivate, Delete, FieldChange
from reconciler.diff.compare import Comparison, compare, covers, value_at
from reconciler.diff.identity import Found, Missing, NotFound, Unclear
from reconciler.diff.unclear import unread, unresolved
from reconciler.diff.unnamed import orphaned
from reconciler.diff.verdict import Verdict
from reconciler.model.address import Kind, kind_of
from reconciler.model.desired import AcceptedDrift, Lifecycle, Prune
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.live import LiveResource
from reconciler.model.value import ABSENT, Absent, Fields, Value

NEVER_MADE: Final = "declared, not in the account, and never applied by us"
LEDGER_BEHIND: Final = "the account was changed to what the manifest says now; the next apply remembers that"
GOING: Final = "declared absent: the next apply goes on with the removal"
WAITS_FOR_LEAVE: Final = (
    "its quarantine is over: an apply deletes it once safety.maxDeletes or --max-deletes gives leave"
)
WAITING: Final = "declared absent: inactive, and in quarantine until an apply may delete it"
PRUNED: Final = "no manifest names it any more: the next apply prunes it"
UNNAMED: Final = "owned, but no manifest names it any more"


def in_place(block: Block, found: Found, ledger: Ledger, today: date) -> Item:
    """A block whose live resource is known."""
    return _against(block, found.live, entry_of(block.address, found, ledger), today)


def _against(block: Block, live: LiveResource, entry: LedgerEntry | None, today: date) -> Item:
    found = compare(kind_of(block.address), block.fields, live.fields, entry, block.lifecycle, today)
    fields = tuple(_audited(found, kind_of(block.address), live, entry, block.lifecycle, today))
    why = unread(live, declared_fields(block)) if not live.is_readable else None
    of = gravest((*(each.of for each in fields), "drift" if why else "inSync"))
    behind = LEDGER_BEHIND if of == "inSync" and _is_behind(block.fields, live.fields, entry) else ""
    note = "; ".join((*(each.text for each in kept_notes(block.address, found.kept)), *filter(None, (behind, why))))
    return Item(block.address, live.id, of, fields, block.source, note)


def _audited(
    found: Comparison,
    kind: Kind,
    live: LiveResource,
    entry: LedgerEntry | None,
    lifecycle: Lifecycle,
    today: date,
) -> Iterator[AuditedField]:
    """The leaves that differ. An app's name is the store's own, as is the spelling of its bundle: nobody's drift."""
    accepted = [
        AuditedField(each.change, "accepted", _applied(each.change, entry), each.drift) for each in found.accepted
    ]
    others = [
        AuditedField(
            change, _class(change, live.fields, entry), _applied(change, entry), _expired(change, lifecycle, today)
        )
        for change in (*found.changes, *found.fixed)
        if change not in found.fixed or not is_spelling(kind, change)
    ]
    yield from sorted((*accepted, *others), key=lambda each: each.change.path)


def _class(change: FieldChange, live: Fields, entry: LedgerEntry | None) -> Class:
    """Whose doing a difference is. A value that the server never shows cannot have been seen to move."""
    never_shown = entry is not None and change.field in entry.unconfirmed and live.get(change.field) is None
    match change.origin:
        case "drift" | "conflict" if not never_shown:
            return change.origin
        case _:
            return "pending"


def _applied(change: FieldChange, entry: LedgerEntry | None) -> Value:
    known: Value | Absent = ABSENT if entry is None else entry.applied.get(change.field, ABSENT)
    value = value_at(known, tuple(change.path.split(".")[1:]))
    return None if isinstance(value, Absent) else value


def _expired(change: FieldChange, lifecycle: Lifecycle, today: date) -> AcceptedDrift | None:
    """The acceptance that covered a drifted leaf until it ran out; the last one, where there were several."""
    over = [
        each
        for each in lifecycle.accept_drift
        if change.origin == "drift"
        and each.until is not None
        and each.until < today
        and covers(change.path, (each.path,))
    ]
    return max(over, key=lambda each: each.until or date.min, default=None)


def _is_behind(declared: Fields, live: Fields, entry: LedgerEntry | None) -> bool:
    """Whether manifest and account moved to the same value since the last apply."""
    if entry is None:
        return False
    return any(
        entry.applied.get(name, value) != value and live.get(name, ABSENT) == value for name, value in declared.items()
    )


def tombstone(block: Block, found: Found, ledger: Ledger, view: View, scope: str) -> Item:
    """A block declared absent whose resource still lives: on its way out, unless somebody moved it meanwhile."""
    verdicts = list(to_retire(block, found, ledger, view, scope))
    pending = _acts(verdicts)
    entry = entry_of(block.address, found, ledger)
    fields = () if entry is None else _drifted(entry, found.live, view.now.date(), going=True)
    of = gravest([*(each.of for each in fields), "pending" if pending else "inSync"])
    told = f"declared absent; {WAITS_FOR_LEAVE}" if _deletes(verdicts) else GOING if pending else WAITING
    return Item(block.address, found.live.id, of, fields, block.source, told)


def owned_unnamed(entry: LedgerEntry, live: LiveResource, prune: Prune | None, view: View, scope: str) -> Item:
    """An owned resource that no block names any more, against what was last applied to it."""
    verdicts = list(orphaned(entry, live, prune, view, scope))
    pending = _acts(verdicts)
    fields = _drifted(entry, live, view.now.date(), going=prune in ("deactivate", "delete") and not entry.protect)
    of = gravest([*(each.of for each in fields), "pending" if pending else "inSync"])
    told = f"{UNNAMED}; {WAITS_FOR_LEAVE}" if _deletes(verdicts) else PRUNED if pending else UNNAMED
    return Item(entry.address, live.id, of, fields, note=told)


def _drifted(entry: LedgerEntry, live: LiveResource, today: date, *, going: bool) -> tuple[AuditedField, ...]:
    """The leaves of a live resource that are not as last applied. One that is going may be inactive, and stays so."""
    applied = dict(entry.applied)
    if going and live.fields.get("status") == "inactive":
        applied.pop("status", None)
    elif going and entry.inactive_since is not None:
        applied["status"] = "inactive"
    known = replace(entry, applied=applied)
    found = compare(entry.kind, applied, live.fields, known, Lifecycle(), today)
    return tuple(_audited(found, entry.kind, live, known, Lifecycle(), today))


def _acts(verdicts: list[Verdict]) -> bool:
    return any(isinstance(each, Deactivate | Delete | Blocked) for each in verdicts)


def _deletes(verdicts: list[Verdict]) -> bool:
    return any(isinstance(each, Delete) for each in verdicts)


def not_there(block: Block, resolution: NotFound | Missing) -> Item:
    """A block for which nothing lives and nothing was ever made; a tombstone is then as declared."""
    if block.state == "absent":
        return Item(block.address, None, "inSync", (), block.source)
    close = resolution.alike.free or resolution.alike.nameless
    note = unresolved(block, resolution).reason if close else NEVER_MADE
    return Item(block.address, None, "pending", (), block.source, note)


def why_missing(block: Block, resolution: NotFound | Missing) -> str:
    """What is to be said of a block whose resource is gone: whether something else has come close to it."""
    close = resolution.alike.free or (isinstance(resolution, Missing) and resolution.taken_by is not None)
    return unresolved(block, resolution).reason if close else ""


def missing(block: Block, resource_id: str, view: View, why: str = "") -> Item:
    """A block whose resource is gone from the account, though the ledger knows it; or is not visible there yet."""
    hidden = not_visible_yet(block, resource_id, view)
    if hidden is not None:
        return Item(block.address, resource_id, "pending", (), block.source, hidden.reason)
    return Item(block.address, resource_id, "missing", (), block.source, why)


def ambiguous(
    block: Block, resolution: Unclear, entry: LedgerEntry | None, owned: LiveResource | None, view: View
) -> Item:
    """A block that stands for nothing with certainty: audited as the resource that the ledger knows, if it knows any.

    `owned` is that resource, None where it is gone.
    """
    why = unresolved(block, resolution).reason
    if entry is None:
        return Item(block.address, None, "pending", (), block.source, why)
    if owned is None:
        return missing(block, entry.id, view, why)
    item = _against(block, owned, entry, view.now.date())
    return replace(item, of=gravest([item.of, "pending"]), note=why)
