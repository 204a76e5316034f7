"""The user-level report of apps and days, as the vendor gives it: `Project.user_report`."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from reconciler.api.environment import MANAGEMENT_KEYS, REPORTING_KEYS
from reconciler.api.reports import dt_apps, dt_client
from reconciler.api.workspace import Workspace
from reconciler.apis.reports import DayRange, last_complete, usual_range
from reconciler.errors import ProjectError, ReconcilerError, UsageError
from reconciler.files import disk
from reconciler.manifest.settings import Reports
from reconciler.model.address import kind_of
from reconciler.model.rows import Column, Rows
from reconciler.model.secret import Secret
from reconciler.model.state import live_app_address
from reconciler.render.rows import ColumnJson, csv_lines, harmless, rows_document
from reconciler.warehouse.fetch_outcomes import FetchOutcome
from reconciler.warehouse.report_store import project_salt
from reconciler.warehouse.user_report_csv import with_own_aliases
from reconciler.warehouse.user_report_pieces import STOPS, DayPiece, PeopleMode, PeopleRules, PieceStore
from reconciler.warehouse.user_report_rows import arrow_type, csv_bytes, json_lines
from reconciler.warehouse.user_report_run import UserReport, UserReportRequest, gather, missing_texts

if TYPE_CHECKING:
    from pyarrow import RecordBatch, Table

# ruff: noqa: PLC0415 - pyarrow is an extra, and takes 0.1 s

_BY_ID: Final = "name apps by their ids: --app ID, as in --app 170709"


@dataclass(slots=True)
class UserReportResult:
    """A user-level report: rows that are read in batches, however many there are, and what became of each day.

    A context: left without an error, what was kept aside is removed, or stays for a later call where days are missing.
    What is in clear stays only where the call was stopped.
    """

    report: UserReport
    apps: tuple[str, ...]
    _store: PieceStore
    _lock: ExitStack = field(repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_read = error is None or isinstance(error, BrokenPipeError)  # of `| head`, which has seen enough
        is_clear = self.report.rules.people == "keep"
        # What no one foresaw may come of the days themselves: a later call has to get them anew.
        is_fault = not is_read and not isinstance(error, STOPS | ReconcilerError | OSError)
        if is_fault or (is_read and self.is_done) or (is_clear and not isinstance(error, STOPS)):
            self._store.remove(self.report.pieces)
        self._lock.close()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The vendor's columns, with types, in the vendor's order."""
        return self.report.columns

    @property
    def outcomes(self) -> tuple[FetchOutcome, ...]:
        """What became of each app and day, in order."""
        return self.report.outcomes

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.report.rows

    @property
    def is_done(self) -> bool:
        """Whether the report of each app and day is there."""
        return not self.report.missing

    @property
    def is_whole(self) -> bool:
        """Whether it is done, and at most 1 % of the rows of each report, and of the typed cells, are lost."""
        return self.is_done and not self.lost and not self.report.unread.is_much

    @property
    def lost(self) -> tuple[str, ...]:
        """Of which days of which apps more than 1 % of the rows were left out, and why."""
        return tuple(self.report.lost())

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the rows: people, what could not be read; what is missing is told by `missing`."""
        return tuple(self.report.remarks())

    @property
    def missing(self) -> tuple[str, ...]:
        """Which days of which apps are missing, and why."""
        return tuple(missing_texts(self.report.missing))

    def batches(self) -> "Iterator[RecordBatch]":
        """The rows as Arrow batches, with types: impressions are integers, revenue is decimal, days are dates."""
        import pyarrow as pa

        schema = self._schema()
        for arrays in self.report.typed():
            yield pa.record_batch(arrays, schema=schema)

    def csv(self) -> Iterator[bytes]:
        """The rows as CSV (UTF-8), in pieces: a line of names, then values as the vendor gives them."""
        yield csv_lines([[harmless(column.name) for column in self.columns]]).encode()
        for texts in self.report.texts():
            yield csv_bytes(texts)

    def csv_of(self, piece: DayPiece) -> Iterator[bytes]:
        """The rows of one app and day as CSV."""
        part = replace(self.report, pieces=(piece,))
        yield csv_lines([[column.name for column in part.columns]]).encode()
        for texts in part.texts():
            yield csv_bytes(texts)

    def json(self) -> Iterator[bytes]:
        """`reconciler.rows/1`, in pieces."""
        head = json.dumps({"format": "reconciler.rows/1", "columns": [ColumnJson.write(each) for each in self.columns]})
        yield f'{head[:-1]}, "rows": [\n'.encode()
        separator = ""
        for arrays in self.report.typed():
            lines = ",\n".join(json_lines(self.columns, arrays))
            if lines:
                yield f"{separator}{lines}".encode()
                separator = ",\n"
        notes = [*self.notes, *filter(None, [self.report.unread_text()]), *self.lost, *self.missing]
        days = sorted({one.day.isoformat() for one in self.report.missing})
        yield f'\n], "incomplete": {json.dumps(days)}, "notes": {json.dumps(notes)}}}\n'.encode()

    def parquet(self, target: Path) -> None:
        """Write the rows as Parquet, a batch at a time."""
        from pyarrow import parquet

        with parquet.ParquetWriter(str(target), self._schema(), compression="zstd") as writer:
            for batch in self.batches():
                writer.write_batch(batch, row_group_size=batch.num_rows)

    def draft(self) -> AbstractContextManager[Path]:
        """A folder for its owner alone, for files on the way; removed when the context is left."""
        return self._store.draft()

    def first_rows(self, most: int) -> Rows:
        """The first rows, typed."""
        cells = (row for arrays in self.report.typed() for row in zip(*(a.to_pylist() for a in arrays), strict=True))
        return Rows(self.columns, list(islice(cells, most)), self.notes)

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.rows/1`, with all rows in memory."""
        return rows_document(self.first_rows(self.rows))

    def to_arrow(self) -> "Table":
        """All rows as a table in memory."""
        import pyarrow as pa

        return pa.Table.from_batches(list(self.batches()), schema=self._schema())

    def _schema(self) -> Any:
        import pyarrow as pa

        return pa.schema([(column.name, arrow_type(column)) for column in self.columns])


