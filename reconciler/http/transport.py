"""Transports of httpx: one connection with a parser in C, and one that lets reads through and nothing else.

httpx brings its own transport, for pools, HTTP/2 and proxies. The thousands of short calls that reading and writing an
account takes need none of it: each worker has a connection to itself. See docs/adr/0001 and 0013.
"""

import select
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Final

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

_CHUNK: Final = 64 * 1024
_LARGEST_HEAD: Final = 256 * 1024
"""Bytes, interim answers (RFC 9110, 15.2) included."""

_LINE_BREAKS: Final = (b"\r", b"\n", b"\0")


class DirectTransport(httpx.BaseTransport):
    """A connection to one host, made when it is needed and kept while it may be used again. For one call at a time.

    `tls` is for https alone; `idle_seconds`: how long an idle connection is used again. Raises what httpx's own
    transport raises, told apart by the one thing that counts: `ConnectError` and `ConnectTimeout` say that nothing was
    sent.
    """

    def __init__(self, url: str, tls: ssl.SSLContext, idle_seconds: float) -> None:
        where = httpx.URL(url)
        self._tls = tls if where.scheme == "https" else None
        self._host, self._port = where.host, where.port or (443 if self._tls else 80)
        self._idle_seconds = idle_seconds
        self._idle_since = float("-inf")
        self._socket: socket.socket | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its answer, whose body is read as the caller asks for it."""
        seconds = request.extensions["timeout"]
        written = _request_bytes(request)
        connection = self._connect(request, seconds["connect"])
        answer = _Answer()
        try:
            if connection.gettimeout() != seconds["read"]:  # setting it is a call of the system
                connection.settimeout(seconds["read"])
            connection.sendall(written)
            while not answer.has_head:
                answer.feed(connection.recv(_CHUNK))
        except (OSError, HttpParserError) as error:
            self.close()
            raise _transport_error(error, request) from error
        except BaseException:
            self.close()  # half an exchange must not meet the next one
            raise
        stream = _Body(answer, connection, self, request)
        return httpx.Response(answer.status, headers=answer.headers, stream=stream)

    def close(self) -> None:
        """Close the connection; the next request makes another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def mark_idle(self) -> None:
        """An exchange has ended: keep the connection for the next one, for `idle_seconds`."""
        self._idle_since = time.monotonic()

    def _connect(self, request: httpx.Request, seconds: float) -> socket.socket:
        """The connection there is, unless the server may have given it up meanwhile; else a new one."""
        held = self._socket
        if held is not None and time.monotonic() - self._idle_since <= self._idle_seconds and not _has_data(held):
            return held
        self.close()
        try:
            self._socket = self._open_socket(seconds)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error), request=request) from error
        except (OSError, UnicodeError) as error:  # a host name may be none that can be asked for
            raise httpx.ConnectError(str(error), request=request) from error
        return self._socket

    def _open_socket(self, seconds: float) -> socket.socket:
        connection = socket.create_connection((self._host, self._port), seconds)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection if self._tls is None else self._tls.wrap_socket(connection, server_hostname=self._host)
        except BaseException:
            connection.close()
            raise


def _request_bytes(request: httpx.Request) -> bytes:
    """The request as it goes out, in one piece. Raises `LocalProtocolError` for what would be read as another one."""
    target: bytes = request.extensions.get("target", request.url.raw_path)
    headers = [part for header in request.headers.raw for part in header]
    if b" " in target or any(each in part for part in (target, *headers) for each in _LINE_BREAKS):
        raise httpx.LocalProtocolError("a line break in a target or header", request=request)
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), target)]
    lines += [b"%b: %b" % header for header in request.headers.raw]
    return b"\r\n".join((*lines, b"", request.content))


class _Answer:
    """An answer as the parser reports it piece by piece. Interim answers (1xx) are dropped."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.has_head = self.is_whole = False
        self.is_last = False
        """Whether the connection is of no more use after this answer."""
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
            if not self.has_head:
                raise
            self.is_last = True
            self._error = None if self.is_whole else error  # the head stands; whoever reads the body is told

    def body(self) -> list[bytes]:
        """What came of the body since this was last asked; raises what is wrong with it when nothing did."""
        if self._error is not None and not self._body:
            raise self._error
        parts, self._body = self._body, []
        return parts

    def drop_parser(self) -> None:
        """Delete the parser, which refers to this answer: without the cycle both are freed at once."""
        del self._parser

    def _end(self) -> None:
        framed = {name.lower() for name, _ in self.headers} & {b"content-length", b"transfer-encoding"}
        if not self.has_head or framed:
            raise HttpParserError("the connection was closed before the answer was whole")
        self.is_whole = self.is_last = True

    def on_message_begin(self) -> None:
        self.is_last = self.is_last or self.is_whole  # nobody asked for another answer

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.has_head:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.is_whole:
            return
        self.status = self._parser.get_status_code()
        self.has_head = self.status >= 200
        self.is_last = not self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        if not self.is_whole:
            self._body.append(data)

    def on_message_complete(self) -> None:
        if self.has_head:
            self.is_whole = True
        else:
            self.headers.clear()


class _Body(httpx.SyncByteStream):
    """The body of an answer, as it comes in. Unless it is read to its end, its connection is of no more use."""

    def __init__(
        self, answer: _Answer, connection: socket.socket, home: DirectTransport, request: httpx.Request
    ) -> None:
        self._answer = answer
        self._connection = connection
        self._home = home
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        while parts := self._next():
            yield from parts

    def _next(self) -> list[bytes]:
        """More of the body; nothing at its end."""
        try:
            while not (parts := self._answer.body()) and not self._answer.is_whole:
                self._answer.feed(self._connection.recv(_CHUNK))
        except (OSError, HttpParserError) as error:
            raise _transport_error(error, self._request) from error
        return parts

    def close(self) -> None:
        """Free the answer; close the connection if anything is left on it."""
        self._answer.drop_parser()
        if self._answer.is_whole and not self._answer.is_last:
            self._home.mark_idle()
        else:
            self._home.close()


def _has_data(held: socket.socket) -> bool:
    """Whether an idle connection has something to read: its end, or what belongs to no call of ours."""
    try:
        return bool(select.select([held], [], [], 0)[0])
    except ValueError:  # a descriptor that `select` has no room for
        return True


def _transport_error(error: OSError | HttpParserError, request: httpx.Request) -> httpx.TransportError:
    """What httpx calls it. Something may have been sent by then."""
    message = str(error) or type(error).__name__
    match error:
        case TimeoutError():
            return httpx.ReadTimeout(message, request=request)
        case OSError():
            return httpx.ReadError(message, request=request)
        case _:
            return httpx.RemoteProtocolError(message, request=request)


class WriteAttempted(RuntimeError):
    """Something tried to write where nothing may be written: a bug of ours, so not an error that users could mend."""


class ReadOnlyTransport(httpx.BaseTransport):
    """Passes on GET, and POST to the one path where tokens are given out.

    Raises `WriteAttempted` for any other request, before a connection is even made.
    """

    def __init__(self, inner: httpx.BaseTransport, token_path: str) -> None:
        self._inner = inner
        self._token_path = token_path

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to a read, or to the call for a token."""
        asks_for_token = request.method == "POST" and request.url.raw_path == self._token_path.encode()
        if request.method != "GET" and not asks_for_token:
            raise WriteAttempted(f"{request.method} {request.url.path} over a transport that only reads")
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close what is underneath."""
        self._inner.close()
