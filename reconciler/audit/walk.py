"""Desired state x live state x ledger -> the class of every resource."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.audit.audit import Audit, Item, item_order
from reconciler.audit.classify import ambiguous, in_place, missing, not_there, owned_unnamed, tombstone, why_missing
from reconciler.diff.block import View
from reconciler.diff.change import Note
from reconciler.diff.identity import Crossed, Found, Missing, NotFound, PinNotFound, Resolution, Twins, Unclear
from reconciler.diff.match import resolve_placements
from reconciler.diff.reconcile import ground_of
from reconciler.diff.unclear import asides, nameless
from reconciler.diff.unnamed import GONE_UNMANAGED, Ground
from reconciler.model.address import Address, app_of, kind_of, placement_address
from reconciler.model.desired import DesiredApp, DesiredPlacement, DesiredState, Prune
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.live import LiveResource, LiveState, live_app_address
from reconciler.plan.plan import Origin

Finding: TypeAlias = Item | Note

APP_GONE = "its app is gone from the account"
FORGOTTEN = "gone from the account, as it is from the manifests; the next apply forgets it"
DOUBT = "the account's list left out resources that do exist: there may be more than this audit counts"


def audited(
    desired: DesiredState,
    live: LiveState,
    ledger: Ledger,
    view: View,
    origin: Origin,
    wanted: Callable[[Address], bool] = lambda _: True,
) -> Audit:
    """The audit of an account as it was read, of the selected addresses."""
    ground = ground_of(desired, live, ledger, view)
    found = [each for each in _findings(ground) if wanted(each.address)]
    items = sorted((each for each in found if isinstance(each, Item)), key=item_order)
    notes = [each for each in found if isinstance(each, Note)]
    return Audit(origin.created_at, origin.publisher_id, origin.api, tuple(items), tuple(notes))


def _findings(ground: Ground) -> Iterator[Finding]:
    for app in ground.desired.apps:
        yield from _app(app, ground.resolutions[app.address], ground)
    prune = ground.desired.prune_of_apps
    for address, resource in ground.orphans.items():
        yield owned_unnamed(ground.ledger[address], resource, prune, ground.view, "")
        yield from _owned_inside(_Home(address, resource, prune), ground)
    ours = ground.claimed | _owned_by_unclear(ground) | {resource.id for resource in ground.orphans.values()}
    for resource in ground.live.apps:
        if resource.id not in ours:
            yield Item(live_app_address(resource), resource.id, "unmanaged")
            yield from nameless(resource, live_app_address(resource))
    yield from _gone_apps(ground)
    if "" in ground.view.doubtful:
        yield Note(Address(""), DOUBT)


def _owned_by_unclear(ground: Ground) -> set[str]:
    """Ids of live apps that the ledger knows under blocks which cannot be told to stand for them."""
    unclear = [address for address, found in ground.resolutions.items() if isinstance(found, Unclear)]
    return {ground.ledger[address].id for address in unclear if address in ground.ledger}


def _app(app: DesiredApp, resolution: Resolution, ground: Ground) -> Iterator[Finding]:
    today = ground.view.now.date()
    entries = ground.by_app.get(app.address, {})
    yield from asides(app, resolution)
    match resolution:
        case Found() if app.state == "absent":
            yield tombstone(app, resolution, ground.ledger, ground.view, "")
            yield from _owned_inside(_Home(app.address, resolution.live), ground)
        case Found():
            yield in_place(app, resolution, entries, today)
            yield from _placements(app, resolution.live, ground)
        case NotFound() | Missing() if app.state == "absent":
            yield not_there(app, resolution)
        case NotFound():
            yield not_there(app, resolution)
            yield from _without_app(app, entries, ground.view)
        case Missing():
            yield missing(app, resolution.id, ground.view, why_missing(app, resolution))
            yield from _without_app(app, entries, ground.view)
        case PinNotFound() | Twins() | Crossed():
            entry = entries.get(app.address)
            owned = next((each for each in ground.live.apps if entry is not None and each.id == entry.id), None)
            yield ambiguous(app, resolution, entry, owned, ground.view)
            yield from (
                _placements(app, owned, ground) if owned is not None else _without_app(app, entries, ground.view)
            )


def _without_app(app: DesiredApp, entries: Ledger, view: View) -> Iterator[Finding]:
    """Placements whose app is not there: gone with it where they were applied, else still to be made."""
    blocks = app.placements or ()
    for block in blocks:
        entry = _known(block, entries)
        yield (
            not_there(block, NotFound())
            if entry is None or block.state == "absent"
            else missing(block, entry.id, view, APP_GONE)
        )
    declared = _names(blocks)
    for address in entries:
        if kind_of(address) == "placement" and address not in declared:
            yield Note(address, FORGOTTEN)


def _placements(app: DesiredApp, live_app: LiveResource, ground: Ground) -> Iterator[Finding]:
    listed = ground.live.placements.get(live_app.id)
    if listed is None:
        return
    entries = ground.by_app.get(app.address, {})
    blocks = app.placements or ()
    resolutions = resolve_placements(blocks, app.address, listed, entries)
    by_id = {each.id: each for each in listed}
    taken = {each.live.id for each in resolutions.values() if isinstance(each, Found)}
    for block in blocks:
        yield from asides(block, resolutions[block.address])
        item = _placement(block, resolutions[block.address], entries, by_id, ground.view)
        taken |= {item.id} if item.id is not None else set()
        yield item
    managed = app.placements is not None
    home = _Home(app.address, live_app, app.prune if managed else "report")
    for found in _owned_inside(home, ground, _names(blocks), frozenset(taken)):
        forgets = managed or found != Note(found.address, FORGOTTEN)
        yield found if forgets else Note(found.address, GONE_UNMANAGED)
    if managed:
        ours = taken | {entry.id for entry in entries.values() if entry.kind == "placement"}
        for resource in listed:
            if resource.id not in ours:
                address = placement_address(app.address, resource.name)
                yield Item(address, resource.id, "unmanaged")
                yield from nameless(resource, address)


def _placement(
    block: DesiredPlacement, resolution: Resolution, entries: Ledger, by_id: dict[str, LiveResource], view: View
) -> Item:
    entry = _known(block, entries)
    match resolution:
        case Found() if block.state == "absent":
            return tombstone(block, resolution, entries, view, resolution.live.app_id or "")
        case Found():
            return in_place(block, resolution, entries, view.now.date())
        case NotFound() | Missing():
            if entry is None or block.state == "absent":
                return not_there(block, resolution)
            return missing(block, entry.id, view, why_missing(block, resolution))
        case PinNotFound() | Twins() | Crossed():
            owned = by_id.get(entry.id) if entry is not None else None
            return ambiguous(block, resolution, entry, owned, view)


def _known(block: DesiredPlacement, entries: Ledger) -> LedgerEntry | None:
    """What the ledger knows of a block, under its former name too."""
    former = None if block.renamed_from is None else placement_address(app_of(block.address), block.renamed_from)
    return entries.get(block.address) or (None if former is None else entries.get(former))


def _names(blocks: Iterable[DesiredPlacement]) -> frozenset[Address]:
    """The addresses of blocks, former ones too."""
    named = [(app_of(block.address), block) for block in blocks]
    former = {placement_address(app, block.renamed_from) for app, block in named if block.renamed_from is not None}
    return frozenset({block.address for _, block in named} | former)


@dataclass(frozen=True, slots=True)
class _Home:
    """A live app, what the ledger calls it, and what becomes of owned placements in it that no block names."""

    address: Address
    app: LiveResource
    prune: Prune | None = "report"


def _owned_inside(
    home: _Home, ground: Ground, declared: frozenset[Address] = frozenset(), taken: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    """The owned placements of a live app that no block stands for, against what was last applied to them."""
    listed = ground.live.placements.get(home.app.id)
    if listed is None:
        return
    by_id = {each.id: each for each in listed}
    for entry in ground.by_app.get(home.address, {}).values():
        if entry.kind == "app" or entry.id in taken:
            continue
        if entry.id in by_id:
            yield owned_unnamed(entry, by_id[entry.id], home.prune, ground.view, home.app.id)
        elif entry.address not in declared:
            yield Note(entry.address, FORGOTTEN)
    if home.app.id in ground.view.doubtful:
        yield Note(home.address, DOUBT)


def _gone_apps(ground: Ground) -> Iterator[Note]:
    """Ledger entries of apps that are gone from the account and from the manifests."""
    declared = {app.address for app in ground.desired.apps}
    live_ids = {app.id for app in ground.live.apps}
    for app, entries in ground.by_app.items():
        if app not in declared and app in entries and entries[app].id not in live_ids:
            yield from (Note(address, FORGOTTEN) for address in entries)
