"""The kinds of edits, the nodes that they address, and patches of the text.

A path begins with the index of a document, counting those that are not empty.

Edits are applied in the order given; a path refers to the text after the edits before it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from reconciler.model.diagnostic import Finding
from reconciler.yaml.node import AliasNode, Holder, Map, MapEntry, Node, ScalarNode, Seq, Step
from reconciler.yaml.parse import Tree
from reconciler.yaml.scalar import Place, quoted

Path: TypeAlias = tuple[Step, ...]
Plain: TypeAlias = str | int | float | Decimal | bool | None
Writable: TypeAlias = "Plain | Mapping[str, Writable] | Sequence[Writable]"


@dataclass(frozen=True, slots=True)
class SetScalar:
    """Write another value where a scalar stands, in its quotes and with its decimals where the new value has these.

    An alias of a scalar is replaced by the value: the anchor keeps its own.
    """

    path: Path
    value: Plain


@dataclass(frozen=True, slots=True)
class SetValue:
    """Write any value where another stands: a scalar, an alias, or a mapping or list without comments in it.

    An alias is replaced by the value: the anchor keeps its own.
    """

    path: Path
    value: Writable


@dataclass(frozen=True, slots=True)
class AddEntry:
    """Add a key to a mapping, behind the entry of the key `after`, or behind the last one."""

    path: Path
    key: str
    value: Writable
    after: str | None = None


@dataclass(frozen=True, slots=True)
class AddItem:
    """Add an item at the end of a list."""

    path: Path
    value: Writable


@dataclass(frozen=True, slots=True)
class RemoveEntry:
    """Remove a key or an item, with the comment on its line; the last one of a mapping or list cannot go."""

    path: Path


@dataclass(frozen=True, slots=True)
class RemoveMerge:
    """Remove the `<<` of a mapping. `gone` names all the keys that go with it, for the mapping has none of its own."""

    path: Path
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MergeAlias:
    """Write a mapping where an alias of one stands: it merges the anchor's, and has these keys of its own."""

    path: Path
    own: Mapping[str, Writable]


Edit: TypeAlias = SetScalar | SetValue | AddEntry | AddItem | RemoveEntry | RemoveMerge | MergeAlias


