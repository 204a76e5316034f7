"""The floor for reading an account: bare sockets, the same requests, as many at once, nothing made of the answers.

`python bench/raw_client.py URL WORKERS` prints wall seconds, CPU seconds and the number of requests as JSON.
"""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

from generate import PUBLISHER

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


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


async def worker(connection: Connection, paths: list[str]) -> None:
    while paths:
        await exchange(connection, "GET", paths.pop())


async def read_account(host: str, port: int, workers: int) -> int:
    """Token, apps, and every app's placements over `workers` connections; the number of requests."""
    first = await asyncio.open_connection(host, port, limit=1 << 24)
    await exchange(first, "POST", "/api/v2/management/auth", b"{}")
    apps = json.loads(await exchange(first, "GET", f"/api/management/v1/app?publisherId={PUBLISHER}"))
    paths = [f"/api/management/v1/placement?appId={app['appId']}" for app in apps]
    others = [await asyncio.open_connection(host, port, limit=1 << 24) for _ in range(workers - 1)]
    await asyncio.gather(*(worker(connection, paths) for connection in (first, *others)))
    for _, writer in (first, *others):
        writer.close()
    return len(apps) + 2


def main() -> None:
    url, workers = urlsplit(sys.argv[1]), int(sys.argv[2])
    wall, cpu = time.perf_counter(), time.process_time()
    requests = asyncio.run(read_account(url.hostname or "", url.port or 80, workers))
    print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu, requests]))


if __name__ == "__main__":
    main()
