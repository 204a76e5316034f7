"""The reading after a run: one list for each app that was touched, against what every step was answered.

An answer is what the server says that it did; what it did is in its lists. What differs is read again until the settle
time is over, as lists may lag, and is then called by its name.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from reconciler.apply.context import (
    FIRST_PAUSE,
    ExecutionContext,
    UnconfirmedDelete,
    Write,
    read_back,
    result,
    wait_for,
)
from reconciler.apply.create import Created, claim_id, created_result, why_not_ours
from reconciler.apply.recheck_updates import BELIEVED, judge_update, verify_write, with_doubt
from reconciler.apply.unclear_creates import (
    ListIndex,
    identity_of,
    new_ids_text,
    new_matches,
    record_shown,
    several_text,
)
from reconciler.diff.change import Blocked, Change, Create, Delete
from reconciler.errors import ApiError, CredentialsError
from reconciler.model.address import app_of, kind_of
from reconciler.model.journal import Result, StepResult
from reconciler.model.state import LiveResource, LiveState

NOT_SHOWN: Final = "the account does not show it yet"


@dataclass(frozen=True, slots=True)
class Recheck:
    """`after`: the account as it was read, or why it could not be. `corrections`: other ends of steps than they had."""

    after: LiveState | str
    corrections: tuple[StepResult, ...] = ()


def recheck(
    changes: Sequence[Change], results: Sequence[Result], context: ExecutionContext, parallelism: int
) -> Recheck:
    """Read what a run has touched, and correct the results of steps whose answers the account contradicts."""
    pending = [_Pending(write, step_result, step_result) for write, step_result in context.unconfirmed.all()]
    corrections: list[StepResult] = []
    pause = FIRST_PAUSE
    over = context.clock.monotonic() + context.settle_seconds
    touched = _touched_apps(changes, results, context)
    apps = any(kind_of(each.address) == "app" for each in results if each.attempts)
    after: LiveState | str = "it was not read"
    while True:
        settled = context.clock.monotonic() >= over
        try:
            if isinstance(after, str):
                after = _read_live(touched, context, parallelism, apps=apps)
            else:
                after = _read_again(after, pending, context)
        except (ApiError, CredentialsError) as error:
            after = error.message if isinstance(after, str) else after
        else:
            pending, clear = _judge_all(pending, after, context, settled=settled)
            corrections += clear
            if any(_has_written(each, results) for each in clear):
                after = _read_live(touched, context, parallelism, apps=apps)
        if (not pending and not isinstance(after, str)) or settled or context.cancellation.reason is not None:
            break
        wait_for(min(pause, max(over - context.clock.monotonic(), 0.0)), context)
        pause *= 2
    if isinstance(after, str):
        corrections += [with_doubt(each.write, _unconfirmed_result(each.answered, after), context) for each in pending]
        return Recheck(after, tuple(corrections))
    record_shown(after, context)
    ends = (
        _unconfirmed_result(each.answered, NOT_SHOWN)
        if each.seen == each.answered
        else _with_former_entry(each, each.seen, context)
        for each in pending
    )
    corrections += [with_doubt(each.write, end, context) for each, end in zip(pending, ends, strict=True)]
    return Recheck(after, tuple(corrections))


def _has_written(end: StepResult, results: Sequence[Result]) -> bool:
    """Whether the reading has led to another call of a step."""
    before = next(
        (each for each in results if (each.address, each.action) == (end.result.address, end.result.action)), None
    )
    return before is not None and end.result.attempts > before.attempts


@dataclass(frozen=True, slots=True)
class _Pending:
    """A step that is not clear yet: its result as `answered`, and as `seen` by the last reading."""

    write: Write | UnconfirmedDelete
    answered: StepResult
    seen: StepResult


_Lists: TypeAlias = Mapping[str | None, ListIndex]
"""The placements of apps by the ids of these, and all apps by None."""
_NOTHING_LISTED: Final = ListIndex((), {}, {})


def _judge_all(
    pending: Sequence[_Pending], after: LiveState, context: ExecutionContext, *, settled: bool
) -> tuple[list[_Pending], list[StepResult]]:
    """The steps that a reading leaves unclear, and corrected results of the others."""
    _release_wrong_ids([each.write for each in pending], after, context)
    waiting: list[_Pending] = []
    corrections: list[StepResult] = []
    lists: dict[str | None, ListIndex] = {None: ListIndex.of(after.apps)}
    lists.update((app_id, ListIndex.of(resources)) for app_id, resources in after.placements.items())
    for each in pending:
        sure, end = _judge(each, lists, context, settled=settled)
        if not sure and not settled:
            waiting.append(replace(each, seen=end))
        elif end != each.answered:
            corrections.append(_with_former_entry(each, end, context))
    return waiting, corrections


def _with_former_entry(pending: _Pending, end: StepResult, context: ExecutionContext) -> StepResult:
    """An end that leaves nothing to remember of a write, with what the ledger held before the write was answered.

    The answer alone has put the values that were sent, the beginning of a quarantine or a new address into the ledger.
    """
    change = pending.write.change
    if isinstance(change, Create | Delete) or pending.answered.entry is None or end.entry is not None:
        return end
    known = context.ledger.get(change.address)
    if known is not None:
        return replace(end, entry=known)
    former = (context.ledger[each] for each in pending.answered.forget if each in context.ledger)
    return replace(end, entry=next(former, None), forget=(change.address,))


def _unconfirmed_result(step_result: StepResult, why: str) -> StepResult:
    """The end of a step, which is not confirmed where it was answered as done."""
    if step_result.result.outcome not in BELIEVED:
        return step_result
    error = "; ".join(
        filter(None, (step_result.result.error, f"not confirmed by reading the account after the run: {why}"))
    )
    return replace(step_result, result=replace(step_result.result, outcome="unverified", error=error))


def _touched_apps(changes: Iterable[Change], results: Sequence[Result], context: ExecutionContext) -> frozenset[str]:
    """The ids of the apps whose placements a plan spoke of, without those that it deleted."""
    created_ids = {each.address: each.id for each in results if each.action == "create" and each.id is not None}
    gone = {
        each.id
        for each in results
        if (each.action, each.outcome, kind_of(each.address)) == ("delete", "applied", "app")
    }
    homes = (
        change.app_id or created_ids.get(app_of(change.address))
        for change in changes
        if not isinstance(change, Blocked)
    )
    there = context.seen.listed[""] | set(context.apps.ids.values())
    return frozenset(app_id for app_id in homes if app_id is not None and app_id in there and app_id not in gone)


def _read_live(touched: Iterable[str], context: ExecutionContext, parallelism: int, *, apps: bool) -> LiveState:
    """The placements of the apps that were touched, and the list of apps: read anew where one of these was."""
    before = (context.seen.by_id["app", each] for each in sorted(context.listed_before(None)))
    return LiveState(context.gateway.apps() if apps else tuple(before), _read_lists(touched, context, parallelism))


def _read_lists(
    app_ids: Iterable[str], context: ExecutionContext, parallelism: int
) -> Mapping[str, Sequence[LiveResource]]:
    ids = sorted(app_ids)
    with ThreadPoolExecutor(parallelism, thread_name_prefix="recheck") as workers:
        lists = list(workers.map(lambda app_id: context.gateway.placements(app_id, expected=False), ids))
    return dict(zip(ids, lists, strict=True))


def _read_again(after: LiveState, pending: Iterable[_Pending], context: ExecutionContext) -> LiveState:
    """The same with the lists read anew that show what is not clear yet."""
    writes = [each.write for each in pending if isinstance(each.write, Write)]
    apps = context.gateway.apps() if any(each.app_id is None for each in writes) else after.apps
    ids = {each.app_id for each in writes if each.app_id in after.placements and each.app_id is not None}
    return LiveState(apps, {**after.placements, **_read_lists(ids, context, 1)})


def _judge(pending: _Pending, lists: _Lists, context: ExecutionContext, *, settled: bool) -> tuple[bool, StepResult]:
    """Whether a step is clear now, and what it came to."""
    write, step_result = pending.write, pending.answered
    if isinstance(write, UnconfirmedDelete):
        return _judge_delete(write, step_result, context)
    home = None if kind_of(write.change.address) == "app" else write.app_id or ""
    listed = lists.get(home, _NOTHING_LISTED)
    if isinstance(write.change, Create):
        return _judge_create(write, write.change, step_result, listed, context, settled=settled)
    sure, end = judge_update(write, step_result, listed.by_id.get(write.id or ""), context, settled=settled)
    return sure, pending.seen if end is None else end


def _judge_delete(
    removal: UnconfirmedDelete, step_result: StepResult, context: ExecutionContext
) -> tuple[bool, StepResult]:
    change = removal.change
    live = read_back(kind_of(change.address), change.id, context)
    attempts = step_result.result.attempts
    if live is None:
        return True, StepResult(result(change, "applied", attempts=attempts), forget=(change.address,))
    if isinstance(live, str):
        return False, step_result
    error = "; ".join(filter(None, (removal.doubt, "it is still in the account")))
    return False, StepResult(result(change, "failed", attempts=attempts, error=error))


def _judge_create(
    write: Write,
    change: Create,
    ended: StepResult,
    listed: ListIndex,
    context: ExecutionContext,
    *,
    settled: bool,
) -> tuple[bool, StepResult]:
    attempts = ended.result.attempts
    alike = listed.by_identity.get(identity_of(kind_of(change.address), change.send), ())
    carriers = {each.id: each for each in new_matches(change, write.app_id, alike, context)}
    shown = listed.by_id.get(write.id or "")
    another = None if shown is None else _why_not_ours(write, change, shown, context)
    is_ours = write.id is not None and another is None
    ids = {*carriers, write.id} if is_ours and write.id is not None else {*carriers}
    if len(ids) > 1:
        step_result = StepResult(
            result(change, "unknown", attempts=attempts, error=several_text(ids)), forget=(change.address,)
        )
        return True, replace(step_result, suspects=tuple(sorted(ids)))
    if is_ours:
        return _judge_known_create(write, change, ended, shown, context, settled=settled)
    for live in carriers.values():
        if claim_id(replace(_as_answered(write, change, context), id=live.id), context) is None:
            return True, created_result(
                change, live.id, verify_write(write, live.fields, context), attempts, settled=settled
            )
    if another is not None:
        ended = StepResult(result(change, "unknown", attempts=attempts, error=another), forget=(change.address,))
    return True, _with_suspects(ended, write.app_id, listed.resources, context)


def _with_suspects(
    step_result: StepResult, app_id: str | None, listed: Iterable[LiveResource], context: ExecutionContext
) -> StepResult:
    """A create that is not known to have made anything, with the new ids in its list that nobody accounts for."""
    ours = {each.id for each in context.created.all() if each.app_id == app_id}
    new = {each.id for each in listed} - context.listed_before(app_id) - ours
    suspects = tuple(sorted({*step_result.suspects, *new}))
    if suspects == step_result.suspects:
        return step_result
    error = f"{step_result.result.error}; {new_ids_text(suspects)}"
    return replace(step_result, result=replace(step_result.result, error=error), suspects=suspects)


def _judge_known_create(
    write: Write,
    change: Create,
    step_result: StepResult,
    shown: LiveResource | None,
    context: ExecutionContext,
    *,
    settled: bool,
) -> tuple[bool, StepResult]:
    """Whether what was made under a known id is clear, and what that step came to."""
    if step_result.result.outcome == "failed":
        return True, step_result
    attempts = step_result.result.attempts
    if shown is None and not settled:
        return False, step_result
    live = shown or read_back(kind_of(change.address), write.id or "", context)
    if not isinstance(live, LiveResource):
        return True, created_result(change, write.id or "", live or NOT_SHOWN, attempts, settled=True)
    verification = verify_write(write, live.fields, context)
    if step_result.result.outcome == "applied" and not (verification.unconfirmed or verification.contradicted):
        return True, step_result  # which is what `created_result` gives for it
    end = created_result(change, live.id, verification, attempts, settled=settled)
    as_told = end.result.outcome == step_result.result.outcome and end.result.kept == step_result.result.kept
    unclear = end.result.outcome == "unverified" and not verification.unconfirmed
    return settled or end.result.outcome == "applied" or (as_told and not unclear), end


def _as_answered(write: Write, change: Create, context: ExecutionContext) -> Created:
    """The `Created` of a create by its answer alone."""
    return Created(change, write.app_id, write.id or "", {}, 0, context.moment())


def _why_not_ours(write: Write, change: Create, shown: LiveResource, context: ExecutionContext) -> str | None:
    """As `why_not_ours` of what the create was answered with."""
    if identity_of(shown.kind, shown.fields) == identity_of(shown.kind, change.send):
        return None
    return why_not_ours(_as_answered(write, change, context), shown.fields, context)


def _release_wrong_ids(
    writes: Iterable[Write | UnconfirmedDelete], after: LiveState, context: ExecutionContext
) -> None:
    """Give back the ids that creates were answered with and that are other resources', before any is given anew."""
    shown = after.by_id()
    for write in writes:
        if isinstance(write, Write) and isinstance(write.change, Create) and write.id is not None:
            live = shown.get((kind_of(write.change.address), write.id))
            if live is not None and _why_not_ours(write, write.change, live, context) is not None:
                context.created.release(write.change.address, write.id)
