"""A user report is read into a Parquet file with DuckDB; memory does not grow with the size of the report."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.apis.user_reports import ReceivedReport
from reconciler.errors import UnreadableAnswer
from reconciler.model.secret import Secret
from reconciler.warehouse.acceptance import NOWHERE, STRAY, SUM, Figures, alpha2, unread_reason
from reconciler.warehouse.coverage import data_figures, is_sum_of, remove_sums
from reconciler.warehouse.report_store import DATA, PartitionMetadata, PartitionPayload
from reconciler.warehouse.user_report_csv import (
    ALIASES,
    MISSING,
    Aliases,
    People,
    ReportFile,
    column_places,
    cut_reason,
    drop_open_quotes,
    good_rows_sql,
    literal,
    quarantined_rows_sql,
    rows_sql,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_SHOWN: Final = 10_000
"""The most rows that are written to the quarantine file; all of them are counted."""
_MOST_SUMS: Final = 1000
"""The most rows without a placement that are checked for being sums."""
_SHOWN_COUNTRIES: Final = 20
_LONGEST_HEADER: Final = 64 * 1024
_NUMBERS: Final = frozenset(("impressions", "revenue"))
_NEEDED: Final = _NUMBERS | {"date", "app_id", "placement_id", "placement_name"}
_OTHER_FILES: Final[Mapping[bytes, str]] = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"\x1f\x8b": "packed twice",
    b"\x28\xb5\x2f\xfd": "packed as Zstandard",
    b"BZh": "packed as bzip2",
    b"\xfd7zXZ": "packed as xz",
    b"%PDF": "a PDF",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
_OPEN: Final = "a quote that is not closed"
_MISSHAPEN: Final[Mapping[str, str]] = {
    "MISSING COLUMNS": "fewer columns than the header",
    "TOO MANY COLUMNS": "more columns than the header",
    "UNQUOTED VALUE": _OPEN,
    "LINE SIZE OVER MAXIMUM": "longer than 2 MB",
    "INVALID ENCODING": "not UTF-8 text",
}
_SWALLOWED: Final = "swallowed by a quote that is not closed"


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """How reports are read: column names, the treatment of users' ids, and memory.

    `memory` is what DuckDB may use, as it writes it (`512MB`); what does not fit goes to the disk.
    """

    salt: Secret
    people: People = "drop"
    aliases: Aliases = field(default_factory=lambda: ALIASES)
    memory: str = "512MB"


def read_user_report(
    report: ReceivedReport, app: str, day: date, settings: IntakeSettings, fetched_at: datetime
) -> PartitionPayload:
    """Read the report of an app and a day into a Parquet file beside it, and quarantine what cannot be used.

    Rows equal in every column count once, for a report has one row for each user, placement and country. Rows that sum
    others, by their words or their figures, are left out. Where too little could be read, the payload has an
    `unread_reason`. Raises `UnreadableAnswer` for what is no such report: no header, missing columns, no good row among
    its rows, or an end within its last row, as it is unknown how much is missing.
    """
    header = read_header(report.path)
    places = column_places(header, settings.aliases)
    names = {name: header[place] for name, place in places.items()}
    file = ReportFile(str(report.path), len(header), places, app, day, settings.people, names=names)
    needed, numbers = ({place for name, place in file.places.items() if name in of} for of in (_NEEDED, _NUMBERS))
    if cut := cut_reason(report.path, file.width, needed, numbers):
        raise UnreadableAnswer(f"the report is cut in its last line: {cut}", hint="fetch it again")
    folder = report.path.parent
    with _open_duckdb(folder, settings) as connection:
        rows, quarantined = _read_rows(connection, file, report.lines - 1)
        if quarantined[_SWALLOWED]:
            rows, quarantined = _read_without_open_quotes(connection, file, report.lines - 1)
        if quarantined and not rows.kept:
            raise UnreadableAnswer(f"not one row of the report can be used: {counts_text(quarantined)}")
        sums = remove_sums(connection, folder / DATA)
        unknown, nowhere = _unknown_countries(connection, folder / DATA)
        figures = data_figures(connection, folder / DATA, "revenue")
    unread = rows.unread + nowhere
    reasons = {**quarantined, **({"of an unknown country": nowhere.rows} if nowhere.rows else {})}
    why = unread_reason(unread, figures + rows.unread, reasons)
    quarantine = folder / "rows.jsonl" if quarantined else None
    quarantined.update({SUM: sums} if sums else {})
    metadata = PartitionMetadata(fetched_at, report.digest, figures.rows, quarantined, unknown, rows.repeated)
    return PartitionPayload(folder / DATA, metadata, quarantine, why)


def counts_text(quarantined: Mapping[str, int]) -> str:
    """Counts of rows by reason, in words: `3 of another day, 1 the revenue is negative`."""
    return ", ".join(f"{rows:,} {why}" for why, rows in sorted(quarantined.items()))


def read_header(path: Path) -> Sequence[str]:
    """The first record of the file, read by itself. Raises `UnreadableAnswer`."""
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
    beginning = head.decode("utf-8-sig", errors="replace")
    if kind := next((kind for magic, kind in _OTHER_FILES.items() if head.startswith(magic)), None):
        raise UnreadableAnswer(f"the report is {kind}, not CSV", hint="fetch it again; is it the file that DT wrote?")
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
def _open_duckdb(folder: Path, settings: IntakeSettings) -> Iterator["DuckDBPyConnection"]:
    """A DuckDB connection for the length of the block. Its errors may hold rows, so their text is not repeated."""
    import duckdb  # noqa: PLC0415 - an extra, and 0.1 s

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory,
        "temp_directory": str(folder),
        "preserve_insertion_order": False,
    }
    try:
        with duckdb.connect(config=config) as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute("CREATE TABLE salts(salt VARCHAR)")
            connection.execute("INSERT INTO salts VALUES (?)", [settings.salt.reveal()])
            yield connection
    except duckdb.Error as error:
        raise UnreadableAnswer(
            f"the report cannot be read ({type(error).__name__})", hint="is it CSV, with one kind of line end?"
        ) from None


@dataclass(frozen=True, slots=True)
class _ReadRows:
    """The number of good rows that were written, the number of repeated ones, and the figures of unreadable ones."""

    kept: int
    repeated: int
    unread: Figures


def _read_rows(connection: "DuckDBPyConnection", file: ReportFile, lines: int) -> tuple[_ReadRows, Counter[str]]:
    """Write the good rows, and count the quarantined ones by reason; `lines` counts all lines but the header."""
    folder = Path(file.path).parent
    good = _write_good_rows(connection, file, folder / DATA)
    quarantined, unread = (
        (Counter(), Figures()) if good == lines else _quarantine_rows(connection, file, folder, lines - good)
    )
    if not _may_hold_duplicates(connection, folder / DATA):
        return _ReadRows(good, 0, unread), quarantined
    kept = _write_good_rows(connection, replace(file, distinct=True), folder / DATA)
    return _ReadRows(kept, good - kept, unread), quarantined


def _may_hold_duplicates(connection: "DuckDBPyConnection", data: Path) -> bool:
    """Whether any two written rows are equal. The whole rows may still differ, as not all columns are written.

    It takes a fifth of the time of reading the report; comparing whole rows adds two thirds to that time.
    """
    counts = f"SELECT count(*) > count(DISTINCT hash(kept)) FROM {literal(str(data))} AS kept"  # noqa: S608 - our path
    row = connection.execute(counts).fetchone()
    return bool(row and row[0])


def _read_without_open_quotes(
    connection: "DuckDBPyConnection", file: ReportFile, lines: int
) -> tuple[_ReadRows, Counter[str]]:
    """`_read_rows` of the file without lines whose open quotes swallow the lines after them."""
    mended = Path(file.path).with_name("mended")
    mended.with_name("rows.jsonl").unlink()
    dropped = drop_open_quotes(Path(file.path), mended)
    rows, quarantined = _read_rows(connection, replace(file, path=str(mended)), lines - len(dropped))
    quarantined.update({_OPEN: len(dropped)} if dropped else {})
    rows = replace(rows, unread=rows.unread + Figures(len(dropped)))
    _append_quarantine(mended.with_name("rows.jsonl"), [(number, "UNQUOTED VALUE") for number in dropped])
    mended.unlink()
    return rows, quarantined


def _write_good_rows(connection: "DuckDBPyConnection", file: ReportFile, target: Path) -> int:
    """Write the good rows to the target; returns how many."""
    good = good_rows_sql(file, rows_sql(file, keep_rejects=False))
    rows = connection.execute(f"COPY ({good}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)").fetchone()
    return int(rows[0]) if rows else 0


def _quarantine_rows(
    connection: "DuckDBPyConnection", file: ReportFile, folder: Path, missing: int
) -> tuple[Counter[str], Figures]:
    """Write the quarantined rows to a file; returns their counts by reason, and the figures that are unread with them.

    `missing` is how many more lines there are than good rows. Lines that no row and no malformed record accounts for
    are within a quote that was never closed, if any quote is at fault.
    """
    for table in ("reject_errors", "reject_scans"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    rows = rows_sql(file, keep_rejects=True)
    counts = f"""SELECT wrong, count(*), coalesce(sum(shown) FILTER (shown > 0), 0),
        coalesce(sum(revenue) FILTER (revenue > 0), 0) FROM ({rows}) WHERE wrong IS NOT NULL GROUP BY ALL"""  # noqa: S608 - as above
    faulty = {str(why): Figures(int(n), float(i), float(m)) for why, n, i, m in connection.execute(counts).fetchall()}
    if MISSING in faulty:
        _count_sums(connection, file, folder / DATA, faulty)
    quarantined = Counter({why: figures.rows for why, figures in faulty.items()})
    misshapen = connection.execute(
        "SELECT line, min(error_type::VARCHAR) FROM reject_errors GROUP BY line ORDER BY line"
    ).fetchall()
    quarantined.update(_MISSHAPEN.get(kind, "not of the header's form") for _, kind in misshapen)
    open_quote = any(kind in {"UNQUOTED VALUE", "LINE SIZE OVER MAXIMUM"} for _, kind in misshapen)
    if open_quote and missing > quarantined.total():
        quarantined[_SWALLOWED] = missing - quarantined.total()
    _write_quarantine(connection, file, folder / "rows.jsonl", misshapen)
    shapeless = sum(rows for why, rows in quarantined.items() if why not in faulty)
    return quarantined, sum((figures for why, figures in faulty.items() if why not in STRAY), Figures(shapeless))


def _count_sums(connection: "DuckDBPyConnection", file: ReportFile, data: Path, faulty: dict[str, Figures]) -> None:
    """Move rows without app or placement whose figures equal those of all written rows from `MISSING` to `SUM`."""
    whole = data_figures(connection, data, "revenue")
    rows = f"""SELECT coalesce(shown, 0), coalesce(revenue, 0) FROM ({rows_sql(file, keep_rejects=False)})
        WHERE wrong = {literal(MISSING)} LIMIT {_MOST_SUMS:d}"""  # noqa: S608 - as above
    for shown, money in connection.execute(rows).fetchall():
        row = Figures(1, float(shown), float(money))
        if is_sum_of(row, whole):
            unread = faulty[MISSING]
            faulty[MISSING] = Figures(unread.rows - 1, unread.impressions - row.impressions, unread.money - row.money)
            faulty[SUM] = faulty.get(SUM, Figures()) + row
    if not faulty[MISSING].rows:
        del faulty[MISSING]


def _write_quarantine(
    connection: "DuckDBPyConnection", file: ReportFile, path: Path, misshapen: Sequence[tuple[Any, ...]]
) -> None:
    shown = quarantined_rows_sql(rows_sql(file, keep_rejects=False), _SHOWN)
    connection.execute(f"COPY ({shown}) TO {literal(str(path))} (FORMAT json)")
    _append_quarantine(path, misshapen)


def _append_quarantine(path: Path, misshapen: Sequence[tuple[Any, ...]]) -> None:
    with path.open("a", encoding="utf-8", newline="\n") as file:
        for line, kind in misshapen[:_SHOWN]:
            reason = _MISSHAPEN.get(kind, "not of the header's form")
            file.write(json.dumps({"reason": reason, "line": line}) + "\n")


def _unknown_countries(connection: "DuckDBPyConnection", data: Path) -> tuple[Mapping[str, int], Figures]:
    """Counts of rows by unknown country, the commonest first, and the figures of these rows.

    Rows whose country is empty or means no country in particular are not part of the figures.
    """
    counts = f"""SELECT coalesce(country, ''), count(*), sum(impressions), sum(revenue) FROM {literal(str(data))}
        GROUP BY ALL ORDER BY 2 DESC, 1"""  # noqa: S608 - our own path
    unknown = [row for row in connection.execute(counts).fetchall() if alpha2(str(row[0])) is None]
    named = [Figures(int(rows), float(i), float(m)) for name, rows, i, m in unknown if name.lower() not in NOWHERE]
    return {str(name): int(rows) for name, rows, *_ in unknown[:_SHOWN_COUNTRIES]}, sum(named, Figures())
