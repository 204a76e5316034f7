"""Values of an HTTP call: a request, how each try and the whole call ended, and the message in a refusal's body."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlencode

from reconciler.errors import ApiError, CredentialsError
from reconciler.http.answers import NotJsonError, decode, is_page
from reconciler.http.redaction import LONGEST, bounded, discreet

_LONGEST: Final = 500
_SPOKEN: Final = ("message", "msg", "error", "errors", "errormessage", "error_description", "description", "detail")
_UNSPEAKABLE: Final = ("token", "secret", "password", "authorization")
_DEEPEST: Final = 4


def server_message(status: int, body: bytes) -> str:
    """What a refusal says, in at most 500 characters of one line: its message, and lists such as the valid values.

    Without any words, what the status means.
    """
    return _words_in(body) or _status_phrase(status)


def words_of(value: Any) -> str:
    """The words of a JSON value, cleaned, without what looks like a credential, and cut; empty where it has none."""
    said: dict[str, None] = dict.fromkeys(word for word in map(_clean, _words(value, _DEEPEST)) if word)
    text = discreet("; ".join(said))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _words_in(body: bytes) -> str:
    if is_page(body):
        return ""
    try:
        return words_of(decode(body))
    except NotJsonError:
        return words_of(bounded(body[: 4 * LONGEST + 4].decode(errors="replace")))


def _words(value: Any, depth: int) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list() if depth:
            plain = [part for part in value if isinstance(part, str | int | float) and not isinstance(part, bool)]
            yield ", ".join(map(str, plain))
            for part in value:
                if isinstance(part, dict):
                    yield from _words(part, depth - 1)
        case dict() if depth:
            yield from _words_of_object({key.lower(): part for key, part in value.items()}, depth)
        case _:
            return


def _words_of_object(value: Mapping[str, Any], depth: int) -> Iterator[str]:
    for key in _SPOKEN:
        if key in value:
            yield from _words(value[key], depth - 1)
    if isinstance(blamed := value.get("errors"), dict):
        yield from (f"{name}: {why}" for name, why in blamed.items() if isinstance(why, str) and _speakable(name))
    for key, part in value.items():
        if isinstance(part, list) and key not in _SPOKEN and _speakable(key):
            listed = ", ".join(entry for entry in part if isinstance(entry, str))
            yield f"{key}: {listed}" if listed else ""


def _speakable(key: str) -> bool:
    return not any(word in key.lower() for word in _UNSPEAKABLE)


def _clean(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _status_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP status {status}"


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

    def with_wait(self, text: str) -> str:
        """A text about how it ended, and until when the server asks for no more calls."""
        return f"{text}; the server asks for no more calls {self.wait}" if self.wait else text

    def hint(self, otherwise: str) -> str:
        """What to do about it: to wait as long as the server asks for, or something else."""
        return "run it again after that time" if self.wait else otherwise

    def then(self, later: "CallResult") -> "CallResult":
        """Both as one: the same call, taken up again."""
        return CallResult(later.end, self.tries + later.tries, self.doubt or later.doubt, later.wait)
