"""The cases of an assessment, one dataclass each, and the functions that make those of blocks, creations among them.

An assessment says which resource it is, what is declared, what is live, what the ledger holds, which fields differ and
why, and how far a removal has come. The plan and the drift report are both made from these values.

A create of unknown outcome may have been done. It is not sent again before the account can be expected to show it.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias

from reconciler.diff.change import AllInSync, Blocked, Create, FieldChange, Forget, Note, Unmanaged, Verdict
from reconciler.diff.compare import IN_SYNC, Comparison, compare, covers, leaf_pairs, with_former_lines
from reconciler.diff.context import DOUBT, DiffContext, DiffOptions
from reconciler.diff.look_alikes import pin_of, unreadable_reason, unresolved_block
from reconciler.diff.removals import RemovalStage, removal_of_tombstone
from reconciler.diff.resolve import Found, Missing, NotFound, Resolution, Unclear
from reconciler.model.address import Address, Kind, app_of, kind_of
from reconciler.model.field import REQUIRED_TO_CREATE
from reconciler.model.journal import PastCreates, UnclearCreate
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.settled import JsonFields, Outline, SettledPlacements
from reconciler.model.state import DesiredApp, DesiredPlacement, DesiredResource, LiveResource
from reconciler.model.value import ABSENT, Fields


def to_create(
    block: DesiredResource, needs: Fields, options: DiffOptions, scope: str, resolution: NotFound | Missing
) -> Create | Blocked:
    """The creation of a block; `needs` are values for required fields that the block does not declare.

    `scope` is the app id whose list would show it (`""` for apps). What is alike without being another block's holds it
    up: made beside that, it may be a second one of the same.
    """
    if resolution.alike.free or resolution.alike.nameless:
        return unresolved_block(block, resolution)
    kind = kind_of(block.address)
    send = {name: value for name, value in {**needs, **block.fields}.items() if value is not None}
    lacking = [name for name in REQUIRED_TO_CREATE[kind] if name not in send]
    if lacking:
        text = f"it does not exist yet, and {' and '.join(lacking)} must be declared to create it"
        return Blocked(block.address, text, source=block.source)
    if scope in options.doubtful:
        return Blocked(block.address, DOUBT, source=block.source)
    changes = [
        FieldChange(path, None, after, "pending")
        for name in sorted(send)
        for path, _, after in leaf_pairs(name, ABSENT, send[name])
    ]
    return Create(
        block.address,
        block.source,
        tuple(changes),
        send,
        block.fields,
        app_id=scope or None,
        protect=block.lifecycle.protect,
        reason=None if isinstance(resolution, NotFound) else f"made again: {_loss_reason(resolution)}",
        distinct=block.lifecycle.distinct,
        beside=resolution.alike.claimed,
    )


def not_visible_yet(block: DesiredResource, resource_id: str, options: DiffOptions) -> Blocked | None:
    """A block whose resource was made moments ago and never shown: the account's reads may lag behind its writes.

    None where that is not so, and it counts as missing.
    """
    made = options.hidden_since(kind_of(block.address), resource_id)
    if made is None:
        return None
    text = (
        f"not visible yet: id {resource_id} was made at {made:%H:%M:%S} UTC, and the account does not show it so far; "
        "nothing is made in its place, plan again later"
    )
    return Blocked(block.address, text, resource_id, source=block.source)


def _loss_reason(missing: Missing) -> str:
    return f"id {missing.id} is {missing.taken_by} now" if missing.taken_by else f"id {missing.id} is gone"


def without_unclear_creates(
    verdicts: Sequence[Verdict | AllInSync], context: DiffContext
) -> Iterator[Verdict | AllInSync]:
    """The verdicts, with those creates blocked that an earlier run may have done already.

    That is so where an id that it may have made is live and nobody's, and where the list does not show other things
    that were made lately. Before its time is over a create says from when on it may be sent.
    """
    unmanaged: dict[Kind, set[str]] = {"app": set(), "placement": set()}
    for each in verdicts:
        if isinstance(each, Unmanaged):
            unmanaged[kind_of(each.address)].add(each.id)
    blocked: set[Address] = set()
    for each in verdicts:
        if not isinstance(each, Create):
            yield each
            continue
        reason = _block_reason(each, unmanaged[kind_of(each.address)], context)
        if reason is not None:
            blocked.add(each.address)
        elif app_of(each.address) in blocked:
            reason = f"its app {app_of(each.address)} is blocked"
        yield _with_wait_reason(each, context) if reason is None else Blocked(each.address, reason, source=each.source)


def _block_reason(change: Create, unmanaged: set[str], context: DiffContext) -> str | None:
    unclear = context.options.past.unclear.get(change.address)
    if unclear is None:
        return None
    suspects = [] if change.distinct else _possibly_made_ids(unclear, _listed_ids(change, context), unmanaged)
    if suspects:
        return _adopt_or_distinct(change.address, suspects)
    if any(_recently_made_and_hidden(change, context)):
        return (
            "an earlier create of it was not answered clearly, and the account's list does not show other things yet "
            "that were made since; plan again later"
        )
    return None


def _possibly_made_ids(known: UnclearCreate, listed: frozenset[str], unmanaged: Container[str]) -> list[str]:
    """Unmanaged live ids that an earlier create may have made: its suspects, and ids that are new since it was sent."""
    new = frozenset() if known.before is None else listed - known.before
    return sorted(each for each in {*known.suspects, *new} if each in unmanaged)


def earlier_creates(
    blocks: Iterable[DesiredResource],
    resolutions: Mapping[Address, Resolution],
    listed: Iterable[LiveResource],
    past: PastCreates,
) -> tuple[frozenset[str], list[Note]]:
    """Live ids that earlier creates of blocks without a live resource may have made, and a note for each such block.

    To adopt one as something else would let its block be created once more.
    """
    ids = frozenset(each.id for each in listed)
    free = ids - {each.live.id for each in resolutions.values() if isinstance(each, Found)}
    lost = [
        block
        for block in blocks
        if isinstance(resolutions[block.address], NotFound | Missing)
        and block.state == "present"
        and not block.lifecycle.distinct
        and block.address in past.unclear
    ]
    possibly_made = {block.address: _possibly_made_ids(past.unclear[block.address], ids, free) for block in lost}
    notes = [
        Note(address, _adopt_or_distinct(address, ids_made)) for address, ids_made in possibly_made.items() if ids_made
    ]
    return frozenset(chain.from_iterable(possibly_made.values())), notes


def _adopt_or_distinct(address: Address, suspects: Iterable[str]) -> str:
    """The text that names live ids an earlier create may have made, with both remedies."""
    return (
        f"an earlier create of it was not answered clearly and may have made id {' or '.join(suspects)}: adopt "
        f"that by `{pin_of(address)}`, or write `lifecycle: {{distinct: true}}` if it is another"
    )


def _listed_ids(change: Create, context: DiffContext) -> frozenset[str]:
    """The ids in the list that would show what a create makes."""
    is_app = kind_of(change.address) == "app"
    listed = context.live.apps if is_app else context.live.placements.get(change.app_id or "", ())
    return frozenset(each.id for each in listed)


def _recently_made_and_hidden(change: Create, context: DiffContext) -> Iterable[bool]:
    """For each owned resource of the list that would show a create: whether it was made lately and is not shown."""
    kind = kind_of(change.address)
    shown = _listed_ids(change, context)
    app = app_of(change.address)
    for address, entry in context.ledger.items():
        if entry.kind == kind and (kind == "app" or app_of(address) == app) and entry.id not in shown:
            yield context.options.made_lately(kind, entry.id) is not None


def _with_wait_reason(change: Create, context: DiffContext) -> Create:
    """The create; where an earlier one may still appear in the account, with the time until which an apply waits."""
    unclear = context.options.past.unclear.get(change.address)
    settled_at = None if unclear is None else unclear.sent_at + context.options.settled_after
    if settled_at is None or settled_at <= context.options.now:
        return change
    reason = (
        f"an earlier create of it was not answered clearly: an apply looks for it until {settled_at:%H:%M:%S} UTC first"
    )
    return replace(change, reason=reason)


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
class Settled:
    """Placements of a live app that are as declared, by their places among its blocks: nothing of them was looked at.

    Of each, the ledger's `entries` have one that says the same, or none: of `unknown` ones.
    """

    app: DesiredApp
    listed: SettledPlacements
    places: Sequence[int]
    entries: Ledger
    unknown: int

    def matched(self) -> Iterator[Matched]:
        """The same, one by one."""
        blocks = self.app.placements or ()
        for block, place in ((blocks[place], place) for place in self.places):
            yield Matched(block, Found(self.listed.at(place)), self.entries.get(block.address), IN_SYNC)


def is_settled(entry: LedgerEntry | None, outline: Outline) -> bool:
    """Whether the ledger has nothing of a placement, or just what a block says that is in sync."""
    if entry is None:
        return True
    as_applied = type(entry.applied) is JsonFields and entry.applied.raw == outline.fields
    said_more = entry.unconfirmed or entry.kept or entry.orphaned or entry.inactive_since is not None
    return as_applied and not said_more and entry.protect == outline.protect


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
    declared, known = block.fields, entry
    if context.options.habits.floors_merge:
        declared = with_former_lines(declared, live.fields)
        known = None if entry is None else replace(entry, applied=with_former_lines(entry.applied, live.fields))
    compared = compare(live.kind, declared, live.fields, known, lifecycle, context.today)
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
