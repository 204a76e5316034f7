"""Rows of evidence as days of apps: what is replaced on the shelf as a whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from reconciler.errors import ProjectError
from reconciler.reporting.judgement import literal
from reconciler.reporting.mediation_rows import schema
from reconciler.reporting.shelf import DATA, Partition, Shelf

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

IMPORTED: Final = "imported"
"""The source under which evidence from elsewhere lies."""
_MOST_PARTITIONS: Final = 20_000
_LONGEST_FOLDER: Final = 150
_SAME: Final = 0.5
"""The share of a day's rows from which on two reports are taken for the same one."""
_NAMES: Final = (
    *("app", "day", "network", "source", "placement", "partner_placement", "format", "country"),
    *("requests", "responses", "impressions", "earnings"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A day of an app, as it is replaced as a whole."""

    app: str
    partition: Partition


def parts_of(rows: "DuckDBPyConnection", network: str) -> Sequence[Part]:
    """The days of apps that the table `kept` tells of. Raises `ProjectError` where they are too many to be such."""
    count = rows.execute("SELECT count(*) FROM (SELECT DISTINCT app, day FROM kept)").fetchone()
    if count and count[0] > _MOST_PARTITIONS:
        raise ProjectError(
            f"the report tells of {count[0]:,} days of apps, more than {_MOST_PARTITIONS:,}",
            hint="does the column that is taken for the app name something else? --map COLUMN=app",
        )
    found = rows.execute("SELECT DISTINCT app, day FROM kept ORDER BY app, day").fetchall()
    return [Part(app, Partition(IMPORTED, folder_of(network, app), day.isoformat())) for app, day in found]


def folder_of(network: str, app: str) -> str:
    """Under which app of the shelf the rows of a platform's app lie: readable where a folder can be called so."""
    plain = app.isascii() and app.isprintable() and len(quote(app, safe="")) <= _LONGEST_FOLDER
    return f"{network}.{app if plain else blake2b(app.encode(), digest_size=12).hexdigest()}"


def folder_of_line(app: str) -> str:
    """The same for the app of a row that lies on the shelf, where the platform stands before it."""
    network, _, own = app.partition(".")
    return folder_of(network, own)


def check_once(rows: "DuckDBPyConnection", shelf: Shelf, parts: Sequence[Part]) -> None:
    """Refuse figures that lie on the shelf already under another app or platform: they would count twice."""
    own, days = {part.partition for part in parts}, {part.partition.day for part in parts}
    for partition, path in shelf.partitions(IMPORTED).items():
        if partition in own or partition.day not in days:
            continue
        there = f"SELECT source, country, impressions, earnings FROM read_parquet({literal(str(path))})"  # noqa: S608
        new = f"""SELECT source, country, sum(impressions) AS impressions,
                CAST(sum(earnings) AS DECIMAL(18, 6)) AS earnings
            FROM kept WHERE day = DATE {literal(partition.day)}
            GROUP BY app, network, source, placement, partner_placement, format, country"""  # noqa: S608 - our own texts
        found = rows.execute(f"""SELECT count(*), count(*) FILTER (EXISTS (
                SELECT 1 FROM ({new}) AS new WHERE new.source = old.source AND new.impressions = old.impressions
                    AND new.earnings = old.earnings AND new.country IS NOT DISTINCT FROM old.country))
            FROM ({there} WHERE impressions > 0) AS old""").fetchone()  # noqa: S608 - as above
        if found and found[0] and found[1] > _SAME * found[0]:
            raise ProjectError(
                f"{found[1]:,} of {found[0]:,} rows of {partition.day} were imported before as {partition.app}: "
                "they would count twice",
                hint=f"import with the same columns as then, or remove .reconciler/reports/source={IMPORTED}/app="
                f"{partition.folder.parts[1].partition('=')[2]} first",
            )


def written(rows: "DuckDBPyConnection", parts: Sequence[Part], folder: Path) -> Sequence[int]:
    """Write a file for each day of an app; how many rows each has. Rows of the same thing are summed."""
    import pyarrow as pa  # noqa: PLC0415 - an extra, and 0.2 s
    from pyarrow import parquet  # noqa: PLC0415

    summed = rows.execute(
        """SELECT app, day, network, source, placement, partner_placement, format, country,
            CAST(sum(requests) AS BIGINT) AS requests, CAST(sum(responses) AS BIGINT) AS responses,
            CAST(sum(impressions) AS BIGINT) AS impressions, CAST(sum(earnings) AS DECIMAL(18, 6)) AS earnings
        FROM kept GROUP BY ALL ORDER BY app, day"""
    )
    counts = [0] * len(parts)
    numbers = {(part.app, part.partition.day): number for number, part in enumerate(parts)}
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
                    writer.write_table(pa.Table.from_pylist(_named(told, parts[number]), schema=schema()))
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


def _named(rows: Sequence[tuple[Any, ...]], part: Part) -> list[dict[str, Any]]:
    """Rows as the shelf keeps them: apps of different platforms are different apps."""
    app = f"{part.partition.app.partition('.')[0]}.{part.app}"
    return [{**dict(zip(_NAMES, row, strict=True)), "app": app, "valid_bids": 0, "winning_bids": 0} for row in rows]
