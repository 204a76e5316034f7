"""Import a report: read it, check it, and store it as partitions, one for each app and day.

A partition is replaced as a whole. Nothing is stored unless all checks pass.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from reconciler.errors import ProjectError
from reconciler.warehouse.import_csv import Header, read_header
from reconciler.warehouse.import_rows import NumberFormat
from reconciler.warehouse.import_schema import ImportRecords
from reconciler.warehouse.import_staging import SMALL_SHARE, RowCounts, StagedTexts, stage_rows, stage_texts
from reconciler.warehouse.join import DT_SOURCES
from reconciler.warehouse.mediation_intake import mediation_schema
from reconciler.warehouse.report_store import (
    DATA,
    IMPORTED,
    Partition,
    PartitionMetadata,
    PartitionPayload,
    ReportStore,
)
from reconciler.warehouse.user_report_csv import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_MOST_PARTITIONS: Final = 20_000
_LONGEST_FOLDER: Final = 150
_LEAST_IMPRESSIONS: Final = 20
"""Rows with fewer impressions may be equal by chance, and are not compared."""
_LEAST_EQUAL: Final = 3
_EQUAL_SHARE: Final = 0.5
"""Two reports count as the same from this number of equal rows, if they exceed this share of those compared."""
_NAMES: Final = (
    *("app", "day", "network", "source", "placement", "partner_placement", "format", "country"),
    *("requests", "responses", "impressions", "earnings"),
)
_MEMORY: Final = "512MB"
_TWICE: Final = "told twice, with other figures"
_DEAREST: Final = 50
"""USD that no impression pays on average. Of millionths taken for dollars, the cheapest banners pay more."""
_SOURCES: Final = 20
"""The most demand sources that a summary names, the largest first."""


@dataclass(frozen=True, slots=True)
class AppDay:
    """An app of the report, and the partition of one of its days."""

    app: str
    partition: Partition


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a report is to be read: columns mapped to ours (theirs, ours), and the platform; None: it is detected."""

    mapped: Sequence[tuple[str, str]] = ()
    network: str | None = None


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The result of an import. `kept`: rows of evidence; `repeated`: rows that occurred twice and were counted once.

    `days` and `apps` are those of its rows, `replaced` counts partitions that replaced stored ones, `sources` its
    largest demand sources with their numbers of rows.
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


