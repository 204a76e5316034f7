"""What reconciling can say about an address, one value per statement, and the whole of it sorted by kind."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, Held, Note, Unmanaged, Update
from reconciler.model.address import Address, address_order, app_of, kind_of
from reconciler.model.ledger import LedgerEntry


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
    """A ledger entry whose resource is gone, or known by another address now."""

    address: Address


Verdict: TypeAlias = Change | Held | Note | Unmanaged | InSync | Remember | Forget


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Everything there is to say about an account, each list in the order of addresses.

    `owned` counts the live resources that blocks or the ledger stand for: the base of the share-of-change limit.
    """

    changes: tuple[Change, ...] = ()
    in_sync: tuple[Address, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    notes: tuple[Note, ...] = ()
    remember: tuple[LedgerEntry, ...] = ()
    forget: tuple[Address, ...] = ()
    owned: int = 0
    held: tuple[Held, ...] = ()


def collect(verdicts: Iterable[Verdict], owned: int) -> Reconciliation:
    """The verdicts sorted by kind and address."""
    changes: list[Change] = []
    in_sync: list[Address] = []
    unmanaged: list[Unmanaged] = []
    notes: list[Note] = []
    remember: list[LedgerEntry] = []
    forget: list[Address] = []
    held: list[Held] = []
    for verdict in sorted(verdicts, key=lambda each: address_order(each.address)):
        match verdict:
            case Create() | Update() | Deactivate() | Delete() | Blocked():
                changes.append(verdict)
            case Held():
                held.append(verdict)
            case InSync(address):
                in_sync.append(address)
            case Unmanaged():
                unmanaged.append(verdict)
            case Note():
                notes.append(verdict)
            case Remember(entry):
                remember.append(entry)
            case Forget(address):
                forget.append(address)
    return Reconciliation(
        tuple(changes),
        tuple(in_sync),
        tuple(sorted(unmanaged, key=lambda each: (address_order(each.address), each.id))),
        tuple(notes),
        tuple(remember),
        tuple(forget),
        owned,
        tuple(held),
    )


def select(verdicts: Iterable[Verdict], wanted: Callable[[Address], bool]) -> list[Verdict]:
    """The verdicts on the selected addresses.

    Beside them the app creations that selected new placements need, and the deletions that go with a selected app's.
    """
    everything = list(verdicts)
    parents = {
        app_of(each.address)
        for each in everything
        if isinstance(each, Create) and kind_of(each.address) == "placement" and wanted(each.address)
    }
    going = {each.address for each in everything if isinstance(each, Delete) and wanted(each.address)}
    return [
        each
        for each in everything
        if wanted(each.address)
        or (isinstance(each, Create | Blocked) and each.address in parents)
        or (isinstance(each, Delete) and app_of(each.address) in going)
    ]
