"""Merge keys (`<<`) and repeated keys of a mapping."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from reconciler.manifest.hints import quoted
from reconciler.manifest.node import Frame, Map, Mark, Seq, make_map

Report: TypeAlias = Callable[[str, Mark, str, str], None]
"""Takes a finding: its code, place, message and hint."""


class MergeKey(str):
    """The key `<<` written plain; quoted it is text like any other."""

    __slots__ = ()


MERGE: Final = MergeKey("<<")


def settled(frame: Frame, report: Report) -> Map:
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
            sources = _sources(value, frame.marks[at + 1], report)
            continue
        pairs[key] = value
        marks += frame.marks[at : at + 2]
    for source in sources:
        for position, (key, value) in enumerate(source.items()):
            if key not in pairs:
                pairs[key] = value
                marks += source.marks[2 * position : 2 * position + 2]
    return make_map(pairs, frame.mark, marks)


def _sources(value: Any, mark: Mark, report: Report) -> list[Map]:
    sources = value if isinstance(value, Seq) else [value]
    if all(isinstance(source, Map) for source in sources):
        return list(sources)
    report("bad-merge", mark, "<< merges a mapping or a list of mappings", "point it at an anchored mapping")
    return []


def _report_duplicate(key: str, mark: Mark, first: Mark, report: Report) -> None:
    hint = "keep one of the two"
    if type(key) is MergeKey:
        hint = "merge several at once: <<: [*one, *two]"
    report("duplicate-key", mark, f"{quoted(key)} stands here again, first on line {first.line + 1}", hint)
