"""The pieces that Markdown reports are made of. What they are given is text from outside, unless said otherwise.

No colon of ours follows such a text directly: with one in it, the two could be an emoji (`ios:tada:`).
"""

from collections.abc import Sequence
from typing import Final

from reconciler.report.sanitise import clipped, markdown, markdown_html

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
