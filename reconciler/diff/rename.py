"""Suspected changes of identity: what vanishes from the manifests while something like it appears in them.

Taken at its word, that is a new app or placement beside an old one whose id sits in shipped apps, and with `prune` the
end of the old one. Neither is done until a block says which was meant: by `renamedFrom` (placements), by a tombstone
for the old one, or by `lifecycle: {distinct: true}`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from reconciler.diff.change import Blocked
from reconciler.model.address import Address, app_of, name_of
from reconciler.model.desired import DesiredApp, DesiredPlacement
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.likeness import fold, folded_app, one_typo_apart
from reconciler.model.live import LiveResource

LIKE: Final = 0.6
"""The least `difflib` ratio at which two names are alike: the library's own rule of thumb for a close match."""

LONGEST: Final = 120
"""Characters of a name that are compared: the cost grows with their square, and no name in use is as long."""

SAID_BY_ALL: Final = frozenset({"name", "placementType", "coppa", "status"})
"""Fields that most placements of an app share: having only these in common is no likeness."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """An owned live resource that no block names any more."""

    entry: LedgerEntry
    live: LiveResource


def suspected_renames(new: Iterable[DesiredPlacement], orphans: Iterable[Orphan]) -> Mapping[Address, LedgerEntry]:
    """For each new placement that looks like a vanished one of its app, that one; likest pairs first, each used once.

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
    telling = {name: value for name, value in placement.fields.items() if name not in SAID_BY_ALL}
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
    found = {}
    for app in new if fresh else ():
        likest = (address for address, live in fresh.items() if _may_be(app, live, ledger[address]))
        old = None if app.lifecycle.distinct else next(likest, None)
        if old is not None:
            found[app.address] = old
    return found


def _may_be(app: DesiredApp, live: LiveResource, entry: LedgerEntry) -> bool:
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


def left_while_suspected(suspect: Address) -> str:
    """What is told of the vanished one."""
    return f"no manifest names it any more; it stays as it is while {suspect} may be it under another identity"
