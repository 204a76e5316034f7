"""Connections, and one exchange over them, whose failures are returned as values; and the call of a webhook.

A webhook is a URL that is a secret as a whole: it takes one POST of JSON.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import unquote, urlsplit

from reconciler import __version__
from reconciler.errors import ProjectError
from reconciler.http.auth import UrlOrigin, origin
from reconciler.http.exchange import Attempt, NoResponse, RequestNotSent, Response
from reconciler.http.redaction import discreet, without
from reconciler.http.surroundings import proxy, tls_context
from reconciler.http.transport import DirectConnection
from reconciler.http.wire import ExchangeFailed, HttpConnection, RequestHeaders, WireRequest, WireResponse
from reconciler.model.secret import Secret
from reconciler.ports import Clock

if TYPE_CHECKING:
    import httpx

# ruff: noqa: PLC0415 - httpx is slow to import, and most calls need none of it

LARGEST_BODY: Final = 64 * 1024 * 1024
"""Bytes of an answer, unpacked, beyond which it is not read on: thousands of times a long list, and fits in memory."""

_CHUNK: Final = 64 * 1024
USER_AGENT: Final = f"waterfall-reconciler/{__version__}"
HEADERS: Final = {
    "User-Agent": USER_AGENT,
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Content-Type": "application/json",
}
_TOO_LARGE: Final = f"the answer is larger than {LARGEST_BODY // 1024 // 1024} MB"
_LATE: Final = "the answer did not end in time"


class Unwanted(Exception):
    """Raised by a `Sink`: the body is not wanted; where `final` not the next time either. The message says why."""

    def __init__(self, why: str, *, final: bool = True) -> None:
        super().__init__(why)
        self.final = final


class Sink(Protocol):
    """Where a body goes that is too large for memory."""

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """A 200 or a 206 has come; its body follows. May raise `Unwanted`."""
        ...

    def write(self, chunk: bytes) -> None:
        """The next bytes, as they came over the wire, unpacked by nobody. May raise `Unwanted`."""
        ...


def exchange(connection: HttpConnection, request: WireRequest, is_late: Callable[[], bool]) -> Attempt:
    """Send a request once. No failure of the connection is raised, and no redirect is followed.

    `is_late` is asked while the answer trickles in; a late one is given up. A refusal counts with whatever of its body
    was read: the status has told what became of the call.
    """
    try:
        response = connection.send(request)
    except ExchangeFailed as failed:
        return failed.end
    chunks: list[bytes] = []
    try:
        with closing(response):
            _collect(response, is_late, chunks)
    except ExchangeFailed as failed:
        if response.status < 400:
            return failed.end
    return Response(response.status, b"".join(chunks), response.headers)


def _collect(response: WireResponse, is_late: Callable[[], bool], chunks: list[bytes]) -> None:
    """The body into a list, so that what came before a failure is kept."""
    size = 0
    for chunk in response.unpacked():
        size += len(chunk)
        if size > LARGEST_BODY:
            raise ExchangeFailed(NoResponse(_TOO_LARGE, final=True))
        if is_late():
            raise ExchangeFailed(NoResponse(_LATE))
        chunks.append(chunk)


def receive(connection: HttpConnection, request: WireRequest, is_late: Callable[[], bool], sink: Sink) -> Attempt:
    """As `exchange`, for a body of any size: that of a 200 or 206 goes to the sink, the `Response` holds none of it."""
    try:
        response = connection.send(request)
    except ExchangeFailed as failed:
        return failed.end
    body = b""
    try:
        with closing(response):
            if response.status in {200, 206}:
                _copy_to_sink(response, is_late, sink)
            else:
                body = _read_beginning(response, is_late)
    except Unwanted as unwanted:
        return NoResponse(str(unwanted), final=unwanted.final)
    except ExchangeFailed as failed:
        if response.status < 400:
            return failed.end
    except OSError as error:  # the sink's
        if response.status < 400:
            return NoResponse(f"the connection broke ({error})")
    return Response(response.status, body, response.headers)


def _copy_to_sink(response: WireResponse, is_late: Callable[[], bool], sink: Sink) -> None:
    sink.begin(response.status, response.headers)
    for chunk in response.raw():
        if is_late():
            raise ExchangeFailed(NoResponse(_LATE))
        sink.write(chunk)


def _read_beginning(response: WireResponse, is_late: Callable[[], bool]) -> bytes:
    """As much of a refusal as its words can take up."""
    body = b""
    for chunk in response.unpacked():
        body += chunk
        if len(body) >= _CHUNK or is_late():
            break
    return body[:_CHUNK]


_IDLE_SECONDS: Final = 2.0
"""How long an idle connection is used again: less than servers keep theirs, so that no write meets a closing one."""


class Connections:
    """Connections to one host, lent to one call at a time and made when all are out.

    httpx makes them where a proxy stands between, or out of what `transport` makes. Its pool scans idle connections for
    every request, work that grows with workers x requests; as pools of one they never do. All share one TLS context,
    which is by far the dearest part. Raises `ProjectError` where the environment names a proxy or certificates that
    cannot be used; calls to this machine never go through a proxy.

    `around` is put around every connection, the usual ones too: a place to refuse requests.
    """

    def __init__(
        self,
        origin: UrlOrigin,
        transport: "Callable[[], httpx.BaseTransport] | None",
        around: Callable[[HttpConnection], HttpConnection] = lambda inner: inner,
    ) -> None:
        self._origin = origin
        self._transport = transport
        self._around = around
        self._lock = threading.Lock()
        self._all: list[HttpConnection] = []
        try:
            self._tls = tls_context() if origin.secure else None
            self._proxy = None if origin.loopback else proxy(origin)
            self._idle = [self._open()]
        except (OSError, ValueError, ImportError):  # what the library says may hold a password
            raise ProjectError(
                "no connection can be set up from the environment",
                hint="check HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR",
            ) from None

    @contextmanager
    def borrow(self) -> Iterator[HttpConnection]:
        """A connection that nobody else uses meanwhile."""
        connection = self._take()
        try:
            yield connection
        finally:
            self._idle.append(connection)

    def exchange(self, request: WireRequest, is_late: Callable[[], bool]) -> Attempt:
        """One `exchange` over a connection that nobody else uses meanwhile."""
        connection = self._take()
        try:
            return exchange(connection, request, is_late)
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        """Close every connection. To be called when no call is under way."""
        with self._lock:
            connections, self._all, self._idle = self._all, [], []
        for connection in connections:
            connection.close()

    def _take(self) -> HttpConnection:
        with self._lock:
            return self._idle.pop() if self._idle else self._open()

    def _open(self) -> HttpConnection:
        connection = self._around(self._new())
        self._all.append(connection)
        return connection

    def _new(self) -> HttpConnection:
        if self._transport is None and self._proxy is None:
            return DirectConnection(self._origin.url, self._tls, _IDLE_SECONDS)
        from reconciler.http.httpx_connection import HttpxConnection, through

        made = through(self._proxy, self._tls, _IDLE_SECONDS) if self._transport is None else self._transport()
        return HttpxConnection(self._origin.url, made)


EXAMPLE: Final = "https://hooks.slack.com/..."
SECONDS: Final = 10.0
"""How long the whole of it may take: a report that is ready must not wait for a chat."""

_FAILURES: Final = {404: "there is no such webhook", 410: "the webhook was taken away", 403: "it refuses the request"}


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to post. `where` is scheme, host and port, which is all of the URL that may be known of."""

    url: Secret
    where: UrlOrigin


