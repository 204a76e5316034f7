"""Building blocks of Markdown reports: escaped text, tables, folds, comment markers, and a document of limited size."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal

from reconciler.plan.plan import PlanOrigin
from reconciler.render.text import clipped, counted, markdown, markdown_html

Document = Literal["plan", "apply", "validate"]
READABLE: Final = 32
_BETWEEN_WORDS: Final = re.compile(r"[^A-Za-z0-9]+")


def marker(document: Document, origin: PlanOrigin | None, key: str = "") -> str:
    """A comment of HTML, the same for every run of a project and another for every other project.

    A project is its publisher and API, and a `key` where several share these. No text of a body can hold a marker: all
    of them are escaped.
    """
    names = ("", "", key) if origin is None else (origin.publisher_id, origin.api, key)
    exact = sha256("\0".join(names).encode("utf-8", errors="surrogatepass")).hexdigest()[:16]
    readable = "-".join(filter(None, (_word(names[0]), _word(key), exact)))
    return f"<!-- reconciler:{document} {readable} -->"


def _word(name: str) -> str:
    """What of a name can stand in a comment, where two hyphens might end it."""
    return _BETWEEN_WORDS.sub("-", name).strip("-")[:READABLE].strip("-")


LIMIT: Final = 65_536
"""What GitHub takes as the body of a comment, in characters; counted here in UTF-16 units, which are never fewer."""

FOR_THE_CUT: Final = 1_000
"""Kept free for the words that say what was cut."""


@dataclass(frozen=True, slots=True)
class SectionItem:
    """A piece of Markdown, or what makes it: of a long list most are left out, and are not made.

    `stands_for` is counted where it is left out: what it is in a word, and which one.
    """

    text: str | Callable[[], str]
    stands_for: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """Items between an opening and a closing, left out where not even the first item fits.

    `share`: how much of the room that is left it may take.
    """

    opening: str
    items: Sequence[SectionItem]
    closing: str = ""
    share: float = 1.0


@dataclass(slots=True)
class LimitedDocument:
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
        written: list[str] = []
        for item in section.items:
            text = item.text if isinstance(item.text, str) else item.text()
            room -= units(text)
            if room < 0:
                break
            written.append(text)
        if written:
            text = "".join((section.opening, *written, section.closing))
            self._parts.append(text)
            self._left -= units(text)
        self._lost.update(dict.fromkeys(item.stands_for for item in section.items[len(written) :]))

    def text(self, whole: str = "") -> str:
        """The sheet, with what was cut said at its end, and where the `whole` is to be had."""
        lost = Counter(word for word, _ in self._lost)
        if not lost:
            return "".join((*self._parts, self.foot))
        counts = ", ".join(_counted_noun(number, word) for word, number in lost.items())
        cut = f"\n**Cut to fit into {self.limit:,} characters.** Not shown: {counts}.{whole}\n"
        return "".join((*self._parts, cut, self.foot))


def _counted_noun(number: int, word: str) -> str:
    return counted(number, word) if word in NOUNS else f"{number} {word}"


NOUNS: Final = frozenset({"refusal", "warning", "error", "note", "app", "step"})


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


NAME: Final = 160
VALUE: Final = 200
SENTENCE: Final = 500
"""Longest texts of each sort, in characters; of longer ones head and tail are shown."""


def name(text: str) -> str:
    """An address, a path or an id."""
    return markdown(clipped(text, NAME))


def value(text: str) -> str:
    """A value of a field."""
    return markdown(clipped(text, VALUE))


def sentence(text: str) -> str:
    """A reason, a message, evidence."""
    return markdown(clipped(text, SENTENCE))


def row(*cells: str) -> str:
    """A row of a table; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |\n"


def table(*titles: str) -> str:
    """The head of a table; the titles are our own."""
    return f"\n{row(*titles)}{row(*['---'] * len(titles))}"


def fold(summary: str, ours: str = "") -> str:
    """The opening of a folded part; `ours` is text of our own behind the summary."""
    return f"\n<details><summary>{markdown_html(clipped(summary, NAME))}{ours}</summary>\n"


FOLD_END: Final = "\n</details>\n"


def place(file: str, *numbers: int) -> str:
    """Where something stands: the file, the line, and the column where it is known."""
    return markdown(":".join((clipped(file, NAME), *map(str, numbers))))


def listed(parts: Sequence[str]) -> str:
    """Facts on one line; the parts are Markdown already, empty ones are left out."""
    return " · ".join(part for part in parts if part)
