"""Connections of httpx, and one exchange over them, whose exceptions are returned as values; and the call of a webhook.

A webhook is a URL that is a secret as a whole: it takes one POST of JSON.
"""

import ssl
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from reconciler import __version__
from reconciler.errors import ProjectError
from reconciler.http.auth import UrlOrigin, origin
from reconciler.http.exchange import Attempt, NoResponse, RequestNotSent, Response
from reconciler.http.redaction import discreet, without
from reconciler.http.transport import DirectTransport
from reconciler.model.secret import Secret
from reconciler.ports import Clock

LARGEST_BODY: Final = 64 * 1024 * 1024
"""Bytes of an answer, unpacked, beyond which it is not read on: thousands of times a long list, and fits in memory."""

_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_MAYBE_SENT: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict, OSError)
_UNTRUSTED: Final = (
    "nothing was sent. Is the host right? An authority of your own (a company's proxy, a test server) is trusted "
    "once SSL_CERT_FILE names its certificate"
)
_CHUNK: Final = 64 * 1024
USER_AGENT: Final = f"waterfall-reconciler/{__version__}"
HEADERS: Final = {
    "User-Agent": USER_AGENT,
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Content-Type": "application/json",
}


class _UnreadError(Exception):
    """The body was not read to its end, on purpose."""


class _TooLargeError(_UnreadError):
    """The body would not fit in memory, and would not the next time either."""


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


def exchange(connection: httpx.BaseTransport, request: httpx.Request, is_late: Callable[[], bool]) -> Attempt:
    """Send a request once. Nothing that httpx raises comes out of here, and no redirect is followed.

    `is_late` is asked while the answer trickles in; a late one is given up. A refusal counts with whatever of its body
    was read: the status has told what became of the call.
    """
    try:
        response = connection.handle_request(request)
    except _NEVER_SENT as error:
        return _not_sent(error, request)
    except _MAYBE_SENT as error:
        return NoResponse(_failure_text(error))
    chunks: list[bytes] = []
    try:
        with _closing(response):
            for chunk in _limited_chunks(response, is_late):
                chunks.append(chunk)  # noqa: PERF402 - what came before a failure is kept
    except (*_MAYBE_SENT, _UnreadError) as error:
        if response.status_code < 400:
            return NoResponse(_failure_text(error), final=isinstance(error, _TooLargeError))
    return Response(response.status_code, b"".join(chunks), response.headers)


def receive(
    connection: httpx.BaseTransport, request: httpx.Request, is_late: Callable[[], bool], sink: Sink
) -> Attempt:
    """As `exchange`, for a body of any size: that of a 200 or 206 goes to the sink, the `Response` holds none of it."""
    try:
        response = connection.handle_request(request)
    except _NEVER_SENT as error:
        return _not_sent(error, request)
    except _MAYBE_SENT as error:
        return NoResponse(_failure_text(error))
    try:
        with _closing(response):
            body = (
                _copy_to_sink(response, is_late, sink)
                if response.status_code in {200, 206}
                else _read_beginning(response, is_late)
            )
    except Unwanted as unwanted:
        return NoResponse(str(unwanted), final=unwanted.final)
    except (*_MAYBE_SENT, _UnreadError) as error:
        if response.status_code < 400:
            return NoResponse(_failure_text(error))
        body = b""
    return Response(response.status_code, body, response.headers)


def _copy_to_sink(response: httpx.Response, is_late: Callable[[], bool], sink: Sink) -> bytes:
    sink.begin(response.status_code, response.headers)
    for chunk in response.iter_raw():  # as it comes: what a chunk of a set size lacks would be lost with a break
        if is_late():
            raise _UnreadError("the answer did not end in time")
        sink.write(chunk)
    return b""


def _read_beginning(response: httpx.Response, is_late: Callable[[], bool]) -> bytes:
    """As much of a refusal as its words can take up."""
    body = b""
    for chunk in response.iter_bytes(_CHUNK):
        body += chunk
        if len(body) >= _CHUNK or is_late():
            break
    return body[:_CHUNK]


