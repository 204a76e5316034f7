"""Calls with a token, a deadline and tries. Threads share one client."""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from reconciler.errors import ApiError, ApiRejected, CredentialsError, UnreadableAnswer
from reconciler.http.auth import (
    Credentials,
    Service,
    Token,
    TokenSource,
    UrlOrigin,
    error_code,
    origin,
    read_token,
    renewal_time,
    token_endpoint,
)
from reconciler.http.connections import HEADERS, Connections
from reconciler.http.exchange import (
    AnswerError,
    Attempt,
    AuthFailed,
    CallResult,
    NoResponse,
    Request,
    RequestNotSent,
    Response,
)
from reconciler.http.redaction import discreet, without
from reconciler.http.retry import (
    CallLimiter,
    RetryPolicy,
    is_throttled,
    may_have_been_done,
    pause,
    retry_after,
    until_words,
)
from reconciler.http.transport import target_bytes
from reconciler.http.wire import HttpConnection, ReadOnlyConnection, RequestHeaders, WireRequest
from reconciler.model.secret import Secret
from reconciler.ports import Clock

if TYPE_CHECKING:
    import httpx

_log: Final = logging.getLogger("reconciler.web")
USUAL_POLICY: Final = RetryPolicy()
"""How long and how often, unless a caller says otherwise."""
MOST: Final = 1000
"""Calls at once where a caller names no bound of its own: as good as none."""
_LATER: Final = "try again later; nothing was written"
_NO_SUCH_PLACE: Final = (404, 405)


