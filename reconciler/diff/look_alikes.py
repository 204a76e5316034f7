"""Live resources that may be a block's under another name or identity: nothing is created beside them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from reconciler.diff.change import Blocked, Note
from reconciler.diff.resolve import (
    Alike,
    AmbiguousIdentity,
    Crossed,
    Found,
    Missing,
    NotFound,
    PinNotFound,
    Resolution,
    Unclear,
)
from reconciler.model.address import Address, app_of, fold, folded_app, kind_of, name_of, one_typo_apart
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import DesiredApp, DesiredPlacement, DesiredResource, LiveResource, live_app_address

LIKE: Final = 0.6
"""The least `difflib` ratio at which two names are alike: the library's own rule of thumb for a close match."""

LONGEST: Final = 120
"""Characters of a name that are compared: the cost grows with their square, and no name in use is as long."""

SHARED_FIELDS: Final = frozenset({"name", "placementType", "coppa", "status"})
"""Fields that most placements of an app share: having only these in common is no likeness."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """An owned live resource that no block names any more."""

    entry: LedgerEntry
    live: LiveResource


def suspected_renames(new: Iterable[DesiredPlacement], orphans: Iterable[Orphan]) -> Mapping[Address, LedgerEntry]:
    """For each new placement that looks like a vanished one of its app, that one; closest pairs first, each used once.

    An orphan that an earlier apply has already seen without its block is no candidate: the two did not change together.
    """
    fresh = [orphan for orphan in orphans if not orphan.entry.orphaned]
    pairs = [
        (likeness, placement.address, orphan.entry)
        for placement in new
        if not placement.lifecycle.distinct
        for orphan in fresh
        if (likeness := _likeness(placement, orphan)) >= LIKE
    ]
    suspects: dict[Address, LedgerEntry] = {}
    taken: set[Address] = set()
    for _, address, entry in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2].address)):
        if address not in suspects and entry.address not in taken:
            suspects[address] = entry
            taken.add(entry.address)
    return suspects


def _likeness(placement: DesiredPlacement, orphan: Orphan) -> float:
    """0..1: how alike the names are; 1 for a typo, and where the new block declares just what was applied before.

    The new block's names are its own and the former one that it says, which may be mistyped or written as an address.
    """
    before = orphan.entry.applied
    if placement.fields.get("placementType") != orphan.live.fields.get("placementType"):
        return 0.0
    telling = {name: value for name, value in placement.fields.items() if name not in SHARED_FIELDS}
    if telling and all(before.get(name) == value for name, value in telling.items()):
        return 1.0
    old, names = name_of(orphan.entry.address), [name_of(placement.address)]
    if placement.renamed_from is not None:
        names.append(placement.renamed_from.removeprefix(f"{app_of(placement.address)}/"))
    if any(fold(old) == fold(name) or one_typo_apart(fold(old), fold(name)) for name in names):
        return 1.0
    return max(SequenceMatcher(None, old[:LONGEST], name[:LONGEST]).ratio() for name in names)


def suspected_apps(
    new: Iterable[DesiredApp], orphans: Mapping[Address, LiveResource], ledger: Ledger
) -> Mapping[Address, Address]:
    """For each new app that may be a vanished one under another identity, the address of that.

    `orphans` are owned live apps that no block names. One that an earlier apply has already seen without its block is
    no candidate: the two did not change together.
    """
    fresh = {address: live for address, live in orphans.items() if not ledger[address].orphaned}
    suspects = {}
    for app in new if fresh else ():
        likest = (address for address, live in fresh.items() if _is_suspected(app, live, ledger[address]))
        old = None if app.lifecycle.distinct else next(likest, None)
        if old is not None:
            suspects[app.address] = old
    return suspects


def _is_suspected(app: DesiredApp, live: LiveResource, entry: LedgerEntry) -> bool:
    """Whether an app looks like one whose block vanished: by its name, or by a bundle that is the same but for a typo.

    The platform may be another one where the bundle or the name stayed.
    """
    name = app.fields.get("name")
    if name is not None and name in (live.name, entry.applied.get("name")):
        return True
    platform, bundle = folded_app(str(app.fields["platform"]), str(app.fields["bundle"]))
    old_platform, old_bundle = folded_app(str(live.fields.get("platform", "")), str(live.fields.get("bundle", "")))
    return bundle == old_bundle or (platform == old_platform and one_typo_apart(bundle, old_bundle))


def suspected_app(app: DesiredApp, old: Address, resource: LiveResource) -> Blocked:
    """A new app that may be one whose block vanished: nothing can change an app's platform and bundle."""
    reason = (
        f"suspected new identity of {old} (id {resource.id}), which no manifest names any more: platform and bundle "
        "cannot be changed; put the old ones back, or say `lifecycle: {distinct: true}` if this is another app, "
        "or keep the old one as `state: absent` if it is to go"
    )
    return Blocked(app.address, reason, resource.id, source=app.source)