@contextmanager
def _closing(response: httpx.Response) -> Iterator[None]:
    try:
        yield
    finally:
        response.close()


def _limited_chunks(response: httpx.Response, is_late: Callable[[], bool]) -> Iterator[bytes]:
    size = 0
    packed = response.headers.get("content-encoding", "").strip().lower() in {"gzip", "x-gzip"}
    for chunk in _unpacked_chunks(response) if packed else response.iter_bytes():
        size += len(chunk)
        if size > LARGEST_BODY:
            raise _TooLargeError(f"the answer is larger than {LARGEST_BODY // 1024 // 1024} MB")
        if is_late():
            raise _UnreadError("the answer did not end in time")
        yield chunk


def _unpacked_chunks(response: httpx.Response) -> Iterator[bytes]:
    """The pieces of a gzip body. Raises `DecodingError`, also where it is cut short, which httpx lets pass."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for chunk in response.iter_raw():
            yield unpacker.decompress(chunk)
    except zlib.error:
        raise httpx.DecodingError("its gzip is damaged") from None
    if not unpacker.eof:
        raise httpx.DecodingError("its gzip is cut short")


def _not_sent(error: Exception, request: httpx.Request) -> RequestNotSent:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return RequestNotSent(_failure_text(error))
    why = f"the certificate of {request.url.host} is not trusted ({cause.verify_message.rstrip('.')})"
    return RequestNotSent(why, final=True, hint=_UNTRUSTED)


def _failure_text(error: Exception) -> str:
    detail = str(error) or type(error).__name__
    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError() | httpx.ProxyError():
            return f"no connection ({detail})"
        case httpx.TimeoutException():
            return f"no answer in time ({detail})"
        case _UnreadError():
            return detail
        case httpx.DecodingError():
            return f"the answer cannot be unpacked ({detail})"
        case _:
            return f"the connection broke ({detail})"


_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_PROXY_FORMS: Final = "as in http://proxy.example:3128, or with a user http://NAME:PASSWORD@proxy.example:3128"
_SOCKS: Final = "name an http:// proxy in HTTPS_PROXY, or install socksio beside this program: pip install socksio"
_CERTIFICATES: Final = "name a file with the certificates to trust, or unset it to trust the usual ones"
_IDLE_SECONDS: Final = 2.0
"""How long an idle connection is used again: less than servers keep theirs, so that no write meets a closing one."""


class Connections:
    """Transports of one connection each, lent to one call at a time and made when all are out.

    httpx's pool scans its idle connections for every request, work that grows with workers x requests; it is used
    where a proxy stands between, and as pools of one, which never do. All share one TLS context, which is by far the
    dearest part. Raises `ProjectError` where the environment names a proxy or certificates that cannot be used; calls
    to this machine never go through a proxy.

    `around` is put around every transport, the usual ones too: a place to refuse requests.
    """

    def __init__(
        self,
        origin: UrlOrigin,
        transport: Callable[[], httpx.BaseTransport] | None,
        around: Callable[[httpx.BaseTransport], httpx.BaseTransport] = lambda inner: inner,
    ) -> None:
        self._origin = origin
        self._transport = transport
        self._around = around
        self._lock = threading.Lock()
        self._all: list[httpx.BaseTransport] = []
        try:
            self._tls = _tls_context(origin)
            self._proxy = None if origin.loopback else _proxy(origin)
            self._idle = [self._open()]
        except (OSError, ValueError, ImportError, httpx.InvalidURL):  # what the library says may hold a password
            raise ProjectError(
                "no connection can be set up from the environment",
                hint="check HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR",
            ) from None

    @contextmanager
    def borrow(self) -> Iterator[httpx.BaseTransport]:
        """A transport that nobody else uses meanwhile."""
        with self._lock:
            connection = self._idle.pop() if self._idle else self._open()
        try:
            yield connection
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        """Close every connection. To be called when no call is under way."""
        with self._lock:
            connections, self._all, self._idle = self._all, [], []
        for connection in connections:
            connection.close()

    def _open(self) -> httpx.BaseTransport:
        connection = self._around(self._default() if self._transport is None else self._transport())
        self._all.append(connection)
        return connection

    def _default(self) -> httpx.BaseTransport:
        if self._proxy is None:
            return DirectTransport(self._origin.url, self._tls, _IDLE_SECONDS)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE_SECONDS)
        return httpx.HTTPTransport(verify=self._tls, limits=limits, proxy=self._proxy, trust_env=False)


def _proxy(origin: UrlOrigin) -> str | None:
    """The proxy that the environment names for the API, as most programs read it (HTTPS_PROXY, ALL_PROXY, NO_PROXY).

    Raises `ProjectError` for what is no address of one, and for SOCKS without the library that speaks it.
    """
    there = urlsplit(origin.url)
    proxies = {} if proxy_bypass(f"{there.hostname or ''}:{there.port or 443}") else getproxies()
    variable = "HTTPS_PROXY" if proxies.get("https", "").strip() else "ALL_PROXY"
    named = proxies.get(variable.partition("_")[0].lower(), "").strip()
    if not named:
        return None
    address = named if "://" in named else f"http://{named}"
    scheme = _scheme_of_proxy(address)
    if not scheme:
        raise ProjectError(f"the proxy that {variable} names has no address that can be used", hint=_PROXY_FORMS)
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise ProjectError(
            f"the proxy that {variable} names speaks SOCKS, and the library for that is not installed", hint=_SOCKS
        )
    return address


def _scheme_of_proxy(address: str) -> str:
    """The scheme of a proxy's address; empty for one that no connection can be made to."""
    try:
        parts = urlsplit(address)
        is_whole = parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
        httpx.URL(address)
    except (ValueError, httpx.InvalidURL):
        return ""
    return parts.scheme if is_whole else ""


