"""Evidence from the stored reports: queries over them, the figures by cell and day, and what could not be matched."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

from reconciler.apis.reports import DayRange
from reconciler.model.address import Address
from reconciler.model.evidence import Absence, Cell, DayEvidence, Evidence, EvidenceQuery, Mode, UnmatchedReports
from reconciler.model.value import WORLDWIDE
from reconciler.warehouse import evidence_sql as sql
from reconciler.warehouse.acceptance import alpha2
from reconciler.warehouse.coverage import basis, totals_for
from reconciler.warehouse.engines import EMBEDDED, Engine, connect
from reconciler.warehouse.evidence_sql import rescaled
from reconciler.warehouse.importing import folder_of_line
from reconciler.warehouse.join import DtName, Matches, MediationLine, Role, absences, lines_after_dt, match, modes
from reconciler.warehouse.report_store import IMPORTED, Partition, ReportStore
from reconciler.warehouse.revenue import RevenueQuery, RevenueTables

Files: TypeAlias = Mapping[Partition, Path]


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """The data files in a window. `dt` are those of the days that count."""

    chartboost: Files
    imported: Files
    dt: Files

    @property
    def mediation(self) -> Files:
        """The mediation reports, fetched and imported."""
        return {**self.chartboost, **self.imported}

    @property
    def days(self) -> Sequence[date]:
        """The days that count: those with a mediation report or, without any, with one of DT's."""
        return sorted({day_of(partition) for partition in self.mediation or self.dt})


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The figures of one report for a cell and day, 0 where it has none. `singles` counts rows with one impression."""

    requests: int = 0
    impressions: int = 0
    revenue: float = 0.0
    singles: int = 0
    single_revenue: float = 0.0


@dataclass(frozen=True, slots=True)
class WaterfallFigures:
    """Figures of the lines of one role in a waterfall; `most` is the largest number of requests of one line."""

    requests: int
    earnings: float
    most: int


@dataclass(frozen=True, slots=True)
class EvidenceTables:
    """The results of all queries. `absences` are days of apps without a line of DT's in their mediation reports.

    `prices` counts rows with one impression by price bin; `waterfalls` holds a value for each waterfall of a cell.
    """

    files: ReportFiles
    absences: Sequence[Absence]
    matches: Matches
    dt_days: Mapping[Cell, Mapping[date, DayFigures]]
    prices: Mapping[Cell, Mapping[int, int]]
    mediation_days: Mapping[tuple[Cell, Role], Mapping[date, DayFigures]]
    waterfalls: Mapping[tuple[Cell, Role], Sequence[WaterfallFigures]]


def day_of(partition: Partition) -> date:
    """The day of a partition that holds one day. Raises ValueError for one of totals."""
    return date.fromisoformat(partition.day)


def read_tables(store: ReportStore, engine: Engine, query: EvidenceQuery) -> EvidenceTables:
    """Run all queries that the evidence needs."""
    files = _window_files(store, query)
    engine.load_files(sql.DT, [*files.dt.values()], sql.DT_COLUMNS)
    engine.load_files(sql.MEDIATION, [*files.mediation.values()], sql.MEDIATION_COLUMNS)
    absent = _read_absences(engine)
    counted = _counted_rows(engine, absent)
    lines = [MediationLine(*row) for row in engine.rows(sql.mediation_lines_sql(counted))]
    names = [DtName(*row) for row in engine.rows(sql.dt_names_sql())]
    matches = match(query.known, sorted(names, key=str), sorted(lines, key=str))
    _load_places(engine, query, matches)
    _load_roles(engine, query, matches, lines)
    spellings = _load_spellings(engine, query)
    totals = [] if absent else _totals_files(store, query, files)
    if totals:
        engine.load_files(sql.TOTALS_TABLE, totals, sql.MEDIATION_COLUMNS)
    return EvidenceTables(
        files,
        absent,
        matches,
        _read_dt_days(engine, spellings),
        _read_prices(engine, spellings),
        _read_mediation_days(engine, counted),
        _read_waterfalls(engine, sql.TOTALS_TABLE if totals else counted),
    )


def _window_files(store: ReportStore, query: EvidenceQuery) -> ReportFiles:
    """The files of the window: without mediation reports all of DT's days, else the days that both sides have."""
    chartboost, imported, dt = (
        store.files(source, query.first, query.last) for source in ("chartboost", IMPORTED, "dt")
    )
    days = {partition.day for partition in (*chartboost, *imported)} or {partition.day for partition in dt}
    return ReportFiles(chartboost, imported, {each: path for each, path in dt.items() if each.day in days})


