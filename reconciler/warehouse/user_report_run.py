"""Gather the user reports of apps and days, in order, and give them out as one: columns, batches, CSV and JSON."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.apis.reports import DayRange, day_ranges, refusal, usual_range
from reconciler.apis.user_reports import DISABLED, DtReports, ReceivedReport, ReportOrder, why_failed
from reconciler.errors import ApiError, ApiRejected, Interrupted, UnreadableAnswer
from reconciler.model.rows import Column
from reconciler.ports import Clock
from reconciler.render.text import visible
from reconciler.warehouse.fetch import FetchListener, get_all
from reconciler.warehouse.fetch_outcomes import FetchOutcome, without_first_day
from reconciler.warehouse.people import shown_names
from reconciler.warehouse.report_store import Partition
from reconciler.warehouse.user_report_pieces import DayPiece, PeopleRules, PieceStore, write_piece
from reconciler.warehouse.user_report_rows import ColumnMerge, Unread, counts_by, typed_cells, typed_columns

if TYPE_CHECKING:
    from pyarrow import Array

_NEVER: Final = 1 << 60


@dataclass(frozen=True, slots=True)
class UserReportRequest:
    """Whose reports of which days; without days, all that DT keeps. `parallelism`: how many are waited for at once.

    `is_needed` says of an app and a day whether its report is wanted.
    """

    apps: Sequence[str]
    span: DayRange | None = None
    parallelism: int = 8
    is_needed: Callable[[str, date], bool] = lambda _app, _day: True


@dataclass(frozen=True, slots=True)
class UserReport:
    """The reports that are there, in the order of apps and days, and what became of each.

    `columns` are the vendor's, with types, in the vendor's order; columns of people are not among them where they are
    dropped. `personal` names those. `notes` are sentences for whoever reads it.
    """

    pieces: tuple[DayPiece, ...]
    outcomes: tuple[FetchOutcome, ...]
    rules: PeopleRules
    notes: tuple[str, ...] = ()
    unread: Unread = field(default_factory=Unread)

    @property
    def personal(self) -> tuple[str, ...]:
        """The columns that may tell of people, in order."""
        merge, places = self._merged()
        found = {
            name
            for piece, named in zip(self.pieces, places, strict=True)
            for name, theirs in named.items()
            if theirs in piece.personal
        }
        return tuple(name for name in merge.names if name in found)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns of the answer; a day that lacks one has empty cells there."""
        left_out = set(self.personal) if self.rules.people == "drop" else set()
        merge, _ = self._merged()
        return typed_columns((name for name in merge.names if name not in left_out), merge.types)

    def _merged(self) -> tuple[ColumnMerge, Sequence[Mapping[str, str]]]:
        """The columns of all pieces as one, and what each piece calls them."""
        merge = ColumnMerge(self.rules.aliases)
        return merge, [merge.add(piece.columns) for piece in self.pieces]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(piece.rows for piece in self.pieces)

    @property
    def missing(self) -> tuple[FetchOutcome, ...]:
        """Apps and days whose report is not there."""
        return tuple(outcome for outcome in self.outcomes if outcome.state in {"failed", "refused"})

    def texts(self) -> "Iterator[Sequence[Array]]":
        """The rows in batches: a column of texts for each of `columns`, values as the vendor gives them."""
        names, personal = [column.name for column in self.columns], set(self.personal)
        for piece, named in zip(self.pieces, self._merged()[1], strict=True):
            places = {name: piece.columns.index(theirs) for name, theirs in named.items()}
            clear_until = {name: piece.personal.get(theirs, _NEVER) for name, theirs in named.items()}
            for number, batch in enumerate(piece.batches()):
                yield [
                    self._cells(batch.column(places[name]), clear_until[name] > number, name in personal)
                    if name in places
                    else _blank(batch.num_rows)
                    for name in names
                ]

    def typed(self) -> "Iterator[Sequence[Array]]":
        """The same with types; what cannot be read in its type is null, and counted in `unread`."""
        columns = self.columns
        for texts in self.texts():
            self.unread.rows += len(texts[0]) if texts else 0
            yield [typed_cells(text, column, self.unread.cells) for text, column in zip(texts, columns, strict=True)]

    def _cells(self, cells: "Array", is_clear: bool, is_personal: bool) -> "Array":
        return self.rules.treat(cells) if is_clear and is_personal else cells

    def remarks(self) -> Iterator[str]:
        """What is to be known of it: people, rows that could not be read, and days that are missing."""
        named = shown_names(self.personal)
        match self.rules.people:
            case "drop" if named:
                yield f"dropped, as they may tell of people: {named}; --people hash or keep gives them"
            case "hash" if named:
                yield f"hashed with your salt: {named}"
            case "keep" if named:
                yield (
                    f"personal data: {named} tell of people and their devices. Who may see the file should need them; "
                    "delete it when it has served, and where somebody asks you to"
                )
            case _:
                pass
        for piece in self.pieces:
            if piece.left_out and piece.is_whole:
                yield f"app {piece.app}, {piece.day}{_job(piece.job)}: {piece.left_out_text}"
        if renamed := self._merged()[0].renamed:
            pairs = ", ".join(f'"{visible(theirs)}" is "{visible(name)}"' for theirs, name in sorted(renamed.items()))
            yield f"columns that have other names on other days are one: {pairs}"
        yield from self.notes

    def lost(self) -> Iterator[str]:
        """Of which reports more than 1 % of the rows were left out, and why."""
        for piece in self.pieces:
            if not piece.is_whole:
                yield f"app {piece.app}, {piece.day}{_job(piece.job)}: more than 1 % of its rows: {piece.left_out_text}"

    def unread_text(self) -> str:
        """Which cells are null because they could not be read; known once `typed` was read."""
        return f"cells that cannot be read, and are null: {counts_by(self.unread.cells)}" if self.unread.cells else ""


