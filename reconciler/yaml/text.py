"""The text of one file, and a place in it."""

from dataclasses import dataclass
from typing import NamedTuple


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