def _totals_files(store: ReportStore, query: EvidenceQuery, files: ReportFiles) -> Sequence[Path]:
    """Files of totals over the window, and of imports, which have no totals; empty where the window has no totals."""
    totals = totals_for(store, DayRange(query.first, query.last), list(files.chartboost))
    return [*totals, *files.imported.values()] if totals else []


def _read_absences(engine: Engine) -> Sequence[Absence]:
    sources: dict[str, dict[date, set[str]]] = defaultdict(lambda: defaultdict(set))
    for app, day, source in engine.rows(sql.mediation_sources_sql()):
        sources[app or ""][day].add(source)
    return absences(sources)


def _counted_rows(engine: Engine, dt_absences: Sequence[Absence]) -> str:
    """The mediation rows that count, as SQL to select from.

    Rows of days without DT's line do not count: what the others earned then is not what DT left them.
    """
    left_out = [(absence.app, day.isoformat()) for absence in dt_absences for day in absence.days]
    if left_out:
        engine.load_texts(sql.LEFT_OUT, ("app", "day"), left_out)
    return sql.counted_mediation(left_out=bool(left_out))


def _load_places(engine: Engine, query: EvidenceQuery, matches: Matches) -> None:
    addresses = {cell.address for cell in query.cells}
    rows = (
        (name.app, name.placement_id, name.placement_name, address)
        for name, address in matches.dt.items()
        if address in addresses
    )
    engine.load_texts(sql.PLACES, ("app", "placement_id", "placement_name", "address"), rows)


def _load_roles(engine: Engine, query: EvidenceQuery, matches: Matches, lines: Sequence[MediationLine]) -> None:
    """Load the lines that belong to an address: DT's own, and those asked after it."""
    addresses = {cell.address for cell in query.cells}
    roles: list[tuple[MediationLine, Address, Role]] = [(*pair, "own") for pair in matches.lines.items()]
    after = lines_after_dt(matches, lines)
    roles += [(line, address, "behind") for address, of in after.items() for line in of]
    rows = (
        (line.app, line.placement, line.network, line.source, line.partner_placement, address, role)
        for line, address, role in roles
        if address in addresses
    )
    engine.load_texts(sql.ROLES, (*sql.LINE, "address", "role"), rows)


def _load_spellings(engine: Engine, query: EvidenceQuery) -> Sequence[str]:
    """Load the spellings of countries with a floor of their own in DT's reports; returns the spellings."""
    own = [(cell.address, cell.country) for cell in query.cells if cell.country != WORLDWIDE]
    countries = {country for _, country in own}
    spellings = [country for (country,) in engine.rows(sql.dt_countries_sql()) if country]
    codes = {spelling: code for spelling in spellings if (code := alpha2(spelling)) in countries}
    engine.load_texts(
        sql.SPELLINGS, ("spelling", "alpha2"), ((spelling, f"{code}") for spelling, code in codes.items())
    )
    engine.load_texts(sql.OWN, ("address", "country"), own)
    return [*codes]


def _read_dt_days(engine: Engine, spellings: Sequence[str]) -> Mapping[Cell, Mapping[date, DayFigures]]:
    by_cell: dict[Cell, dict[date, DayFigures]] = defaultdict(dict)
    for address, country, day, impressions, revenue, singles, paid in engine.rows(sql.dt_days_sql(spellings)):
        figures = DayFigures(0, impressions, float(revenue), singles, float(paid or 0))
        by_cell[Cell(Address(address), country)][day] = figures
    return by_cell


