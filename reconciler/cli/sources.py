"""The vendors' reporting APIs, as credentials and settings say."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from reconciler.apis.mediation_reports import MEDIATION, PATIENCE, RATE, Chartboost, RequestLimit
from reconciler.apis.user_reports.client import REPORTING, DownloadSettings, DtReports
from reconciler.apis.user_reports.signed_url import ALLOWED_HOSTS
from reconciler.cli.session import Session
from reconciler.errors import CredentialsError
from reconciler.manifest.settings import Reports
from reconciler.warehouse.fetch import ReportClients
from reconciler.web.auth import Credentials
from reconciler.web.client import ApiClient

Source = Literal["dt", "chartboost", "all"]

_DT: Final = ("DT_REPORTING_CLIENT_ID", "DT_REPORTING_CLIENT_SECRET")
_CHARTBOOST: Final = ("CHARTBOOST_CLIENT_ID", "CHARTBOOST_CLIENT_SECRET")
_LEFT_CHARTBOOST: Final = (
    f"Chartboost is not asked: {_CHARTBOOST[0]} is not set. Without what the other sources pay no floor can be judged; "
    "`reconciler reports import FILE` brings reports of other platforms"
)
_LEFT_DT: Final = f"DT is not asked: {_DT[0]} is not set, so nothing will tell what single impressions were paid"


@contextmanager
def sources(session: Session, wanted: Source, reports: Reports, folder: Path) -> Iterator[ReportClients]:
    """The APIs that are wanted; of `all`, those that there are credentials for, and the other is told.

    `folder` is where the times of requests to a limited API are kept. Raises `CredentialsError`.
    """
    has_dt, has_chartboost = session.environment.has(*_DT), session.environment.has(*_CHARTBOOST)
    if wanted == "all" and not has_dt and not has_chartboost:
        hint = f"set {' and '.join(_DT)}, or {' and '.join(_CHARTBOOST)}"
        raise CredentialsError("no credentials for reports are set", hint=hint)
    with ExitStack() as stack:
        found = ReportClients()
        if wanted == "dt" or (wanted == "all" and has_dt):
            found = replace(found, dt=_dt(session, reports, stack))
        if wanted == "chartboost" or (wanted == "all" and has_chartboost):
            found = replace(found, chartboost=_chartboost(session, reports, folder, stack))
        if wanted == "all" and not (has_dt and has_chartboost):
            session.console.talk(_LEFT_CHARTBOOST if has_dt else _LEFT_DT)
        yield found


def _dt(session: Session, reports: Reports, stack: ExitStack) -> DtReports:
    url, keys = session.environment.reporting_url, _credentials(session, _DT)
    client = stack.enter_context(ApiClient(REPORTING, url, keys, clock=session.clock))
    waiting = DownloadSettings(deadline=reports.wait_seconds, hosts=reports.hosts or ALLOWED_HOSTS)
    return DtReports(client, clock=session.clock, waiting=waiting)


def _chartboost(session: Session, reports: Reports, folder: Path, stack: ExitStack) -> Chartboost:
    def told(seconds: float) -> None:
        until = session.clock.now() + timedelta(seconds=seconds)
        wait = f"waiting {seconds:.0f} s, until {until:%H:%M:%S} UTC"
        session.console.talk(f"Chartboost allows {RATE.requests} calls in ten minutes: {wait}")

    limiter = RequestLimit(folder / "chartboost-calls.json", RATE, session.clock, told=told)
    client = ApiClient(
        MEDIATION,
        session.environment.chartboost_url,
        _credentials(session, _CHARTBOOST),
        clock=session.clock,
        token_url=session.environment.chartboost_auth_url,
        before_request=limiter.pass_one,
        patience=PATIENCE,
    )
    return Chartboost(stack.enter_context(client), apps=reports.chartboost_apps, told=session.console.talk)


def _credentials(session: Session, names: tuple[str, str]) -> Credentials:
    return Credentials(*(session.environment.required_secret(name) for name in names))
