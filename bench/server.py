"""An account behind 20 ms of latency: ready-made answers from one process, so cheap that the clients are what is timed.

`python bench/server.py APPS PLACEMENTS LATENCY [empty|moved|few] [port=N]` prints its URL and serves until its input
ends. `empty`: the apps hold no placements yet; `moved`: every placement has another floor for the US than is declared,
`few`: the first one of each fifth app, which is 1 % where there are twenty an app. A create is answered with what was
sent and a new id, and is in its app's list until the next token is asked for. `GET /requests` tells how many others
there were.
"""

import asyncio
import json
import sys
from collections import defaultdict
from itertools import count
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import orjson
from generate import answer, app


def response(data: object) -> bytes:
    return whole(json.dumps(data).encode())


def whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Account(asyncio.Protocol):
    """One connection: requests one after another, each answered after the latency."""

    def __init__(self, ready: dict[str, bytes], latency: float) -> None:
        self.ready = ready
        self.latency = latency
        self.read = b""

    ids = count(5_000_000)
    requests = count()
    """Those since somebody has asked."""
    made: ClassVar[defaultdict[str, list[bytes]]] = defaultdict(list)
    """What was created, by the id of its app."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.read += data
        head, end, body = self.read.partition(b"\r\n\r\n")
        if not end or len(body) < content_length(head):
            return
        self.read = b""
        method, target, _ = head.split(b" ", 2)
        if target == b"/requests":
            self.answer(response(next(self.requests)))
            Account.requests = count()
            return
        next(self.requests)
        creates = method == b"POST" and target.endswith(b"/placement")
        answer = self.created(body) if creates else self.stored(key_of(target.decode()))
        asyncio.get_running_loop().call_later(self.latency, self.answer, answer)

    def stored(self, key: str) -> bytes:
        if key == "token":
            self.made.clear()
        return whole(b"[%b]" % b", ".join(self.made[key])) if key in self.made else self.ready[key]

    def created(self, body: bytes) -> bytes:
        row = b'{"placementId": "%d", "status": "active", %b' % (next(self.ids), body.removeprefix(b"{"))
        self.made[orjson.loads(body)["appId"]].append(row)
        return whole(row)

    def answer(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)


def content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def key_of(target: str) -> str:
    """What is asked for: the token, the apps, or one app's placements."""
    url = urlsplit(target)
    if url.path.endswith("/auth"):
        return "token"
    return "apps" if url.path.endswith("/app") else parse_qs(url.query)["appId"][0]


async def serve(ready: dict[str, bytes], latency: float, port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Account(ready, latency), "127.0.0.1", port, backlog=256)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def changed(block: dict[str, Any], number: int, how: list[str]) -> dict[str, Any]:
    """The app as the account has it: as declared, with every floor moved, or with one floor in each fifth app."""
    placements = block["placements"]
    moved = placements if "moved" in how else placements[:1] if "few" in how and number % 5 == 0 else []
    for placement in moved:
        placement["floorPrices"]["US"] += 0.5
    return block


def main() -> None:
    many, each, latency = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    how = sys.argv[4:]
    apps: list[dict[str, Any]] = []
    ready: dict[str, bytes] = {}
    for number in range(many):  # one after another: of a million placements bytes alone fit
        live, rows = answer(number, changed(app(number, each), number, how))
        apps.append(live)
        ready[live["appId"]] = response([] if "empty" in how else rows)
    ready["apps"] = response(apps)
    ready["token"] = response({"accessToken": "bench", "tokenType": "bearer", "expiresIn": 3600})
    port = next((int(each.removeprefix("port=")) for each in how if each.startswith("port=")), 0)
    asyncio.run(serve(ready, latency, port))


if __name__ == "__main__":
    main()
