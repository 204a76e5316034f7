"""A report in a text file: its encoding, its delimiter, the place of its header, and its records."""

import codecs
import csv
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from reconciler.errors import ProjectError
from reconciler.report.sanitise import visible
from reconciler.warehouse.imports.header import known
from reconciler.warehouse.imports.records import Records, Row

LARGEST: Final = 4 * 1024**3
"""Bytes of a file that is read at all."""
_HEAD: Final = 64 * 1024
_CHUNK: Final = 1024 * 1024
_FEW_LINES: Final = 20
"""Lines of titles that may stand before the header."""
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_DELIMITERS: Final = ",;\t|"
_LEAST_KNOWN: Final = 3
_JSON: Final = re.compile(r"\s*(?:\{\s*\"|\[\s*[\[{])")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PACKED: Final = (
    (b"\x1f\x8b", "packed with gzip"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    (b"BZh", "packed with bzip2"),
    (b"\xfd7zXZ\x00", "packed with xz"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
)
_SQLITE: Final = b"SQLite format 3\x00"
_DUCKDB: Final = (8, b"DUCK")
"""Where a DuckDB file says what it is."""
PARQUET: Final = b"PAR1"


def head_of(path: Path, name: str) -> bytes:
    """The first bytes of a file that the user named; a link is followed.

    Raises `ProjectError` for what is no regular file, cannot be read, is larger than is read at all, or is packed:
    what is small when packed may be endless.
    """
    try:
        seen = path.stat()
        if not stat.S_ISREG(seen.st_mode):
            raise ProjectError(f"{name} is no regular file")
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as wrong:
        raise ProjectError(f"{name} cannot be read: {wrong.strerror or wrong}") from wrong
    if seen.st_size > LARGEST:
        raise ProjectError(f"{name} is larger than {LARGEST // 1024**3} GB", hint="split it up by days")
    for magic, what in _PACKED:
        if head.startswith(magic):
            raise ProjectError(f"{name} is {what}", hint="unpack it, or export it as CSV or Parquet")
    if head.startswith(_SQLITE):
        raise ProjectError(f"{name} is a database of SQLite", hint="name a table of it: sqlite://PATH#TABLE")
    if head.startswith(_DUCKDB[1], _DUCKDB[0]):
        raise ProjectError(f"{name} is a database of DuckDB", hint=f"name a table of it: {name}#TABLE")
    return head


def csv_records(path: Path, name: str, head: bytes, mapped: Collection[str] = ()) -> Records:
    """The records of a CSV file. Raises `ProjectError` where no header is found among its first lines.

    Columns that the user maps, `mapped`, tell a header as those do that a platform calls so.
    """
    encoding = _encoding(path, head)
    beginning = head.decode(encoding, errors="ignore")
    if beginning.lstrip()[:1] == "<":
        raise ProjectError(f"{name} is an HTML or XML page, not CSV")
    skipped, delimiter = _header_place(beginning, name, mapped)
    rows = _rows(path, name, encoding, delimiter, skipped)
    header = tuple(column.strip() for column in next(rows, (0, ()))[1])
    notes = ("not UTF-8: read as Windows-1252, so that names with other signs may look wrong",)
    return Records(name, "line", header, rows, delimiter, notes if encoding == "cp1252" else ())


def _encoding(path: Path, head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if len(head) > 1 and head[1::2].count(0) > len(head) // 4:
        return "utf-16-le"
    if len(head) > 1 and head[::2].count(0) > len(head) // 4:
        return "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _header_place(beginning: str, name: str, mapped: Collection[str]) -> tuple[int, str]:
    """How many lines stand before the header, and what parts columns: where most names are known."""
    lines = _LINE_END.split(beginning)[:_FEW_LINES]
    found = [
        (known(names, mapped), len(names), -number, delimiter)
        for delimiter in _DELIMITERS
        for number, line in enumerate(lines)
        if (names := _split(line, delimiter))
    ]
    best = max(found, default=(0, 0, 0, ","))
    if best[0] < _LEAST_KNOWN:
        if _JSON.match(beginning):
            told = "ask for it as CSV, or load it into a table: FILE.duckdb#TABLE"
            raise ProjectError(f"{name} is JSON, not CSV", hint=told)
        first = next((line for line in lines if line.strip()), "")
        raise ProjectError(
            f"{name} has no header that is known; it begins with {visible(first[:80])!r}",
            hint="its first lines have to name the columns as docs/reference/evidence.md does, or as --map COLUMN=NAME",
        )
    return -best[2], best[3]


def _split(line: str, delimiter: str) -> Sequence[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _rows(path: Path, name: str, encoding: str, delimiter: str, skipped: int) -> Iterator[Row]:
    """The header and the records behind it, with their lines; empty lines are left out."""
    try:
        with path.open(encoding=encoding, errors="replace", newline="") as file:
            for _ in range(skipped):
                file.readline()
            reader = csv.reader(file, delimiter=delimiter)
            line = skipped + 1
            for record in reader:
                if record and (len(record) > 1 or record[0].strip()):
                    yield line, record
                line = skipped + reader.line_num + 1
    except csv.Error as wrong:
        raise ProjectError(
            f"{name} cannot be read behind line {line}: {wrong}", hint="is a quote there that is not closed?"
        ) from None
    except OSError as wrong:
        raise ProjectError(f"{name} cannot be read: {wrong.strerror or wrong}") from wrong
