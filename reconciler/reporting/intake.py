"""A DT report becomes a Parquet file, through DuckDB: in memory that does not grow with the report."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import UnreadableAnswer
from reconciler.model.secret import Secret
from reconciler.reporting.columns import ALIASES, Aliases, places
from reconciler.reporting.countries import alpha2
from reconciler.reporting.dt_reports import Received
from reconciler.reporting.judgement import MASKED, People, Reading, aside_sql, good_sql, literal, rows_sql
from reconciler.reporting.quotes import cut_short, without_open_quotes
from reconciler.reporting.shelf import DATA, Delivery, Marker

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SHOWN: Final = 10_000
"""Rows that are kept in quarantine to be looked at; all of them are counted."""
_SHOWN_COUNTRIES: Final = 20
_LONGEST_HEADER: Final = 64 * 1024
_NUMBERS: Final = frozenset(("impressions", "revenue"))
_NEEDED: Final = _NUMBERS | {"date", "app_id", "placement_id", "placement_name"}
_OPEN: Final = "a quote that is not closed"
_MISSHAPEN: Final[Mapping[str, str]] = {
    "MISSING COLUMNS": "fewer columns than the header",
    "TOO MANY COLUMNS": "more columns than the header",
    "UNQUOTED VALUE": _OPEN,
    "LINE SIZE OVER MAXIMUM": "longer than 2 MB",
    "INVALID ENCODING": "not UTF-8 text",
}
_LOST: Final = "swallowed by a quote that is not closed"


@dataclass(frozen=True, slots=True)
class Rules:
    """How reports are read: names of columns, what becomes of people's ids, what stands for masked users, and memory.

    `memory` is what DuckDB may use, in its own words; what does not fit goes to the disk.
    """

    salt: Secret
    people: People = "drop"
    aliases: Aliases = field(default_factory=lambda: ALIASES)
    masked: Sequence[str] = MASKED
    memory: str = "512MB"


def take_in(report: Received, app: str, day: date, rules: Rules, fetched_at: datetime) -> Delivery:
    """The report of an app and a day as a Parquet file beside it, with what was set aside and why.

    A row that stands there twice, the same in every column, counts once, for a report has one row for each user,
    placement and country. Raises `UnreadableAnswer` for what is no such report: no header, missing columns, not one
    good row among some, or an end amid its last row: how much is missing then, nobody can tell.
    """
    header = _header(report.path)
    reading = Reading(
        str(report.path), len(header), places(header, rules.aliases), app, day, rules.people, rules.masked
    )
    needed, numbers = ({place for name, place in reading.places.items() if name in of} for of in (_NEEDED, _NUMBERS))
    if cut := cut_short(report.path, reading.width, needed, numbers):
        raise UnreadableAnswer(f"the report is cut in its last line: {cut}", hint="fetch it again")
    folder = report.path.parent
    with _duckdb(folder, rules) as connection:
        rows, aside = _read(connection, reading, report.lines - 1)
        if aside[_LOST]:
            rows, aside = _read_mended(connection, reading, report.lines - 1)
        if aside and not rows.kept:
            raise UnreadableAnswer(f"not one row of the report can be used: {told(aside)}")
        unknown = _unknown_countries(connection, folder / DATA)
    marker = Marker(fetched_at, report.digest, rows.kept, aside, unknown, rows.repeated)
    return Delivery(folder / DATA, marker, folder / "rows.jsonl" if aside else None)


def told(quarantined: Mapping[str, int]) -> str:
    """Counts of rows by reason, in words: `3 of another day, 1 the revenue is negative`."""
    return ", ".join(f"{rows:,} {why}" for why, rows in sorted(quarantined.items()))


def _header(path: Path) -> Sequence[str]:
    """The first record of the file, read by itself. Raises `UnreadableAnswer`."""
    with path.open("rb") as file:
        beginning = file.read(_LONGEST_HEADER).decode("utf-8-sig", errors="replace")
    if beginning.lstrip()[:1] == "<":
        raise UnreadableAnswer("the report is an HTML or XML page, not CSV")
    try:
        header = next(csv.reader(beginning.splitlines(keepends=True), strict=True), [])
    except csv.Error:
        header = []
    if not any(name.strip() for name in header) or {"\0", "\ufffd"} & set("".join(header)):
        raise UnreadableAnswer("the report is not CSV: its first line is no header")
    return header


@contextmanager
def _duckdb(folder: Path, rules: Rules) -> Iterator["DuckDBPyConnection"]:
    """A database that lives as long as the block; what it says of its troubles may hold rows, so it is not repeated."""
    import duckdb  # noqa: PLC0415 - an extra, and 0.1 s

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": rules.memory,
        "temp_directory": str(folder),
        "preserve_insertion_order": False,
    }
    try:
        with duckdb.connect(config=settings) as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute("CREATE TABLE salts(salt VARCHAR)")
            connection.execute("INSERT INTO salts VALUES (?)", [rules.salt.reveal()])
            yield connection
    except duckdb.Error as wrong:
        raise UnreadableAnswer(
            f"the report cannot be read ({type(wrong).__name__})", hint="is it CSV, with one kind of line end?"
        ) from None


@dataclass(frozen=True, slots=True)
class _Rows:
    """How many good rows were kept, and how many were not because they stand there already."""

    kept: int
    repeated: int


def _read(connection: "DuckDBPyConnection", reading: Reading, lines: int) -> tuple[_Rows, Counter[str]]:
    """The good rows, and how many others were set aside, by reason; `lines` counts all lines but the header's."""
    folder = Path(reading.path).parent
    good = _kept(connection, reading, folder / DATA)
    aside = Counter() if good == lines else _set_aside(connection, reading, folder, lines - good)
    if not _holds_equals(connection, folder / DATA):
        return _Rows(good, 0), aside
    kept = _kept(connection, replace(reading, distinct=True), folder / DATA)
    return _Rows(kept, good - kept), aside


