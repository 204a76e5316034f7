"""Sending one create, and what its answer is worth.

The API has no idempotency key, and nothing promises that an answered id is new. A create counts as made only by an id
that was not there before, and that is not shown to be another resource.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from reconciler.apply.context import CreatedResource, ExecutionContext, Moment
from reconciler.apply.verify import is_kept_form
from reconciler.diff.change import Create
from reconciler.model.address import app_of, kind_of
from reconciler.model.live import LiveResource
from reconciler.model.outcome import Intent
from reconciler.model.value import Fields
from reconciler.ports import Accepted, Ambiguous, NotSent, Rejected

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
    """The resource was surely not created."""

    why: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Doubtful:
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


Creation: TypeAlias = Created | NotCreated | Doubtful


def send_create(
    change: Create, app_id: str | None, context: ExecutionContext, before: Doubtful | None = None
) -> Creation:
    """Send the create of a step once. `before`: what is known of it where it was sent already.

    Raises `StoreError` and `CredentialsError` where it was not sent because of them.
    """
    sent = 1 if before is None else before.sent + 1
    attempts = 0 if before is None else before.attempts
    began = context.moment() if before is None else before.began
    context.store.intend(Intent(change.address, "create", None, sent, change.send, {}))
    answer = context.gateway.create(kind_of(change.address), change.send, app_id=app_id)
    attempts += answer.attempts

    def doubtful(why: str, *, may_repeat: bool = True) -> Doubtful:
        return Doubtful(change, app_id, why, attempts, sent, began, context.moment(), may_repeat)

    match answer:
        case Accepted(str(resource_id), said):
            made = Created(change, app_id, resource_id, said, attempts, began)
            trouble = not_ours(made, said, context) or claim(made, context)
            return made if trouble is None else doubtful(trouble, may_repeat=False)
        case Accepted():
            return doubtful("the answer names no id")
        case Rejected() | NotSent():
            if before is None:
                return NotCreated(_refusal(answer), attempts)
            return doubtful(f"{before.why}; sent again: {_refusal(answer)}", may_repeat=False)
        case Ambiguous(why):
            return doubtful(why)


def _refusal(answer: Rejected | NotSent) -> str:
    return answer.why if isinstance(answer, NotSent) else f"refused with {answer.status}: {answer.message}"


def claim(made: Created, context: ExecutionContext) -> str | None:
    """Take the id for this create; why that cannot be where the id was there before, or is another create's."""
    kind = kind_of(made.change.address)
    if made.id in context.seen.known.get(kind, ()):
        context.created.mixed = True
        hint = "; the account may hold only one of such names: pin that id instead" if made.change.distinct else ""
        return f"it was answered with id {made.id}, which was there before{hint}"
    if not context.created.claim(CreatedResource(made.change.address, made.id, made.app_id, made.began)):
        context.created.mixed = True
        return f"it was answered with id {made.id}, which is that of another create of this run"
    return None


def not_ours(made: Created, shown: Fields, context: ExecutionContext) -> str | None:
    """Why fields that are shown under an answered id are another resource's; None where nothing speaks against it.

    A server may keep a name otherwise than it was sent (in lower case, trimmed, cut, escaped): that is no
    contradiction, unless the name is that of another resource.
    """
    kind = kind_of(made.change.address)
    for key in KEYS[kind]:
        wanted, seen = made.change.send[key], shown.get(key, made.change.send[key])
        if seen == wanted:
            continue
        if not is_kept_form(str(wanted), str(seen)) or _is_anothers(made, key, str(seen), context):
            context.created.mixed = True
            return f"it was answered with id {made.id}, which is {seen!s} in the account, not {wanted!s}"
    return None


def _is_anothers(made: Created, key: str, seen: str, context: ExecutionContext) -> bool:
    """Whether a name is one that another resource of the list has, or that another create asks for."""
    kind = kind_of(made.change.address)
    before = (context.seen.by_id.get((kind, each)) for each in context.listed_before(made.app_id))
    others = (each for each in before if each is not None)
    within = app_of(made.change.address) if kind == "placement" else ""
    return seen in context.asked.get(within, ()) or any(each.fields.get(key) == seen for each in others)


def carrying(
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


def read_list(app_id: str | None, context: ExecutionContext) -> tuple[LiveResource, ...]:
    """The list that shows what was created: the placements of an app, or all apps. Raises `ApiError` and the like."""
    if app_id is None:
        return context.gateway.apps()
    return context.gateway.placements(app_id, expected=bool(context.listed_before(app_id)))


def several(ids: Iterable[str]) -> str:
    """In words: more than one live resource has one identity, and what to do about it."""
    named = ", ".join(sorted(ids))
    remedy = "keep one by pinning its id, remove the others in the console"
    return f"there are several of it in the account: ids {named}; {remedy}"
