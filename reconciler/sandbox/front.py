"""The HTTP/1.1 server of the sandbox, over asyncio and h11, and its application, which answers requests by routes.

The application has control of connections: faults break them, hold them and send half a response, which an ASGI
application cannot do. See docs/adr/0015.
"""

import asyncio
import logging
import os
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from http import HTTPStatus
from threading import current_thread, main_thread
from types import FrameType
from typing import Final, Protocol
from urllib.parse import parse_qsl, unquote

import h11

from reconciler.sandbox.account import SandboxAccount
from reconciler.sandbox.exchange import (
    RecordedRequest,
    Routes,
    SandboxRequest,
    SandboxResponse,
    json_answer,
    remembered_body,
    remembered_query,
)
from reconciler.sandbox.fault_script import FaultScript, faulty_response
from reconciler.sandbox.faults import AnswerFault, Echo, ExpireToken, Fault, Late, OldId, Reset, Slow, Timeout, Truncate

_log: Final = logging.getLogger("reconciler.sandbox")
_CHUNK: Final = 64 * 1024
_GRACE_SECONDS: Final = 2
"""How long requests in progress may continue once the server ends."""

_WAITING_CONNECTIONS: Final = 512
_WITHOUT_BODY: Final = (204, 304)
_CLOSE_AT_ONCE: Final = struct.pack("ii", 1, 0)
_TEXT: Final = ((b"content-type", b"text/plain; charset=utf-8"),)
_NOT_HTTP: Final = SandboxResponse(400, b"Invalid HTTP request received.", (*_TEXT, (b"connection", b"close")))
_BUG: Final = SandboxResponse(500, b"Internal Server Error", (*_TEXT, (b"connection", b"close")))


