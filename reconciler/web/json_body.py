"""Bodies: bytes to JSON values and back, stricter than `json` where that protects us."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

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
    """Stands for the value of a key that two spellings give different ones: nobody knows which is meant."""

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
        said = merged.get(name)
        differ = said is not None and value is not None and said != value
        merged[name] = TWOFOLD if differ else value if said is None else said
    return merged
