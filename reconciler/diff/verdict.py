"""What reconciling can say about an address, one value per statement, and the whole of it sorted by kind."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, Held, Note, Unmanaged, Update, id_of
from reconciler.model.address import Address, Kind, address_order, app_of, kind_of
from reconciler.model.ledger import Ledger, LedgerEntry


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


Verdict: TypeAlias = Change | Held | Note | Unmanaged | InSync | Remember | Forget | Contradiction


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
    contradictions: tuple[Contradiction, ...] = ()


def collect(verdicts: Iterable[Verdict], owned: int) -> Reconciliation:
    """The verdicts sorted by kind and address. What a change or a held one is about does not count as unmanaged."""
    changes: list[Change] = []
    in_sync: list[Address] = []
    unmanaged: list[Unmanaged] = []
    notes: list[Note] = []
    remember: list[LedgerEntry] = []
    forget: list[Address] = []
    held: list[Held] = []
    contradictions: list[Contradiction] = []
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
            case Contradiction():
                contradictions.append(verdict)
    touched = {(kind_of(each.address), id_of(each)) for each in (*changes, *(each.change for each in held))}
    left_alone = (each for each in unmanaged if (kind_of(each.address), each.id) not in touched)
    return Reconciliation(
        tuple(changes),
        tuple(in_sync),
        tuple(sorted(left_alone, key=lambda each: (address_order(each.address), each.id))),
        tuple(notes),
        tuple(remember),
        tuple(forget),
        owned,
        tuple(held),
        tuple(contradictions),
    )


def moved_entries(verdicts: Iterable[Verdict], ledger: Ledger) -> list[Forget]:
    """The ledger entries to be dropped because a block has taken their resource, by its pin as a rule.

    Those of a taken app's placements go with its own. Without them the ledger would hold one id twice. The entries that
    updates drop themselves are not among them.
    """
    taken: dict[tuple[Kind, str], Address] = {}
    left = set()
    for each in verdicts:
        if isinstance(each, Update | Deactivate):
            known, resource_id = ledger.get(each.address), each.id
        elif isinstance(each, Remember):
            known, resource_id = ledger.get(each.address), each.entry.id
        else:
            left |= {each.address} if isinstance(each, Forget) else set()
            continue
        if known is None or known.id != resource_id:
            taken[kind_of(each.address), resource_id] = each.address
        if isinstance(each, Update) and each.renamed_from is not None:
            left.add(each.renamed_from)
    if not (taken and ledger):
        return []
    became = {address: taken.get((entry.kind, entry.id), address) for address, entry in ledger.items()}
    found = []
    for address in ledger:
        new, app = became[address], became.get(app_of(address), address)
        if address not in left and new != address:
            found.append(Forget(address, new))
        elif address not in left and app not in {address, app_of(address)}:
            found.append(Forget(address, app))
    return found


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
        or (isinstance(each, Forget) and each.became is not None and wanted(each.became))
        or (isinstance(each, Create | Blocked) and each.address in parents)
        or (isinstance(each, Delete) and app_of(each.address) in going)
    ]
