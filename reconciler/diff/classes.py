"""The class of each resource in an audit (drift, pending, missing, unmanaged and so on), and the inventory.

The inventory lists every declared, owned or live resource once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from typing import Final, assert_never

from reconciler.diff.assess import assess_declared, assess_others
from reconciler.diff.assessment import (
    Assessment,
    InBlockedApp,
    IncompleteList,
    Matched,
    MatchedTombstone,
    NotListed,
    NotRead,
    Settled,
    Undeclared,
    UnmatchedBlock,
    UnownedResource,
)
from reconciler.diff.audit import Audit, AuditClass, AuditedField, AuditItem, gravest, item_order
from reconciler.diff.change import Blocked, Deactivate, Delete, FieldChange, Note
from reconciler.diff.compare import Comparison, compare, covers, or_none, value_at
from reconciler.diff.context import DiffContext, by_app
from reconciler.diff.look_alikes import look_alike_notes, nameless_notes, unresolved_block
from reconciler.diff.removals import RemovalStage
from reconciler.diff.resolve import Found, Missing, NotFound, Resolution, resolve_apps, resolve_placements
from reconciler.diff.updates import is_spelling, kept_notes
from reconciler.model.address import Address, Kind, address_order, kind_of, placement_address
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import (
    AcceptedDrift,
    DesiredApp,
    DesiredState,
    Lifecycle,
    LiveResource,
    LiveState,
    live_app_address,
)
from reconciler.model.value import ABSENT, Fields, Value

NEVER_MADE: Final = "declared, not in the account, and never applied by us"
LEDGER_BEHIND: Final = "the account was changed to what the manifest says now; the next apply remembers that"
GOING: Final = "declared absent: the next apply goes on with the removal"
WAITS_FOR_LEAVE: Final = (
    "its quarantine is over: an apply deletes it once safety.maxDeletes or --max-deletes gives leave"
)
WAITING: Final = "declared absent: inactive, and in quarantine until an apply may delete it"
PRUNED: Final = "no manifest names it any more: the next apply prunes it"
UNNAMED: Final = "owned, but no manifest names it any more"
APP_GONE: Final = "its app is gone from the account"
DOUBT: Final = "the account's list left out resources that do exist: there may be more than this audit counts"


def audit_account(
    context: DiffContext, at: str, publisher_id: str, api: str, wanted: Callable[[Address], bool] = lambda _: True
) -> Audit:
    """The audit of an account as it was read at a time (ISO 8601 in UTC), of the selected addresses."""
    items: list[AuditItem] = []
    notes: list[Note] = []
    for assessment in chain(_one_by_one(assess_declared(context)), assess_others(context)):
        for each in audit_entries(assessment, context.today):
            if not wanted(each.address):
                continue
            if isinstance(each, AuditItem):
                items.append(each)
            else:
                notes.append(each)
    return Audit(at, publisher_id, api, tuple(sorted(items, key=item_order)), tuple(notes))


def _one_by_one(
    assessments: Iterable[Assessment | InBlockedApp | Settled],
) -> Iterator[Assessment | InBlockedApp]:
    for each in assessments:
        if isinstance(each, Settled):
            yield from each.matched()
        else:
            yield each


def audit_entries(each: Assessment | InBlockedApp, today: date) -> Iterator[AuditItem | Note]:
    """The audit items of an assessment (at most one), and the notes that go with it."""
    match each:
        case Matched(block, found):
            yield from look_alike_notes(block, found)
            yield _matched_item(each, today)
        case UnmatchedBlock(block, resolution):
            yield from look_alike_notes(block, resolution)
            yield _unmatched_item(each, today)
        case MatchedTombstone(block, found, entry, removal):
            yield from look_alike_notes(block, found)
            fields = () if entry is None else _since_applied(entry, found.live, today, going=True)
            yield AuditItem(
                block.address,
                found.live.id,
                _class_of(fields, removal),
                fields,
                block.source,
                _removal_note(removal, "declared absent", GOING, WAITING),
            )
        case Undeclared(entry, live, removal, is_pruned):
            fields = _since_applied(entry, live, today, going=is_pruned)
            yield AuditItem(
                entry.address,
                live.id,
                _class_of(fields, removal),
                fields,
                note=_removal_note(removal, UNNAMED, PRUNED, UNNAMED),
            )
        case UnownedResource(address, live):
            yield AuditItem(address, live.id, "unmanaged")
            yield from nameless_notes(live, address)
        case NotListed(address, _, text):
            yield from () if text is None else (Note(address, text),)
        case IncompleteList(address):
            yield Note(address, DOUBT)
        case InBlockedApp(_, what):
            yield from audit_entries(what, today)
        case NotRead():
            pass
        case _:
            assert_never(each)


def _matched_item(each: Matched, today: date) -> AuditItem:
    block, live, entry = each.block, each.found.live, each.entry
    fields = tuple(_audited_fields(each.compared, live, entry, block.lifecycle, today))
    of = gravest((*(one.of for one in fields), "drift" if each.unread else "inSync"))
    behind = LEDGER_BEHIND if of == "inSync" and _is_behind(block.fields, live.fields, entry) else ""
    kept = (one.text for one in kept_notes(block.address, each.compared.kept))
    return AuditItem(
        block.address, live.id, of, fields, block.source, "; ".join((*kept, *filter(None, (behind, each.unread))))
    )


def _unmatched_item(each: UnmatchedBlock, today: date) -> AuditItem:
    """A block that stands for nothing with certainty: audited as the resource that the ledger knows, if it is there."""
    block, resolution, entry = each.block, each.resolution, each.entry
    address, source = block.address, block.source
    is_plain = isinstance(resolution, NotFound | Missing) or not each.app_is_live
    if is_plain and block.state == "absent":
        return AuditItem(address, None, "inSync", (), source)
    if each.nearest is not None:
        item = _matched_item(each.nearest, today)
        return replace(item, of=gravest([item.of, "pending"]), note=_unclear_reason(each))
    if entry is None:
        return AuditItem(address, None, "pending", (), source, _unclear_reason(each) or NEVER_MADE)
    if each.hidden is not None:
        return AuditItem(address, entry.id, "pending", (), source, each.hidden.reason)
    why = _unclear_reason(each) if each.app_is_live else APP_GONE
    return AuditItem(address, entry.id, "missing", (), source, why)


def _unclear_reason(each: UnmatchedBlock) -> str:
    """Why it is not clear what a block stands for, or what comes close to it; empty where neither is so."""
    match each.resolution:
        case _ if not each.app_is_live:
            return ""
        case NotFound(alike):
            close = bool(alike.free or (alike.nameless and each.entry is None))
        case Missing(_, alike, taken_by):
            close = bool(alike.free) or taken_by is not None
        case _:
            close = True
    return unresolved_block(each.block, each.resolution).reason if close else ""


def _class_of(fields: Sequence[AuditedField], removal: RemovalStage | None) -> AuditClass:
    """The class of a resource that is being removed: pending only where the plan has a step for it."""
    acts = removal is not None and removal.acts
    return gravest((*(each.of for each in fields), "pending" if acts else "inSync"))


def _removal_note(removal: RemovalStage | None, why: str, acts: str, rests: str) -> str:
    """The note on a resource that is being removed: `acts` if it is deactivated next, `rests` if nothing is done."""
    match removal:
        case RemovalStage(Blocked(reason=reason)):
            return reason
        case RemovalStage(Delete()):
            return f"{why}; {WAITS_FOR_LEAVE}"
        case RemovalStage(Deactivate()):
            return acts
        case _:
            return rests


def _since_applied(entry: LedgerEntry, live: LiveResource, today: date, *, going: bool) -> tuple[AuditedField, ...]:
    """The leaves of a live resource that are not as last applied. One that is going may be inactive, and stays so."""
    applied = dict(entry.applied)
    if going and live.fields.get("status") == "inactive":
        applied.pop("status", None)
    elif going and entry.inactive_since is not None:
        applied["status"] = "inactive"
    known = replace(entry, applied=applied)
    comparison = compare(entry.kind, applied, live.fields, known, Lifecycle(), today)
    return tuple(_audited_fields(comparison, live, known, Lifecycle(), today))


def _audited_fields(
    comparison: Comparison, live: LiveResource, entry: LedgerEntry | None, lifecycle: Lifecycle, today: date
) -> Iterator[AuditedField]:
    """The leaves that differ. An app's name is the store's own, as is the spelling of its bundle: no drift."""
    accepted = [
        AuditedField(each.change, "accepted", _applied_value(each.change, entry), each.drift)
        for each in comparison.accepted
    ]
    others = [
        AuditedField(
            change,
            _field_class(change, live.fields, entry),
            _applied_value(change, entry),
            _expired_acceptance(change, lifecycle, today),
        )
        for change in (*comparison.changes, *comparison.fixed)
        if change not in comparison.fixed or not is_spelling(live.kind, change)
    ]
    yield from sorted((*accepted, *others), key=lambda each: each.change.path)


def _field_class(change: FieldChange, live: Fields, entry: LedgerEntry | None) -> AuditClass:
    """Whose doing a difference is. A value that the server never shows cannot have been seen to move."""
    never_shown = entry is not None and change.field in entry.unconfirmed and live.get(change.field) is None
    match change.origin:
        case "drift" | "conflict" if not never_shown:
            return change.origin
        case _:
            return "pending"


def _applied_value(change: FieldChange, entry: LedgerEntry | None) -> Value:
    known = ABSENT if entry is None else entry.applied.get(change.field, ABSENT)
    return or_none(value_at(known, tuple(change.path.split(".")[1:])))


def _expired_acceptance(change: FieldChange, lifecycle: Lifecycle, today: date) -> AcceptedDrift | None:
    """The acceptance that covered a drifted leaf until it ran out; the last one, where there were several."""
    expired = [
        each
        for each in lifecycle.accept_drift
        if change.origin == "drift"
        and each.until is not None
        and each.until < today
        and covers(change.path, (each.path,))
    ]
    return max(expired, key=lambda each: each.until or date.min, default=None)


def _is_behind(declared: Fields, live: Fields, entry: LedgerEntry | None) -> bool:
    """Whether manifest and account moved to the same value since the last apply."""
    if entry is None:
        return False
    return any(
        entry.applied.get(name, value) != value and live.get(name, ABSENT) == value for name, value in declared.items()
    )


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """One resource. `id` is the live one's, else the ledger's; `status` the live one's, None where it is not live."""

    address: Address
    id: str | None
    declared: bool
    owned: bool
    live: bool
    status: str | None = None

    @property
    def kind(self) -> Kind:
        """Whether it is an app or a placement."""
        return kind_of(self.address)


