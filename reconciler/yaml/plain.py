"""Plain YAML, as nearly all manifests are written, read by its lines; anything else is left to the loader of `parse`.

Plain are mappings and lists by indentation whose lines each hold a key, a scalar, or a mapping or list that ends within
the line. Lines repeat, so what a line says is kept. The result is the loader's, or none: see docs/design-speed.md.
"""

import re
from dataclasses import dataclass
from sys import intern
from typing import Any, Final, TypeAlias

from reconciler.yaml.node import LINE, Map, Mark, make_map, make_seq
from reconciler.yaml.scalar import PlainScalars, Scalar

_OTHERS: Final = "\xa0-\u1fff\u2010-\u2027\u2030-\u205f\u2070-\ud7ff\U00010000-\U0010fffd"
"""Characters beyond ASCII that end no line, are seen, and are not for private use."""
_PRINTABLE: Final = re.compile(f"[ -~{_OTHERS}]*")
_USUAL: Final = re.compile(
    r"""( *+)(- )?(?:([A-Za-z_][A-Za-z0-9_]{0,99})|"([A-Za-z0-9_]{0,99})"): """
    r"""([A-Za-z0-9_.](?:[A-Za-z0-9_.]+|[ -][A-Za-z0-9_.])*+)"""
)
"""A line as most are, at one go: indentation, the dash of an item, a key, and a scalar of words or digits."""
_HEAD: Final = re.compile(
    r"""( *+)(?:-( +))?(?:([A-Za-z0-9_][A-Za-z0-9_.-]{0,99}|"[^"\\]{0,99}"|'[^']{0,99}'):(?![^ ]))?( *)"""
)
"""The indentation of a printable line, the blanks behind the dash of an item, a key, the blanks before the value."""
_QUOTED: Final = r""""([^"\\]*)"|'([^']*)'"""
_SCALAR: Final = re.compile(
    rf"""((?:[^ ?:,\[\]{{}}#&*!|>'"%@`-]|-(?=[^ #:]))(?:[^ #:]+| +[^ #:]|#|:(?=[^ #:]))*+)|{_QUOTED}"""
)
"""A scalar of a printable line: plain, or in quotes and without escapes."""
_WORD: Final = f"A-Za-z0-9_.+~/$(){_OTHERS}"
_FLOW_SCALAR: Final = rf"""((?:[{_WORD}]|-(?=[A-Za-z0-9_.]))(?:[{_WORD}-]+| +[{_WORD}-])*+)|{_QUOTED}"""
_FLOW_PART: Final = re.compile(rf"""(?:(?:{_FLOW_SCALAR}): +)?()(?:{_FLOW_SCALAR}|(?=[\[{{]))""")
"""What stands between two commas in a line: perhaps a key, and a scalar or where a mapping or list begins."""
_FLOW_NEXT: Final = re.compile(r" *(?:(,) *|[\]}])")
_FLOW_BEGIN: Final = re.compile(r"[\[{] *([\]}])?")
_END: Final = re.compile(r" *(?: #.*)?")
"""What may follow the value of a line."""

_LONGEST_KEY: Final = 100
_DEEPEST: Final = 32
_MOST_LINES: Final = 1 << 16
"""Lines whose content is kept at a time; they take some tens of megabytes at most."""


class _NotPlain(Exception):
    """The text is not plainly of the shape that is read here."""


@dataclass(frozen=True, slots=True)
class FlowValue:
    """A mapping or list within a line. `columns` are those of keys and values, `inner` holds its mappings and lists."""

    parts: dict[str, Any] | list[Any]
    column: int
    columns: tuple[int, ...]
    inner: "tuple[tuple[Any, FlowValue], ...]"

    def node(self, start: Mark) -> Any:
        """Its node, a `Map` or `Seq`, on the line that begins at a mark."""
        parts, marks = self.parts, [start + column for column in self.columns]
        node: Any
        if isinstance(parts, dict):
            node = make_map(parts, start + self.column, marks)
        else:
            node = make_seq(parts, start + self.column, marks)
        for step, value in self.inner:
            node[step] = value.node(start)
        return node


