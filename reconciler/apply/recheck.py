"""The reading after a run: one list for each app that was touched, against what every step was answered.

An answer is what the server says that it did; what it did is in its lists. What differs is read again until the settle
time is over, as lists may lag, and is then called by its name.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from reconciler.apply.changing import concluded
from reconciler.apply.create import Made, carrying, claim, not_ours, several
from reconciler.apply.creating import created
from reconciler.apply.doubtful import FIRST_PAUSE, wait_for
from reconciler.apply.ending import read_back, result
from reconciler.apply.site import Removal, Site, Write
from reconciler.apply.verify import not_taken, verify
from reconciler.diff.change import Blocked, Change, Create
from reconciler.errors import ApiError, CredentialsError, StoreError
from reconciler.model.address import app_of, kind_of
from reconciler.model.live import LiveResource, LiveState
from reconciler.model.outcome import Ended, Result

BELIEVED: Final = frozenset({"applied", "normalised", "unverified"})
"""Ends of a step that a list which leaves a field out does not change."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """`after`: the account as it was read, or why it could not be. `corrections`: other ends of steps than they had."""

    after: LiveState | str
    corrections: tuple[Ended, ...] = ()


def recheck(changes: Sequence[Change], results: Sequence[Result], site: Site, parallelism: int) -> Recheck:
    """Read what a run has touched, and say which of its steps came to another end than their answers told."""
    pending = list(site.unconfirmed.all())
    corrections: list[Ended] = []
    pause = FIRST_PAUSE
    over = site.clock.monotonic() + site.settle_seconds
    touched = _touched(changes, results, site)
    try:
        after = _read(touched, site, parallelism)
        _note_lag(after, site)
        while pending:
            settled = site.clock.monotonic() >= over
            waiting = []
            _release_wrong(pending, after, site)
            for write, ended in pending:
                sure, end = _judged(write, ended, after, site, settled=settled)
                if not sure and not settled:
                    waiting.append((write, ended))
                elif end != ended:
                    corrections.append(end)
            pending = waiting
            if not pending or site.brake.reason is not None:
                break
            wait_for(min(pause, max(over - site.clock.monotonic(), 0.0)), site)
            pause *= 2
            after = _read_again(after, [write for write, _ in pending], site, parallelism)
    except (ApiError, CredentialsError) as wrong:
        return Recheck(wrong.message, tuple(corrections))
    return Recheck(after, tuple(corrections))


def _touched(changes: Iterable[Change], results: Sequence[Result], site: Site) -> frozenset[str]:
    """The ids of the apps whose placements a plan spoke of, without those that it deleted."""
    made = {each.address: each.id for each in results if each.action == "create" and each.id is not None}
    gone = {each.id for each in results if (each.action, each.outcome) == ("delete", "applied")}
    homes = (change.app_id or made.get(app_of(change.address)) for change in changes if not isinstance(change, Blocked))
    there = site.seen.listed[""] | set(site.apps.ids.values())
    return frozenset(app_id for app_id in homes if app_id is not None and app_id in there and app_id not in gone)


def _read(touched: Iterable[str], site: Site, parallelism: int) -> LiveState:
    """The list of apps, and the placements of those that were touched."""
    return LiveState(site.gateway.apps(), _lists(touched, site, parallelism))


def _lists(app_ids: Iterable[str], site: Site, parallelism: int) -> Mapping[str, tuple[LiveResource, ...]]:
    ids = sorted(app_ids)
    with ThreadPoolExecutor(parallelism, thread_name_prefix="recheck") as workers:
        lists = list(workers.map(lambda app_id: site.gateway.placements(app_id, expected=False), ids))
    return dict(zip(ids, lists, strict=True))


def _read_again(after: LiveState, open_still: Iterable[Write | Removal], site: Site, parallelism: int) -> LiveState:
    """The same with the lists read anew that show what is not clear yet."""
    writes = [each for each in open_still if isinstance(each, Write)]
    apps = site.gateway.apps() if any(each.app_id is None for each in writes) else after.apps
    ids = {each.app_id for each in writes if each.app_id in after.placements and each.app_id is not None}
    return LiveState(apps, {**after.placements, **_lists(ids, site, parallelism)})


def _judged(write: Write | Removal, ended: Ended, after: LiveState, site: Site, *, settled: bool) -> tuple[bool, Ended]:
    """Whether a step is clear now, and what it came to."""
    if isinstance(write, Removal):
        return _judged_removal(write, ended, site)
    listed = after.apps if kind_of(write.change.address) == "app" else after.placements.get(write.app_id or "", ())
    if isinstance(write.change, Create):
        return _judged_create(write, write.change, ended, listed, site, settled=settled)
    shown = next((each for each in listed if each.id == write.id), None)
    if shown is None:
        return True, ended
    attempts = ended.result.attempts
    seen = verify(write.sent, write.before, shown.fields, site.seen.returned_like(write.before))
    if seen.reset or (seen.unconfirmed and not seen.contradicted and ended.result.outcome in BELIEVED):
        return True, ended
    end = concluded(write, seen, attempts, settled=settled, shown=shown.fields)
    open_still = bool(not_taken(write.sent, write.before, write.said, seen))
    return not open_still, end


def _judged_removal(removal: Removal, ended: Ended, site: Site) -> tuple[bool, Ended]:
    change = removal.change
    found = read_back(kind_of(change.address), change.id, site)
    attempts = ended.result.attempts
    if found is None:
        return True, Ended(result(change, "applied", attempts=attempts), forget=(change.address,))
    if isinstance(found, str):
        return False, ended
    error = "; ".join(filter(None, (removal.doubt, "it is still in the account")))
    return False, Ended(result(change, "failed", attempts=attempts, error=error))


def _judged_create(
    write: Write, change: Create, ended: Ended, listed: Sequence[LiveResource], site: Site, *, settled: bool
) -> tuple[bool, Ended]:
    attempts = ended.result.attempts
    carriers = {each.id for each in carrying(change, write.app_id, listed, site)}
    ids = carriers | ({write.id} if write.id is not None else set())
    shown = next((each for each in listed if each.id == write.id), None)
    made = _made(write, change, site)
    another = None if shown is None else not_ours(made, shown.fields, site)
    if another is not None:
        ids = carriers
    if len(ids) > 1:
        told = Ended(result(change, "unknown", attempts=attempts, error=several(ids)), forget=(change.address,))
        return True, replace(told, suspects=tuple(sorted(ids)))
    if (another is not None or write.id is None) and carriers:
        found = next(each for each in listed if each.id in carriers)
        taken = claim(replace(made, id=found.id), site)
        if taken is None:
            return True, _created(write, change, found, attempts, site)
    if another is not None:
        return True, Ended(result(change, "unknown", attempts=attempts, error=another), forget=(change.address,))
    if shown is None or ended.result.outcome == "failed":
        return True, ended
    end = _created(write, change, shown, attempts, site)
    agreed = end.result.outcome in {ended.result.outcome, "applied"}
    return agreed or settled, end


def _made(write: Write, change: Create, site: Site) -> Made:
    """A create as it was answered."""
    return Made(change, write.app_id, write.id or "", {}, 0, site.moment())


def _release_wrong(pending: Iterable[tuple[Write | Removal, Ended]], after: LiveState, site: Site) -> None:
    """Give back the ids that creates were answered with and that are other resources', before any is given anew."""
    shown = {(each.kind, each.id): each for each in everything(after)}
    for write, _ in pending:
        if isinstance(write, Write) and isinstance(write.change, Create) and write.id is not None:
            found = shown.get((kind_of(write.change.address), write.id))
            if found is not None and not_ours(_made(write, write.change, site), found.fields, site) is not None:
                site.newborns.release(write.change.address, write.id)


def everything(live: LiveState) -> list[LiveResource]:
    """All resources that were read."""
    return [*live.apps, *(each for listed in live.placements.values() for each in listed)]


def _created(write: Write, change: Create, found: LiveResource, attempts: int, site: Site) -> Ended:
    seen = verify(change.send, {}, found.fields, site.seen.returned_like(change.send))
    return created(change, found.id, seen, attempts, write.entry)


def _note_lag(after: LiveState, site: Site) -> None:
    """Record the age of the oldest resource of this run that its list does not show yet."""
    shown = {(each.kind, each.id) for each in everything(after)}
    read = {None, *after.placements}
    now = site.clock.monotonic()
    ages = [
        now - each.began.seconds
        for each in site.newborns.all()
        if each.app_id in read and (kind_of(each.address), each.id) not in shown
    ]
    if ages:
        try:
            site.store.lagged(max(ages))
        except StoreError:
            return
