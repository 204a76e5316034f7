"""Creates whose outcome is not known: what the account's lists say of them, and when they may be sent again.

A list that does not show a new resource may lag, so by itself it proves nothing. It proves that nothing was created
once the settle time is over and the same reading shows something younger: a create of this run with a known id, begun
after the doubtful one had failed. A new id that no create of this run accounts for may be the doubtful one under
another name, as the server may keep names otherwise than they are sent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from reconciler.apply.context import FIRST_PAUSE, ExecutionContext, Moment, read_list, wait_for
from reconciler.apply.create import KEYS, Created, DoubtfulCreate, claim_id
from reconciler.diff.change import Create
from reconciler.errors import ApiError, CredentialsError, StoreError
from reconciler.model.address import Kind, kind_of
from reconciler.model.journal import lag_event, shown_event
from reconciler.model.state import LiveResource, LiveState
from reconciler.model.value import Fields, Value

SENT_AT_MOST: Final = 3
"""How often a create that was surely not done is sent in all."""

ASKED_AT_MOST: Final = 8
"""How many ids that a list leaves out are asked for one by one, to tell whether the list is whole."""


@dataclass(frozen=True, slots=True)
class Indeterminate:
    """Nobody can tell whether it was made, or too many were. `suspects`: ids that it may have made."""

    doubtful: DoubtfulCreate
    why: str
    suspects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RepeatedCreate:
    """It was surely not made, and may be sent again."""

    doubtful: DoubtfulCreate


@dataclass(frozen=True, slots=True)
class UnlistedCreate:
    """It was answered with a new id, which nothing shows so far and nothing speaks against."""

    doubtful: DoubtfulCreate
    id: str


@dataclass(frozen=True, slots=True)
class _NotListed:
    """The list does not show it. `why` this proves nothing; None where it proves that nothing was created."""

    why: str | None


SettledCreate: TypeAlias = Created | Indeterminate | UnlistedCreate | RepeatedCreate
_Finding: TypeAlias = Created | Indeterminate | _NotListed


def settle(doubtful: Sequence[DoubtfulCreate], context: ExecutionContext) -> Iterator[SettledCreate]:
    """What becomes of doubtful creates: their lists are read until each is clear, or its settle time is over."""
    waiting = list(doubtful)
    pause = FIRST_PAUSE
    while waiting:
        findings = [
            finding
            for app_id, group in _grouped_by_list(waiting)
            for finding in _look_for_creates(app_id, group, context)
        ]
        rest = []
        for each, finding in findings:
            seconds_left = each.failed.seconds + context.settle_seconds - context.clock.monotonic()
            if seconds_left > 0 and context.cancellation.reason is None and not isinstance(finding, Created):
                rest.append(each)
            else:
                yield _conclude(each, finding, context)
        waiting = rest
        if waiting:
            last = max(each.failed.seconds for each in waiting) + context.settle_seconds
            wait_for(min(pause, max(last - context.clock.monotonic(), 0.0)), context)
            pause *= 2


def _conclude(doubtful: DoubtfulCreate, finding: _Finding, context: ExecutionContext) -> SettledCreate:
    """What is to become of a create by the last reading of its list."""
    if not isinstance(finding, _NotListed):
        return finding
    if doubtful.answered is not None and not context.created.mixed:
        return UnlistedCreate(doubtful, doubtful.answered)
    why = _why_not_repeated(doubtful, finding, context)
    if why is None:
        return RepeatedCreate(doubtful)
    return Indeterminate(doubtful, f"{doubtful.why}; {why}", () if doubtful.answered is None else (doubtful.answered,))


def _why_not_repeated(doubtful: DoubtfulCreate, not_listed: _NotListed, context: ExecutionContext) -> str | None:
    """Why a create that no list shows is not sent once more; None where it may be."""
    if context.cancellation.reason is not None:
        return "it was not sent again, as all further writes were stopped"
    if not doubtful.may_repeat:
        return "nothing new of that name has appeared, and it was not sent again"
    if not_listed.why is not None:
        return not_listed.why
    if doubtful.sent >= SENT_AT_MOST:
        return f"sent {doubtful.sent} times, and no trace of it has appeared"
    return None


def _grouped_by_list(doubtful: Iterable[DoubtfulCreate]) -> Iterator[tuple[str | None, list[DoubtfulCreate]]]:
    groups: dict[str | None, list[DoubtfulCreate]] = {}
    for each in doubtful:
        groups.setdefault(each.app_id, []).append(each)
    yield from groups.items()


def _look_for_creates(
    app_id: str | None, group: Sequence[DoubtfulCreate], context: ExecutionContext
) -> list[tuple[DoubtfulCreate, _Finding]]:
    """What one reading of a list shows of each doubtful create in it."""
    try:
        listed = read_list(app_id, context)
        left_out = _leaves_out_known(app_id, listed, context)
    except (ApiError, CredentialsError) as error:
        return [
            (each, Indeterminate(each, f"{each.why}; and looking for it failed: {error.message}")) for each in group
        ]
    ours = {each.id for each in context.created.all() if each.app_id == app_id}
    new = [each for each in listed if each.id not in context.listed_before(app_id) and each.id not in ours]
    exact = {each.change.address: new_matches(each.change, app_id, new, context) for each in group}
    taken = {found.id for carriers in exact.values() for found in carriers}
    unclaimed = tuple(sorted(each.id for each in new if each.id not in taken))
    list_state = _list_state(app_id, listed, left_out=left_out, context=context)
    return [(each, _finding(each, exact[each.change.address], unclaimed, list_state, context)) for each in group]


@dataclass(frozen=True, slots=True)
class _ListState:
    """What a list shows: whether it `left_out` known resources, and when the creates that it has `shown` began."""

    left_out: bool
    shown: tuple[Moment, ...]


def _list_state(
    app_id: str | None, listed: Iterable[LiveResource], *, left_out: bool, context: ExecutionContext
) -> _ListState:
    ids = {each.id for each in listed}
    shown = (each.began for each in context.created.all() if each.app_id == app_id and each.id in ids)
    return _ListState(left_out, tuple(shown))


def _finding(
    doubtful: DoubtfulCreate,
    carriers: Sequence[LiveResource],
    new: tuple[str, ...],
    list_state: _ListState,
    context: ExecutionContext,
) -> _Finding:
    if len(carriers) > 1:
        ids = tuple(sorted(each.id for each in carriers))
        return Indeterminate(doubtful, several_text(ids), ids)
    if carriers:
        found = carriers[0]
        created = Created(doubtful.change, doubtful.app_id, found.id, found.fields, doubtful.attempts, doubtful.began)
        trouble = claim_id(created, context)
        return created if trouble is None else Indeterminate(doubtful, f"{doubtful.why}; {trouble}", (found.id,))
    if new:
        return Indeterminate(doubtful, f"{doubtful.why}; {new_ids_text(new)}", new)
    if list_state.left_out:
        return _NotListed("the account's list leaves out resources that do exist, so its silence tells nothing")
    if not any(began > doubtful.failed for began in list_state.shown):
        return _NotListed(
            f"the account's list has not shown it within {context.settle_seconds:g} s, nor anything younger, so it was "
            "not sent again; the next run looks for it first"
        )
    return _NotListed(None)


@dataclass(frozen=True, slots=True)
class ListIndex:
    """A list of the account: its resources by id, and those that creates may be about by their identity."""

    resources: Sequence[LiveResource]
    by_id: Mapping[str, LiveResource]
    by_identity: Mapping[tuple[Value, ...], list[LiveResource]]

    @classmethod
    def of(cls, resources: Sequence[LiveResource]) -> "ListIndex":
        """The index of a list."""
        by_identity: dict[tuple[Value, ...], list[LiveResource]] = {}
        for each in resources:
            by_identity.setdefault(identity_of(each.kind, each.fields), []).append(each)
        return cls(resources, {each.id: each for each in resources}, by_identity)


def identity_of(kind: Kind, fields: Fields) -> tuple[Value, ...]:
    """The values that make the identity of a resource within its list."""
    return tuple(fields.get(key) for key in KEYS[kind])


def new_matches(
    change: Create, app_id: str | None, listed: Iterable[LiveResource], context: ExecutionContext
) -> list[LiveResource]:
    """Those in a list that carry the identity of a create and were not there before."""
    before = context.listed_before(app_id)
    keys = KEYS[kind_of(change.address)]
    return [
        each
        for each in listed
        if each.id not in before and all(each.fields.get(key) == change.send[key] for key in keys)
    ]


def several_text(ids: Iterable[str]) -> str:
    """In words: more than one live resource has one identity, and what to do about it."""
    named = ", ".join(sorted(ids))
    remedy = "keep one by pinning its id, remove the others in the console"
    return f"the account holds several resources of this identity: ids {named}; {remedy}"


def new_ids_text(ids: Iterable[str]) -> str:
    """In words: there are new ids that no create of this run accounts for."""
    named = ", ".join(ids)
    return f"the account holds something new under another name (id {named}), which may be this: pin it to adopt it"


def _leaves_out_known(app_id: str | None, listed: Iterable[LiveResource], context: ExecutionContext) -> bool:
    """Whether a list leaves out what was in it before and still exists. Raises `ApiError` and the like."""
    lost = sorted(context.listed_before(app_id) - {each.id for each in listed})
    kind: Kind = "app" if app_id is None else "placement"
    if len(lost) > ASKED_AT_MOST:
        return True
    return any(context.gateway.find(kind, each) is not None for each in lost)


def record_lag(created: Created, context: ExecutionContext) -> None:
    """Record how long a list did not show what a doubtful create had made."""
    seconds = context.clock.monotonic() - created.began.seconds
    if seconds >= FIRST_PAUSE:
        try:
            context.store.record_observation(lag_event(seconds))
        except StoreError:
            return


def record_shown(after: LiveState, context: ExecutionContext) -> None:
    """Record which resources of this run the lists show, and the age of the oldest that they do not."""
    there = after.by_id().keys()
    read = {None, *after.placements}
    created = {(kind_of(each.address), each.id): each for each in context.created.all() if each.app_id in read}
    ages = [context.clock.monotonic() - each.began.seconds for key, each in created.items() if key not in there]
    events = [shown_event(created.keys() & there)] if created.keys() & there else []
    if ages:
        events.append(lag_event(max(ages)))
    with suppress(StoreError):
        for event in events:
            context.store.record_observation(event)


def stopped_repeat(doubtful: DoubtfulCreate, why: str) -> Indeterminate:
    """A create that could not be sent again."""
    return Indeterminate(replace(doubtful, may_repeat=False), f"{doubtful.why}; it was not sent again: {why}")
