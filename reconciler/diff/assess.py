"""Desired state x live state x ledger -> one assessment of each resource.

This is the only walk over the three states. The plan (`changes`) and the drift report (`classes`) are two readings of
what it gives, so neither can see a resource that the other does not, or judge it otherwise.
"""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from reconciler.diff.assessment import (
    Assessment,
    InBlockedApp,
    IncompleteList,
    Matched,
    NotListed,
    NotRead,
    Scope,
    Settled,
    Undeclared,
    UnmatchedBlock,
    UnownedResource,
    entry_of,
    is_settled,
    matched_block,
    matched_tombstone,
    unmatched_block,
)
from reconciler.diff.change import Blocked, Contradiction, Create, Forget, Note
from reconciler.diff.context import DiffContext, claimed_ids, orphan_placements, suspected_placements
from reconciler.diff.look_alikes import (
    identity_contradiction,
    look_alikes,
    suspected_app,
    suspected_old_note,
    suspected_placement,
    unknown_former_notes,
)
from reconciler.diff.removals import RemovalStage, removal_of_undeclared, removal_with_app
from reconciler.diff.resolve import Found, Missing, NotFound, Resolution, Unclear, resolve_placements
from reconciler.model.address import Address, app_of, placement_address
from reconciler.model.ledger import EntriesOfApp, Ledger, LedgerEntry
from reconciler.model.settled import SettledPlacements
from reconciler.model.state import DesiredApp, DesiredPlacement, LiveResource, Prune, live_app_address

LEFT_ALONE: Final = (
    "owned, but no manifest names it any more: the block of its app declares no placements; it stays as it is, "
    "until it is declared there, with `state: absent` if it is to go"
)
GONE_UNMANAGED: Final = (
    "gone from the account, as it is from the manifests; its ledger entry stays while the block of its app declares "
    "no placements"
)
FORGOTTEN: Final = "gone from the account, as it is from the manifests; the next apply forgets it"


def assess_declared(context: DiffContext) -> Iterator[Assessment | InBlockedApp | Settled]:
    """What blocks stand for, and what else there is in the apps that they name, in the order of the blocks."""
    for app in context.desired.apps:
        yield from _assess_app(app, context)


def assess_others(context: DiffContext) -> Iterator[Assessment]:
    """The apps that no block names, and what is owned in them."""
    prune = context.desired.prune_of_apps
    alike = look_alikes(context.desired.apps, context.resolutions) if context.orphans else frozenset()
    suspected = {old: new for new, old in context.suspects.items()}
    for address, live in context.orphans.items():
        entry = context.ledger[address]
        if (contradiction := identity_contradiction(entry, live)) is not None:
            way = f"take the line of {address} out of the ledger"
            removal: RemovalStage | None = RemovalStage(Contradiction(address, f"{contradiction}; {way}"))
        elif address in suspected:
            removal = RemovalStage(Note(address, suspected_old_note(suspected[address])))
        else:
            removal = None if live.id in alike else removal_of_undeclared(entry, live, prune, context, "")
        yield Undeclared(entry, live, removal, _is_pruned(entry, prune), address)
        yield from _assess_removed_app(address, live, removal, prune, context)
    unclear = (each for each, resolution in context.resolutions.items() if isinstance(resolution, Unclear))
    known = {context.ledger[each].id for each in (*context.orphans, *unclear) if each in context.ledger}
    for live in context.live.apps:
        if live.id not in context.claimed and live.id not in known:
            yield UnownedResource(live_app_address(live), live)
    yield from _assess_gone_apps(context)
    if "" in context.options.doubtful:
        yield IncompleteList(Address(""))


def _assess_app(app: DesiredApp, context: DiffContext) -> Iterator[Assessment | InBlockedApp | Settled]:
    resolution, entries = context.resolutions[app.address], context.entries(app.address)
    match resolution:
        case Found(live) if app.state == "absent":
            tombstone = matched_tombstone(app, resolution, entries, context, "")
            yield tombstone
            yield from _assess_removed_app(app.address, live, tombstone.removal, "report", context)
        case Found(live):
            yield matched_block(app, resolution, entry_of(app.address, resolution, entries), context)
            listed = context.live.placements.get(live.id)
            if isinstance(listed, SettledPlacements) and _is_identity_settled(app, listed, entries):
                yield from _assess_settled(app, listed, context)
            else:
                yield from _assess_placements(app, live, context)
        case NotFound() | Missing() if app.state == "absent":
            yield UnmatchedBlock(app, resolution, entries.get(app.address), None)
        case _:
            old = context.suspects.get(app.address)
            suspected = None if old is None else suspected_app(app, old, context.orphans[old])
            scope = Scope({"coppa": False}, "", {each.id: each for each in context.live.apps}, context.claimed)
            assessment = unmatched_block(app, resolution, entries.get(app.address), scope, context, suspected)
            yield assessment
            nearest = assessment.nearest
            own = (
                _assess_without_app(app, context)
                if nearest is None
                else _assess_placements(app, nearest.found.live, context)
            )
            yield from own if isinstance(assessment.step, Create) else (InBlockedApp(app.address, each) for each in own)


