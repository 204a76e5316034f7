"""Lines of text made of spans with a tone, which a console shows with or without colour; wrapping and counting."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal, TypeAlias
from unicodedata import combining, east_asian_width

Tone = Literal["plain", "add", "change", "remove", "blocked", "faint", "strong"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line. The tone only repeats what the words say."""

    text: str
    tone: Tone = "plain"


Line: TypeAlias = tuple[Span, ...]


def line(*parts: "str | Span") -> Line:
    """A line of plain texts and spans."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


NARROWEST: Final = 20
"""Columns; a terminal that claims to have fewer breaks lines itself."""
_LABEL: Final = re.compile(r"(?:error|hint|warning): ")
_WORD: Final = re.compile(r"\S+")


def wrapped(whole: Line, width: int) -> Iterator[Line]:
    """A line as lines of at most `width` columns, broken between words; those after the first are indented further.

    Only the blanks at the breaks are dropped. A word longer than a line stands on a line of its own, unbroken.
    """
    text = "".join(span.text for span in whole)
    if width < NARROWEST or columns(text) <= width:
        yield whole
        return
    body = len(text) - len(text.lstrip())
    label = _LABEL.match(text)
    indent = min(label.end() if label else body + 2, width // 2)
    tones = [span.tone for span in whole for _ in span.text]
    begin = end = 0
    for word in _WORD.finditer(text):
        room = width - (indent if begin else 0)
        if end > body and columns(text[begin : word.end()]) > room:
            yield _piece(text, tones, begin, end, indent if begin else 0)
            begin = word.start()
        end = word.end()
    yield _piece(text, tones, begin, end, indent if begin else 0)


def _piece(text: str, tones: list[Tone], begin: int, end: int, indent: int) -> Line:
    spans = []
    for tone, group in groupby(range(begin, end), key=tones.__getitem__):
        at = list(group)
        spans.append(Span(text[at[0] : at[-1] + 1], tone))
    return (*((Span(" " * indent),) if indent else ()), *spans)


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def counted(number: int, noun: str) -> str:
    """A number of things: 1 error, 2 errors."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
