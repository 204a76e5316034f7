"""Creating without twins: a create whose answer was lost is looked for, never repeated blindly.

The API has no idempotency key. What counts as made is an id in the list that was not there before, and that carries
the identity that was asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from reconciler.apply.site import Site
from reconciler.diff.change import Create
from reconciler.errors import ApiError, CredentialsError, DoubtfulRead, StoreError
from reconciler.model.address import kind_of
from reconciler.model.live import LiveResource
from reconciler.model.outcome import Intent
from reconciler.ports import Accepted, Ambiguous, NotSent, Rejected

ROUNDS: Final = 3
"""How often a create that left no trace is sent in all."""

LOOKS: Final = 2
"""How often the list is read for an ambiguous create: at once, and when its settle time is over."""


@dataclass(frozen=True, slots=True)
class Made:
    """The resource exists. `answer` is what was read, or what the create was answered with; `sent` counts creates."""

    id: str
    answer: Accepted | LiveResource
    attempts: int
    sent: int


@dataclass(frozen=True, slots=True)
class NotMade:
    """The resource was surely not created."""

    why: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nobody can tell, or too many can: a person has to look."""

    why: str
    attempts: int


Creation: TypeAlias = Made | NotMade | Unclear


def create(change: Create, app_id: str | None, site: Site) -> Creation:
    """Create the resource of a step; at most one of its kind exists afterwards, or the answer says otherwise.

    Where it was sent more than once, an earlier try may come to light still: `apply.late` looks for it.
    """
    attempts = 0
    why = ""
    for sent in range(1, ROUNDS + 1):
        if sent > 1 and site.brake.reason is not None:
            return Unclear(f"{why}; it was not sent again, as all further writes were stopped", attempts)
        try:
            site.store.intend(Intent(change.address, "create", None, sent, change.send, {}))
            answer = site.gateway.create(kind_of(change.address), change.send, app_id=app_id)
        except (StoreError, CredentialsError) as lost:
            if sent == 1:
                raise
            return Unclear(f"{why}; it was not sent again: {lost.message}", attempts)
        attempts += answer.attempts
        match answer:
            case Accepted(str(made)):
                return Made(made, answer, attempts, sent)
            case Rejected() | NotSent():
                refused = NotMade(_refusal(answer), attempts)
                earlier = None if sent == 1 else _found(_refusal(answer), change, app_id, site, attempts, sent)
                return refused if earlier is None else earlier
            case Accepted():
                why = "the answer names no id"
            case Ambiguous():
                why = answer.why
        found = _found(why, change, app_id, site, attempts, sent)
        if found is not None:
            return found
    return Unclear(f"{why}; sent {ROUNDS} times, and no trace of it has appeared", attempts)


def _refusal(answer: Rejected | NotSent) -> str:
    return answer.why if isinstance(answer, NotSent) else f"refused with {answer.status}: {answer.message}"


def _found(why: str, change: Create, app_id: str | None, site: Site, attempts: int, sent: int) -> Made | Unclear | None:
    """What the list shows of a create whose outcome is not known; None when nothing of it appeared in time."""
    seen = _settle(change, app_id, site)
    if isinstance(seen, str):
        return Unclear(f"{why}; and looking for it failed: {seen}", attempts)
    if len(seen) > 1:
        return Unclear(several(each.id for each in seen), attempts)
    return Made(seen[0].id, seen[0], attempts, sent) if seen else None


def several(ids: Iterable[str]) -> str:
    """In words: more than one was made, and what to do about it."""
    named = ", ".join(sorted(ids))
    return f"several were made: ids {named}; keep one by pinning its id, remove the others in the console"


def _settle(change: Create, app_id: str | None, site: Site) -> list[LiveResource] | str:
    """New resources that carry the identity, as soon as one is there and at the latest when the settle time is over.

    A text instead says why the last look failed: that is not the same as nothing being there.
    """
    failure: str | None = None
    found: list[LiveResource] = []
    for look in range(LOOKS):
        if look:
            site.clock.sleep(site.settle_seconds / (LOOKS - 1))
        try:
            found = _traces(change, app_id, site)
            failure = None
        except (ApiError, CredentialsError) as wrong:
            failure = wrong.message
        if found:
            break
    return failure if failure is not None else found


def _traces(change: Create, app_id: str | None, site: Site) -> list[LiveResource]:
    """What a look shows of a create. Raises what reading raises, and `DoubtfulRead` where its silence tells nothing."""
    listed = read_list(app_id, site)
    found = carrying(change, app_id, listed, site)
    lost = _before(app_id, site) - {each.id for each in listed}
    if not found and any(site.gateway.find(kind_of(change.address), each) is not None for each in sorted(lost)):
        raise DoubtfulRead("the account's list leaves out resources that do exist")
    return found


def read_list(app_id: str | None, site: Site) -> tuple[LiveResource, ...]:
    """The list that shows what was created: the placements of an app, or all apps. Raises what reading raises."""
    if app_id is None:
        return site.gateway.apps()
    return site.gateway.placements(app_id, expected=bool(_before(app_id, site)))


def carrying(change: Create, app_id: str | None, listed: Iterable[LiveResource], site: Site) -> list[LiveResource]:
    """Those in a list that carry the identity of a create and were not there before."""
    before = _before(app_id, site)
    keys = ("platform", "bundle") if app_id is None else ("name",)
    return [
        each
        for each in listed
        if each.id not in before and all(each.fields.get(key) == change.send[key] for key in keys)
    ]


def _before(app_id: str | None, site: Site) -> frozenset[str]:
    return site.seen.listed.get(app_id or "", frozenset())
