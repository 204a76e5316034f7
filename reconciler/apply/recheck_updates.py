"""The reading after a run against an update: what it came to, and what it did to the fields that it was not sent."""

from dataclasses import replace
from typing import Final

from reconciler.apply.change import (
    damaged_result,
    kept_lines_result,
    kept_targeting_result,
    mended_result,
    sending_of,
    write_result,
)
from reconciler.apply.context import ExecutionContext, UnconfirmedDelete, Write, read_back, result
from reconciler.apply.side_effects import IN_DOUBT, is_hidden, lost_text, reset_fields, shows_update
from reconciler.apply.updates import Damage, kept_lines, learn
from reconciler.apply.verify import Verification, untaken_fields, verify
from reconciler.model.address import kind_of
from reconciler.model.habits import AccountHabits
from reconciler.model.journal import StepResult
from reconciler.model.state import LiveResource
from reconciler.model.value import ABSENT, Fields
from reconciler.ports import Accepted

BELIEVED: Final = frozenset({"applied", "normalised", "unverified"})
"""Ends of a step that a list which leaves a field out does not change."""


def judge_update(
    write: Write, step_result: StepResult, listed: LiveResource | None, context: ExecutionContext, *, settled: bool
) -> tuple[bool, StepResult | None]:
    """Whether an update is clear by its resource as a list shows it, and what it came to.

    `step_result` is its result as answered. None where the list does not show the resource.
    """
    shown: LiveResource | str | None = listed
    if shown is None and settled:
        shown = read_back(kind_of(write.change.address), write.id or "", context)
        if shown is None:
            gone = result(
                write.change, "failed", attempts=step_result.result.attempts, error="it is gone from the account"
            )
            return True, StepResult(gone)
    if not isinstance(shown, LiveResource):
        return False, None
    sure, end = _judge_shown(write, shown, step_result, context, settled=settled)
    if write.live is not None and write.unchecked and not end.result.reset:
        if _is_after(write, write.live, shown, context):
            return sure, replace(end, result=replace(end.result, unchecked=False))
        return settled, with_doubt(write, end, context) if settled else end
    return sure, end


def _is_after(write: Write, before: LiveResource, shown: LiveResource, context: ExecutionContext) -> bool:
    """Whether a reading is of after an update, as far as anything tells."""
    sending = sending_of(write, context)
    return shows_update(sending, shown) or is_hidden(sending, shown, Accepted(before.id, write.said), context)


def _judge_shown(
    write: Write, shown: LiveResource, step_result: StepResult, context: ExecutionContext, *, settled: bool
) -> tuple[bool, StepResult]:
    """Whether an update is clear by what a list shows of its resource, and what it came to."""
    if (mended := _mended(write, shown, step_result, context, settled=settled)) is not None:
        return True, mended
    if not settled and _may_merge_floors(write, shown):
        return False, step_result
    verification = verify_write(write, shown.fields, context)
    if verification.reset or (
        step_result.result.outcome == "unverified" and verification.unconfirmed and not verification.contradicted
    ):
        return True, step_result
    if write.live is not None and (lost := lost_text(write.live, shown)) and lost not in (write.told or ""):
        write = replace(write, told="; ".join(filter(None, (write.told, lost))))
    if settled and None in (verification.contradicted or {}).values():
        verification = _confirm_by_id(write, shown, verification, context)
    end = write_result(write, verification, step_result.result.attempts, settled=settled, shown=shown.fields)
    return not untaken_fields(write.sent, write.before, write.said, verification, settled=False), end


def _mended(
    write: Write, shown: LiveResource, step_result: StepResult, context: ExecutionContext, *, settled: bool
) -> StepResult | None:
    """The result of an update that changed more, or less, than it was to, once that is mended; None for a good one.

    What an update was not sent is looked at as long as the account is not known to merge.
    """
    if write.live is None:
        return None
    sending, attempts = sending_of(write, context), step_result.result.attempts
    is_after, stopped = _is_after(write, write.live, shown, context), context.cancellation.reason
    is_open = is_after and write.told is None and context.updates.mode(sending.kind) != "merges"
    if is_open and (reset := reset_fields(sending, shown, context)):
        if stopped is not None:
            learn(AccountHabits({sending.kind: "replaces"}), context)
            return damaged_result(write, Damage.of(reset, stopped), shown, attempts, context)
        return mended_result(write, shown, attempts, context)
    if stopped is not None:
        return None
    is_after = shows_update(sending, shown)
    if is_after and (mended := kept_targeting_result(write, shown, attempts, context)) is not None:
        return mended
    return kept_lines_result(write, shown, attempts, context) if is_after or settled else None


def _may_merge_floors(write: Write, shown: LiveResource) -> bool:
    """Whether lines that an update left out are still there: the account may merge them, or only lag."""
    tables = (fields.get("floorPrices", ABSENT) for fields in (write.before, shown.fields))
    return bool(kept_lines(write.sent.get("floorPrices"), *tables))


def _confirm_by_id(
    write: Write, shown: LiveResource, verification: Verification, context: ExecutionContext
) -> Verification:
    """What a list shows of a write; a field that it leaves out is off only where a reading by id says so too."""
    live = read_back(shown.kind, shown.id, context)
    if not isinstance(live, LiveResource):
        return verification
    listed, by_id = verification.contradicted or {}, verify_write(write, live.fields, context).contradicted or {}
    contradicted = {name: value for name, value in listed.items() if value is not None or name in by_id}
    unlisted = listed.keys() - contradicted.keys()
    return replace(verification, contradicted=contradicted, unconfirmed=verification.unconfirmed | unlisted)


def verify_write(write: Write, shown: Fields, context: ExecutionContext) -> Verification:
    """A resource against a write; a field that the answer spoke of is one that the account shows."""
    returned = context.seen.fields_returned_for({**write.sent, **write.before}) | write.said.keys()
    return verify(write.sent, write.before, shown, returned)


def with_doubt(write: Write | UnconfirmedDelete, end: StepResult, context: ExecutionContext) -> StepResult:
    """The end of an update that no reading has shown, where it may have reset what it was not sent: nobody can tell."""
    if not (isinstance(write, Write) and write.unchecked) or end.result.reset:
        return end
    if context.updates.mode(kind_of(write.change.address)) == "merges":
        return replace(end, result=replace(end.result, unchecked=False))
    outcome = "unknown" if end.result.outcome in BELIEVED else end.result.outcome
    error = "; ".join(filter(None, (end.result.error, IN_DOUBT)))
    return replace(end, result=replace(end.result, outcome=outcome, error=error, unchecked=True))