def import_report(records: ImportRecords, options: ImportOptions, store: ReportStore, now: datetime) -> ImportSummary:
    """Read a report and store it; nothing of it, unless all checks pass.

    Raises `ProjectError` for a report that is none: columns missing, more than a small share of rows refused, numbers
    or days that can be read in two ways, another currency or time zone; for figures that were imported before under
    another name; and where the disk is full. Raises `LockHeld` beside a fetch.
    """
    header = read_header(records.header, options.mapped, options.network)
    counts = RowCounts()
    with store.locked(), store.draft() as folder, _disk_errors():
        staged = stage_texts(records, header, folder / "texts.parquet", counts)
        formats = _number_format(staged, records, now)
        stage_rows(staged, header, formats, folder / "rows.parquet", counts, records.unit)
        with _open_rows(folder) as rows:
            repeated = _keep_distinct(rows, counts)
            _check_refused_share(counts, records.unit)
            _check_prices(rows)
            app_days = app_days_of(rows, header.adapter.name)
            check_once(rows, store, app_days)
            sizes = write_app_days(rows, app_days, folder)
            sources, notes = _largest_sources(rows), tuple(_notes(rows, header))
        replaced = _store_app_days(
            store,
            app_days,
            folder,
            [PartitionMetadata(now, staged.digest, size, origin=_origin(records, header)) for size in sizes],
        )
    return ImportSummary(
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
    except OSError as error:
        message = f"the report cannot be written: {error.strerror or 'no room, or no right to'}"
        raise ProjectError(message, hint="is the disk full?") from None


def _store_app_days(
    store: ReportStore, app_days: Sequence[AppDay], folder: Path, all_metadata: Sequence[PartitionMetadata]
) -> int:
    """Store each partition; returns how many of them replaced a stored one."""
    replaced = 0
    for number, (app_day, metadata) in enumerate(zip(app_days, all_metadata, strict=True)):
        replaced += store.metadata(app_day.partition) is not None
        store.put(app_day.partition, PartitionPayload(folder / f"{number}" / DATA, metadata))
    return replaced


def _origin(records: ImportRecords, header: Header) -> Mapping[str, str]:
    """Where rows came from and how their columns were read."""
    columns = {f"column {ours}": theirs for ours, theirs in header.theirs.items()}
    return {"name": records.name, "network": header.adapter.name, **columns}


def _number_format(staged: StagedTexts, records: ImportRecords, now: datetime) -> NumberFormat:
    decimals = staged.clues.settled_decimals(SMALL_SHARE, records.delimiter)
    if decimals is None:
        raise ProjectError(
            "the numbers can be read in two ways: 1,234 may be a thousand and more, or a fraction",
            hint="export them without marks between thousands and with a point before fractions",
        )
    order = staged.clues.settled_order(SMALL_SHARE)
    if order is None:
        raise ProjectError(
            "the days can be read in two ways: 03/04/2026 may be in March or in April",
            hint="export them with the year first, as in 2026-03-04",
        )
    return NumberFormat(decimals, order, now.date())


@contextmanager
def _open_rows(folder: Path) -> Iterator["DuckDBPyConnection"]:
    """A DuckDB connection with the staged rows as the view `told`; its memory is limited to `_MEMORY`."""
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
    except duckdb.Error as error:
        full = "is the disk full? " if "space" in str(error).lower() else ""
        raise ProjectError("the report cannot be worked through", hint=f"{full}nothing was imported") from None


def _keep_distinct(rows: "DuckDBPyConnection", counts: RowCounts) -> int:
    """Copy each row once into the table `kept`; returns how many were repeated.

    Rows that differ in their figures alone are refused, as either may be wrong.
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


def _check_refused_share(counts: RowCounts, unit: str) -> None:
    refused = counts.refused.total()
    if not counts.rows:
        raise ProjectError("the report holds no rows", hint="export days that have figures")
    if refused > SMALL_SHARE * counts.rows:
        reasons = "; ".join(reason_text(reason, counts, unit) for reason, _ in counts.refused.most_common(6))
        raise ProjectError(
            f"{refused:,} of {counts.rows:,} rows cannot be read, more than {SMALL_SHARE:.0%}: {reasons}",
            hint="nothing was imported; mend the export, or name its columns with --map COLUMN=NAME",
        )


def _check_prices(rows: "DuckDBPyConnection") -> None:
    """Raise `ProjectError` for amounts too large for dollars, such as unmarked millionths of dollars."""
    summed = rows.execute("SELECT CAST(sum(earnings) AS DOUBLE), CAST(sum(impressions) AS DOUBLE) FROM kept").fetchone()
    earnings, impressions = summed or (0, 0)
    if impressions and earnings > _DEAREST * impressions:
        raise ProjectError(
            f"an impression pays {earnings / impressions:,.0f} USD on average: the revenue is not in USD",
            hint="nothing was imported; if it is in millionths, say so with --map COLUMN=revenue_micros",
        )


def reason_text(reason: str, counts: RowCounts, unit: str) -> str:
    """A reason with the number of rows refused for it, and the places of the first of them."""
    places, rows = counts.places[reason], counts.refused[reason]
    listed = ", ".join(f"{place:,}" for place in places) + (", ..." if rows > len(places) else "")
    return f"{rows:,} {reason} ({unit}{'s' if rows > 1 else ''} {listed})"


def _largest_sources(rows: "DuckDBPyConnection") -> Mapping[str, int]:
    counts = rows.execute(f"SELECT source, count(*) FROM kept GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT {_SOURCES}")  # noqa: S608
    return dict(counts.fetchall())


def _notes(rows: "DuckDBPyConnection", header: Header) -> Iterator[str]:
    """What is missing for floor suggestions from this report alone, or makes them less certain."""
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


def app_days_of(rows: "DuckDBPyConnection", network: str) -> Sequence[AppDay]:
    """The days of apps that the table `kept` tells of. Raises `ProjectError` where they are too many to be such."""
    count = rows.execute("SELECT count(*) FROM (SELECT DISTINCT app, day FROM kept)").fetchone()
    if count and count[0] > _MOST_PARTITIONS:
        raise ProjectError(
            f"the report tells of {count[0]:,} days of apps, more than {_MOST_PARTITIONS:,}",
            hint="does the column that is taken for the app name something else? --map COLUMN=app",
        )
    app_days = rows.execute("SELECT DISTINCT app, day FROM kept ORDER BY app, day").fetchall()
    return [AppDay(app, Partition(IMPORTED, folder_of(network, app), day.isoformat())) for app, day in app_days]


def folder_of(network: str, app: str) -> str:
    """The app under which the rows of a platform's app are stored: readable where a folder can have that name."""
    plain = app.isascii() and app.isprintable() and len(quote(app, safe="")) <= _LONGEST_FOLDER
    return f"{network}.{app if plain else blake2b(app.encode(), digest_size=12).hexdigest()}"


def folder_of_line(app: str) -> str:
    """The same for the app of a stored row, which begins with the platform."""
    network, _, own = app.partition(".")
    return folder_of(network, own)


def check_once(rows: "DuckDBPyConnection", store: ReportStore, app_days: Sequence[AppDay]) -> None:
    """Refuse figures that are stored already under another app or platform: they would count twice.

    Raises `ProjectError`. Rows of few impressions may be equal by chance, and are not compared.
    """
    own, days = {app_day.partition for app_day in app_days}, {app_day.partition.day for app_day in app_days}
    counts: dict[str, tuple[int, int]] = {}
    for partition, path in store.partitions(IMPORTED).items():
        if partition not in own and partition.day in days:
            telling, same = counts.get(partition.app, (0, 0))
            here = rows.execute(_same_sql(partition.day, path)).fetchone() or (0, 0)
            counts[partition.app] = telling + here[0], same + here[1]
    for app, (telling, same) in counts.items():
        if same >= _LEAST_EQUAL and same > _EQUAL_SHARE * telling:
            folder = f".reconciler/reports/{Partition(IMPORTED, app, '').folder.parent.as_posix()}"
            raise ProjectError(
                f"{same:,} rows were imported before as {app}: they would count twice",
                hint=f"import the columns that were imported then, or remove {folder} first",
            )


def _same_sql(day: str, path: Path) -> str:
    """SQL: how many rows of a file have enough impressions to be compared, and how many of those the new rows hold."""
    figures = "source, country, requests, impressions, earnings"
    file = f"read_parquet({literal(str(path))}, hive_partitioning = false)"
    return f"""
        WITH new AS (
            SELECT source, country, sum(requests) AS requests, sum(impressions) AS impressions,
                CAST(sum(earnings) AS DECIMAL(18, 6)) AS earnings
            FROM kept WHERE day = DATE {literal(day)}
            GROUP BY app, network, source, placement, partner_placement, format, country
        )
        SELECT count(*), count(*) FILTER (EXISTS (
            SELECT 1 FROM new WHERE new.source = old.source AND new.country IS NOT DISTINCT FROM old.country
                AND new.requests = old.requests AND new.impressions = old.impressions AND new.earnings = old.earnings))
        FROM (SELECT {figures} FROM {file} WHERE impressions >= {_LEAST_IMPRESSIONS}) AS old
    """  # noqa: S608 - our own path and a day of ours


def write_app_days(rows: "DuckDBPyConnection", app_days: Sequence[AppDay], folder: Path) -> Sequence[int]:
    """Write a file for each app and day; returns the number of rows of each. Rows of equal dimensions are summed."""
    import pyarrow as pa  # noqa: PLC0415 - an extra, and 0.2 s
    from pyarrow import parquet  # noqa: PLC0415

    summed = rows.execute(
        """SELECT app, day, network, source, placement, partner_placement, format, country,
            CAST(sum(requests) AS BIGINT) AS requests, CAST(sum(responses) AS BIGINT) AS responses,
            CAST(sum(impressions) AS BIGINT) AS impressions, CAST(sum(earnings) AS DECIMAL(18, 6)) AS earnings
        FROM kept GROUP BY ALL ORDER BY app, day"""
    )
    counts = [0] * len(app_days)
    numbers = {(app_day.app, app_day.partition.day): number for number, app_day in enumerate(app_days)}
    writer, current = None, -1
    try:
        while batch := summed.fetchmany(10_000):
            for number, group in _rows_by_app_day(batch, numbers):
                if number != current:
                    if writer is not None:
                        writer.close()
                    current = number
                    (folder / f"{number}").mkdir()
                    writer = parquet.ParquetWriter(folder / f"{number}" / DATA, mediation_schema(), compression="zstd")
                if writer is not None:
                    writer.write_table(
                        pa.Table.from_pylist(_stored_rows(group, app_days[number]), schema=mediation_schema())
                    )
                counts[number] += len(group)
    finally:
        if writer is not None:
            writer.close()
    return counts


def _rows_by_app_day(
    batch: Sequence[tuple[Any, ...]], numbers: Mapping[tuple[str, str], int]
) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
    """Runs of neighbouring rows of one app and day, each with the number of its partition."""
    group: list[tuple[Any, ...]] = []
    current = -1
    for row in batch:
        number = numbers[row[0], row[1].isoformat()]
        if number != current and group:
            yield current, group
            group = []
        current = number
        group.append(row)
    if group:
        yield current, group


def _stored_rows(rows: Sequence[tuple[Any, ...]], app_day: AppDay) -> list[dict[str, Any]]:
    """Rows with the columns that are stored; the app is prefixed with its platform."""
    app = f"{app_day.partition.app.partition('.')[0]}.{app_day.app}"
    return [{**dict(zip(_NAMES, row, strict=True)), "app": app, "valid_bids": 0, "winning_bids": 0} for row in rows]
