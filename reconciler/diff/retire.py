"""Removal: tombstones and pruning. Nothing is deleted that was not inactive for the whole quarantine before."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from reconciler.diff.change import Blocked, Change, Deactivate, Delete, Held, Note
from reconciler.model.address import Address, kind_of
from reconciler.model.checked import instant
from reconciler.model.desired import Source
from reconciler.model.ledger import LedgerEntry
from reconciler.model.live import LiveResource

Retirement: TypeAlias = Change | Held | Note

STOPS_APP: Final = "this stops every ad request of the app, and deletes its experiments that have not begun"
"""What the vendor does when an app is set inactive; only the first half can be taken back."""

SHORTER_QUARANTINE: Final = "an apply after that, or a smaller safety.quarantineDays"


@dataclass(frozen=True, slots=True)
class Retiring:
    """One live resource on its way out: why, what the ledger knows, and whether it may end in a delete."""

    address: Address
    live: LiveResource
    reason: str
    entry: LedgerEntry | None
    may_delete: bool
    source: Source | None = None


def retire(going: Retiring, now: datetime, quarantine_days: float) -> tuple[Retirement, LedgerEntry | None]:
    """The next step of a removal, and the ledger entry to remember when there is none to take yet.

    Active: deactivate. Inactive for less than the quarantine, or for a time nobody knows: the delete is held, from now
    on where unknown. Inactive for longer: delete.
    """
    if going.live.fields.get("status") != "inactive":
        return _deactivate(going), still_known(going.entry, going.live)
    if not going.may_delete:
        marked = None if going.entry is None else replace(going.entry, orphaned=going.source is None)
        return Note(going.address, f"{going.reason}; it is inactive already"), marked
    since = going.entry.inactive_since if going.entry is not None else None
    started = instant(since) if since is not None else now
    over = started + timedelta(days=quarantine_days)
    delete = Delete(*_facts(going, going.reason))
    if now >= over:
        return delete, None
    why = f"{going.reason}; inactive, in quarantine until {over:%Y-%m-%d %H:%M} UTC"
    return Held(delete, "quarantineDays", why, SHORTER_QUARANTINE), _remembered(going, started)


def still_known(entry: LedgerEntry | None, live: LiveResource) -> LedgerEntry | None:
    """The entry; without its quarantine where the resource is active again, as that has to begin anew then."""
    if entry is None or live.fields.get("status") == "inactive":
        return entry
    return replace(entry, inactive_since=None)


def _deactivate(going: Retiring) -> Deactivate:
    reason = going.reason
    if kind_of(going.address) == "app":
        reason += f"; {STOPS_APP}"
    return Deactivate(*_facts(going, reason))


def _facts(going: Retiring, reason: str) -> tuple[Address, str, str, str, str | None, Source | None]:
    return going.address, going.live.id, reason, going.live.digest(), going.live.app_id, going.source


def _remembered(going: Retiring, started: datetime) -> LedgerEntry:
    known = going.entry or LedgerEntry(going.address, going.live.id, {})
    since = started.isoformat(timespec="seconds")
    return replace(known, id=going.live.id, orphaned=going.source is None, inactive_since=since)


def protected(going: Retiring) -> Blocked:
    """A removal that protection forbids."""
    reason = f"{going.reason}, but it is protected; take `protect` out of its lifecycle and apply that first"
    return Blocked(going.address, reason, going.live.id, source=going.source)
