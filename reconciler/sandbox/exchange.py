"""Requests to the sandbox, its responses, refusals, credentials, and the record that is kept of a request."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

REFUSED_SECRET: Final = "wrong"  # noqa: S105 - the one secret that is no good, for rehearsing a bad credential


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """`only` is the one pair of client id and secret that is accepted; None accepts any but the secret `wrong`."""

    only: tuple[str, str] | None = field(default=None, repr=False)

    def fit(self, client_id: object, client_secret: object) -> bool:
        """Whether this pair is accepted."""
        if not all(isinstance(part, str) and part for part in (client_id, client_secret)):
            return False
        return client_secret != REFUSED_SECRET and self.only in {None, (client_id, client_secret)}


JSON_TYPE = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """A request. `query` keeps the last value of each name; `token` is the bearer token, empty where none was sent.

    `target` is path and query byte for byte; `authorized` says whether there was an Authorization header of any kind.
    `fault` is one that strikes it and that the API itself has to act out.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    token: str = field(default="", repr=False)
    target: bytes = field(default=b"", repr=False)
    authorized: bool = False
    fault: object = None

    @property
    def resource(self) -> str:
        """The resource of the request: the last part of its path, such as `placement`, or `file` for any file."""
        last = self.path.rpartition("/")[2]
        return "file" if "." in last else last

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises `RefusalError` (400) for any other body."""
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError):
            raise RefusalError(400, "The request body is not valid JSON.") from None
        if not isinstance(content, dict):
            raise RefusalError(400, "The request body must be a JSON object.")
        return content


@dataclass(frozen=True, slots=True)
class SandboxResponse:
    """A complete response: status, body, and all headers but the length."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (JSON_TYPE,)


class RefusalError(Exception):
    """The server refuses a request: an HTTP status, a message, and further keys of the response."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.more = more


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """The record of a request. `status` is None where no response was sent; `fault` names the fault that struck.

    `body` is the JSON that was sent (None without one), `at` seconds since the epoch. Credentials are never kept.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    status: int | None
    at: float
    fault: str | None = None


Handler: TypeAlias = Callable[[SandboxRequest], SandboxResponse]
Routes: TypeAlias = Mapping[tuple[str, str], Handler]
"""Handlers by method and path, or by a folder and `*` for all that is in it. Each API is one such table."""


def json_answer(status: int, content: Any) -> SandboxResponse:
    """A response with the content as JSON."""
    return SandboxResponse(status, json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode())


def remembered_body(call: SandboxRequest) -> Any:
    """The body to record: its JSON, or its text where it is none; without credentials."""
    if not call.body:
        return None
    try:
        content = json.loads(call.body)
    except (ValueError, RecursionError):
        content = call.body.decode(errors="replace")
    if call.resource not in {"auth", "token"}:
        return content
    return {"grant_type": content.get("grant_type")} if isinstance(content, dict) else None


def remembered_query(call: SandboxRequest) -> Mapping[str, str]:
    """The query to record; empty for a file, whose query is a signature."""
    return {} if call.resource == "file" else call.query
