"""A known app and its live placements -> what is to become of its blocks."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from reconciler.adopt.difference import Difference, difference
from reconciler.adopt.fresh import Fresh, fresh_placement, sort_out
from reconciler.adopt.value_edits import block_edits, tier_name
from reconciler.adopt.wishes import Wish
from reconciler.diff.assessment import entry_of
from reconciler.diff.change import FieldChange, Note
from reconciler.diff.context import orphan_placements, suspected_placements
from reconciler.diff.creates import earlier_creates
from reconciler.diff.identity import Alike, AmbiguousMatch, Crossed, Found, Missing, NotFound, PinNotFound, Resolution
from reconciler.diff.rename import suspected_placement
from reconciler.diff.resolve import resolve_placements
from reconciler.diff.unclear import ambiguity, asides, crossing, look_alikes, unresolved
from reconciler.manifest.edit.changes import AddEntry, AddItem, Edit, Path, SetValue, Unwritable
from reconciler.manifest.edit.locate import block_along, finding_of
from reconciler.manifest.edit.sites import Site
from reconciler.manifest.edit.spans import Tree, spans
from reconciler.manifest.node import node_at
from reconciler.manifest.parse import parse
from reconciler.manifest.settings import Settings
from reconciler.model.address import Address, app_of, kind_of, placement_address
from reconciler.model.desired import DesiredApp, DesiredResource
from reconciler.model.diagnostic import Finding
from reconciler.model.journal import PastCreates
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveResource
from reconciler.model.value import Fields

Place: TypeAlias = tuple[str, Path]


@dataclass(slots=True)
class Desk:
    """What known apps are looked at with, the ledger by app, and what comes together meanwhile: wishes by file.

    `past` is what the journal says of creates. `theirs` takes what is live where the manifest has moved, too.
    """

    settings: Settings
    entries: Mapping[Address, Ledger]
    today: date
    sites: Mapping[Address, Site]
    past: PastCreates
    theirs: bool = False
    wishes: dict[str, list[Wish]] = field(default_factory=dict)
    added: list[Address] = field(default_factory=list)
    changes: list[tuple[Address, FieldChange]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    held: list[Finding] = field(default_factory=list)
    trees: dict[str, Tree] = field(default_factory=dict)

    def known(self, app: Address) -> Ledger:
        """What the ledger holds of an app and its placements."""
        return self.entries.get(app, {})

    def tree(self, site: Site) -> Tree:
        """The tree of the file that a block stands in."""
        if site.text.file not in self.trees:
            self.trees[site.text.file] = spans(site.text.data.decode("utf-8-sig"))
        return self.trees[site.text.file]

    def wish(self, site: Site, wish: Wish) -> None:
        """Ask for a change of the file that a block stands in."""
        self.wishes.setdefault(site.text.file, []).append(wish)


def known_app(app: DesiredApp, live: LiveResource, listed: Sequence[LiveResource], desk: Desk) -> None:
    """Ask for what brings the blocks of an app up to what is live. Tombstones stay as they are."""
    if app.state == "absent":
        desk.notes.append(Note(app.address, "declared absent: it and its placements are left alone"))
        return
    found: dict[Place, list[tuple[DesiredResource, Difference]]] = {}
    _look(app, Found(live), found, desk)
    if app.placements is None:
        if listed:
            text = "its block says nothing of placements, so none are managed; write `placements: []` to adopt them"
            desk.notes.append(Note(app.address, text))
    else:
        resolutions = resolve_placements(app.placements, app.address, listed, desk.known(app.address))
        for block in app.placements:
            if block.state == "present":
                _look(block, resolutions[block.address], found, desk)
        claimed = {each.live.id for each in resolutions.values() if isinstance(each, Found)}
        claimed |= look_alikes(app.placements, resolutions) | _suspected(app, listed, resolutions, claimed, desk)
        left, notes = earlier_creates(app.placements, resolutions, listed, desk.past)
        desk.notes += notes
        claimed |= left
        _add(app, [each for each in listed if each.id not in claimed], desk)
    for blocks in found.values():
        _ask(blocks, desk)


def _suspected(
    app: DesiredApp,
    listed: Sequence[LiveResource],
    resolutions: Mapping[Address, Resolution],
    claimed: Container[str],
    desk: Desk,
) -> frozenset[str]:
    """Ids of owned placements that a block without one may be under another name, each told: no block is written."""
    orphans = orphan_placements(app, listed, claimed, desk.known(app.address))
    suspects = suspected_placements(app, resolutions, orphans)
    desk.notes += (
        Note(block.address, suspected_placement(block, suspects[block.address]).reason)
        for block in app.placements or ()
        if block.address in suspects
    )
    return frozenset(entry.id for entry in suspects.values())


def _look(
    block: DesiredResource,
    resolution: Resolution,
    found: dict[Place, list[tuple[DesiredResource, Difference]]],
    desk: Desk,
) -> None:
    """Note what a block and the account do not agree on; the tiers of a waterfall come together."""
    desk.notes += asides(block, resolution)
    match resolution:
        case NotFound(Alike((_, *_)) | Alike(nameless=(_, *_))) | Missing(alike=Alike((_, *_))):
            desk.notes.append(Note(block.address, unresolved(block, resolution).reason))
        case Missing(lost, taken_by=None):
            desk.notes.append(Note(block.address, f"id {lost} is no longer in the account; its block stays"))
        case PinNotFound(pin):
            desk.notes.append(Note(block.address, f"the pinned id {pin} is not in the account; its block stays"))
        case AmbiguousMatch(ids):
            desk.notes.append(Note(block.address, ambiguity("placementId", ids)))
        case Crossed():
            desk.notes.append(Note(block.address, crossing("placementId", resolution)))
        case Found(live) if _is_being_renamed(block, live):
            desk.notes.append(Note(block.address, "its rename is not applied yet: it is left alone"))
        case Found(live):
            entry = entry_of(block.address, resolution, desk.known(app_of(block.address)))
            differs, notes = difference(block, live, entry, desk.today, theirs=desk.theirs)
            desk.notes += notes
            if differs is not None:
                site = desk.sites[block.address]
                depth = 5 if "tiers" in site.path else len(site.path)
                found.setdefault((site.text.file, site.path[:depth]), []).append((block, differs))
        case NotFound() | Missing():
            pass


def _is_being_renamed(block: DesiredResource, live: LiveResource) -> bool:
    old = None if isinstance(block, DesiredApp) else block.renamed_from
    return old is not None and live.name == old and block.fields["name"] != old


def _ask(blocks: Iterable[tuple[DesiredResource, Difference]], desk: Desk) -> None:
    """One wish for blocks that belong together."""
    edits: list[Edit] = []
    declares: dict[Address, Fields] = {}
    moves: dict[Address, Address] = {}
    first: Site | None = None
    for block, differs in blocks:
        site = desk.sites[block.address]
        try:
            edits += _edits(site, differs, desk)
        except Unwritable as wrong:
            desk.held.append(finding_of(wrong, site.text.file, block.address))
            continue
        first = first or site
        declares[differs.becomes] = {**block.fields, **differs.values}
        moves[block.address] = differs.becomes
        desk.changes += [(differs.becomes, change) for change in differs.changes]
    if first is not None:
        desk.wish(first, Wish(next(iter(moves)), tuple(edits), declares, moves))


def _edits(site: Site, differs: Difference, desk: Desk) -> list[Edit]:
    values, groups = dict(differs.values), desk.settings.country_groups
    if "name" in values and "tiers" in site.path:
        ladder = node_at(_document(site), site.path[1:5])
        tier = tier_name(str(ladder["name"]), differs.becomes)
        if tier is None:
            message = f"its live name does not begin with the waterfall's, {ladder['name']}"
            raise Unwritable(site.place, "edit-layout", message, "give it a block of its own")
        values["name"] = tier
    span = block_along(desk.tree(site), site.path)
    kind = kind_of(differs.address)
    return block_edits(site.path, site.raw, span, kind, values, groups)


def _document(site: Site) -> Any:
    return parse(site.text).documents[int(site.path[0])].value


def _add(app: DesiredApp, strangers: Sequence[LiveResource], desk: Desk) -> None:
    """Ask for blocks for the live placements that no block stands for."""
    found = [(placement_address(app.address, each.name), each) for each in strangers]
    shortlist = sort_out(found, (each.address for each in app.placements or ()), desk.known(app.address))
    desk.notes += shortlist.notes
    new: list[Fresh] = []
    for _, live, pinned in shortlist.chosen:
        fresh, notes = fresh_placement(live, app.address, desk.settings, pinned=pinned)
        desk.notes += notes
        if fresh is not None:
            new.append(fresh)
    if not new:
        return
    site = desk.sites[app.address]
    path = (*site.path, "placements")
    desk.added += [fresh.address for fresh in new]
    if site.raw.get("placements"):
        for fresh in new:
            desk.wish(site, Wish(fresh.address, (AddItem(path, fresh.block),), {fresh.address: fresh.declares}, {}))
        return
    blocks = [fresh.block for fresh in new]
    edit: Edit = SetValue(path, blocks) if "placements" in site.raw else AddEntry(site.path, "placements", blocks)
    desk.wish(site, Wish(app.address, (edit,), {fresh.address: fresh.declares for fresh in new}, {}))