class Unwritable(Exception):
    """An edit that cannot be carried out, and why; turned into a finding where the file is known."""

    def __init__(self, place: Place, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.place = place
        self.code = code
        self.message = message
        self.hint = hint


def node_along(tree: Tree, path: Path, below: tuple[Step, ...] = ()) -> Node:
    """What stands at a path. Raises `Unwritable` where it is missing, merged, or not this path's alone.

    `below` continues the path to what is to be changed in what stands there.
    """
    if not path or not isinstance(path[0], int) or not 0 <= path[0] < len(tree.nodes):
        raise Unwritable(Place(1, 1), "edit-missing", "the text has no such document", "")
    node = tree.nodes[path[0]]
    for depth, step in enumerate(path[1:], start=1):
        _refuse_shared(node, (*path[depth:], *below))
        node = _part(node, step)
    if below or not isinstance(node, AliasNode):
        _refuse_shared(node, below)
    return node


def block_along(tree: Tree, path: Path) -> Map | AliasNode:
    """The block at a path, an alias where it is written as one; others may share what stands in it.

    What an alias stands for is not to be changed: `MergeAlias` gives the block keys of its own. Raises `Unwritable`.
    """
    node = _part(node_along(tree, path[:-1], path[-1:]), path[-1])
    if isinstance(node, Map) or (isinstance(node, AliasNode) and isinstance(node.target, Map)):
        return node
    raise Unwritable(node.place, "edit-layout", "the block is no mapping of its own", "edit it by hand")


def holder_along(tree: Tree, path: Path, below: Step) -> Holder:
    """The mapping or list at a path, in which something is to be changed. Raises `Unwritable`."""
    node = node_along(tree, path, (below,))
    if isinstance(node, Map | Seq):
        return node
    raise Unwritable(node.place, "edit-missing", f"there is no mapping or list at {quoted(path_text(path))}", "")


def path_text(path: Path) -> str:
    """A path as people write it: `apps[0].name`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path[1:]).removeprefix(".")


def part_index(holder: Holder, step: Step) -> int:
    """The position of an entry or item in what holds it. Raises `Unwritable` where it is missing, or merged."""
    if isinstance(holder, Map):
        at = holder.find(str(step))
        if at is None:
            raise _missing_key(holder, step)
        return at
    if not isinstance(step, int) or not 0 <= step < len(holder.nodes):
        raise Unwritable(holder.place, "edit-missing", f"{quoted(str(step))} is not to be found here", "")
    return step


def _part(node: Node, step: Step) -> Node:
    if not isinstance(node, Map | Seq):
        raise Unwritable(node.place, "edit-missing", f"{quoted(str(step))} is not to be found here", "")
    at = part_index(node, step)
    return node.entries[at].value if isinstance(node, Map) else node.nodes[at]


def _missing_key(node: Map, step: Step) -> Unwritable:
    at = node.merge()
    if at is None:
        return Unwritable(node.place, "edit-missing", f"{quoted(str(step))} is not to be found here", "")
    merge = node.entries[at]
    origin = _merge_origin(merge)
    message = f"{quoted(str(step))} comes from {origin} by <<, and belongs to all who merge it"
    return Unwritable(merge.value.place, "edit-merged", message, f"write {step} here: own keys win over merged ones")


def _merge_origin(merge: MapEntry) -> str:
    sources = merge.value.nodes if isinstance(merge.value, Seq) else (merge.value,)
    named = [_anchor_text(source) for source in sources if isinstance(source, AliasNode)]
    return " or ".join(named) or "elsewhere"


def _anchor_text(alias: AliasNode) -> str:
    return f"&{alias.anchor} on line {alias.target.place.line}"


def _refuse_shared(node: Node, rest: Sequence[Step]) -> None:
    """Refuse what is seen in other places, too; a merge sees no key that its mapping has itself."""
    if isinstance(node, AliasNode):
        message = f"*{node.anchor} stands for {_anchor_text(node)}, which belongs to all who use it"
        hint = f"write the value out here in place of *{node.anchor}"
        if isinstance(node.target, Map):
            hint = f"write a mapping in place of *{node.anchor}, with <<: *{node.anchor} and the keys that differ"
        raise Unwritable(node.place, "edit-shared", message, hint)
    aliases = [alias for alias in node.uses if _is_seen_through(alias, rest)]
    if aliases:
        lines = ", ".join(str(line) for line in sorted({alias.place.line for alias in aliases}))
        anchor = aliases[0].anchor
        message = f"&{anchor} is used on line{'s' if ',' in lines else ''} {lines} as well, which would change with it"
        hint = f"edit it by hand if all are to change, or write the value out where *{anchor} stands"
        raise Unwritable(node.place, "edit-shared", message, hint)


def _is_seen_through(alias: AliasNode, rest: Sequence[Step]) -> bool:
    if alias.into is None or not rest:
        return True
    return alias.into.find(str(rest[0])) is None


def scalar_at(node: Node) -> ScalarNode | AliasNode:
    """The node, if it is one scalar on its lines. Raises `Unwritable`."""
    if isinstance(node, AliasNode) and isinstance(node.target, ScalarNode):
        return node
    if isinstance(node, ScalarNode) and node.style not in {"|", ">"}:
        return node
    kind = "a block of text" if isinstance(node, ScalarNode) else "a mapping or list"
    raise Unwritable(node.place, "edit-layout", f"{kind} stands here", "edit it by hand")


def scalar_or_alias(node: Node) -> ScalarNode | AliasNode:
    """The node, if it is an alias or one scalar on its lines. Raises `Unwritable`."""
    return node if isinstance(node, AliasNode) else scalar_at(node)


def finding_of(error: Unwritable, file: str, address: str = "") -> Finding:
    """The finding for an edit that cannot be carried out in a file."""
    return Finding(file, *error.place, error.code, error.message, address=address, hint=error.hint)


_BREAK: Final = re.compile(r"\r?\n")
_REST: Final = re.compile(r"[ \t]*(?:(?<=[ \t])(#)[^\n\r]*)?")
_COMMENT_LINE: Final = re.compile(r"[ \t]*(#)[^\n\r]*")
_BLANK_OR_COMMENT: Final = re.compile(r"(?:\s|(?<![^\s,\[{])#[^\n\r]*)*")


@dataclass(frozen=True, slots=True)
class Patch:
    """Put `text` in the place of the characters from `start` up to `end`."""

    start: int
    end: int
    text: str


def patched(text: str, patches: Sequence[Patch]) -> str:
    """The text with all patches made; those at one place in the order given. They must not overlap."""
    parts: list[str] = []
    done = 0
    for patch in sorted(patches, key=_by_place):
        if patch.start < done:
            raise ValueError("edits overlap")
        parts += (text[done : patch.start], patch.text)
        done = patch.end
    return "".join((*parts, text[done:]))


def _by_place(patch: Patch) -> tuple[int, int]:
    return patch.start, patch.end


def line_start(text: str, offset: int) -> int:
    """Where the line of an offset begins."""
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """Where the line of an offset ends, its break left out."""
    found = _BREAK.search(text, offset)
    return found.start() if found is not None else len(text)


def after_break(text: str, end: int) -> int:
    """Where the line behind a line's end begins; the end of the text where there is none."""
    found = _BREAK.match(text, end)
    return found.end() if found is not None else end


def break_at(text: str, offset: int) -> str:
    """The line break that the line of an offset ends with; for the last line, the one before it ends with."""
    found = _BREAK.search(text, offset)
    if found is None:
        begin = line_start(text, offset)
        start = begin - 2 if text[max(0, begin - 2) : begin] == "\r\n" else begin - 1
        found = _BREAK.match(text, start) if begin else None
    return found.group() if found is not None else "\n"


def is_first_on_line(text: str, offset: int) -> bool:
    """Whether only blanks stand before the offset on its line."""
    return not text[line_start(text, offset) : offset].strip(" \t")


def is_last_on_line(text: str, offset: int) -> bool:
    """Whether only blanks and a comment stand behind the offset on its line."""
    return _rest_of_line(text, offset).end() == line_end(text, offset)


def lines_end(text: str, offset: int) -> int:
    """The end of the line of an offset, or of the last line that its trailing comment goes on in, one below another."""
    end = line_end(text, offset)
    comment = _rest_of_line(text, offset).start(1)
    if comment < 0:
        return end
    column = comment - line_start(text, comment)
    while (below := after_break(text, end)) > end:
        found = _COMMENT_LINE.match(text, below)
        if found is None or found.start(1) - below != column:
            break
        end = found.end()
    return end


def next_sign(text: str, offset: int) -> int:
    """Where the next character stands that is no blank, line break or comment."""
    found = _BLANK_OR_COMMENT.match(text, offset)
    return found.end() if found is not None else offset


def has_comment(text: str, start: int, end: int) -> bool:
    """Whether a comment stands between two neighbours of a list or mapping."""
    return "#" in text[start:end]


def _rest_of_line(text: str, offset: int) -> re.Match[str]:
    found = _REST.match(text, offset)
    if found is None:
        raise AssertionError("the pattern matches nothing at all, too")
    return found
