"""The server's own words, made fit to show."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from reconciler.web.json_body import NotJsonError, decode, is_page
from reconciler.web.redaction import LONGEST, bounded, discreet

_LONGEST: Final = 500
_SPOKEN: Final = ("message", "msg", "error", "errors", "errormessage", "error_description", "description", "detail")
_UNSPEAKABLE: Final = ("token", "secret", "password", "authorization")
_DEEPEST: Final = 4


def server_message(status: int, body: bytes) -> str:
    """What a refusal says, in at most 500 characters of one line: its message, and lists such as the valid values.

    Without any words, what the status means.
    """
    return _words_in(body) or _meaning(status)


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


def _meaning(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP status {status}"
