"""A manifest's text in its usual order and spacing, and proof that it says the same and lost nothing."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.errors import EditError
from reconciler.manifest.block import EXTENSION
from reconciler.manifest.edit.changes import Unwritable
from reconciler.manifest.edit.locate import finding_of
from reconciler.manifest.edit.spans import AliasSpan, MapSpan, SeqSpan, Span, spans
from reconciler.manifest.order import (
    APP_KEYS,
    DOCUMENT_KEYS,
    INNER_KEYS,
    PLACEMENT_KEYS,
    TIER_KEYS,
    WATERFALL_KEYS,
)
from reconciler.manifest.parse import parse
from reconciler.manifest.style.pieces import Piece, PieceReader
from reconciler.manifest.text import ManifestText
from reconciler.model.diagnostic import Finding

_ORDERS: Final[Mapping[str, Sequence[str]]] = {
    "": DOCUMENT_KEYS,
    "apps": APP_KEYS,
    "placements": PLACEMENT_KEYS,
    "waterfalls": WATERFALL_KEYS,
    "tiers": TIER_KEYS,
    **INNER_KEYS,
}
"""The order of keys in a mapping, by the key that the mapping, or the list that it is in, stands below."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_BREAK: Final = re.compile(r"\r\n|\n")
_STEP: Final = 2
_PASSES: Final = 4
"""A comment may come to rest in the second pass; what still moves after some is not in order at all."""


def formatted(text: ManifestText) -> bytes:
    """The bytes of a manifest in its usual layout: formatted again, they stay.

    Keys of known blocks stand in one order, blocks two columns in, and no more than one blank line in a row. Comments
    go with what they stand at; flow style, quotes and anchors stay as written. Raises `EditError` for a text that
    cannot be read, and for one that cannot be put in order and surely say the same.
    """
    parsed = parse(text)
    if parsed.findings:
        raise EditError(parsed.findings)
    mark = _BYTE_ORDER_MARK if text.data.startswith(_BYTE_ORDER_MARK) else b""
    body = text.data.removeprefix(mark).decode()
    found = _BREAK.search(body)
    ending = found.group() if found is not None else "\n"
    old = body.replace("\r\n", "\n")
    for sorts in (True, False):
        new = _settled(old, text.file, sorts=sorts)
        data = mark + new.replace("\n", ending).encode()
        if new and _says_the_same(text, ManifestText(text.file, data)):
            return data
    if not body.strip():
        return mark
    message = "put in order, the text would say something else"
    raise EditError([Finding(text.file, 1, 1, "fmt-unsure", message, hint="format it by hand")])


def _settled(text: str, file: str, *, sorts: bool) -> str:
    """The text as it is once formatting changes it no more; empty where that does not come."""
    for _ in range(_PASSES):
        try:
            new = _once(text, sorts=sorts)
        except Unwritable as wrong:
            raise EditError([finding_of(wrong, file)]) from wrong
        if new == text:
            return new
        if parse(ManifestText(file, new.encode())).findings:
            return ""
        text = new
    return ""


def _says_the_same(before: ManifestText, after: ManifestText) -> bool:
    """Whether two texts have the same values, and the same characters but for blanks."""
    old, new = parse(before), parse(after)
    values = [[document.value for document in parsed.documents] for parsed in (old, new)]
    signs = [Counter("".join(text.data.decode().split())) for text in (before, after)]
    return not new.findings and values[0] == values[1] and signs[0] == signs[1]


def _once(text: str, *, sorts: bool) -> str:
    reader = PieceReader(text)
    lines: list[str] = []
    for root in spans(text).documents:
        head, pieces = reader.document(root)
        if pieces:
            pieces[0].lead, head = [], [*head, *pieces[0].lead]
        lines += [*_thinned(head), *_lines(pieces, 0, "", sorts=sorts)]
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


def _lines(pieces: Sequence[Piece], indent: int, below: str, *, sorts: bool) -> Iterator[str]:
    for piece in _sorted(pieces, _ORDERS.get(below, ())) if sorts else pieces:
        pad, inner = " " * indent, piece.name or below
        if piece.joined:
            first, *rest = _sorted(piece.below, _ORDERS.get(inner, ())) if sorts else piece.below
            piece.lead, first.lead = [*piece.lead, *first.lead], []
            piece.below = [first, *rest]
        yield from (f"{pad}{line}".rstrip() for line in _thinned(piece.lead))
        lines = [*_lines(piece.below, indent + _STEP, inner, sorts=sorts)]
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


def _sorted(pieces: Sequence[Piece], order: Sequence[str]) -> Sequence[Piece]:
    """The pieces in an order of keys, merges first, unknown keys last; left where an anchor would come too late.

    Keys that begin with `x-` come before all others, for they hold the anchors that the others refer to; only a
    document's root has such keys.
    """
    if not order or any(not piece.name for piece in pieces):
        return pieces
    rank = {name: at for at, name in enumerate(("<<", *order))}
    ordered = sorted(
        pieces, key=lambda piece: -1 if piece.name.startswith(EXTENSION) else rank.get(piece.name, len(rank))
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


def _anchors(node: Span) -> Iterator[tuple[str, bool]]:
    """The anchors in a node, and their uses, in the order of the text."""
    if isinstance(node, AliasSpan):
        yield node.anchor, True
        return
    if node.anchor is not None:
        yield node.anchor, False
    if isinstance(node, MapSpan):
        for entry in node.entries:
            yield from _anchors(entry.value)
    elif isinstance(node, SeqSpan):
        for item in node.items:
            yield from _anchors(item)
