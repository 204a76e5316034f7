"""The plan: what an apply would do, and what it rests on."""

from collections import Counter
from dataclasses import dataclass

from reconciler.diff.change import Change, Held, Note, Unmanaged, action_of
from reconciler.diff.verdict import Reconciliation
from reconciler.model.address import Address
from reconciler.model.ledger import LedgerEntry


@dataclass(frozen=True, slots=True)
class Origin:
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

    origin: Origin
    changes: tuple[Change, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    notes: tuple[Note, ...] = ()
    remember: tuple[LedgerEntry, ...] = ()
    forget: tuple[Address, ...] = ()
    unchanged: int = 0
    owned: int = 0
    held: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """How many changes of each action a plan has, how many are held, and how many resources it leaves alone."""

    create: int = 0
    update: int = 0
    deactivate: int = 0
    delete: int = 0
    blocked: int = 0
    held: int = 0
    unchanged: int = 0
    unmanaged: int = 0


def build(reconciliation: Reconciliation, origin: Origin) -> Plan:
    """The plan for what reconciling found."""
    return Plan(
        origin,
        reconciliation.changes,
        reconciliation.unmanaged,
        reconciliation.notes,
        reconciliation.remember,
        reconciliation.forget,
        len(reconciliation.in_sync),
        reconciliation.owned,
        reconciliation.held,
    )


def summary(plan: Plan) -> Summary:
    """The plan in numbers."""
    counts = Counter(action_of(change) for change in plan.changes)
    return Summary(
        create=counts["create"],
        update=counts["update"],
        deactivate=counts["deactivate"],
        delete=counts["delete"],
        blocked=counts["blocked"],
        held=len(plan.held),
        unchanged=plan.unchanged,
        unmanaged=len(plan.unmanaged),
    )
