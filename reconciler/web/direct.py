"""One connection over the standard library, as a transport of httpx: a third of the work of httpx's own.

httpx brings its transport for pools, HTTP/2 and proxies. The thousands of short calls that reading and writing an
account takes need none of it: each worker has a connection to itself. See docs/adr/0001.
"""

import select
import ssl
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from socket import socket
from typing import Final

import httpx

_CHUNK: Final = 64 * 1024


class DirectTransport(httpx.BaseTransport):
    """A connection to one host, made when it is needed and kept while it may be used again. For one call at a time.

    `idle_seconds`: how long an idle connection is used again. Raises what httpx's own transport raises, told apart by
    the one thing that counts: `ConnectError` and `ConnectTimeout` say that nothing was sent.
    """

    def __init__(self, url: str, tls: ssl.SSLContext, idle_seconds: float) -> None:
        where = httpx.URL(url)
        self._connection = (
            HTTPSConnection(where.host, where.port or 443, context=tls)
            if where.scheme == "https"
            else HTTPConnection(where.host, where.port or 80)
        )
        self._idle_seconds = idle_seconds
        self._idle_since = float("-inf")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its answer, whose body is read as the caller asks for it."""
        seconds = request.extensions["timeout"]
        self._connect(request, seconds["connect"])
        try:
            answer = self._answer(request, seconds["read"])
        except (OSError, HTTPException, ValueError) as wrong:
            self.close()
            raise _broken(wrong, request) from wrong
        except BaseException:
            self.close()  # half an exchange must not meet the next one
            raise
        return httpx.Response(answer.status, headers=_headers(answer), stream=_Body(answer, self, request))

    def close(self) -> None:
        """Close the connection; the next request makes another."""
        self._connection.close()

    def rest(self) -> None:
        """An exchange has come to its end: the connection can be used again for a while."""
        self._idle_since = time.monotonic()

    def _connect(self, request: httpx.Request, seconds: float) -> None:
        """Have a connection: the one there is, unless the server may have given it up meanwhile."""
        held = self._connection.sock
        if held is not None and (time.monotonic() - self._idle_since > self._idle_seconds or _has_spoken(held)):
            self.close()
        if self._connection.sock is not None:
            return
        self._connection.timeout = seconds
        try:
            self._connection.connect()
        except TimeoutError as wrong:
            self.close()
            raise httpx.ConnectTimeout(str(wrong), request=request) from wrong
        except (OSError, UnicodeError) as wrong:  # a host name may be none that can be asked for
            self.close()
            raise httpx.ConnectError(str(wrong), request=request) from wrong

    def _answer(self, request: httpx.Request, seconds: float) -> HTTPResponse:
        self._connection.sock.settimeout(seconds)
        target: bytes = request.extensions.get("target", request.url.raw_path)
        self._connection.putrequest(request.method, target.decode("latin-1"), skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.raw:
            self._connection.putheader(name, value)
        self._connection.endheaders(request.content or None)
        answer = self._connection.getresponse()
        if answer.status < 200:
            raise HTTPException(f"an interim answer ({answer.status}) that nobody asked for")
        if answer.headers.defects:  # the parser leaves out whatever comes behind a broken line
            raise HTTPException("its headers are broken")
        return answer


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
        if self._is_whole:
            self._home.rest()
        else:
            self._home.close()

    def _next(self) -> bytes:
        try:
            return self._answer.read1(_CHUNK)
        except (OSError, HTTPException) as wrong:
            raise _broken(wrong, self._request) from wrong


def _has_spoken(held: socket) -> bool:
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
