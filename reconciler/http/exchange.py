"""Values of an HTTP call: a request, how each try and the whole call ended, and what the body of an answer says.

Bodies are read as JSON from bytes, with keys in any case: the message of a refusal, and signs that rows are missing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlencode

import orjson

from reconciler.errors import ApiError, CredentialsError
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


_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]*")
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
        if not self.query:
            return self.path
        is_plain = _UNRESERVED.fullmatch("".join((*self.query, *self.query.values())))
        pairs = "&".join([f"{key}={value}" for key, value in self.query.items()]) if is_plain else urlencode(self.query)
        return f"{self.path}?{pairs}"

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


_MARK: Final = b"\xef\xbb\xbf"
"""The byte order mark that some servers put before UTF-8."""


class AnswerError(ValueError):
    """A body that says nothing we may act on. The message says what it is instead."""


class NotJsonError(AnswerError):
    """A body that is not JSON at all: cut short, or a page of some gateway on the way."""


class BlankError(NotJsonError):
    """A body that holds nothing."""


def decode(body: bytes) -> Any:
    """The JSON value of a body, whatever type it claims to be. Raises `NotJsonError`; NaN and Infinity are not JSON."""
    if not body.removeprefix(_MARK).strip():
        raise BlankError("an empty body")
    try:
        value = orjson.loads(body.removeprefix(_MARK))
    except ValueError:
        raise NotJsonError(_what_is_wrong(body)) from None
    return value


def _what_is_wrong(body: bytes) -> str:
    if is_page(body):
        return "an HTML page, not JSON"
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "the body is not UTF-8 text"
    return "the body is not whole JSON"


def encode(value: Mapping[str, Any]) -> bytes:
    """The body of a call."""
    try:
        return orjson.dumps(value)
    except TypeError:  # lone surrogates, integers beyond 64 bits
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def is_page(body: bytes) -> bool:
    """Whether a body is HTML or XML, which this API never answers with."""
    return body.removeprefix(_MARK).lstrip()[:1] == b"<"


def folded(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object by its keys in lower case. Raises `AnswerError` where two spellings of a key say different things."""
    small = _small(tuple(raw))
    if small is None:
        return raw
    return dict(zip(small, raw.values(), strict=True)) if len(small) == len(raw) else _merged(raw)


@lru_cache(maxsize=1024)
def _small(keys: tuple[str, ...]) -> tuple[str, ...] | None:
    """The keys in lower case, each once; None where they are so already. The rows of a list share one answer."""
    small = tuple(dict.fromkeys(key.lower() for key in keys))
    return None if small == keys else small


