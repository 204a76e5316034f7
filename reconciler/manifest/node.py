"""Mappings and lists as the parser leaves them: plain dicts and lists that know where they and their parts stand.

Scalars are bare Python values (str, int, float, bool, None), so the place of a scalar is asked of what holds it.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from reconciler.manifest.text import Place


class Mark(Protocol):
    """Where a parser event began; both count from 0."""

    @property
    def line(self) -> int: ...  # noqa: D102 - the class says it

    @property
    def column(self) -> int: ...  # noqa: D102 - the class says it


class _Start(NamedTuple):
    line: int = 0
    column: int = 0


START: Final[Mark] = _Start()


def place_of(mark: Mark) -> Place:
    """The mark as people count: from 1."""
    return Place(mark.line + 1, mark.column + 1)


class Map(dict[str, Any]):
    """A mapping. `marks` holds two marks for each pair in order, its key's and its value's.

    `broken` names the keys that were cut, or cut down, because their values are wrong: they are declared, but nobody
    knows as what.
    """

    __slots__ = ("broken", "mark", "marks", "positions")

    mark: Mark
    marks: list[Mark]
    broken: Collection[str]
    positions: dict[str, int] | None

    @property
    def place(self) -> Place:
        """Where the mapping begins."""
        return place_of(self.mark)

    def key_place(self, key: str) -> Place:
        """Where the key stands; the mapping's own place where it has no such key."""
        return place_of(self.marks[2 * self._positions()[key]]) if key in self else self.place

    def value_place(self, key: str) -> Place:
        """Where the key's value stands; the mapping's own place where it has no such key."""
        return place_of(self.marks[2 * self._positions()[key] + 1]) if key in self else self.place

    def _positions(self) -> dict[str, int]:
        # Kept, because a mapping of a hundred thousand wrong keys is asked about each of them.
        if self.positions is None:
            self.positions = {key: at for at, key in enumerate(self)}
        return self.positions


class Seq(list[Any]):
    """A list. `marks` holds one mark for each item; `broken` says that some were cut because they are wrong."""

    __slots__ = ("broken", "mark", "marks")

    mark: Mark
    marks: list[Mark]
    broken: bool

    def item_place(self, index: int) -> Place:
        """Where an item stands."""
        return place_of(self.marks[index])


Step: TypeAlias = str | int


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
    """What stands at a path; None where the path leads nowhere."""
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


class Frame:
    """A mapping or list that is being read: its items in order, keys among them, each with its mark.

    `before` counts the nodes that were read when it began, `height` the levels below it so far.
    """

    __slots__ = ("anchor", "before", "height", "is_map", "items", "mark", "marks", "merges")

    def __init__(self, mark: Mark, *, is_map: bool, anchor: str | None, before: int) -> None:
        self.items: list[Any] = []
        self.marks: list[Mark] = []
        self.mark = mark
        self.is_map = is_map
        self.merges = False
        self.anchor = anchor
        self.before = before
        self.height = 0
