"""What can be asked of a manifest's text. Paths begin with the document's index, counting those that are not empty.

Edits are carried out in the order given; a path is one of the text as the edits before it left it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from reconciler.yaml.node import Step
from reconciler.yaml.text import Place

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
