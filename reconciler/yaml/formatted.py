"""The usual layout of a YAML text: keys in a given order, two columns of indent, single blank lines.

A text is split into pieces (`Piece`): each entry or item has its own lines and the comments that belong to it. Comments
above an entry are its lead. Comments behind it that are indented deeper than what follows are its tail: a floor that is
commented out moves with its table.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeGuard

from reconciler.errors import EditError
from reconciler.model.diagnostic import Finding
from reconciler.yaml.edits import Unwritable, after_break, finding_of, line_end, line_start, lines_end
from reconciler.yaml.node import AliasNode, Map, MapEntry, Node, ScalarNode, Seq
from reconciler.yaml.parse import Tree, read_tree
from reconciler.yaml.scalar import ManifestText, Place, place_of_offset

_COLON: Final = re.compile(r"[ \t]*:[ \t]*")
_BREAK: Final = re.compile(r"\r\n|\n")
_STEP: Final = 2
_PASSES: Final = 4
"""The most passes: a comment may move in the second; a text that changes in all of them cannot be formatted."""


@dataclass(frozen=True, slots=True)
class KeyOrders:
    """The order of keys in mappings, by the key that the mapping, or the list that it is in, stands below.

    A document's own mapping stands below "". Where a mapping has an order, keys that begin with `first` come before all
    others: they hold the anchors that the others refer to.
    """

    below: Mapping[str, Sequence[str]]
    first: str


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


def format_text(text: ManifestText, orders: KeyOrders) -> bytes:
    """The bytes of a text in its usual layout: formatted again, they stay.

    Keys stand in the given orders, blocks two columns in, and no more than one blank line in a row. Comments go with
    what they stand at; flow style, quotes and anchors stay as written. Raises `EditError` for a text that cannot be
    read, and for one that cannot be put in order and surely say the same.
    """
    tree = read_tree(text)
    if tree.parsed.findings:
        raise EditError(tree.parsed.findings)
    line_break = _BREAK.search(tree.content)
    ending = line_break.group() if line_break is not None else "\n"
    old = _tree_of(text.file, tree.content.replace("\r\n", "\n"), tree)
    for chosen in (orders, KeyOrders({}, orders.first)):
        new = _format_until_stable(old, chosen)
        if new is not None and new.content:
            content = new.content.replace("\n", ending)
            if _same_content(tree, _tree_of(text.file, content, new)):
                return tree.mark + content.encode()
    if not tree.content.strip():
        return tree.mark
    message = "put in order, the text would say something else"
    raise EditError([Finding(text.file, 1, 1, "fmt-unsure", message, hint="format it by hand")])


def _tree_of(file: str, content: str, known: Tree) -> Tree:
    """The tree of a content; the known one, if it is of just that."""
    return known if known.content == content else read_tree(ManifestText(file, content.encode()))


def _format_until_stable(tree: Tree, orders: KeyOrders) -> Tree | None:
    """The text as it is once formatting changes it no more; None where that does not come."""
    for _ in range(_PASSES):
        try:
            new = _tree_of(tree.text.file, _format_once(tree, orders), tree)
        except Unwritable as error:
            raise EditError([finding_of(error, tree.text.file)]) from error
        if new is tree:
            return tree
        if new.parsed.findings:
            return None
        tree = new
    return None


def _same_content(before: Tree, after: Tree) -> bool:
    """Whether two texts have the same values, and the same characters but for blanks."""
    old, new = ([document.value for document in tree.parsed.documents] for tree in (before, after))
    characters = [Counter("".join(tree.content.split())) for tree in (before, after)]
    return not after.parsed.findings and old == new and characters[0] == characters[1]


def _format_once(tree: Tree, orders: KeyOrders) -> str:
    reader = PieceReader(tree.content)
    lines: list[str] = []
    for root in tree.nodes:
        head, pieces = reader.document(root)
        if pieces:
            pieces[0].lead, head = [], [*head, *pieces[0].lead]
        lines += [*_without_blank_runs(head), *_lines(pieces, 0, "", orders)]
    lines += _without_blank_runs(reader.remaining_lines())
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    return "\n".join((*lines, "")) if lines else ""


def _without_blank_runs(lines: Sequence[str]) -> list[str]:
    """The lines without blanks at their ends, and no two empty ones in a row."""
    bare = [line.rstrip(" \t") for line in lines]
    return [line for at, line in enumerate(bare) if line or not at or bare[at - 1]]


def _lines(pieces: Sequence[Piece], indent: int, below: str, orders: KeyOrders) -> Iterator[str]:
    for piece in _in_key_order(pieces, below, orders):
        pad, inner = " " * indent, piece.name or below
        if piece.joined:
            first, *rest = _in_key_order(piece.below, inner, orders)
            piece.lead, first.lead = [*piece.lead, *first.lead], []
            piece.below = [first, *rest]
        yield from (f"{pad}{line}".rstrip() for line in _without_blank_runs(piece.lead))
        lines = [*_lines(piece.below, indent + _STEP, inner, orders)]
        if piece.joined:
            lines[0] = f"{pad}- {lines[0].lstrip(' ')}"
        else:
            yield from _piece_lines(piece, indent)
        yield from lines
        for column, line in piece.tail:
            yield f"{' ' * _tail_indent(piece, indent, column)}{line}".rstrip()


def _tail_indent(piece: Piece, indent: int, column: int) -> int:
    """Where a comment behind a piece goes: in line with the pieces that it was in line with."""
    if piece.below and column >= piece.below[0].column:
        return _tail_indent(piece.below[-1], indent + _STEP, column)
    return indent + max(0 if column <= piece.column else _STEP, column - piece.column)


def _piece_lines(piece: Piece, indent: int) -> Iterator[str]:
    """The lines of a piece, all moved as far as its first."""
    first, *rest = piece.text.split("\n")
    by = indent - piece.column
    is_block_text = getattr(piece.value, "style", "") in {"|", ">"}
    yield " " * indent + (first if rest else first.rstrip())
    for line in rest:
        bare = line.lstrip(" ")
        moved = " " * max(0, len(line) - len(bare) + by) + bare if line else line
        yield moved if is_block_text else moved.rstrip(" \t")


def _in_key_order(pieces: Sequence[Piece], below: str, orders: KeyOrders) -> Sequence[Piece]:
    """The pieces in their order of keys, merges first, unknown keys last; left where an anchor would come too late."""
    order = orders.below.get(below, ())
    if not order or any(not piece.name for piece in pieces):
        return pieces
    rank = {name: at for at, name in enumerate(("<<", *order))}
    ordered = sorted(
        pieces, key=lambda piece: -1 if piece.name.startswith(orders.first) else rank.get(piece.name, len(rank))
    )
    anchored: set[str] = set()
    here = {name for piece in pieces for name, is_use in _anchors_and_uses(piece.value) if not is_use}
    for piece in ordered:
        for name, is_use in _anchors_and_uses(piece.value):
            if is_use and name in here and name not in anchored:
                return pieces
            if not is_use:
                anchored.add(name)
    return ordered


def _anchors_and_uses(node: Node) -> Iterator[tuple[str, bool]]:
    """The anchors in a node, and their uses, in the order of the text."""
    if isinstance(node, AliasNode):
        yield node.anchor, True
        return
    if node.anchor is not None:
        yield node.anchor, False
    if isinstance(node, Map):
        for entry in node.entries:
            yield from _anchors_and_uses(entry.value)
    elif isinstance(node, Seq):
        for item in node.nodes:
            yield from _anchors_and_uses(item)


class PieceReader:
    """Splits a text into pieces from beginning to end. `at` is the offset of the next line that is in no piece yet."""

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

    def remaining_lines(self) -> list[str]:
        """The lines below the last document."""
        return self._lines_before(len(self._text))

    def _pieces(self, holder: Map | Seq) -> list[Piece]:
        pieces: list[Piece] = []
        if isinstance(holder, Map):
            for entry in holder.entries:
                self._add_piece(pieces, entry.key.begin, partial(self._entry_piece, entry))
        else:
            for item in holder.nodes:
                self._add_piece(pieces, self._dash(item), partial(self._item_piece, item))
        return pieces

    def _add_piece(self, pieces: list[Piece], begin: int, read: Callable[[], Piece]) -> None:
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

    def _entry_piece(self, entry: MapEntry) -> Piece:
        begin, value = entry.key.begin, entry.value
        name = "<<" if entry.is_merge else entry.name
        column = begin - line_start(self._text, begin)
        key = self._text[begin : entry.key.end]
        if _is_block(value):
            end = line_end(self._text, entry.key.end)
            text = key + _with_colon_spacing(self._text[entry.key.end : end].rstrip())
            self.at = after_break(self._text, end)
            return Piece(name, column, text, value, below=self._pieces(value))
        end = self._read_to_end(value)
        return Piece(name, column, key + _with_colon_spacing(self._text[entry.key.end : end]), value)

    def _item_piece(self, item: Node) -> Piece:
        dash = self._dash(item)
        column = dash - line_start(self._text, dash)
        if not isinstance(item, Map) or not _is_block(item):
            return Piece("", column, "- " + self._text[item.begin : self._read_to_end(item)], item)
        first = self._begin(item)
        if not self._text[dash + 1 : first].strip():
            self.at = first
            return Piece("", column, "-", item, below=self._pieces(item), joined=True)
        end = line_end(self._text, dash)
        self.at = after_break(self._text, end)
        text = "- " + self._text[dash + 1 : end].strip()
        return Piece("", column, text, item, below=self._pieces(item))

    def _read_to_end(self, value: Node) -> int:
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
            raise self._unusual_layout(item.begin)
        return dash

    def _comments_before(self, begin: int) -> list[str]:
        """The lines between what was read and a piece; none where it stands behind a dash."""
        if begin == self.at:
            return []
        lines = self._lines_before(begin)
        if any(line.strip() and not line.lstrip().startswith("#") for line in lines):
            raise self._unusual_layout(begin)
        return lines

    def _lines_before(self, begin: int) -> list[str]:
        start = line_start(self._text, begin) if begin < len(self._text) else begin
        if start < self.at:
            raise self._unusual_layout(begin)
        lines = self._text[self.at : start].split("\n")
        self.at = start
        return lines[:-1] if not lines[-1] else lines

    def _unusual_layout(self, offset: int) -> Unwritable:
        place: Place = place_of_offset(self._text, offset)
        return Unwritable(place, "fmt-unsure", "the layout here is too unusual to be put in order", "change it by hand")


def _is_block(value: Node) -> TypeGuard[Map | Seq]:
    if isinstance(value, AliasNode | ScalarNode) or value.is_flow:
        return False
    parts = value.entries if isinstance(value, Map) else value.nodes
    return bool(parts)


def _with_colon_spacing(text: str) -> str:
    """What stands behind a key, with one blank behind the colon; a comment keeps its distance."""
    colon = _COLON.match(text)
    rest = text[colon.end() :] if colon is not None else ""
    if colon is None or "\n" in text[: colon.end() + 1] or not rest:
        return text.rstrip() if colon is None or rest else ":"
    return f":{text[text.index(':') + 1 :]}" if rest.startswith("#") else f": {rest}"


def _column(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
