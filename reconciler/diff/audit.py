"""Audits: every resource of an account with its class, the counts, and the history of alarms.

Past audits are kept for their alarms: when each began, how long it was open, and how many there were each day.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, Literal, TypeAlias

from reconciler.diff.change import FieldChange, Note
from reconciler.model.address import Address, address_order
from reconciler.model.checked import instant
from reconciler.model.state import AcceptedDrift, Source
from reconciler.model.value import Value

AuditClass: TypeAlias = Literal["missing", "conflict", "drift", "accepted", "pending", "unmanaged", "inSync"]

CLASSES: Final[tuple[AuditClass, ...]] = ("missing", "conflict", "drift", "accepted", "pending", "unmanaged", "inSync")
"""The gravest first. A resource is of the gravest class that anything about it is of."""

ALARMING: Final[frozenset[AuditClass]] = frozenset({"missing", "conflict", "drift"})
"""Classes that make an audit fail: changes made in the account that nobody accepted."""

NOTHING_THERE: Final = 100.0
"""The coverage of an account that holds nothing: nothing in it is unmanaged."""


@dataclass(frozen=True, slots=True)
class AuditedField:
    """One leaf that is not as applied, or not as declared. `change` holds its live value and the wanted one.

    `applied` is what was last applied, None also where nothing was. `acceptance` is the one that covers the leaf: in
    force where `of` is "accepted", else expired.
    """

    change: FieldChange
    of: AuditClass
    applied: Value = None
    acceptance: AcceptedDrift | None = None


@dataclass(frozen=True, slots=True)
class AuditItem:
    """One resource and its class. `id` is None for what was never made; `note` says what the fields do not."""

    address: Address
    id: str | None
    of: AuditClass
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
    items: tuple[AuditItem, ...] = ()
    notes: tuple[Note, ...] = ()
    open_since: Mapping[Address, str] = field(default_factory=dict)

    @property
    def alarming(self) -> tuple[AuditItem, ...]:
        """The items that make the audit fail."""
        return tuple(item for item in self.items if item.alarming)


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """How many resources are of each class; `coverage_percent` (0..100) is the managed share of the live ones."""

    drift: int = 0
    pending: int = 0
    conflict: int = 0
    accepted: int = 0
    unmanaged: int = 0
    missing: int = 0
    in_sync: int = 0
    coverage_percent: float = NOTHING_THERE

    def count(self, of: AuditClass) -> int:
        """The number of one class."""
        return int(getattr(self, "in_sync" if of == "inSync" else of))


def summary(audit: Audit) -> AuditSummary:
    """The audit in numbers."""
    counts = Counter(item.of for item in audit.items)
    return AuditSummary(
        counts["drift"],
        counts["pending"],
        counts["conflict"],
        counts["accepted"],
        counts["unmanaged"],
        counts["missing"],
        counts["inSync"],
        _coverage(sum(item.live for item in audit.items), counts["unmanaged"]),
    )


def gravest(classes: Iterable[AuditClass]) -> AuditClass:
    """The gravest of some classes; in sync where there is none."""
    return min(classes, key=CLASSES.index, default="inSync")


def item_order(item: AuditItem) -> tuple[tuple[str, str], str]:
    """Sort key: by address, twins by id."""
    return address_order(item.address), item.id or ""


def _coverage(live: int, unmanaged: int) -> float:
    """Percent to one decimal; 100.0 only where nothing is unmanaged."""
    if not unmanaged:
        return NOTHING_THERE
    return min(round(100 * (live - unmanaged) / live, 1), 99.9)


AUDIT: Final = "audit"
"""The name of the journal event that keeps an audit."""


@dataclass(frozen=True, slots=True)
class PastAudit:
    """What is kept of an audit: its time (UTC), and the class of each resource that raised an alarm."""

    at: datetime
    alarms: Mapping[Address, AuditClass] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Episode:
    """One alarm from the first audit that saw it to the first that saw it gone; None: it is still open.

    `of` is the class it was seen in last. What the first audit of all saw began then or before.
    """

    address: Address
    of: AuditClass
    opened_at: datetime
    closed_at: datetime | None = None

    def seconds(self, now: datetime) -> float:
        """How long it was open, or has been until now."""
        return ((self.closed_at or now) - self.opened_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day with audits: how many, the alarms that began and ended in it, and those open after its last one."""

    day: date
    audits: int
    opened: int
    closed: int
    still_open: int


