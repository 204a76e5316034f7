"""An audit: every resource of an account with its one class, and the numbers that come of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from reconciler.diff.change import FieldChange, Note
from reconciler.model.address import Address, address_order
from reconciler.model.desired import AcceptedDrift, Source
from reconciler.model.value import Value

Class: TypeAlias = Literal["missing", "conflict", "drift", "accepted", "pending", "unmanaged", "inSync"]

CLASSES: Final[tuple[Class, ...]] = ("missing", "conflict", "drift", "accepted", "pending", "unmanaged", "inSync")
"""The gravest first. A resource is of the gravest class that anything about it is of."""

ALARMING: Final[frozenset[Class]] = frozenset({"missing", "conflict", "drift"})
"""What somebody did in the account and nobody agreed to. The other classes are news, not alarms."""

NOTHING_THERE: Final = 100.0
"""The coverage of an account that holds nothing: nothing in it is unmanaged."""


@dataclass(frozen=True, slots=True)
class AuditedField:
    """One leaf that is not as applied, or not as declared. `change` holds its live value and the wanted one.

    `applied` is what was last applied, None also where nothing was. `acceptance` is the one that covers the leaf: in
    force where `of` is "accepted", else expired.
    """

    change: FieldChange
    of: Class
    applied: Value = None
    acceptance: AcceptedDrift | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One resource and its class. `id` is None for what was never made; `note` says what the fields do not."""

    address: Address
    id: str | None
    of: Class
    fields: tuple[AuditedField, ...] = ()
    source: Source | None = None
    note: str = ""

    @property
    def alarming(self) -> bool:
        """Whether the resource makes an audit fail."""
        return self.of in ALARMING

    @property
    def live(self) -> bool:
        """Whether the account holds the resource."""
        return self.id is not None and self.of != "missing"


@dataclass(frozen=True, slots=True)
class Audit:
    """What one look at an account has found, items in the order of addresses. `at` is ISO 8601 in UTC.

    `notes` speak of the account and of what is no resource any more. `open_since` says when an audit first saw an
    alarming item that is still open (ISO 8601), where earlier audits are remembered.
    """

    at: str
    publisher_id: str
    api: str
    items: tuple[Item, ...] = ()
    notes: tuple[Note, ...] = ()
    open_since: Mapping[Address, str] = field(default_factory=dict)

    @property
    def alarming(self) -> tuple[Item, ...]:
        """The items that make the audit fail."""
        return tuple(item for item in self.items if item.alarming)


@dataclass(frozen=True, slots=True)
class Summary:
    """How many resources are of each class; `coverage_percent` (0..100) is the managed share of the live ones."""

    drift: int = 0
    pending: int = 0
    conflict: int = 0
    accepted: int = 0
    unmanaged: int = 0
    missing: int = 0
    in_sync: int = 0
    coverage_percent: float = NOTHING_THERE

    def count(self, of: Class) -> int:
        """The number of one class."""
        return int(getattr(self, "in_sync" if of == "inSync" else of))


def summary(audit: Audit) -> Summary:
    """The audit in numbers."""
    counts = Counter(item.of for item in audit.items)
    return Summary(
        counts["drift"],
        counts["pending"],
        counts["conflict"],
        counts["accepted"],
        counts["unmanaged"],
        counts["missing"],
        counts["inSync"],
        _coverage(sum(item.live for item in audit.items), counts["unmanaged"]),
    )


def gravest(classes: Iterable[Class]) -> Class:
    """The gravest of some classes; in sync where there is none."""
    return min(classes, key=CLASSES.index, default="inSync")


def item_order(item: Item) -> tuple[tuple[str, str], str]:
    """Sort key: by address, twins by id."""
    return address_order(item.address), item.id or ""


def _coverage(live: int, unmanaged: int) -> float:
    """Percent to one decimal; 100.0 is said only where nothing is left over."""
    if not unmanaged:
        return NOTHING_THERE
    return min(round(100 * (live - unmanaged) / live, 1), 99.9)
