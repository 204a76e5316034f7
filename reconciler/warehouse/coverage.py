"""How much of a window is stored, was read, and belongs to known placements.

Also: the files of totals over several days, the figures of a data file, and the removal of rows that sum others.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.apis.reports import DayRange
from reconciler.model.evidence import Absence, Basis, EvidenceQuery
from reconciler.warehouse.acceptance import NOWHERE, STRAY, SUM, SUMS, Figures
from reconciler.warehouse.join import Matches
from reconciler.warehouse.report_store import Partition, ReportStore
from reconciler.warehouse.user_report_csv import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


TOTALS: Final = "chartboost_totals"
"""The source under which totals lie: their earnings are rounded to cents once, not once a day."""


def partition_name(span: DayRange) -> str:
    """The name of a partition of totals, which has it in the place of a day: `first--last`."""
    return f"{span.first}--{span.last}"


def totals_for(store: ReportStore, window: DayRange, days: Sequence[Partition]) -> list[Path]:
    """The files of totals that cover exactly this window; an empty list where they do not, or a day was fetched later.

    `days` are Chartboost's partitions in the window.
    """
    if len(days) < len(window):
        return []
    latest = max((metadata.fetched_at for day in days if (metadata := store.metadata(day))), default=None)
    longest: dict[date, tuple[date, Path]] = {}
    for partition, path in store.partitions(TOTALS).items():
        span, metadata = _parse_span(partition.day), store.metadata(partition)
        if span is None or span.last > window.last or metadata is None or (latest and metadata.fetched_at < latest):
            continue
        longest[span.first] = max(longest.get(span.first, (date.min, path)), (span.last, path))
    return _tiles(longest, window)


def _tiles(found: dict[date, tuple[date, Path]], window: DayRange) -> list[Path]:
    tiles: list[Path] = []
    day = window.first
    while day <= window.last:
        if day not in found:
            return []
        last, path = found[day]
        tiles.append(path)
        day = last + timedelta(days=1)
    return tiles


def _parse_span(name: str) -> DayRange | None:
    try:
        first, last = map(date.fromisoformat, name.split("--"))
    except ValueError:
        return None
    return DayRange(first, last)


def basis(
    store: ReportStore,
    query: EvidenceQuery,
    matches: Matches,
    mediation: Sequence[Partition],
    absent: Sequence[Absence],
) -> Basis:
    """What the evidence of a question stands on; `mediation` are the mediation reports in its window.

    Money is that of DT's own reports or, without any, what the mediation reports say of DT.
    """
    dt = [*store.files("dt", query.first, query.last)]
    all_metadata = [metadata for each in (*mediation, *dt) if (metadata := store.metadata(each))]
    reasons = Counter[str]()
    for metadata in all_metadata:
        reasons.update(metadata.quarantined)
    unread = sum(rows for why, rows in reasons.items() if why not in STRAY)
    apps = {each.app for each in dt} | {one.app_id for one in query.known if one.app_id}
    window = len(DayRange(query.first, query.last))
    if dt:
        joined, unmatched = (sum(name.revenue for name in names) for names in (matches.dt, matches.unmatched_dt))
    else:
        joined, unmatched = (sum(line.earnings for line in of) for of in (matches.lines, matches.unmatched_lines))
    return Basis(
        days=window,
        mediation_days=len({each.day for each in mediation}),
        dt_days=len(dt),
        dt_expected=len(apps) * window,
        rows=sum(metadata.rows for metadata in all_metadata) + unread,
        unread=unread,
        repeated=sum(metadata.repeated for metadata in all_metadata),
        sums=reasons[SUM],
        revenue=joined + unmatched,
        joined=joined,
        absences=tuple(absent),
    )


PlacementKey: TypeAlias = tuple[str | None, str | None]
"""A placement's id and name."""
CellKey: TypeAlias = tuple[str | None, str | None, str | None]
"""A placement's id and name, and a country as the report spells it."""

_LEAST: Final = 10
"""Impressions from which equal figures are not a coincidence."""
_MEMORY: Final = "256MB"
_KEY: Final = ("placement_id", "placement_name", "country")


