"""Edits of blocks whose app is live: values taken over, placements added; and earlier values written back."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from reconciler.adopt.forms import BlockDifference, block_difference
from reconciler.adopt.fresh import (
    AccountSnapshot,
    DeclaredProject,
    NewBlock,
    new_placement_block,
    shortlisted,
    without_lost,
)
from reconciler.adopt.value_edits import block_edits, tier_name
from reconciler.diff.assessment import earlier_creates, entry_of
from reconciler.diff.change import FieldChange, Note
from reconciler.diff.context import orphan_placements, suspected_placements
from reconciler.diff.look_alikes import (
    ambiguity_reason,
    crossing_reason,
    look_alike_notes,
    look_alikes,
    suspected_placement,
    unresolved_block,
)
from reconciler.diff.resolve import (
    Alike,
    AmbiguousIdentity,
    Crossed,
    Found,
    Missing,
    NotFound,
    PinNotFound,
    Resolution,
    resolve_placements,
)
from reconciler.manifest.checked_edits import (
    BlockIndex,
    BlockLocation,
    EditRequest,
    apply_requests,
    blocks_by_address,
)
from reconciler.manifest.settings import Settings
from reconciler.model.address import Address, address_order, app_of, kind_of, placement_address
from reconciler.model.diagnostic import Finding
from reconciler.model.ledger import Ledger
from reconciler.model.state import DesiredApp, DesiredResource, LiveResource
from reconciler.model.value import ABSENT, Fields
from reconciler.yaml.edits import AddEntry, AddItem, Edit, Path, SetValue, Unwritable, block_along, finding_of
from reconciler.yaml.scalar import ManifestText

BlockKey: TypeAlias = tuple[str, Path]


@dataclass(slots=True)
class EditBatch:
    """The inputs for comparing known apps, with the ledger by app, and the results: edit requests by file, notes.

    `account` is the account as it was read, with what the journal says of creates and updates.
    """

    settings: Settings
    entries: Mapping[Address, Ledger]
    today: date
    index: BlockIndex
    account: AccountSnapshot
    requests: dict[str, list[EditRequest]] = field(default_factory=dict)
    added: list[Address] = field(default_factory=list)
    changes: list[tuple[Address, FieldChange]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    rejected: list[Finding] = field(default_factory=list)

    def known(self, app: Address) -> Ledger:
        """What the ledger holds of an app and its placements."""
        return self.entries.get(app, {})

    def request(self, location: BlockLocation, request: EditRequest) -> None:
        """Add an edit request for the file of a block."""
        self.requests.setdefault(location.file, []).append(request)


def update_app(app: DesiredApp, live: LiveResource, listed: Sequence[LiveResource], batch: EditBatch) -> None:
    """Request the edits that make the blocks of an app declare what is live. Tombstones stay as they are."""
    if app.state == "absent":
        batch.notes.append(Note(app.address, "declared absent: it and its placements are left alone"))
        return
    differences: dict[BlockKey, list[tuple[DesiredResource, BlockDifference]]] = {}
    _compare_block(app, Found(live), differences, batch)
    if app.placements is None:
        if listed:
            text = "its block says nothing of placements, so none are managed; write `placements: []` to adopt them"
            batch.notes.append(Note(app.address, text))
    else:
        resolutions = resolve_placements(app.placements, app.address, listed, batch.known(app.address))
        for block in app.placements:
            if block.state == "present":
                _compare_block(block, resolutions[block.address], differences, batch)
        claimed = {each.live.id for each in resolutions.values() if isinstance(each, Found)}
        claimed |= look_alikes(app.placements, resolutions) | _note_suspected(app, listed, resolutions, claimed, batch)
        earlier, notes = earlier_creates(app.placements, resolutions, listed, batch.account.past)
        batch.notes += notes
        claimed |= earlier
        _request_new_blocks(app, [each for each in listed if each.id not in claimed], batch)
    for blocks in differences.values():
        _request_edits(blocks, batch)


def _note_suspected(
    app: DesiredApp,
    listed: Sequence[LiveResource],
    resolutions: Mapping[Address, Resolution],
    claimed: Container[str],
    batch: EditBatch,
) -> frozenset[str]:
    """Ids of owned placements that a new block may mean under another name, each with a note: they get no new block."""
    orphans = orphan_placements(app, listed, claimed, batch.known(app.address))
    suspects = suspected_placements(app, resolutions, orphans)
    batch.notes += (
        Note(block.address, suspected_placement(block, suspects[block.address]).reason)
        for block in app.placements or ()
        if block.address in suspects
    )
    return frozenset(entry.id for entry in suspects.values())


def _compare_block(
    block: DesiredResource,
    resolution: Resolution,
    differences: dict[BlockKey, list[tuple[DesiredResource, BlockDifference]]],
    batch: EditBatch,
) -> None:
    """Compare a block with the account: notes, and its entry in `differences`; tiers of a waterfall share a key."""
    batch.notes += look_alike_notes(block, resolution)
    match resolution:
        case NotFound(Alike((_, *_)) | Alike(nameless=(_, *_))) | Missing(alike=Alike((_, *_))):
            batch.notes.append(Note(block.address, unresolved_block(block, resolution).reason))
        case Missing(lost, taken_by=None):
            batch.notes.append(Note(block.address, f"id {lost} is no longer in the account; its block stays"))
        case PinNotFound(pin):
            batch.notes.append(Note(block.address, f"the pinned id {pin} is not in the account; its block stays"))
        case AmbiguousIdentity(ids):
            batch.notes.append(Note(block.address, ambiguity_reason("placementId", ids)))
        case Crossed():
            batch.notes.append(Note(block.address, crossing_reason("placementId", resolution)))
        case Found(live) if _is_being_renamed(block, live):
            batch.notes.append(Note(block.address, "its rename is not applied yet: it is left alone"))
        case Found(live):
            reset = tuple(batch.account.habits.lost_by(live)) if batch.account.habits.lost else ()
            entry = entry_of(block.address, resolution, batch.known(app_of(block.address)))
            changed, notes = block_difference(block, live, entry, batch.today, theirs=batch.account.theirs, lost=reset)
            batch.notes += notes
            if changed is not None:
                location = batch.index.location(block)
                depth = 5 if "tiers" in location.path else len(location.path)
                differences.setdefault((location.file, location.path[:depth]), []).append((block, changed))
        case NotFound() | Missing():
            pass


def _is_being_renamed(block: DesiredResource, live: LiveResource) -> bool:
    old = None if isinstance(block, DesiredApp) else block.renamed_from
    return old is not None and live.name == old and block.fields["name"] != old


def _request_edits(blocks: Iterable[tuple[DesiredResource, BlockDifference]], batch: EditBatch) -> None:
    """One request for blocks that belong together."""
    edits: list[Edit] = []
    declares: dict[Address, Fields] = {}
    moves: dict[Address, Address] = {}
    first: BlockLocation | None = None
    for block, changed in blocks:
        location = batch.index.location(block)
        try:
            edits += _block_edits(location, changed, batch)
        except Unwritable as error:
            batch.rejected.append(finding_of(error, location.file, block.address))
            continue
        first = first or location
        declares[changed.becomes] = {**block.fields, **changed.values}
        moves[block.address] = changed.becomes
        batch.changes += [(changed.becomes, change) for change in changed.changes]
    if first is not None:
        batch.request(first, EditRequest(next(iter(moves)), tuple(edits), declares, moves))


def _block_edits(location: BlockLocation, changed: BlockDifference, batch: EditBatch) -> list[Edit]:
    values, groups = dict(changed.values), batch.settings.country_groups
    if "name" in values and "tiers" in location.path:
        (waterfall,) = location.enclosing
        tier = tier_name(str(waterfall["name"]), changed.becomes)
        if tier is None:
            message = f"its live name does not begin with the waterfall's, {waterfall['name']}"
            raise Unwritable(location.place, "edit-layout", message, "give it a block of its own")
        values["name"] = tier
    written = block_along(location.tree, location.path)
    return block_edits(location.path, location.raw, written, kind_of(changed.address), values, groups)


def _request_new_blocks(app: DesiredApp, strangers: Sequence[LiveResource], batch: EditBatch) -> None:
    """Request new blocks for live placements that have none."""
    resources = [(placement_address(app.address, each.name), each) for each in strangers]
    shortlist = shortlisted(resources, (each.address for each in app.placements or ()), batch.known(app.address))
    batch.notes += shortlist.notes
    new: list[NewBlock] = []
    for address, live, pinned in shortlist.chosen:
        kept, lost = without_lost(batch.account, live, address)
        fresh, notes = new_placement_block(kept, app.address, batch.settings, pinned=pinned)
        batch.notes += [*lost, *notes]
        if fresh is not None:
            new.append(fresh)
    if not new:
        return
    location = batch.index.location(app)
    path = (*location.path, "placements")
    batch.added += [fresh.address for fresh in new]
    if location.raw.get("placements"):
        for fresh in new:
            batch.request(
                location, EditRequest(fresh.address, (AddItem(path, fresh.block),), {fresh.address: fresh.declares}, {})
            )
        return
    blocks = [fresh.block for fresh in new]
    edit: Edit = (
        SetValue(path, blocks) if "placements" in location.raw else AddEntry(location.path, "placements", blocks)
    )
    batch.request(location, EditRequest(app.address, (edit,), {fresh.address: fresh.declares for fresh in new}, {}))


@dataclass(frozen=True, slots=True)
class RestoredManifests:
    """The texts that changed, the addresses whose blocks did, and findings on what could not be written."""

    texts: tuple[ManifestText, ...] = ()
    done: tuple[Address, ...] = ()
    held: tuple[Finding, ...] = ()


def restore_fields(declared: DeclaredProject, wanted: Mapping[Address, Fields]) -> RestoredManifests:
    """The manifests with blocks that declare just the `wanted` fields, by address; all else stays as it is.

    A name stays: another one is another address.
    """
    blocks, index = blocks_by_address(declared.state.apps), BlockIndex(declared.manifests)
    requests: dict[str, list[EditRequest]] = {}
    held: list[Finding] = []
    for address in sorted(wanted, key=address_order):
        block = blocks[address]
        values = {name: new for name, new in wanted[address].items() if block.fields.get(name, ABSENT) != new}
        if not values:
            continue
        location = index.location(block)
        try:
            written = block_along(location.tree, location.path)
            groups = declared.context.settings.country_groups
            edits = block_edits(location.path, location.raw, written, kind_of(address), values, groups)
        except Unwritable as error:
            held.append(finding_of(error, location.file, address))
            continue
        declares = {address: {**block.fields, **values}}
        requests.setdefault(location.file, []).append(EditRequest(address, tuple(edits), declares, {address: address}))
    texts, done = [], []
    for text in declared.manifests:
        if text.file in requests:
            result = apply_requests(declared.context, index.tree(text.file), declared.state.apps, requests[text.file])
            held += result.rejected
            done += [request.address for request in result.done]
            if result.text != text:
                texts.append(result.text)
    return RestoredManifests(tuple(texts), tuple(sorted(done, key=address_order)), tuple(held))
