"""Edits carried out on a text, and proof that nothing else changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, assert_never

from reconciler.errors import EditError
from reconciler.model.diagnostic import Finding
from reconciler.yaml.edit.changes import (
    AddEntry,
    AddItem,
    Edit,
    MergeAlias,
    Path,
    RemoveEntry,
    RemoveMerge,
    SetScalar,
    SetValue,
    Writable,
)
from reconciler.yaml.edit.locate import finding_of
from reconciler.yaml.edit.patch import patched
from reconciler.yaml.edit.rounds import Refused, Round
from reconciler.yaml.node import Document, Map
from reconciler.yaml.parse import Tree, read_tree
from reconciler.yaml.scalar import resolve
from reconciler.yaml.text import ManifestText


@dataclass(frozen=True, slots=True)
class Edited:
    """The tree of the new text, and the edits that could not be carried out, each group of them with the reason."""

    tree: Tree
    refused: tuple[Refused, ...] = ()

    def finding_for(self, edit: Edit, address: str = "") -> Finding | None:
        """Why an edit, one of those that were asked for, was not carried out; None where it was."""
        wrong = next((each.wrong for each in self.refused if any(edit is one for one in each.edits)), None)
        return None if wrong is None else finding_of(wrong, self.tree.text.file, address)


def apply_edits(data: bytes, edits: Sequence[Edit], file: str = "manifest") -> bytes:
    """The bytes of a text with all edits carried out. Raises as `edit_whole` does."""
    return edit_whole(read_tree(ManifestText(file, data)), edits).text.data if edits else data


def edit_whole(tree: Tree, edits: Sequence[Edit]) -> Tree:
    """The tree of the text with all edits carried out.

    Raises `EditError` with all that cannot be carried out, and as `edit_tree` does; then nothing is.
    """
    after, refused = _carried_out(tree, edits)
    if refused:
        raise EditError([finding_of(each.wrong, tree.text.file) for each in refused])
    _check(tree, after, edits)
    return after


def edit_tree(tree: Tree, edits: Sequence[Edit]) -> Edited:
    """The tree of the text with those edits carried out that can be, every other byte as it was.

    None of the edits may rest on another. The result is read again: its values are the old ones with exactly these
    edits. Raises `EditError` where they are not, and where the text had findings before.
    """
    after, refused = _carried_out(tree, edits)
    left_out = {id(edit) for each in refused for edit in each.edits}
    _check(tree, after, [edit for edit in edits if id(edit) not in left_out])
    return Edited(after, tuple(refused))


def _carried_out(tree: Tree, edits: Sequence[Edit]) -> tuple[Tree, list[Refused]]:
    """The tree of the edited text, not yet checked: it has findings where the text became no YAML."""
    if tree.parsed.findings:
        first = tree.parsed.findings[0]
        raise EditError(
            [Finding(tree.text.file, first.line, first.column, first.code, first.message, hint="mend it first")]
        )
    after, refused, waiting = tree, list[Refused](), edits
    while waiting and not after.parsed.findings:
        this = Round(after)
        waiting = this.take(waiting)
        content = patched(after.content, this.patches())
        refused += this.refused
        if content != after.content:
            after = read_tree(ManifestText(tree.text.file, tree.mark + content.encode()))
    return after, refused


def _check(before: Tree, after: Tree, edits: Sequence[Edit]) -> None:
    """Raises `EditError` where the new text does not say what the old one does with the edits made."""
    findings = after.parsed.findings
    if findings or values_of(after.parsed.documents) != after_edits(values_of(before.parsed.documents), edits):
        place = (findings[0].line, findings[0].column) if findings else (1, 1)
        message = "the layout is too unusual: edited, the text would say something else than it should"
        raise EditError([Finding(before.text.file, *place, "edit-unsure", message, hint="edit it by hand")])


def values_of(documents: Iterable[Document]) -> list[Any]:
    """The documents' values as plain dicts and lists, of which no two places share one."""
    return [_copied(document.value) for document in documents]


def after_edits(values: list[Any], edits: Iterable[Edit]) -> list[Any]:
    """The values, changed in place by edits that lead somewhere: the same edits, made on plain values."""
    for edit in edits:
        match edit:
            case SetScalar(path, value) | SetValue(path, value):
                _at(values, path[:-1])[path[-1]] = _read_back(value)
            case AddEntry(path, key, value):
                _at(values, path)[key] = _read_back(value)
            case AddItem(path, value):
                _at(values, path).append(_read_back(value))
            case RemoveEntry(path):
                del _at(values, path[:-1])[path[-1]]
            case RemoveMerge(path, gone):
                for key in gone:
                    del _at(values, path)[key]
            case MergeAlias(path, own):
                _at(values, path).update({key: _read_back(value) for key, value in own.items()})
            case _:
                assert_never(edit)
    return values


def _at(values: list[Any], path: Path) -> Any:
    node: Any = values
    for step in path:
        node = node[step]
    return node


def _copied(node: Any) -> Any:
    if isinstance(node, Map):
        return {key: _copied(value) for key, value in node.items()}
    return [_copied(value) for value in node] if isinstance(node, list) else node


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
