"""Creating without twins: a create whose answer was lost is looked for, never repeated blindly.

The API has no idempotency key. What counts as made is an id in the list that was not there before, and that carries
the identity that was asked for.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from reconciler.apply.site import Site
from reconciler.diff.change import Create
from reconciler.errors import ApiError, CredentialsError, StoreError
from reconciler.model.address import kind_of
from reconciler.model.live import LiveResource
from reconciler.model.outcome import Intent
from reconciler.ports import Accepted, Ambiguous, NotSent, Rejected

ROUNDS: Final = 3
"""How often a create that left no trace is sent in all."""

LOOKS: Final = 4
"""How often the list is read while an ambiguous create settles."""


@dataclass(frozen=True, slots=True)
class Made:
    """The resource exists. `resource` is set when it was found by reading, `said` when the answer told its fields."""

    id: str
    answer: Accepted | LiveResource
    attempts: int


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
    """Create the resource of a step; at most one of its kind exists afterwards, or the answer says otherwise."""
    attempts = 0
    why = ""
    for sent in range(1, ROUNDS + 1):
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
                return _only(Made(made, answer, attempts), change, app_id, site, sent)
            case Rejected() | NotSent():
                refused = NotMade(_refusal(answer), attempts)
                earlier = None if sent == 1 else _found(_refusal(answer), change, app_id, site, attempts)
                return refused if earlier is None else earlier
            case Accepted():
                why = "the answer names no id"
            case Ambiguous():
                why = answer.why
        found = _found(why, change, app_id, site, attempts)
        if isinstance(found, Made):
            return _only(found, change, app_id, site, sent)
        if found is not None:
            return found
    return Unclear(f"{why}; sent {ROUNDS} times, and no trace of it has appeared", attempts)


def _refusal(answer: Rejected | NotSent) -> str:
    return answer.why if isinstance(answer, NotSent) else f"refused with {answer.status}: {answer.message}"


def _found(why: str, change: Create, app_id: str | None, site: Site, attempts: int) -> Made | Unclear | None:
    """What the list shows of a create whose outcome is not known; None when nothing of it appeared in time."""
    traces = _settle(change, app_id, site)
    if isinstance(traces, str):
        return Unclear(f"{why}; and looking for it failed: {traces}", attempts)
    if len(traces) > 1:
        return Unclear(_several([each.id for each in traces]), attempts)
    return Made(traces[0].id, traces[0], attempts) if traces else None


def _only(made: Made, change: Create, app_id: str | None, site: Site, sent: int) -> Creation:
    """The creation, once it is sure that an earlier try has not come to light beside it."""
    if sent == 1:
        return made
    traces = _settle(change, app_id, site, until_late=True)
    if isinstance(traces, str):
        return Unclear(
            f"made as {made.id}, but whether an earlier try was too could not be read: {traces}", made.attempts
        )
    ids = {made.id, *(each.id for each in traces)}
    return made if ids == {made.id} else Unclear(_several(ids), made.attempts)


def _several(ids: "set[str] | list[str]") -> str:
    return (
        f"several were made: ids {', '.join(sorted(ids))}; keep one by pinning its id, remove the others in the console"
    )


def _settle(change: Create, app_id: str | None, site: Site, *, until_late: bool = False) -> list[LiveResource] | str:
    """New resources that carry the identity, once the settle time is over or (unless `until_late`) one is there.

    A text instead says why the last look failed: that is not the same as nothing being there.
    """
    failure: str | None = "it was never read"
    traces: list[LiveResource] = []
    for look in range(LOOKS):
        if look:
            site.clock.sleep(site.settle_seconds / (LOOKS - 1))
        try:
            traces = _traces(change, app_id, site)
            failure = None
        except (ApiError, CredentialsError) as wrong:
            failure = wrong.message
        if traces and failure is None and not until_late:
            break
    return traces if failure is None else failure


def _traces(change: Create, app_id: str | None, site: Site) -> list[LiveResource]:
    before = site.seen.listed.get(app_id or "", frozenset())
    keys = ("platform", "bundle") if app_id is None else ("name",)
    listed = site.gateway.apps() if app_id is None else site.gateway.placements(app_id, expected=bool(before))
    return [
        each
        for each in listed
        if each.id not in before and all(each.fields.get(key) == change.send[key] for key in keys)
    ]
