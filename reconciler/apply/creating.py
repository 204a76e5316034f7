"""The step that creates: the calls it takes, how far their effect was seen, and what the ledger holds of it."""

from dataclasses import dataclass, replace
from typing import Final

from reconciler.apply.create import Made, NotMade, Unclear, create
from reconciler.apply.ending import read_back, result
from reconciler.apply.site import Again, Site
from reconciler.apply.verify import Verification, contradiction, verify
from reconciler.diff.change import Create
from reconciler.errors import CredentialsError, StoreError
from reconciler.model.address import Address, app_of, kind_of
from reconciler.model.ledger import LedgerEntry
from reconciler.model.live import LiveResource
from reconciler.model.outcome import Ended, Intent, Outcome
from reconciler.model.value import Fields, Value
from reconciler.ports import Accepted, Ambiguous, Answer, NotSent, Rejected

OVERWRITTEN_BY_STORE: Final = frozenset({"name"})
"""App fields the vendor takes from the store, whatever was sent."""


@dataclass(frozen=True, slots=True)
class _SecondCall:
    """How setting a newborn's status went. `trouble` is None where it did; `unsure`: nobody knows whether it did."""

    attempts: int = 0
    trouble: str | None = None
    unsure: bool = False

    def seen(self, seen: Verification | str) -> "_SecondCall":
        """The same in the light of what was read back, which settles what an answer left open."""
        if not self.unsure or isinstance(seen, str) or "status" in seen.unconfirmed:
            return self
        still_active = "status" in (seen.contradicted or {})
        return replace(self, unsure=False, trouble=self.trouble if still_active else None)


def creating(change: Create, site: Site) -> Ended:
    """Create a resource, see what the account made of it, and say so."""
    app_id = change.app_id or site.apps.ids.get(app_of(change.address))
    made = create(change, app_id, site)
    match made:
        case NotMade(why, attempts):
            return Ended(result(change, "failed", attempts=attempts, error=why))
        case Unclear(why, attempts):
            return Ended(result(change, "unknown", attempts=attempts, error=why))
        case Made(resource_id, answer, attempts, sent):
            if sent > 1:
                site.resent.add(Again(change, app_id, resource_id, attempts))
            if kind_of(change.address) == "app":
                site.apps.made(change.address, resource_id)
            second = _finish_status(change, resource_id, app_id, site)
            said = answer.said if isinstance(answer, Accepted) else answer.fields
            seen = _confirmed(change, resource_id, said if second.trouble is None else {}, site)
            return _created(change, resource_id, seen, attempts, second.seen(seen))


def _finish_status(change: Create, resource_id: str, app_id: str | None, site: Site) -> _SecondCall:
    """A placement is always born active: an inactive one takes a second call."""
    if app_id is None or change.send.get("status") != "inactive":
        return _SecondCall()
    if site.brake.reason is not None:
        return _SecondCall(trouble="made, but still active: all further writes were stopped")
    newborn = LiveResource("placement", resource_id, {**change.send, "status": "active"}, app_id)
    try:
        intent = Intent(change.address, "update", resource_id, 1, {"status": "inactive"}, {"status": "active"})
        site.store.intend(intent)
        answer = site.gateway.update(newborn, {"status": "inactive"})
    except (StoreError, CredentialsError) as lost:
        site.brake.pull(f"not tried: {lost.message}")
        return _SecondCall(trouble=f"made, but still active: {lost.message}")
    return _second_call(answer)


def _second_call(answer: Answer) -> _SecondCall:
    match answer:
        case Accepted():
            return _SecondCall(answer.attempts)
        case Rejected(status, message):
            return _SecondCall(answer.attempts, f"made, but still active: refused with {status}: {message}")
        case NotSent(why):
            return _SecondCall(answer.attempts, f"made, but still active: {why}")
        case Ambiguous(why):
            return _SecondCall(answer.attempts, f"made, but perhaps still active: {why}", unsure=True)


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
    if found is None:
        return "it could not be read back yet"
    return verify(sent, {}, found.fields, site.seen.returned_like(sent))


def _created(change: Create, resource_id: str, seen: Verification | str, attempts: int, second: _SecondCall) -> Ended:
    unconfirmed = frozenset() if isinstance(seen, str) else seen.unconfirmed
    wrong: Fields = {} if isinstance(seen, str) else _that_matter(change.address, seen)
    told = [] if second.trouble is None else [second.trouble]
    if isinstance(seen, str):
        told.append(f"made, but {seen}")
    elif wrong:
        told.append(f"made, but {contradiction(change.send, replace(seen, contradicted=wrong))}")
    if not isinstance(seen, str) and unconfirmed:
        told.append(f"not shown back: {', '.join(sorted(unconfirmed))}")
    applied = {name: value for name, value in change.declared.items() if name not in wrong}
    if second.trouble is not None:
        applied.pop("status", None)
    entry = LedgerEntry(change.address, resource_id, applied, unconfirmed & applied.keys(), protect=change.protect)
    outcome: Outcome = "unverified" if told else "applied"
    if wrong or second.trouble is not None:
        outcome = "unknown" if second.unsure and not wrong else "failed"
    attempts += second.attempts
    return Ended(result(change, outcome, made=resource_id, attempts=attempts, error="; ".join(told) or None), entry)


def _that_matter(address: Address, seen: Verification) -> dict[str, Value]:
    """Contradicted fields, without those that the vendor overwrites anyway."""
    ignored = OVERWRITTEN_BY_STORE if kind_of(address) == "app" else frozenset()
    return {name: value for name, value in (seen.contradicted or {}).items() if name not in ignored}
