"""The step that creates: the calls it takes, how far their effect was seen, and what the ledger holds of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from reconciler.apply.context import ExecutionContext, Write, read_back, result
from reconciler.apply.create import KEYS, Created, Doubtful, NotCreated, claim, not_ours, send_create
from reconciler.apply.verify import NEVER_NORMALISED, Verification, contradiction, kept_leaves, outcome_of_done, verify
from reconciler.diff.change import Create
from reconciler.errors import CredentialsError, StoreError
from reconciler.model.address import Address, app_of, kind_of
from reconciler.model.ledger import LedgerEntry
from reconciler.model.live import LiveResource
from reconciler.model.outcome import Intent, Outcome, StepResult
from reconciler.model.value import Value
from reconciler.ports import Accepted, Ambiguous, Answer, NotSent, Rejected

OVERWRITTEN_BY_STORE: Final = frozenset({"name"})
"""App fields the vendor takes from the store, whatever was sent."""


@dataclass(frozen=True, slots=True)
class _SecondCall:
    """How setting the status of a new placement went: `trouble` is None where it was set; `unsure`: nobody knows."""

    attempts: int = 0
    trouble: str | None = None
    unsure: bool = False

    def seen(self, seen: Verification | str) -> "_SecondCall":
        """The same in the light of what was read back: what an answer left open is clear once it is seen to be done."""
        if not self.unsure or isinstance(seen, str) or "status" in {*seen.unconfirmed, *(seen.contradicted or {})}:
            return self
        return replace(self, unsure=False, trouble=None)


def creating(change: Create, context: ExecutionContext) -> StepResult | Doubtful:
    """Create a resource, see what the account made of it, and say so; or say that nobody knows."""
    app_id = change.app_id or context.apps.ids.get(app_of(change.address))
    creation = send_create(change, app_id, context)
    match creation:
        case NotCreated(why, attempts):
            return StepResult(result(change, "failed", attempts=attempts, error=why))
        case Doubtful():
            return creation
        case Created():
            return finish(creation, context)


def finish(made: Created, context: ExecutionContext) -> StepResult | Doubtful:
    """What comes after a create that has an id: its status, where that takes a second call, and a look at it."""
    change = made.change
    by_answer = verify(change.send, {}, made.said)
    two_calls = kind_of(change.address) == "placement" and change.send.get("status") == "inactive"
    if not by_answer.unconfirmed and not two_calls:
        return _ended(made, by_answer, _SecondCall(), context)
    found = read_back(kind_of(change.address), made.id, context)
    trouble = _another(made, found, context)
    if trouble is not None:
        context.created.release(change.address, made.id)
        answered = None if isinstance(found, LiveResource) else made.id
        return Doubtful(
            change,
            made.app_id,
            trouble,
            made.attempts,
            1,
            made.began,
            context.moment(),
            may_repeat=False,
            answered=answered,
        )
    second = _SecondCall()
    if two_calls:
        second = _finish_status(made, context)
        found = read_back(kind_of(change.address), made.id, context)
    return _ended(made, _seen(change, found, context), second, context)


def _another(made: Created, found: LiveResource | str | None, context: ExecutionContext) -> str | None:
    """Why an answered id may be another resource's than the one that was created; None where it is not.

    An answer that does not say whose the id is has to be confirmed by a reading: ids of two creates may be exchanged.
    """
    if not isinstance(found, LiveResource):
        if any(key in made.said for key in KEYS[kind_of(made.change.address)]):
            return None
        return f"it was answered with id {made.id} alone, and {found or 'that is not shown yet'}"
    if made.app_id is not None and found.app_id not in {made.app_id, None}:
        return f"it was answered with id {made.id}, which is in app {found.app_id}"
    return not_ours(made, found.fields, context)


def _finish_status(made: Created, context: ExecutionContext) -> _SecondCall:
    """A placement is always born active: an inactive one takes a second call."""
    if context.cancellation.reason is not None:
        return _SecondCall(trouble="made, but still active: all further writes were stopped")
    change = made.change
    active = LiveResource("placement", made.id, {**change.send, "status": "active"}, made.app_id)
    try:
        intent = Intent(change.address, "update", made.id, 1, {"status": "inactive"}, {"status": "active"})
        context.store.intend(intent)
        answer = context.gateway.update(active, {"status": "inactive"})
    except (StoreError, CredentialsError) as lost:
        context.cancellation.pull(f"not tried: {lost.message}")
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


def _seen(change: Create, found: LiveResource | str | None, context: ExecutionContext) -> Verification | str:
    """What is known of the new resource by reading it, or why nothing is."""
    if isinstance(found, str):
        return found
    if found is None:
        return "it cannot be read back yet"
    return verify(change.send, {}, found.fields, context.seen.returned_like(change.send))


def _ended(made: Created, seen: Verification | str, second: _SecondCall, context: ExecutionContext) -> StepResult:
    """The end of the step so far; the reading after the run confirms it."""
    second = second.seen(seen)
    attempts = made.attempts + second.attempts
    entry = entry_of(made.change)
    if second.trouble is not None:
        ended = _half_done(made, seen, second, attempts, entry)
    else:
        ended = created(made.change, made.id, seen, attempts, settled=False)
    change = made.change
    if kind_of(change.address) == "app":
        context.apps.made(change.address, made.id)
    return context.unconfirmed.add(Write(change, made.id, made.app_id, change.send, entry, said=made.said), ended)


def _half_done(
    made: Created,
    seen: Verification | str,
    second: _SecondCall,
    attempts: int,
    entry: Callable[[str, Verification], LedgerEntry],
) -> StepResult:
    """A placement that was made and is still active, or may be."""
    known = Verification() if isinstance(seen, str) else seen
    held = entry(made.id, known)
    remembered = replace(held, applied={name: value for name, value in held.applied.items() if name != "status"})
    outcome: Outcome = "unknown" if second.unsure else "failed"
    ended = result(made.change, outcome, made=made.id, attempts=attempts, error=second.trouble)
    return StepResult(ended, remembered)


def created(change: Create, resource_id: str, seen: Verification | str, attempts: int, *, settled: bool) -> StepResult:
    """The end of a create that has an id, by what was seen of the resource; `seen` is a text where nothing was.

    Not `settled`: the account may only lag behind what was written.
    """
    entry = entry_of(change)
    if isinstance(seen, str):
        ended = result(change, "unverified", made=resource_id, attempts=attempts, error=f"made, but {seen}")
        return StepResult(ended, entry(resource_id, Verification()))
    contradicted = _that_matter(change.address, seen)
    gone = {name for name, shown in contradicted.items() if shown is None}
    seen = replace(seen, contradicted=contradicted, untaken=frozenset(gone | (NEVER_NORMALISED & contradicted.keys())))
    wanted, kept = kept_leaves(change.send, seen.kept, seen)
    outcome, error = outcome_of_done(seen, wanted, kept)
    if seen.untaken:
        outcome = "failed" if settled else "unverified"
        error = f"made, but {contradiction(change.send, seen.untaken, seen)}"
    ended = result(change, outcome, made=resource_id, attempts=attempts, error=error)
    return StepResult(replace(ended, wanted=wanted, kept=kept), entry(resource_id, seen))


def entry_of(change: Create) -> Callable[[str, Verification], LedgerEntry]:
    """How the ledger remembers what a create made, by its id and what was seen of it."""

    def entry(resource_id: str, seen: Verification) -> LedgerEntry:
        applied = {name: value for name, value in change.declared.items() if name not in seen.untaken}
        kept = {name: value for name, value in seen.kept.items() if name in applied}
        unconfirmed = seen.unconfirmed & applied.keys()
        return LedgerEntry(change.address, resource_id, applied, unconfirmed, protect=change.protect, kept=kept)

    return entry


def _that_matter(address: Address, seen: Verification) -> dict[str, Value]:
    """Contradicted fields, without those that the vendor overwrites anyway."""
    ignored = OVERWRITTEN_BY_STORE if kind_of(address) == "app" else frozenset()
    return {name: value for name, value in (seen.contradicted or {}).items() if name not in ignored}


def unseen(doubtful: Doubtful, resource_id: str, context: ExecutionContext) -> StepResult:
    """The end of a create whose new id nothing shows so far; the reading after the run may."""
    made = Created(doubtful.change, doubtful.app_id, resource_id, {}, doubtful.attempts, doubtful.began)
    trouble = claim(made, context)
    if trouble is not None:
        return never_made(doubtful, f"{doubtful.why}; {trouble}", context)
    return _ended(made, "the account does not show it yet", _SecondCall(), context)


def never_made(doubtful: Doubtful, why: str, context: ExecutionContext, suspects: tuple[str, ...] = ()) -> StepResult:
    """The end of a create of which nobody knows what it made; the reading after the run may still show it."""
    change = doubtful.change
    ended = StepResult(result(change, "unknown", attempts=doubtful.attempts, error=why), suspects=suspects)
    write = Write(change, None, doubtful.app_id, change.send, entry_of(change), doubt=why)
    return context.unconfirmed.add(write, ended)
