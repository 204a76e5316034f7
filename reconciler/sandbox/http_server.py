"""A server of HTTP/1.1 over asyncio and h11, for one application, with the connections in the application's hands.

Faults have to break connections, hold them and send half of an answer, which an ASGI application cannot do. See
docs/adr/0015.
"""

import asyncio
import logging
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http import HTTPStatus
from threading import current_thread, main_thread
from types import FrameType
from typing import Final, Protocol
from urllib.parse import parse_qsl, unquote

import h11

from reconciler.sandbox.exchange import Answer, Call

_log: Final = logging.getLogger("reconciler.sandbox")
_CHUNK: Final = 64 * 1024
_GRACE_SECONDS: Final = 2
"""How long calls under way may go on once the server ends."""

_WAITING_CONNECTIONS: Final = 512
_WITHOUT_BODY: Final = (204, 304)
_CLOSE_AT_ONCE: Final = struct.pack("ii", 1, 0)
_TEXT: Final = ((b"content-type", b"text/plain; charset=utf-8"),)
_NOT_HTTP: Final = Answer(400, b"Invalid HTTP request received.", (*_TEXT, (b"connection", b"close")))
_BUG: Final = Answer(500, b"Internal Server Error", (*_TEXT, (b"connection", b"close")))


class Connection:
    """A client's connection: one call after the other is read from it, and answered on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        self._has_body = True
        self.is_idle = True
        """Whether no call is under way."""

    async def call(self) -> Call | None:
        """The next call; None where no more can come. Raises `h11.RemoteProtocolError` for what is no call."""
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
        return _call(request, body) if isinstance(event, h11.EndOfMessage) else None

    @property
    def may_be_answered(self) -> bool:
        """Whether an answer can still be begun."""
        return self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE} and not self._writer.is_closing()

    async def answer(self, answer: Answer) -> None:
        """Send an answer as a whole."""
        self._write(self._head(answer), *self._body(answer.body), h11.EndOfMessage())
        await self._writer.drain()

    async def begin(self, answer: Answer) -> None:
        """Send the head of an answer, which tells the length of all of it."""
        self._write(self._head(answer))

    async def send(self, part: bytes) -> None:
        """Send a part of the body that was begun."""
        self._write(*self._body(part))
        await self._writer.drain()

    async def finish(self) -> None:
        """End the answer that was begun."""
        self._write(h11.EndOfMessage())

    async def gone(self) -> None:
        """Returns once the client has closed the connection. What it still sends is not read as a call."""
        with suppress(ConnectionError):
            while await self._reader.read(_CHUNK):
                pass

    def reset(self) -> None:
        """Close it the hard way: the client sees a reset, not an end."""
        with suppress(OSError):  # the client was first to close it
            taken: socket.socket = self._writer.get_extra_info("socket")
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_AT_ONCE)
        self._writer.transport.abort()

    def close(self) -> None:
        """Close it once what was written is sent."""
        self._writer.close()

    async def _event(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_CHUNK))
        return event  # type: ignore[return-value]

    def _head(self, answer: Answer) -> h11.Response:
        self._has_body = self._has_body and answer.status not in _WITHOUT_BODY
        headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
        return h11.Response(status_code=answer.status, headers=headers, reason=_reason(answer.status))

    def _body(self, part: bytes) -> tuple[h11.Data, ...]:
        return (h11.Data(data=part),) if part and self._has_body else ()

    def _write(self, *events: h11.Event) -> None:
        self._writer.write(b"".join(self._http.send(event) or b"" for event in events))


class Application(Protocol):
    """What answers calls."""

    async def take(self, call: Call, connection: Connection) -> None:
        """Answer a call on its connection, or break that. Whatever is raised is a bug, and shown."""
        ...

    def close(self) -> None:
        """Let go of the connections that are held."""
        ...


class Server:
    """Serves an application on a listening socket from `run` to `end`. `listens` is called once it can be reached."""

    def __init__(self, application: Application, listening: socket.socket, listens: Callable[[], None]) -> None:
        self._application = application
        self._listening = listening
        self._listens = listens
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._connections: dict[asyncio.Task[None], Connection] = {}

    def run(self) -> None:
        """Serve until `end` is called, or SIGINT or SIGTERM comes where this is the main thread."""
        asyncio.run(self._serve())

    def end(self) -> None:
        """Have `run` return soon. May be called from any thread, and more than once."""
        with suppress(RuntimeError):  # it has ended already
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._ended.set)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        accepting = await asyncio.start_server(self._connected, sock=self._listening, backlog=_WAITING_CONNECTIONS)
        with self._ended_by_signals():
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
    def _ended_by_signals(self) -> Iterator[None]:
        """Take both signals as a plain request to end."""

        def end(_number: int, _frame: FrameType | None) -> None:
            self.end()

        signals = (signal.SIGINT, signal.SIGTERM) if current_thread() is main_thread() else ()
        before = {each: signal.signal(each, end) for each in signals}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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


def _call(request: h11.Request, body: bytes) -> Call:
    path, _, query = request.target.partition(b"?")
    sent = next((value for name, value in request.headers if name == b"authorization"), None)
    scheme, _, bearer = (sent or b"").decode("latin-1").partition(" ")
    return Call(
        method=request.method.decode("ascii"),
        path=unquote(path.decode("ascii")),
        query=dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)),
        body=body,
        token=bearer.strip() if scheme.lower() == "bearer" else "",
        target=request.target if query else path,
        authorized=sent is not None,
    )


@cache
def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