def _read_prices(engine: Engine, spellings: Sequence[str]) -> Mapping[Cell, Mapping[int, int]]:
    by_cell: dict[Cell, dict[int, int]] = defaultdict(dict)
    for address, country, price_bin, rows in engine.rows(sql.dt_prices_sql(spellings)):
        by_cell[Cell(Address(address), country)][price_bin] = rows
    return by_cell


def _read_mediation_days(engine: Engine, rows: str) -> Mapping[tuple[Cell, Role], Mapping[date, DayFigures]]:
    by_role: dict[tuple[Cell, Role], dict[date, DayFigures]] = defaultdict(dict)
    for address, country, role, day, *figures in engine.rows(sql.mediation_days_sql(rows)):
        by_role[Cell(Address(address), country), role][day] = DayFigures(*figures)
    return by_role


def _read_waterfalls(engine: Engine, rows: str) -> Mapping[tuple[Cell, Role], Sequence[WaterfallFigures]]:
    by_role: dict[tuple[Cell, Role], list[WaterfallFigures]] = defaultdict(list)
    for address, country, role, *figures in engine.rows(sql.mediation_cells_sql(rows)):
        by_role[Cell(Address(address), country), role].append(WaterfallFigures(*figures))
    return by_role


MEMORY: Final = "1GB"
_NOTHING: Final = DayFigures()


class Warehouse:
    """Reports under a folder, and an engine that queries them; `close` it, or use it as a context.

    `engine` is a connection string (see `engines`). Raises `ProjectError` where the engine or its library is missing.
    """

    def __init__(self, root: Path, engine: str = EMBEDDED, *, memory: str = MEMORY) -> None:
        self._store = ReportStore(root)
        self._spill = root / "spill"
        self._engine: Engine = connect(engine, memory, self._spill)

    def evidence(self, question: EvidenceQuery) -> tuple[tuple[Evidence, ...], UnmatchedReports]:
        """Evidence for every cell of the query, in their order, and what could not be matched.

        Requests come from Chartboost, impressions and revenue from DT, or from Chartboost on days without a report of
        DT's. Days count only where Chartboost was fetched, unless none was, so that both sides cover the same days.
        `after_requests` are those of the line behind DT that was asked most often.
        """
        tables = read_tables(self._store, self._engine, question)
        builder = _EvidenceBuilder(tables, question)
        return tuple(map(builder.evidence, question.cells)), self._unmatched(tables, question)

    @property
    def engine(self) -> Engine:
        """The engine, for questions of other modules."""
        return self._engine

    def revenue(self, query: RevenueQuery) -> RevenueTables:
        """The reports of a query, loaded to be summed by any keys while this is open."""
        return RevenueTables(self._store, self._engine, query)

    def close(self) -> None:
        """Close the engine, and remove its folder for what did not fit in memory."""
        self._engine.close()
        with suppress(OSError):
            self._spill.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _unmatched(self, tables: EvidenceTables, question: EvidenceQuery) -> UnmatchedReports:
        """Names that match no placement; and placements in DT's reports alone, where there are mediation reports."""
        matches, mediation = tables.matches, [*tables.files.mediation]
        without_line = {cell.address for cell in question.cells} - set(matches.lines.values())
        alone = [name for name, address in matches.dt.items() if mediation and address in without_line]
        return UnmatchedReports(
            tuple(sorted({line.shown for line in matches.unmatched_lines})),
            tuple(sorted({name.shown for name in (*matches.unmatched_dt, *alone)})),
            sum(line.rows for line in matches.unmatched_lines)
            + sum(name.rows for name in (*matches.unmatched_dt, *alone)),
            matches.loose,
            basis(self._store, question, matches, mediation, tables.absences),
        )


