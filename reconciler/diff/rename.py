"""Suspected renames: a name that vanishes from the manifest while a like one appears in the same app.

Taken at its word, that is a new placement beside an old one whose id sits in shipped apps. A block that says
`renamedFrom`, or a tombstone for the old name, tells which was meant.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from reconciler.model.address import Address, name_of
from reconciler.model.desired import DesiredPlacement
from reconciler.model.ledger import LedgerEntry
from reconciler.model.value import Fields

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
    live: Fields


def suspected_renames(new: Iterable[DesiredPlacement], orphans: Iterable[Orphan]) -> Mapping[Address, LedgerEntry]:
    """For each new placement that looks like a vanished one of its app, that one; likest pairs first, each used once.

    An orphan that an earlier apply has already seen without its block is no candidate: the two did not change together.
    """
    fresh = [orphan for orphan in orphans if not orphan.entry.orphaned]
    pairs = [
        (likeness, placement.address, orphan.entry)
        for placement in new
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
    """0..1: how alike the names are, or 1 where the new block declares just what was applied to the old one."""
    before = orphan.entry.applied
    if placement.fields.get("placementType") != orphan.live.get("placementType"):
        return 0.0
    telling = {name: value for name, value in placement.fields.items() if name not in SAID_BY_ALL}
    if telling and all(before.get(name) == value for name, value in telling.items()):
        return 1.0
    old, new = name_of(orphan.entry.address), name_of(placement.address)
    return SequenceMatcher(None, old[:LONGEST], new[:LONGEST]).ratio()