_AS_SCALAR, _AS_FLOW, _OPENS = range(3)
_ITEM: Final = 3
Line: TypeAlias = tuple[int, int, int, str | None, int, Any]
"""What a line says: level, kind, column and text of its key, column of its value, and the value.

The level is twice the column for an entry of a mapping, and one more for an item of a list: a list may stand in the
column of the mapping that holds it. The kind says what the value is, and `_ITEM` is added for an item; `_OPENS` is a
key alone. An item that is a mapping says its first entry.
"""


class _Lines(dict[str, Line | None]):
    """What lines say by their text, filled as they are asked for: None where they say nothing. Raises `_NotPlain`."""

    __slots__ = ("_scalars",)

    def __init__(self, scalars: PlainScalars) -> None:
        super().__init__()
        self._scalars = scalars

    def __missing__(self, text: str) -> Line | None:
        if len(self) >= _MOST_LINES:
            self.clear()
        line = self[text] = self._usual(text)
        return line

    def _usual(self, text: str) -> Line | None:
        found = _USUAL.fullmatch(text)
        if found is None:
            return self._other(text)
        indent, dash, word, quoted, plain = found.groups()
        level, kind, column = 2 * len(indent), _AS_SCALAR, len(indent)
        if dash is not None:
            level, kind, column = level + 1, _ITEM + _AS_SCALAR, column + 2
        return level, kind, column, intern(quoted if word is None else word), found.start(5), self._scalars[plain]

    def _other(self, text: str) -> Line | None:
        if not _PRINTABLE.fullmatch(text):
            raise _NotPlain
        if text.lstrip(" ")[:1] in {"", "#"}:
            return None
        head: Any = _HEAD.match(text)
        indent, dash, key, _ = head.groups()
        level, kind = (2 * len(indent), 0) if dash is None else (2 * len(indent) + 1, _ITEM)
        column = head.end()
        is_alone = text[column : column + 1] in {"", "#"}
        if key is None and (is_alone or dash is None):
            raise _NotPlain
        if key is not None:
            key = intern(key[1:-1] if key[0] in "\"'" else key)
        if is_alone:
            return level, kind + _OPENS, head.start(3), key, head.end(3) + 1, None
        value: Any
        if text[column] in "{[":
            kind, (value, end) = kind + _AS_FLOW, self._flow(text, column, _DEEPEST)
        else:
            scalar = _SCALAR.match(text, column)
            if scalar is None:
                raise _NotPlain
            value, end = self._value(*scalar.groups()), scalar.end()
        if not _END.fullmatch(text, end):
            raise _NotPlain
        return level, kind, head.start(3), key, column, value

    def _value(self, plain: str | None, *quoted: str | None) -> Scalar:
        return self._scalars[plain] if plain is not None else _given(*quoted)

    def _flow(self, text: str, column: int, room: int) -> tuple[FlowValue, int]:
        """The mapping or list that begins at a column, and where it ends; `room` is for so many levels within it."""
        keys: list[str] = []
        values: list[Any] = []
        columns: list[int] = []
        inner: list[tuple[Any, FlowValue]] = []
        is_map, closing = (True, "}") if text[column] == "{" else (False, "]")
        begin: Any = _FLOW_BEGIN.match(text, column)
        at, following = begin.end(), begin if begin[1] else None
        while following is None or following[1] == ",":
            part = _FLOW_PART.match(text, at)
            if part is None:
                raise _NotPlain
            plain, one, two, _, *scalar = part.groups()
            key = plain if plain is not None else _given(one, two)
            if (key is not None) is not is_map or not room or len(key or "") > _LONGEST_KEY:
                raise _NotPlain
            if key is not None:
                columns.append(at)
                keys.append(intern(key))
            columns.append(part.start(4))
            at = part.end()
            if (part.lastindex or 0) > 4:
                values.append(self._value(*scalar))
            else:
                value, at = self._flow(text, at, room - 1)
                inner.append((len(values) if key is None else key, value))
                values.append(None)
            following = _FLOW_NEXT.match(text, at)
            if following is None:
                raise _NotPlain
            at = following.end()
        if text[at - 1] != closing or len(set(keys)) != len(keys):
            raise _NotPlain
        parts = dict(zip(keys, values, strict=True)) if is_map else values
        return FlowValue(parts, column, tuple(columns), tuple(inner)), at


