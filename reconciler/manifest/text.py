"""The text of one file, and a place in it."""

from dataclasses import dataclass
from typing import Final, NamedTuple

CLOSED_FOLDERS: Final = frozenset((".git", ".reconciler"))
"""Folders that hold no manifests: git's own, with its credentials, and the state that is not committed."""


@dataclass(frozen=True, slots=True)
class ManifestText:
    """A file's bytes. `file` is its path relative to the project, with forward slashes."""

    file: str
    data: bytes


class Place(NamedTuple):
    """A line and a column, both from 1; columns count characters."""

    line: int
    column: int


def place_of_offset(text: str, offset: int) -> Place:
    """The place of the character at an offset."""
    return Place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def text_of(data: bytes, errors: str = "strict") -> str:
    """The text of a file in UTF-8, or in UTF-16 where it begins with its mark, as PowerShell writes; without a mark.

    Raises UnicodeDecodeError, unless `errors` says otherwise.
    """
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    return data.decode(encoding, errors)


def is_closed(name: str) -> bool:
    """Whether a path is that of a folder that holds no manifests, or of something in one, on any file system."""
    return any(part.rstrip(". ").casefold() in CLOSED_FOLDERS for part in name.split("/"))
