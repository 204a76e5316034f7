"""Mappings and lists under construction: merge keys (`<<`), repeated keys, and the layout."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

from reconciler.yaml.node import AliasNode, Map, MapEntry, Mark, Node, ScalarNode, Seq, make_map
from reconciler.yaml.scalar import quoted

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
    report("duplicate-key", mark, f"{quoted(key)} stands here again, first on line {first.line + 1}", hint)


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
