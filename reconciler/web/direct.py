"""One connection over the standard library, as a transport of httpx: a third of the work of httpx's own.

httpx brings its transport for pools, HTTP/2 and proxies. The thousands of short calls that reading and writing an
account takes need none of it: each worker has a connection to itself. See docs/adr/0001.
"""

import select
import socket
import ssl
import time
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Final

import httpx

_CHUNK: Final = 64 * 1024
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
        written = _written(request)
        connection = self._connected(request, seconds["connect"])
        try:
            if connection.gettimeout() != seconds["read"]:  # setting it is a call of the system
                connection.settimeout(seconds["read"])
            connection.sendall(written)
            answer = _begun(connection, request.method)
        except (OSError, HTTPException, ValueError) as wrong:
            self.close()
            raise _broken(wrong, request) from wrong
        except BaseException:
            self.close()  # half an exchange must not meet the next one
            raise
        return httpx.Response(answer.status, headers=_headers(answer), stream=_Body(answer, self, request))

    def close(self) -> None:
        """Close the connection; the next request makes another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def rest(self) -> None:
        """An exchange has come to its end: the connection can be used again for a while."""
        self._idle_since = time.monotonic()

    def _connected(self, request: httpx.Request, seconds: float) -> socket.socket:
        """The connection there is, unless the server may have given it up meanwhile; else a new one."""
        held = self._socket
        if held is not None and time.monotonic() - self._idle_since <= self._idle_seconds and not _has_spoken(held):
            return held
        self.close()
        try:
            self._socket = self._made(seconds)
        except TimeoutError as wrong:
            raise httpx.ConnectTimeout(str(wrong), request=request) from wrong
        except (OSError, UnicodeError) as wrong:  # a host name may be none that can be asked for
            raise httpx.ConnectError(str(wrong), request=request) from wrong
        return self._socket

    def _made(self, seconds: float) -> socket.socket:
        made = socket.create_connection((self._host, self._port), seconds)
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made if self._tls is None else self._tls.wrap_socket(made, server_hostname=self._host)
        except BaseException:
            made.close()
            raise


def _written(request: httpx.Request) -> bytes:
    """The request as it goes out, in one piece. Raises `LocalProtocolError` for what would be read as another one."""
    target: bytes = request.extensions.get("target", request.url.raw_path)
    headers = [part for header in request.headers.raw for part in header]
    if b" " in target or any(each in part for part in (target, *headers) for each in _LINE_BREAKS):
        raise httpx.LocalProtocolError("a line break in a target or header", request=request)
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), target)]
    lines += [b"%b: %b" % header for header in request.headers.raw]
    return b"\r\n".join((*lines, b"", request.content))


def _begun(connection: socket.socket, method: str) -> HTTPResponse:
    answer = HTTPResponse(connection, method=method)
    answer.begin()
    if why := _fault(answer):
        answer.close()
        raise HTTPException(why)
    return answer


def _fault(answer: HTTPResponse) -> str | None:
    """What the parser takes, and we do not."""
    if answer.status < 200:
        return f"an interim answer ({answer.status}) that nobody asked for"
    return "its headers are broken" if answer.headers.defects else None  # it leaves out all behind a broken line


class _Body(httpx.SyncByteStream):
    """The body of an answer, as it comes in. Unless it is read to its end, its connection is of no more use."""

    def __init__(self, answer: HTTPResponse, home: DirectTransport, request: httpx.Request) -> None:
        self._answer = answer
        self._home = home
        self._request = request
        self._is_whole = False

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        while chunk := self._next():
            size += len(chunk)
            yield chunk
        if left := self._answer.length:
            raise _broken(IncompleteRead(b"", left), self._request)
        if self._answer.length is None and not self._answer.chunked and not size:
            # The parser takes headers that are cut off for whole ones.
            raise _broken(HTTPException("it ended before its headers did, or said nothing"), self._request)
        self._is_whole = True

    def close(self) -> None:
        """Let go of the answer, and of the connection if anything is left on it."""
        self._answer.close()
        if self._is_whole and not self._answer.will_close:
            self._home.rest()
        else:
            self._home.close()

    def _next(self) -> bytes:
        try:
            return self._answer.read1(_CHUNK)
        except (OSError, HTTPException) as wrong:
            raise _broken(wrong, self._request) from wrong


def _has_spoken(held: socket.socket) -> bool:
    """Whether an idle connection has something to read: its end, or what belongs to no call of ours."""
    try:
        return bool(select.select([held], [], [], 0)[0])
    except ValueError:  # a descriptor that `select` has no room for
        return True


def _headers(answer: HTTPResponse) -> list[tuple[bytes, bytes]]:
    """As they came: the parser reads them as Latin-1."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]


def _broken(wrong: OSError | HTTPException | ValueError, request: httpx.Request) -> httpx.TransportError:
    """What httpx calls it. Something may have been sent by then."""
    told = str(wrong) or type(wrong).__name__
    match wrong:
        case TimeoutError():
            return httpx.ReadTimeout(told, request=request)
        case HTTPException():
            return httpx.RemoteProtocolError(told, request=request)
        case OSError():
            return httpx.ReadError(told, request=request)
        case _:
            return httpx.LocalProtocolError("the request cannot be written down", request=request)
