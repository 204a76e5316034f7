"""Lines of text with tones: what text reports are made of, before a console gives them colour or not."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

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
