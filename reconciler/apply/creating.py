"""The step that creates: the calls it takes, how far their effect was seen, and what the ledger holds of it."""

from dataclasses import replace
from typing import Final

from reconciler.apply.create import Made, NotMade, Unclear, create
from reconciler.apply.ending import read_back, result
from reconciler.apply.site import Site
from reconciler.apply.verify import Verification, contradiction, verify
from reconciler.diff.change import Create
from reconciler.errors import CredentialsError, StoreError
from reconciler.model.address import Address, app_of, kind_of
from reconciler.model.ledger import LedgerEntry
from reconciler.model.live import LiveResource
from reconciler.model.outcome import Ended, Intent, Outcome
from reconciler.model.value import Fields, Value
from reconciler.ports import Accepted, Ambiguous, NotSent, Rejected

OVERWRITTEN_BY_STORE: Final = frozenset({"name"})
"""App fields the vendor takes from the store, whatever was sent."""


def creating(change: Create, site: Site) -> Ended:
    """Create a resource, see what the account made of it, and say so."""
    app_id = change.app_id or site.apps.ids.get(app_of(change.address))
    made = create(change, app_id, site)
    match made:
        case NotMade(why, attempts):
            return Ended(result(change, "failed", attempts=attempts, error=why))
        case Unclear(why, attempts):
            return Ended(result(change, "unknown", attempts=attempts, error=why))
        case Made(resource_id, answer, attempts):
            if kind_of(change.address) == "app":
                site.apps.made(change.address, resource_id)
            attempts, trouble = _finish_status(change, resource_id, app_id, attempts, site)
            said = answer.said if isinstance(answer, Accepted) else answer.fields
            seen = _confirmed(change, resource_id, said if not trouble else {}, site)
            return _created(change, resource_id, seen, attempts, trouble)


def _finish_status(
    change: Create, resource_id: str, app_id: str | None, attempts: int, site: Site
) -> tuple[int, str | None]:
    """A placement is always born active: an inactive one takes a second call. Its trouble, or None."""
    if app_id is None or change.send.get("status") != "inactive":
        return attempts, None
    newborn = LiveResource("placement", resource_id, {**change.send, "status": "active"}, app_id)
    try:
        intent = Intent(change.address, "update", resource_id, 1, {"status": "inactive"}, {"status": "active"})
        site.store.intend(intent)
        answer = site.gateway.update(newborn, {"status": "inactive"})
    except (StoreError, CredentialsError) as lost:
        site.brake.pull(f"not tried: {lost.message}")
        return attempts, f"made, but still active: {lost.message}"
    match answer:
        case Accepted():
            return attempts + answer.attempts, None
        case Rejected(status, message):
            return attempts + answer.attempts, f"made, but still active: refused with {status}: {message}"
        case Ambiguous(why) | NotSent(why):
            return attempts + answer.attempts, f"made, but perhaps still active: {why}"


def _confirmed(change: Create, resource_id: str, said: Fields, site: Site) -> Verification | str:
    """What is known of the new resource: by the answer where it says everything, else by reading it back."""
    sent = dict(change.send)
    two_calls = kind_of(change.address) == "placement" and sent.get("status") == "inactive"
    by_answer = verify(sent, {}, said)
    if by_answer.clean and not two_calls:
        return by_answer
    found = read_back(kind_of(change.address), resource_id, site)
    if isinstance(found, str):
        return found
    return verify(sent, {}, found.fields) if found is not None else "it could not be read back yet"


def _created(change: Create, resource_id: str, seen: Verification | str, attempts: int, trouble: str | None) -> Ended:
    unconfirmed = frozenset(change.send) if isinstance(seen, str) else seen.unconfirmed
    wrong: Fields = {} if isinstance(seen, str) else _that_matter(change.address, seen)
    told = [trouble] if trouble else []
    if isinstance(seen, str):
        told.append(f"made, but {seen}")
    elif wrong:
        told.append(f"made, but {contradiction(change.send, replace(seen, contradicted=wrong))}")
    if not isinstance(seen, str) and unconfirmed:
        told.append(f"not shown back: {', '.join(sorted(unconfirmed))}")
    applied = {name: value for name, value in change.declared.items() if name not in wrong}
    if trouble:
        applied.pop("status", None)
    entry = LedgerEntry(change.address, resource_id, applied, unconfirmed & applied.keys(), protect=change.protect)
    outcome: Outcome = "failed" if trouble else "unverified" if told else "applied"
    return Ended(result(change, outcome, made=resource_id, attempts=attempts, error="; ".join(told) or None), entry)


def _that_matter(address: Address, seen: Verification) -> dict[str, Value]:
    """Contradicted fields, without those that the vendor overwrites anyway."""
    ignored = OVERWRITTEN_BY_STORE if kind_of(address) == "app" else frozenset()
    return {name: value for name, value in (seen.contradicted or {}).items() if name not in ignored}
