"""PURE. Journal events as JSON, and the ledger that events lead to."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.model.address import Address
from reconciler.model.ledger import LedgerEntry, entry_from_json, entry_to_json
from reconciler.model.outcome import Ended, Intent
from reconciler.model.value import fields_to_json

RUN_STARTED: Final = "run-started"
INTENT: Final = "intent"
ENDED: Final = "ended"
REMEMBERED: Final = "remembered"
FLUSHED: Final = "flushed"
RUN_ENDED: Final = "run-ended"


def intent_event(intent: Intent) -> dict[str, Any]:
    """A write about to be sent."""
    return {
        "event": INTENT,
        "address": intent.address,
        "action": intent.action,
        "id": intent.id,
        "attempt": intent.attempt,
        "before": fields_to_json(intent.before),
        "after": fields_to_json(intent.sends),
    }


def ended_event(ended: Ended) -> dict[str, Any]:
    """What came of a step."""
    result = ended.result
    return {
        "event": ENDED,
        "address": result.address,
        "action": result.action,
        "outcome": result.outcome,
        "id": result.id,
        "attempts": result.attempts,
        "error": result.error,
        "entry": None if ended.entry is None else entry_to_json(ended.entry),
        "forget": list(ended.forget),
        **({"suspects": list(ended.suspects)} if ended.suspects else {}),
    }


def remembered_event(entries: Iterable[LedgerEntry], forget: Iterable[Address]) -> dict[str, Any]:
    """Ledger entries that were brought up to what was seen."""
    return {"event": REMEMBERED, "entries": [entry_to_json(entry) for entry in entries], "forget": list(forget)}


def changes_ledger(event: Mapping[str, Any]) -> bool:
    """Whether the ledger is brought up to an event."""
    return event.get("event") in (ENDED, REMEMBERED)


def replay(ledger: dict[Address, LedgerEntry], event: Mapping[str, Any]) -> None:
    """Bring a ledger up to one event."""
    if not changes_ledger(event):
        return
    entries = [event["entry"]] if event.get("entry") else event.get("entries", ())
    bring_up(ledger, map(entry_from_json, entries), map(Address, event.get("forget", ())))


def bring_up(ledger: dict[Address, LedgerEntry], entries: Iterable[LedgerEntry], forget: Iterable[Address]) -> None:
    """Take in what is known anew, after letting go of what is no more."""
    for address in forget:
        ledger.pop(address, None)
    ledger.update((entry.address, entry) for entry in entries)