def inventory(desired: DesiredState, live: LiveState, ledger: Ledger) -> tuple[InventoryRow, ...]:
    """All resources in the order of addresses and ids.

    A live resource goes by the address of the block that stands for it, else by the ledger's, else by its own identity.
    """
    addresses = dict(_addresses(desired, live, ledger))
    declared = {app.address: app.state for app in desired.apps}
    declared |= {each.address: each.state for app in desired.apps for each in app.placements or ()}
    owned = {(entry.kind, entry.id) for entry in ledger.values()}
    rows = [
        InventoryRow(
            address, each.id, address in declared, (each.kind, each.id) in owned, live=True, status=_status(each)
        )
        for each, address in ((each, addresses[each.kind, each.id]) for each in live.resources())
    ]
    shown = {row.address for row in rows}
    for address in {*declared, *ledger} - shown:
        entry = ledger.get(address)
        is_gone = entry is not None and (entry.kind, entry.id) not in addresses
        if is_gone or declared.get(address) == "present":
            rows.append(
                InventoryRow(address, entry.id if entry and is_gone else None, address in declared, is_gone, live=False)
            )
    return tuple(sorted(rows, key=lambda row: (address_order(row.address), row.id or "")))


def _status(live: LiveResource) -> str | None:
    status = live.fields.get("status")
    return status if isinstance(status, str) else None


