"""What the answers to writes mean."""

from typing import Final

from reconciler.apis.management.wire import answer
from reconciler.apis.management.wire.beside import speaks_of_failure
from reconciler.http.exchange import (
    AnswerError,
    CallResult,
    NotJsonError,
    Response,
    decode,
    folded,
    is_page,
    server_message,
    words_of,
)
from reconciler.model.address import Kind
from reconciler.model.state import LiveResource
from reconciler.ports import Accepted, Ambiguous, Answer, NotSent

_FINDS_FAULT: Final = ("valid", "category", "must ", "required", "not allowed", "supported")
"""Words by which a conflict (409) names what was sent as invalid, rather than something that exists already."""


def leaves_open(reply: Response) -> bool:
    """Whether an answer to a write may stand for one that was done: a redirect to what is there now, or a conflict.

    A conflict that names a value as not valid is a refusal (seen: 409 with "Invalid store category1"), and a redirect
    that asks for the same request elsewhere (307, 308) comes from a server that did nothing.
    """
    if reply.status in {301, 302, 303}:
        return True
    said = server_message(reply.status, reply.body).lower()
    return reply.status == 409 and not any(word in said for word in _FINDS_FAULT)


def create_answer(kind: Kind, reply: Response, app_id: str | None, tries: int) -> Answer:
    """What came of a create in an app, after so many tries."""
    try:
        resource_id, said_app, said = answer.written_resource(kind, decode(reply.body))
    except AnswerError as error:
        return Ambiguous(f"HTTP {reply.status}: {words_of(str(error))}", tries)
    if resource_id is None:
        return Ambiguous("the answer names no id", tries)
    if kind == "placement" and said_app not in (None, app_id):
        return Ambiguous(f"the answer is about a placement of app {said_app}", tries)
    return Accepted(resource_id, said, tries)


def update_answer(before: LiveResource, reply: Response, tries: int) -> Answer:
    """An answer that says nothing of the resource is an acceptance all the same: what it did can be read back."""
    if is_page(reply.body):
        return Ambiguous("it was answered with a page, not by the API", tries)
    try:
        resource_id, _, said = answer.written_resource(before.kind, decode(reply.body))
    except NotJsonError:
        return Accepted(before.id, attempts=tries)
    except AnswerError as error:
        return Ambiguous(f"HTTP {reply.status}: {words_of(str(error))}", tries)
    if resource_id not in (None, before.id):
        return Ambiguous(f"the answer is about {before.kind} {resource_id}", tries)
    return Accepted(before.id, said, tries)


def delete_answer(resource_id: str, reply: Response, tries: int) -> Answer:
    """What came of a delete; as of an update."""
    if is_page(reply.body):
        return Ambiguous("it was answered with a page, not by the API", tries)
    try:
        value = decode(reply.body)
    except NotJsonError:
        return Accepted(resource_id, attempts=tries)
    failure = speaks_of_failure(folded(value)) if isinstance(value, dict) else None
    return Ambiguous(failure, tries) if failure else Accepted(resource_id, attempts=tries)


def not_sent(result: CallResult, why: str) -> Answer:
    """The end of a call whose last try was not sent, though an earlier one may have been done."""
    tries = max(result.tries, 1)
    return Ambiguous(f"an earlier try may have been done; then: {why}", tries) if result.doubt else NotSent(why, tries)
