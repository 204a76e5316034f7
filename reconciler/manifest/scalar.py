"""Plain scalars as the core schema of YAML 1.2 reads them: `NO`, `yes`, `1:30` and dates are text, `010` is ten."""

import re
from typing import Final, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((f"{sign}.{word}" for sign in ("", "+") for word in ("inf", "Inf", "INF")), float("inf")),
    **dict.fromkeys((f"-.{word}" for word in ("inf", "Inf", "INF")), float("-inf")),
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+\Z")
_BASED: Final = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_BEGINS_A_NUMBER: Final = frozenset("0123456789+-.")
_LONGEST_EXACT: Final = 400
"""Digits; Python refuses to read integers of some thousand digits, and no double reaches 400."""


def resolve(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _BEGINS_A_NUMBER:
        return text
    if _INTEGER.match(text):
        return int(text) if len(text) <= _LONGEST_EXACT else float(text)
    if _BASED.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    return text


class PlainScalars(dict[str, Scalar]):
    """Resolved scalars by their text, filled as they are asked for: manifests repeat a few words many times."""

    __slots__ = ()

    def __missing__(self, text: str) -> Scalar:
        value = self[text] = resolve(text)
        return value
