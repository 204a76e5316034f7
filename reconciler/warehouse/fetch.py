"""`floors fetch`: fetch what is missing, check it, and store it partition by partition."""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from reconciler.apis.days import Source, Span, spans
from reconciler.apis.mediation_reports import Chartboost, by_part
from reconciler.apis.user_reports.client import DtReports
from reconciler.errors import ApiError, Interrupted
from reconciler.ports import Clock
from reconciler.report.floors.words import absence_text
from reconciler.warehouse.acceptance import MOST_UNREAD, Figures, shrinkage
from reconciler.warehouse.coverage import TOTALS, name_of
from reconciler.warehouse.engines import require_floors
from reconciler.warehouse.fetch_schedule import ALL_APPS, Outcome, Schedule, Summary, schedule
from reconciler.warehouse.join import absences
from reconciler.warehouse.mediation_intake import Pile, piles, write_table
from reconciler.warehouse.report_store import DATA, Delivery, Marker, Partition, Shelf
from reconciler.warehouse.sums import figures, sources_in
from reconciler.warehouse.user_report_intake import Rules, take_in

_SHOWN: Final = 10_000


class FetchListener(Protocol):
    """Hears of a fetch as it goes on. Called from any thread, one call at a time."""

    def planned(self, partitions: int) -> None:
        """So many days of apps are about to be fetched."""
        ...

    def begun(self, step: Partition) -> None:
        """One of them is about to be asked for. Called from any thread."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """One of them came to its end."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where reports come from; None for a source that is not asked."""

    dt: DtReports | None = None
    chartboost: Chartboost | None = None


@dataclass(frozen=True, slots=True)
class Errand:
    """What is fetched: DT's reports of these apps, and Chartboost's of all. Without a span, the usual ones.

    `parallelism` is how many reports of DT are waited for at once. `replace`: days that are there and settled are
    fetched again as well, and what comes takes the place of what is there even where it holds far less.
    """

    dt_apps: Sequence[str] = ()
    span: Span | None = None
    parallelism: int = 8
    replace: bool = False


def fetch(
    errand: Errand, sources: Sources, shelf: Shelf, rules: Rules, clock: Clock, listener: FetchListener
) -> Summary:
    """Fetch what is missing or may have been restated, and put it on the shelf; say what became of each day.

    A day that cannot be fetched is an outcome. Raises what ends all of it: `CredentialsError`, `ProjectError` (a full
    disk, no library), `LockHeld` for a second fetch at once. What was fetched until then, or until an interrupt, stays.
    """
    require_floors()
    with shelf.held():
        run = _Run(shelf, rules, clock, listener, replace=errand.replace)
        dt = _schedule("dt", errand.dt_apps if sources.dt else (), errand, shelf, clock)
        mediation = _schedule("chartboost", (ALL_APPS,) if sources.chartboost else (), errand, shelf, clock)
        listener.planned(dt.partitions + mediation.partitions)
        if sources.dt is not None:
            run.fetch_dt(sources.dt, dt, errand.parallelism)
        if sources.chartboost is not None:
            run.fetch_chartboost(sources.chartboost, mediation)
    outcomes = (*dt.known, *mediation.known, *run.outcomes)
    return Summary(
        tuple(sorted(outcomes, key=lambda outcome: (outcome.source, outcome.app, outcome.day))), tuple(run.notes)
    )


def _schedule(source: Source, apps: Iterable[str], errand: Errand, shelf: Shelf, clock: Clock) -> Schedule:
    return schedule(source, apps, errand.span, shelf.marker, clock.now(), replace=errand.replace)


