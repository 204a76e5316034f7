"""Changes and other verdicts on an address, one dataclass per case.

A change is data. It says what is live and what is wanted; how it is ordered, guarded, shown and carried out is decided
elsewhere from these values alone.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from reconciler.model.address import Address
from reconciler.model.ledger import LedgerEntry
from reconciler.model.state import Source
from reconciler.model.value import WORLDWIDE, Fields, Value, floor_table

ChangeOrigin = Literal["pending", "drift", "conflict", "unknown"]
"""Why a field differs: the manifest moved, live moved, both did, or it was never applied by us."""

Action = Literal["create", "update", "deactivate", "delete", "blocked"]

Limit = Literal["maxDeletes", "quarantineDays", "onDrift", "manifests"]
"""Settings that hold a change: until it is allowed, for a time, for drift, and for manifests that were not read."""


@dataclass(frozen=True, slots=True)
class WorldwideFloors:
    """The worldwide floors of the tables that a line is of: what holds in its country where the line is not there.

    Of the live table, the wanted one and the one last applied; None where that is not known.
    """

    before: Decimal | None = None
    after: Decimal | None = None
    applied: Decimal | None = None


_NO_FLOORS: Final = WorldwideFloors()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One leaf that differs: a dotted path (`floorPrices.US`), the live value and the wanted one.

    None stands for a line that is not there, a block that is off, or a field the account has not shown. `evidence` says
    in words what speaks for a price, where it was suggested from reports; `worldwide` what holds in place of a line of
    floors that is not there, for people to read.
    """

    path: str
    before: Value
    after: Value
    origin: ChangeOrigin
    evidence: str | None = None
    worldwide: WorldwideFloors = field(default=_NO_FLOORS, compare=False, repr=False)

    @property
    def field(self) -> str:
        """The API field the leaf belongs to."""
        return self.path.partition(".")[0]


def with_worldwide(fields: Iterable[FieldChange], sent: Value) -> tuple[FieldChange, ...]:
    """The changes of a floor table with what holds where a line is not there; `sent` is the whole table to go out."""
    changes, table = tuple(fields), floor_table(sent)
    if table is None:
        return changes
    after = table[WORLDWIDE]
    own = next((each for each in changes if each.path == f"floorPrices.{WORLDWIDE}"), None)
    before = after if own is None else own.before
    live = before if isinstance(before, Decimal) else None
    shared = WorldwideFloors(live, after)

    def of_table(line: FieldChange) -> FieldChange:
        if line.worldwide is _NO_FLOORS:
            return FieldChange(line.path, line.before, line.after, line.origin, line.evidence, shared)
        return replace(line, worldwide=replace(line.worldwide, before=live, after=after))

    return tuple(of_table(each) if each.field == "floorPrices" else each for each in changes)


@dataclass(frozen=True, slots=True)
class Create:
    """A resource no live one stands for. `send` is what goes out; `declared` what the ledger will remember.

    `app_id` is the live app a placement goes into; None for an app, and where the app is made by the same plan.
    `beside` holds ids of live resources that look like it, or are called so still, and that other blocks stand for.
    `distinct` says that its block calls it another than anything that looks like it.
    """

    address: Address
    source: Source
    fields: tuple[FieldChange, ...]
    send: Fields
    declared: Fields
    app_id: str | None = None
    protect: bool = False
    reason: str | None = None
    distinct: bool = False
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """A live resource with declared fields that differ. `observed` is the digest of the resource this rests on.

    `app_id` is the live app a placement is in, here and below; None for an app.

    `renamed_from` is the ledger address that becomes `address` when the update is done.
    """

    address: Address
    id: str
    source: Source | None
    fields: tuple[FieldChange, ...]
    send: Fields
    declared: Fields
    observed: str
    app_id: str | None = None
    protect: bool = False
    renamed_from: Address | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Deactivate:
    """A resource to be set inactive: the first half of every removal."""

    address: Address
    id: str
    reason: str
    observed: str
    app_id: str | None = None
    source: Source | None = None

    @property
    def fields(self) -> tuple[FieldChange, ...]:
        """The one field that a deactivation changes."""
        return (FieldChange("status", "active", "inactive", "pending"),)


@dataclass(frozen=True, slots=True)
class Delete:
    """A resource to be deleted for good, its quarantine over."""

    address: Address
    id: str
    reason: str
    observed: str
    app_id: str | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """Something declared that cannot or must not be done. `reason` ends with what the user can do about it."""

    address: Address
    reason: str
    id: str | None = None
    fields: tuple[FieldChange, ...] = ()
    source: Source | None = None


Change: TypeAlias = Create | Update | Deactivate | Delete | Blocked

ACTIONS: Final[dict[type, Action]] = {
    Create: "create",
    Update: "update",
    Deactivate: "deactivate",
    Delete: "delete",
    Blocked: "blocked",
}


def action_of(change: Change) -> Action:
    """The action's name in plans and results."""
    return ACTIONS[type(change)]


def id_of(change: Change) -> str | None:
    """The server's id of the resource, None where there is none yet."""
    return None if isinstance(change, Create) else change.id


@dataclass(frozen=True, slots=True)
class HeldChange:
    """A change that waits for permission or for a time: it is shown and not sent; other changes go on without it.

    `limit` is the setting that holds it, `reason` says what it waits for, and `switch` is what would allow it.
    """

    change: Update | Deactivate | Delete
    limit: Limit
    reason: str
    switch: str

    @property
    def address(self) -> Address:
        """The address of what would change."""
        return self.change.address


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader should know about an address, without a change to it."""

    address: Address
    text: str


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """A live resource that no manifest names."""

    address: Address
    id: str


@dataclass(frozen=True, slots=True)
class InSync:
    """Live is as declared, in everything declared."""

    address: Address


@dataclass(frozen=True, slots=True)
class Remember:
    """What the ledger should hold about a resource without any call being made."""

    entry: LedgerEntry

    @property
    def address(self) -> Address:
        """The entry's address."""
        return self.entry.address


@dataclass(frozen=True, slots=True)
class Forget:
    """A ledger entry whose resource is gone, or known by another address (`became`) now."""

    address: Address
    became: Address | None = None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What the ledger says of an address and the account says otherwise: its ids are mixed up, or another account's."""

    address: Address
    reason: str


@dataclass(frozen=True, slots=True)
class AllInSync:
    """So many placements of an app that are as declared, and how many of them the ledger should hold.

    `verdicts` makes the `InSync` and the `Remember` of each.
    """

    address: Address
    count: int
    remembered: int
    verdicts: Callable[[], Iterator["Verdict"]]


Verdict: TypeAlias = Change | HeldChange | Note | Unmanaged | InSync | Remember | Forget | Contradiction


def one_by_one(verdicts: Iterable[Verdict | AllInSync]) -> Iterator[Verdict]:
    """The same without any that stands for several."""
    for each in verdicts:
        if isinstance(each, AllInSync):
            yield from each.verdicts()
        else:
            yield each
