"""Plain scalars as the core schema of YAML 1.2 reads them: `NO`, `yes`, `1:30` and dates are text, `010` is ten.

A number with a fraction is the exact Decimal that is written: money never passes through a double on its way in.

A number that is written in another way than Python would write it keeps its spelling, for what is an identity is taken
as it is spelled.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias


class Spelled(int):
    """An integer with leading zeros or a plus sign; `text` is how it is written."""

    text: str

    @classmethod
    def of(cls, text: str) -> "Spelled":
        """The integer that a text of digits stands for."""
        made = cls(text)
        made.text = text
        return made


class Exponential(float):
    """A number that is written with an exponent: a double, whose range bounds what a few characters can ask for."""


@dataclass(frozen=True, slots=True, eq=False)
class Based:
    """An integer that is written to the base of 8 or 16: equal to its number, and taken for one by no field."""

    text: str
    number: int

    def __eq__(self, other: object) -> bool:
        return self.number == (other.number if isinstance(other, Based) else other)

    def __hash__(self) -> int:
        return hash(self.number)


Scalar: TypeAlias = str | int | float | Decimal | bool | Based | None

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
        return _integer(text)
    if _BASED.match(text):
        return Based(text, int(text, 0))
    if _FLOAT.match(text):
        return _fraction(text)
    return text


def _fraction(text: str) -> float | Decimal:
    if "e" in text.lower():
        return Exponential(text)
    return Decimal(text) if len(text) <= _LONGEST_EXACT else float(text)


def _integer(text: str) -> int | float:
    if len(text) > _LONGEST_EXACT:
        return float(text)
    digits = text.lstrip("+-")
    is_usual = text[0] != "+" and (digits[0] != "0" or text == "0")
    return int(text) if is_usual else Spelled.of(text)


def spelling(scalar: Scalar) -> str:
    """An identity that is written plain, as it is spelled; a number with a fraction, in its shortest form."""
    if isinstance(scalar, Decimal):
        return repr(float(scalar))
    return scalar.text if isinstance(scalar, Spelled | Based) else str(scalar)


class PlainScalars(dict[str, Scalar]):
    """Resolved scalars by their text, filled as they are asked for: manifests repeat a few words many times."""

    __slots__ = ()

    def __missing__(self, text: str) -> Scalar:
        value = self[text] = resolve(text)
        return value
