"""Steps that create a resource: sending it, judging its answer, its status, and the result of the step.

The API has no idempotency key, and nothing promises that an answered id is new. A create counts as made only by an id
that was not there before, and that is not shown to be another resource.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from reconciler.apply.context import CreatedResource, ExecutionContext, Moment, Write, read_back, result
from reconciler.apply.side_effects import Sending
from reconciler.apply.updates import Withheld, deliver
from reconciler.apply.verify import (
    NEVER_NORMALISED,
    Verification,
    contradiction_text,
    is_kept_form,
    kept_leaves,
    outcome_when_taken,
    verify,
)
from reconciler.diff.change import Create
from reconciler.errors import CredentialsError, StoreError
from reconciler.model.address import Address, app_of, kind_of
from reconciler.model.journal import Intent, Outcome, StepResult
from reconciler.model.ledger import LedgerEntry
from reconciler.model.state import LiveResource
from reconciler.model.value import Fields, Value
from reconciler.ports import Accepted, Ambiguous, Answer, NotSent, Rejected

KEYS: Final[Mapping[str, tuple[str, ...]]] = {"app": ("platform", "bundle"), "placement": ("name",)}
"""The fields that make the identity of a resource within its list."""


@dataclass(frozen=True, slots=True)
class Created:
    """The resource exists. `said` holds the fields that the answer, or the list it was found in, speaks of.

    `attempts` counts requests; `began` is when the create that made it was sent at the earliest.
    """

    change: Create
    app_id: str | None
    id: str
    said: Fields
    attempts: int
    began: Moment


@dataclass(frozen=True, slots=True)
class NotCreated:
    """The resource was surely not created: `skipped` where nothing was sent."""

    why: str
    attempts: int
    outcome: Outcome = "failed"


@dataclass(frozen=True, slots=True)
class DoubtfulCreate:
    """A create whose outcome is not known.

    `sent` counts how often it was sent, `attempts` requests. `began` is when the first of them began, `failed` when the
    last of them had failed: what was begun after that is younger than anything it made.
    `may_repeat` is False where the server did answer, and another create could only be answered alike; `answered` is
    the id it gave, where that may be right.
    """

    change: Create
    app_id: str | None
    why: str
    attempts: int
    sent: int
    began: Moment
    failed: Moment
    may_repeat: bool = True
    answered: str | None = None


Creation: TypeAlias = Created | NotCreated | DoubtfulCreate


def send_create(
    change: Create, app_id: str | None, context: ExecutionContext, before: DoubtfulCreate | None = None
) -> Creation:
    """Send the create of a step once. `before`: what is known of it where it was sent already.

    Raises `StoreError` and `CredentialsError` where it was not sent because of them.
    """
    sent = 1 if before is None else before.sent + 1
    attempts = 0 if before is None else before.attempts
    began = context.moment() if before is None else before.began
    context.store.intend(Intent(change.address, "create", None, sent, change.send, {}))
    with context.turns:
        if before is None and (reason := context.cancellation.reason) is not None:
            return NotCreated(reason, attempts, "skipped")  # the run was stopped while this waited for its turn
        answer = context.gateway.create(kind_of(change.address), change.send, app_id=app_id)
    attempts += answer.attempts

    def doubtful(why: str, *, may_repeat: bool = True) -> DoubtfulCreate:
        return DoubtfulCreate(change, app_id, why, attempts, sent, began, context.moment(), may_repeat)

    match answer:
        case Accepted(str(resource_id), said):
            created = Created(change, app_id, resource_id, said, attempts, began)
            objection = why_not_ours(created, said, context) or claim_id(created, context)
            return created if objection is None else doubtful(objection, may_repeat=False)
        case Accepted():
            return doubtful("the answer names no id")
        case Rejected() | NotSent():
            if before is None:
                return NotCreated(_refusal_text(answer), attempts)
            return doubtful(f"{before.why}; sent again: {_refusal_text(answer)}", may_repeat=False)
        case Ambiguous(why):
            return doubtful(why)


def _refusal_text(answer: Rejected | NotSent) -> str:
    return answer.why if isinstance(answer, NotSent) else f"refused with {answer.status}: {answer.message}"


def claim_id(created: Created, context: ExecutionContext) -> str | None:
    """Take the id for this create; why that cannot be where the id was there before, or is another create's."""
    kind = kind_of(created.change.address)
    if created.id in context.seen.known.get(kind, ()):
        context.created.mixed = True
        hint = "; the account may hold only one of such names: pin that id instead" if created.change.distinct else ""
        return f"it was answered with id {created.id}, which was there before{hint}"
    if not context.created.claim(CreatedResource(created.change.address, created.id, created.app_id, created.began)):
        context.created.mixed = True
        return f"it was answered with id {created.id}, which is that of another create of this run"
    return None


