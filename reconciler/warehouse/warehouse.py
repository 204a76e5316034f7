"""The stored reports, asked for evidence: cells over a window of days."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from reconciler.model.address import Address
from reconciler.model.evidence import Cell, DayEvidence, Evidence, Mode, Question, Unmatched
from reconciler.warehouse.coverage import basis
from reconciler.warehouse.engines import EMBEDDED, Engine, connect
from reconciler.warehouse.evidence_sql import rescaled
from reconciler.warehouse.evidence_tables import DayFigures, EvidenceTables, day_of, read_tables
from reconciler.warehouse.imports.partitions import folder_of_line
from reconciler.warehouse.join import modes
from reconciler.warehouse.report_store import ReportStore

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

    def evidence(self, question: Question) -> tuple[tuple[Evidence, ...], Unmatched]:
        """Evidence for every cell that is asked for, in their order, and what could not be joined.

        Requests come from Chartboost, impressions and revenue from DT, or from Chartboost on days without a report of
        DT's. Days count only where Chartboost was fetched, unless none was, so that both sides speak of the same days.
        `after_requests` are those of the line behind DT that was asked most.
        """
        tables = read_tables(self._store, self._engine, question)
        answer = _Answer(tables, question)
        return tuple(map(answer.evidence, question.cells)), self._unmatched(tables, question)

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

    def _unmatched(self, tables: EvidenceTables, question: Question) -> Unmatched:
        """Names that are nobody's; and ours of which only DT speaks, where Chartboost was asked at all."""
        matches, mediation = tables.matches, [*tables.files.mediation]
        without_line = {cell.address for cell in question.cells} - set(matches.lines.values())
        alone = [name for name, address in matches.dt.items() if mediation and address in without_line]
        return Unmatched(
            tuple(sorted({line.shown for line in matches.unmatched_lines})),
            tuple(sorted({name.shown for name in (*matches.unmatched_dt, *alone)})),
            sum(line.rows for line in matches.unmatched_lines)
            + sum(name.rows for name in (*matches.unmatched_dt, *alone)),
            matches.loose,
            basis(self._store, question, matches, mediation, tables.absences),
        )


class _Answer:
    """The tables of a question, put together to evidence."""

    def __init__(self, tables: EvidenceTables, question: Question) -> None:
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
        asked = own.get(day, _NOTHING)
        sold = dt.get(day, _NOTHING) if day in self._dt_days.get(cell.address, ()) else asked
        floor = self._question.floors.get(cell, {}).get(day)
        earned_after = after.get(day, _NOTHING).revenue
        return DayEvidence(day, asked.requests, sold.impressions, sold.revenue, earned_after, floor)

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
        for one in self._question.known:
            apps[one.address] |= {one.app_id} if one.app_id else set()
        for name, address in self._tables.matches.dt.items():
            apps[address].add(name.app)
        return {address: frozenset().union(*(days[app] for app in of)) for address, of in apps.items()}

    def _days_of(self, address: Address) -> Sequence[date]:
        """The days that count for an address: without Chartboost's, those of which its own app was imported.

        Days on which the line of DT is missing count for nothing.
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
        """The days of which an import tells, by address; those of Chartboost hold all apps, and are not here."""
        days: dict[str, set[date]] = defaultdict(set)
        for partition in self._tables.files.imported:
            days[partition.app].add(day_of(partition))
        found: dict[Address, set[date]] = defaultdict(set)
        for line, address in self._tables.matches.lines.items():
            found[address] |= days.get(folder_of_line(line.app), set())
        return {address: frozenset(of) for address, of in found.items()}

    @cached_property
    def _days_without_dt(self) -> Mapping[Address, frozenset[date]]:
        """The days on which the line of DT is missing, by address."""
        days = {one.app: frozenset(one.days) for one in self._tables.absences}
        found: dict[Address, frozenset[date]] = {}
        for line, address in self._tables.matches.lines.items():
            found[address] = found.get(address, frozenset()) | days.get(line.app, frozenset())
        return found
