"""One exchange with the server: a call that came in, the answer to it, and what is remembered of both."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

JSON_TYPE = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `query` keeps the last value of each name; `token` is the bearer token, empty where none was sent."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    token: str = field(default="", repr=False)

    @property
    def resource(self) -> str:
        """What the call is about: the last word of its path, as in `placement`."""
        return self.path.rpartition("/")[2]

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises `RefusalError` (400) for any other body."""
        try:
            told = json.loads(self.body)
        except (ValueError, RecursionError):
            raise RefusalError(400, "The request body is not valid JSON.") from None
        if not isinstance(told, dict):
            raise RefusalError(400, "The request body must be a JSON object.")
        return told


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, complete: status, body, and headers beside the length."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (JSON_TYPE,)


class RefusalError(Exception):
    """The server says no: an HTTP status, its words, and further keys of the answer."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.more = more


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it is remembered. `status` is None where no answer was given; `fault` names the one that struck.

    `body` is the JSON that was sent (None without one), `at` seconds since the epoch. Credentials are never kept.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    status: int | None
    at: float
    fault: str | None = None


Handler: TypeAlias = Callable[[Call], Answer]
Routes: TypeAlias = Mapping[tuple[str, str], Handler]
"""Handlers by method and path. Each API is one such table."""


def json_answer(status: int, content: Any) -> Answer:
    """An answer that holds the content as JSON."""
    return Answer(status, json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode())


def remembered_body(call: Call) -> Any:
    """What may be remembered of a body: its JSON, or its text where it is none; never a credential."""
    if not call.body:
        return None
    try:
        told = json.loads(call.body)
    except (ValueError, RecursionError):
        told = call.body.decode(errors="replace")
    if call.resource != "auth":
        return told
    return {"grant_type": told.get("grant_type")} if isinstance(told, dict) else None
