"""The cases of an assessment, one dataclass each, and the functions that make those of blocks.

An assessment says which resource it is, what is declared, what is live, what the ledger holds, which fields differ and
why, and how far a removal has come. The plan and the drift report are both made from these values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.diff.change import Blocked, Create, Forget, Note
from reconciler.diff.compare import Comparison, compare, covers
from reconciler.diff.context import DiffContext
from reconciler.diff.creates import not_visible_yet, to_create
from reconciler.diff.look_alikes import unreadable_reason, unresolved_block
from reconciler.diff.removals import RemovalStage, removal_of_tombstone
from reconciler.diff.resolve import Found, Missing, NotFound, Unclear
from reconciler.model.address import Address
from reconciler.model.desired import DesiredPlacement, DesiredResource
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.live import LiveResource
from reconciler.model.value import Fields


@dataclass(frozen=True, slots=True)
class Matched:
    """A block that is to be there, and the live resource that it stands for.

    `entry` is what the ledger knows of this very resource, and `unread` why it cannot be judged.
    """

    block: DesiredResource
    found: Found
    entry: LedgerEntry | None
    compared: Comparison
    unread: str | None = None


@dataclass(frozen=True, slots=True)
class MatchedTombstone:
    """A block that is declared absent, and the live resource that it stands for, with its ledger entry."""

    block: DesiredResource
    found: Found
    entry: LedgerEntry | None
    removal: RemovalStage


@dataclass(frozen=True, slots=True)
class UnmatchedBlock:
    """A block that stands for no live resource, or for none with certainty.

    `entry` is what the ledger knows of it, under its former name too, and `nearest` how the live resource with that id
    compares; `unclaimed` says that it is no other block's. `step` is the block's creation or why there is none, None
    where nothing is to be there. `hidden` says that the account may not show it yet, `app_is_live` whether its app
    could show it, and `notes` belong to the step.
    """

    block: DesiredResource
    resolution: NotFound | Missing | Unclear
    entry: LedgerEntry | None
    step: Create | Blocked | None
    hidden: Blocked | None = None
    nearest: Matched | None = None
    unclaimed: bool = False
    app_is_live: bool = True
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class NotRead:
    """A block of an app whose list of placements was not read."""

    block: DesiredPlacement


@dataclass(frozen=True, slots=True)
class Undeclared:
    """An owned live resource that no block stands for.

    `removal` is None where nothing is said or done. `is_pruned` says that it is to go in the end, and `shown_as` is the
    address by which it counts as unmanaged, if so.
    """

    entry: LedgerEntry
    live: LiveResource
    removal: RemovalStage | None
    is_pruned: bool = False
    shown_as: Address | None = None


@dataclass(frozen=True, slots=True)
class UnownedResource:
    """A live resource that neither a block nor the ledger knows."""

    address: Address
    live: LiveResource


@dataclass(frozen=True, slots=True)
class NotListed:
    """An owned resource without a block that is gone, or whose list was not read; with what plan and drift report."""

    address: Address
    verdict: Forget | Note | None
    text: str | None


@dataclass(frozen=True, slots=True)
class IncompleteList:
    """A list of the account (that of apps: `""`) that left out what exists."""

    address: Address


Assessment: TypeAlias = (
    Matched | MatchedTombstone | UnmatchedBlock | NotRead | Undeclared | UnownedResource | NotListed | IncompleteList
)


@dataclass(frozen=True, slots=True)
class InBlockedApp:
    """An assessment in an app that is blocked: the audit counts it as usual, and the plan changes nothing of it."""

    app: Address
    what: Assessment


@dataclass(frozen=True, slots=True)
class Scope:
    """The list that shows a resource: the id of its app (`""` for apps), what is in it and what blocks stand for.

    `needs` are values for required fields that a block does not declare.
    """

    needs: Fields
    app_id: str
    by_id: Mapping[str, LiveResource]
    claimed: frozenset[str]


def entry_of(address: Address, found: Found, ledger: Ledger) -> LedgerEntry | None:
    """What the ledger knows of this very resource; an entry for another id says nothing about this one."""
    for entry in (ledger.get(address), ledger.get(found.renamed_from) if found.renamed_from else None):
        if entry is not None and entry.id == found.live.id:
            return entry
    return None


def matched_block(block: DesiredResource, found: Found, entry: LedgerEntry | None, context: DiffContext) -> Matched:
    """A block and the live resource that it stands for; `entry` is what the ledger knows of that."""
    live, lifecycle = found.live, block.lifecycle
    compared = compare(live.kind, block.fields, live.fields, entry, lifecycle, context.today)
    if live.is_readable:
        return Matched(block, found, entry, compared)
    looked_at = [name for name in block.fields if not covers(name, lifecycle.ignore_changes)]
    return Matched(block, found, entry, compared, unreadable_reason(live, looked_at))


def matched_tombstone(
    block: DesiredResource, found: Found, entries: Ledger, context: DiffContext, app_id: str
) -> MatchedTombstone:
    """A block declared absent and its live resource; `app_id` is the app whose list shows that (`""` for apps)."""
    entry = entry_of(block.address, found, entries)
    return MatchedTombstone(block, found, entry, removal_of_tombstone(block, found.live, entry, context, app_id))


def unmatched_block(
    block: DesiredResource,
    resolution: NotFound | Missing | Unclear,
    entry: LedgerEntry | None,
    scope: Scope,
    context: DiffContext,
    suspected: Blocked | None = None,
) -> UnmatchedBlock:
    """A block that stands for nothing; `suspected` says what it may be under another identity."""
    hidden = None if entry is None else not_visible_yet(block, entry.id, context.options)
    nearest: Matched | None = None
    match resolution:
        case Missing() if hidden is not None:
            step: Create | Blocked = hidden
        case NotFound() if suspected is not None:
            step = suspected
        case NotFound() | Missing() if isinstance(resolution, NotFound) or context.options.recreate:
            step = to_create(block, scope.needs, context.options, scope.app_id, resolution)
        case _:
            step = unresolved_block(block, resolution)
            owned = None if entry is None or isinstance(resolution, Missing) else scope.by_id.get(entry.id)
            nearest = None if owned is None else matched_block(block, Found(owned), entry, context)
    unclaimed = nearest is not None and nearest.found.live.id not in scope.claimed
    return UnmatchedBlock(block, resolution, entry, step, hidden, nearest, unclaimed)