def _holds_equals(connection: "DuckDBPyConnection", data: Path) -> bool:
    """Whether any two kept rows may be the same. Not all columns are kept, so theirs may differ all the same.

    It takes a fifth of the time of reading the report, where telling its whole rows apart takes two thirds more.
    """
    counts = f"SELECT count(*) > count(DISTINCT hash(kept)) FROM {literal(str(data))} AS kept"  # noqa: S608 - our path
    found = connection.execute(counts).fetchone()
    return bool(found and found[0])


def _read_mended(connection: "DuckDBPyConnection", reading: Reading, lines: int) -> tuple[_Rows, Counter[str]]:
    """The same without the lines that have swallowed others."""
    mended = Path(reading.path).with_name("mended")
    mended.with_name("rows.jsonl").unlink()
    dropped = without_open_quotes(Path(reading.path), mended)
    rows, aside = _read(connection, replace(reading, path=str(mended)), lines - len(dropped))
    aside.update({_OPEN: len(dropped)} if dropped else {})
    _append_aside(mended.with_name("rows.jsonl"), [(number, "UNQUOTED VALUE") for number in dropped])
    mended.unlink()
    return rows, aside


def _kept(connection: "DuckDBPyConnection", reading: Reading, target: Path) -> int:
    """How many good rows went to the target."""
    good = good_sql(reading, rows_sql(reading, keep_rejects=False))
    rows = connection.execute(f"COPY ({good}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)").fetchone()
    return int(rows[0]) if rows else 0


def _set_aside(connection: "DuckDBPyConnection", reading: Reading, folder: Path, missing: int) -> Counter[str]:
    """Rows that were not kept, counted by reason and written to a file.

    `missing` is how many more lines there are than good rows: those that neither row nor misshapen record accounts for
    are in a quote that was never closed, unless no quote is at fault.
    """
    for table in ("reject_errors", "reject_scans"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    rows = rows_sql(reading, keep_rejects=True)
    counts = f"SELECT wrong, count(*) FROM ({rows}) WHERE wrong IS NOT NULL GROUP BY ALL"  # noqa: S608 - as above
    aside = Counter({str(why): int(number) for why, number in connection.execute(counts).fetchall()})
    misshapen = connection.execute(
        "SELECT line, min(error_type::VARCHAR) FROM reject_errors GROUP BY line ORDER BY line"
    ).fetchall()
    aside.update(_MISSHAPEN.get(kind, "not of the header's form") for _, kind in misshapen)
    open_quote = any(kind in {"UNQUOTED VALUE", "LINE SIZE OVER MAXIMUM"} for _, kind in misshapen)
    if open_quote and missing > aside.total():
        aside[_LOST] = missing - aside.total()
    _write_aside(connection, reading, folder / "rows.jsonl", misshapen)
    return aside


def _write_aside(
    connection: "DuckDBPyConnection", reading: Reading, path: Path, misshapen: Sequence[tuple[Any, ...]]
) -> None:
    shown = aside_sql(rows_sql(reading, keep_rejects=False), _SHOWN)
    connection.execute(f"COPY ({shown}) TO {literal(str(path))} (FORMAT json)")
    _append_aside(path, misshapen)


def _append_aside(path: Path, misshapen: Sequence[tuple[Any, ...]]) -> None:
    with path.open("a", encoding="utf-8", newline="\n") as file:
        for line, kind in misshapen[:_SHOWN]:
            reason = _MISSHAPEN.get(kind, "not of the header's form")
            file.write(json.dumps({"reason": reason, "line": line}) + "\n")


def _unknown_countries(connection: "DuckDBPyConnection", data: Path) -> Mapping[str, int]:
    """Rows by what the report says where a country should stand, if we know none of that name; the commonest ones."""
    counts = f"""SELECT coalesce(country, ''), count(*) FROM {literal(str(data))}
        GROUP BY ALL ORDER BY 2 DESC, 1"""  # noqa: S608 - our own path
    found = connection.execute(counts).fetchall()
    return dict([(str(name), int(rows)) for name, rows in found if alpha2(name) is None][:_SHOWN_COUNTRIES])
