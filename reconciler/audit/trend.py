"""Audits as they are remembered: when each alarm began, how long it was open, and how many there were each day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

from reconciler.audit.audit import CLASSES, Audit, Class
from reconciler.model.address import Address, address_order
from reconciler.model.checked import instant
from reconciler.plan.plan import Origin

AUDIT: Final = "audit"
"""The event by which stores remember an audit."""


@dataclass(frozen=True, slots=True)
class PastAudit:
    """What is remembered of an audit: when it was (UTC), and which resources it raised an alarm for."""

    at: datetime
    alarms: Mapping[Address, Class] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Episode:
    """One alarm from the first audit that saw it to the first that saw it gone; None: it is still open.

    `of` is the class it was seen in last. What the first audit of all saw began then or before.
    """

    address: Address
    of: Class
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
    """What is to be remembered of an audit, as a journal event."""
    alarms = {item.address: item.of for item in audit.alarming}
    return {"event": AUDIT, "at": audit.at, "publisherId": audit.publisher_id, "api": audit.api, "alarms": alarms}


def past_audits(events: Iterable[Mapping[str, Any]], origin: Origin) -> list[PastAudit]:
    """The audits of this account among some events, oldest first; what is not in the shape of one is passed over."""
    found = [
        PastAudit(
            instant(at),
            {Address(str(address)): of for address, of in alarms.items() if of in CLASSES},
        )
        for event in events
        if event.get("event") == AUDIT
        and (event.get("publisherId"), event.get("api")) == (origin.publisher_id, origin.api)
        and isinstance(at := event.get("at"), str)
        and isinstance(alarms := event.get("alarms"), dict)
        and _is_instant(at)
    ]
    return sorted(found, key=lambda each: each.at)


def remembered(audit: Audit) -> PastAudit:
    """The audit as it will be remembered."""
    return PastAudit(instant(audit.at), {item.address: item.of for item in audit.alarming})


def with_history(audit: Audit, past: Sequence[PastAudit]) -> Audit:
    """The audit with what earlier ones say of when its alarms began."""
    known = open_episodes(past)
    since = {item.address: known[item.address].opened_at for item in audit.alarming if item.address in known}
    return replace(audit, open_since={address: _spelled(at) for address, at in since.items()})


def open_episodes(audits: Iterable[PastAudit]) -> Mapping[Address, Episode]:
    """The alarms that are open after some audits."""
    return {each.address: each for each in episodes(audits) if each.closed_at is None}


def episodes(audits: Iterable[PastAudit]) -> list[Episode]:
    """Every alarm of some audits, oldest first."""
    known: dict[Address, Episode] = {}
    closed: list[Episode] = []
    for audit in audits:
        gone = [address for address in known if address not in audit.alarms]
        closed += [replace(known.pop(address), closed_at=audit.at) for address in gone]
        for address, of in audit.alarms.items():
            begun = known.get(address)
            known[address] = Episode(address, of, audit.at) if begun is None else replace(begun, of=of)
    return sorted([*closed, *known.values()], key=lambda each: (each.opened_at, address_order(each.address)))


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


def _spelled(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
