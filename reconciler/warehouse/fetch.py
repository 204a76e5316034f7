"""Fetch reports into the store: the schedule of days, the requests, and the outcome of each day.

`schedule` decides which days are requested, which are stored already, and which are no longer to be had; `fetch`
carries it out with a client for each source.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from reconciler.apis.mediation_reports import Chartboost, rows_by_range
from reconciler.apis.reports import DayRange, ReportSource, day_ranges, usual_range
from reconciler.apis.user_reports import DISABLED, DtReports, ReceivedReport, why_failed
from reconciler.errors import ApiError, ApiRejected, Interrupted, UnreadableAnswer
from reconciler.ports import Clock
from reconciler.render.floors_words import absence_text
from reconciler.warehouse.acceptance import MOST_UNREAD, Figures, shrinkage
from reconciler.warehouse.coverage import TOTALS, file_figures, partition_name, sources_in
from reconciler.warehouse.engines import require_floors
from reconciler.warehouse.fetch_outcomes import FetchOutcome, FetchSummary, Schedule, schedule, without_first_day
from reconciler.warehouse.join import absences
from reconciler.warehouse.mediation_intake import RowBatch, row_batches, write_table
from reconciler.warehouse.report_store import DATA, Partition, PartitionMetadata, PartitionPayload, ReportStore
from reconciler.warehouse.user_report_intake import IntakeSettings, read_user_report

ALL_APPS = "all"
"""The app under which Chartboost's reports lie: one answer holds all of them."""
_SHOWN: Final = 10_000


class FetchListener(Protocol):
    """Is called as a fetch proceeds: from any thread, one call at a time."""

    def planned(self, partitions: int) -> None:
        """The fetch begins; it has this many partitions to fetch."""
        ...

    def begun(self, step: Partition) -> None:
        """A partition is about to be requested."""
        ...

    def ended(self, outcome: FetchOutcome) -> None:
        """A partition has its outcome."""
        ...


