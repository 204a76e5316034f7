"""Lines whose quotes do not match, taken out of a CSV file, so that they cannot swallow the lines after them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

_FIELD: Final = rb'(?:"(?:[^"]|"")*"|[^",\r\n][^,\r\n]*|)'
_WELL_QUOTED: Final = re.compile(rb"%b(?:,%b)*\r?\n?" % (_FIELD, _FIELD))
_LONGEST: Final = 2 * 1024 * 1024


def without_open_quotes(path: Path, mended: Path) -> list[int]:
    """Write the file without lines that are no whole record; the numbers of those lines, from 1.

    A record over several lines goes with them: which of its quotes is the wrong one, nobody can tell.
    """
    dropped: list[int] = []
    with path.open("rb") as source, mended.open("wb") as target:
        for number, line in enumerate(_lines(source), 1):
            if len(line) < _LONGEST and (b'"' not in line or _WELL_QUOTED.fullmatch(line)):
                target.write(line)
            else:
                dropped.append(number)
    return dropped


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """The lines, each cut where it is too long to be one."""
    while line := source.readline(_LONGEST):
        yield line
        rest = line
        while len(rest) == _LONGEST and not rest.endswith(b"\n"):
            rest = source.readline(_LONGEST)
