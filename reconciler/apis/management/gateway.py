"""The Management API: its client, reading an account and writing to it, and what its answers mean."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, assert_never

from reconciler.apis.management.origin import EXAMPLE, VARIABLE
from reconciler.apis.management.wire import answer, calls
from reconciler.apis.management.wire.settled import ListRequest, placements_of, settled_as_judged
from reconciler.apis.management.written import create_answer, delete_answer, leaves_open, not_sent, update_answer
from reconciler.errors import ApiError, ApiRejected, DoubtfulRead, UnreadableAnswer, WrongAccount
from reconciler.http.auth import Credentials, Service
from reconciler.http.client import MOST, USUAL_POLICY, ApiClient
from reconciler.http.exchange import (
    AnswerError,
    AuthFailed,
    BlankError,
    CallResult,
    NoResponse,
    Request,
    RequestNotSent,
    Response,
    decode,
    is_page,
    more_in_headers,
    server_message,
    words_of,
)
from reconciler.http.retry import RetryPolicy
from reconciler.model.address import Kind
from reconciler.model.field import TYPES, TextType
from reconciler.model.secret import Secret
from reconciler.model.settled import OutlinedPlacements, SettledPlacements
from reconciler.model.state import DesiredPlacement, LiveResource
from reconciler.model.value import Fields
from reconciler.ports import Accepted, Ambiguous, Answer, Clock, Rejected

if TYPE_CHECKING:
    import httpx

MANAGEMENT: Final = Service(
    name="the Management API",
    variable=VARIABLE,
    example=EXAMPLE,
    keys="check DT_CLIENT_ID and DT_CLIENT_SECRET: the keys under Management API in the console's user profile",
    token=calls.token,
)


class DtClient(ApiClient):
    """Calls of the Management API; see `ApiClient`. `read_only`: no write can leave, whoever asks for it."""

    def __init__(  # noqa: PLR0913 - what a test has of its own, by name
        self,
        base_url: str,
        credentials: Credentials,
        *,
        clock: Clock,
        patience: RetryPolicy = USUAL_POLICY,
        transport: "Callable[[], httpx.BaseTransport] | None" = None,
        read_only: bool = False,
        parallelism: int = MOST,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(
            MANAGEMENT,
            base_url,
            credentials,
            clock=clock,
            patience=patience,
            transport=transport,
            read_only=read_only,
            parallelism=parallelism,
            chance=chance,
        )


AskJudge: TypeAlias = Callable[[ListRequest, OutlinedPlacements, bytes], Callable[[], bytes | None]]
"""Ask `judge` in another process, of blocks and the body of an answer: gives what waits for what it says, or None."""

_T = TypeVar("_T")
_Listed = TypeVar("_Listed", bound=Sequence[LiveResource])
_REFUSES_VALUES: Final = (400, 422)
_LATER: Final = "try again later; nothing was concluded from it"
_NO_APP: Final = "there is no such app either; look whether it is still in the console"
_LOOK: Final = "look at what answers at DT_MANAGEMENT_URL; nothing was concluded from it"


@dataclass(frozen=True, slots=True)
class _ReadAnswer:
    """A reply and the JSON value of its body, or why it has none."""

    reply: Response
    value: Any

    @classmethod
    def of(cls, reply: Response, blank: Callable[[Any], bool]) -> "_ReadAnswer":
        try:
            value = decode(reply.body)
        except AnswerError as error:
            return cls(reply, error)
        return cls(reply, BlankError("a list that is null") if blank(value) else value)

    def read(self, read: Callable[[Any], _T]) -> _T:
        """What `read` makes of the value. Raises `AnswerError`, also where the headers speak of further rows."""
        if isinstance(self.value, AnswerError):
            raise self.value
        parsed = read(self.value)
        rows = len(parsed) if isinstance(parsed, Sequence) else 1
        if hint := more_in_headers(self.reply.headers, rows):
            raise AnswerError(f"it speaks of more than the {rows} it holds ({hint})")
        return parsed


class DtReader:
    """Reads one publisher's account, and has no way to write to it. Safe to call from many threads at once.

    Without a publisher id single resources and placements can be read, whosever they are, and no list of apps.
    """

    def __init__(self, client: DtClient, publisher_id: str | None, ask_judge: AskJudge | None = None) -> None:
        self._client = client
        self._publisher_id = publisher_id
        self._ask_judge = ask_judge
        self._listed_apps: frozenset[str] = frozenset()

    def of_publisher(self, publisher_id: str) -> "DtReader":
        """The same for an account that is known by now."""
        return DtReader(self._client, publisher_id)

    def sign_in(self) -> None:
        """Ask for a token and for nothing else. Raises `ApiError` or a subclass, or `CredentialsError`."""
        self._client.sign_in()

    def pace(self) -> float | None:
        """Mean seconds that a request took so far; None before the first."""
        return self._client.pace()

    def apps(self) -> tuple[LiveResource, ...]:
        """All apps of the publisher. Raises `ApiError` or a subclass, `CredentialsError`, or `WrongAccount`."""
        if self._publisher_id is None:
            raise ValueError("the apps of no publisher")
        call = calls.apps(self._publisher_id)
        read = partial(answer.live_list, "app", publisher_id=self._publisher_id)
        apps = self._check_publisher(self._parse(call, self._read_answer(call), read))
        self._listed_apps = frozenset(app.id for app in apps)
        return apps

    def placements(
        self, app_id: str, *, expected: bool, blocks: Sequence[DesiredPlacement] | None = None
    ) -> Sequence[LiveResource]:
        """All placements of an app. Twice an empty body is an app without any, unless some are `expected`.

        So is twice a list that is null, and a 404 for an app that there is. They are `SettledPlacements` where they are
        plainly those of the `blocks`. Raises `DoubtfulRead` where some are expected, `ApiError` or another subclass
        otherwise, or `CredentialsError`.
        """
        return self.ask(app_id, expected=expected, blocks=blocks)()

    def ask(
        self, app_id: str, *, expected: bool, blocks: Sequence[DesiredPlacement] | None = None
    ) -> Callable[[], Sequence[LiveResource]]:
        """Ask for the placements of an app, and return what reads the answer and gives them as `placements` does.

        The answer is there by then, as far as one call brings it; another process may be at work on it. Raises as
        `placements` does for what is no answer.
        """
        call, asked = calls.placements(app_id), ListRequest(app_id, self._publisher_id, blocks)
        reply = self._reply(call, missing=True)
        judged = None
        if self._ask_judge is not None and reply.status == 200 and isinstance(blocks, OutlinedPlacements):
            judged = self._ask_judge(asked, blocks, reply.body)
        return lambda: self._judged(asked, reply, judged) or self._placements(asked, reply, expected=expected)

    def _judged(
        self, asked: ListRequest, reply: Response, judged: Callable[[], bytes | None] | None
    ) -> SettledPlacements | None:
        """The list as `judge` finds it settled; None where nobody is there to judge, or it is to be read here."""
        said = None if judged is None else judged()
        if said is None or not isinstance(asked.blocks, OutlinedPlacements):
            return None
        settled = settled_as_judged(said, asked, asked.blocks, partial(decode, reply.body))
        return None if more_in_headers(reply.headers, len(settled)) else settled

    def _placements(self, asked: ListRequest, reply: Response, *, expected: bool) -> Sequence[LiveResource]:
        call, app_id = calls.placements(asked.app_id), asked.app_id
        read_answer = self._read_answer(call, missing=True, blank=answer.is_null_list, reply=reply)
        if _is_missing(read_answer.reply) and not self._has_app(app_id):
            raise ApiRejected(f"{call}: HTTP 404: {self._words(read_answer.reply)}", hint=_NO_APP)
        if not (_is_missing(read_answer.reply) or isinstance(read_answer.value, BlankError)):
            again = partial(decode, read_answer.reply.body)
            resources = self._parse(call, read_answer, lambda value: placements_of(value, asked, again))
            return self._check_publisher(resources)
        if not expected:
            return ()
        raise DoubtfulRead(
            f"{call}: an empty answer, although placements are known there",
            hint="look whether app and placements are still in the console; nothing was concluded from it",
        )

    def _has_app(self, app_id: str) -> bool:
        """Whether there is such an app: the list of apps has shown it, or a reading by id does."""
        return app_id in self._listed_apps or self.find("app", app_id) is not None

    def find(self, kind: Kind, resource_id: str) -> LiveResource | None:
        """One resource by its id; None for a 404 or an empty array. Raises as `apps` does."""
        call = calls.one(kind, resource_id)
        read_answer = self._read_answer(call, missing=True)
        if _is_missing(read_answer.reply):
            return None
        resource = self._parse(call, read_answer, lambda value: answer.live_one(kind, value, resource_id))
        return None if resource is None else self._check_publisher((resource,))[0]

    def reward_token(self, app_id: str) -> Secret | None:
        """The token that signs an app's reward callbacks; None where the app, or the token, is not there.

        It is read by a call of its own, stands in no `LiveResource` and in no message. Raises as `apps` does.
        """
        call = calls.one("app", app_id)
        read_answer = self._read_answer(call, missing=True)
        if _is_missing(read_answer.reply):
            return None
        return self._parse(call, read_answer, lambda value: answer.reward_token(value, app_id))

    def _check_publisher(self, resources: _Listed) -> _Listed:
        """The resources given. Raises `WrongAccount` where any of them says that it is another publisher's."""
        is_known = self._publisher_id is None or isinstance(resources, SettledPlacements)
        for each in () if is_known else resources:
            if each.publisher_id not in {None, self._publisher_id}:
                raise WrongAccount(
                    f"live {each.kind} {each.id} belongs to publisher {each.publisher_id}, and this run is for "
                    f"publisher {self._publisher_id}",
                    hint="check publisherId in reconciler.yaml and whose keys DT_CLIENT_ID and DT_CLIENT_SECRET are; "
                    "nothing was written",
                )
        return resources

    def _read_answer(
        self,
        call: Request,
        *,
        missing: bool = False,
        blank: Callable[[Any], bool] = lambda _: False,
        reply: Response | None = None,
    ) -> "_ReadAnswer":
        """The answer to a read, 200 (or 404 where `missing` is one). A broken or empty body is asked for once more.

        It ends as `BlankError` only where both were; `blank` says which values count as an empty body. `reply` is the
        first answer where that is there already.
        """
        first = _ReadAnswer.of(reply or self._reply(call, missing=missing), blank)
        if _is_missing(first.reply) or not isinstance(first.value, AnswerError):
            return first
        second = _ReadAnswer.of(self._reply(call, missing=missing), blank)
        return first if isinstance(second.value, BlankError) and not isinstance(first.value, BlankError) else second

    def _reply(self, call: Request, *, missing: bool) -> Response:
        result = self._client.call(call)
        match result.end:
            case Response(status=status) as reply:
                if status in {200, 204} or (missing and _is_missing(reply)):
                    return reply
                raise self._refusal_error(call, reply, result)
            case AuthFailed(error=error):
                raise error
            case NoResponse(why=why, final=True):
                raise UnreadableAnswer(f"{call}: {why}", hint=_LOOK)
            case RequestNotSent(why=why, final=True, hint=hint):
                raise ApiError(f"{call}: {why}", hint=hint or _LATER)
            case RequestNotSent(why=why) | NoResponse(why=why):
                raise ApiError(f"{call}: {why}, after {_tries_text(result.tries)}", hint=_LATER)
            case never:
                assert_never(never)

    def _refusal_error(self, call: Request, reply: Response, result: CallResult) -> ApiError:
        status = reply.status
        if status < 300:
            return UnreadableAnswer(f"{call}: HTTP {status} is not an answer to a read", hint=_LOOK)
        if status < 400:
            return ApiRejected(f"{call}: HTTP {status}, a redirect, which is not followed", hint=_LOOK)
        text = result.with_wait(f"{call}: HTTP {status}: {self._words(reply)}")
        if status in {408, 429} or status >= 500:
            return ApiError(text, hint=result.hint(_LATER))
        return ApiRejected(text, hint=result.hint(""))

    def _parse(self, call: Request, read_answer: "_ReadAnswer", read: Callable[[Any], _T]) -> _T:
        try:
            parsed = read_answer.read(read)
        except AnswerError as error:
            why = self._client.redacted(words_of(str(error)))
            raise UnreadableAnswer(f"{call}: not a readable answer: {why}", hint=_LOOK) from None
        return parsed

    def _words(self, reply: Response) -> str:
        return self._client.redacted(server_message(reply.status, reply.body))