def user_report(
    workspace: Workspace,
    apps: Sequence[str],
    first: date | None,
    last: date | None,
    people: Literal["drop", "hash", "keep"] | None,
    is_needed: Callable[[str, date], bool] = lambda _app, _day: True,
) -> UserReportResult:
    """Get the reports that are not kept aside by an earlier call; see `Project.user_report`.

    `is_needed` says of an app's id and a day whether its report is wanted.
    """
    if find_spec("pyarrow") is None:
        from reconciler.installed import how_to_add

        raise ProjectError("user reports are read with pyarrow: not installed", hint=how_to_add("floors"))
    settings = workspace.settings().reports if workspace.is_project else Reports()
    span = _days(workspace, first, last)
    rules = _rules(workspace, settings, people)
    chosen = _apps(workspace, apps)
    keys = workspace.environment.required_secret(REPORTING_KEYS[0])
    state = workspace.state_folder
    folder = disk.check_folder(state.parent, f"{state.name}/user-reports")
    store = PieceStore(folder, f"{workspace.environment.reporting_url} {keys.reveal()}")
    with ExitStack() as held:
        held.enter_context(store.locked())
        with ExitStack() as stack:
            client = dt_client(workspace, settings, stack)
            listener = stack.enter_context(workspace.observer.progress("fetch"))
            request = UserReportRequest(chosen, span, workspace.parallelism, is_needed)
            report = gather(request, client, store, rules, workspace.clock, listener)
        return UserReportResult(report, tuple(chosen), store, held.pop_all())


def _days(workspace: Workspace, first: date | None, last: date | None) -> DayRange | None:
    """The days that were named; where only one end was, the other is the usual one."""
    if first is None and last is None:
        return None
    now = workspace.clock.now()
    span = DayRange(first or min(usual_range("dt", now).first, last or date.max), last or last_complete(now))
    if not len(span):
        raise UsageError(f"--from {span.first} comes after --to {span.last}")
    return span


def _rules(workspace: Workspace, settings: Reports, people: PeopleMode | None) -> PeopleRules:
    """What becomes of people: as asked, else as the project has it. Without a project the salt is the user's own."""
    mode: PeopleMode = people or settings.people
    state = workspace.state_folder
    salt = project_salt(state) if mode == "hash" else Secret("")
    return PeopleRules(mode, salt, with_own_aliases(settings.columns))


def _apps(workspace: Workspace, apps: Sequence[str]) -> tuple[str, ...]:
    """The ids of the named apps; without names those of the manifests and the ledger, else all of the account."""
    addresses = [app for app in apps if ":" in app]
    ids = tuple(app.strip() for app in apps if ":" not in app)
    if not all(ids):
        raise UsageError("--app is empty", hint=_BY_ID)
    if apps and not addresses:
        return ids
    if not workspace.is_project:
        what = f"{addresses[0]}: addresses are those of a project, and here is none" if addresses else "no app is named"
        raise UsageError(what, hint=_BY_ID)
    if wrong := next((each for each in addresses if "/" in each), None):
        raise UsageError(f"{wrong} is a placement: a report is of an app", hint=f"--app {wrong.partition('/')[0]}")
    if addresses:
        return (*ids, *_ids_of(workspace, addresses))
    return dt_apps(workspace, workspace.desired()) or _all(workspace)


def _ids_of(workspace: Workspace, addresses: Sequence[str]) -> Iterator[str]:
    """The id of each address, by a pin, the ledger, or else the account. Raises `ProjectError` where there is none."""
    desired = workspace.desired()
    ledger = workspace.store(desired.publisher_id).ledger()
    known = {address: entry.id for address, entry in ledger.items() if kind_of(address) == "app"}
    known |= {app.address: app.pin for app in desired.apps if app.pin}
    if not {*addresses} <= {*known} and workspace.environment.has(*MANAGEMENT_KEYS):
        with workspace.reader(desired.publisher_id) as reader:
            known = {**{live_app_address(app): app.id for app in reader.apps() if app.is_readable}, **known}
    for address in addresses:
        app_id = next((known[each] for each in known if str(each) == address), None)
        if app_id is None:
            raise ProjectError(
                f"{address}: no id is known of it",
                hint="is it spelled as in `reconciler list`? With DT_CLIENT_ID set the account is asked, too; "
                "or name the id: --app ID",
            )
        yield app_id


def _all(workspace: Workspace) -> tuple[str, ...]:
    """The ids of all apps of the account."""
    if not workspace.environment.has(*MANAGEMENT_KEYS):
        raise UsageError("no manifest declares an app", hint=f"{_BY_ID}; or set DT_CLIENT_ID for all of the account")
    with workspace.reader(workspace.settings().publisher_id) as reader:
        return tuple(app.id for app in reader.apps())
