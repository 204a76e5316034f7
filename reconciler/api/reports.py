"""Reports: fetched from the vendors' reporting APIs, or imported from files of other platforms."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from reconciler.api.environment import CHARTBOOST_KEYS, MANAGEMENT_KEYS, REPORTING_KEYS
from reconciler.api.mediation import ChartboostAccess
from reconciler.api.results import ColumnTypes, table
from reconciler.api.workspace import Workspace
from reconciler.apis.download import ALLOWED_HOSTS
from reconciler.apis.reports import DayRange, last_complete, usual_range
from reconciler.apis.user_reports import REPORTING, DownloadSettings, DtReports
from reconciler.errors import CredentialsError, UsageError
from reconciler.files import disk
from reconciler.files.project import STATE_FOLDER
from reconciler.http.client import ApiClient
from reconciler.manifest.settings import Reports
from reconciler.model.secret import Secret
from reconciler.model.state import DesiredState
from reconciler.render.floors_document import FetchDocument, ImportDocument
from reconciler.render.text import counted
from reconciler.warehouse.engines import require_floors
from reconciler.warehouse.fetch import FetchRequest, ReportClients, fetch
from reconciler.warehouse.fetch_outcomes import FetchSummary
from reconciler.warehouse.import_readers import open_records
from reconciler.warehouse.import_schema import ALSO
from reconciler.warehouse.importing import ImportOptions, ImportSummary
from reconciler.warehouse.importing import import_report as import_records
from reconciler.warehouse.report_store import ReportStore, project_salt
from reconciler.warehouse.user_report_csv import with_own_aliases
from reconciler.warehouse.user_report_intake import IntakeSettings
from reconciler.workflow.floors import app_ids

if TYPE_CHECKING:
    from pyarrow import Table

ReportSource = Literal["dt", "chartboost", "all"]

_LEFT_CHARTBOOST: Final = (
    f"Chartboost is not asked: {CHARTBOOST_KEYS[0]} is not set. Without what the other sources pay no floor can be "
    "judged; `reconciler reports import FILE` brings reports of other platforms"
)
_LEFT_DT: Final = (
    f"DT is not asked: {REPORTING_KEYS[0]} is not set, so nothing will tell what single impressions were paid"
)


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What became of each source, app and day. A day that could not be had is an outcome."""

    fetched: FetchSummary

    @property
    def is_done(self) -> bool:
        """Whether all days are there, and none came with far less than what is there already."""
        return not self.fetched.of("refused", "failed") and not self.fetched.shrunk

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.fetch/1`."""
        return FetchDocument.write(self.fetched)

    def to_arrow(self) -> "Table":
        """A row for each source, app and day."""
        columns: ColumnTypes = {
            "source": "text", "app": "text", "day": "day", "state": "text", "rows": "count", "repeated": "count",
            "shrunk": "flag", "why": "text",
        }  # fmt: skip
        days = [{**row, "day": date.fromisoformat(row["day"])} for row in self.to_dict()["reports"]]
        return table(columns, days)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How a report was read, and what became of its rows."""

    imported: ImportSummary

    def to_dict(self) -> dict[str, Any]:
        """`reconciler.import/1`."""
        return ImportDocument.write(self.imported)


def reports_folder(workspace: Workspace) -> Path:
    """Where a project's reports lie. Raises `UnfitFile` where a link has its place."""
    return disk.check_folder(workspace.root, f"{STATE_FOLDER}/reports")


def fetch_reports(
    workspace: Workspace, source: ReportSource, first: date | None, last: date | None, *, again: bool
) -> FetchResult:
    """Fetch reports that are missing or that the vendor may have restated; with `again` those that are there, too."""
    settings, desired = workspace.settings(), workspace.desired()
    span = _requested_days(workspace, first, last)
    apps = dt_apps(workspace, desired) if source != "chartboost" else ()
    folder = reports_folder(workspace)
    with _report_clients(workspace, source, settings.reports, folder) as chosen:
        request = FetchRequest(apps, span, workspace.parallelism, again)
        with workspace.observer.progress("fetch") as listener:
            rules = _intake_rules(workspace, settings.reports)
            return FetchResult(fetch(request, chosen, ReportStore(folder), rules, workspace.clock, listener))


def _requested_days(workspace: Workspace, first: date | None, last: date | None) -> DayRange | None:
    """The days that were named; where only one end was, the other is the usual one."""
    if first is None and last is None:
        return None
    now = workspace.clock.now()
    span = DayRange(first or usual_range("chartboost", now).first, last or last_complete(now))
    if not len(span):
        raise UsageError(f"--from {span.first} comes after --to {span.last}")
    return span


def dt_apps(workspace: Workspace, desired: DesiredState) -> tuple[str, ...]:
    """The ids of the apps that manifests declare, by the ledger, a pin, or else the account; and those we own."""
    ledger = workspace.store(desired.publisher_id).ledger()
    ids = app_ids(desired, ledger)
    if None in ids.values() and workspace.environment.has(*MANAGEMENT_KEYS):
        with workspace.reader(desired.publisher_id) as reader:
            ids = app_ids(desired, ledger, reader)
    without_id = [address for address, app_id in ids.items() if app_id is None]
    if without_id:
        workspace.inform(
            f"{counted(len(without_id), 'app')} of the manifests, as {without_id[0]}: "
            "no id is known, no report asked for"
        )
    return tuple(sorted({app_id for app_id in ids.values() if app_id is not None}))


def _intake_rules(workspace: Workspace, reports: Reports) -> IntakeSettings:
    """How DT's reports are read."""
    salt = project_salt(workspace.root / STATE_FOLDER) if reports.people == "hash" else Secret("")
    return IntakeSettings(salt, reports.people, with_own_aliases(reports.columns))


def import_report(
    workspace: Workspace, report: str, columns: Sequence[tuple[str, str]], network: str | None
) -> ImportResult:
    """Take in a report of another platform. `columns`: pairs of a column of the report and our name for it."""
    wanted = ImportOptions(columns, ALSO.get(network or "", network))
    folder = reports_folder(workspace)
    require_floors()
    environment = workspace.environment
    url = environment.secret("RECONCILER_EVIDENCE_URL")
    names = [column for column, _ in columns]
    with open_records(report, url, environment.s3_keys(), environment.gcs_keys(), names) as records:
        return ImportResult(import_records(records, wanted, ReportStore(folder), workspace.clock.now()))


@contextmanager
def _report_clients(
    workspace: Workspace, wanted: ReportSource, reports: Reports, folder: Path
) -> Iterator[ReportClients]:
    """Clients of the requested APIs; of `all`, those with credentials, and a notice for the other.

    `folder` holds the times of requests to a rate-limited API. Raises `CredentialsError`.
    """
    has_dt, has_chartboost = workspace.environment.has(*REPORTING_KEYS), workspace.environment.has(*CHARTBOOST_KEYS)
    if wanted == "all" and not has_dt and not has_chartboost:
        hint = f"set {' and '.join(REPORTING_KEYS)}, or {' and '.join(CHARTBOOST_KEYS)}"
        raise CredentialsError("no credentials for reports are set", hint=hint)
    with ExitStack() as stack:
        clients = ReportClients()
        if wanted == "dt" or (wanted == "all" and has_dt):
            clients = replace(clients, dt=dt_client(workspace, reports, stack))
        if wanted == "chartboost" or (wanted == "all" and has_chartboost):
            access = ChartboostAccess(workspace.environment, workspace.observer, workspace.clock, folder)
            clients = replace(clients, chartboost=stack.enter_context(access.chartboost(reports.chartboost_apps)))
        if wanted == "all" and not (has_dt and has_chartboost):
            workspace.inform(_LEFT_CHARTBOOST if has_dt else _LEFT_DT)
        yield clients


def dt_client(workspace: Workspace, reports: Reports, stack: ExitStack) -> DtReports:
    """The User Level Reporting API, until the stack is left. Raises `CredentialsError`."""
    url, keys = workspace.environment.reporting_url, workspace.environment.credentials(REPORTING_KEYS)
    client = stack.enter_context(ApiClient(REPORTING, url, keys, clock=workspace.clock))
    waiting = DownloadSettings(deadline=reports.wait_seconds, hosts=reports.hosts or ALLOWED_HOSTS)
    return DtReports(client, clock=workspace.clock, waiting=waiting)