def _given(one: str | None, two: str | None) -> str | None:
    return two if one is None else one


_NOWHERE: Final = -1
"""The level of no line: whatever comes next is looked at."""


class _Tree:
    """The mappings and lists that are open, outermost first, each with its level.

    `key` of the innermost mapping has no value yet, and `empty` is where the value ends if none comes.
    """

    __slots__ = ("empty", "key", "nodes")

    def __init__(self) -> None:
        self.nodes: list[tuple[int, Any]] = []
        self.key: str | None = None
        self.empty = 0

    def open(self, level: int, mark: Mark) -> Any:
        """A new innermost mapping or list."""
        if len(self.nodes) >= _DEEPEST:
            raise _NotPlain
        node: Any = make_seq([], mark, []) if level & 1 else make_map({}, mark, [])
        self.nodes.append((level, node))
        return node

    def find(self, level: int, mark: Mark) -> Any:
        """The mapping or list that a line of another level than the one before stands in."""
        if self.key is not None and level > self.nodes[-1][0]:
            parent, key, self.key = self.nodes[-1][1], self.key, None
            node = parent[key] = self.open(level, mark)
            parent.marks.append(mark)
            return node
        self.close(level)
        if not self.nodes or self.nodes[-1][0] != level:
            raise _NotPlain
        return self.nodes[-1][1]

    def close(self, level: int) -> None:
        """Close all that a line of a level does not stand in. Raises for equal keys."""
        if self.key is not None:
            node = self.nodes[-1][1]
            node[self.key], self.key = None, None
            node.marks.append(self.empty)
        while self.nodes and self.nodes[-1][0] > level:
            inner, node = self.nodes.pop()
            if not inner & 1 and 2 * len(node) != len(node.marks):
                raise _NotPlain


def read_plain(content: str, scalars: PlainScalars) -> Map | None:
    """The mapping that the text is, as the loader of `parse` makes it; None where the text is not plain."""
    if not isinstance(scalars.lines, _Lines):
        scalars.lines = _Lines(scalars)
    try:
        return _read(content, scalars.lines)
    except _NotPlain:
        return None


def _read(content: str, lines: _Lines) -> Map | None:
    tree = _Tree()
    root: Map | None = None
    node: Any = None
    marks: list[Mark] = []
    here = _NOWHERE
    first = 1 if content.startswith("---\n") else 0
    for number, line in enumerate(map(lines.__getitem__, content.split("\n")[first:]), first):
        if line is None:
            continue
        level, kind, key_column, key, column, value = line
        start = number * LINE
        if level != here:
            if root is None:
                if level:
                    raise _NotPlain
                root = tree.open(level, start)
            node, here = tree.find(level, start + level // 2), level
            marks = node.marks
        if kind >= _ITEM:
            kind -= _ITEM
            if key is None:
                node.append(value if kind == _AS_SCALAR else value.node(start))
                marks.append(start + column)
                continue
            here = 2 * key_column
            item = tree.open(here, start + key_column)
            node.append(item)
            marks.append(item.mark)
            node, marks = item, item.marks
        if kind == _OPENS:
            marks.append(start + key_column)
            tree.key, tree.empty, here = key, start + column, _NOWHERE
            continue
        node[key] = value if kind == _AS_SCALAR else value.node(start)
        marks += (start + key_column, start + column)
    tree.close(_NOWHERE)
    return root
