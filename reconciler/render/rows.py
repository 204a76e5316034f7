"""Rows as a table of text, as CSV, and as the JSON document `reconciler.rows/1`."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any, Final

from reconciler.model.document import Day, Document, Shape, key
from reconciler.model.rows import SHARE, Cell, Column, ColumnType, Rows
from reconciler.render.text import Line, Span, columns, line, visible, whole_line

MOST_SHOWN: Final = 200
"""Rows of a table of text; more are for a file."""
_WIDEST: Final = 120
_FORMULA: Final = ("=", "+", "-", "@", "\t")
_EXACT: Final = 2**53
_LINE_END: Final = re.compile(r"(\r\n|\r|\n)")


class ColumnJson(Shape, name="RowsColumn"):
    """A column of the rows."""

    name: str = key("Its name, which is the key of its cells.")
    type: ColumnType = key("What its cells are: text, day (ISO 8601), count (integer), number, or flag (boolean).")
    unit: str | None = key("What its numbers are in; null where they have no unit. A share lies between 0 and 1.")


class RowsTableJson(Shape, name="RowsTable"):
    """A further table."""

    name: str = key("What it is called.", lambda named: named[0])
    columns: list[ColumnJson] = key("The columns, in order.", lambda named: named[1].columns)
    rows: list[dict[str, Any]] = key("The rows, as above.", lambda named: list(_json_rows(named[1])))


def _json_rows(found: Rows) -> Iterator[dict[str, Any]]:
    for row in found.records():
        yield {name: json_cell(cell) for name, cell in row.items()}


class RowsDocument(Document, format="reconciler.rows/1", title="Rows (reports ... --format json)"):
    """A table as an answer."""

    columns: list[ColumnJson] = key("The columns, in order.")
    rows: list[dict[str, Any]] = key(
        "The rows; each holds a cell for each column, null where there is none.",
        lambda found: list(_json_rows(found)),
    )
    incomplete: list[Day] = key("Days whose figures are not final yet.")
    notes: list[str] = key("What else there is to know.")
    tables: list[RowsTableJson] = key("Further tables of the answer; most have none.")


def rows_document(found: Rows) -> dict[str, Any]:
    """`reconciler.rows/1`."""
    return RowsDocument.write(found)


def json_cell(cell: Cell) -> Any:
    """A cell as a JSON value: days as ISO 8601, numbers as numbers."""
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return int(cell) if cell == cell.to_integral_value() and abs(cell) < _EXACT else float(cell)
    return cell


def csv_text(found: Rows) -> Iterator[str]:
    """CSV in pieces of many lines: a line of names, then a line for each row. Cells without a value are empty."""
    yield csv_lines([found.names])
    for at in range(0, len(found.rows), 10_000):
        yield csv_lines([csv_cell(cell) for cell in row] for row in found.rows[at : at + 10_000])


def csv_lines(rows: Iterable[Sequence[str]]) -> str:
    """Lines of CSV (RFC 4180 with line feeds)."""
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def csv_cell(cell: Cell) -> str:
    """A cell of CSV: numbers with a point, flags as true and false, texts as `harmless` ones."""
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).lower()
        case str():
            return harmless(cell)
        case Decimal():
            return f"{cell:f}"
        case _:
            return str(cell)


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula, and no terminal for a command.

    One that begins as a formula does (`=`, `+`, `-`, `@`) gets an apostrophe in front, which spreadsheets do not show.
    Line ends stay, as CSV has them within quotes; what comes behind them is no command of a CI runner either.
    """
    if text.isascii() and text.isprintable():
        shown = text
    else:
        first, *others = _LINE_END.split(text)
        shown = visible(first) + "".join(
            whole_line(visible(part)) if at % 2 else part for at, part in enumerate(others)
        )
    return f"'{shown}" if shown.lstrip("\r\n").startswith(_FORMULA) and len(shown) > 1 else shown


def table_lines(found: Rows, most: int = MOST_SHOWN, total: int | None = None) -> Iterator[Line]:
    """A table for a terminal: numbers to the right, at most so many rows, and the notes below it.

    `total`: how many rows there are, where `found` holds the first of them.
    """
    shown = [
        [text_cell(cell, column) for cell, column in zip(row, found.columns, strict=True)] for row in found.rows[:most]
    ]
    widths = [max(map(columns, (column.name, *(row[at] for row in shown)))) for at, column in enumerate(found.columns)]
    yield line(Span(_aligned(found.names, widths, found.columns), "strong"))
    for row in shown:
        yield line(_aligned(row, widths, found.columns))
    left = (len(found.rows) if total is None else total) - len(shown)
    if left > 0:
        yield line(f"... and {left:,} more rows; --out FILE writes all of them")
    for note in note_lines(found):
        yield line(note)


def note_lines(found: Rows) -> Iterator[str]:
    """What is told below a table: days that are not final, and its notes."""
    if found.incomplete:
        yield f"not final yet: {', '.join(day.isoformat() for day in found.incomplete)}"
    yield from found.notes


def _aligned(cells: Sequence[str], widths: Sequence[int], of: Sequence[Column]) -> str:
    padded = (
        _pad(cell, width, to_right=column.type in {"count", "number"})
        for cell, width, column in zip(cells, widths, of, strict=True)
    )
    return "  ".join(padded).rstrip()


def _pad(text: str, width: int, *, to_right: bool) -> str:
    blanks = " " * (width - columns(text))
    return blanks + text if to_right else text + blanks


def text_cell(cell: Cell, column: Column) -> str:
    """A cell for people: counts with marks between thousands, shares in per cent, amounts in cents or finer."""
    match cell:
        case None:
            return "-"
        case bool():
            return "yes" if cell else "no"
        case str():
            text = visible(cell)
            return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
        case int():
            return f"{cell:,}"
        case Decimal() | float():
            return f"{100 * cell:.1f} %" if column.unit == SHARE else _amount(cell)
        case _:
            return str(cell)


def _amount(number: Decimal | float) -> str:
    """Cents, and hundredths of a cent for amounts below one."""
    return f"{number:.4f}" if 0 < abs(float(number)) < 1 else f"{number:,.2f}"