def _assess_placements(app: DesiredApp, live_app: LiveResource, context: DiffContext) -> Iterator[Assessment]:
    """What there is in a live app whose block stays."""
    listed = context.live.placements.get(live_app.id)
    if app.placements is None:
        return _assess_unmanaged(app, live_app, listed, context)
    return (
        map(NotRead, app.placements)
        if listed is None
        else _assess_managed(app, app.placements, live_app, listed, context)
    )


def _is_identity_settled(app: DesiredApp, listed: SettledPlacements, entries: Ledger) -> bool:
    """Whether each block of an app surely stands for the placement of its name: the ledger knows no other by it."""
    if not entries:
        return listed.declared is app.placements
    unrecorded = _unrecorded(listed, entries)
    known = len(listed) - len(unrecorded)
    for place in unrecorded:
        entry = entries.get(listed.outlines[place].address)
        if entry is not None:
            if entry.id != listed.found[place]:
                return False
            known += 1
    return listed.declared is app.placements and known + (app.address in entries) == len(entries)


def _unrecorded(listed: SettledPlacements, entries: Ledger) -> Collection[int]:
    """The places of blocks whose entries have to be looked at: all, unless the lines of these have been compared."""
    was_compared = isinstance(entries, EntriesOfApp) and listed.unrecorded is not None
    return listed.unrecorded or () if was_compared else range(len(listed))


def _assess_settled(app: DesiredApp, listed: SettledPlacements, context: DiffContext) -> Iterator[Matched | Settled]:
    """What blocks stand for where that is each the placement of its name; only what differs is looked at."""
    blocks, entries, lost = listed.declared, context.entries(app.address), context.options.habits.lost
    unrecorded = _unrecorded(listed, entries) if entries else ()
    if not (unrecorded or listed.differing or lost):
        yield Settled(app, listed, range(len(listed)), entries, 0 if entries else len(listed))
        return
    places: list[int] = []
    unknown = 0
    for place, outline in enumerate(listed.outlines):
        is_known = bool(entries) and place not in unrecorded
        entry = None if is_known else entries.get(outline.address)
        is_lost = bool(lost) and ("placement", listed.found[place]) in lost
        if place not in listed.differing and not is_lost and (is_known or is_settled(entry, outline)):
            places.append(place)
            unknown += entry is None and not is_known
            continue
        if places:
            yield Settled(app, listed, places, entries, unknown)
            places, unknown = [], 0
        yield matched_block(blocks[place], Found(listed.at(place)), entries.get(outline.address), context)
    if places:
        yield Settled(app, listed, places, entries, unknown)


def _assess_managed(
    app: DesiredApp,
    blocks: Sequence[DesiredPlacement],
    live_app: LiveResource,
    listed: Sequence[LiveResource],
    context: DiffContext,
) -> Iterator[Assessment]:
    entries = context.entries(app.address)
    resolutions = resolve_placements(blocks, app.address, listed, entries)
    claimed = claimed_ids(resolutions)
    suspects = suspected_placements(app, resolutions, orphan_placements(app, listed, claimed, entries))
    coppa = app.fields.get("coppa", live_app.fields.get("coppa", False))
    scope = Scope({"coppa": coppa}, live_app.id, {each.id: each for each in listed}, claimed)
    taken = set(claimed)
    for block in blocks:
        old = suspects.get(block.address)
        suspected = None if old is None else suspected_placement(block, old)
        assessment = _assess_placement(block, resolutions[block.address], entries, scope, context, suspected)
        if isinstance(assessment, UnmatchedBlock) and assessment.nearest is not None:
            live_id = assessment.nearest.found.live.id
            assessment = replace(assessment, unclaimed=live_id not in taken)
            taken.add(live_id)
        yield assessment
    yield from _assess_undeclared(app, scope, taken, suspects, look_alikes(blocks, resolutions), context)
    if live_app.id in context.options.doubtful:
        yield IncompleteList(app.address)
    taken.update(entry.id for entry in entries.values() if entry.kind == "placement")
    for live in listed:
        if live.id not in taken:
            yield UnownedResource(placement_address(app.address, live.name), live)


def _assess_placement(
    block: DesiredPlacement,
    resolution: Resolution,
    entries: Ledger,
    scope: Scope,
    context: DiffContext,
    suspected: Blocked | None = None,
) -> Assessment:
    match resolution:
        case Found() if block.state == "absent":
            return matched_tombstone(block, resolution, entries, context, scope.app_id)
        case Found():
            return matched_block(block, resolution, entry_of(block.address, resolution, entries), context)
        case NotFound() | Missing() if block.state == "absent":
            return UnmatchedBlock(block, resolution, _known_entry(block, entries), None)
        case _:
            assessment = unmatched_block(block, resolution, _known_entry(block, entries), scope, context, suspected)
            notes = () if suspected or not scope.app_id else tuple(unknown_former_notes(block, resolution))
            return (
                replace(assessment, notes=notes, app_is_live=bool(scope.app_id))
                if notes or not scope.app_id
                else assessment
            )


