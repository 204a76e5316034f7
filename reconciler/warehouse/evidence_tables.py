"""What the stored reports say of the cells of one question: figures by day, price bins, and whose rows they are."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeAlias

from reconciler.apis.days import DayRange
from reconciler.model.address import Address
from reconciler.model.evidence import Absence, Cell, Question
from reconciler.model.floors import WORLDWIDE
from reconciler.warehouse import evidence_sql as sql
from reconciler.warehouse.countries import alpha2
from reconciler.warehouse.coverage import totals_for
from reconciler.warehouse.engines import Engine
from reconciler.warehouse.imports.partitions import IMPORTED
from reconciler.warehouse.join import DtName, Matches, MediationLine, Role, absences, lines_after_dt, match
from reconciler.warehouse.report_store import Partition, ReportStore

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
    """What one report says of a cell on a day, 0 where it says nothing. `singles` are rows with one impression."""

    requests: int = 0
    impressions: int = 0
    revenue: float = 0.0
    singles: int = 0
    single_revenue: float = 0.0


@dataclass(frozen=True, slots=True)
class WaterfallFigures:
    """What the lines of one role did in a waterfall; `most` are the requests of the line that had the most."""

    requests: int
    earnings: float
    most: int


@dataclass(frozen=True, slots=True)
class EvidenceTables:
    """The answers of the reports. `absences` are days of apps without a line of DT's in their mediation reports.

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
    """The day of a partition that is one of a day."""
    return date.fromisoformat(partition.day)


def read_tables(store: ReportStore, engine: Engine, question: Question) -> EvidenceTables:
    """Ask the engine for all that a question needs."""
    files = _files(store, question)
    engine.load_files(sql.DT, [*files.dt.values()], sql.DT_COLUMNS)
    engine.load_files(sql.MEDIATION, [*files.mediation.values()], sql.MEDIATION_COLUMNS)
    absent = _absences(engine)
    counted = _counted(engine, absent)
    lines = [MediationLine(*row) for row in engine.rows(sql.mediation_lines_sql(counted))]
    names = [DtName(*row) for row in engine.rows(sql.dt_names_sql())]
    matches = match(question.known, sorted(names, key=str), sorted(lines, key=str))
    _load_places(engine, question, matches)
    _load_roles(engine, question, matches, lines)
    spellings = _load_spellings(engine, question)
    totals = [] if absent else _totals(store, question, files)
    if totals:
        engine.load_files(sql.TOTALS_TABLE, totals, sql.MEDIATION_COLUMNS)
    return EvidenceTables(
        files,
        absent,
        matches,
        _dt_days(engine, spellings),
        _prices(engine, spellings),
        _mediation_days(engine, counted),
        _waterfalls(engine, sql.TOTALS_TABLE if totals else counted),
    )


def _files(store: ReportStore, question: Question) -> ReportFiles:
    """Without mediation reports all of DT's days count, else those of which both tell."""
    chartboost, imported, dt = (
        store.files(source, question.first, question.last) for source in ("chartboost", IMPORTED, "dt")
    )
    days = {partition.day for partition in (*chartboost, *imported)} or {partition.day for partition in dt}
    return ReportFiles(chartboost, imported, {each: path for each, path in dt.items() if each.day in days})


def _totals(store: ReportStore, question: Question, files: ReportFiles) -> Sequence[Path]:
    """Totals without days, with the days of imports, which have none; none where the window has no totals."""
    found = totals_for(store, DayRange(question.first, question.last), list(files.chartboost))
    return [*found, *files.imported.values()] if found else []


def _absences(engine: Engine) -> Sequence[Absence]:
    sources: dict[str, dict[date, set[str]]] = defaultdict(lambda: defaultdict(set))
    for app, day, source in engine.rows(sql.mediation_sources_sql()):
        sources[app or ""][day].add(source)
    return absences(sources)


def _counted(engine: Engine, absent: Sequence[Absence]) -> str:
    """The mediation rows that count, as a table to select from.

    Those of days on which the line of DT is missing do not: what the others earned then is not what DT left them.
    """
    left_out = [(one.app, day.isoformat()) for one in absent for day in one.days]
    if left_out:
        engine.load_texts(sql.LEFT_OUT, ("app", "day"), left_out)
    return sql.counted_mediation(left_out=bool(left_out))


def _load_places(engine: Engine, question: Question, matches: Matches) -> None:
    asked = {cell.address for cell in question.cells}
    rows = (
        (name.app, name.placement_id, name.placement_name, address)
        for name, address in matches.dt.items()
        if address in asked
    )
    engine.load_texts(sql.PLACES, ("app", "placement_id", "placement_name", "address"), rows)


def _load_roles(engine: Engine, question: Question, matches: Matches, lines: Sequence[MediationLine]) -> None:
    """The lines that belong to an address: DT's own, and those asked after it."""
    asked = {cell.address for cell in question.cells}
    roles: list[tuple[MediationLine, Address, Role]] = [(*pair, "own") for pair in matches.lines.items()]
    after = lines_after_dt(matches, lines)
    roles += [(line, address, "behind") for address, of in after.items() for line in of]
    rows = (
        (line.app, line.placement, line.network, line.source, line.partner_placement, address, role)
        for line, address, role in roles
        if address in asked
    )
    engine.load_texts(sql.ROLES, (*sql.LINE, "address", "role"), rows)


def _load_spellings(engine: Engine, question: Question) -> Sequence[str]:
    """How DT's reports spell the countries that have a line of their own."""
    own = [(cell.address, cell.country) for cell in question.cells if cell.country != WORLDWIDE]
    countries = {country for _, country in own}
    told = [country for (country,) in engine.rows(sql.dt_countries_sql()) if country]
    codes = {spelling: code for spelling in told if (code := alpha2(spelling)) in countries}
    engine.load_texts(
        sql.SPELLINGS, ("spelling", "alpha2"), ((spelling, f"{code}") for spelling, code in codes.items())
    )
    engine.load_texts(sql.OWN, ("address", "country"), own)
    return [*codes]


def _dt_days(engine: Engine, spellings: Sequence[str]) -> Mapping[Cell, Mapping[date, DayFigures]]:
    found: dict[Cell, dict[date, DayFigures]] = defaultdict(dict)
    for address, country, day, impressions, revenue, singles, paid in engine.rows(sql.dt_days_sql(spellings)):
        figures = DayFigures(0, impressions, float(revenue), singles, float(paid or 0))
        found[Cell(Address(address), country)][day] = figures
    return found


def _prices(engine: Engine, spellings: Sequence[str]) -> Mapping[Cell, Mapping[int, int]]:
    found: dict[Cell, dict[int, int]] = defaultdict(dict)
    for address, country, price_bin, rows in engine.rows(sql.dt_prices_sql(spellings)):
        found[Cell(Address(address), country)][price_bin] = rows
    return found


def _mediation_days(engine: Engine, rows: str) -> Mapping[tuple[Cell, Role], Mapping[date, DayFigures]]:
    found: dict[tuple[Cell, Role], dict[date, DayFigures]] = defaultdict(dict)
    for address, country, role, day, *figures in engine.rows(sql.mediation_days_sql(rows)):
        found[Cell(Address(address), country), role][day] = DayFigures(*figures)
    return found


def _waterfalls(engine: Engine, rows: str) -> Mapping[tuple[Cell, Role], Sequence[WaterfallFigures]]:
    found: dict[tuple[Cell, Role], list[WaterfallFigures]] = defaultdict(list)
    for address, country, role, *figures in engine.rows(sql.mediation_cells_sql(rows)):
        found[Cell(Address(address), country), role].append(WaterfallFigures(*figures))
    return found