def suspected_placement(block: DesiredPlacement, old: LedgerEntry) -> Blocked:
    """A new placement that may be one whose block vanished."""
    before = name_of(old.address)
    reason = (
        f"suspected rename of {before!r} (id {old.id}), which no manifest names any more: "
        f"write `renamedFrom: {before}` here if it was renamed, `lifecycle: {{distinct: true}}` if it is another, "
        f"or keep {before!r} as `state: absent` if this is a new placement"
    )
    return Blocked(block.address, reason, old.id, source=block.source)


def suspected_old_note(suspect: Address) -> str:
    """The note on the old resource while a new block is suspected to mean it."""
    return f"no manifest names it any more; it stays as it is while {suspect} may be it under another identity"


def unresolved_block(block: DesiredResource, resolution: NotFound | Missing | Unclear) -> Blocked:
    """A block that stands for nothing that can be named with certainty."""
    pin = pin_of(block.address)
    known: str | None = None
    match resolution:
        case NotFound(Alike(nameless=(_, *_) as nameless)):
            text = _nameless_reason(block, nameless)
        case NotFound(alike):
            text = _look_alike_reason(block, alike.free)
        case Missing(known, Alike(free=(_, *_) as free)):
            text = (
                f"missing: id {known} is in the ledger but no longer in the account; {_look_alike_reason(block, free)}"
            )
        case Missing(known, taken_by=str() as other):
            text = (
                f"the ledger knows it as id {known}, which {other} pins: take this block away if the two are one; "
                "otherwise --recreate makes it as another, and so does the plan after this apply"
            )
        case Missing(known):
            text = (
                f"missing: id {known} is in the ledger but no longer in the account; "
                "--recreate makes it again under a new id, `state: absent` lets it go"
            )
        case PinNotFound(known):
            text = f"the pinned {pin} {known} is not there; correct the pin, or remove it to go by name"
        case AmbiguousIdentity(ids):
            text = ambiguity_reason(pin, ids)
        case Crossed(known):
            text = crossing_reason(pin, resolution)
    return Blocked(block.address, text, known, source=block.source)


def look_alikes(blocks: Iterable[DesiredResource], resolutions: Mapping[Address, Resolution]) -> frozenset[str]:
    """Ids of live resources that look like blocks without one: they stay as they are until a block pins them."""
    present = [resolutions[block.address] for block in blocks if block.state == "present"]
    lost = [found.alike for found in present if isinstance(found, NotFound | Missing)]
    return frozenset(each.id for alike in lost for each in (*alike.free, *alike.nameless))


def pin_of(address: Address) -> str:
    """The key by which a block is pinned to a live id."""
    return "appId" if kind_of(address) == "app" else "placementId"


def ambiguity_reason(pin: str, ids: Iterable[str]) -> str:
    """Why one of several live resources has to be pinned."""
    return f"live ids {' and '.join(ids)} could both be meant; pin one with {pin}"


def crossing_reason(pin: str, crossed: Crossed) -> str:
    """Why the ids in the ledger cannot be trusted for a block."""
    return (
        f"the ledger knows it as id {crossed.id}, but id {crossed.carrier}, which the ledger knows as {crossed.other}, "
        "is called so: either they were renamed in the account, or the ids in the ledger are mixed up; "
        f"say in each block which it is with {pin}"
    )


def identity_contradiction(entry: LedgerEntry, live: LiveResource) -> str | None:
    """That an app has another identity than its entry says, which no app can change; None where it has not.

    The spelling makes no difference, nor does what the account is known to keep.
    """
    platform, _, bundle = entry.address.partition(":")
    applied_identity = (str(entry.kept.get("platform", platform)), str(entry.kept.get("bundle", bundle)))
    live_identity = str(live.fields.get("platform", platform)), str(live.fields.get("bundle", bundle))
    if folded_app(*live_identity) in {folded_app(*applied_identity), folded_app(platform, bundle)}:
        return None
    return (
        f"the ledger knows it as id {live.id}, which is {live_app_address(live)}: a bundle cannot be changed, so "
        "the ids in the ledger are mixed up, or another account's"
    )


