"""A text in its usual order and spacing, and proof that it says the same and lost nothing."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.errors import EditError
from reconciler.model.diagnostic import Finding
from reconciler.yaml.edit.changes import Unwritable
from reconciler.yaml.edit.locate import finding_of
from reconciler.yaml.node import AliasNode, Map, Node, Seq
from reconciler.yaml.parse import Tree, read_tree
from reconciler.yaml.style.pieces import Piece, PieceReader
from reconciler.yaml.text import ManifestText


@dataclass(frozen=True, slots=True)
class KeyOrders:
    """The order of keys in mappings, by the key that the mapping, or the list that it is in, stands below.

    A document's own mapping stands below "". Where a mapping has an order, keys that begin with `first` come before all
    others: they hold the anchors that the others refer to.
    """

    below: Mapping[str, Sequence[str]]
    first: str


_BREAK: Final = re.compile(r"\r\n|\n")
_STEP: Final = 2
_PASSES: Final = 4
"""A comment may come to rest in the second pass; what still moves after some is not in order at all."""


def formatted(text: ManifestText, orders: KeyOrders) -> bytes:
    """The bytes of a text in its usual layout: formatted again, they stay.

    Keys stand in the given orders, blocks two columns in, and no more than one blank line in a row. Comments go with
    what they stand at; flow style, quotes and anchors stay as written. Raises `EditError` for a text that cannot be
    read, and for one that cannot be put in order and surely say the same.
    """
    tree = read_tree(text)
    if tree.parsed.findings:
        raise EditError(tree.parsed.findings)
    found = _BREAK.search(tree.content)
    ending = found.group() if found is not None else "\n"
    old = _tree(text.file, tree.content.replace("\r\n", "\n"), tree)
    for chosen in (orders, KeyOrders({}, orders.first)):
        new = _settled(old, chosen)
        if new is not None and new.content:
            content = new.content.replace("\n", ending)
            if _says_the_same(tree, _tree(text.file, content, new)):
                return tree.mark + content.encode()
    if not tree.content.strip():
        return tree.mark
    message = "put in order, the text would say something else"
    raise EditError([Finding(text.file, 1, 1, "fmt-unsure", message, hint="format it by hand")])


def _tree(file: str, content: str, known: Tree) -> Tree:
    """The tree of a content; the known one, if it is of just that."""
    return known if known.content == content else read_tree(ManifestText(file, content.encode()))


def _settled(tree: Tree, orders: KeyOrders) -> Tree | None:
    """The text as it is once formatting changes it no more; None where that does not come."""
    for _ in range(_PASSES):
        try:
            new = _tree(tree.text.file, _once(tree, orders), tree)
        except Unwritable as wrong:
            raise EditError([finding_of(wrong, tree.text.file)]) from wrong
        if new is tree:
            return tree
        if new.parsed.findings:
            return None
        tree = new
    return None


def _says_the_same(before: Tree, after: Tree) -> bool:
    """Whether two texts have the same values, and the same characters but for blanks."""
    old, new = ([document.value for document in tree.parsed.documents] for tree in (before, after))
    signs = [Counter("".join(tree.content.split())) for tree in (before, after)]
    return not after.parsed.findings and old == new and signs[0] == signs[1]


def _once(tree: Tree, orders: KeyOrders) -> str:
    reader = PieceReader(tree.content)
    lines: list[str] = []
    for root in tree.nodes:
        head, pieces = reader.document(root)
        if pieces:
            pieces[0].lead, head = [], [*head, *pieces[0].lead]
        lines += [*_thinned(head), *_lines(pieces, 0, "", orders)]
    lines += _thinned(reader.rest())
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    return "\n".join((*lines, "")) if lines else ""


def _thinned(lines: Sequence[str]) -> list[str]:
    """The lines without blanks at their ends, and no two empty ones in a row."""
    bare = [line.rstrip(" \t") for line in lines]
    return [line for at, line in enumerate(bare) if line or not at or bare[at - 1]]


def _lines(pieces: Sequence[Piece], indent: int, below: str, orders: KeyOrders) -> Iterator[str]:
    for piece in _sorted(pieces, below, orders):
        pad, inner = " " * indent, piece.name or below
        if piece.joined:
            first, *rest = _sorted(piece.below, inner, orders)
            piece.lead, first.lead = [*piece.lead, *first.lead], []
            piece.below = [first, *rest]
        yield from (f"{pad}{line}".rstrip() for line in _thinned(piece.lead))
        lines = [*_lines(piece.below, indent + _STEP, inner, orders)]
        if piece.joined:
            lines[0] = f"{pad}- {lines[0].lstrip(' ')}"
        else:
            yield from _shifted(piece, indent)
        yield from lines
        for column, line in piece.tail:
            yield f"{' ' * _tail_indent(piece, indent, column)}{line}".rstrip()


def _tail_indent(piece: Piece, indent: int, column: int) -> int:
    """Where a comment behind a piece goes: in line with the pieces that it was in line with."""
    if piece.below and column >= piece.below[0].column:
        return _tail_indent(piece.below[-1], indent + _STEP, column)
    return indent + max(0 if column <= piece.column else _STEP, column - piece.column)


def _shifted(piece: Piece, indent: int) -> Iterator[str]:
    """The lines of a piece, all moved as far as its first."""
    first, *rest = piece.text.split("\n")
    by = indent - piece.column
    is_block_text = getattr(piece.value, "style", "") in {"|", ">"}
    yield " " * indent + (first if rest else first.rstrip())
    for line in rest:
        bare = line.lstrip(" ")
        moved = " " * max(0, len(line) - len(bare) + by) + bare if line else line
        yield moved if is_block_text else moved.rstrip(" \t")


def _sorted(pieces: Sequence[Piece], below: str, orders: KeyOrders) -> Sequence[Piece]:
    """The pieces in their order of keys, merges first, unknown keys last; left where an anchor would come too late."""
    order = orders.below.get(below, ())
    if not order or any(not piece.name for piece in pieces):
        return pieces
    rank = {name: at for at, name in enumerate(("<<", *order))}
    ordered = sorted(
        pieces, key=lambda piece: -1 if piece.name.startswith(orders.first) else rank.get(piece.name, len(rank))
    )
    known: set[str] = set()
    here = {name for piece in pieces for name, is_use in _anchors(piece.value) if not is_use}
    for piece in ordered:
        for name, is_use in _anchors(piece.value):
            if is_use and name in here and name not in known:
                return pieces
            if not is_use:
                known.add(name)
    return ordered


def _anchors(node: Node) -> Iterator[tuple[str, bool]]:
    """The anchors in a node, and their uses, in the order of the text."""
    if isinstance(node, AliasNode):
        yield node.anchor, True
        return
    if node.anchor is not None:
        yield node.anchor, False
    if isinstance(node, Map):
        for entry in node.entries:
            yield from _anchors(entry.value)
    elif isinstance(node, Seq):
        for item in node.nodes:
            yield from _anchors(item)
