"""Edits applied to a text: in rounds, each followed by reading the text again, with a check of the values at the end.

A round (`EditRound`) takes as many edits as do not rest on each other's result.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, assert_never

from reconciler.errors import EditError
from reconciler.model.diagnostic import Finding
from reconciler.yaml import edit_styles as block_style
from reconciler.yaml import edit_styles as flow_style
from reconciler.yaml.edit_styles import flow_text, replaced_text
from reconciler.yaml.edits import (
    AddEntry,
    AddItem,
    Edit,
    MergeAlias,
    Patch,
    Path,
    Plain,
    RemoveEntry,
    RemoveMerge,
    SetScalar,
    SetValue,
    Unwritable,
    Writable,
    finding_of,
    holder_along,
    node_along,
    part_index,
    patched,
    scalar_at,
    scalar_or_alias,
)
from reconciler.yaml.node import AliasNode, Holder, Map, ScalarNode, Seq, YamlDocument
from reconciler.yaml.parse import Tree, read_tree
from reconciler.yaml.scalar import ManifestText, quoted, resolve


@dataclass(frozen=True, slots=True)
class RejectedEdits:
    """Edits that cannot be applied, and the reason."""

    edits: tuple[Edit, ...]
    error: Unwritable


@dataclass(frozen=True, slots=True)
class EditedTree:
    """The tree of the new text, and the edits that could not be carried out, each group of them with the reason."""

    tree: Tree
    rejected: tuple[RejectedEdits, ...] = ()

    def finding_for(self, edit: Edit, address: str = "") -> Finding | None:
        """Why an edit, one of those that were asked for, was not carried out; None where it was."""
        error = next((each.error for each in self.rejected if any(edit is one for one in each.edits)), None)
        return None if error is None else finding_of(error, self.tree.text.file, address)


def apply_edits(data: bytes, edits: Sequence[Edit], file: str = "manifest") -> bytes:
    """The bytes of a text with all edits carried out. Raises as `edit_whole` does."""
    return edit_whole(read_tree(ManifestText(file, data)), edits).text.data if edits else data


def edit_whole(tree: Tree, edits: Sequence[Edit]) -> Tree:
    """The tree of the text with all edits carried out.

    Raises `EditError` with all that cannot be carried out, and as `edit_tree` does; then nothing is.
    """
    after, rejected = _apply_in_rounds(tree, edits)
    if rejected:
        raise EditError([finding_of(each.error, tree.text.file) for each in rejected])
    _check_values(tree, after, edits)
    return after


def edit_tree(tree: Tree, edits: Sequence[Edit]) -> EditedTree:
    """The tree of the text with those edits carried out that can be, every other byte as it was.

    None of the edits may rest on another. The result is read again: its values are the old ones with exactly these
    edits. Raises `EditError` where they are not, and where the text had findings before.
    """
    after, rejected = _apply_in_rounds(tree, edits)
    left_out = {id(edit) for each in rejected for edit in each.edits}
    _check_values(tree, after, [edit for edit in edits if id(edit) not in left_out])
    return EditedTree(after, tuple(rejected))


def _apply_in_rounds(tree: Tree, edits: Sequence[Edit]) -> tuple[Tree, list[RejectedEdits]]:
    """The tree of the edited text, not yet checked: it has findings where the text became no YAML."""
    if tree.parsed.findings:
        first = tree.parsed.findings[0]
        raise EditError(
            [Finding(tree.text.file, first.line, first.column, first.code, first.message, hint="mend it first")]
        )
    after, rejected, waiting = tree, list[RejectedEdits](), edits
    while waiting and not after.parsed.findings:
        current = EditRound(after)
        waiting = current.take(waiting)
        content = patched(after.content, current.patches())
        rejected += current.rejected
        if content != after.content:
            after = read_tree(ManifestText(tree.text.file, tree.mark + content.encode()))
    return after, rejected


def _check_values(before: Tree, after: Tree, edits: Sequence[Edit]) -> None:
    """Raises `EditError` where the new text does not say what the old one does with the edits made."""
    findings = after.parsed.findings
    if findings or values_of(after.parsed.documents) != after_edits(values_of(before.parsed.documents), edits):
        place = (findings[0].line, findings[0].column) if findings else (1, 1)
        message = "the layout is too unusual: edited, the text would say something else than it should"
        raise EditError([Finding(before.text.file, *place, "edit-unsure", message, hint="edit it by hand")])


def values_of(documents: Iterable[YamlDocument]) -> list[Any]:
    """The documents' values as plain dicts and lists, of which no two places share one."""
    return [_plain_copy(document.value) for document in documents]


