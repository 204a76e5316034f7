"""A connection to one host over a socket, TLS and a parser in C.

The thousands of short calls that reading and writing an account takes need no pool, no HTTP/2 and no proxy: each worker
has a connection to itself. See docs/design-speed.md and docs/adr/0001 and 0013.
"""

import re
import select
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser

from reconciler.http.exchange import NoResponse
from reconciler.http.wire import ExchangeFailed, RequestHeaders, WireRequest, gunzipped, not_sent

if TYPE_CHECKING:
    import ssl

_CHUNK: Final = 64 * 1024
_LARGEST_HEAD: Final = 256 * 1024
"""Bytes, interim answers (RFC 9110, 15.2) included."""

_USUAL_TARGET: Final = re.compile(
    r"(?:/(?!\.)[A-Za-z0-9._~-]*(?:%[0-9A-F]{2}[A-Za-z0-9._~-]*)*)+"
    r"(?:\?[A-Za-z0-9._~+&=-]*(?:%[0-9A-F]{2}[A-Za-z0-9._~+&=-]*)*)?"
)
_WITH_BODY: Final = ("POST", "PUT", "PATCH")
"""Methods whose requests say that they have no body, where they have none."""
_USUAL_HOST: Final = re.compile(r"127\.0\.0\.1|(?!xn--)(?!.*\.xn--)[a-z0-9._-]*[a-z]")


def target_bytes(target: str) -> bytes:
    """A path and a query as they go out: as they are where they are usual, else as httpx spells them."""
    if _USUAL_TARGET.fullmatch(target):
        return target.encode("ascii")
    from reconciler.http.httpx_connection import url_target  # noqa: PLC0415 - only what is unusual needs httpx

    return url_target(f"https://host{target}")


class DirectConnection:
    """Implements `HttpConnection`: made when it is needed, and kept while it may be used again.

    `url` is scheme, host and port; `tls` is for https alone; `idle_seconds`: how long an idle connection is used again.
    """

    def __init__(self, url: str, tls: "ssl.SSLContext | None", idle_seconds: float) -> None:
        parts = urlsplit(url)
        is_secure = parts.scheme == "https"
        if is_secure and tls is None:
            raise ValueError("https takes a TLS context")
        self._tls = tls if is_secure else None
        self._host, self._host_header = _host_and_header(url)
        self._port = parts.port or (443 if is_secure else 80)
        self._idle_seconds = idle_seconds
        self._idle_since = float("-inf")
        self._socket: socket.socket | None = None
        self._written = RequestHeaders(), ""

    def send(self, request: WireRequest) -> "_Answer":
        """Send a request; its answer, whose body is read as the caller asks for it."""
        written = self._request_bytes(request)
        connection = self._connect(request.connect_seconds)
        answer = _Answer(self, connection)
        try:
            if connection.gettimeout() != request.read_seconds:  # setting it is a call of the system
                connection.settimeout(request.read_seconds)
            connection.sendall(written)
            while not answer.has_head:
                answer.feed(connection.recv(_CHUNK))
            if answer.headers.get("transfer-encoding", "chunked").lower() != "chunked":
                raise HttpParserError("it is packed in a way that was not asked for")  # noqa: TRY301
        except (OSError, HttpParserError) as error:
            self.close()
            raise _broken(error) from error
        except BaseException:
            self.close()  # half an exchange must not meet the next one
            raise
        return answer

    def close(self) -> None:
        """Close the connection; the next request makes another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def mark_idle(self) -> None:
        """An exchange has ended: keep the connection for the next one, for `idle_seconds`."""
        self._idle_since = time.monotonic()

    def _request_bytes(self, request: WireRequest) -> bytes:
        """The request as it goes out, in one piece. Refuses what would be read as another one."""
        target = request.target.decode("ascii")
        if " " in target or _breaks_a_line(target):
            raise _unsendable()
        body, method = request.body or b"", request.method
        no_length = "Content-Length: 0\r\n" if not body and method in _WITH_BODY else ""
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        lines = f"{no_length}{self._header_lines(request.headers)}{length}"
        return f"{method} {target} HTTP/1.1\r\nHost: {self._host_header}\r\n{lines}\r\n".encode("ascii") + body

    def _header_lines(self, headers: RequestHeaders) -> str:
        """Headers as they go out; most calls have those of the call before."""
        if headers != self._written[0]:
            if any(map(_breaks_a_line, (*headers, *headers.values()))):
                raise _unsendable()
            self._written = RequestHeaders(headers), "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return self._written[1]

    def _connect(self, seconds: float) -> socket.socket:
        """The connection there is, unless the server may have given it up meanwhile; else a new one."""
        held = self._socket
        if held is not None and time.monotonic() - self._idle_since <= self._idle_seconds and not _has_data(held):
            return held
        self.close()
        try:
            self._socket = self._open_socket(seconds)
        except (OSError, UnicodeError) as error:  # a host name may be none that can be asked for
            detail = str(error) or ("ConnectTimeout" if isinstance(error, TimeoutError) else "ConnectError")
            raise not_sent(error, f"no connection ({detail})", self._host) from error
        return self._socket

    def _open_socket(self, seconds: float) -> socket.socket:
        connection = socket.create_connection((self._host, self._port), seconds)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection if self._tls is None else self._tls.wrap_socket(connection, server_hostname=self._host)
        except BaseException:
            connection.close()
            raise


def _breaks_a_line(text: str) -> bool:
    return "\r" in text or "\n" in text or "\0" in text


def _unsendable() -> ExchangeFailed:
    return ExchangeFailed(NoResponse("the connection broke (a line break in a target or header)"))


def _host_and_header(url: str) -> tuple[str, str]:
    """The host to connect to, and the `Host` header, which leaves out the usual port of the scheme."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not _USUAL_HOST.fullmatch(host):
        from reconciler.http.httpx_connection import url_host  # noqa: PLC0415 - only what is unusual needs httpx

        return url_host(url)
    usual = {"http": 80, "https": 443}[parts.scheme]
    return host, host if parts.port in {None, usual} else f"{host}:{parts.port}"


