"""What users are worth: `Project.user_value`.

Reports come in as for `Project.user_report`. With hashed ids each day stays in a store of its own, so that later calls
know users for longer than the ten days that DT keeps; with ids in clear nothing stays.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

from reconciler.api.floors import open_warehouse
from reconciler.api.results import RowsResult
from reconciler.api.user_report import UserReportResult, user_report
from reconciler.api.workspace import Workspace
from reconciler.apis.reports import is_settled
from reconciler.apis.user_reports import ReceivedReport
from reconciler.errors import ProjectError, UnreadableAnswer, UsageError
from reconciler.files import disk
from reconciler.manifest.settings import Reports
from reconciler.model.address import Address, kind_of
from reconciler.model.rows import Rows, UserValue
from reconciler.model.secret import Secret
from reconciler.render.user_value import value_rows
from reconciler.warehouse.report_store import Partition, ReportStore
from reconciler.warehouse.user_report_csv import with_own_aliases
from reconciler.warehouse.user_report_intake import IntakeSettings, read_user_report
from reconciler.warehouse.user_report_pieces import DayPiece
from reconciler.warehouse.user_value import user_value

if TYPE_CHECKING:
    from pyarrow import Table

_NO_IDS: Final = "ids of users are needed: --people hash keeps them apart without knowing them, --people keep in clear"


_HASHED: Final = "ids of users are hashed with your salt"


@dataclass(frozen=True, slots=True)
class UserValueResult:
    """What users are worth. `missing` says which days of which apps are not in it, and why."""

    value: UserValue
    missing: tuple[str, ...] = ()
    people: Literal["hash", "keep"] = "hash"

    @property
    def is_done(self) -> bool:
        """Whether no report is missing."""
        return not self.missing

    @property
    def rows(self) -> Rows:
        """Lifetime value by age, with the other tables."""
        return value_rows(self.value)

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.rows/1`, with further tables."""
        return RowsResult(self.rows).to_dict()

    def to_arrow(self) -> "Table":
        """Lifetime value by age; numbers as floats."""
        return RowsResult(self.rows).to_arrow()


def user_value_of(
    workspace: Workspace,
    apps: Sequence[str],
    first: date | None,
    last: date | None,
    people: Literal["drop", "hash", "keep"] | None,
) -> UserValueResult:
    """Fetch what is missing of these days, and say what users are worth over all that is there of the apps.

    Raises `UsageError` where ids of users are dropped, `ProjectError` where there is no report, and as `user_report`.
    """
    settings = workspace.settings().reports if workspace.is_project else Reports()
    mode = people or settings.people
    if mode == "drop":
        raise UsageError("--summary: ids of users are dropped", hint=_NO_IDS)
    with _store(workspace, clear=mode == "keep") as store:

        def is_needed(app: str, day: date) -> bool:
            stored = store.metadata(Partition("dt", app, day.isoformat()))
            return stored is None or not is_settled(day, stored.fetched_at)

        with user_report(workspace, apps, first, last, mode, is_needed) as result:
            rules = IntakeSettings(Secret(""), "keep", with_own_aliases(settings.columns))
            missing = list(result.missing)
            for piece in result.report.pieces:
                missing += _take_in(store, result, piece, rules, workspace)
            chosen = {*result.apps}
            people_notes = (_HASHED,) if mode == "hash" else result.notes
        files = {
            partition: path
            for partition, path in store.files("dt", first or date.min, last or date.max).items()
            if partition.app in chosen
        }
        if not files:
            raise ProjectError("there is no report of users", hint="; ".join(missing) or "name other apps or days")
        days = sorted(date.fromisoformat(partition.day) for partition in files)
        names = _names(workspace)
        with open_warehouse(workspace) as warehouse:
            found = user_value(warehouse.engine, [*files.values()], days[0], days[-1], lambda app: names.get(app, app))
    return UserValueResult(replace(found, notes=(*found.notes, *people_notes)), tuple(missing), mode)


@contextmanager
def _store(workspace: Workspace, *, clear: bool) -> Iterator[ReportStore]:
    """Where days with ids of users lie: hashed in the project's folder, in clear only as long as they are read."""
    state = workspace.state_folder
    store = ReportStore(disk.check_folder(state.parent, f"{state.name}/user-reports/people"))
    if not clear:
        with store.locked():
            yield store
        return
    with store.draft() as folder:
        yield ReportStore(folder)


def _take_in(
    store: ReportStore, result: UserReportResult, piece: DayPiece, rules: IntakeSettings, workspace: Workspace
) -> Iterator[str]:
    """Store a day with its checks: sums, rows that occur twice, figures that cannot be read. What fails is told."""
    with store.draft() as folder:
        path = folder / "received"
        digest, lines = sha256(), 0
        with path.open("wb") as file:
            for part in result.csv_of(piece):
                file.write(part)
                digest.update(part)
                lines += part.count(b"\n")
        received = ReceivedReport(path, lines, f"sha256:{digest.hexdigest()}")
        if not piece.is_whole:
            yield f"app {piece.app}, {piece.day}: more than 1 % of its rows cannot be read: {piece.left_out_text}"
            return
        if lines <= 1:
            return
        try:
            payload = read_user_report(received, piece.app, piece.day, rules, workspace.clock.now())
        except UnreadableAnswer as error:
            yield f"app {piece.app}, {piece.day}: {error.message}"
            return
        if payload.unread_reason:
            yield f"app {piece.app}, {piece.day}: {payload.unread_reason}"
            return
        store.put(Partition("dt", piece.app, piece.day.isoformat()), payload)


def _names(workspace: Workspace) -> dict[str, Address | str]:
    """The address of each app by its id, as the ledger and the manifests know them."""
    if not workspace.is_project:
        return {}
    desired = workspace.desired()
    ledger = workspace.store(desired.publisher_id).ledger()
    names: dict[str, Address | str] = {app.pin: app.address for app in desired.apps if app.pin}
    return names | {entry.id: address for address, entry in ledger.items() if kind_of(address) == "app"}
