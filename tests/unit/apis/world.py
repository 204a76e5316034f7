"""Clients of the reporting APIs against a server on this machine, and canaries that must never be shown."""

from support.fake_clock import FakeClock

from reconciler.apis.mediation_reports import MEDIATION, PATIENCE, RATE, Chartboost, RequestLimit
from reconciler.apis.user_reports import REPORTING, DownloadSettings, DtReports
from reconciler.http.auth import Credentials
from reconciler.http.client import ApiClient
from reconciler.model.secret import Secret

CANARIES = ("id-canary-7", "secret-canary-7", "tok-canary-1", "Signature=", "LbhE5", "AKIA")
KEYS = Credentials(Secret("id-canary-7"), Secret("secret-canary-7"))


def dt_reports(server, clock=None, **waiting):
    clock = clock or FakeClock()
    client = ApiClient(REPORTING, server.url, KEYS, clock=clock)
    return DtReports(client, clock=clock, waiting=DownloadSettings(**waiting))


def chartboost(server, folder, clock=None, told=lambda _: None, apps=()):
    clock = clock or FakeClock()
    limiter = RequestLimit(folder / "calls.json", RATE, clock)
    client = ApiClient(
        MEDIATION,
        server.url,
        KEYS,
        clock=clock,
        token_url=server.url,
        before_request=limiter.acquire,
        patience=PATIENCE,
    )
    return Chartboost(client, told=told, apps=apps)


def told_by(error):
    return f"{error} {error.hint}"