def is_sum_of(part: Figures, whole: Figures) -> bool:
    """Whether a row, or a few, have the figures of all others together."""
    return (
        part.impressions == whole.impressions >= _LEAST
        and part.rows <= whole.rows
        and isclose(part.money, whole.money, rel_tol=1e-6, abs_tol=1e-6)
    )


def data_figures(connection: "DuckDBPyConnection", data: Path, money: str) -> Figures:
    """The sums over all rows of a data file; `money` is the name of its column of USD."""
    statement = f"SELECT count(*), sum(impressions), sum({money}) FROM {literal(str(data))}"  # noqa: S608 - our own path
    rows, impressions, amount = connection.execute(statement).fetchone() or (0, 0, 0)
    return Figures(int(rows), float(impressions or 0), float(amount or 0))


def file_figures(data: Path, money: str) -> Figures:
    """`data_figures` over a connection of its own."""
    import duckdb  # noqa: PLC0415 - an extra, and 0.1 s

    with duckdb.connect(config={"memory_limit": _MEMORY}) as connection:
        return data_figures(connection, data, money)


def sources_in(files: Sequence[Path]) -> Mapping[str, Mapping[date, set[str]]]:
    """The demand sources in files of mediation rows, by app and day."""
    import duckdb  # noqa: PLC0415 - as above

    sources: dict[str, dict[date, set[str]]] = defaultdict(lambda: defaultdict(set))
    if not files:
        return sources
    listed = ", ".join(literal(str(path)) for path in files)
    with duckdb.connect(config={"memory_limit": _MEMORY}) as connection:
        statement = (
            f"SELECT DISTINCT coalesce(app, ''), day, source FROM read_parquet([{listed}], hive_partitioning = false)"  # noqa: S608 - as above
        )
        for app, day, source in connection.execute(statement).fetchall():
            sources[str(app)][day].add(str(source))
    return sources


def remove_sums(connection: "DuckDBPyConnection", data: Path) -> int:
    """Remove the rows that sum others from a data file; returns how many there were.

    A row without a country may be of users whom nobody could place, or the sum over all countries, which its figures
    tell. So may a placement be called `Total`, or be none but the sum of the others.
    """
    statement = f"""SELECT placement_id, placement_name, country, count(*), sum(impressions), sum(revenue)
        FROM {literal(str(data))} GROUP BY ALL"""  # noqa: S608 - as above
    cells = {
        (place, name, country): Figures(int(rows), float(impressions), float(money))
        for place, name, country, rows, impressions, money in connection.execute(statement).fetchall()
    }
    found = [*_sums_over_countries(cells)]
    found += _sums_over_placements({key: each for key, each in cells.items() if key not in found})
    if not found:
        return 0
    remaining = data.with_name("without-sums.parquet")
    sums = " OR ".join(map(_key_condition, found))
    connection.execute(
        f"COPY (SELECT * FROM {literal(str(data))} WHERE NOT ({sums})) TO {literal(str(remaining))} "  # noqa: S608 - as above
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    remaining.replace(data)
    return sum(cells[key].rows for key in found)


def _sums_over_countries(cells: Mapping[CellKey, Figures]) -> Iterable[CellKey]:
    keys_of: dict[PlacementKey, list[CellKey]] = defaultdict(list)
    for key in cells:
        keys_of[key[:2]].append(key)
    for keys in keys_of.values():
        named = [key for key in keys if (key[2] or "").lower() not in NOWHERE]
        whole = _total(cells, named)
        yield from (key for key in keys if key not in named and is_sum_of(cells[key], whole))


def _sums_over_placements(cells: Mapping[CellKey, Figures]) -> Sequence[CellKey]:
    sums = [key for key in cells if (key[1] or "").strip().lower() in SUMS]
    named = [key for key in cells if key not in sums]
    return sums if sums and is_sum_of(_total(cells, sums), _total(cells, named)) else []


def _total(cells: Mapping[CellKey, Figures], keys: Iterable[CellKey]) -> Figures:
    return sum((cells[key] for key in keys), Figures())


def _key_condition(key: CellKey) -> str:
    parts = (
        f"{name} IS NOT DISTINCT FROM {'NULL' if value is None else literal(value)}"
        for name, value in zip(_KEY, key, strict=True)
    )
    return f"({' AND '.join(parts)})"
