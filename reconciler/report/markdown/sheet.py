"""A sheet of limited size: sections of items that are written whole or left out and counted, never broken off."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.report.count import counted

LIMIT: Final = 65_536
"""What GitHub takes as the body of a comment, in characters; counted here in UTF-16 units, which are never fewer."""

FOR_THE_CUT: Final = 1_000
"""Kept free for the words that say what was cut."""


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of Markdown. `stands_for` is counted where it is left out: what it is in a word, and which one."""

    text: str
    stands_for: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """Items between an opening and a closing, left out where not even the first item fits.

    `share`: how much of the room that is left it may take.
    """

    opening: str
    items: Sequence[Item]
    closing: str = ""
    share: float = 1.0


@dataclass(slots=True)
class Sheet:
    """Markdown as it is written. `head` and `foot`, its end, must fit."""

    head: str
    limit: int = LIMIT
    foot: str = ""
    _parts: list[str] = field(default_factory=list)
    _left: int = 0
    _lost: dict[tuple[str, str], None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._parts.append(self.head)
        self._left = self.limit - FOR_THE_CUT - units(self.head) - units(self.foot)

    def write(self, sections: Iterable[Section]) -> None:
        """Write what fits of these sections, one after the other."""
        for section in sections:
            self._write(section)

    def _write(self, section: Section) -> None:
        room = int(self._left * section.share) - units(section.opening) - units(section.closing)
        taken = 0
        for item in section.items:
            size = units(item.text)
            if size > room:
                break
            room -= size
            taken += 1
        written = [item.text for item in section.items[:taken]]
        if taken:
            text = "".join((section.opening, *written, section.closing))
            self._parts.append(text)
            self._left -= units(text)
        self._lost.update(dict.fromkeys(item.stands_for for item in section.items[taken:]))

    def text(self, whole: str = "") -> str:
        """The sheet, with what was cut said at its end, and where the `whole` is to be had."""
        lost = Counter(word for word, _ in self._lost)
        if not lost:
            return "".join((*self._parts, self.foot))
        told = ", ".join(_told(number, word) for word, number in lost.items())
        cut = f"\n**Cut to fit into {self.limit:,} characters.** Not shown: {told}.{whole}\n"
        return "".join((*self._parts, cut, self.foot))


def _told(number: int, word: str) -> str:
    return counted(number, word) if word in NOUNS else f"{number} {word}"


NOUNS: Final = frozenset({"refusal", "warning", "error", "note", "app", "step"})


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)