def why_not_ours(created: Created, shown: Fields, context: ExecutionContext) -> str | None:
    """Why fields that are shown under an answered id are another resource's; None where nothing speaks against it.

    A server may keep a name otherwise than it was sent (in lower case, trimmed, cut, escaped): that is no
    contradiction, unless the name is that of another resource.
    """
    kind = kind_of(created.change.address)
    for key in KEYS[kind]:
        wanted, seen = created.change.send[key], shown.get(key, created.change.send[key])
        if seen == wanted:
            continue
        if not is_kept_form(str(wanted), str(seen)) or _is_name_of_another(created, key, str(seen), context):
            context.created.mixed = True
            return f"it was answered with id {created.id}, which is {seen!s} in the account, not {wanted!s}"
    return None


def _is_name_of_another(created: Created, key: str, seen: str, context: ExecutionContext) -> bool:
    """Whether a name is one that another resource of the list has, or that another create asks for."""
    kind = kind_of(created.change.address)
    before = (context.seen.by_id.get((kind, each)) for each in context.listed_before(created.app_id))
    others = (each for each in before if each is not None)
    within = app_of(created.change.address) if kind == "placement" else ""
    return seen in context.asked.get(within, ()) or any(each.fields.get(key) == seen for each in others)


OVERWRITTEN_BY_STORE: Final = frozenset({"name"})
"""App fields the vendor takes from the store, whatever was sent."""


@dataclass(frozen=True, slots=True)
class _StatusUpdate:
    """How setting the status of a new placement went: `trouble` says why it failed, or may have (`unsure`)."""

    attempts: int = 0
    trouble: str | None = None
    unsure: bool = False

    def after_reading(self, verification: Verification | str) -> "_StatusUpdate":
        """The same in the light of what was read back: what an answer left open is clear once it is seen to be done."""
        if (
            not self.unsure
            or isinstance(verification, str)
            or "status" in {*verification.unconfirmed, *(verification.contradicted or {})}
        ):
            return self
        return replace(self, unsure=False, trouble=None)


def create_resource(change: Create, context: ExecutionContext) -> StepResult | DoubtfulCreate:
    """Create a resource and verify it; a `DoubtfulCreate` where its outcome is not known yet."""
    app_id = change.app_id or context.apps.ids.get(app_of(change.address))
    creation = send_create(change, app_id, context)
    match creation:
        case NotCreated(why, attempts, outcome):
            return StepResult(result(change, outcome, attempts=attempts, error=why))
        case DoubtfulCreate():
            return creation
        case Created():
            return finish_create(creation, context)


def finish_create(created: Created, context: ExecutionContext) -> StepResult | DoubtfulCreate:
    """Complete a create that has an id: set it inactive where that is declared, and verify it by reading."""
    change = created.change
    by_answer = verify(change.send, {}, created.said)
    is_app = kind_of(change.address) == "app"
    is_said = is_app and created.said.get("status") == "inactive"
    two_calls = change.send.get("status") == "inactive" and not is_said
    if not by_answer.unconfirmed and not two_calls:
        return _provisional_result(created, by_answer, _StatusUpdate(), context)
    live = read_back(kind_of(change.address), created.id, context)
    objection = _why_another(created, live, context)
    if objection is not None:
        context.created.release(change.address, created.id)
        answered = None if isinstance(live, LiveResource) else created.id
        return DoubtfulCreate(
            change,
            created.app_id,
            objection,
            created.attempts,
            1,
            created.began,
            context.moment(),
            may_repeat=False,
            answered=answered,
        )
    second = _StatusUpdate()
    is_shown = is_app and isinstance(live, LiveResource) and live.fields.get("status") == "inactive"
    if two_calls and not is_shown:
        second = _set_inactive(created, live, context)
        live = read_back(kind_of(change.address), created.id, context)
    return _provisional_result(created, _verification(change, live, context), second, context)


