"""Connections of httpx: behind proxies, and over whatever transport of httpx a caller brings; and its spelling of URLs.

httpx is slow to import and makes many values for each call, so the usual call goes without: see docs/design-speed.md.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import httpx

from reconciler.http.exchange import NoResponse
from reconciler.http.wire import ExchangeFailed, WireRequest, gunzipped, not_sent

if TYPE_CHECKING:
    import ssl

_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_MAYBE_SENT: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict, OSError)


def through(proxy: str | None, tls: "ssl.SSLContext | None", idle_seconds: float) -> httpx.BaseTransport:
    """A transport of one connection, through a proxy where one is named."""
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=idle_seconds)
    return httpx.HTTPTransport(verify=True if tls is None else tls, limits=limits, proxy=proxy, trust_env=False)


def url_target(url: str) -> bytes:
    """Path and query of a URL as httpx spells them. Raises `ValueError` for what is no URL."""
    try:
        return httpx.URL(url).raw_path
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None


def url_host(url: str) -> tuple[str, str]:
    """The host of a URL to connect to, and its `Host` header. Raises `ValueError` for what is no URL."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None
    return parts.host, parts.netloc.decode("ascii")


def unpacked(encoding: str, parts: Iterator[bytes]) -> Iterator[bytes]:
    """A body without the content encodings that its header names, as far as httpx knows them."""

    class Body(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            return parts

    with _failing_as_ours():
        yield from httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Body()).iter_bytes()


class HttpxConnection:
    """Implements `HttpConnection` over a transport of httpx. `url` is scheme, host and port."""

    def __init__(self, url: str, transport: httpx.BaseTransport) -> None:
        self._url = url
        self._transport = transport

    def send(self, request: WireRequest) -> "_HttpxResponse":
        """Send a request once; its answer. Nothing that httpx raises comes out of here."""
        connect, read = request.connect_seconds, request.read_seconds
        made = httpx.Request(
            request.method,
            self._url + request.target.decode("ascii"),
            content=request.body,
            headers=request.headers,
            extensions={
                "target": request.target,  # as it is, where httpx would spell some of its characters in another way
                "timeout": {"connect": connect, "read": read, "write": read, "pool": connect},
            },
        )
        try:
            return _HttpxResponse(self._transport.handle_request(made))
        except _NEVER_SENT as error:
            raise not_sent(error, _failure_text(error), made.url.host) from error
        except _MAYBE_SENT as error:
            raise ExchangeFailed(NoResponse(_failure_text(error))) from error

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()


class _HttpxResponse:
    """Implements `WireResponse` over one of httpx."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers.items())

    def raw(self) -> Iterator[bytes]:
        """The body piece by piece: pieces of a set size would lose what the last one lacks with a break."""
        with _failing_as_ours():
            yield from self._response.iter_raw()

    def unpacked(self) -> Iterator[bytes]:
        """The body without its content encoding."""
        if self.headers.get("content-encoding", "").strip().lower() in {"gzip", "x-gzip"}:
            return gunzipped(self.raw())
        return self._decoded()

    def _decoded(self) -> Iterator[bytes]:
        with _failing_as_ours():
            yield from self._response.iter_bytes()

    def close(self) -> None:
        """Free the answer."""
        with _failing_as_ours():
            self._response.close()


@contextmanager
def _failing_as_ours() -> Iterator[None]:
    """What httpx raises once the head of an answer is there, as `ExchangeFailed`."""
    try:
        yield
    except _MAYBE_SENT as error:
        raise ExchangeFailed(NoResponse(_failure_text(error))) from error


def _failure_text(error: Exception) -> str:
    detail = str(error) or type(error).__name__
    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError() | httpx.ProxyError():
            return f"no connection ({detail})"
        case httpx.TimeoutException():
            return f"no answer in time ({detail})"
        case httpx.DecodingError():
            return f"the answer cannot be unpacked ({detail})"
        case _:
            return f"the connection broke ({detail})"
