"""PURE. Journal events as JSON, and the ledger that events lead to."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.model import checked
from reconciler.model.address import Address
from reconciler.model.ledger import LedgerEntry, entry_from_json, entry_to_json
from reconciler.model.outcome import Intent, StepResult
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


def ended_event(ended: StepResult) -> dict[str, Any]:
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


def check_event(event: Mapping[str, Any]) -> None:
    """Hold what a journal holds to the forms above. Raises ValueError, or KeyError for what a ledger entry lacks."""
    kind = checked.text(event.get("event", ""))
    checked.text(event.get("run", ""))
    if "at" in event:
        checked.instant(event["at"])
    match kind:
        case "run-started":
            who = checked.objects(event.get("who") or {})
            checked.listed(checked.text, [*who.values()])
        case "intent":
            _check_step(event)
            checked.fields(event.get("before") or {})
            checked.fields(event.get("after") or {})
            checked.count(event.get("attempt") or 0)
        case "ended":
            _check_step(event)
            checked.optional(checked.text, event.get("outcome"))
            checked.optional(checked.text, event.get("error"))
            checked.count(event.get("attempts") or 0)
            checked.optional(lambda raw: entry_from_json(checked.objects(raw)), event.get("entry"))
        case "remembered":
            checked.listed(lambda raw: entry_from_json(checked.objects(raw)), event.get("entries", []))
        case _:
            pass
    checked.listed(checked.text, event.get("forget", []))
    checked.optional(checked.text, event.get("ledger"))


def _check_step(event: Mapping[str, Any]) -> None:
    checked.instant(event.get("at"))
    checked.text(event.get("address"))
    checked.text(event.get("action"))
    checked.optional(checked.identifier, event.get("id"))


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
