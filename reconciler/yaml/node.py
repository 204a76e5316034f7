"""The tree of a YAML text: mappings and lists are dicts and lists that know where they and their parts stand.

Scalars are bare Python values (str, int, float, bool, None), so the place of a scalar is asked of what holds it. That
is all that reading needs. In a tree that is read to be edited, mappings and lists know their layout as well: where
they begin and end in the text, their anchor, and their parts as they are written, among them scalars and aliases as
nodes. While a mapping is read it is a `Frame`: merge keys (`<<`) and repeated keys are settled at its end.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

from reconciler.yaml.scalar import Place, quoted

Step: TypeAlias = str | int
VARIABLE: Final = "${"
"""How a variable begins in the texts of other tools."""


Mark: TypeAlias = int
"""Where something begins: so many times `LINE` as lines come before, and the column, from 0. Cheaper than an object."""
_COLUMN_BITS: Final = 32
LINE: Final = 1 << _COLUMN_BITS
_COLUMN: Final = LINE - 1


def mark_of(place: Any) -> Mark:
    """The mark of a parser's place, whose line and column count from 0."""
    mark: Mark = place.line * LINE + place.column
    return mark


def place_of(mark: Mark) -> Place:
    """The mark as people count: from 1."""
    return Place((mark >> _COLUMN_BITS) + 1, (mark & _COLUMN) + 1)


_FEW: Final = 32
"""Keys that are sooner walked over than put in a table."""


class Map(dict[str, Any]):
    """A mapping. `marks` holds two marks for each pair in order, its key's and its value's.

    `broken` names the keys that were cut, or cut down, because their values are wrong: they are declared, but nobody
    knows as what.

    The layout, which only a tree that is read to be edited has: offsets in characters (in block style a mapping ends
    where its last value does), the entries as written, and the aliases that stand for the mapping elsewhere.
    """

    __slots__ = (
        *("broken", "mark", "marks", "positions"),
        *("anchor", "begin", "end", "entries", "is_flow", "uses"),
    )

    mark: Mark
    marks: list[Mark]
    broken: Collection[str]
    positions: dict[str, int] | None

    begin: int
    end: int
    anchor: str | None
    is_flow: bool
    entries: tuple["MapEntry", ...]
    uses: "list[AliasNode]"

    @property
    def place(self) -> Place:
        """Where the mapping begins."""
        return place_of(self.mark)

    def key_place(self, key: str) -> Place:
        """Where the key stands; the mapping's own place where it has no such key."""
        return place_of(self.marks[2 * self._position(key)]) if key in self else self.place

    def value_place(self, key: str) -> Place:
        """Where the key's value stands; the mapping's own place where it has no such key."""
        return place_of(self.marks[2 * self._position(key) + 1]) if key in self else self.place

    def _position(self, key: str) -> int:
        if len(self) <= _FEW:
            return list(self).index(key)
        # Kept, because a mapping of a hundred thousand wrong keys is asked about each of them.
        if self.positions is None:
            self.positions = {key: at for at, key in enumerate(self)}
        return self.positions[key]

    def find(self, key: str) -> int | None:
        """The position of the mapping's own entry of a key; what merges bring is not its own."""
        return next((at for at, entry in enumerate(self.entries) if entry.name == key and not entry.is_merge), None)

    def merge(self) -> int | None:
        """The position of its `<<`; None where nothing is merged into it."""
        return next((at for at, entry in enumerate(self.entries) if entry.is_merge), None)


class Seq(list[Any]):
    """A list. `marks` holds one mark for each item; `broken` says that some were cut because they are wrong.

    Its layout is as a mapping's; `nodes` are the items as written.
    """

    __slots__ = ("anchor", "begin", "broken", "end", "is_flow", "mark", "marks", "nodes", "uses")

    mark: Mark
    marks: list[Mark]
    broken: bool

    begin: int
    end: int
    anchor: str | None
    is_flow: bool
    nodes: tuple["Node", ...]
    uses: "list[AliasNode]"

    @property
    def place(self) -> Place:
        """Where the list begins."""
        return place_of(self.mark)

    def item_place(self, index: int) -> Place:
        """Where an item stands."""
        return place_of(self.marks[index])


