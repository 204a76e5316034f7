"""One exchange over httpx, with every exception of it turned into a value."""

import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol

import httpx

from reconciler import __version__
from reconciler.web.exchange import Attempt, NoResponse, RequestNotSent, Response

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
    """Raised by a `Sink`: the body is not wanted, and would not be the next time either. The message says why."""


class Sink(Protocol):
    """Where a body goes that is too large for memory."""

    def begin(self, headers: Mapping[str, str]) -> None:
        """A 200 has come; its body follows. May raise `Unwanted`."""
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
    except _NEVER_SENT as wrong:
        return _unsent(wrong, request)
    except _MAYBE_SENT as wrong:
        return NoResponse(_why(wrong))
    chunks: list[bytes] = []
    try:
        with _closing(response):
            for chunk in _bounded(response, is_late):
                chunks.append(chunk)  # noqa: PERF402 - what came before a failure is kept
    except (*_MAYBE_SENT, _UnreadError) as wrong:
        if response.status_code < 400:
            return NoResponse(_why(wrong), final=isinstance(wrong, _TooLargeError))
    return Response(response.status_code, b"".join(chunks), response.headers)


def receive(
    connection: httpx.BaseTransport, request: httpx.Request, is_late: Callable[[], bool], sink: Sink
) -> Attempt:
    """The same for a body of any size: that of a 200 goes to the sink, and the `Response` holds none of it."""
    try:
        response = connection.handle_request(request)
    except _NEVER_SENT as wrong:
        return _unsent(wrong, request)
    except _MAYBE_SENT as wrong:
        return NoResponse(_why(wrong))
    try:
        with _closing(response):
            body = _poured(response, is_late, sink) if response.status_code == 200 else _beginning(response, is_late)
    except Unwanted as unwanted:
        return NoResponse(str(unwanted), final=True)
    except (*_MAYBE_SENT, _UnreadError) as wrong:
        if response.status_code < 400:
            return NoResponse(_why(wrong))
        body = b""
    return Response(response.status_code, body, response.headers)


def _poured(response: httpx.Response, is_late: Callable[[], bool], sink: Sink) -> bytes:
    sink.begin(response.headers)
    for chunk in response.iter_raw(_CHUNK):
        if is_late():
            raise _UnreadError("the answer did not end in time")
        sink.write(chunk)
    return b""


def _beginning(response: httpx.Response, is_late: Callable[[], bool]) -> bytes:
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


def _bounded(response: httpx.Response, is_late: Callable[[], bool]) -> Iterator[bytes]:
    size = 0
    packed = response.headers.get("content-encoding", "").strip().lower() in {"gzip", "x-gzip"}
    for chunk in _unpacked(response) if packed else response.iter_bytes():
        size += len(chunk)
        if size > LARGEST_BODY:
            raise _TooLargeError(f"the answer is larger than {LARGEST_BODY // 1024 // 1024} MB")
        if is_late():
            raise _UnreadError("the answer did not end in time")
        yield chunk


def _unpacked(response: httpx.Response) -> Iterator[bytes]:
    """The pieces of a gzip body. Raises `DecodingError`, also where it is cut short, which httpx lets pass."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for chunk in response.iter_raw():
            yield unpacker.decompress(chunk)
    except zlib.error:
        raise httpx.DecodingError("its gzip is damaged") from None
    if not unpacker.eof:
        raise httpx.DecodingError("its gzip is cut short")


def _unsent(wrong: Exception, request: httpx.Request) -> RequestNotSent:
    cause: BaseException | None = wrong
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return RequestNotSent(_why(wrong))
    why = f"the certificate of {request.url.host} is not trusted ({cause.verify_message.rstrip('.')})"
    return RequestNotSent(why, final=True, hint=_UNTRUSTED)


def _why(wrong: Exception) -> str:
    detail = str(wrong) or type(wrong).__name__
    match wrong:
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