def _why_another(created: Created, live: LiveResource | str | None, context: ExecutionContext) -> str | None:
    """Why an answered id may be another resource's than the one that was created; None where it is not.

    An answer that does not say whose the id is has to be confirmed by a reading: ids of two creates may be exchanged.
    """
    if not isinstance(live, LiveResource):
        if any(key in created.said for key in KEYS[kind_of(created.change.address)]):
            return None
        return f"it was answered with id {created.id} alone, and {live or 'that is not shown yet'}"
    if created.app_id is not None and live.app_id not in {created.app_id, None}:
        return f"it was answered with id {created.id}, which is in app {live.app_id}"
    return why_not_ours(created, live.fields, context)


def _set_inactive(created: Created, live: LiveResource | str | None, context: ExecutionContext) -> _StatusUpdate:
    """Send the second call of an inactive resource: every placement is created active, and an app may be.

    An app that is not shown yet may be inactive already, so a refusal of the call is no trouble then.
    """
    change = created.change
    kind = kind_of(change.address)
    active = LiveResource(kind, created.id, {**change.send, "status": "active"}, created.app_id)
    before = live if isinstance(live, LiveResource) else active
    unshown = {name: value for name, value in change.send.items() if before.fields.get(name) is None}
    try:
        delivery = deliver(Sending(change.address, "update", before, {"status": "inactive"}, unshown), context)
    except (StoreError, CredentialsError) as error:
        context.cancellation.cancel(f"not tried: {error.message}")
        return _StatusUpdate(trouble=f"made, but still active: {error.message}")
    if isinstance(delivery, Withheld):
        return _StatusUpdate(trouble="made, but still active: all further writes were stopped")
    if delivery.damage is not None:
        return _StatusUpdate(delivery.attempts, f"made, but {delivery.damage.error}")
    if kind == "app" and not isinstance(live, LiveResource) and isinstance(delivery.answer, Rejected):
        return _StatusUpdate(delivery.attempts)
    return _status_update(delivery.answer, delivery.attempts)


def _status_update(answer: Answer, attempts: int) -> _StatusUpdate:
    match answer:
        case Accepted():
            return _StatusUpdate(attempts)
        case Rejected(status, message):
            return _StatusUpdate(attempts, f"made, but still active: refused with {status}: {message}")
        case NotSent(why):
            return _StatusUpdate(attempts, f"made, but still active: {why}")
        case Ambiguous(why):
            return _StatusUpdate(attempts, f"made, but perhaps still active: {why}", unsure=True)


def _verification(change: Create, live: LiveResource | str | None, context: ExecutionContext) -> Verification | str:
    """The verification of the new resource as read, or why it could not be read."""
    if isinstance(live, str):
        return live
    if live is None:
        return "it cannot be read back yet"
    return verify(change.send, {}, live.fields, context.seen.fields_returned_for(change.send))


def _provisional_result(
    created: Created, verification: Verification | str, second: _StatusUpdate, context: ExecutionContext
) -> StepResult:
    """The result of the step by what is known now; the reading after the run confirms it."""
    second = second.after_reading(verification)
    attempts = created.attempts + second.attempts
    entry = entry_maker(created.change)
    if second.trouble is not None:
        step_result = _still_active_result(created, verification, second, attempts, entry)
    else:
        step_result = created_result(created.change, created.id, verification, attempts, settled=False)
    change = created.change
    if kind_of(change.address) == "app":
        context.apps.add_id(change.address, created.id)
    return context.unconfirmed.add(
        Write(change, created.id, created.app_id, change.send, entry, said=created.said), step_result
    )