@dataclass(slots=True, eq=False)
class ScalarNode:
    """A scalar as written. `begin` is where its anchor stands, `start` its own text; `style` is its quote or none."""

    begin: int
    start: int
    end: int
    place: Place
    style: str
    text: str
    anchor: str | None
    uses: "list[AliasNode]" = field(default_factory=list)


@dataclass(slots=True, eq=False)
class AliasNode:
    """An alias, and the node that it stands for; `into` is the mapping that merges it, None where it is a value."""

    start: int
    end: int
    place: Place
    anchor: str
    target: "ScalarNode | Map | Seq"
    into: Map | None = None

    @property
    def begin(self) -> int:
        """Where it begins; an alias has no anchor of its own."""
        return self.start


@dataclass(frozen=True, slots=True)
class MapEntry:
    """A key with its value; `name` is the key's text. `is_merge`: the key is `<<`, written plain."""

    name: str
    key: ScalarNode | AliasNode
    value: "Node"
    is_merge: bool


Holder: TypeAlias = Map | Seq
Node: TypeAlias = ScalarNode | AliasNode | Map | Seq


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document of a file that is not empty; the value is a Map, a Seq or a scalar.

    `has_variables` says that the file speaks of variables somewhere, as in `${NAME}`. `nodes` holds the value as it is
    written where the layout was asked for.
    """

    value: Any
    place: Place
    has_variables: bool = False
    nodes: tuple[Node, ...] = ()


def make_map(pairs: dict[str, Any], mark: Mark, marks: list[Mark], broken: Collection[str] = ()) -> Map:
    """A mapping of pairs whose marks are in the same order."""
    node = Map(pairs)
    node.mark, node.marks, node.broken, node.positions = mark, marks, broken, None
    return node


def make_seq(items: list[Any], mark: Mark, marks: list[Mark], *, broken: bool = False) -> Seq:
    """A list of items whose marks are in the same order."""
    node = Seq(items)
    node.mark, node.marks, node.broken = mark, marks, broken
    return node


def node_at(root: Any, path: Sequence[Step]) -> Any:
    """The value at a path; None where the path leads nowhere."""
    node = root
    for step in path:
        if isinstance(node, Map) and step in node:
            node = node[str(step)]
        elif isinstance(node, Seq) and isinstance(step, int) and step < len(node):
            node = node[step]
        else:
            return None
    return node


def place_at(root: Map, path: Sequence[Step]) -> Place:
    """Where the value at a path stands, or the innermost thing around it that is there."""
    for end in range(len(path), 0, -1):
        holder, step = node_at(root, path[: end - 1]), path[end - 1]
        if isinstance(holder, Map) and step in holder:
            return holder.value_place(str(step))
        if isinstance(holder, Seq) and isinstance(step, int) and step < len(holder):
            return holder.item_place(step)
    return root.place


def parts_of(holder: Holder) -> Sequence[tuple[int, int]]:
    """Where each entry or item of a mapping or list begins and ends."""
    if isinstance(holder, Map):
        return [(entry.key.begin, entry.value.end) for entry in holder.entries]
    return [(node.begin, node.end) for node in holder.nodes]


def number_of(node: Node) -> str:
    """The text of a plain scalar, whose decimals others may be given; empty for anything else."""
    return node.text if isinstance(node, ScalarNode) and not node.style else ""


def quotes_of(key: ScalarNode | AliasNode) -> str:
    """The quote that a key is written in; empty for a plain one."""
    return key.style if isinstance(key, ScalarNode) and key.style in {"'", '"'} else ""


_ANCHOR: Final = re.compile(r"&[^\s,\[\]{}]+")
_BETWEEN: Final = re.compile(r"(?:\s|#[^\n]*)*")


def scalar_node(content: str, event: Any) -> ScalarNode:
    """The node of a parser's scalar event in the characters of the text."""
    begin, end = event.start_mark.index, event.end_mark.index
    start = begin
    if event.anchor is not None:
        anchor = _ANCHOR.match(content, begin)
        start = anchor.end() if anchor is not None else end
        if start < end:
            between = _BETWEEN.match(content, start)
            start = between.end() if between is not None else start
    return ScalarNode(
        begin, start, end, place_of(mark_of(event.start_mark)), event.style or "", event.value, event.anchor
    )


