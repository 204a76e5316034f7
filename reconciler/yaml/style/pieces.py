"""A document's block structure as pieces: each entry and item with its own lines and the comments that go with it.

Comments above an entry are its lead. Those behind it that stand farther in than what follows are its tail: a line of
floors that somebody has commented out goes where its table goes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeGuard

from reconciler.yaml.edit.changes import Unwritable
from reconciler.yaml.edit.patch import after_break, line_end, line_start, lines_end
from reconciler.yaml.node import AliasNode, Entry, Map, Node, ScalarNode, Seq
from reconciler.yaml.text import Place, place_of_offset

_COLON: Final = re.compile(r"[ \t]*:[ \t]*")


@dataclass(slots=True)
class Piece:
    """An entry of a mapping (`name` is its key) or an item of a list (no name).

    `text` is what stands on its lines without its indent, cut before the pieces below it. `column` is where it began.
    `joined`: its first piece stands on its own line, behind the dash. `value` tells which anchors it holds and uses.
    """

    name: str
    column: int
    text: str
    value: Node
    lead: list[str] = field(default_factory=list)
    tail: list[tuple[int, str]] = field(default_factory=list)
    below: list["Piece"] = field(default_factory=list)
    joined: bool = False


class PieceReader:
    """Takes a text to pieces, from its beginning to its end. `at` is where the next line begins that nobody has had."""

    def __init__(self, text: str) -> None:
        self.at = 0
        self._text = text

    def document(self, root: Node) -> tuple[list[str], list[Piece]]:
        """The lines above a document and its pieces; one in flow style has lines alone. Raises `Unwritable`."""
        if isinstance(root, Map | Seq) and not root.is_flow:
            begin = self._begin(root)
            head = self._lines_before(begin)
            return head, self._pieces(root)
        end = lines_end(self._text, root.end)
        lines = self._text[self.at : end].split("\n")
        self.at = after_break(self._text, end)
        return lines, []

    def rest(self) -> list[str]:
        """The lines below the last document."""
        return self._lines_before(len(self._text))

    def _pieces(self, holder: Map | Seq) -> list[Piece]:
        pieces: list[Piece] = []
        if isinstance(holder, Map):
            for entry in holder.entries:
                self._put(pieces, entry.key.begin, partial(self._entry, entry))
        else:
            for item in holder.nodes:
                self._put(pieces, self._dash(item), partial(self._item, item))
        return pieces

    def _put(self, pieces: list[Piece], begin: int, read: Callable[[], Piece]) -> None:
        """Read a piece, and share out the comments before it between it and the one before."""
        column = begin - line_start(self._text, begin)
        lines = self._comments_before(begin)
        inner = 0
        while pieces and inner < len(lines) and (not lines[inner].strip() or _column(lines[inner]) > column):
            inner += 1
        while inner and not lines[inner - 1].strip():
            inner -= 1
        piece = read()
        piece.lead = [line.strip() for line in lines[inner:]]
        if pieces:
            pieces[-1].tail = [(_column(line), line.strip()) for line in lines[:inner]]
        pieces.append(piece)

    def _entry(self, entry: Entry) -> Piece:
        begin, value = entry.key.begin, entry.value
        name = "<<" if entry.is_merge else entry.name
        column = begin - line_start(self._text, begin)
        key = self._text[begin : entry.key.end]
        if _is_block(value):
            end = line_end(self._text, entry.key.end)
            text = key + _spaced(self._text[entry.key.end : end].rstrip())
            self.at = after_break(self._text, end)
            return Piece(name, column, text, value, below=self._pieces(value))
        end = self._end(value)
        return Piece(name, column, key + _spaced(self._text[entry.key.end : end]), value)

    def _item(self, item: Node) -> Piece:
        dash = self._dash(item)
        column = dash - line_start(self._text, dash)
        if not isinstance(item, Map) or not _is_block(item):
            return Piece("", column, "- " + self._text[item.begin : self._end(item)], item)
        first = self._begin(item)
        if not self._text[dash + 1 : first].strip():
            self.at = first
            return Piece("", column, "-", item, below=self._pieces(item), joined=True)
        end = line_end(self._text, dash)
        self.at = after_break(self._text, end)
        text = "- " + self._text[dash + 1 : end].strip()
        return Piece("", column, text, item, below=self._pieces(item))

    def _end(self, value: Node) -> int:
        """The end of a value that is kept as it stands, its comment included; reading goes on behind it."""
        if isinstance(value, ScalarNode) and value.style in {"|", ">"}:
            self.at = value.end if value.end == line_start(self._text, value.end) else len(self._text)
            return value.end - 1 if self._text[value.end - 1 : value.end] == "\n" else value.end
        end = lines_end(self._text, value.end)
        self.at = after_break(self._text, end)
        return end

    def _begin(self, holder: Map | Seq) -> int:
        return holder.entries[0].key.begin if isinstance(holder, Map) else self._dash(holder.nodes[0])

    def _dash(self, item: Node) -> int:
        dash = len(self._text[: item.begin].rstrip()) - 1
        if dash < 0 or self._text[dash] != "-":
            raise self._unusual(item.begin)
        return dash

    def _comments_before(self, begin: int) -> list[str]:
        """The lines between what was read and a piece; none where it stands behind a dash."""
        if begin == self.at:
            return []
        lines = self._lines_before(begin)
        if any(line.strip() and not line.lstrip().startswith("#") for line in lines):
            raise self._unusual(begin)
        return lines

    def _lines_before(self, begin: int) -> list[str]:
        start = line_start(self._text, begin) if begin < len(self._text) else begin
        if start < self.at:
            raise self._unusual(begin)
        lines = self._text[self.at : start].split("\n")
        self.at = start
        return lines[:-1] if not lines[-1] else lines

    def _unusual(self, offset: int) -> Unwritable:
        place: Place = place_of_offset(self._text, offset)
        return Unwritable(place, "fmt-unsure", "the layout here is too unusual to be put in order", "change it by hand")


def _is_block(value: Node) -> TypeGuard[Map | Seq]:
    if isinstance(value, AliasNode | ScalarNode) or value.is_flow:
        return False
    parts = value.entries if isinstance(value, Map) else value.nodes
    return bool(parts)


def _spaced(text: str) -> str:
    """What stands behind a key, with one blank behind the colon; a comment keeps its distance."""
    colon = _COLON.match(text)
    rest = text[colon.end() :] if colon is not None else ""
    if colon is None or "\n" in text[: colon.end() + 1] or not rest:
        return text.rstrip() if colon is None or rest else ":"
    return f":{text[text.index(':') + 1 :]}" if rest.startswith("#") else f": {rest}"


def _column(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