def _tls_context(origin: UrlOrigin) -> ssl.SSLContext:
    """For https the usual one; else one that trusts nobody, as loading the authorities takes longer than a call."""
    if not origin.secure:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        why = (
            "holds no certificate in PEM form"
            if isinstance(error, ssl.SSLError)
            else f"cannot be read: {error.strerror}"
        )
        raise ProjectError(f"what SSL_CERT_FILE (or SSL_CERT_DIR) names {why}", hint=_CERTIFICATES) from None
    context.set_alpn_protocols(["http/1.1"])
    return context


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
    text = url.reveal().strip()
    try:
        httpx.URL(text)
        parts = urlsplit(text)
        return Webhook(Secret(text), origin(f"{parts.scheme}://{parts.netloc}", variable=variable, example=EXAMPLE))
    except (ValueError, httpx.InvalidURL):
        why = f"{variable} cannot be used: it is not a URL"
    except ProjectError as error:
        why = error.message
    raise ProjectError(why, hint=f"it is a whole URL, as in {EXAMPLE}; http only for loopback")


def post(hook: Webhook, body: bytes, clock: Clock) -> str | None:
    """Post a JSON body once; None when it was taken, else why not, without any part of the URL.

    It is not tried again: a message that may have arrived must not come twice.
    """
    ends = clock.monotonic() + SECONDS
    request = httpx.Request(
        "POST",
        hook.url.reveal(),
        content=body,
        headers={"User-Agent": USER_AGENT, "Content-Type": "application/json; charset=utf-8"},
        extensions={"timeout": {"connect": SECONDS, "read": SECONDS, "write": SECONDS, "pool": SECONDS}},
    )
    connections = Connections(hook.where, None)
    try:
        with connections.borrow() as connection:
            end = exchange(connection, request, lambda: clock.monotonic() >= ends)
    finally:
        connections.close()
    match end:
        case Response(status=status):
            return None if 200 <= status < 300 else f"HTTP {status}{_status_text(status)}"
        case RequestNotSent(why=why) | NoResponse(why=why):
            return without(discreet(why), [hook.url.reveal(), request.url.path, request.url.raw_path.decode()])


def _status_text(status: int) -> str:
    return f" ({_FAILURES[status]})" if status in _FAILURES else ""
