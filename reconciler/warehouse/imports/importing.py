"""`reports import`: read a report, check it as a whole, and store it day by day."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import ProjectError
from reconciler.warehouse.imports.header import Header, read_header
from reconciler.warehouse.imports.partitions import AppDay, app_days_of, check_once, write_app_days
from reconciler.warehouse.imports.records import Records
from reconciler.warehouse.imports.rows import NumberFormat
from reconciler.warehouse.imports.staging import SMALL_SHARE, RowCounts, StagedTexts, take_rows, take_texts
from reconciler.warehouse.join import DT_SOURCES
from reconciler.warehouse.report_store import DATA, PartitionMetadata, PartitionPayload, ReportStore
from reconciler.warehouse.validation_sql import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_MEMORY: Final = "512MB"
_TWICE: Final = "told twice, with other figures"
_DEAREST: Final = 50
"""USD that no impression pays on average. Of millionths taken for dollars, the cheapest banners pay more."""
_SOURCES: Final = 20
"""Sources of demand that are told, the largest first."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a report is to be read: columns that the user maps to ours, and the platform, None to find it out."""

    mapped: Sequence[tuple[str, str]] = ()
    network: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import. `kept`: rows of evidence; `repeated`: rows that occurred twice and were counted once.

    `days` and `apps` are those it tells of, `replaced` how many days of apps were there before, `sources` its sources
    of demand with their rows, the largest.
    """

    name: str
    unit: str
    header: Header
    account: RowCounts
    writing: NumberFormat
    kept: int
    repeated: int
    days: tuple[str, ...]
    apps: tuple[str, ...]
    replaced: int
    sources: Mapping[str, int]
    notes: tuple[str, ...]


def import_report(records: Records, wanted: ImportOptions, store: ReportStore, now: datetime) -> Imported:
    """Read a report and store it; nothing of it, unless all checks pass.

    Raises `ProjectError` for a report that is none: columns missing, more than a small share of rows refused, numbers
    or days that can be read in two ways, another currency or time zone; for figures that were imported before under
    another name; and where the disk is full. Raises `LockHeld` beside a fetch.
    """
    header = read_header(records.header, wanted.mapped, wanted.network)
    counts = RowCounts()
    with store.locked(), store.draft() as folder, _disk_errors():
        seen = take_texts(records, header, folder / "texts.parquet", counts)
        formats = _formats(seen, records, now)
        take_rows(seen, header, formats, folder / "rows.parquet", counts, records.unit)
        with _rows(folder) as rows:
            repeated = _keep_distinct(rows, counts)
            _check_share(counts, records.unit)
            _check_prices(rows)
            app_days = app_days_of(rows, header.adapter.name)
            check_once(rows, store, app_days)
            sizes = write_app_days(rows, app_days, folder)
            sources, notes = _sources(rows), tuple(_notes(rows, header))
        replaced = _store(
            store,
            app_days,
            folder,
            [PartitionMetadata(now, seen.digest, size, origin=_origin(records, header)) for size in sizes],
        )
    return Imported(
        records.name,
        records.unit,
        header,
        counts,
        formats,
        sum(sizes),
        repeated,
        tuple(sorted({app_day.partition.day for app_day in app_days})),
        tuple(sorted({app_day.app for app_day in app_days})),
        replaced,
        sources,
        (*records.notes, *notes),
    )


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as wrong:
        said = f"the report cannot be written: {wrong.strerror or 'no room, or no right to'}"
        raise ProjectError(said, hint="is the disk full?") from None


def _store(
    store: ReportStore, app_days: Sequence[AppDay], folder: Path, all_metadata: Sequence[PartitionMetadata]
) -> int:
    """Put each day of an app in its place; how many were there before."""
    replaced = 0
    for number, (app_day, metadata) in enumerate(zip(app_days, all_metadata, strict=True)):
        replaced += store.metadata(app_day.partition) is not None
        store.put(app_day.partition, PartitionPayload(folder / f"{number}" / DATA, metadata))
    return replaced


def _origin(records: Records, header: Header) -> Mapping[str, str]:
    """Where rows came from and how their columns were read."""
    columns = {f"column {ours}": theirs for ours, theirs in header.theirs.items()}
    return {"name": records.name, "network": header.adapter.name, **columns}


def _formats(seen: StagedTexts, records: Records, now: datetime) -> NumberFormat:
    decimals = seen.clues.settled_decimals(SMALL_SHARE, records.delimiter)
    if decimals is None:
        raise ProjectError(
            "the numbers can be read in two ways: 1,234 may be a thousand and more, or a fraction",
            hint="export them without marks between thousands and with a point before fractions",
        )
    order = seen.clues.settled_order(SMALL_SHARE)
    if order is None:
        raise ProjectError(
            "the days can be read in two ways: 03/04/2026 may be in March or in April",
            hint="export them with the year first, as in 2026-03-04",
        )
    return NumberFormat(decimals, order, now.date())


@contextmanager
def _rows(folder: Path) -> Iterator["DuckDBPyConnection"]:
    """The rows of evidence as the table `told`, in a database that takes no more memory than it may."""
    import duckdb  # noqa: PLC0415 - an extra, and 0.1 s

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "temp_directory": str(folder / "spill"),
        "threads": 2,
    }
    try:
        with duckdb.connect(str(folder / "rows.duckdb"), config=settings) as connection:
            connection.execute("SET enable_progress_bar = false")
            path = literal(str(folder / "rows.parquet"))
            connection.execute(f"CREATE VIEW told AS SELECT * FROM read_parquet({path})")  # noqa: S608 - our own path
            yield connection
    except duckdb.Error as wrong:
        full = "is the disk full? " if "space" in str(wrong).lower() else ""
        raise ProjectError("the report cannot be worked through", hint=f"{full}nothing was imported") from None


def _keep_distinct(rows: "DuckDBPyConnection", counts: RowCounts) -> int:
    """Leave each row once in the table `kept`; how many stood there a second time.

    Rows that are the same but for their figures tell of one thing twice, and nobody knows which of them is right.
    """
    rows.execute("""CREATE TABLE twice AS SELECT named FROM told GROUP BY named HAVING count(DISTINCT whole) > 1""")
    places = rows.execute("SELECT place FROM told SEMI JOIN twice USING (named) ORDER BY place")
    for (place,) in iter(places.fetchone, None):
        counts.refuse(_TWICE, place)
    rows.execute("""CREATE TABLE kept AS SELECT * EXCLUDE (whole, named) FROM told ANTI JOIN twice USING (named)
        QUALIFY row_number() OVER (PARTITION BY whole ORDER BY place) = 1""")
    counted = rows.execute(
        "SELECT (SELECT count(*) FROM told ANTI JOIN twice USING (named)), (SELECT count(*) FROM kept)"
    )
    before, after = counted.fetchone() or (0, 0)
    return int(before - after)


def _check_share(counts: RowCounts, unit: str) -> None:
    refused = counts.refused.total()
    if not counts.rows:
        raise ProjectError("the report holds no rows", hint="export days that have figures")
    if refused > SMALL_SHARE * counts.rows:
        told = "; ".join(reason_text(reason, counts, unit) for reason, _ in counts.refused.most_common(6))
        raise ProjectError(
            f"{refused:,} of {counts.rows:,} rows cannot be read, more than {SMALL_SHARE:.0%}: {told}",
            hint="nothing was imported; mend the export, or name its columns with --map COLUMN=NAME",
        )


def _check_prices(rows: "DuckDBPyConnection") -> None:
    """Refuse amounts that cannot be dollars: millionths of them, say, in a column that does not tell."""
    summed = rows.execute("SELECT CAST(sum(earnings) AS DOUBLE), CAST(sum(impressions) AS DOUBLE) FROM kept").fetchone()
    earnings, impressions = summed or (0, 0)
    if impressions and earnings > _DEAREST * impressions:
        raise ProjectError(
            f"an impression pays {earnings / impressions:,.0f} USD on average: the revenue is not in USD",
            hint="nothing was imported; if it is in millionths, say so with --map COLUMN=revenue_micros",
        )


def reason_text(reason: str, counts: RowCounts, unit: str) -> str:
    """A reason with how many rows it holds for, and where the first of them stand."""
    places, rows = counts.places[reason], counts.refused[reason]
    listed = ", ".join(f"{place:,}" for place in places) + (", ..." if rows > len(places) else "")
    return f"{rows:,} {reason} ({unit}{'s' if rows > 1 else ''} {listed})"


def _sources(rows: "DuckDBPyConnection") -> Mapping[str, int]:
    found = rows.execute(f"SELECT source, count(*) FROM kept GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT {_SOURCES}")  # noqa: S608
    return dict(found.fetchall())


def _notes(rows: "DuckDBPyConnection", header: Header) -> Iterator[str]:
    """What keeps floors from being suggested from this report alone, or makes them less sure."""
    counted = rows.execute(
        f"""SELECT count(*), count(*) FILTER (network = ''), count(*) FILTER (requests = 0 AND impressions > 0)
        FROM kept WHERE source = {literal(DT_SOURCES[0])}"""  # noqa: S608 - a text of ours
    ).fetchone()
    of_dt, untold, unasked = counted or (0, 0, 0)
    if not of_dt:
        yield "no row is of DT (Fyber, DT Exchange, Digital Turbine, Inneractive): no floor can be suggested from them"
    if "requests" not in header.places:
        yield "there is no column of requests: what DT left to the others is not known, and no floor can be suggested"
    elif unasked:
        yield f"{unasked:,} rows of DT have impressions and no requests"
    if untold:
        yield f"{untold:,} rows of DT do not say how it is asked (network_type): no floor can be suggested from them"
    if "placement" not in header.places:
        yield "there is no column of what DT calls its placement: rows are joined by the name of the ad unit"
    if header.adapter.days:
        yield f"days are those of {header.adapter.days}; they are taken for days of UTC"
    if header.adapter.money and not header.tells_currency:
        yield f"the report does not say its currency, which may be {header.adapter.money}; amounts are taken for USD"