class _EvidenceBuilder:
    """Builds the evidence of each cell from the tables of a query."""

    def __init__(self, tables: EvidenceTables, question: EvidenceQuery) -> None:
        self._tables = tables
        self._question = question

    def evidence(self, cell: Cell) -> Evidence:
        """The evidence of one cell."""
        tables = self._tables
        dt, own = tables.dt_days.get(cell, {}), tables.mediation_days.get((cell, "own"), {})
        after = tables.mediation_days.get((cell, "behind"), {})
        mode = self._modes.get(cell.address, "unknown")
        if not dt and not own and not after:
            return Evidence(cell, mode, 0, 0, 0.0, 0.0, 0)
        days = tuple(self._day(cell, day, dt, own, after) for day in self._days_of(cell.address))
        waterfalls = tables.waterfalls.get((cell, "behind"), ())
        impressions, revenue = sum(day.impressions for day in days), sum((day.revenue for day in days), 0.0)
        single_revenue = sum(day.single_revenue for day in dt.values())
        return Evidence(
            cell,
            mode,
            requests=sum(each.requests for each in tables.waterfalls.get((cell, "own"), ())),
            impressions=impressions,
            revenue=revenue,
            after=sum((each.earnings for each in waterfalls), 0.0),
            after_requests=sum(each.most for each in waterfalls),
            single_rows=sum(day.singles for day in dt.values()),
            prices=rescaled(tables.prices.get(cell, {}), single_revenue, impressions, revenue),
            days=days,
        )

    def _day(
        self,
        cell: Cell,
        day: date,
        dt: Mapping[date, DayFigures],
        own: Mapping[date, DayFigures],
        after: Mapping[date, DayFigures],
    ) -> DayEvidence:
        mediation = own.get(day, _NOTHING)
        source = dt.get(day, _NOTHING) if day in self._dt_days.get(cell.address, ()) else mediation
        floor = self._question.floors.get(cell, {}).get(day)
        earned_after = after.get(day, _NOTHING).revenue
        return DayEvidence(day, mediation.requests, source.impressions, source.revenue, earned_after, floor)

    @cached_property
    def _modes(self) -> Mapping[Address, Mode]:
        return modes(self._tables.matches)

    @cached_property
    def _dt_days(self) -> Mapping[Address, frozenset[date]]:
        """The days of which there is a report of DT's, by address."""
        days: dict[str, set[date]] = defaultdict(set)
        for partition in self._tables.files.dt:
            days[partition.app].add(day_of(partition))
        apps: dict[Address, set[str]] = defaultdict(set)
        for placement in self._question.known:
            apps[placement.address] |= {placement.app_id} if placement.app_id else set()
        for name, address in self._tables.matches.dt.items():
            apps[address].add(name.app)
        return {address: frozenset().union(*(days[app] for app in of)) for address, of in apps.items()}

    def _days_of(self, address: Address) -> Sequence[date]:
        """The days that count for an address: those of Chartboost's reports or of imports of its own app.

        Days without DT's line do not count.
        """
        imported, without = self._imported_days.get(address), self._days_without_dt.get(address, frozenset())
        days = [day for day in self._days if not imported or day in imported or day in self._chartboost_days]
        return [day for day in days if day not in without]

    @cached_property
    def _days(self) -> Sequence[date]:
        return self._tables.files.days

    @cached_property
    def _chartboost_days(self) -> frozenset[date]:
        return frozenset(map(day_of, self._tables.files.chartboost))

    @cached_property
    def _imported_days(self) -> Mapping[Address, frozenset[date]]:
        """The imported days, by address; Chartboost's reports, which hold all apps, are not among them."""
        days: dict[str, set[date]] = defaultdict(set)
        for partition in self._tables.files.imported:
            days[partition.app].add(day_of(partition))
        days_of: dict[Address, set[date]] = defaultdict(set)
        for line, address in self._tables.matches.lines.items():
            days_of[address] |= days.get(folder_of_line(line.app), set())
        return {address: frozenset(of) for address, of in days_of.items()}

    @cached_property
    def _days_without_dt(self) -> Mapping[Address, frozenset[date]]:
        """The days on which the line of DT is missing, by address."""
        days = {absence.app: frozenset(absence.days) for absence in self._tables.absences}
        days_of: dict[Address, frozenset[date]] = {}
        for line, address in self._tables.matches.lines.items():
            days_of[address] = days_of.get(address, frozenset()) | days.get(line.app, frozenset())
        return days_of
