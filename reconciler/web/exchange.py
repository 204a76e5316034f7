"""PURE. A call of the API, and every way it can end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import urlencode

from reconciler.errors import ApiError, CredentialsError

Method: TypeAlias = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: a path below the base URL, a query or a JSON body.

    `repeatable` says that doing it twice is the same as doing it once. Others are sent again only where the first try
    was surely not done.
    """

    method: Method
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    repeatable: bool = True

    @property
    def target(self) -> str:
        """Path and query as they go out."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


@dataclass(frozen=True, slots=True)
class Response:
    """The server answered. Of a refusal the body may be cut short: its status alone says what became of the call."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class RequestNotSent:
    """No connection: the call surely never reached the server.

    `final`: another try would end the same way; `hint` says what would change that, if anything is known to.
    """

    why: str
    final: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class NoResponse:
    """The call went out and no whole answer came back. `final`: another try would end the same way."""

    why: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class AuthFailed:
    """The call was not sent, or not looked at, for want of a token that the server accepts."""

    error: ApiError | CredentialsError


Attempt: TypeAlias = Response | RequestNotSent | NoResponse


@dataclass(frozen=True, slots=True)
class CallResult:
    """How a call ended after `tries`. `doubt`: a try before the last may have been done without our hearing of it.

    `wait` tells in words until when the server asks for no more calls, where no call may wait as long; else nothing.
    """

    end: Attempt | AuthFailed
    tries: int = 1
    doubt: bool = False
    wait: str = ""

    def told(self, text: str) -> str:
        """A text about how it ended, and until when the server asks for no more calls."""
        return f"{text}; the server asks for no more calls {self.wait}" if self.wait else text

    def hint(self, otherwise: str) -> str:
        """What to do about it: to wait as long as the server asks for, or something else."""
        return "run it again after that time" if self.wait else otherwise

    def then(self, later: "CallResult") -> "CallResult":
        """Both as one: the same call, taken up again."""
        return CallResult(later.end, self.tries + later.tries, self.doubt or later.doubt, later.wait)
