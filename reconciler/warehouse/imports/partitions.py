"""Rows of evidence as partitions: a day of an app, which is replaced as a whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from reconciler.errors import ProjectError
from reconciler.warehouse.mediation_intake import schema
from reconciler.warehouse.report_store import DATA, Partition, ReportStore
from reconciler.warehouse.validation_sql import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


IMPORTED: Final = "imported"
"""The source under which evidence from elsewhere lies."""
_MOST_PARTITIONS: Final = 20_000
_LONGEST_FOLDER: Final = 150
_TELLING: Final = 20
_FEW: Final = 3
_SAME: Final = 0.5
"""From so many impressions on a row is known again, and from so many of those on, if they are more than this share of
all, two reports are taken for the same one."""
_NAMES: Final = (
    *("app", "day", "network", "source", "placement", "partner_placement", "format", "country"),
    *("requests", "responses", "impressions", "earnings"),
)


@dataclass(frozen=True, slots=True)
class AppDay:
    """A day of an app, as it is replaced as a whole."""

    app: str
    partition: Partition


def app_days_of(rows: "DuckDBPyConnection", network: str) -> Sequence[AppDay]:
    """The days of apps that the table `kept` tells of. Raises `ProjectError` where they are too many to be such."""
    count = rows.execute("SELECT count(*) FROM (SELECT DISTINCT app, day FROM kept)").fetchone()
    if count and count[0] > _MOST_PARTITIONS:
        raise ProjectError(
            f"the report tells of {count[0]:,} days of apps, more than {_MOST_PARTITIONS:,}",
            hint="does the column that is taken for the app name something else? --map COLUMN=app",
        )
    found = rows.execute("SELECT DISTINCT app, day FROM kept ORDER BY app, day").fetchall()
    return [AppDay(app, Partition(IMPORTED, folder_of(network, app), day.isoformat())) for app, day in found]


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

    Rows of few impressions may be the same by chance, and do not tell.
    """
    own, days = {app_day.partition for app_day in app_days}, {app_day.partition.day for app_day in app_days}
    seen: dict[str, tuple[int, int]] = {}
    for partition, path in store.partitions(IMPORTED).items():
        if partition not in own and partition.day in days:
            telling, same = seen.get(partition.app, (0, 0))
            here = rows.execute(_same_sql(partition.day, path)).fetchone() or (0, 0)
            seen[partition.app] = telling + here[0], same + here[1]
    for app, (telling, same) in seen.items():
        if same >= _FEW and same > _SAME * telling:
            folder = f".reconciler/reports/{Partition(IMPORTED, app, '').folder.parent.as_posix()}"
            raise ProjectError(
                f"{same:,} rows were imported before as {app}: they would count twice",
                hint=f"import the columns that were imported then, or remove {folder} first",
            )


def _same_sql(day: str, path: Path) -> str:
    """How many rows of a file have impressions enough to be known again, and how many of them the new ones hold."""
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
        FROM (SELECT {figures} FROM {file} WHERE impressions >= {_TELLING}) AS old
    """  # noqa: S608 - our own path and a day of ours


def write_app_days(rows: "DuckDBPyConnection", app_days: Sequence[AppDay], folder: Path) -> Sequence[int]:
    """Write a file for each day of an app; how many rows each has. Rows of the same thing are summed."""
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
            for number, told in _grouped(batch, numbers):
                if number != current:
                    if writer is not None:
                        writer.close()
                    current = number
                    (folder / f"{number}").mkdir()
                    writer = parquet.ParquetWriter(folder / f"{number}" / DATA, schema(), compression="zstd")
                if writer is not None:
                    writer.write_table(pa.Table.from_pylist(_named(told, app_days[number]), schema=schema()))
                counts[number] += len(told)
    finally:
        if writer is not None:
            writer.close()
    return counts


def _grouped(
    batch: Sequence[tuple[Any, ...]], numbers: Mapping[tuple[str, str], int]
) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
    """Rows that stand one behind the other and belong to one part, with its number."""
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


def _named(rows: Sequence[tuple[Any, ...]], app_day: AppDay) -> list[dict[str, Any]]:
    """Rows as they are stored: apps of different platforms are different apps."""
    app = f"{app_day.partition.app.partition('.')[0]}.{app_day.app}"
    return [{**dict(zip(_NAMES, row, strict=True)), "app": app, "valid_bids": 0, "winning_bids": 0} for row in rows]
