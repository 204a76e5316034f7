"""A user report as the vendor gives it: its CSV read in batches, and batches as CSV, JSON and typed columns.

All columns are text until they are typed, so that no value changes. PyArrow reads a block at a time: on the reports of
docs/reports.md it takes a quarter of the time of Python's `csv`, and memory does not grow with the file.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import UnreadableAnswer
from reconciler.model.rows import USD, Column, ColumnType
from reconciler.render.rows import harmless
from reconciler.warehouse.acceptance import MOST_UNREAD, SUMS
from reconciler.warehouse.user_report_csv import ALIASES, Aliases, drop_open_quotes, folded, known_columns

if TYPE_CHECKING:
    from pyarrow import Array, DataType, RecordBatch

# ruff: noqa: PLC0415 - pyarrow is an extra, and takes 0.1 s

BLOCK: Final = 1024 * 1024
"""Bytes that are parsed at once, and so the longest record."""
_WIDTH: Final = 38
"""Digits of revenue in a typed column."""
_DIGITS: Final = 24
"""Digits behind the point of revenue in a typed column; more are binary noise, and cut off."""
_INTEGER: Final = r"^\s*[-+]?[0-9]{1,18}(?:\.0*)?\s*$"
_NUMBER: Final = r"^\s*[-+]?(?:0*[0-9]{1,14}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\s*$"
_PLAIN_NUMBER: Final = re.compile(r"\s*[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\s*", re.ASCII)
_NEEDS_QUOTES: Final = re.compile(r'[",\r\n]')
_ODD: Final = r"[\",\r\n\p{Cc}\p{Cf}]|^[=+\-@]"
"""What keeps a cell from standing in CSV as it is."""


def unique_names(header: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns; one that is there again has a number behind it."""
    names: list[str] = []
    for name in map(str.strip, header):
        seen, number = name, 1
        while seen in names:
            number += 1
            seen = f"{name} ({number})"
        names.append(seen)
    return tuple(names)


def read_batches(path: Path, header: Sequence[str], left_out: dict[str, int]) -> "Iterator[RecordBatch]":
    """The rows of a CSV file below its header, as texts, with columns named by their positions.

    Rows that do not have the header's form are left out and counted in `left_out`. Raises `UnreadableAnswer`.
    """
    import pyarrow as pa
    from pyarrow import csv as pacsv

    names = [str(at) for at in range(len(header))]

    def skipped(row: Any) -> str:
        del row
        left_out["not of the header's form"] = left_out.get("not of the header's form", 0) + 1
        return "skip"

    reading = pacsv.ReadOptions(
        use_threads=False, block_size=BLOCK, column_names=names, skip_rows=1 + sum(name.count("\n") for name in header)
    )
    parsing = pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=skipped)
    converting = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    try:
        with pacsv.open_csv(path, reading, parsing, converting) as reader:
            yield from (_without_headers(batch, header) for batch in reader)
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise UnreadableAnswer("the report cannot be read: it is not CSV of UTF-8 text") from None


def mend(path: Path, left_out: dict[str, int]) -> Path:
    """A copy of a file that could not be read: without lines whose quotes are open, bytes that are no text replaced."""
    plain, mended = path.with_name("plain"), path.with_name("mended")
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with path.open("rb") as source, plain.open("wb") as target:
        while chunk := source.read(BLOCK):
            target.write(decoder.decode(chunk).encode())
    dropped = drop_open_quotes(plain, mended)
    plain.unlink()
    if dropped:
        left_out["a quote that is not closed"] = len(dropped)
    return mended