def after_edits(values: list[Any], edits: Iterable[Edit]) -> list[Any]:
    """The values with the edits made on them, in place; every path must exist."""
    for edit in edits:
        match edit:
            case SetScalar(path, value) | SetValue(path, value):
                _value_at(values, path[:-1])[path[-1]] = _read_back(value)
            case AddEntry(path, key, value):
                _value_at(values, path)[key] = _read_back(value)
            case AddItem(path, value):
                _value_at(values, path).append(_read_back(value))
            case RemoveEntry(path):
                del _value_at(values, path[:-1])[path[-1]]
            case RemoveMerge(path, gone):
                for key in gone:
                    del _value_at(values, path)[key]
            case MergeAlias(path, own):
                _value_at(values, path).update({key: _read_back(value) for key, value in own.items()})
            case _:
                assert_never(edit)
    return values


def _value_at(values: list[Any], path: Path) -> Any:
    node: Any = values
    for step in path:
        node = node[step]
    return node


def _plain_copy(node: Any) -> Any:
    if isinstance(node, Map):
        return {key: _plain_copy(value) for key, value in node.items()}
    return [_plain_copy(value) for value in node] if isinstance(node, list) else node


def _read_back(value: Writable) -> Any:
    """The value as the parser reads it once it is written."""
    match value:
        case None | str() | bool() | int():
            return value
        case float() | Decimal():
            return resolve(format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f"))
        case Mapping():
            return {key: _read_back(part) for key, part in value.items()}
        case _:
            return [_read_back(part) for part in value]


class EditRound:
    """Collects edits of one text that do not overlap. Additions at one place are kept together: they share commas."""

    def __init__(self, tree: Tree) -> None:
        self.rejected: list[RejectedEdits] = []
        self._tree = tree
        self._patches: list[Patch] = []
        self._entries: dict[tuple[Path, int | None], tuple[Map, list[AddEntry]]] = {}
        self._items: dict[Path, tuple[Seq, list[AddItem]]] = {}
        self._touched: set[Path] = set()

    def take(self, edits: Sequence[Edit]) -> Sequence[Edit]:
        """Take edits up to the first that has to wait for the next round; return the rest."""
        for at, edit in enumerate(edits):
            if at and self._must_wait(edit):
                return edits[at:]
            with self._collecting_rejections([edit]):
                self._apply(edit)
            if isinstance(edit, RemoveEntry | RemoveMerge):
                return edits[at + 1 :]
        return ()

    def patches(self) -> list[Patch]:
        """The patches of all edits taken. Of two at the end of one line, that of the inner block comes first."""
        patches = list(self._patches)
        additions: list[tuple[Path, Sequence[Edit], Callable[[], list[Patch]]]] = [
            *(
                (path, edits, partial(self._added_entries, holder, at, edits))
                for (path, at), (holder, edits) in self._entries.items()
            ),
            *(
                (path, edits, partial(self._added_items, holder, edits))
                for path, (holder, edits) in self._items.items()
            ),
        ]
        for _, edits, addition in sorted(additions, key=lambda one: -len(one[0])):
            with self._collecting_rejections(edits):
                patches += addition()
        return patches

    @contextmanager
    def _collecting_rejections(self, edits: Sequence[Edit]) -> Iterator[None]:
        try:
            yield
        except Unwritable as error:
            self.rejected.append(RejectedEdits(tuple(edits), error))

    def _added_entries(self, holder: Map, at: int | None, edits: Sequence[AddEntry]) -> list[Patch]:
        pairs = [(edit.key, edit.value) for edit in edits]
        if holder.is_flow or at is None:
            return flow_style.insert_flow_entries(self._tree.content, holder, at, pairs)
        return [block_style.insert_entries(self._tree.content, holder, at, pairs)]

    def _added_items(self, holder: Seq, edits: Sequence[AddItem]) -> list[Patch]:
        values = [edit.value for edit in edits]
        if holder.is_flow:
            return flow_style.insert_flow_items(self._tree.content, holder, values)
        return [block_style.insert_items(self._tree.content, holder, values)]

    def _must_wait(self, edit: Edit) -> bool:
        """Whether the edit removes something, or rests on what this round writes."""
        match edit:
            case RemoveEntry() | RemoveMerge():
                return True
            case SetScalar(path, _) | SetValue(path, _) | AddItem(path, _) | MergeAlias(path, _):
                return self._touches(path)
            case AddEntry(path, key, _, after):
                return self._touches((*path, key)) or (after is not None and (*path, after) in self._touched)
            case _:
                assert_never(edit)

    def _touches(self, path: Path) -> bool:
        return any(path[:depth] in self._touched for depth in range(1, len(path) + 1))

    def _apply(self, edit: Edit) -> None:
        match edit:
            case SetScalar(path, value):
                self._set_scalar(path, value)
            case SetValue(path, value):
                self._set_value(path, value)
            case AddEntry():
                self._add_entry(edit)
            case AddItem():
                self._add_item(edit)
            case RemoveEntry(path):
                self._remove(path)
            case RemoveMerge(path):
                self._remove_merge(path)
            case MergeAlias(path, own):
                self._merge_alias(path, own)
            case _:
                assert_never(edit)

    def _set_scalar(self, path: Path, value: Plain) -> None:
        holder = holder_along(self._tree, path[:-1], path[-1])
        node = scalar_at(node_along(self._tree, path))
        old, style = (node.text, node.style) if isinstance(node, ScalarNode) else ("", "")
        new = replaced_text(value, style, old, in_flow=holder.is_flow)
        self._touched.add(path)
        self._patches.append(_replacement(self._tree.content, node, new))

    def _set_value(self, path: Path, value: Writable) -> None:
        holder = holder_along(self._tree, path[:-1], path[-1])
        node = node_along(self._tree, path)
        self._touched.add(path)
        if isinstance(holder, Map) and isinstance(node, Map | Seq):
            entry = holder.entries[part_index(holder, path[-1])]
            self._patches.append(block_style.replace_value(self._tree.content, holder, entry, value))
        else:
            new = flow_text(value, in_flow=holder.is_flow)
            self._patches.append(_replacement(self._tree.content, scalar_or_alias(node), new))

    def _add_entry(self, edit: AddEntry) -> None:
        holder = holder_along(self._tree, edit.path, edit.key)
        if not isinstance(holder, Map):
            raise Unwritable(holder.place, "edit-missing", "a list stands here, and keys belong in a mapping", "")
        existing = holder.find(edit.key)
        if existing is not None:
            place = holder.entries[existing].key.place
            raise Unwritable(place, "edit-exists", f"{quoted(edit.key)} is here already", "set its value")
        at = len(holder.entries) - 1 if holder.entries else None
        if edit.after is not None:
            at = holder.find(edit.after)
            if at is None:
                message = f"{quoted(edit.after)} is not to be found here"
                raise Unwritable(holder.place, "edit-missing", message, "")
        self._touched.add((*edit.path, edit.key))
        self._entries.setdefault((edit.path, at), (holder, []))[1].append(edit)

    def _add_item(self, edit: AddItem) -> None:
        holder = holder_along(self._tree, edit.path, -1)
        if not isinstance(holder, Seq):
            raise Unwritable(holder.place, "edit-missing", "a mapping stands here, and items belong in a list", "")
        _, gathered = self._items.setdefault(edit.path, (holder, []))
        self._touched.add((*edit.path, len(holder.nodes) + len(gathered)))
        gathered.append(edit)

    def _merge_alias(self, path: Path, own: Mapping[str, Writable]) -> None:
        holder_along(self._tree, path[:-1], path[-1])
        node = node_along(self._tree, path)
        if not (isinstance(node, AliasNode) and isinstance(node.target, Map)):
            raise Unwritable(node.place, "edit-missing", "no alias of a mapping stands here", "")
        pairs = flow_text(own, in_flow=True)[1:]
        self._touched.add(path)
        self._patches.append(Patch(node.start, node.end, f"{{<<: *{node.anchor}, {pairs}"))

    def _remove_merge(self, path: Path) -> None:
        holder = holder_along(self._tree, path, "<<")
        at = holder.merge() if isinstance(holder, Map) else None
        if at is None:
            raise Unwritable(holder.place, "edit-missing", "nothing is merged here", "")
        self._take_out(holder, at)

    def _remove(self, path: Path) -> None:
        holder = holder_along(self._tree, path[:-1], path[-1])
        self._take_out(holder, part_index(holder, path[-1]))

    def _take_out(self, holder: Holder, at: int) -> None:
        text = self._tree.content
        if holder.is_flow:
            self._patches += flow_style.remove_from_flow(text, holder, at)
        elif isinstance(holder, Map):
            self._patches.append(block_style.remove_entry(text, holder, at))
        else:
            self._patches.append(block_style.remove_item(text, holder, at))


def _replacement(text: str, node: ScalarNode | AliasNode, new: str) -> Patch:
    """The patch that puts a new text where a scalar stands, or where a value was left out."""
    if node.start < node.end:
        return Patch(node.start, node.end, new)
    before, behind = text[node.start - 1 : node.start], text[node.start : node.start + 1]
    if not before.isspace() and before not in {"", ":", "-", "?"} and not _is_anchored(node):
        new = f": {new}"
    elif not before.isspace():
        new = f" {new}"
    return Patch(node.start, node.start, new if not behind or behind.isspace() or behind in ",]}" else f"{new} ")


def _is_anchored(node: ScalarNode | AliasNode) -> bool:
    return node.begin < node.start
