"""Steps on what exists: update, deactivate, delete.

All can be repeated safely; what counts is what is there afterwards.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from reconciler.apply.ending import read_back, result
from reconciler.apply.site import Site
from reconciler.apply.verify import Verification, contradiction, verify
from reconciler.diff.change import Deactivate, Delete, Update
from reconciler.errors import ApiError, CredentialsError
from reconciler.model.address import kind_of
from reconciler.model.ledger import LedgerEntry
from reconciler.model.live import LiveResource
from reconciler.model.outcome import Ended, Intent, Outcome
from reconciler.model.value import ABSENT, Fields
from reconciler.ports import Accepted, Ambiguous, NotSent, Rejected

Remember: TypeAlias = Callable[[Verification], LedgerEntry]

GONE: Final = (404, 410)
"""Refusals of a delete that may well mean that it is done: somebody else was first."""


def updating(change: Update, site: Site) -> Ended:
    """Send the fields of an update, and see what the account made of them."""

    def entry(seen: Verification) -> LedgerEntry:
        known = site.ledger.get(change.renamed_from or change.address)
        before = known.applied if known is not None and known.id == change.id else {}
        wrong = (seen.contradicted or {}).keys()
        applied = {name: value for name, value in change.declared.items() if name not in wrong}
        applied.update({name: before[name] for name in wrong & before.keys()})
        unshown = {name for name in known.unconfirmed if name not in change.send} if known is not None else set()
        unconfirmed = (seen.unconfirmed | unshown) & applied.keys()
        return LedgerEntry(change.address, change.id, applied, frozenset(unconfirmed), protect=change.protect)

    ended = _write(change, change.send, site, entry)
    moved = change.renamed_from is not None and ended.entry is not None
    return replace(ended, forget=(change.renamed_from,)) if moved and change.renamed_from else ended


def deactivating(change: Deactivate, site: Site) -> Ended:
    """Set a resource inactive; its quarantine begins with the entry that is remembered."""

    def entry(_: Verification) -> LedgerEntry:
        known = site.ledger.get(change.address) or LedgerEntry(change.address, change.id, {})
        since = site.clock.now().isoformat(timespec="seconds")
        applied = {**known.applied, **({"status": "inactive"} if "status" in known.applied else {})}
        return replace(known, id=change.id, applied=applied, orphaned=change.source is None, inactive_since=since)

    return _write(change, {"status": "inactive"}, site, entry)


def _write(change: Update | Deactivate, sent: Fields, site: Site, entry: Remember) -> Ended:
    before = site.seen.by_id[change.id]
    was = {name: before.fields[name] for name in sent if name in before.fields}
    verb = "update" if isinstance(change, Update) else "deactivate"
    site.store.intend(Intent(change.address, verb, change.id, 1, sent, was))
    answer = site.gateway.update(before, sent)
    match answer:
        case Rejected(status, message):
            error = f"refused with {status}: {message}"
            return Ended(result(change, "failed", attempts=answer.attempts, error=error))
        case NotSent(why):
            return Ended(result(change, "failed", attempts=answer.attempts, error=why))
        case Accepted(said=said):
            by_answer = verify(sent, before.fields, said)
            if by_answer.clean:
                return Ended(result(change, "applied", attempts=answer.attempts), entry(by_answer))
            return _look(change, sent, before, answer, site, entry)
        case Ambiguous():
            return _look(change, sent, before, answer, site, entry)


def _look(
    change: Update | Deactivate,
    sent: Fields,
    before: LiveResource,
    answer: Accepted | Ambiguous,
    site: Site,
    entry: Remember,
) -> Ended:
    """What came of a write whose answer does not say: read the resource and compare."""
    doubt = answer.why if isinstance(answer, Ambiguous) else None
    found = read_back(kind_of(change.address), change.id, site)
    if isinstance(found, str):
        outcome: Outcome = "unknown" if doubt else "unverified"
        error = f"{doubt}; {found}" if doubt else found
        remembered = None if doubt else entry(Verification())
        return Ended(result(change, outcome, attempts=answer.attempts, error=error), remembered)
    if found is None:
        return Ended(result(change, "failed", attempts=answer.attempts, error="it is gone from the account"))
    seen = verify(sent, before.fields, found.fields, site.seen.returned_like(before.fields))
    if seen.reset:
        return _replaced(change, seen, answer.attempts, site, entry)
    if doubt and not seen.contradicted and not _shows(sent, before.fields, found.fields):
        error = f"{doubt}; the account shows no field by which to tell whether it was done"
        return Ended(result(change, "unknown", attempts=answer.attempts, error=error))
    return _shown(change, sent, seen, answer, entry)


def _shown(
    change: Update | Deactivate, sent: Fields, seen: Verification, answer: Accepted | Ambiguous, entry: Remember
) -> Ended:
    """What came of a write, by what was read back."""
    if seen.contradicted:
        doubt = answer.why if isinstance(answer, Ambiguous) else None
        error = "; ".join(filter(None, (doubt, contradiction(sent, seen))))
        took_some = len(seen.contradicted) < len(sent) and not doubt
        remembered = entry(seen) if took_some else None
        return Ended(result(change, "failed", attempts=answer.attempts, error=error), remembered)
    if seen.unconfirmed:
        error = f"not shown back: {', '.join(sorted(seen.unconfirmed))}"
        return Ended(result(change, "unverified", attempts=answer.attempts, error=error), entry(seen))
    return Ended(result(change, "applied", attempts=answer.attempts), entry(seen))


def _shows(sent: Fields, before: Fields, after: Fields) -> bool:
    """Whether anything that was sent is there now and was not before, or everything is there."""
    there = {name for name, value in sent.items() if after.get(name) == value}
    return len(there) == len(sent) or any(before.get(name, ABSENT) != sent[name] for name in there)


def _replaced(change: Update | Deactivate, seen: Verification, attempts: int, site: Site, entry: Remember) -> Ended:
    """A write that reset fields it was not sent: the API replaces where it should merge, so nothing more is written."""
    fields = ", ".join(sorted(seen.reset))
    site.brake.pull("not tried: an update reset fields it was not sent, so all further writes were stopped")
    error = f"fields that were not sent were reset ({fields}): the API does not merge; mend them by hand"
    return Ended(result(change, "failed", attempts=attempts, error=error), entry(seen))


def deleting(change: Delete, site: Site) -> Ended:
    """Delete a resource for good, and see that it is gone. An app goes only with nothing in it."""
    kind = kind_of(change.address)
    obstacle = _obstacle(change.id, site) if kind == "app" else None
    if obstacle is not None:
        return Ended(result(change, "failed", error=obstacle))
    site.store.intend(Intent(change.address, "delete", change.id, 1, {}, site.seen.by_id[change.id].fields))
    answer = site.gateway.delete(kind, change.id)
    if isinstance(answer, NotSent) or (isinstance(answer, Rejected) and answer.status not in GONE):
        why = answer.why if isinstance(answer, NotSent) else f"refused with {answer.status}: {answer.message}"
        return Ended(result(change, "failed", attempts=answer.attempts, error=why))
    found = read_back(kind, change.id, site)
    if found is None:
        return Ended(result(change, "applied", attempts=answer.attempts), forget=(change.address,))
    doubt = None if isinstance(answer, Accepted) else answer.why if isinstance(answer, Ambiguous) else answer.message
    if isinstance(found, str):
        outcome: Outcome = "unknown" if doubt else "unverified"
        told = "; ".join(filter(None, (doubt, found)))
        return Ended(result(change, outcome, attempts=answer.attempts, error=told))
    return Ended(result(change, "failed", attempts=answer.attempts, error=doubt or "it is still in the account"))


def _obstacle(app_id: str, site: Site) -> str | None:
    """Why an app may not be deleted now: the call would take along what is in it, planned or not."""
    try:
        listed = site.gateway.placements(app_id, expected=False)
        left = [each.id for each in listed if site.gateway.find("placement", each.id) is not None]
    except (ApiError, CredentialsError) as wrong:
        return f"not sent: what is in the app could not be read: {wrong.message}"
    return f"not sent: the app still holds placements {', '.join(sorted(left))}" if left else None