ReportFinding: TypeAlias = Callable[[str, Mark, str, str], None]
"""Takes a finding: its code, place, message and hint."""


class MergeKey(str):
    """The key `<<` written plain; quoted it is text like any other."""

    __slots__ = ()


MERGE: Final = MergeKey("<<")


class Frame:
    """A mapping or list that is being read: its items in order, keys among them, each with its mark.

    `start` is the event that began it, None for a document. `before` counts the nodes that were read when it began,
    `height` the levels below it so far. `nodes` are the items as written, where the layout is asked for.
    """

    __slots__ = ("before", "height", "is_map", "items", "mark", "marks", "merges", "nodes", "start")

    def __init__(self, mark: Mark, start: Any = None, *, is_map: bool, before: int) -> None:
        self.items: list[Any] = []
        self.marks: list[Mark] = []
        self.nodes: list[Node] = []
        self.mark = mark
        self.start = start
        self.is_map = is_map
        self.merges = False
        self.before = before
        self.height = 0


def merged_map(frame: Frame, report: ReportFinding) -> Map:
    """A mapping with merges or repeated keys: the first of equal keys counts, own keys before merged ones."""
    pairs: dict[str, Any] = {}
    marks: list[Mark] = []
    sources: list[Map] = []
    first: dict[str, Mark] = {}
    for at in range(0, len(frame.items), 2):
        key, value = frame.items[at], frame.items[at + 1]
        if key in first:
            _report_duplicate(key, frame.marks[at], first[key], report)
            continue
        first[key] = frame.marks[at]
        if type(key) is MergeKey:
            sources = _merge_sources(value, frame.marks[at + 1], report)
            continue
        pairs[key] = value
        marks += frame.marks[at : at + 2]
    for source in sources:
        for position, (key, value) in enumerate(source.items()):
            if key not in pairs:
                pairs[key] = value
                marks += source.marks[2 * position : 2 * position + 2]
    return make_map(pairs, frame.mark, marks)


def _merge_sources(value: Any, mark: Mark, report: ReportFinding) -> list[Map]:
    sources = value if isinstance(value, Seq) else [value]
    if all(isinstance(source, Map) for source in sources):
        return list(sources)
    report("bad-merge", mark, "<< merges a mapping or a list of mappings", "point it at an anchored mapping")
    return []


def _report_duplicate(key: str, mark: Mark, first: Mark, report: ReportFinding) -> None:
    hint = "keep one of the two"
    if type(key) is MergeKey:
        hint = "merge several at once: <<: [*one, *two]"
    report("duplicate-key", mark, f"{quoted(key)} stands here again, first on line {place_of(first).line}", hint)


def set_layout(value: Map | Seq, frame: Frame, end: int) -> None:
    """Give a mapping or list its layout; `end` is where its last event ends."""
    start, nodes = frame.start, frame.nodes
    value.begin, value.anchor, value.is_flow = start.start_mark.index, start.anchor, bool(start.flow_style)
    value.end = end if value.is_flow or not nodes else nodes[-1].end
    value.uses = []
    if isinstance(value, Seq):
        value.nodes = tuple(nodes)
        return
    keys = frame.items[::2]
    value.entries = tuple(_map_entry(*parts) for parts in zip(keys, nodes[::2], nodes[1::2], strict=True))
    for entry in value.entries:
        if entry.is_merge:
            sources = entry.value.nodes if isinstance(entry.value, Seq) else (entry.value,)
            for source in sources:
                if isinstance(source, AliasNode):
                    source.into = value


def _map_entry(name: str, key: Node, value: Node) -> MapEntry:
    # A key is text or an alias of one: the loader has stopped at any other.
    return MapEntry(name, cast("ScalarNode | AliasNode", key), value, type(name) is MergeKey)