class _Run:
    """One fetch: what it works with, and what has come of it so far."""

    def __init__(
        self, shelf: Shelf, rules: Rules, clock: Clock, listener: FetchListener, *, replace: bool = False
    ) -> None:
        self._shelf = shelf
        self._replace = replace
        self._rules = rules
        self._clock = clock
        self._listener = listener
        self._stop = threading.Event()
        self._telling = threading.Lock()
        self._reading = threading.Lock()
        self.outcomes: list[Outcome] = []
        self.notes: list[str] = []

    def fetch_dt(self, reports: DtReports, todo: Schedule, parallelism: int) -> None:
        """Order and wait for reports side by side: most of the time goes by while the vendor writes them."""
        with ThreadPoolExecutor(parallelism, thread_name_prefix="report") as workers:
            jobs = [workers.submit(self._dt, reports, app, day) for app, days in todo.wanted.items() for day in days]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                self._stop.set()
                workers.shutdown(wait=False, cancel_futures=True)
                raise

    def fetch_chartboost(self, chartboost: Chartboost, todo: Schedule) -> None:
        """Ask for spans of days, then for the totals of all days that were scheduled."""
        days = todo.wanted.get(ALL_APPS, ())
        failed = [span for span in spans(days) if not self._days(chartboost, span)]
        known = [outcome.day for outcome in todo.known if outcome.state == "kept"]
        if days and not failed:
            self._totals(chartboost, spans([*days, *known]))
        if days:
            files = self._shelf.files("chartboost", min([*days, *known]), max([*days, *known])).values()
            self.notes += [absence_text(one) for one in absences(sources_in([*files]))]

    def _dt(self, reports: DtReports, app: str, day: date) -> None:
        if self._stop.is_set():
            raise Interrupted("stopped before a report was ordered")
        self._listener.begun(Partition("dt", app, day.isoformat()))
        try:
            with self._shelf.draft() as folder:
                received = reports.fetch(app, day, folder, self._stop.is_set)
                # One at a time: each may use as much memory as it was given.
                with self._reading:
                    delivery = take_in(received, app, day, self._rules, self._clock.now())
                    self._end(self._taken(Partition("dt", app, day.isoformat()), day, delivery))
        except ApiError as wrong:
            self._end(Outcome("dt", app, day, "failed", why=wrong.message))

    def _days(self, chartboost: Chartboost, span: Span) -> bool:
        """Whether all days of the span were fetched."""
        ended: list[Outcome] = []
        for asked in span.days():
            self._listener.begun(Partition("chartboost", ALL_APPS, asked.isoformat()))
        try:
            for part, told in by_part(chartboost, span, dated=True):
                for day, pile in piles(told, part, dated=True).items():
                    outcome = self._put_day(day or part.first, pile)
                    ended.append(outcome)
                    self._end(outcome)
        except ApiError as wrong:
            done = {outcome.day for outcome in ended}
            for day in span.days():
                if day not in done:
                    self._end(Outcome("chartboost", ALL_APPS, day, "failed", why=wrong.message))
        return sum(outcome.state == "fetched" for outcome in ended) == len(span)

    def _totals(self, chartboost: Chartboost, windows: Iterable[Span]) -> None:
        try:
            for window in windows:
                for part, told in by_part(chartboost, window, dated=False):
                    self._put_totals(part, piles(told, part, dated=False)[None])
        except ApiError as wrong:
            self.notes.append(f"no totals over several days, so sums of days are used: {wrong.message}")

    def _put_day(self, day: date, pile: Pile) -> Outcome:
        with self._shelf.draft() as folder:
            return self._taken(Partition("chartboost", ALL_APPS, f"{day}"), day, self._delivery(pile, folder))

    def _put_totals(self, part: Span, pile: Pile) -> None:
        """Totals that hold less than the days they are of, or that could not be read, are not kept."""
        files = self._shelf.files("chartboost", part.first, part.last).values()
        days = sum((figures(path, "earnings") for path in files), Figures())
        # Totals have fewer rows than days by nature.
        less = "they hold far less than their days" if shrinkage(replace(days, rows=0), pile.figures) else ""
        if not less and not _agree(days, pile.figures):
            less = f"they hold {pile.figures.impressions:,.0f} impressions, and their days {days.impressions:,.0f}"
        if pile.doubt or less:
            self.notes.append(f"totals of {part} are not kept, so sums of days are used: {pile.doubt or less}")
            return
        with self._shelf.draft() as folder:
            self._shelf.put(Partition(TOTALS, ALL_APPS, name_of(part)), self._delivery(pile, folder))

    def _delivery(self, pile: Pile, folder: Path) -> Delivery:
        write_table(pile.rows, folder / DATA)
        aside = _written(pile.aside, folder / "rows.jsonl") if pile.aside else None
        digest = f"sha256:{sha256((folder / DATA).read_bytes()).hexdigest()}"
        counts = len(pile.rows), pile.quarantined, dict(pile.unknown_countries), pile.repeated
        return Delivery(folder / DATA, Marker(self._clock.now(), digest, *counts), aside, pile.doubt)

    def _taken(self, place: Partition, day: date, came: Delivery) -> Outcome:
        """Put a day in its place, unless too little of it was read, or it holds far less than what is there."""
        source: Source = "dt" if place.source == "dt" else "chartboost"
        if came.doubt:
            return Outcome(source, place.app, day, "failed", why=came.doubt)
        had = self._shelf.marker(place)
        if had is not None and not self._replace:
            money = "revenue" if source == "dt" else "earnings"
            less = shrinkage(figures(self._shelf.data(place), money), figures(came.data, money))
            if less:
                return Outcome(source, place.app, day, "kept", *_counts(had), why=less, shrunk=True)
        self._shelf.put(place, came)
        return Outcome(source, place.app, day, "fetched", *_counts(came.marker))

    def _end(self, outcome: Outcome) -> None:
        with self._telling:
            self.outcomes.append(outcome)
            self._listener.ended(outcome)


def _agree(days: Figures, totals: Figures) -> bool:
    """Whether totals count the same impressions as their days. Earnings of days are rounded, so they may differ."""
    return abs(totals.impressions - days.impressions) <= MOST_UNREAD * max(days.impressions, totals.impressions)


def _counts(marker: Marker) -> tuple[int, Mapping[str, int], int]:
    return marker.rows, marker.quarantined, marker.repeated


def _written(rows: Sequence[Mapping[str, object]], path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows[:_SHOWN])
    return path