def _still_active_result(
    created: Created,
    verification: Verification | str,
    second: _StatusUpdate,
    attempts: int,
    entry: Callable[[str, Verification], LedgerEntry],
) -> StepResult:
    """A placement that was made and is still active, or may be."""
    known = Verification() if isinstance(verification, str) else verification
    held = entry(created.id, known)
    remembered = replace(held, applied={name: value for name, value in held.applied.items() if name != "status"})
    outcome: Outcome = "unknown" if second.unsure else "failed"
    step_result = result(created.change, outcome, made=created.id, attempts=attempts, error=second.trouble)
    return StepResult(step_result, remembered)


def created_result(
    change: Create, resource_id: str, verification: Verification | str, attempts: int, *, settled: bool
) -> StepResult:
    """The end of a create that has an id, by what was seen of the resource; `seen` is a text where nothing was.

    Not `settled`: the account may only lag behind what was written.
    """
    entry = entry_maker(change)
    if isinstance(verification, str):
        step_result = result(
            change, "unverified", made=resource_id, attempts=attempts, error=f"made, but {verification}"
        )
        return StepResult(step_result, entry(resource_id, Verification()))
    if not verification.contradicted and not verification.unconfirmed:
        return StepResult(
            result(change, "applied", made=resource_id, attempts=attempts), entry(resource_id, verification)
        )
    contradicted = _relevant_contradictions(change.address, verification)
    gone = {name for name, shown in contradicted.items() if shown is None}
    verification = replace(
        verification, contradicted=contradicted, untaken=frozenset(gone | (NEVER_NORMALISED & contradicted.keys()))
    )
    wanted, kept = kept_leaves(change.send, verification.kept, verification)
    outcome, error = outcome_when_taken(verification, wanted, kept)
    if verification.untaken:
        outcome = "failed" if settled else "unverified"
        error = f"made, but {contradiction_text(change.send, verification.untaken, verification)}"
    step_result = result(change, outcome, made=resource_id, attempts=attempts, error=error)
    return StepResult(replace(step_result, wanted=wanted, kept=kept), entry(resource_id, verification))


def entry_maker(change: Create) -> Callable[[str, Verification], LedgerEntry]:
    """How the ledger remembers what a create made, by its id and what was seen of it."""

    def entry(resource_id: str, verification: Verification) -> LedgerEntry:
        applied = {name: value for name, value in change.declared.items() if name not in verification.untaken}
        kept = {name: value for name, value in verification.kept.items() if name in applied}
        unconfirmed = verification.unconfirmed & applied.keys()
        return LedgerEntry(change.address, resource_id, applied, unconfirmed, protect=change.protect, kept=kept)

    return entry


def _relevant_contradictions(address: Address, verification: Verification) -> dict[str, Value]:
    """Contradicted fields, without those that the vendor overwrites anyway."""
    ignored = OVERWRITTEN_BY_STORE if kind_of(address) == "app" else frozenset()
    return {name: value for name, value in (verification.contradicted or {}).items() if name not in ignored}


def unlisted_result(doubtful: DoubtfulCreate, resource_id: str, context: ExecutionContext) -> StepResult:
    """The provisional result of a create whose new id no list shows yet; the reading after the run may."""
    created = Created(doubtful.change, doubtful.app_id, resource_id, {}, doubtful.attempts, doubtful.began)
    objection = claim_id(created, context)
    if objection is not None:
        return unknown_result(doubtful, f"{doubtful.why}; {objection}", context)
    return _provisional_result(created, "the account does not show it yet", _StatusUpdate(), context)


def unknown_result(
    doubtful: DoubtfulCreate, why: str, context: ExecutionContext, suspects: tuple[str, ...] = ()
) -> StepResult:
    """The result `unknown` of a create that cannot be settled; the reading after the run may show its resource."""
    change = doubtful.change
    step_result = StepResult(result(change, "unknown", attempts=doubtful.attempts, error=why), suspects=suspects)
    write = Write(change, None, doubtful.app_id, change.send, entry_maker(change), doubt=why)
    return context.unconfirmed.add(write, step_result)