def _blank(rows: int) -> "Array":
    import pyarrow as pa  # noqa: PLC0415 - an extra, and 0.1 s

    return pa.repeat(pa.scalar("", pa.string()), rows)


def _job(job: str) -> str:
    return f" (job {job})" if job else ""


def app_order(app: str) -> tuple[int, int, str]:
    """Sorts ids of apps as numbers, and others behind them."""
    return (0, int(app), app) if app.isdecimal() and app.isascii() else (1, 0, app)


def gather(
    request: UserReportRequest,
    reports: DtReports,
    store: PieceStore,
    rules: PeopleRules,
    clock: Clock,
    listener: FetchListener,
) -> UserReport:
    """Get the reports that are not kept aside yet. A day that cannot be had is an outcome.

    Raises what ends all of it: `CredentialsError`, `ProjectError` (a full disk), `Interrupted`; what is there by then
    stays aside. The caller holds the store's lock.
    """
    now = clock.now()
    store.remove_old(now)
    days = [*(request.span or usual_range("dt", now)).days()]
    run = _Run(reports, store, rules, clock, listener)
    every = [(app, day) for app in sorted(set(request.apps), key=app_order) for day in days]
    run.run([pair for pair in every if request.is_needed(*pair)], request.parallelism)
    order = {(app, day): at for at, (app, day) in enumerate(run.wanted)}
    outcomes: Sequence[FetchOutcome] = sorted(run.outcomes, key=lambda one: order[one.app, one.day])
    notes: list[str] = []
    if request.span is None:
        outcomes = without_first_day(outcomes, days[0], run.rejected, notes)
    pieces = sorted(run.pieces, key=lambda one: order[one.app, one.day])
    if pieces and not any(piece.rows for piece in pieces):
        notes.append(f"no report holds a row: {DISABLED}")
    return UserReport(tuple(pieces), tuple(outcomes), rules, tuple(notes))


