"""The floor for reading an account: bare sockets, the same requests, as many at once, nothing made of the answers.

`python bench/raw_client.py URL WORKERS [PLACEMENTS]` prints wall seconds, CPU seconds and the number of requests as
JSON. PLACEMENTS: as many are then created in every app, and the lists read again for the undo plan, as an apply does.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from generate import PUBLISHER, placement

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Request = tuple[str, str, bytes]


async def exchange(connection: Connection, method: str, path: str, body: bytes = b"") -> bytes:
    reader, writer = connection
    lines = (
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Authorization: Bearer bench",
        f"Content-Length: {len(body)}",
        "\r\n",
    )
    writer.write("\r\n".join(lines).encode() + body)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return await reader.readexactly(int(length.partition(b":")[2]))


async def worker(connection: Connection, requests: list[Request]) -> None:
    while requests:
        await exchange(connection, *requests.pop())


def creates(apps: list[dict], placements: int) -> list[Request]:
    """Ready-made, as making them is no part of the floor."""
    return [
        ("POST", "/api/management/v1/placement", json.dumps({"appId": app["appId"], **placement(at, index)}).encode())
        for at, app in enumerate(apps)
        for index in range(placements)
    ]


async def visit(host: str, port: int, workers: int, placements: int) -> int:
    """Token, apps, and every app's placements over `workers` connections, and the creates; the number of requests."""
    first = await asyncio.open_connection(host, port, limit=1 << 24)
    await exchange(first, "POST", "/api/v2/management/auth", b"{}")
    apps = json.loads(await exchange(first, "GET", f"/api/management/v1/app?publisherId={PUBLISHER}"))
    reads = [("GET", f"/api/management/v1/placement?appId={app['appId']}", b"") for app in apps]
    rounds: Iterable[list[Request]] = [reads]
    if placements:
        rounds = [reads, creates(apps, placements), reads]
    others = [await asyncio.open_connection(host, port, limit=1 << 24) for _ in range(workers - 1)]
    made = 2
    for requests in rounds:
        made += len(requests)
        left = list(requests)
        await asyncio.gather(*(worker(connection, left) for connection in (first, *others)))
    for _, writer in (first, *others):
        writer.close()
    return made


def main() -> None:
    url, workers = urlsplit(sys.argv[1]), int(sys.argv[2])
    placements = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    wall, cpu = time.perf_counter(), time.process_time()
    requests = asyncio.run(visit(url.hostname or "", url.port or 80, workers, placements))
    print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu, requests]))


if __name__ == "__main__":
    main()