def _look_alike_reason(block: DesiredResource, free: Sequence[LiveResource]) -> str:
    """The text that names live resources that look like a block without one, with both remedies."""
    one, *more = free
    what, pin = ("app" if one.kind == "app" else "placement"), pin_of(block.address)
    if more:
        way = f"look like it; pin the one that it is with `{pin}`"
    else:
        way = f"looks like it; pin it with `{pin}: {json.dumps(one.id)}` if it is the same"
    return f"live {_ids_and_names(free)} {way}, or say `lifecycle: {{distinct: true}}` if this is another {what}"


def _nameless_reason(block: DesiredResource, nameless: Sequence[LiveResource]) -> str:
    """The text that names live resources whose name cannot be read, any of which may be the block's."""
    pin = pin_of(block.address)
    described = " and ".join(f"id {each.id} ({each.why_unreadable()})" for each in nameless)
    what = "identity" if nameless[0].kind == "app" else "name"
    return (
        f"not found, and the {what} of live {described} cannot be read: nothing is created beside what may be it; "
        f"look at it in the console, and pin it with `{pin}` in the block that it belongs to"
    )


def nameless_notes(resource: LiveResource, address: Address) -> Iterator[Note]:
    """The note on a live resource without a block whose identity cannot be read."""
    if resource.is_nameless:
        why = resource.why_unreadable()
        text = f"live {resource.kind} id {resource.id} has no readable identity ({why}): nothing is made in its place"
        yield Note(address, text)


def unknown_former_notes(block: DesiredPlacement, resolution: Resolution) -> Iterator[Note]:
    """That a placement is made new although its block says that it was renamed: nothing has the former name."""
    is_new = isinstance(resolution, NotFound) and not (resolution.alike.free or resolution.alike.nameless)
    if is_new and block.state == "present" and block.renamed_from is not None:
        former = ascii(block.renamed_from)
        text = f"no placement of the app is called {former}, which renamedFrom names, so nothing is renamed"
        yield Note(block.address, text)


def unreadable_reason(resource: LiveResource, fields: Iterable[str]) -> str | None:
    """Why a live resource cannot be judged, where one of the fields is not readable; None where all are."""
    why = resource.why_unreadable(*fields)
    if not why:
        return None
    return f"id {resource.id} cannot be judged, the account's answer is not readable there: {why}; it stays as it is"


def _ids_and_names(resources: Iterable[LiveResource]) -> str:
    """Ids, and what the resources are called, with characters that cannot be seen spelled out."""
    return " and ".join(f"id {each.id} ({_name_text(each)})" for each in resources)


def _name_text(resource: LiveResource) -> str:
    fields = resource.fields
    return ascii(resource.name if resource.kind == "placement" else f"{fields.get('platform')}:{fields.get('bundle')}")


def look_alike_notes(block: DesiredResource, resolution: Resolution) -> Iterator[Note]:
    """Live resources that come close to what a block stands for, and are left as they are."""
    if isinstance(resolution, Found) and not (resolution.archived or resolution.doubles):
        return
    kind, pin = kind_of(block.address), pin_of(block.address)
    same = "this identity" if kind == "app" else "this name"
    match resolution:
        case Found(live, archived=(_, *more) as ids):
            others = f"inactive ids {', '.join(ids)} have" if more else f"inactive id {ids[0]} has"
            text = f"the active id {live.id} is taken for it; {others} {same} too, left unmanaged"
            yield Note(block.address, f"{text}: keep them apart with `{pin}: {json.dumps(live.id)}`")
        case Found(live, doubles=(_, *more) as ids):
            others = (
                f"other live {kind}s, ids {', '.join(ids)}, have" if more else f"another live {kind}, id {ids[0]}, has"
            )
            yield Note(block.address, f"{others} {same} too; the ledger knows id {live.id}")
        case NotFound(Alike((_, *_) as free)) | Missing(alike=Alike((_, *_) as free)) if block.state == "absent":
            text = f"declared absent, and not there under this name; live {_ids_and_names(free)} looks like it"
            yield Note(block.address, f"{text}: pin it with {pin} if it is meant")
        case _:
            pass