class DtGateway(DtReader):
    """Reads and writes one publisher's account.

    Writes whose credentials are refused midway answer `NotSent`, so that a run can still account for every step.
    """

    def __init__(self, client: DtClient, publisher_id: str) -> None:
        super().__init__(client, publisher_id)
        self._owner = publisher_id

    def create(self, kind: Kind, fields: Fields, *, app_id: str | None) -> Answer:
        """Create one resource; sent once. A placement is born active: its `status` is not sent."""
        if kind == "placement" and app_id is None:
            raise ValueError("a placement is created in an app")
        result = self._client.call(calls.create(kind, fields, app_id or self._owner))
        return self._answer(result, lambda reply: create_answer(kind, reply, app_id, result.tries))

    def update(self, before: LiveResource, fields: Fields) -> Answer:
        """Send the given fields of a live resource, and no others. An empty text that is refused is sent as null."""
        answer = self._update(before, calls.update(before, fields))
        if not isinstance(answer, Rejected) or answer.status not in _REFUSES_VALUES or not _takes_away(fields):
            return answer
        again = self._update(before, calls.update(before, fields, taken_away=None))
        tries = answer.attempts + again.attempts
        return replace(answer if isinstance(again, Rejected) else again, attempts=tries)

    def _update(self, before: LiveResource, request: Request) -> Answer:
        result = self._client.call(request)
        return self._answer(result, lambda reply: update_answer(before, reply, result.tries))

    def delete(self, kind: Kind, resource_id: str) -> Answer:
        """Delete one resource for good. One that is gone after a try in doubt was deleted by that try."""
        result = self._client.call(calls.delete(kind, resource_id))
        if result.doubt and isinstance(result.end, Response) and _is_missing(result.end):
            return Accepted(resource_id, attempts=result.tries)
        return self._answer(result, lambda reply: delete_answer(resource_id, reply, result.tries))

    def _answer(self, result: CallResult, done: Callable[[Response], Answer]) -> Answer:
        """What became of a write; `done` reads the answer of one that the server says it did."""
        match result.end:
            case Response(status=status) as reply if 200 <= status < 300:
                return self._redact(done(reply))
            case Response(status=status) as reply:
                words = "a redirect" if status < 400 else self._words(reply)
                if leaves_open(reply):
                    return Ambiguous(f"HTTP {status}: {words}", result.tries)
                return self._refused_write(result, status, result.with_wait(words))
            case AuthFailed(error=error):
                return not_sent(result, error.message)
            case RequestNotSent(why=why):
                return not_sent(result, why)
            case NoResponse(why=why):
                return Ambiguous(why, result.tries)
            case never:
                assert_never(never)

    def _redact(self, told: Answer) -> Answer:
        return replace(told, why=self._client.redacted(told.why)) if isinstance(told, Ambiguous) else told

    def _refused_write(self, result: CallResult, status: int, words: str) -> Answer:
        if status == 408 or status >= 500:
            return Ambiguous(f"HTTP {status}: {words}", result.tries)
        if result.doubt:
            return Ambiguous(f"an earlier try may have been done; the last one: HTTP {status}: {words}", result.tries)
        return Rejected(status, words, result.tries)


def _is_missing(reply: Response) -> bool:
    """Whether the API says that there is no such resource; a page says only that something else has answered."""
    return reply.status == 404 and not is_page(reply.body)


def _tries_text(count: int) -> str:
    return "one try" if count == 1 else f"{count} tries"


def _takes_away(fields: Fields) -> bool:
    """Whether an update takes a text away."""
    return any(value is None and isinstance(TYPES[name], TextType) for name, value in fields.items())
