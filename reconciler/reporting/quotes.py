"""The text of a CSV file, looked at by itself: lines whose quotes do not match, and a last record that is cut short."""

import csv
import re
from collections.abc import Collection, Iterator
from io import SEEK_END, StringIO
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


_BREAK: Final = re.compile(r"\r\n|\n|\r")
_MOST_LINES: Final = 100
"""Lines that a quoted field may go on over before its quote is taken for one that is not closed."""
_HALF_A_NUMBER: Final = re.compile(r".*[-+.eE]", re.DOTALL)


def cut_short(path: Path, width: int, needed: Collection[int], numbers: Collection[int]) -> str:
    """Why a file surely ends amid its last record; empty where it may be whole, and for a file of one line.

    A last record needs no line end (RFC 4180). One that has none was cut where it lacks columns, a closing quote, or
    the value of its last column. `width` counts the columns; `needed` are those (from 0) that no record is without,
    and `numbers` those that hold numbers.
    """
    lines = _last_lines(path)
    record = lines.pop()
    if not lines or not record.strip():
        return ""
    while record.count('"') % 2 and lines:
        record = f"{lines.pop()}\n{record}"
    try:
        fields = list(csv.reader(StringIO(record, newline=""), strict=True))[-1]
    except csv.Error:
        return "a quote is not closed"
    last = width - 1
    if len(fields) < width:
        return f"it has {len(fields)} of {width} columns"
    if len(fields) > width or record.endswith('"'):
        return ""
    if not fields[last]:
        return "its last value is missing" if last in needed else ""
    return "its last number is not whole" if last in numbers and _HALF_A_NUMBER.fullmatch(fields[last]) else ""


def _last_lines(path: Path) -> list[str]:
    """The last lines of a file; the last of them is empty where a line end ends the file."""
    with path.open("rb") as file:
        file.seek(-min(file.seek(0, SEEK_END), 2 * _LONGEST), SEEK_END)
        text = file.read().decode("utf-8", errors="replace")
    return _BREAK.split(text)[-_MOST_LINES:]
