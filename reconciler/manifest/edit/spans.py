"""Where each part of a text stands: the parser's events as a tree of spans.

The events are those that `manifest.parse` makes values of, so both see the same structure. Offsets count characters,
a byte order mark left out. Only texts that `parse` has no findings for are read here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.manifest.characters import Events
from reconciler.manifest.node import place_of
from reconciler.manifest.scalar import resolve
from reconciler.manifest.text import ManifestText, Place

try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # as in `manifest.parse`
    from reconciler.manifest.slow_parser import SlowParser as _Parser  # type: ignore[assignment]

MERGE_KEY: Final = "<<"
_ANCHOR: Final = re.compile(r"&[^\s,\[\]{}]+")
_BETWEEN: Final = re.compile(r"(?:\s|#[^\n]*)*")


@dataclass(frozen=True, slots=True, eq=False)
class ScalarSpan:
    """A scalar. `begin` is where its anchor stands, `start` where its own text does; `style` is its quote or none."""

    begin: int
    start: int
    end: int
    place: Place
    style: str
    text: str
    anchor: str | None


@dataclass(frozen=True, slots=True, eq=False)
class AliasSpan:
    """An alias, and the node that it stands for."""

    start: int
    end: int
    place: Place
    anchor: str
    target: "Span"

    @property
    def begin(self) -> int:
        """Where it begins; an alias has no anchor of its own."""
        return self.start


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value; `name` is the key's text."""

    name: str
    key: ScalarSpan | AliasSpan
    value: "Span"

    @property
    def is_merge(self) -> bool:
        """Whether it is the merge key, written plain."""
        return self.name == MERGE_KEY and isinstance(self.key, ScalarSpan) and not self.key.style


@dataclass(frozen=True, slots=True, eq=False)
class MapSpan:
    """A mapping; one in block style ends where its last value does."""

    begin: int
    end: int
    place: Place
    anchor: str | None
    is_flow: bool
    entries: tuple[Entry, ...]

    def find(self, key: str) -> int | None:
        """The position of the mapping's own entry of a key; what merges bring is not its own."""
        return next((at for at, entry in enumerate(self.entries) if entry.name == key and not entry.is_merge), None)

    def merge(self) -> int | None:
        """The position of its `<<`; None where nothing is merged into it."""
        return next((at for at, entry in enumerate(self.entries) if entry.is_merge), None)


@dataclass(frozen=True, slots=True, eq=False)
class SeqSpan:
    """A list; one in block style ends where its last item does."""

    begin: int
    end: int
    place: Place
    anchor: str | None
    is_flow: bool
    items: tuple["Span", ...]


Holder: TypeAlias = MapSpan | SeqSpan
Span: TypeAlias = ScalarSpan | AliasSpan | Holder


@dataclass(frozen=True, slots=True)
class Use:
    """An alias of a node; `into` is the mapping that it is merged into, None where it stands as a value."""

    alias: AliasSpan
    into: MapSpan | None


@dataclass(frozen=True, slots=True)
class Tree:
    """The documents of a text that are not empty, and where their anchored nodes are used again."""

    text: str
    documents: tuple[Span, ...]
    uses: Mapping[Span, tuple[Use, ...]]


@dataclass(slots=True)
class _Frame:
    start: Any
    parts: list[Span] = field(default_factory=list)


def spans(text: str) -> Tree:
    """The tree of a text that `parse` has read without a finding."""
    reading = _Reading(text)
    reading.read()
    uses: dict[Span, list[Use]] = {}
    for alias in reading.aliases:
        uses.setdefault(alias.target, []).append(Use(alias, reading.merged.get(alias)))
    documents = tuple(document for document in reading.documents if not _is_null(document))
    return Tree(text, documents, {node: tuple(of_node) for node, of_node in uses.items()})


def _is_null(node: Span) -> bool:
    return isinstance(node, ScalarSpan) and not node.style and resolve(node.text) is None


class _Reading:
    """Builds spans from events. Events are Any, as in the loader."""

    def __init__(self, text: str) -> None:
        self.documents: list[Span] = []
        self.aliases: list[AliasSpan] = []
        self.merged: dict[AliasSpan, MapSpan] = {}
        self._text = text
        self._anchors: dict[str, Span] = {}
        self._stack: list[_Frame] = []

    def read(self) -> None:
        events = Events(_Parser, ManifestText("", self._text.encode()))
        while type(event := events.get_event()) is not StreamEndEvent:
            self._take(event)

    def _take(self, event: Any) -> None:
        match event:
            case DocumentStartEvent():
                self._anchors.clear()
            case MappingStartEvent() | SequenceStartEvent():
                self._stack.append(_Frame(event))
            case MappingEndEvent() | SequenceEndEvent():
                self._put(self._closed(self._stack.pop(), event))
            case ScalarEvent():
                self._put(self._scalar(event))
            case AliasEvent():
                self._put(self._alias(event))
            case _:
                pass

    def _put(self, node: Span) -> None:
        if not isinstance(node, AliasSpan) and node.anchor is not None:
            self._anchors[node.anchor] = node
        if self._stack:
            self._stack[-1].parts.append(node)
        else:
            self.documents.append(node)

    def _alias(self, event: Any) -> AliasSpan:
        begin, end = event.start_mark, event.end_mark
        alias = AliasSpan(begin.index, end.index, place_of(begin), event.anchor, self._anchors[event.anchor])
        self.aliases.append(alias)
        return alias

    def _scalar(self, event: Any) -> ScalarSpan:
        begin, end = event.start_mark.index, event.end_mark.index
        start = begin
        if event.anchor is not None:
            anchor = _ANCHOR.match(self._text, begin)
            start = anchor.end() if anchor is not None else end
            if start < end:
                between = _BETWEEN.match(self._text, start)
                start = between.end() if between is not None else start
        style = event.style or ""
        return ScalarSpan(begin, start, end, place_of(event.start_mark), style, event.value, event.anchor)

    def _closed(self, frame: _Frame, event: Any) -> Holder:
        start, parts = frame.start, frame.parts
        is_flow = bool(start.flow_style)
        end: int = event.end_mark.index if is_flow or not parts else parts[-1].end
        head = (start.start_mark.index, end, place_of(start.start_mark), start.anchor, is_flow)
        if isinstance(start, SequenceStartEvent):
            return SeqSpan(*head, tuple(parts))
        made = MapSpan(*head, tuple(_entry(key, value) for key, value in zip(parts[::2], parts[1::2], strict=True)))
        for entry in made.entries:
            if entry.is_merge:
                sources = entry.value.items if isinstance(entry.value, SeqSpan) else (entry.value,)
                self.merged.update({source: made for source in sources if isinstance(source, AliasSpan)})
        return made


def _entry(key: Span, value: Span) -> Entry:
    match key:
        case ScalarSpan():
            return Entry(key.text, key, value)
        case AliasSpan(target=ScalarSpan() as target):
            return Entry(target.text, key, value)
        case _:
            raise AssertionError("the loader refuses keys that are no text")


def number_of(node: Span) -> str:
    """The text of a plain scalar, whose decimals others may be given; empty for anything else."""
    return node.text if isinstance(node, ScalarSpan) and not node.style else ""


def quotes_of(key: ScalarSpan | AliasSpan) -> str:
    """The quote that a key is written in; empty for a plain one."""
    return key.style if isinstance(key, ScalarSpan) and key.style in {"'", '"'} else ""