@dataclass(frozen=True, slots=True)
class Trend:
    """The days since `since`, and the alarms that were open in them, the oldest first."""

    since: date
    days: tuple[Day, ...]
    episodes: tuple[Episode, ...]


def audit_event(audit: Audit) -> dict[str, Any]:
    """The journal event that keeps an audit's time and alarms."""
    alarms = {item.address: item.of for item in audit.alarming}
    return {"event": AUDIT, "at": audit.at, "publisherId": audit.publisher_id, "api": audit.api, "alarms": alarms}


def past_audits(events: Iterable[Mapping[str, Any]], publisher_id: str, api: str) -> list[PastAudit]:
    """The audits of this account among some events, oldest first; what is not in the shape of one is passed over."""
    audits = [
        PastAudit(
            instant(at),
            {Address(str(address)): of for address, of in alarms.items() if of in CLASSES},
        )
        for event in events
        if event.get("event") == AUDIT
        and (event.get("publisherId"), event.get("api")) == (publisher_id, api)
        and isinstance(at := event.get("at"), str)
        and isinstance(alarms := event.get("alarms"), dict)
        and _is_instant(at)
    ]
    return sorted(audits, key=lambda each: each.at)


def past_audit(audit: Audit) -> PastAudit:
    """The part of an audit that is kept: its time and its alarms."""
    return PastAudit(instant(audit.at), {item.address: item.of for item in audit.alarming})


def with_history(audit: Audit, past: Sequence[PastAudit]) -> Audit:
    """The audit with what earlier ones say of when its alarms began."""
    open_before = open_episodes(past)
    since = {
        item.address: open_before[item.address].opened_at for item in audit.alarming if item.address in open_before
    }
    return replace(audit, open_since={address: iso_text(at) for address, at in since.items()})


def open_episodes(audits: Iterable[PastAudit]) -> Mapping[Address, Episode]:
    """The alarms that are open after some audits."""
    return {each.address: each for each in episodes(audits) if each.closed_at is None}


def episodes(audits: Iterable[PastAudit]) -> list[Episode]:
    """Every alarm of some audits, oldest first."""
    open_by_address: dict[Address, Episode] = {}
    closed: list[Episode] = []
    for audit in audits:
        gone = [address for address in open_by_address if address not in audit.alarms]
        closed += [replace(open_by_address.pop(address), closed_at=audit.at) for address in gone]
        for address, of in audit.alarms.items():
            open_episode = open_by_address.get(address)
            open_by_address[address] = (
                Episode(address, of, audit.at) if open_episode is None else replace(open_episode, of=of)
            )
    return sorted([*closed, *open_by_address.values()], key=lambda each: (each.opened_at, address_order(each.address)))


def trend(audits: Sequence[PastAudit], since: date) -> Trend:
    """The days from `since` (UTC) on, as audits saw them."""
    everything = episodes(audits)
    days = []
    for day in sorted({audit.at.date() for audit in audits if audit.at.date() >= since}):
        of_day = [audit for audit in audits if audit.at.date() == day]
        days.append(
            Day(
                day,
                audits=len(of_day),
                opened=sum(each.opened_at.date() == day for each in everything),
                closed=sum(each.closed_at is not None and each.closed_at.date() == day for each in everything),
                still_open=len(of_day[-1].alarms),
            )
        )
    shown = [each for each in everything if each.closed_at is None or each.closed_at.date() >= since]
    return Trend(since, tuple(days), tuple(shown))


def _is_instant(text: str) -> bool:
    try:
        instant(text)
    except ValueError:
        return False
    return True


def iso_text(at: datetime) -> str:
    """A time in UTC, in seconds, as documents write it: `2026-11-21T19:00:00Z`."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
