"""The plan: what an apply would do, and what it rests on."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from reconciler.diff.change import (
    Blocked,
    Change,
    Contradiction,
    Create,
    Deactivate,
    Delete,
    Forget,
    HeldChange,
    InSync,
    Note,
    Remember,
    Unmanaged,
    Update,
    Verdict,
    action_of,
    id_of,
)
from reconciler.model.address import Address, address_order, kind_of
from reconciler.model.ledger import LedgerEntry


@dataclass(frozen=True, slots=True)
class PlanOrigin:
    """What a plan was made from and for. `created_at` is ISO 8601 in UTC, `api` scheme and host of the API."""

    tool: str
    created_at: str
    publisher_id: str
    api: str
    manifest_digest: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order of addresses, and what a reader should know beside them.

    `remember` and `forget` bring the ledger up to what was seen, without any call. `unchanged` counts resources that
    are as declared, `owned` all live resources that blocks or the ledger stand for. `held` waits for leave or for a
    time, and is no change until then.
    """

    origin: PlanOrigin
    changes: tuple[Change, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    notes: tuple[Note, ...] = ()
    remember: tuple[LedgerEntry, ...] = ()
    forget: tuple[Address, ...] = ()
    unchanged: int = 0
    owned: int = 0
    held: tuple[HeldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """How many changes of each action a plan has, how many are held, and how many resources it leaves alone."""

    create: int = 0
    update: int = 0
    deactivate: int = 0
    delete: int = 0
    blocked: int = 0
    held: int = 0
    unchanged: int = 0
    unmanaged: int = 0


def build(verdicts: Iterable[Verdict], owned: int, origin: PlanOrigin) -> Plan:
    """The plan that verdicts come to; `owned` counts the live resources that blocks or the ledger stand for.

    What a change or a held one is about does not count as unmanaged. A contradiction is no part of a plan.
    """
    changes: list[Change] = []
    unmanaged: list[Unmanaged] = []
    notes: list[Note] = []
    remember: list[LedgerEntry] = []
    forget: list[Address] = []
    held: list[HeldChange] = []
    unchanged = 0
    for verdict in sorted(verdicts, key=lambda each: address_order(each.address)):
        match verdict:
            case InSync():
                unchanged += 1
            case Create() | Update() | Deactivate() | Delete() | Blocked():
                changes.append(verdict)
            case Remember(entry):
                remember.append(entry)
            case Unmanaged():
                unmanaged.append(verdict)
            case Note():
                notes.append(verdict)
            case HeldChange():
                held.append(verdict)
            case Forget(address):
                forget.append(address)
            case Contradiction():
                pass
            case _:
                assert_never(verdict)
    touched = {(kind_of(each.address), id_of(each)) for each in (*changes, *(each.change for each in held))}
    left_alone = (each for each in unmanaged if (kind_of(each.address), each.id) not in touched)
    return Plan(
        origin,
        tuple(changes),
        tuple(sorted(left_alone, key=lambda each: (address_order(each.address), each.id))),
        tuple(notes),
        tuple(remember),
        tuple(forget),
        unchanged,
        owned,
        tuple(held),
    )


def summary(plan: Plan) -> PlanSummary:
    """The plan in numbers."""
    counts = Counter(action_of(change) for change in plan.changes)
    return PlanSummary(
        create=counts["create"],
        update=counts["update"],
        deactivate=counts["deactivate"],
        delete=counts["delete"],
        blocked=counts["blocked"],
        held=len(plan.held),
        unchanged=plan.unchanged,
        unmanaged=len(plan.unmanaged),
    )