def webhook(url: Secret, variable: str) -> Webhook:
    """The webhook at a URL; `variable` is what holds it.

    Raises `ProjectError`, which never repeats the URL, for what is none, and for plain http to another machine.
    """
    from reconciler.http.httpx_connection import url_target

    text = url.reveal().strip()
    try:
        url_target(text)
        parts = urlsplit(text)
        return Webhook(Secret(text), origin(f"{parts.scheme}://{parts.netloc}", variable=variable, example=EXAMPLE))
    except ValueError:
        why = f"{variable} cannot be used: it is not a URL"
    except ProjectError as error:
        why = error.message
    raise ProjectError(why, hint=f"it is a whole URL, as in {EXAMPLE}; http only for loopback")


def post(hook: Webhook, body: bytes, clock: Clock) -> str | None:
    """Post a JSON body once; None when it was taken, else why not, without any part of the URL.

    It is not tried again: a message that may have arrived must not come twice.
    """
    from reconciler.http.httpx_connection import url_target

    ends = clock.monotonic() + SECONDS
    target = url_target(hook.url.reveal())
    headers = RequestHeaders({"User-Agent": USER_AGENT, "Content-Type": "application/json; charset=utf-8"})
    request = WireRequest("POST", target, headers, body, SECONDS, SECONDS)
    connections = Connections(hook.where, None)
    try:
        end = connections.exchange(request, lambda: clock.monotonic() >= ends)
    finally:
        connections.close()
    match end:
        case Response(status=status):
            return None if 200 <= status < 300 else f"HTTP {status}{_status_text(status)}"
        case RequestNotSent(why=why) | NoResponse(why=why):
            path = unquote(target.partition(b"?")[0].decode())
            return without(discreet(why), [hook.url.reveal(), path, target.decode()])


def _status_text(status: int) -> str:
    return f" ({_FAILURES[status]})" if status in _FAILURES else ""
