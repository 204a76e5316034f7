"""The small values that pages share: tiles of numbers, counts beside a name, rows of fields."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.diff.change import Change, Delete, FieldChange, Update
from reconciler.report.line import Tone
from reconciler.report.text import after_text, before_text, origin_text, percent_text


@dataclass(frozen=True, slots=True)
class Tile:
    """A number and what it counts, for the head of a page."""

    number: int | str
    what: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Count:
    """A short count beside a name, as `2 update`."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Row:
    """One field in a table of differences, in words."""

    path: str
    before: str
    after: str
    percent: str = ""
    origin: str = ""
    evidence: str = ""


def row(field: FieldChange, origin: str = "") -> Row:
    """A field change as a row; `origin` says why it differs."""
    return Row(field.path, before_text(field), after_text(field), percent_text(field), origin, field.evidence or "")


def rows(change: Change) -> tuple[Row, ...]:
    """The fields of a change; none for a delete."""
    if isinstance(change, Delete):
        return ()
    moved = "changed in the manifest" if isinstance(change, Update) else ""
    return tuple(row(field, origin_text(change, field) or moved) for field in change.fields)


def tallied(words: Iterable[str], tones: Mapping[str, Tone]) -> tuple[Count, ...]:
    """How often each word comes up, in the order of the tones."""
    numbers = Counter(words)
    return tuple(Count(f"{numbers[word]} {word}", tone) for word, tone in tones.items() if numbers[word])
