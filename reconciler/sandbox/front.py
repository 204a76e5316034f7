"""The server's application: it takes calls in, waits, strikes faults, answers and remembers.

It knows no API; it is given routes.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

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
from reconciler.sandbox.http_server import Connection

_UNANSWERED: Final = Answer(0, b"")
_TRICKLES: Final = 10
CONTROL: Final = "/reconciler-sandbox"
"""A path of the sandbox's own, which no fault strikes and no memory keeps: GET tells who it is, DELETE ends it.
A page in a browser cannot ask for the second, as browsers ask first whether they may."""


class Front:
    """Answers calls by routes. `latency` is in seconds, added to every call. `end` is how the server is ended."""

    def __init__(self, account: Account, routes: Routes, script: Script, latency: float = 0) -> None:
        self._account = account
        self._routes = routes
        self._paths = {path for _, path in routes}
        self._script = script
        self._latency = latency
        self._closing = asyncio.Event()
        self.end: Callable[[], None] = lambda: None

    async def take(self, call: Call, connection: Connection) -> None:
        """Take one call. Whatever a handler raises is a bug here and is left to the server to show."""
        if call.path == CONTROL:
            await connection.answer(json_answer(200, {"sandbox": os.getpid()}))
            if call.method == "DELETE":
                self.end()
            return
        fault = self._script.strike(call)
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

    async def _hold(self, seconds: float, connection: Connection) -> None:
        """Wait until so many seconds are over, the client is gone, or the server closes."""
        ends = [asyncio.ensure_future(connection.gone()), asyncio.ensure_future(self._closing.wait())]
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
