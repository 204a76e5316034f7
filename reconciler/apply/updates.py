"""Sending updates: the fields that change, or the whole resource where the account replaces what it is not sent.

Which it does is found out by the first update of a kind: it goes alone and is read back whole. What it reset is put
back at once. Whatever is sent, the journal holds all that was there before.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

from reconciler.apply.context import FIRST_PAUSE, ExecutionContext, read_anyhow, read_list, wait_for
from reconciler.apply.fallbacks import REFUSALS, fallbacks
from reconciler.apply.side_effects import (
    SURELY,
    Sending,
    is_hidden,
    left_out,
    lost_text,
    reset_by_answer,
    reset_fields,
    shows_rest,
    shows_update,
    tells_mode,
    values_off,
)
from reconciler.diff.context import unsendable_text
from reconciler.errors import ApiError, CredentialsError, StoreError
from reconciler.model.field import WRITABLE
from reconciler.model.habits import TARGETING, AccountHabits, UpdateMode, dependents, learned_event
from reconciler.model.journal import Intent, Outcome
from reconciler.model.state import LiveResource
from reconciler.model.value import WORLDWIDE, Absent, Fields, Value, floor_table, value_text
from reconciler.ports import Accepted, Ambiguous, Answer, NotSent, Rejected

NOTHING: Final[tuple[Value, ...]] = ("", (), {})
"""Values that are not sent of what was there: an empty text or list may be refused, and stands for nothing."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What an update has reset, by field with the old values, and what came of putting it back, in words."""

    fields: Fields
    outcome: Outcome
    error: str

    @classmethod
    def of(cls, left: Fields, why: str, outcome: Outcome = "failed") -> "Damage":
        """What is left of what was reset; `why` it was not put back, in words."""
        values = ", ".join(f"{name} was {value_text(value)}" for name, value in sorted(left.items()))
        error = f"fields that were not sent were reset ({values}): {why}; `reconciler undo` of this run puts them back"
        return cls(left, outcome, error)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of sending an update: the answer to it, and how many calls it took.

    `shown` is the resource as it was read afterwards, a text why it could not be, or None where it is gone; it counts
    only where `was_read`. `told` says that something was put back, `damage` what could not be. `sending` is the update
    as it was sent in the end, None where that is as it was asked for. `unchecked`: it left out what may have been reset
    by that, and neither the answer nor a reading shows it yet.
    """

    answer: Answer
    attempts: int
    shown: LiveResource | str | None = None
    was_read: bool = False
    told: str | None = None
    damage: Damage | None = None
    sending: Sending | None = None
    unchecked: bool = False


@dataclass(frozen=True, slots=True)
class Withheld:
    """An update that was not sent, and why not."""

    outcome: Literal["skipped", "blocked"]
    why: str


def deliver(sending: Sending, context: ExecutionContext) -> Delivery | Withheld:
    """Send an update; the first of a kind whose mode is not known is read back, and what it reset is put back.

    Raises `StoreError` and `CredentialsError` where it was not sent because of them.
    """
    if not (tells := tells_mode(sending)) or context.updates.sends_whole(sending.before):
        return _send(sending, context)
    with context.updates.turn(sending.kind, surely=tells == SURELY) as is_probe:
        if is_probe and context.cancellation.reason is None:
            return _probe(sending, context)
    return _send(sending, context)


def _send(sending: Sending, context: ExecutionContext) -> Delivery | Withheld:
    if context.cancellation.reason is not None:
        return Withheld("skipped", context.cancellation.reason)
    mode = context.updates.mode(sending.kind)
    if context.updates.sends_whole(sending.before):
        unreadable = sending.before.why_unreadable(*WRITABLE[sending.kind])
        if unreadable:
            return Withheld("blocked", unsendable_text(unreadable)) if mode else Withheld("skipped", NOT_WHOLE)
        answer, less, told = _put_whole(sending, whole_fields(sending), 1, context)
        return Delivery(answer, answer.attempts, told=told or None, sending=less)
    answer = _put(sending, sending.sent, 1, context)
    return Delivery(answer, answer.attempts, unchecked=_is_unchecked(sending, answer, mode))


def _is_unchecked(sending: Sending, answer: Answer, mode: UpdateMode | None) -> bool:
    """Whether an update may have reset what it left out, and its answer does not show that it has not."""
    is_done = isinstance(answer, Accepted | Ambiguous)
    return mode is None and is_done and bool(left_out(sending)) and not shows_rest(sending, answer)


NOT_WHOLE: Final = (
    "not tried: whether the account resets what an update is not sent could not be found out, and this resource has a "
    "field that cannot be read, so that it cannot be sent whole"
)


def _put(sending: Sending, body: Fields, attempt: int, context: ExecutionContext) -> Answer:
    before = sending.before
    whole = len(body) > len(sending.sent)
    intent = Intent(sending.address, sending.action, before.id, attempt, sending.sent, before.fields, whole)
    context.store.intend(intent)
    return context.gateway.update(before, _without_idle_targeting(body, sending.sent))


def _without_idle_targeting(body: Fields, sent: Fields) -> Fields:
    """What is sent, without empty targeting beside its switch when that is turned off: it goes with it."""
    if sent.get("targetingEnabled", True) is not False:
        return body
    return {name: value for name, value in body.items() if name not in TARGETING or value not in (None, *NOTHING)}


def _put_whole(sending: Sending, body: Fields, attempt: int, context: ExecutionContext) -> tuple[Answer, Sending, str]:
    """Send a whole resource; where it is refused, without what may be the reason. What was sent, and what is lost."""
    answer, less, told = _put(sending, body, attempt, context), sending, ""
    for fallback in fallbacks(body, sending.before, sending.sent):
        if not isinstance(answer, Rejected) or answer.status not in REFUSALS:
            break
        attempt += 1
        again = _put(sending, fallback.body, attempt, context)
        refused, answer = answer, replace(again, attempts=answer.attempts + again.attempts)
        less, told = replace(sending, before=fallback.before, sent=fallback.sent), fallback.told
        if told and isinstance(answer, Accepted | Ambiguous):
            told = f"{told} (refused with {refused.status}: {refused.message})"
    return answer, less, told


def whole_fields(sending: Sending, off: Iterable[str] = ()) -> Fields:
    """All that an update can send: what was there, changed by what is sent. `off` names fields to be sent as off."""
    before, sent, writable = sending.before.fields, sending.sent, WRITABLE[sending.kind]
    follows = dependents(sent, before)
    there = {
        name: value
        for name, value in before.items()
        if name in writable and name not in follows and value is not None and value not in NOTHING
    }
    unshown = {name: value for name, value in sending.unshown.items() if name in writable and name not in follows}
    off = {*off, *values_off(sending.before)}
    if "targetingEnabled" in follows:
        there["targetingEnabled"] = any({**before, **sent}.get(name) is not None for name in TARGETING)
    return {**dict.fromkeys(off), **unshown, **there, **sent}


def _probe(sending: Sending, context: ExecutionContext) -> Delivery | Withheld:
    """Send an update alone, and find out by reading it back whether the account replaces.

    What its answer shows counts only where no reading is of after the update.
    """
    answer = _put(sending, sending.sent, 1, context)
    if isinstance(answer, Rejected | NotSent):
        return Delivery(answer, answer.attempts)
    shown = read_until(lambda shown: _is_clear(sending, shown, answer, context), sending, context)
    if isinstance(shown, LiveResource) and (reset := reset_fields(sending, shown, context)):
        return put_back(sending, answer, reset, shown, context)
    if isinstance(shown, LiveResource) and shows_update(sending, shown):
        if tells_mode(sending) == SURELY:
            learn(AccountHabits({sending.kind: "merges"}), context)
        else:
            context.updates.give_up(sending.kind)
        return Delivery(answer, answer.attempts, shown, was_read=True)
    if shown is not None and (reset := reset_by_answer(sending, answer, context)):
        return put_back(sending, answer, reset, shown, context)
    context.updates.go_blind(sending.kind)
    unchecked = shown is not None and _is_unchecked(sending, answer, None)
    return Delivery(answer, answer.attempts, shown, was_read=True, unchecked=unchecked)


def _is_clear(sending: Sending, shown: LiveResource, answer: Answer, context: ExecutionContext) -> bool:
    """Whether a reading is of after the update, or nothing will ever tell."""
    is_after = shows_update(sending, shown) or is_hidden(sending, shown, answer, context)
    return is_after or bool(reset_fields(sending, shown, context))


def read_until(
    is_enough: Callable[[LiveResource], bool], sending: Sending, context: ExecutionContext
) -> LiveResource | str | None:
    """The resource as it is after a call: read again until that is enough, or the settle time is over."""
    pause, over = FIRST_PAUSE, context.clock.monotonic() + context.settle_seconds
    while True:
        shown = read_anyhow(sending.before, context)
        seconds_left = over - context.clock.monotonic()
        if not isinstance(shown, LiveResource) or is_enough(shown):
            return shown
        if seconds_left <= 0 or context.cancellation.reason is not None:
            return shown
        wait_for(min(pause, seconds_left), context)
        pause *= 2


def put_back(
    sending: Sending, answer: Answer, reset: Fields, shown: LiveResource | str, context: ExecutionContext
) -> Delivery:
    """Put back by a second call, of the whole resource, what an update has reset, and look whether it is back.

    It is sent even where the run is being stopped. Where it is not back, all further writes are stopped.
    """
    is_new = context.updates.mode(sending.kind) != "replaces"
    learn(AccountHabits({sending.kind: "replaces"}), context)
    names = ", ".join(sorted(reset))
    off = [name for name, value in reset.items() if value is None]
    try:
        second, sending, lost = _put_whole(sending, whole_fields(sending, off), 2, context)
    except (StoreError, CredentialsError) as error:
        second, lost = NotSent(error.message), ""
    attempts = answer.attempts + second.attempts
    back: LiveResource | str | None = shown
    if isinstance(second, Accepted | Ambiguous):
        back = read_until(lambda live: not reset_fields(sending, live, context), sending, context)
    left = reset_fields(sending, back, context) if isinstance(back, LiveResource) else reset
    if left and _is_back_elsewhere(sending, second, back, context):
        left = {}
    if isinstance(second, Accepted | Ambiguous) and not left:
        told = f"it reset fields it was not sent ({names}): they were put back, and updates send the whole resource now"
        off_lost = lost_text(sending.before, back) if isinstance(back, LiveResource) else ""
        told = "; ".join(filter(None, (told, NEVER_SHOWN if is_new else "", lost, off_lost)))
        return Delivery(answer, attempts, back, was_read=True, told=told, sending=sending)
    context.cancellation.cancel("not tried: an update reset fields it was not sent, so all further writes were stopped")
    damage = _damage(left, second, back)
    damage = replace(damage, error=f"{damage.error}; {NEVER_SHOWN}") if is_new else damage
    return Delivery(answer, attempts, back, was_read=True, damage=damage)


NEVER_SHOWN: Final = (
    "fields that the account does not show, and what earlier updates of other checkouts did not send, may have been "
    "reset as well: look in the console once"
)
"""What is said once, when an account is found to replace what it is not sent: nobody can see whether it was so."""


def _is_back_elsewhere(
    sending: Sending, answer: Answer, back: LiveResource | str | None, context: ExecutionContext
) -> bool:
    """Whether the list, or the answer where nothing could be read, shows the update and all else as before.

    A reading by id may leave fields out.
    """
    if not isinstance(back, LiveResource):
        return back is not None and shows_rest(sending, answer)
    try:
        listed = read_list(sending.before.app_id, context)
    except (ApiError, CredentialsError):
        return False
    shown = next((each for each in listed if each.id == sending.before.id), None)
    return shown is not None and shows_update(sending, shown) and not reset_fields(sending, shown, context)


def _damage(left: Fields, second: Answer, back: LiveResource | str | None) -> Damage:
    """What is left of what an update has reset, with the old values."""
    match second:
        case Rejected(status, message):
            return Damage.of(left, f"putting them back was refused with {status}: {message}")
        case NotSent(cause):
            return Damage.of(left, f"putting them back was not sent: {cause}")
        case Ambiguous(cause) if not isinstance(back, LiveResource):
            return Damage.of(left, f"whether they were put back is not known: {cause}", "unknown")
        case _ if isinstance(back, str):
            return Damage.of(left, f"whether they were put back is not known: {back}", "unknown")
        case _:
            return Damage.of(left, "they were sent again, and are not back")


def learn(habits: AccountHabits, context: ExecutionContext) -> None:
    """Take over what was found out, and record it for later runs."""
    if context.updates.learn(habits):
        try:
            context.store.record_observation(learned_event(habits))
        except StoreError as error:
            context.cancellation.cancel(f"not tried: {error.message}")


def learn_from_past(context: ExecutionContext) -> None:
    """Take over what the account shows of updates of earlier runs that nobody has seen the end of."""
    found = context.updates.seen_in(context.seen.by_id.values())
    if found.updates:
        learn(found, context)


def kept_lines(sent: Value, before: Value | Absent, shown: Value | Absent) -> Mapping[str, Decimal]:
    """The lines that a table of floors left out and that are still there, with the worldwide price that was sent.

    None where the rest of the table is not as it was sent: then nothing is known of the lines.
    """
    wanted, was, table = (None if isinstance(each, Absent) else floor_table(each) for each in (sent, before, shown))
    if wanted is None or was is None or table is None:
        return {}
    if any(table.get(country) != amount for country, amount in wanted.items()):
        return {}
    left = [country for country in table if country not in wanted]
    if not left or any(was.get(country) != table[country] for country in left):
        return {}
    return dict.fromkeys(left, wanted[WORLDWIDE])
