"""A report in a text file: its encoding, delimiter, header line and records; and which column of a header is which."""

import codecs
import csv
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.errors import ProjectError
from reconciler.render.text import visible
from reconciler.warehouse.import_schema import ADAPTERS, COLUMNS, OTHER, Adapter, ImportRecords, ImportRow
from reconciler.warehouse.user_report_csv import folded, header_text

LARGEST: Final = 4 * 1024**3
"""Bytes; a larger file is refused."""
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
"""Offset and magic bytes of a DuckDB file."""
PARQUET: Final = b"PAR1"


def read_head(path: Path, name: str) -> bytes:
    """The first 64 KB of a file that the user named; a link is followed.

    Raises `ProjectError` for what is no regular file, cannot be read, is larger than `LARGEST`, or is compressed: the
    size of what a compressed file holds is not known.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ProjectError(f"{name} is no regular file")
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise ProjectError(f"{name} cannot be read: {error.strerror or error}") from error
    if status.st_size > LARGEST:
        raise ProjectError(f"{name} is larger than {LARGEST // 1024**3} GB", hint="split it up by days")
    for magic, what in _PACKED:
        if head.startswith(magic):
            raise ProjectError(f"{name} is {what}", hint="unpack it, or export it as CSV or Parquet")
    if head.startswith(_SQLITE):
        raise ProjectError(f"{name} is a database of SQLite", hint="name a table of it: sqlite://PATH#TABLE")
    if head.startswith(_DUCKDB[1], _DUCKDB[0]):
        raise ProjectError(f"{name} is a database of DuckDB", hint=f"name a table of it: {name}#TABLE")
    return head


def csv_records(path: Path, name: str, head: bytes, mapped: Collection[str] = ()) -> ImportRecords:
    """The records of a CSV file. Raises `ProjectError` where no header is found among its first lines.

    Columns that the user maps (`mapped`) help to find the header, as the names that platforms use do.
    """
    encoding = _detect_encoding(path, head)
    beginning = head.decode(encoding, errors="ignore")
    if beginning.lstrip()[:1] == "<":
        raise ProjectError(f"{name} is an HTML or XML page, not CSV")
    skipped, delimiter = _find_header(beginning, name, mapped)
    rows = _read_rows(path, name, encoding, delimiter, skipped)
    header = tuple(column.strip() for column in next(rows, (0, ()))[1])
    notes = ("not UTF-8: read as Windows-1252, so that names with other characters may look wrong",)
    return ImportRecords(name, "line", header, rows, delimiter, notes if encoding == "cp1252" else ())


def _detect_encoding(path: Path, head: bytes) -> str:
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


def _find_header(beginning: str, name: str, mapped: Collection[str]) -> tuple[int, str]:
    """How many lines come before the header, and the delimiter: those for which most column names are known."""
    lines = _LINE_END.split(beginning)[:_FEW_LINES]
    candidates = [
        (count_known_names(names, mapped), len(names), -number, delimiter)
        for delimiter in _DELIMITERS
        for number, line in enumerate(lines)
        if (names := _split_line(line, delimiter))
    ]
    best = max(candidates, default=(0, 0, 0, ","))
    if best[0] < _LEAST_KNOWN:
        if _JSON.match(beginning):
            hint = "ask for it as CSV, or load it into a table: FILE.duckdb#TABLE"
            raise ProjectError(f"{name} is JSON, not CSV", hint=hint)
        first = next((line for line in lines if line.strip()), "")
        raise ProjectError(
            f"{name} has no header that is known; it begins with {visible(first[:80])!r}",
            hint="its first lines have to name the columns as docs/reference/evidence.md does, or as --map COLUMN=NAME",
        )
    return -best[2], best[3]


def _split_line(line: str, delimiter: str) -> Sequence[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _read_rows(path: Path, name: str, encoding: str, delimiter: str, skipped: int) -> Iterator[ImportRow]:
    """The header and the records after it, each with its line number from 1; empty lines are left out."""
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
    except csv.Error as error:
        raise ProjectError(
            f"{name} cannot be read behind line {line}: {error}", hint="is a quote there that is not closed?"
        ) from None
    except OSError as error:
        raise ProjectError(f"{name} cannot be read: {error.strerror or error}") from error


_NOTE: Final = re.compile(r"(.*\S)\s*[(\[]([^()\[\]]{1,40})[)\]]\s*", re.DOTALL)
"""A name with a note in brackets after it: the currency of an amount, the time zone of a day."""
_USD: Final = frozenset({"USD", "US$", "$", "US DOLLAR", "US DOLLARS"})
UTC_WORDS: Final = frozenset({"UTC", "GMT", "Z", "ETC/UTC", "ETC/GMT", "UTC+0", "UTC+00:00", "GMT+0", "+00:00", "ZULU"})
"""Spellings of the time zone UTC, in upper case."""
_OURS: Final = frozenset({"day", "adunit", "source"})
"""Columns of our own schema, which no platform names all three of."""


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a report. `places`: our name -> which of its columns, from 0; `theirs`: our name -> its name."""

    adapter: Adapter
    names: tuple[str, ...]
    places: Mapping[str, int]

    @property
    def theirs(self) -> Mapping[str, str]:
        """Our name of each column -> the report's name."""
        return {name: self.names[place] for name, place in self.places.items()}

    @property
    def tells_currency(self) -> bool:
        """Whether a column, or the name of that of the revenue, says in which currency it is."""
        amounts = (self.theirs[name] for name in ("revenue", "revenue_micros") if name in self.places)
        return "currency" in self.places or any(_bracketed_note(name) for name in amounts)