def _addresses(desired: DesiredState, live: LiveState, ledger: Ledger) -> Iterator[tuple[tuple[Kind, str], Address]]:
    """The address of every live resource, by kind and id."""
    by_ledger = {(entry.kind, entry.id): address for address, entry in ledger.items()}
    apps = resolve_apps(desired.apps, live.apps, ledger)
    named = _addresses_by_id(apps)
    blocks = {app.address: app for app in desired.apps}
    entries = by_app(ledger)
    for app in live.apps:
        address = named.get(app.id) or by_ledger.get(("app", app.id)) or live_app_address(app)
        yield ("app", app.id), address
        listed = live.placements.get(app.id, ())
        own = _placement_addresses(blocks.get(address) if app.id in named else None, listed, entries.get(address, {}))
        for each in listed:
            address_inside = (
                own.get(each.id) or by_ledger.get(("placement", each.id)) or placement_address(address, each.name)
            )
            yield ("placement", each.id), address_inside


def _placement_addresses(
    app: DesiredApp | None, listed: Sequence[LiveResource], entries: Ledger
) -> Mapping[str, Address]:
    if app is None or not app.placements:
        return {}
    return _addresses_by_id(resolve_placements(app.placements, app.address, listed, entries))


def _addresses_by_id(resolutions: Mapping[Address, Resolution]) -> dict[str, Address]:
    return {found.live.id: address for address, found in resolutions.items() if isinstance(found, Found)}
