"""YAML files and places, plain scalars as the core schema of YAML 1.2 reads them, and both as text for messages."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, TypeAlias
from unicodedata import category


@dataclass(frozen=True, slots=True)
class ManifestText:
    """A file's bytes. `file` is its path relative to the project, with forward slashes."""

    file: str
    data: bytes


class Place(NamedTuple):
    """A line and a column, both from 1; columns count characters."""

    line: int
    column: int


def place_of_offset(text: str, offset: int) -> Place:
    """The place of the character at an offset."""
    return Place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def text_of(data: bytes, errors: str = "strict") -> str:
    """The text of a file in UTF-8, or in UTF-16 where it begins with its mark, as PowerShell writes; without a mark.

    Raises UnicodeDecodeError, unless `errors` says otherwise.
    """
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    return data.decode(encoding, errors)


_LONGEST: Final = 80
"""Characters of a stranger's text that a message repeats."""


_UNSEEN_CATEGORIES: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"})
_UNSEEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks that leave no mark (Unicode's Default_Ignorable_Code_Point, and the blank Braille cell)."""


def is_unseen(character: str) -> bool:
    """Whether the character is invisible at the end of a text: a blank, a control, or one without width."""
    return category(character) in _UNSEEN_CATEGORIES or character in _UNSEEN


def is_hidden(character: str) -> bool:
    """Whether the character is invisible within a text and not a joiner, which some scripts need."""
    return is_unseen(character) and category(character) != "Zs" and character not in "\u200c\u200d"


def unseen_ends(text: str) -> tuple[str, str, str]:
    """The text in three parts: invisible characters at its beginning, the rest, invisible characters at its end.

    A text of such characters alone is all beginning.
    """
    if text.isascii() and " " < text[:1] < "\x7f" and " " < text[-1:] < "\x7f":
        return "", text, ""
    first = next((at for at, character in enumerate(text) if not is_unseen(character)), len(text))
    last = next((at for at in range(len(text), first, -1) if not is_unseen(text[at - 1])), len(text))
    return text[:first], text[first:last], text[last:]


def shown(text: str) -> str:
    """Text in one line: cut, with every character that does not print written as an escape."""
    cut = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut)


def quoted(text: str) -> str:
    """Text in quotes, cut and safe to print."""
    return f'"{shown(text)}"'


def described(value: Any) -> str:
    """A YAML value in words for a message: `the text "x"`, `the number 1`, `empty`, `a mapping`."""
    match value:
        case None | True | False:
            return {None: "empty", True: "true", False: "false"}[value]
        case int():
            # A longer one is not worth reading, and Python refuses to write it.
            return f"the number {spelling(value)}" if value.bit_length() < 128 else "a huge number"
        case float() | Decimal() | Based():
            return f"the number {shown(spelling(value))}"
        case str():
            return f"the text {quoted(value)}"
        case dict():
            return "a mapping"
        case _:
            return "a list"


def nearest(text: str, choices: Iterable[str]) -> str | None:
    """The choice most like the text, whatever its case; None where none is like it."""
    by_lower = {choice.lower(): choice for choice in choices}
    matches = get_close_matches(text[:_LONGEST].lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


def did_you_mean(text: str, choices: Iterable[str]) -> str:
    """A hint with the nearest choice, or an empty one."""
    choice = nearest(text, choices)
    return f"did you mean {choice}?" if choice is not None else ""


class Spelled(int):
    """An integer with leading zeros or a plus sign; `text` is how it is written."""

    text: str

    @classmethod
    def of(cls, text: str) -> "Spelled":
        """The integer that a text of digits stands for."""
        number = cls(text)
        number.text = text
        return number


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
_NUMBER: Final = re.compile(
    r"([-+]?[0-9]+)\Z|(0o[0-7]+|0x[0-9a-fA-F]+)\Z|[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)\Z"
    r"|([-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+)\Z"
)
"""An integer, one to another base, a fraction, or a number with an exponent."""
_BEGINS_A_NUMBER: Final = frozenset("0123456789+-.")
_LONGEST_EXACT: Final = 400
"""Digits; Python refuses to read integers of some thousand digits, and no double reaches 400."""


def resolve(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _BEGINS_A_NUMBER:
        return text
    found = _NUMBER.match(text)
    return text if found is None else _number(text, found.lastindex)


def _number(text: str, form: int | None) -> Scalar:
    """The number that a text is; `form` is the group of `_NUMBER` that it matches."""
    match form:
        case 1:
            return _integer(text)
        case 2:
            return Based(text, int(text, 0))
        case 3:
            return Exponential(text)
        case _:
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
    """Resolved scalars by their text, filled as they are asked for: manifests repeat a few words many times.

    `lines` is where `yaml.plain` keeps what whole lines say.
    """

    __slots__ = ("lines",)

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, Any] = {}

    def __missing__(self, text: str) -> Scalar:
        value = self[text] = resolve(text)
        return value