def _merged(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    small = folded_row(raw)
    for name, value in small.items():
        if value is TWOFOLD:
            raise AnswerError(f"the key {name} is {TWOFOLD}")
    return small


@dataclass(frozen=True, slots=True)
class Twofold:
    """Stands for the value of a key whose two spellings have different values."""

    def __str__(self) -> str:
        return "there in two spellings with different values"


TWOFOLD: Final = Twofold()


def folded_row(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """As `folded`, but what two spellings contradict each other in is `TWOFOLD`: the rest of the row can be read."""
    small = _small(tuple(raw))
    if small is None:
        return raw
    if len(small) == len(raw):
        return dict(zip(small, raw.values(), strict=True))
    merged: dict[str, Any] = {}
    for key, value in raw.items():
        name = key.lower()
        former = merged.get(name)
        differ = former is not None and value is not None and former != value
        merged[name] = TWOFOLD if differ else value if former is None else former
    return merged


_ROWS: Final = (
    "apps?|applications?|placements?|items?|results?|records?|rows?|elements?|entries|entry|objects?|resources?|docs?"
)
_MEASURE: Final = "total|count|num(?:ber)?|nr|overall|found|hits?|match(?:es|ed|ing)?|available|existing"
_TOTAL: Final = re.compile(rf"(?=.*(?:{_MEASURE}))(?:{_MEASURE}|{_ROWS}|of|in|all|full|grand)+")
"""`total`, `totalCount`, `appsTotal`, `numFound`, `rowCount`: how many rows there are."""
_COUNTED: Final = re.compile(_ROWS)
_MORE: Final = re.compile(
    rf"(?:has|is|are|any|there(?:is|are)?)?(?:more|next)(?:available|exists?|data|pages?|{_ROWS})?"
    r"|next.*|.*(?:cursor|continuation|continue|scroll|bookmark|pagetoken|resumetoken|lastevaluatedkey|startafter).*"
    r"|after|lastkey"
)
_WHOLE: Final = re.compile(
    rf"(?:is|at)?(?:complete|completed|whole|final|last|lastpage|done|finished|exhausted|eof|end|atend|all)"
    rf"(?:oflist|ofdata|of(?:{_ROWS})|returned|listed|shown)?"
)
"""Keys that say that this is all."""
_SIZE: Final = re.compile(rf"(?:max|row|page|result)*(?:limit|pagesize)|max(?:{_ROWS})|(?:{_ROWS})?perpage")
"""Keys that name the most rows that an answer holds."""
_PAGES: Final = re.compile(
    r"(?:total|current|last|first|this|num|number|of)*pages?(?:total|count|num|number|no|index)*"
)
_BEFORE: Final = ("offset", "skip", "from", "start", "startindex")
"""Keys that count the rows before those of the answer."""
_BEGIN_AT_ZERO: Final = ("offset", "skip", "from")
_NUMBER: Final = r"\d{1,20}(?:[.,]\d{1,20}){0,5} {0,3}"
_OF: Final = re.compile(
    rf"[a-z :(\[]{{0,20}}{_NUMBER}(?:[-\u2013] {{0,3}}{_NUMBER})?(?:/|of|out of) {{0,3}}({_NUMBER})[a-z )\].]{{0,20}}"
)
"""A text such as `1-20/41` or `20 of 41`."""
_NO: Final = ("", "false", "null", "none", "0", "no")
_FLAGS: Final = ("true", "yes", "false", "no")
_NEXT_LINK: Final = re.compile(r"rel=[\"']?[^;,]*\bnext\b")
_NO_LETTER: Final = re.compile(r"[^a-z0-9]")


def plain(key: str) -> str:
    """A key in lower case, without all that is no letter or digit."""
    return _NO_LETTER.sub("", key.lower())


def says_something(said: Any) -> bool:
    """Whether a value says more than no."""
    return said.strip().lower() not in _NO if isinstance(said, str) else bool(said)


def is_count(said: Any) -> bool:
    """Whether it is a number, be it as a text."""
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return False
    try:
        float(said)
    except (ValueError, OverflowError):
        return False
    return True


def count_of(said: Any) -> float:
    """The number that it is; 0 for what is none."""
    return float(said) if is_count(said) else 0


def is_total(name: str) -> bool:
    """Whether a plain key counts rows."""
    return _TOTAL.fullmatch(name) is not None


def is_size(name: str) -> bool:
    """Whether a plain key names the most rows that an answer holds."""
    return _SIZE.fullmatch(name) is not None


def of_paging(name: str, said: Any, rows: int) -> bool | None:
    """Whether what a plain key says means that there are more than `rows` rows; None where it speaks of no such thing.

    A count of rows that is no number, such as `1,041`, counts as more.
    """
    if isinstance(said, str) and not is_count(said) and (whole := _OF.fullmatch(said.strip().lower())):
        return count_of(plain(whole[1])) > rows
    if _WHOLE.fullmatch(name) and (isinstance(said, bool) or str(said).strip().lower() in _FLAGS):
        return not says_something(said)
    if _MORE.fullmatch(name) or (name == "rel" and isinstance(said, str)):
        return says_something(said) if name != "rel" else "next" in said.lower().split()
    return None if is_size(name) else _by_numbers(name, said, rows)


def _by_numbers(name: str, said: Any, rows: int) -> bool | None:
    counts_rows = is_total(name) or _COUNTED.fullmatch(name) is not None
    if not is_count(said):
        is_list_of_pages = isinstance(said, list) and _PAGES.fullmatch(name) is not None and len(said) > 1
        has_digits = isinstance(said, str) and is_total(name) and any(map(str.isdigit, said))
        return True if is_list_of_pages or has_digits else None
    if counts_rows:
        return count_of(said) > rows
    if _PAGES.fullmatch(name) or name in _BEFORE:
        return count_of(said) > (name not in _BEGIN_AT_ZERO)
    return None


def more_in_headers(headers: Mapping[str, str], rows: int) -> str | None:
    """The response header by which an answer speaks of more than `rows` rows."""
    for header, said in headers.items():
        shown, name = header.title(), plain(header.lower().removeprefix("x-").removeprefix("pagination-"))
        if shown == "Link" and _NEXT_LINK.search(said.lower().replace(" ", "")):
            return shown
        if shown == "Content-Range" and of_paging("range", said, rows):
            return shown
        of_pages = any(form.fullmatch(name) for form in (_MORE, _TOTAL, _PAGES))
        if shown.startswith("X-") and of_pages and of_paging(name, said, rows):
            return shown
    return None
