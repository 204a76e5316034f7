"""Steps on what exists: update, deactivate, delete.

All can be repeated safely; what counts is what is there afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from reconciler.apply.context import ExecutionContext, UnconfirmedDelete, Write, read_anyhow, read_back, result
from reconciler.apply.fallbacks import advice
from reconciler.apply.side_effects import Sending, reset_fields
from reconciler.apply.updates import Damage, Withheld, deliver, kept_lines, learn, put_back, read_until
from reconciler.apply.verify import (
    Verification,
    contradiction_text,
    kept_leaves,
    outcome_when_taken,
    untaken_fields,
    verify,
)
from reconciler.diff.change import Deactivate, Delete, FieldChange, Update, action_of
from reconciler.diff.compare import field_changes, or_none, value_at, with_former_lines, with_live_leaves
from reconciler.errors import ApiError, CredentialsError
from reconciler.model.address import Address, kind_of
from reconciler.model.habits import TARGETING, AccountHabits
from reconciler.model.journal import Intent, Outcome, StepResult
from reconciler.model.ledger import LedgerEntry
from reconciler.model.state import LiveResource
from reconciler.model.value import ABSENT, Fields, Value
from reconciler.ports import Accepted, Ambiguous, NotSent, Rejected

GONE: Final = (404, 410)
"""HTTP statuses of a delete that leave open whether the resource exists: it is read to find out."""


def update_resource(change: Update, context: ExecutionContext) -> StepResult:
    """Send the fields of an update, and verify by the answer, or by reading, what the account holds then."""

    def entry(resource_id: str, verification: Verification) -> LedgerEntry:
        known = context.ledger.get(change.renamed_from or change.address)
        if known is None or known.id != resource_id:
            known = LedgerEntry(change.address, resource_id, {})
        applied = {name: value for name, value in change.declared.items() if name not in verification.untaken}
        applied.update({name: known.applied[name] for name in verification.untaken & known.applied.keys()})
        kept = {
            name: value
            for name, value in known.kept.items()
            if name not in change.send or name in verification.untaken
            if applied.get(name, ABSENT) == known.applied.get(name)
        }
        for name in change.send.keys() - verification.untaken:
            if leaves := [*_newly_kept_leaves(name, change, verification), *_still_kept_leaves(name, change, known)]:
                kept[name] = _with_kept_leaves(change.declared.get(name), leaves)
        unshown = {name for name in known.unconfirmed if name not in change.send}
        unconfirmed = (verification.unconfirmed | unshown) & applied.keys()
        kept = {name: value for name, value in kept.items() if name in applied}
        return LedgerEntry(
            change.address, resource_id, applied, frozenset(unconfirmed), protect=change.protect, kept=kept
        )

    return _send_update(Write(change, change.id, change.app_id, change.send, entry), context)


def _newly_kept_leaves(name: str, change: Update, verification: Verification) -> Iterator[FieldChange]:
    """The leaves of a field that the account keeps otherwise than this update sent them."""
    if name in verification.kept:
        yield from field_changes(name, verification.kept[name], change.send[name], None)


def _still_kept_leaves(name: str, change: Update, known: LedgerEntry) -> Iterator[FieldChange]:
    """The leaves that the account has kept otherwise before, and that this update has left as they are."""
    if name in known.kept and name in known.applied:
        for leaf in field_changes(name, known.kept[name], known.applied[name], None):
            path = tuple(leaf.path.split(".")[1:])
            declared, sent = (
                or_none(value_at(value, path)) for value in (change.declared.get(name), change.send[name])
            )
            if (declared, sent) == (leaf.after, leaf.before):
                yield leaf


def _with_kept_leaves(declared: Value, leaves: Sequence[FieldChange]) -> Value:
    """A declared value with what the account keeps in these leaves."""
    whole = [leaf for leaf in leaves if leaf.path == leaf.field]
    return whole[0].before if whole else with_live_leaves(declared, leaves)


def deactivate_resource(change: Deactivate, context: ExecutionContext) -> StepResult:
    """Set a resource inactive; `inactive_since` of its ledger entry is the time of the call."""
    since = context.clock.now().isoformat(timespec="seconds")

    def entry(resource_id: str, _: Verification) -> LedgerEntry:
        known = context.ledger.get(change.address) or LedgerEntry(change.address, resource_id, {})
        applied = {**known.applied, **({"status": "inactive"} if "status" in known.applied else {})}
        return replace(known, id=resource_id, applied=applied, orphaned=change.source is None, inactive_since=since)

    return _send_update(Write(change, change.id, change.app_id, {"status": "inactive"}, entry), context)


def _send_update(write: Write, context: ExecutionContext) -> StepResult:
    change = write.change
    before = context.seen.by_id[kind_of(change.address), write.id or ""]
    sent = with_former_lines(write.sent, before.fields) if context.updates.floors_merge else write.sent
    write = replace(write, sent=sent, before=before.fields, live=before)
    delivery = deliver(sending_of(write, context), context)
    if isinstance(delivery, Withheld):
        return StepResult(result(change, delivery.outcome, error=delivery.why))
    attempts, less = delivery.attempts, delivery.sending
    if less is not None:
        sent = less.sent
        write = replace(write, sent=sent, before=less.before.fields, live=less.before)
    match delivery.answer:
        case Rejected(status, message):
            error = "; ".join(
                filter(None, (f"refused with {status}: {message}", advice(status, write.sent, write.before)))
            )
            return StepResult(result(change, "failed", attempts=attempts, error=error))
        case NotSent(why):
            return StepResult(result(change, "failed", attempts=attempts, error=why))
        case Accepted(said=said):
            write = replace(write, said=said, told=delivery.told, unchecked=delivery.unchecked)
            by_answer = verify(sent, write.before, said)
            is_told = not by_answer.unconfirmed and not by_answer.reset
            if delivery.damage is None and (is_told or (delivery.told and not by_answer.unconfirmed)):
                return context.unconfirmed.add(write, write_result(write, by_answer, attempts, settled=False))
        case Ambiguous(why):
            write = replace(write, doubt=why, told=delivery.told, unchecked=delivery.unchecked)
    if delivery.damage is not None:
        return damaged_result(write, delivery.damage, delivery.shown, attempts, context)
    shown = delivery.shown if delivery.was_read else read_anyhow(before, context)
    return _result_by_reading(write, shown, attempts, context)


def sending_of(write: Write, context: ExecutionContext) -> Sending:
    """The update of a write, with what the ledger knows of fields that the account does not show."""
    change, before = write.change, write.live
    if before is None:
        raise ValueError("only an update is sent")
    known = context.ledger.get((isinstance(change, Update) and change.renamed_from) or change.address)
    declared = change.declared if isinstance(change, Update) else {} if known is None else known.applied
    unshown: Fields = {}
    if known is not None and known.id == before.id:
        unshown = {name: declared[name] for name in known.unconfirmed & declared.keys()}
    return Sending(change.address, action_of(change), before, write.sent, unshown)


def _result_by_reading(
    write: Write, live: LiveResource | str | None, attempts: int, context: ExecutionContext
) -> StepResult:
    """The result of a write whose answer does not confirm it, by the resource as it was read."""
    change, doubt, resource_id = write.change, write.doubt, write.id or ""
    if isinstance(live, str):
        outcome: Outcome = "unknown" if doubt else "unverified"
        error = f"{doubt}; {live}" if doubt else live
        remembered = None if doubt else write.entry(resource_id, Verification())
        step_result = StepResult(
            result(change, outcome, attempts=attempts, error=error), remembered, _former_address(write)
        )
        return context.unconfirmed.add(write, step_result)
    if live is None:
        return StepResult(result(change, "failed", attempts=attempts, error="it is gone from the account"))
    verification = verify(write.sent, write.before, live.fields, context.seen.fields_returned_for(write.before))
    if verification.reset and write.told is None and reset_fields(sending_of(write, context), live, context):
        return mended_result(write, live, attempts, context)
    return context.unconfirmed.add(write, write_result(write, verification, attempts, settled=False, shown=live.fields))


def mended_result(write: Write, live: LiveResource, attempts: int, context: ExecutionContext) -> StepResult:
    """The result of an update that was found to have reset what it was not sent, which is put back now."""
    sending = sending_of(write, context)
    reset = reset_fields(sending, live, context)
    delivery = put_back(sending, Accepted(live.id, attempts=attempts), reset, live, context)
    less = delivery.sending or sending
    write = replace(write, told=delivery.told, sent=less.sent, before=less.before.fields, live=less.before)
    if delivery.damage is not None or not isinstance(delivery.shown, LiveResource):
        damage = delivery.damage or Damage(reset, "unknown", str(delivery.shown))
        return damaged_result(write, damage, delivery.shown, delivery.attempts, context)
    shown = delivery.shown.fields
    verification = verify(write.sent, write.before, shown, context.seen.fields_returned_for(write.before))
    return context.unconfirmed.add(
        write, write_result(write, verification, delivery.attempts, settled=False, shown=shown)
    )


def kept_lines_result(write: Write, shown: LiveResource, attempts: int, context: ExecutionContext) -> StepResult | None:
    """The result of an update whose table of floors was merged: lines that it left out get the worldwide price.

    None where it left none out that is still there, or where that price is not shown afterwards.
    """
    table, before = write.sent.get("floorPrices"), write.before.get("floorPrices", ABSENT)
    lines = kept_lines(table, before, shown.fields.get("floorPrices", ABSENT))
    if not lines or not isinstance(table, Mapping):
        return None
    amended = replace(write, sent={**write.sent, "floorPrices": {**table, **lines}})
    sending = sending_of(amended, context)
    delivery = deliver(sending, context)
    if isinstance(delivery, Withheld) or not isinstance(delivery.answer, Accepted | Ambiguous):
        return None
    live = read_until(lambda live: live.fields.get("floorPrices") == amended.sent["floorPrices"], sending, context)
    if not isinstance(live, LiveResource) or live.fields.get("floorPrices") != amended.sent["floorPrices"]:
        return None
    learn(AccountHabits(floors_merge=True), context)
    kept: Fields = {f"floorPrices.{country}": amount for country, amount in lines.items()}
    told = f"the account keeps lines of floors that are left out: {', '.join(kept)} got the worldwide price"
    step_result = result(write.change, "normalised", attempts=attempts + delivery.attempts, error=told)
    step_result = replace(step_result, wanted=dict.fromkeys(kept), kept=kept)
    return StepResult(step_result, write.entry(write.id or "", Verification()), _former_address(write))


def kept_targeting_result(
    write: Write, shown: LiveResource, attempts: int, context: ExecutionContext
) -> StepResult | None:
    """The result of an update that turned targeting off by its switch, where the account keeps what is to be none.

    That goes in a call of its own, as beside the switch an empty list may be refused. None where nothing of it is kept,
    or where it is still there afterwards.
    """
    off = [name for name in TARGETING if name in write.sent and write.sent[name] is None]
    left: Fields = {name: None for name in off if shown.fields.get(name) is not None}
    if not left or write.sent.get("targetingEnabled") is not False:
        return None
    sending = replace(sending_of(write, context), before=shown, sent=left)
    delivery = deliver(sending, context)
    if isinstance(delivery, Withheld) or not isinstance(delivery.answer, Accepted | Ambiguous):
        return None
    live = read_until(lambda live: all(live.fields.get(name) is None for name in left), sending, context)
    if not isinstance(live, LiveResource) or any(live.fields.get(name) is not None for name in left):
        return None
    verification = verify(write.sent, write.before, live.fields, context.seen.fields_returned_for(write.before))
    return write_result(write, verification, attempts + delivery.attempts, settled=False, shown=live.fields)


def damaged_result(
    write: Write, damage: Damage, live: LiveResource | str | None, attempts: int, context: ExecutionContext
) -> StepResult:
    """The result of an update that reset what it was not sent, and that could not be put back."""
    step_result = result(write.change, damage.outcome, attempts=attempts, error=damage.error)
    step_result = replace(step_result, reset=tuple(sorted(damage.fields)))
    if not isinstance(live, LiveResource):
        return StepResult(step_result)
    verification = verify(write.sent, write.before, live.fields, context.seen.fields_returned_for(write.before))
    verification = replace(verification, untaken=frozenset(verification.contradicted or {}))
    return StepResult(step_result, write.entry(write.id or "", verification), _former_address(write))


def write_result(
    write: Write, verification: Verification, attempts: int, *, settled: bool, shown: Fields | None = None
) -> StepResult:
    """The result of a write by its verification; `shown` is the resource as read, None where only the answer is known.

    Not `settled`: the account may only lag, so what shows no sign of the write is left open.
    """
    change, sent = write.change, write.sent
    untaken = untaken_fields(
        sent, write.before, write.said, verification, settled=settled, refused=write.doubt is not None
    )
    verification = replace(verification, untaken=untaken)
    wanted, kept = kept_leaves(sent, verification.kept, verification)
    outcome, error = outcome_when_taken(verification, wanted, kept)
    if (
        not verification.contradicted
        and write.doubt
        and shown is not None
        and not _shows_write(sent, write.before, shown)
    ):
        error = f"{write.doubt}; the account shows no field by which to tell whether it was done"
        return StepResult(result(change, "unknown", attempts=attempts, error=error))
    if verification.untaken:
        error = f"{write.doubt or 'answered as done'}; {contradiction_text(sent, verification.untaken, verification)}"
        outcome = "failed" if settled else "unknown" if write.doubt else "unverified"
        if write.doubt or len(verification.untaken) == len(sent):
            return StepResult(result(change, outcome, attempts=attempts, error=error))
    error = "; ".join(filter(None, (error, write.told))) or None
    step_result = replace(result(change, outcome, attempts=attempts, error=error), wanted=wanted, kept=kept)
    return StepResult(step_result, write.entry(write.id or "", verification), _former_address(write))


def _former_address(write: Write) -> tuple[Address, ...]:
    """The address that the resource of an update had in the ledger before it."""
    former = write.change.renamed_from if isinstance(write.change, Update) else None
    return () if former is None else (former,)


def _shows_write(sent: Fields, before: Fields, after: Fields) -> bool:
    """Whether anything that was sent is there now and was not before, or everything is there."""
    there = {name for name, value in sent.items() if after.get(name) == value}
    return len(there) == len(sent) or any(before.get(name, ABSENT) != sent[name] for name in there)


def delete_resource(change: Delete, context: ExecutionContext) -> StepResult:
    """Delete a resource for good, and see that it is gone. An app goes only with nothing in it."""
    kind = kind_of(change.address)
    obstacle = _why_app_is_kept(change.id, context) if kind == "app" else None
    if obstacle is not None:
        return StepResult(result(change, "failed", error=obstacle))
    context.store.intend(Intent(change.address, "delete", change.id, 1, {}, context.seen.by_id[kind, change.id].fields))
    answer = context.gateway.delete(kind, change.id)
    if isinstance(answer, NotSent) or (isinstance(answer, Rejected) and answer.status not in GONE):
        why = answer.why if isinstance(answer, NotSent) else f"refused with {answer.status}: {answer.message}"
        return StepResult(result(change, "failed", attempts=answer.attempts, error=why))
    live = read_back(kind, change.id, context)
    if live is None:
        return StepResult(result(change, "applied", attempts=answer.attempts), forget=(change.address,))
    doubt = None if isinstance(answer, Accepted) else answer.why if isinstance(answer, Ambiguous) else answer.message
    if isinstance(live, str):
        outcome: Outcome = "unknown" if doubt else "unverified"
        told = "; ".join(filter(None, (doubt, live)))
        return StepResult(result(change, outcome, attempts=answer.attempts, error=told))
    error = "; ".join(filter(None, (doubt, "the account still shows it")))
    step_result = StepResult(result(change, "unknown", attempts=answer.attempts, error=error))
    return context.unconfirmed.add(UnconfirmedDelete(change, doubt), step_result)


def _why_app_is_kept(app_id: str, context: ExecutionContext) -> str | None:
    """Why an app may not be deleted now: the call would delete its placements too. None where it has none."""
    try:
        listed = context.gateway.placements(app_id, expected=False)
        remaining = [each.id for each in listed if context.gateway.find("placement", each.id) is not None]
    except (ApiError, CredentialsError) as error:
        return f"not sent: what is in the app could not be read: {error.message}"
    return f"not sent: the app still holds placements {', '.join(sorted(remaining))}" if remaining else None
