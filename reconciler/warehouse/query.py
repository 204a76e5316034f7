"""One question to the reports, answered: tables in, evidence out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from reconciler.apis.days import DayRange
from reconciler.model.address import Address
from reconciler.model.evidence import Absence, Cell, DayEvidence, Evidence, Question, Unmatched
from reconciler.model.floors import WORLDWIDE
from reconciler.warehouse import evidence_sql
from reconciler.warehouse.countries import alpha2
from reconciler.warehouse.coverage import basis, totals_for
from reconciler.warehouse.engines import table_of, table_of_texts
from reconciler.warehouse.evidence_sql import rescaled
from reconciler.warehouse.imports.partitions import IMPORTED, folder_of_line
from reconciler.warehouse.join import DtName, Matches, MediationLine, Role, absences, lines_after_dt, match, modes
from reconciler.warehouse.report_store import Partition, ReportStore

if TYPE_CHECKING:
    from ibis import Table
    from ibis.backends import BaseBackend


Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Day:
    """What one report says of a cell on a day; what it does not speak of is 0."""

    requests: int = 0
    impressions: int = 0
    revenue: float = 0.0
    singles: int = 0
    single_revenue: float = 0.0


_NOTHING = _Day()


class Query:
    """A question, and all that is found on the way to its answer."""

    def __init__(self, store: ReportStore, backend: "BaseBackend", question: Question) -> None:
        self._store = store
        self._backend = backend
        self._question = question
        self._addresses = {cell.address for cell in question.cells}

    def answer(self) -> tuple[tuple[Evidence, ...], Unmatched]:
        """See `Warehouse.evidence`."""
        return tuple(map(self._evidence, self._question.cells)), self._unmatched()

    @cached_property
    def _chartboost_files(self) -> Mapping[Partition, Path]:
        return self._store.files("chartboost", self._question.first, self._question.last)

    @cached_property
    def _imported_files(self) -> Mapping[Partition, Path]:
        return self._store.files(IMPORTED, self._question.first, self._question.last)

    @cached_property
    def _mediation_files(self) -> Mapping[Partition, Path]:
        return {**self._chartboost_files, **self._imported_files}

    @cached_property
    def _days(self) -> Sequence[date]:
        """The days that count: those of which Chartboost or an import tells, or else DT."""
        files = self._mediation_files or self._store.files("dt", self._question.first, self._question.last)
        return sorted({date.fromisoformat(partition.day) for partition in files})

    @cached_property
    def _dt_files(self) -> Mapping[Partition, Path]:
        days = {day.isoformat() for day in self._days}
        files = self._store.files("dt", self._question.first, self._question.last)
        return {partition: path for partition, path in files.items() if partition.day in days}

    @cached_property
    def _dt(self) -> "Table":
        return table_of(self._backend, list(self._dt_files.values()), evidence_sql.dt_schema())

    @cached_property
    def _all_mediation(self) -> "Table":
        return table_of(self._backend, list(self._mediation_files.values()), evidence_sql.mediation_schema())

    @cached_property
    def _absences(self) -> Sequence[Absence]:
        seen: dict[str, dict[date, set[str]]] = defaultdict(lambda: defaultdict(set))
        for row in self._rows(evidence_sql.mediation_sources(self._all_mediation)):
            seen[row["app"] or ""][row["day"]].add(row["source"])
        return absences(seen)

    @cached_property
    def _mediation(self) -> "Table":
        """Without days on which the line of DT is missing: what the others earned then is not what DT left them."""
        left = [(one.app, day.isoformat()) for one in self._absences for day in one.days]
        table = self._all_mediation
        return evidence_sql.without_days(table, table_of_texts(("left_app", "left_day"), left)) if left else table

    @cached_property
    def _lines(self) -> Sequence[MediationLine]:
        return [MediationLine(**row) for row in self._rows(evidence_sql.mediation_lines(self._mediation))]

    @cached_property
    def _matches(self) -> Matches:
        names = [DtName(**row) for row in self._rows(evidence_sql.dt_names(self._dt))]
        return match(self._question.known, sorted(names, key=str), sorted(self._lines, key=str))

    @cached_property
    def _spelled(self) -> Mapping[str, str]:
        """How the reports spell the countries that have a line of their own."""
        own = {cell.country for cell in self._question.cells}
        told = [row["country"] for row in self._rows(evidence_sql.dt_countries(self._dt))]
        codes = {spelling: alpha2(spelling) for spelling in told if spelling}
        return {spelling: code for spelling, code in codes.items() if code in own}

    @cached_property
    def _dt_cells(self) -> tuple["Table", "Table", "Table", "Table"]:
        """What questions to DT's rows are asked of."""
        spellings = table_of_texts(("spelling", "alpha2"), self._spelled.items())
        return evidence_sql.folded(self._dt, [*self._spelled]), self._places, spellings, self._own

    @cached_property
    def _own(self) -> "Table":
        """The countries that have a line of their own."""
        cells = [cell for cell in self._question.cells if cell.country != WORLDWIDE]
        return table_of_texts(("address", "country"), ((cell.address, cell.country) for cell in cells))

    @cached_property
    def _places(self) -> "Table":
        asked = [(name, address) for name, address in self._matches.dt.items() if address in self._addresses]
        rows = ((name.app, name.placement_id, name.placement_name, address) for name, address in asked)
        return table_of_texts((*evidence_sql.DT_NAMES, "address"), rows)

    @cached_property
    def _roles(self) -> "Table":
        """The lines that belong to an address: DT's own, and those asked after it."""
        after = lines_after_dt(self._matches, self._lines)
        rows = [(_key(line), address, "own") for line, address in self._matches.lines.items()]
        rows += [(_key(line), address, "behind") for address, lines in after.items() for line in lines]
        asked = ((*key, address, role) for key, address, role in rows if address in self._addresses)
        return table_of_texts((*evidence_sql.LINE, "address", "role"), asked)

    @cached_property
    def _dt_days(self) -> Mapping[Cell, Mapping[date, _Day]]:
        found: dict[Cell, dict[date, _Day]] = defaultdict(dict)
        for row in self._rows(evidence_sql.dt_days(*self._dt_cells)):
            numbers = row["impressions"], float(row["revenue"]), row["singles"], float(row["single_revenue"] or 0)
            found[_cell(row)][row["day"]] = _Day(0, *numbers)
        return found

    @cached_property
    def _prices(self) -> Mapping[Cell, Mapping[int, int]]:
        found: dict[Cell, dict[int, int]] = defaultdict(dict)
        for row in self._rows(evidence_sql.dt_prices(*self._dt_cells)):
            found[_cell(row)][row["bin"]] = row["rows"]
        return found

    @cached_property
    def _mediation_days(self) -> Mapping[tuple[Cell, Role], Mapping[date, _Day]]:
        found: dict[tuple[Cell, Role], dict[date, _Day]] = defaultdict(dict)
        for row in self._rows(evidence_sql.mediation_days(self._mediation, self._roles, self._own)):
            found[_cell(row), row["role"]][row["day"]] = _Day(row["requests"], row["impressions"], row["earnings"])
        return found

    @cached_property
    def _mediation_cells(self) -> Mapping[tuple[Cell, Role], Sequence[Row]]:
        """By cell and role a row for each waterfall, from totals without days where there are such."""
        window = DayRange(self._question.first, self._question.last)
        files = [] if self._absences else totals_for(self._store, window, list(self._chartboost_files))
        whole = [*files, *self._imported_files.values()]
        rows = table_of(self._backend, whole, evidence_sql.mediation_schema()) if files else self._mediation
        found: dict[tuple[Cell, Role], list[Row]] = defaultdict(list)
        for row in self._rows(evidence_sql.mediation_cells(rows, self._roles, self._own)):
            found[_cell(row), row["role"]].append(row)
        return found

    @cached_property
    def _reported(self) -> Mapping[Address, frozenset[date]]:
        """The days of which there is a report of DT's, by address."""
        days: dict[str, set[date]] = defaultdict(set)
        for partition in self._dt_files:
            days[partition.app].add(date.fromisoformat(partition.day))
        apps: dict[Address, set[str]] = defaultdict(set)
        for one in self._question.known:
            apps[one.address] |= {one.app_id} if one.app_id else set()
        for name, address in self._matches.dt.items():
            apps[address].add(name.app)
        return {address: frozenset().union(*(days[app] for app in of)) for address, of in apps.items()}

    @cached_property
    def _told(self) -> Mapping[Address, frozenset[date]]:
        """The days of which an import tells, by address; those of Chartboost hold all apps, and are not here."""
        days: dict[str, set[date]] = defaultdict(set)
        for partition in self._imported_files:
            days[partition.app].add(date.fromisoformat(partition.day))
        found: dict[Address, set[date]] = defaultdict(set)
        for line, address in self._matches.lines.items():
            found[address] |= days.get(folder_of_line(line.app), set())
        return {address: frozenset(of) for address, of in found.items()}

    def _days_of(self, address: Address) -> Sequence[date]:
        """The days that count for an address: without Chartboost's, those of which its own app was imported.

        Days on which the line of DT is missing count for nothing.
        """
        told, without = self._told.get(address), self._without.get(address, frozenset())
        everywhere = {date.fromisoformat(partition.day) for partition in self._chartboost_files}
        days = [day for day in self._days if not told or day in told or day in everywhere]
        return [day for day in days if day not in without]

    @cached_property
    def _without(self) -> Mapping[Address, frozenset[date]]:
        """The days on which the line of DT is missing, by address."""
        days = {one.app: frozenset(one.days) for one in self._absences}
        found: dict[Address, frozenset[date]] = {}
        for line, address in self._matches.lines.items():
            found[address] = found.get(address, frozenset()) | days.get(line.app, frozenset())
        return found

    @cached_property
    def _modes(self) -> Mapping[Address, Any]:
        return modes(self._matches)

    def _evidence(self, cell: Cell) -> Evidence:
        dt, own = self._dt_days.get(cell, {}), self._mediation_days.get((cell, "own"), {})
        after = self._mediation_days.get((cell, "behind"), {})
        if not dt and not own and not after:
            return Evidence(cell, self._modes.get(cell.address, "unknown"), 0, 0, 0.0, 0.0, 0)
        days = tuple(self._day(cell, day, dt, own, after) for day in self._days_of(cell.address))
        waterfalls = self._mediation_cells.get((cell, "behind"), ())
        impressions, revenue = sum(day.impressions for day in days), sum((day.revenue for day in days), 0.0)
        singles = sum(day.single_revenue for day in dt.values())
        return Evidence(
            cell,
            self._modes.get(cell.address, "unknown"),
            requests=sum(row["requests"] for row in self._mediation_cells.get((cell, "own"), ())),
            impressions=impressions,
            revenue=revenue,
            after=sum((row["earnings"] for row in waterfalls), 0.0),
            after_requests=sum(row["most"] for row in waterfalls),
            single_rows=sum(day.singles for day in dt.values()),
            prices=rescaled(self._prices.get(cell, {}), singles, impressions, revenue),
            days=days,
        )

    def _day(
        self,
        cell: Cell,
        day: date,
        dt: Mapping[date, _Day],
        own: Mapping[date, _Day],
        after: Mapping[date, _Day],
    ) -> DayEvidence:
        asked = own.get(day, _NOTHING)
        sold = dt.get(day, _NOTHING) if day in self._reported.get(cell.address, ()) else asked
        floor = self._question.floors.get(cell, {}).get(day)
        behind_it = after.get(day, _NOTHING).revenue
        return DayEvidence(day, asked.requests, sold.impressions, sold.revenue, behind_it, floor)

    def _unmatched(self) -> Unmatched:
        """Names that are nobody's; and ours of which only DT speaks, where Chartboost was asked at all."""
        matches = self._matches
        lined = set(matches.lines.values())
        alone = [
            name for name, address in matches.dt.items() if self._mediation_files and address in self._addresses - lined
        ]
        return Unmatched(
            tuple(sorted({line.shown for line in matches.unmatched_lines})),
            tuple(sorted({name.shown for name in (*matches.unmatched_dt, *alone)})),
            sum(line.rows for line in matches.unmatched_lines)
            + sum(name.rows for name in (*matches.unmatched_dt, *alone)),
            matches.loose,
            basis(self._store, self._question, matches, [*self._mediation_files], self._absences),
        )

    def _rows(self, expression: "Table") -> Sequence[Row]:
        found: Sequence[Row] = self._backend.to_pyarrow(expression).to_pylist()
        return found


def _cell(row: Row) -> Cell:
    return Cell(Address(row["address"]), row["cell"])


def _key(line: MediationLine) -> tuple[str, ...]:
    return line.app, line.placement, line.network, line.source, line.partner_placement