class Connection:
    """A client's connection, on which requests are read and answered one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        self._has_body = True
        self.is_idle = True
        """Whether no request is in progress."""

    async def call(self) -> SandboxRequest | None:
        """Read the next request; None where no more can come. Raises `h11.RemoteProtocolError` for malformed ones."""
        self.is_idle = True
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        elif self._http.our_state is not h11.IDLE:
            return None
        request = await self._event()
        if not isinstance(request, h11.Request):
            return None
        self.is_idle = False
        self._has_body = request.method != b"HEAD"
        if self._http.they_are_waiting_for_100_continue:
            self._write(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
        body = b""
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
        return _request_of(request, body) if isinstance(event, h11.EndOfMessage) else None

    @property
    def may_be_answered(self) -> bool:
        """Whether a response can still be begun."""
        return self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE} and not self._writer.is_closing()

    async def answer(self, answer: SandboxResponse) -> None:
        """Send a complete response."""
        self._write(self._head(answer), *self._body(answer.body), h11.EndOfMessage())
        await self._writer.drain()

    async def begin(self, answer: SandboxResponse) -> None:
        """Send the head of a response, with the length of its whole body."""
        self._write(self._head(answer))

    async def send(self, part: bytes) -> None:
        """Send a part of the body of the response that was begun."""
        self._write(*self._body(part))
        await self._writer.drain()

    async def finish(self) -> None:
        """End the response that was begun."""
        self._write(h11.EndOfMessage())

    async def wait_closed(self) -> None:
        """Wait until the client has closed the connection; what it still sends is discarded."""
        with suppress(ConnectionError):
            while await self._reader.read(_CHUNK):
                pass

    def reset(self) -> None:
        """Reset the connection: the client sees a reset, not an end of file."""
        with suppress(OSError):  # the client was first to close it
            taken: socket.socket = self._writer.get_extra_info("socket")
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_AT_ONCE)
        self._writer.transport.abort()

    def close(self) -> None:
        """Close the connection once everything written is sent."""
        self._writer.close()

    async def _event(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_CHUNK))
        return event  # type: ignore[return-value]

    def _head(self, answer: SandboxResponse) -> h11.Response:
        self._has_body = self._has_body and answer.status not in _WITHOUT_BODY
        headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
        return h11.Response(status_code=answer.status, headers=headers, reason=_reason(answer.status))

    def _body(self, part: bytes) -> tuple[h11.Data, ...]:
        return (h11.Data(data=part),) if part and self._has_body else ()

    def _write(self, *events: h11.Event) -> None:
        self._writer.write(b"".join(self._http.send(event) or b"" for event in events))


class Application(Protocol):
    """Answers requests on their connections."""

    end: Callable[[], None]
    """Ends the server; set by the server itself."""

    async def take(self, call: SandboxRequest, connection: Connection) -> None:
        """Answer a request on its connection, or break the connection. An exception is a bug, and is logged."""
        ...

    def close(self) -> None:
        """Release the connections that faults hold open."""
        ...


class Server:
    """Serves an application on a listening socket from `run` to `end`. `listens` is called once it can be reached."""

    def __init__(self, application: Application, listening: socket.socket, listens: Callable[[], None]) -> None:
        self._application = application
        application.end = self.end
        self._listening = listening
        self._listens = listens
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._connections: dict[asyncio.Task[None], Connection] = {}

    def run(self) -> None:
        """Serve until `end` is called, or SIGINT or SIGTERM comes where this is the main thread."""
        asyncio.run(self._serve())

    def end(self) -> None:
        """Make `run` return soon. May be called from any thread, and more than once."""
        with suppress(RuntimeError):  # it has ended already
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._ended.set)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        accepting = await asyncio.start_server(
            self._serve_connection, sock=self._listening, backlog=_WAITING_CONNECTIONS
        )
        with self._end_on_signals():
            self._listens()
            await self._ended.wait()
        accepting.close()
        self._application.close()
        for task, connection in list(self._connections.items()):
            if connection.is_idle:
                task.cancel()
        if self._connections:
            _, late = await asyncio.wait(list(self._connections), timeout=_GRACE_SECONDS)
            for task in late:
                task.cancel()

    @contextmanager
    def _end_on_signals(self) -> Iterator[None]:
        """For the length of the block, end the server on SIGINT and SIGTERM."""

        def end(_number: int, _frame: FrameType | None) -> None:
            self.end()

        signals = (signal.SIGINT, signal.SIGTERM) if current_thread() is main_thread() else ()
        before = {number: signal.signal(number, end) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        task = asyncio.current_task()
        if task is not None:
            self._connections[task] = connection
            task.add_done_callback(self._connections.pop)
        try:
            while (call := await connection.call()) is not None:
                await self._application.take(call, connection)
        except h11.RemoteProtocolError:
            if connection.may_be_answered:
                await connection.answer(_NOT_HTTP)
        except (ConnectionError, asyncio.CancelledError):  # the client is gone, or the server ends
            pass
        except Exception:  # noqa: BLE001 - as with any server, one call's bug does not end the others
            _log.exception("a bug of the sandbox")
            if connection.may_be_answered:
                await connection.answer(_BUG)
        finally:
            connection.close()


def _request_of(request: h11.Request, body: bytes) -> SandboxRequest:
    path, _, query = request.target.partition(b"?")
    sent = next((value for name, value in request.headers if name == b"authorization"), None)
    scheme, _, bearer = (sent or b"").decode("latin-1").partition(" ")
    return SandboxRequest(
        method=request.method.decode("ascii"),
        path=unquote(path.decode("ascii")),
        query=dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)),
        body=body,
        token=bearer.strip() if scheme.lower() == "bearer" else "",
        target=request.target if query else path,
        authorized=sent is not None,
        part=_header(request, b"range"),
        part_of=_header(request, b"if-range"),
    )


def _header(request: h11.Request, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in request.headers if name == wanted), "")


@cache
def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


_UNANSWERED: Final = SandboxResponse(0, b"")
_TRICKLES: Final = 10
CONTROL: Final = "/reconciler-sandbox"
"""The sandbox's own path, which no fault strikes and which is not recorded: GET returns its process id, DELETE ends it.
A page in a browser cannot send the DELETE, as browsers ask for permission first (CORS)."""


class SandboxApplication:
    """Answers requests by routes, with the faults of a script. `latency` is in seconds, added to every request."""

    def __init__(self, account: SandboxAccount, routes: Routes, script: FaultScript, latency: float = 0) -> None:
        self._account = account
        self._routes = routes
        self._paths = {path for _, path in routes}
        self.script = script
        self._latency = latency
        self._closing = asyncio.Event()
        self.end: Callable[[], None] = lambda: None

    async def take(self, call: SandboxRequest, connection: Connection) -> None:
        """Answer one request, with the fault that strikes it. An exception of a handler is left to the server."""
        if call.path == CONTROL:
            await connection.answer(json_answer(200, {"sandbox": os.getpid()}))
            if call.method == "DELETE":
                self.end()
            return
        fault = self.script.strike(call)
        if self._latency:
            await asyncio.sleep(self._latency)
        answer = self.answer(call, fault)
        self._remember(call, answer, fault)
        match fault:
            case Timeout():
                await self._hold(fault.seconds, connection)
                connection.reset()
            case Reset() | Late():
                connection.reset()
            case Truncate() if answer.body:
                await connection.begin(answer)
                await connection.send(_half(answer.body))
                connection.close()
            case Slow():
                await connection.begin(answer)
                await _trickle(answer.body, fault.seconds, connection)
            case _:
                await connection.answer(answer)

    def answer(self, call: SandboxRequest, fault: Fault | None = None) -> SandboxResponse:
        """The response to a request, without faults of the connection.

        With a fault whose `when` is `before`, the request is not handled.
        """
        match fault:
            case ExpireToken():
                self._account.revoke_tokens()
            case Late():
                self._account.later(fault.seconds, partial(self._handle, call))
                return _UNANSWERED
            case OldId() | Echo():
                return self._handle(replace(call, fault=fault))
            case _:
                pass
        due = _UNANSWERED if fault is not None and fault.when == "before" else self._handle(call)
        return faulty_response(fault, due) if isinstance(fault, AnswerFault) else due

    def close(self) -> None:
        """Release the connections that faults hold open."""
        self._closing.set()

    def _handle(self, call: SandboxRequest) -> SandboxResponse:
        paths = call.path, f"{call.path.rpartition('/')[0]}/*"
        for path in paths:
            if (handler := self._routes.get((call.method, path))) is not None:
                return handler(call)
        if self._paths & set(paths):
            return json_answer(405, {"message": f"{call.method} is not possible here."})
        return json_answer(404, {"message": f"There is nothing at {call.path}."})

    def _remember(self, call: SandboxRequest, answer: SandboxResponse, fault: Fault | None) -> None:
        status = None if isinstance(fault, Timeout | Reset | Late) else answer.status
        struck = None if fault is None else fault.do
        body = remembered_body(call)
        record = RecordedRequest(
            call.method, call.path, remembered_query(call), body, status, self._account.clock(), struck
        )
        self._account.requests.append(record)

    async def _hold(self, seconds: float, connection: Connection) -> None:
        """Wait until so many seconds have passed, the client closes the connection, or the server ends."""
        ends = [asyncio.ensure_future(connection.wait_closed()), asyncio.ensure_future(self._closing.wait())]
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()


async def _trickle(body: bytes, seconds: float, connection: Connection) -> None:
    step = max(1, -(-len(body) // _TRICKLES))
    for start in range(0, len(body), step):
        await asyncio.sleep(seconds / _TRICKLES)
        await connection.send(body[start : start + step])
    await connection.finish()


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]