@dataclass(frozen=True, slots=True)
class ReportClients:
    """The client of each source; None for a source that is not fetched from."""

    dt: DtReports | None = None
    chartboost: Chartboost | None = None


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What is fetched: DT's reports of these apps, and Chartboost's of all. Without a span, the usual ones.

    `parallelism` is how many reports of DT are waited for at once. `replace`: settled days are fetched again as well,
    and the new report replaces the stored one even where it holds far less.
    """

    dt_apps: Sequence[str] = ()
    span: DayRange | None = None
    parallelism: int = 8
    replace: bool = False


def fetch(
    request: FetchRequest,
    sources: ReportClients,
    store: ReportStore,
    settings: IntakeSettings,
    clock: Clock,
    listener: FetchListener,
) -> FetchSummary:
    """Fetch the days that are missing or may have been restated, and store them; returns the outcome of each day.

    A day that cannot be fetched is an outcome. Raises what ends all of it: `CredentialsError`, `ProjectError` (a full
    disk, no library), `LockHeld` for a second fetch at once. What was fetched until then, or until an interrupt, stays.
    """
    require_floors()
    with store.locked():
        run = _FetchRun(store, settings, clock, listener, replace=request.replace)
        dt = _schedule("dt", request.dt_apps if sources.dt else (), request, store, clock)
        mediation = _schedule("chartboost", (ALL_APPS,) if sources.chartboost else (), request, store, clock)
        listener.planned(dt.partitions + mediation.partitions)
        if sources.dt is not None:
            run.fetch_dt(sources.dt, dt, request.parallelism)
        if sources.chartboost is not None:
            run.fetch_chartboost(sources.chartboost, mediation)
    outcomes = run.with_notes((*dt.known, *mediation.known, *run.outcomes), named=request.span is not None)
    return FetchSummary(
        tuple(sorted(outcomes, key=lambda outcome: (outcome.source, outcome.app, outcome.day))), tuple(run.notes)
    )


def _schedule(
    source: ReportSource, apps: Iterable[str], request: FetchRequest, store: ReportStore, clock: Clock
) -> Schedule:
    return schedule(source, apps, request.span, store.metadata, clock.now(), replace=request.replace)


def get_all(
    get_one: Callable[[str, date], None], wanted: Iterable[tuple[str, date]], parallelism: int, stop: threading.Event
) -> None:
    """Get the reports of these apps and days, so many at once: most of the time the vendor is still writing them.

    What one of them raises is raised, after `stop` was set; none is begun after that.
    """
    with ThreadPoolExecutor(parallelism, thread_name_prefix="report") as workers:
        jobs = [workers.submit(get_one, app, day) for app, day in wanted]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            stop.set()
            workers.shutdown(wait=False, cancel_futures=True)
            raise


class _FetchRun:
    """One fetch: its clients, store and clock, and its outcomes so far."""

    def __init__(
        self,
        store: ReportStore,
        settings: IntakeSettings,
        clock: Clock,
        listener: FetchListener,
        *,
        replace: bool = False,
    ) -> None:
        self._store = store
        self._replace = replace
        self._settings = settings
        self._clock = clock
        self._listener = listener
        self._stop = threading.Event()
        self._listener_lock = threading.Lock()
        self._intake_lock = threading.Lock()
        self._rejected: set[tuple[str, date]] = set()
        self.outcomes: list[FetchOutcome] = []
        self.notes: list[str] = []

    def with_notes(self, outcomes: Sequence[FetchOutcome], *, named: bool) -> Sequence[FetchOutcome]:
        """The outcomes, without an oldest day that DT no longer has unless days were `named`; notes of what is odd."""
        if not named:
            first = usual_range("dt", self._clock.now()).first
            outcomes = without_first_day(outcomes, first, self._rejected, self.notes)
        fetched = [one for one in outcomes if one.source == "dt" and one.state == "fetched"]
        if fetched and not any(one.rows or one.quarantined for one in fetched):
            self.notes.append(f"no report of DT's holds a row: {DISABLED}")
        return outcomes

    def fetch_dt(self, reports: DtReports, todo: Schedule, parallelism: int) -> None:
        """Order the reports and wait for them."""
        wanted = [(app, day) for app, days in todo.wanted.items() for day in days]
        get_all(partial(self._fetch_user_report, reports), wanted, parallelism, self._stop)

    def fetch_chartboost(self, chartboost: Chartboost, todo: Schedule) -> None:
        """Ask for ranges of days, then for the totals of all days that were scheduled."""
        days = todo.wanted.get(ALL_APPS, ())
        failed = [span for span in day_ranges(days) if not self._fetch_days(chartboost, span)]
        kept_days = [outcome.day for outcome in todo.known if outcome.state == "kept"]
        if days and not failed:
            self._fetch_totals(chartboost, day_ranges([*days, *kept_days]))
        if days:
            files = self._store.files("chartboost", min([*days, *kept_days]), max([*days, *kept_days])).values()
            self.notes += [absence_text(absence) for absence in absences(sources_in([*files]))]

    def _fetch_user_report(self, reports: DtReports, app: str, day: date) -> None:
        if self._stop.is_set():
            raise Interrupted("stopped before a report was ordered")
        self._listener.begun(Partition("dt", app, day.isoformat()))
        try:
            with self._store.draft() as folder:
                received = reports.fetch(app, day, folder, self._stop.is_set)
                # One at a time: each may use as much memory as it was given.
                with self._intake_lock:
                    payload = self._payload_of(received, app, day)
                    self._finish(self._store_unless_smaller(Partition("dt", app, day.isoformat()), day, payload))
        except ApiError as error:
            if isinstance(error, ApiRejected):
                self._rejected.add((app, day))
            self._finish(FetchOutcome("dt", app, day, "failed", why=why_failed(error)))

    def _payload_of(self, received: ReceivedReport, app: str, day: date) -> PartitionPayload:
        try:
            return read_user_report(received, app, day, self._settings, self._clock.now())
        except UnreadableAnswer as error:
            raise UnreadableAnswer(received.redaction(error.message), hint=error.hint) from None

    def _fetch_days(self, chartboost: Chartboost, span: DayRange) -> bool:
        """Fetch the days of a span; returns whether all of them were fetched."""
        ended: list[FetchOutcome] = []
        for requested in span.days():
            self._listener.begun(Partition("chartboost", ALL_APPS, requested.isoformat()))
        try:
            for part, rows in rows_by_range(chartboost, span, dated=True):
                for day, batch in row_batches(rows, part, dated=True).items():
                    outcome = self._store_day(day or part.first, batch)
                    ended.append(outcome)
                    self._finish(outcome)
        except ApiError as error:
            done = {outcome.day for outcome in ended}
            for day in span.days():
                if day not in done:
                    self._finish(FetchOutcome("chartboost", ALL_APPS, day, "failed", why=error.message))
        return sum(outcome.state == "fetched" for outcome in ended) == len(span)

    def _fetch_totals(self, chartboost: Chartboost, windows: Iterable[DayRange]) -> None:
        try:
            for window in windows:
                for part, rows in rows_by_range(chartboost, window, dated=False):
                    self._store_totals(part, row_batches(rows, part, dated=False)[None])
        except ApiError as error:
            self.notes.append(f"no totals over several days, so sums of days are used: {error.message}")

    def _store_day(self, day: date, batch: RowBatch) -> FetchOutcome:
        with self._store.draft() as folder:
            return self._store_unless_smaller(
                Partition("chartboost", ALL_APPS, f"{day}"), day, self._payload(batch, folder)
            )

    def _store_totals(self, part: DayRange, batch: RowBatch) -> None:
        """Store totals, unless they could not be read or hold less than the days they are of."""
        files = self._store.files("chartboost", part.first, part.last).values()
        days = sum((file_figures(path, "earnings") for path in files), Figures())
        # Totals have fewer rows than days by nature.
        less = "they hold far less than their days" if shrinkage(replace(days, rows=0), batch.figures) else ""
        if not less and not _same_impressions(days, batch.figures):
            less = f"they hold {batch.figures.impressions:,.0f} impressions, and their days {days.impressions:,.0f}"
        if batch.unread_reason or less:
            self.notes.append(f"totals of {part} are not kept, so sums of days are used: {batch.unread_reason or less}")
            return
        with self._store.draft() as folder:
            self._store.put(Partition(TOTALS, ALL_APPS, partition_name(part)), self._payload(batch, folder))

    def _payload(self, batch: RowBatch, folder: Path) -> PartitionPayload:
        write_table(batch.rows, folder / DATA)
        quarantined_rows = (
            _write_rows(batch.quarantined_rows, folder / "rows.jsonl") if batch.quarantined_rows else None
        )
        digest = f"sha256:{sha256((folder / DATA).read_bytes()).hexdigest()}"
        counts = len(batch.rows), batch.quarantined, dict(batch.unknown_countries), batch.repeated
        return PartitionPayload(
            folder / DATA, PartitionMetadata(self._clock.now(), digest, *counts), quarantined_rows, batch.unread_reason
        )

    def _store_unless_smaller(self, partition: Partition, day: date, payload: PartitionPayload) -> FetchOutcome:
        """Store a day, unless too little of it was read, or it holds far less than the stored one."""
        source: ReportSource = "dt" if partition.source == "dt" else "chartboost"
        if payload.unread_reason:
            return FetchOutcome(source, partition.app, day, "failed", why=payload.unread_reason)
        stored = self._store.metadata(partition)
        if stored is not None and not self._replace:
            money = "revenue" if source == "dt" else "earnings"
            less = shrinkage(file_figures(self._store.data(partition), money), file_figures(payload.data, money))
            if less:
                return FetchOutcome(
                    source, partition.app, day, "kept", *_metadata_counts(stored), why=less, shrunk=True
                )
        self._store.put(partition, payload)
        return FetchOutcome(source, partition.app, day, "fetched", *_metadata_counts(payload.metadata))

    def _finish(self, outcome: FetchOutcome) -> None:
        with self._listener_lock:
            self.outcomes.append(outcome)
            self._listener.ended(outcome)


def _same_impressions(days: Figures, totals: Figures) -> bool:
    """Whether totals count the same impressions as their days. Earnings of days are rounded, so they may differ."""
    return abs(totals.impressions - days.impressions) <= MOST_UNREAD * max(days.impressions, totals.impressions)


def _metadata_counts(metadata: PartitionMetadata) -> tuple[int, Mapping[str, int], int]:
    return metadata.rows, metadata.quarantined, metadata.repeated


def _write_rows(rows: Sequence[Mapping[str, object]], path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows[:_SHOWN])
    return path
