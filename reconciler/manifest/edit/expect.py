"""What the values of a manifest must be once edits are carried out: the same edits, made on plain values."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, assert_never

from reconciler.manifest.edit.changes import (
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
from reconciler.manifest.node import Map
from reconciler.manifest.parse import Document


def values_of(documents: Iterable[Document]) -> list[Any]:
    """The documents' values as plain dicts and lists, of which no two places share one."""
    return [_copied(document.value) for document in documents]


def after_edits(values: list[Any], edits: Iterable[Edit]) -> list[Any]:
    """The values, changed in place by edits that lead somewhere."""
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
    """The value as the parser reads it."""
    match value:
        case float():
            return Decimal(repr(value))
        case None | str() | bool() | int() | Decimal():
            return value
        case Mapping():
            return {key: _read_back(part) for key, part in value.items()}
        case _:
            return [_read_back(part) for part in value]
