"""A world for the client: time that stands still, and a server that answers what a test says."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx

from reconciler.apis.management.gateway import DtClient, DtGateway
from reconciler.http.auth import Credentials
from reconciler.model.secret import Secret

URL = "https://dt.example"
AUTH = "/api/v2/management/auth"
APP = "/api/management/v1/app"
PLACEMENT = "/api/management/v1/placement"
ID, SECRET = "client-id-5150", "client-secret-2112"


class StandingClock:
    """Time moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 19, 0, tzinfo=UTC) + timedelta(seconds=self.seconds - 1000)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds
            self.slept.append(seconds)


def token(text: str = "tok-1", **more: object) -> httpx.Response:
    return httpx.Response(200, json={"accessToken": text, "tokenType": "bearer", "expiresIn": 3600, **more})


class Server:
    """Answers calls in order from a script; what is left over is a failed test. Tokens are given out for free."""

    def __init__(self, *script: object, tokens: Callable[[int], httpx.Response] | None = None) -> None:
        self.script = list(script)
        self.tokens = tokens or (lambda nth: token(f"tok-{nth}"))
        self.asked_tokens = 0
        self.requests: list[httpx.Request] = []
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            if request.url.path == AUTH:
                self.asked_tokens += 1
                return self.tokens(self.asked_tokens)
            self.requests.append(request)
            step = self.script.pop(0) if self.script else AssertionError(f"unexpected: {request.method} {request.url}")
        if isinstance(step, Exception):
            raise step
        return step(request) if callable(step) else step

    @property
    def bodies(self) -> list[object]:
        return [json.loads(request.content) for request in self.requests]


def ok(value: object, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=value, headers=headers)


def raw(body: bytes | str, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, content=body, headers=headers)


def client_of(server, clock=None, url=URL, **more) -> DtClient:
    return DtClient(
        url,
        Credentials(Secret(ID), Secret(SECRET)),
        clock=clock or StandingClock(),
        transport=lambda: httpx.MockTransport(server),
        chance=more.pop("chance", lambda: 0.5),
        **more,
    )


def gateway_of(*script: object, clock=None, **more) -> tuple[DtGateway, Server]:
    server = Server(*script, **more)
    return DtGateway(client_of(server, clock), "3432"), server
