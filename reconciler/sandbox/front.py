"""The server's front: an ASGI application that takes calls in, waits, strikes faults, answers and remembers.

It knows no API; it is given routes.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from reconciler.sandbox.account import Account
from reconciler.sandbox.exchange import Answer, Call, Routes, Seen, json_answer, remembered_body, remembered_query
from reconciler.sandbox.fault_script import Script, broken
from reconciler.sandbox.faults import (
    AnswerFault,
    Echo,
    ExpireToken,
    Fault,
    Late,
    OldId,
    Reset,
    Slow,
    Timeout,
    Truncate,
)

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_UNANSWERED: Final = Answer(0, b"")
_CLOSE_AT_ONCE: Final = struct.pack("ii", 1, 0)
_TRICKLES: Final = 10
CONTROL: Final = "/reconciler-sandbox"
"""A path of the sandbox's own, which no fault strikes and no memory keeps: GET tells who it is, DELETE ends it.
A page in a browser cannot ask for the second, as browsers ask first whether they may."""


class Front:
    """An ASGI application over routes. `latency` is in seconds, added to every call.

    The server must put each connection's transport in `scope["state"]["transport"]`, so that faults can close it, and
    how it is ended in `end`.
    """

    def __init__(self, account: Account, routes: Routes, script: Script, latency: float = 0) -> None:
        self._account = account
        self._routes = routes
        self._paths = {path for _, path in routes}
        self._script = script
        self._latency = latency
        self._closing = asyncio.Event()
        self.end: Callable[[], None] = lambda: None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Take one call. Whatever a handler raises is a bug here and is left to the server to show."""
        call = await _call(scope, receive)
        if call.path == CONTROL:
            await self._control(call, send)
            return
        fault = self._script.strike(call)
        if self._latency:
            await asyncio.sleep(self._latency)
        answer = self.answer(call, fault)
        self._remember(call, answer, fault)
        match fault:
            case Timeout():
                await self._hold(fault.seconds, receive)
                await _drop(scope, receive)
            case Reset() | Late():
                await _drop(scope, receive)
            case Truncate() if answer.body:
                await _start(answer, send)
                await send({"type": "http.response.body", "body": _half(answer.body), "more_body": True})
                scope["state"]["transport"].close()
                await _until_gone(receive)
            case Slow():
                await _start(answer, send)
                await _trickle(answer.body, fault.seconds, send)
            case _:
                await _start(answer, send)
                await send({"type": "http.response.body", "body": answer.body})

    def answer(self, call: Call, fault: Fault | None = None) -> Answer:
        """What is answered to a call, faults of the connection apart.

        A fault that comes before keeps the call from being handled.
        """
        match fault:
            case ExpireToken():
                self._account.revoke_tokens()
            case Late():
                self._account.later(fault.seconds, partial(self._handled, call))
                return _UNANSWERED
            case OldId() | Echo():
                return self._handled(replace(call, fault=fault))
            case _:
                pass
        due = _UNANSWERED if fault is not None and fault.when == "before" else self._handled(call)
        return broken(fault, due) if isinstance(fault, AnswerFault) else due

    async def _control(self, call: Call, send: Send) -> None:
        answer = json_answer(200, {"sandbox": os.getpid()})
        await _start(answer, send)
        await send({"type": "http.response.body", "body": answer.body})
        if call.method == "DELETE":
            self.end()

    def close(self) -> None:
        """Let go of the connections that are held."""
        self._closing.set()

    def _handled(self, call: Call) -> Answer:
        paths = call.path, f"{call.path.rpartition('/')[0]}/*"
        for path in paths:
            if (handler := self._routes.get((call.method, path))) is not None:
                return handler(call)
        if self._paths & set(paths):
            return json_answer(405, {"message": f"{call.method} is not possible here."})
        return json_answer(404, {"message": f"There is nothing at {call.path}."})

    def _remember(self, call: Call, answer: Answer, fault: Fault | None) -> None:
        status = None if isinstance(fault, Timeout | Reset | Late) else answer.status
        struck = None if fault is None else fault.do
        body = remembered_body(call)
        seen = Seen(call.method, call.path, remembered_query(call), body, status, self._account.clock(), struck)
        self._account.requests.append(seen)

    async def _hold(self, seconds: float, receive: Receive) -> None:
        """Wait until so many seconds are over, the client is gone, or the server closes."""
        ends = [asyncio.ensure_future(_until_gone(receive)), asyncio.ensure_future(self._closing.wait())]
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()


async def _call(scope: Message, receive: Receive) -> Call:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    sent = next((value for name, value in scope["headers"] if name == b"authorization"), None)
    scheme, _, bearer = (sent or b"").decode("latin-1").partition(" ")
    return Call(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        body=body,
        token=bearer.strip() if scheme.lower() == "bearer" else "",
        target=scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b""),
        authorized=sent is not None,
    )


async def _start(answer: Answer, send: Send) -> None:
    headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def _trickle(body: bytes, seconds: float, send: Send) -> None:
    step = max(1, -(-len(body) // _TRICKLES))
    for start in range(0, len(body), step):
        await asyncio.sleep(seconds / _TRICKLES)
        await send({"type": "http.response.body", "body": body[start : start + step], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _drop(scope: Message, receive: Receive) -> None:
    """Close the connection the hard way: the client sees a reset, not an end."""
    transport: asyncio.Transport = scope["state"]["transport"]
    with suppress(OSError):  # the client was first to close it
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_AT_ONCE)
    transport.abort()
    await _until_gone(receive)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]