class _Run:
    """One run: what became of each app and day so far."""

    def __init__(
        self, reports: DtReports, store: PieceStore, rules: PeopleRules, clock: Clock, listener: FetchListener
    ) -> None:
        self._reports, self._store, self._rules = reports, store, rules
        self._clock, self._listener = clock, listener
        self._stop = threading.Event()
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self.wanted: list[tuple[str, date]] = []
        self.outcomes: list[FetchOutcome] = []
        self.pieces: list[DayPiece] = []
        self.rejected: set[tuple[str, date]] = set()

    def run(self, wanted: list[tuple[str, date]], parallelism: int) -> None:
        """Get all of them, so many at once."""
        self.wanted = wanted
        self._listener.planned(len(wanted))
        get_all(self._one, wanted, parallelism, self._stop)

    def _one(self, app: str, day: date) -> None:
        if self._stop.is_set():
            raise Interrupted("stopped before a report was ordered")
        self._listener.begun(Partition("dt", app, day.isoformat()))
        now = self._clock.now()
        kept = self._store.piece(app, day, self._rules, now)
        if kept is not None:
            self._finish(FetchOutcome("dt", app, day, "kept", kept.rows), kept)
        elif why := refusal("dt", day, now):
            self._finish(FetchOutcome("dt", app, day, "refused", why=why))
        else:
            try:
                piece = self._piece(app, day)
                self._finish(FetchOutcome("dt", app, day, "fetched", piece.rows, piece.left_out), piece)
            except ApiError as error:
                if isinstance(error, ApiRejected):
                    self.rejected.add((app, day))
                self._finish(FetchOutcome("dt", app, day, "failed", why=why_failed(error)))

    def _piece(self, app: str, day: date) -> DayPiece:
        order = self._store.order(app, day, self._clock.now())
        if order is not None:
            try:
                return self._received(order)
            except UnreadableAnswer:  # its URL leads to no report any more
                self._store.forget_order(app, day)
        order = self._reports.order(app, day)
        self._store.keep_order(order)
        return self._received(order)

    def _received(self, order: ReportOrder) -> DayPiece:
        lasting = self._rules.people == "keep"
        try:
            with self._store.draft() as draft:
                if not lasting:
                    report = self._reports.receive(order, draft, self._stop.is_set)
                    return self._read(report, order, draft)
                with self._store.part(order.app, order.day) as folder:
                    report = self._reports.receive(order, folder, self._stop.is_set, lasting=True)
                    return self._read(report, order, draft)
        except UnreadableAnswer:
            self._store.forget_order(order.app, order.day)
            raise

    def _read(self, report: ReceivedReport, order: ReportOrder, draft: Path) -> DayPiece:
        try:
            # One at a time: each takes the memory of a batch, and a core.
            with self._reading:
                piece = write_piece(report, order.app, order.day, self._rules, draft / "piece")
        except UnreadableAnswer as error:
            raise UnreadableAnswer(f"{order}: {report.redaction(error.message)}", hint=error.hint) from None
        put = self._store.put(piece, self._rules, self._clock.now())
        self._store.forget_order(order.app, order.day)
        return put

    def _finish(self, outcome: FetchOutcome, piece: DayPiece | None = None) -> None:
        with self._lock:
            self.outcomes.append(outcome)
            if piece is not None:
                self.pieces.append(piece)
            self._listener.ended(outcome)


def missing_texts(outcomes: Sequence[FetchOutcome]) -> Iterator[str]:
    """What is missing: for each app and reason the days, as ranges."""
    days: dict[tuple[str, str], list[date]] = {}
    for outcome in outcomes:
        days.setdefault((outcome.app, outcome.why), []).append(outcome.day)
    for (app, why), missing in days.items():
        spans = ", ".join(map(str, day_ranges(missing, longest=len(missing))))
        yield f"app {app}, {spans}: {why}"