def read_header(names: Sequence[str], mapped: Sequence[tuple[str, str]] = (), network: str | None = None) -> Header:
    """The columns by our names: those of `mapped` (their column, our name) first, then by the platform's names.

    Without a `network` the platform is the one whose own columns are there. Raises `ProjectError`, which lists what
    the header holds, for a column that is required and missing, or there twice, or said to be in another currency or
    time zone.
    """
    adapter = ADAPTERS[network] if network else _detect_adapter(names)
    columns = {ours: _mapped_column_place(names, column) for column, ours in mapped}
    for ours in COLUMNS:
        if ours not in columns and (place := _column_place(names, adapter, ours)) is not None:
            columns[ours] = place
    if "revenue_micros" in columns and not {"revenue"} & {ours for _, ours in mapped}:
        columns.pop("revenue", None)
    elif "revenue" in columns:
        columns.pop("revenue_micros", None)
    _check_columns(names, columns, adapter)
    return Header(adapter, tuple(names), {ours: columns[ours] for ours in COLUMNS if ours in columns})


def count_known_names(names: Sequence[str], mapped: Collection[str] = ()) -> int:
    """How many of the names are columns of any platform, or are `mapped`: the line with most of them is the header."""
    own = {text for column in mapped for text in (column.strip(), folded(column)) if text}
    known = (
        name for name in names if folded(_without_note(name)) in _ANY_PLATFORM or {name.strip(), folded(name)} & own
    )
    return len({folded(name) or name.strip() for name in known})


_ANY_PLATFORM: Final = frozenset(
    folded(alias) for each in ADAPTERS.values() for aliases in each.names.values() for alias in aliases
)
"""The folded column names of all platforms."""


def _without_note(name: str) -> str:
    """A name without the note in brackets after it."""
    match = _NOTE.fullmatch(name)
    return match[1] if match else name


def _bracketed_note(name: str) -> str:
    match = _NOTE.fullmatch(name)
    return match[2].strip() if match else ""


def _detect_adapter(names: Sequence[str]) -> Adapter:
    """The platform most of whose own columns are there. Raises `ProjectError` where two have equally many."""
    here = {folded(_without_note(name)) for name in names}
    marks = {each.name: len(here & {folded(mark) for mark in each.marks}) for each in ADAPTERS.values()}
    most = max(marks.values())
    if not most or here >= _OURS:
        return OTHER
    best = [name for name, count in marks.items() if count == most]
    if len(best) > 1:
        raise ProjectError(
            f"the columns fit {' and '.join(ADAPTERS[name].title for name in best)} alike: {header_text(names)}",
            hint=f"say which it is, as in --network {best[0]}",
        )
    return ADAPTERS[best[0]]


def _mapped_column_place(names: Sequence[str], column: str) -> int:
    exact = [place for place, name in enumerate(names) if name.strip() == column.strip()]
    alike = exact or [place for place, name in enumerate(names) if folded(name) == folded(column)]
    if len(alike) == 1:
        return alike[0]
    problem = f"no column {visible(column)!r}" if not alike else f"the column {visible(column)!r} {len(alike)} times"
    raise ProjectError(
        f"the report has {problem}; it has {header_text(names)}", hint="--map COLUMN=NAME names one of these"
    )


def _column_place(names: Sequence[str], adapter: Adapter, ours: str) -> int | None:
    exact = [place for place, name in enumerate(names) if name.strip() in adapter.exact.get(ours, ())]
    if exact:
        return exact[0]
    taken = {name for of in adapter.exact.values() for name in of}
    here = ["" if name.strip() in taken else folded(_without_note(name)) for name in names]
    for alias in (*adapter.names.get(ours, ()), *((ours,) if ours in _EVERYWHERE else ())):
        count = here.count(folded(alias))
        if count > 1:
            raise ProjectError(
                f"the report has the column {alias} {count} times; it has {header_text(names)}",
                hint=_ambiguity_hint(names, [place for place, name in enumerate(here) if name == folded(alias)], ours),
            )
        if count:
            return here.index(folded(alias))
    return None


def _ambiguity_hint(names: Sequence[str], candidates: Sequence[int], ours: str) -> str:
    """What the user can do about several columns of one name; `--map` cannot tell apart those spelled the same."""
    alike = len({names[place].strip() for place in candidates}) < len(candidates)
    return "leave one of them out, or rename it" if alike else f"say which it is: --map COLUMN={ours}"


_EVERYWHERE: Final = frozenset({"currency", "timezone", "network_type", "revenue_micros"})
"""Our names that are recognised in a report of any platform, beside the platform's own."""


def _check_columns(names: Sequence[str], found: Mapping[str, int], adapter: Adapter) -> None:
    replaced = {"revenue"} if "revenue_micros" in found else set()
    missing = [each for each in COLUMNS.values() if each.required and each.name not in {*found, *replaced}]
    if missing:
        names_missing = ", ".join(each.name for each in missing)
        usual = {each.name: adapter.names[each.name][0] for each in missing if each.name in adapter.names}
        raise ProjectError(
            f"the report has no column for {names_missing}; it has {header_text(names)}",
            hint=f"{adapter.title} calls it {', '.join(usual.values())}: export it, or name it with --map COLUMN=NAME",
        )
    money = _bracketed_note(names[found["revenue"]]) if "revenue" in found else ""
    if money and money.upper() not in _USD:
        raise ProjectError(f"the revenue is in {visible(money)}: only USD is taken", hint="export the report in USD")
    zone = _bracketed_note(names[found["day"]])
    if zone and zone.upper() not in UTC_WORDS:
        raise ProjectError(f"the days are in {visible(zone)}: only UTC is taken", hint="export the report in UTC")