class _Answer:
    """Implements `WireResponse` as the parser reports it piece by piece. Interim answers (1xx) are dropped.

    Unless its body is read to its end, its connection is of no more use.
    """

    def __init__(self, home: DirectConnection, connection: socket.socket) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.has_head = self.is_whole = False
        self._is_last = False
        """Whether the connection is of no more use after this answer."""
        self._home = home
        self._connection = connection
        self._fields: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._head_bytes = 0
        self._error: HttpParserError | None = None
        self._parser = HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """The next bytes; none mean that the connection has ended. Raises `HttpParserError` for what is no answer."""
        if not data:
            self._end()
            return
        self._head_bytes += 0 if self.has_head else len(data)
        if self._head_bytes > _LARGEST_HEAD + _CHUNK:
            raise HttpParserError("its headers have no end")
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            raise HttpParserError("it changes to another protocol") from None
        except HttpParserError as error:
            _raise_what_interrupted(error)
            if not self.has_head:
                raise
            self._is_last = True
            self._error = None if self.is_whole else error  # the head stands; whoever reads the body is told

    def raw(self) -> Iterator[bytes]:
        """The body piece by piece."""
        while parts := self._next():
            yield from parts

    def unpacked(self) -> Iterator[bytes]:
        """The body without its content encoding."""
        encoding = self.headers.get("content-encoding", "").strip().lower()
        if encoding in {"", "identity"}:
            return self.raw()
        if encoding in {"gzip", "x-gzip"}:
            return gunzipped(self.raw())
        from reconciler.http.httpx_connection import unpacked  # noqa: PLC0415 - only what is unusual needs httpx

        return unpacked(encoding, self.raw())

    def close(self) -> None:
        """Free the answer; close the connection if anything is left on it."""
        del self._parser  # it refers to this answer: without the cycle both are freed at once
        if self.is_whole and not self._is_last:
            self._home.mark_idle()
        else:
            self._home.close()

    def _next(self) -> list[bytes]:
        """More of the body; nothing at its end."""
        try:
            while not self._body and not self.is_whole:
                if self._error is not None:
                    raise self._error
                self.feed(self._connection.recv(_CHUNK))
        except (OSError, HttpParserError) as error:
            raise _broken(error) from error
        parts, self._body = self._body, []
        return parts

    def _end(self) -> None:
        if not self.has_head or "content-length" in self.headers or "transfer-encoding" in self.headers:
            raise HttpParserError("the connection was closed before the answer was whole")
        self.is_whole = self._is_last = True

    def on_message_begin(self) -> None:
        self._is_last = self._is_last or self.is_whole  # nobody asked for another answer

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.has_head:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        if self.is_whole:
            return
        self.status = self._parser.get_status_code()
        self.has_head = self.status >= 200
        self.headers = _by_name(self._fields)
        self._is_last = not self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        if not self.is_whole:
            self._body.append(data)

    def on_message_complete(self) -> None:
        if self.has_head:
            self.is_whole = True
        else:
            self._fields.clear()


def _by_name(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as `WireResponse` has them: all as UTF-8 or, where one is not that, all as ISO 8859-1."""
    for encoding in ("utf-8", "latin-1"):
        found: dict[str, str] = {}
        try:
            for raw_name, raw_value in fields:
                name, value = raw_name.lower().decode(encoding), raw_value.decode(encoding)
                found[name] = f"{found[name]}, {value}" if name in found else value
        except UnicodeDecodeError:
            continue
        break
    return found


def _has_data(held: socket.socket) -> bool:
    """Whether an idle connection has something to read: its end, or what belongs to no call of ours."""
    try:
        return bool(select.select([held], [], [], 0)[0])
    except ValueError:  # a descriptor that `select` has no room for
        return True


def _raise_what_interrupted(error: HttpParserError) -> None:
    """Raise the `KeyboardInterrupt` that struck within a call of the parser: it makes an error of its own of any."""
    if isinstance(error, HttpParserCallbackError) and isinstance(error.__context__, KeyboardInterrupt):
        raise error.__context__


def _broken(error: OSError | HttpParserError) -> ExchangeFailed:
    """What it means that the connection failed when something may have been sent."""
    detail = str(error) or type(error).__name__
    failure = "no answer in time" if isinstance(error, TimeoutError) else "the connection broke"
    return ExchangeFailed(NoResponse(f"{failure} ({detail})"))