def _assess_undeclared(
    app: DesiredApp,
    scope: Scope,
    taken: Container[str],
    suspects: Mapping[Address, LedgerEntry],
    alike: Container[str],
    context: DiffContext,
) -> Iterator[Assessment]:
    """What is owned in an app and no block stands for; `suspects` and `alike` ones may be a block's after all."""
    blocks = app.placements or ()
    declared = {block.address for block in blocks}
    former = {_former_address(block) for block in blocks}
    suspected = {old.address: new for new, old in suspects.items()}
    for address, entry in context.entries(app.address).items():
        live = scope.by_id.get(entry.id)
        if entry.kind == "app" or (live is not None and live.id in taken):
            continue
        if live is None:
            if address not in declared:
                yield NotListed(address, Forget(address), None if address in former else FORGOTTEN)
            continue
        removal = None
        if address in suspected:
            removal = RemovalStage(Note(address, suspected_old_note(suspected[address])))
        elif address not in declared and live.id not in alike:
            removal = removal_of_undeclared(entry, live, app.prune, context, scope.app_id)
        shown_as = placement_address(app.address, live.name)
        yield Undeclared(entry, live, removal, _is_pruned(entry, app.prune), shown_as)


def _assess_without_app(app: DesiredApp, context: DiffContext) -> Iterator[Assessment]:
    """The placements of an app that is not there: gone with it where they were applied, else still to be made."""
    blocks, entries = app.placements or (), context.entries(app.address)
    resolutions = resolve_placements(blocks, app.address, (), entries)
    scope = Scope({"coppa": app.fields.get("coppa", False)}, "", {}, frozenset())
    for block in blocks:
        yield _assess_placement(block, resolutions[block.address], entries, scope, context)
    named = {block.address for block in blocks} | {_former_address(block) for block in blocks}
    for address, entry in entries.items():
        if entry.kind == "placement" and address not in named:
            yield NotListed(address, None, FORGOTTEN)


def _assess_unmanaged(
    app: DesiredApp, live_app: LiveResource, listed: Iterable[LiveResource] | None, context: DiffContext
) -> Iterator[Assessment]:
    """The owned placements of an app whose block declares none: nothing of them is managed, and each gets a note.

    So is one whose block moved to another app: a placement stays in the app that it was made in. `listed` is None where
    the list of the app's placements was not read, for which there is no other need.
    """
    by_id = {each.id: each for each in listed or ()}
    for address, entry in context.entries(app.address).items():
        if entry.kind == "app":
            continue
        live, note = by_id.get(entry.id), Note(address, LEFT_ALONE)
        if live is not None:
            yield Undeclared(entry, live, RemovalStage(note))
        elif listed is None:
            yield NotListed(address, note, None)
        else:
            yield NotListed(address, Note(address, GONE_UNMANAGED), GONE_UNMANAGED)
    if listed is not None and live_app.id in context.options.doubtful:
        yield IncompleteList(app.address)


def _assess_removed_app(
    address: Address, app: LiveResource, removal: RemovalStage | None, prune: Prune | None, context: DiffContext
) -> Iterator[Assessment]:
    """The owned placements of a live app that is being removed; `address` is the app's in the ledger."""
    listed = context.live.placements.get(app.id)
    if listed is None:
        return
    by_id = {each.id: each for each in listed}
    for entry in context.entries(address).values():
        if entry.kind == "app":
            continue
        live = by_id.get(entry.id)
        if live is None:
            yield NotListed(entry.address, None, FORGOTTEN)
        else:
            yield Undeclared(entry, live, removal_with_app(entry, live, removal), _is_pruned(entry, prune))
    if app.id in context.options.doubtful:
        yield IncompleteList(address)


def _assess_gone_apps(context: DiffContext) -> Iterator[NotListed]:
    """Entries of apps that are gone from the account and from the manifests, and of their placements."""
    declared = {app.address for app in context.desired.apps}
    live_ids = {app.id for app in context.live.apps}
    for app, entries in context.by_app.items():
        if app not in declared and app in entries and entries[app].id not in live_ids:
            yield from (NotListed(address, Forget(address), FORGOTTEN) for address in entries)


def _is_pruned(entry: LedgerEntry, prune: Prune | None) -> bool:
    return prune in ("deactivate", "delete") and not entry.protect


def _known_entry(block: DesiredPlacement, entries: Ledger) -> LedgerEntry | None:
    """What the ledger knows of a block, under its former name too."""
    former = _former_address(block)
    return entries.get(block.address) or (None if former is None else entries.get(former))


def _former_address(block: DesiredPlacement) -> Address | None:
    return None if block.renamed_from is None else placement_address(app_of(block.address), block.renamed_from)
