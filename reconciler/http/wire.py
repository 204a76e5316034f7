"""What goes over a connection: requests, the heads of answers, failures; and a connection that lets only reads through.

Which connections there are is in docs/design-speed.md.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from reconciler.http.exchange import NoResponse, RequestNotSent

_UNTRUSTED: Final = (
    "nothing was sent. Is the host right? An authority of your own (a company's proxy, a test server) is trusted "
    "once SSL_CERT_FILE names its certificate"
)


class RequestHeaders(dict[str, str]):
    """Headers of a request. Shown, they are their names alone: a value may be a secret."""

    def __repr__(self) -> str:
        return f"RequestHeaders({', '.join(self)})"


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request as it goes out: `target` is path and query byte for byte; `Host` and the length of the body are added.

    `connect_seconds` and `read_seconds` bound a single wait for the network.
    """

    method: str
    target: bytes = field(repr=False)
    headers: RequestHeaders = field(repr=False)
    body: bytes | None = field(repr=False)
    connect_seconds: float
    read_seconds: float


class ExchangeFailed(Exception):
    """There is no answer, or no whole one. `end` tells what that means for the call."""

    def __init__(self, end: RequestNotSent | NoResponse) -> None:
        super().__init__(end.why)
        self.end = end


class WireResponse(Protocol):
    """The head of an answer, whose body is read as the caller asks for it. To be closed."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By names in lower case; the values of a name that comes more than once are joined by commas."""
        ...

    def raw(self) -> Iterator[bytes]:
        """The body piece by piece, as it came over the wire. Raises `ExchangeFailed`."""
        ...

    def unpacked(self) -> Iterator[bytes]:
        """The same without its content encoding. Raises `ExchangeFailed`, also for what cannot be unpacked."""
        ...

    def close(self) -> None:
        """No more of it is wanted. Raises `ExchangeFailed`."""
        ...


class HttpConnection(Protocol):
    """A connection to one host, for one call at a time."""

    def send(self, request: WireRequest) -> WireResponse:
        """Send a request once; its answer, no redirect followed. Raises `ExchangeFailed`."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


def not_sent(error: BaseException, detail: str, host: str) -> ExchangeFailed:
    """What it means that no connection was made; `error` and what caused it are searched for a refused certificate."""
    cause: BaseException | None = error
    refusal: str | None = None
    while cause is not None and refusal is None:
        refusal = getattr(cause, "verify_message", None)  # ssl.SSLCertVerificationError alone has one
        cause = cause.__cause__ or cause.__context__
    if refusal is None:
        return ExchangeFailed(RequestNotSent(detail))
    why = f"the certificate of {host} is not trusted ({refusal.rstrip('.')})"
    return ExchangeFailed(RequestNotSent(why, final=True, hint=_UNTRUSTED))


def gunzipped(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces of a gzip body. Raises `ExchangeFailed`, also where it is cut short, which httpx lets pass."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for part in parts:
            yield unpacker.decompress(part)
    except zlib.error:
        raise ExchangeFailed(NoResponse("the answer cannot be unpacked (its gzip is damaged)")) from None
    if not unpacker.eof:
        raise ExchangeFailed(NoResponse("the answer cannot be unpacked (its gzip is cut short)"))


class WriteAttempted(RuntimeError):
    """Something tried to write where nothing may be written: a bug of ours, so not an error that users could mend."""


class ReadOnlyConnection:
    """Passes on GET, and POST to the one path where tokens are given out.

    Raises `WriteAttempted` for any other request, before a connection is even made.
    """

    def __init__(self, inner: HttpConnection, token_path: str) -> None:
        self._inner = inner
        self._token_path = token_path.encode()

    def send(self, request: WireRequest) -> WireResponse:
        """The answer to a read, or to the call for a token."""
        asks_for_token = request.method == "POST" and request.target == self._token_path
        if request.method != "GET" and not asks_for_token:
            path = request.target.partition(b"?")[0].decode()
            raise WriteAttempted(f"{request.method} {path} over a connection that only reads")
        return self._inner.send(request)

    def close(self) -> None:
        """Close what is underneath."""
        self._inner.close()