class ApiClient:
    """A service at a base URL. Threads may share it; `close` it after the last call.

    `token_url` is where tokens are asked for, if that is a host of its own. `before_request` is called before each
    request that goes out with a token, tries counted, and may wait. `transport` makes the httpx transport of one
    connection; `read_only` makes every request but GETs and the call for a token impossible: see `ReadOnlyConnection`.
    `chance` gives numbers in 0..1 that spread retries. At most `parallelism` calls are under way at once, fewer while
    the API answers slowly or asks for less: see `ConcurrencyLimit`. Raises `ProjectError` for a base URL that
    credentials may not be sent to. A call raises nothing: see `CallResult`.
    """

    def __init__(  # noqa: PLR0913 - what a test or an API has of its own, by name
        self,
        service: Service,
        base_url: str,
        credentials: Credentials,
        *,
        clock: Clock,
        token_url: str | None = None,
        before_request: Callable[[], None] = lambda: None,
        patience: RetryPolicy = USUAL_POLICY,
        transport: "Callable[[], httpx.BaseTransport] | None" = None,
        read_only: bool = False,
        parallelism: int = MOST,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._service = service
        self._origin = origin(base_url, variable=service.variable, example=service.example)
        self._token_origin, self._token_path = self._origin, ""
        if token_url is not None:
            self._token_origin, self._token_path = token_endpoint(
                token_url, variable=service.token_variable, example=service.token_example
            )
        self._before_request = before_request
        self._credentials = credentials
        self._clock = clock
        self._retry_policy = patience
        self._chance = chance
        around = partial(ReadOnlyConnection, token_path=self._token_call().path) if read_only else _unchanged
        self._connections = Connections(self._origin, transport, around)
        self._token_connections = (
            self._connections if token_url is None else Connections(self._token_origin, transport, around)
        )
        self._limiter = CallLimiter(parallelism)
        self._tokens = TokenSource(self._fetch_token, clock)
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._seconds = 0.0
        self._not_before = float("-inf")

    @property
    def url(self) -> str:
        """Scheme, host and port of the API."""
        return self._origin.url

    @property
    def origin(self) -> UrlOrigin:
        """Scheme, host and port, and whether they are secure or this very machine."""
        return self._origin

    def call(self, call: Request) -> CallResult:
        """Make a call once it is its turn, and make it again where that is safe and worth it."""
        with self._limiter:
            return self._call_with_token(call)

    def sign_in(self) -> None:
        """Ask for a token where none is held. Raises `ApiError` or a subclass, or `CredentialsError`."""
        self._tokens.current()

    def _call_with_token(self, call: Request) -> CallResult:
        ends = self._clock.monotonic() + self._retry_policy.deadline
        try:
            token = self._tokens.current()
        except (ApiError, CredentialsError) as error:
            return CallResult(AuthFailed(error), tries=0)
        first = self._send_with_retries(call, token, ends)
        return first if not _is_unauthorized(first) else first.then(self._call_with_new_token(call, token, ends))

    def requests(self) -> Mapping[str, int]:
        """How many requests went out so far, by method and last part of the path, as in `GET placement`."""
        with self._lock:
            return dict(self._counts)

    def pace(self) -> float | None:
        """Mean seconds that a request took so far; None before the first."""
        with self._lock:
            sent = self._counts.total()
            return self._seconds / sent if sent else None

    def redacted(self, text: str) -> str:
        """A text of the server's without our credentials and token, should it repeat them."""
        held = self._tokens.held
        own = self._credentials.client_id.reveal(), self._credentials.client_secret.reveal()
        return without(text, [*own, ":".join(own), *([held.text.reveal()] if held else [])])

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()
        self._token_connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call_with_new_token(self, call: Request, refused: Token, ends: float) -> CallResult:
        try:
            token = self._tokens.replace(refused)
        except (ApiError, CredentialsError) as error:
            return CallResult(AuthFailed(error), tries=0)
        second = self._send_with_retries(call, token, ends)
        if not _is_unauthorized(second):
            return second
        name, keys = self._service.name, self._service.keys
        refusal = CredentialsError(f"{name} does not accept the token it has just given", hint=keys)
        return CallResult(AuthFailed(refusal), second.tries, second.doubt)

    def _send_with_retries(self, call: Request, token: Token | None, ends: float) -> CallResult:
        """Send it, wait and send it again, for as long as the retry policy wants."""
        ended = {True: 0, False: 0}
        doubt = False
        while True:
            tries = sum(ended.values()) + 1
            end = self._send_after_cool_down(call, token, ends, tries)
            if isinstance(end, Response) and end.status < 400:
                return CallResult(end, tries, doubt)
            ended[is_throttled(end)] += 1
            asked = (
                retry_after(end.headers.get("retry-after"), self._clock.now()) if isinstance(end, Response) else None
            )
            seconds = self._pause(call, end, ended[is_throttled(end)], ends, asked)
            if seconds is None:
                return CallResult(end, tries, doubt, self._wait_text(end, asked, ends))
            doubt = doubt or may_have_been_done(end)
            self._clock.sleep(seconds)

    def _wait_text(self, end: Attempt, asked: float | None, ends: float) -> str:
        """Until when a refusal asks for no more calls, where the call has not that much time left; else nothing."""
        refused = isinstance(end, Response) and end.status >= 400
        if not refused or asked is None or asked < ends - self._clock.monotonic():
            return ""
        return until_words(asked, self._clock.now())

    def _pause(self, call: Request, end: Attempt, nth: int, ends: float, asked: float | None) -> float | None:
        now = self._clock.monotonic()
        seconds = pause(
            end,
            nth=nth,
            repeatable=call.repeatable,
            asked=asked,
            chance=self._chance(),
            left=ends - now,
            patience=self._retry_policy,
        )
        if seconds is not None and is_throttled(end):
            self._cool_down(now + (seconds if asked is None else asked))
        return seconds

    def _cool_down(self, until: float) -> None:
        """One worker has been asked to slow down: none of them sends anything before."""
        with self._lock:
            self._not_before = max(self._not_before, until)

    def _send_after_cool_down(self, call: Request, token: Token | None, ends: float, nth: int) -> Attempt:
        """Send it once, after the pause that the server has asked all workers for."""
        held = self._not_before - self._clock.monotonic()
        if held > 0:
            held += self._chance() * self._retry_policy.first_pause
            if held >= ends - self._clock.monotonic():
                until = until_words(held, self._clock.now())
                return RequestNotSent(f"the API asks for a longer pause than a call may take, {until}")
            self._clock.sleep(held)
        left = ends - self._clock.monotonic()
        return self._send_once(call, token, ends, nth) if left > 0 else RequestNotSent("no time was left for it")

    def _send_once(self, call: Request, token: Token | None, ends: float, nth: int) -> Attempt:
        """Send it over a connection of its own for the time, and count it."""
        connections = self._connections if token else self._token_connections
        if token is not None:
            self._before_request()
        kind = self._count(call)
        sent_at, started = self._clock.monotonic(), time.perf_counter()
        end = connections.exchange(self._request(call, token, ends), lambda: self._clock.monotonic() >= ends)
        took = time.perf_counter() - started
        if not isinstance(end, Response):
            end = replace(end, why=self.redacted(discreet(end.why)))
        with self._lock:
            self._seconds += took
        if isinstance(end, Response):
            self._limiter.on_response(kind, sent_at=sent_at, now=self._clock.monotonic(), throttled=is_throttled(end))
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s: %s in %.0f ms, try %d", call, _result_text(end), took * 1e3, nth)
        return end

    def _count(self, call: Request) -> str:
        kind = f"{call.method} {call.path.rpartition('/')[2]}"
        with self._lock:
            self._counts[kind] += 1
        return kind

    def _request(self, call: Request, token: Token | None, ends: float) -> WireRequest:
        left = max(0.001, ends - self._clock.monotonic())
        connect, read = min(self._retry_policy.connect, left), min(self._retry_policy.read, left)
        headers = RequestHeaders(HEADERS)
        if token is not None:
            headers["Authorization"] = f"Bearer {token.text.reveal()}"
        return WireRequest(call.method, target_bytes(call.target), headers, call.body, connect, read)

    def _fetch_token(self) -> Token:
        asked_at = self._clock.monotonic()
        call = self._token_call()
        fetched = self._send_with_retries(call, None, asked_at + self._retry_policy.deadline)
        end = fetched.end
        if not isinstance(end, Response):
            hint = end.hint if isinstance(end, RequestNotSent) else ""
            raise ApiError(f"no token could be fetched: {_result_text(end)}", hint=hint or _LATER)
        if end.status not in {200, 201}:
            raise self._token_refused(end, fetched)
        if code := error_code(end.body):
            raise self._bad_credentials(code)
        try:
            text, lifetime = read_token(end.body)
        except AnswerError as error:
            raise UnreadableAnswer(f"{call}: {error}", hint=f"check {self._token_home}") from None
        return Token(Secret(text), renewal_time(asked_at, lifetime))

    def _token_call(self) -> Request:
        """The call for a token, at the path that the token's URL has, if it has one."""
        call = self._service.token(self._credentials)
        return replace(call, path=self._token_path) if self._token_path else call

    def _token_refused(self, reply: Response, fetched: CallResult) -> ApiError | CredentialsError:
        if reply.status in {400, 401, 403}:
            return self._bad_credentials(error_code(reply.body) or f"HTTP {reply.status}")
        if reply.status == 429 or reply.status >= 500:
            message = fetched.with_wait(f"no token could be fetched: HTTP {reply.status}")
            return ApiError(message, hint=fetched.hint(_LATER))
        hint = f"check {self._token_home}"
        if reply.status in _NO_SUCH_PLACE and self._service.elsewhere:
            hint = f"{hint}: {self._service.elsewhere}"
        return ApiRejected(f"no token could be fetched: HTTP {reply.status}", hint=hint)

    @property
    def _token_home(self) -> str:
        return self._service.token_variable or self._service.variable

    def _bad_credentials(self, why: str) -> CredentialsError:
        message = f"{self._service.name} refuses the credentials ({self.redacted(why)})"
        return CredentialsError(message, hint=self._service.keys)


def _unchanged(connection: HttpConnection) -> HttpConnection:
    return connection


def _is_unauthorized(exchange: CallResult) -> bool:
    return isinstance(exchange.end, Response) and exchange.end.status == 401


def _result_text(end: Attempt | AuthFailed) -> str:
    match end:
        case AuthFailed(error=error):
            return error.message
        case Response(status=status):
            return str(status)
        case RequestNotSent(why=why) | NoResponse(why=why):
            return why