def is_text(path: Path) -> bool:
    """Whether a file is UTF-8 throughout."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as source:
            while chunk := source.read(BLOCK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _without_headers(batch: "RecordBatch", header: Sequence[str]) -> "RecordBatch":
    """A batch without rows that are the header again, where a report was put together of parts."""
    import pyarrow.compute as pc

    again = pc.equal(batch.column(0), header[0])
    if not pc.any(again).as_py():
        return batch
    for at in range(1, len(header)):
        again = pc.and_(again, pc.equal(pc.utf8_trim_whitespace(batch.column(at)), header[at].strip()))
    return batch.filter(pc.invert(again))


def without_strays(
    batch: "RecordBatch", places: Mapping[str, int], app: str, day: date, left_out: dict[str, int]
) -> "RecordBatch":
    """A batch without rows of another day or app than was ordered, which are counted in `left_out`.

    What is no day, and words for sums, are no other day or app.
    """
    others: Sequence[tuple[str, Callable[[str], bool], str]] = (
        ("date", lambda text: _day_of(text) not in {None, day}, "of another day"),
        ("app_id", lambda text: bool(text) and text != app and text.casefold() not in SUMS, "of another app"),
    )
    for name, is_other, why in others:
        if name not in places or not batch.num_rows:
            continue
        coded = batch.column(places[name]).dictionary_encode()
        strays = [is_other(text.strip()) for text in coded.dictionary.to_pylist()]
        if any(strays):
            good = [not stray for stray in strays]
            kept = batch.filter(_taken(good, coded.indices))
            left_out[why] = left_out.get(why, 0) + batch.num_rows - kept.num_rows
            batch = kept
    return batch


def _taken(values: Sequence[bool], indices: "Array") -> "Array":
    import pyarrow as pa

    return pa.array(values, pa.bool_()).take(indices)


def csv_bytes(columns: "Sequence[Array]") -> bytes:
    """The lines of a batch as CSV: cells as they are, quoted where they have to be, formulas made harmless."""
    import pyarrow.compute as pc

    cells = [_csv_cells(column) for column in columns]
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*cells, ","), "", "\n")
    return b"".join(lines.cast("binary").to_pylist())


def _csv_cells(column: "Array") -> "Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    odd = pc.match_substring_regex(column, pattern=_ODD)
    if not pc.any(odd).as_py():
        return column
    coded = column.dictionary_encode()
    return pa.array([_csv_cell(text) for text in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)


def _csv_cell(text: str) -> str:
    safe = text if _is_number(text) else harmless(text)
    return '"' + safe.replace('"', '""') + '"' if _NEEDS_QUOTES.search(safe) else safe


def _is_number(text: str) -> bool:
    return _PLAIN_NUMBER.fullmatch(text) is not None


_TYPES: Final[Mapping[str, ColumnType]] = {"impressions": "count", "revenue": "number", "date": "day"}


@dataclass(slots=True)
class ColumnMerge:
    """The columns of several reports as those of one: `names` in the order in which they first stand there.

    Columns that mean the same are one, called as in the first report, however the others call it; a report that has two
    of them keeps both. `types` are those of the names that are not text; `renamed` tells other names of a column.
    """

    aliases: Aliases = field(default_factory=lambda: ALIASES)
    names: dict[str, None] = field(default_factory=dict)
    types: dict[str, ColumnType] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    _first: dict[str, str] = field(default_factory=dict)

    def add(self, columns: Sequence[str]) -> Mapping[str, str]:
        """Take in the columns of a report; returns its name of each of ours."""
        known = {columns[at]: ours for ours, at in known_columns(columns, self.aliases).items()}
        places: dict[str, str] = {}
        for name in columns:
            meaning = f"our {known[name]}" if name in known else folded(name) or name
            shown = name if name in self.names else self._first.get(meaning, name)
            if shown != name and (shown in columns or shown in places):
                shown = name
            places[shown] = name
            self.names.setdefault(shown)
            self._first.setdefault(meaning, shown)
            if shown != name:
                self.renamed[name] = shown
            if kind := _TYPES.get(known.get(name, "")):
                self.types[shown] = kind
        return places


def typed_columns(names: Iterable[str], types: Mapping[str, ColumnType]) -> tuple[Column, ...]:
    """The columns with types: impressions are counts, revenue a number, the date a day, the rest text."""
    kinds = [(name, types.get(name, "text")) for name in names]
    return tuple(Column(name, kind, USD if kind == "number" else None) for name, kind in kinds)


@dataclass(slots=True)
class Unread:
    """What of the rows that were typed could not be read: `cells` by the name of the column."""

    rows: int = 0
    cells: dict[str, int] = field(default_factory=dict)

    @property
    def is_much(self) -> bool:
        """Whether it is so many cells of a column that the answer is not whole."""
        return any(lost > MOST_UNREAD * self.rows for lost in self.cells.values())


def arrow_type(column: Column) -> "DataType":
    """The type of a column in Arrow and Parquet."""
    import pyarrow as pa

    return {"count": pa.int64(), "number": pa.decimal128(_WIDTH, _DIGITS), "day": pa.date32()}.get(
        column.type, pa.string()
    )


def typed_cells(cells: "Array", column: Column, unread: dict[str, int]) -> "Array":
    """A column of texts in its type. What cannot be read is null and counted in `unread`; what is empty is null."""
    import pyarrow.compute as pc

    if column.type == "text":
        return cells
    given = pc.not_equal(pc.utf8_trim_whitespace(cells), "")
    match column.type:
        case "count":
            typed = _counts(cells)
        case "number":
            typed = _numbers(cells)
        case _:
            typed = _days(cells)
    lost = pc.sum(pc.and_(given, typed.is_null())).as_py() or 0
    if lost:
        unread[column.name] = unread.get(column.name, 0) + lost
    return typed


def _counts(cells: "Array") -> "Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    well = pc.match_substring_regex(cells, pattern=_INTEGER)
    plain = pc.replace_substring_regex(pc.utf8_trim_whitespace(cells), pattern=r"^\+|\.0*$", replacement="")
    return pc.if_else(well, plain, pa.scalar(None, pa.string())).cast(pa.int64())


def _numbers(cells: "Array") -> "Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = pa.decimal128(_WIDTH, _DIGITS)
    well = pc.match_substring_regex(cells, pattern=_NUMBER)
    plain = pc.replace_substring_regex(
        pc.utf8_trim_whitespace(cells), pattern=rf"^\+?([-0-9]*\.[0-9]{{{_DIGITS}}})[0-9]+$", replacement=r"\1"
    )
    powers = pc.match_substring_regex(cells, pattern="[eE]")
    simple = pc.if_else(pc.and_(well, pc.invert(powers)), plain, pa.scalar(None, pa.string())).cast(kind)
    if not pc.any(pc.and_(well, powers)).as_py():
        return simple
    exact = [
        None if not is_one else _in_range(Decimal(text.strip()))
        for text, is_one in zip(cells.to_pylist(), pc.and_(well, powers).to_pylist(), strict=True)
    ]
    return pc.coalesce(simple, pa.array(exact, kind))


def _in_range(number: Decimal) -> Decimal | None:
    """The number with the digits of the type; None for one that is too large for it."""
    if number and number.adjusted() >= _WIDTH - _DIGITS:
        return None
    with localcontext(prec=2 * _WIDTH):
        rounded = number.quantize(Decimal(1).scaleb(-_DIGITS))
    return rounded if rounded.adjusted() < _WIDTH - _DIGITS else None


def _days(cells: "Array") -> "Array":
    import pyarrow as pa

    coded = cells.dictionary_encode()
    days = [_day_of(text) for text in coded.dictionary.to_pylist()]
    return pa.array(days, pa.date32()).take(coded.indices)


def _day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


def json_lines(columns: Sequence[Column], arrays: "Sequence[Array]") -> Iterator[str]:
    """Each row of a batch as a JSON object; numbers are written with all their digits."""
    keys = [f"{json.dumps(column.name)}: " for column in columns]
    for row in zip(*(array.to_pylist() for array in arrays), strict=True):
        yield "{" + ", ".join(key + _json_cell(cell) for key, cell in zip(keys, row, strict=True)) + "}"


def _json_cell(cell: Any) -> str:
    match cell:
        case None:
            return "null"
        case Decimal():
            return f"{cell.normalize():f}"
        case int():
            return str(cell)
        case date():
            return f'"{cell.isoformat()}"'
        case _:
            return json.dumps(cell)


def counts_by(names: Mapping[str, int]) -> str:
    """Counts by name, in words: `3 Revenue (USD), 1 Date`."""
    return ", ".join(f"{count:,} {name}" for name, count in sorted(names.items()))
