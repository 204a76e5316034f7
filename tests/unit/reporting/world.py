"""Clients of the reporting APIs against a server on this machine, and canaries that must never be shown."""

from support.fake_clock import FakeClock

from reconciler.model.secret import Secret
from reconciler.reporting.chartboost import MEDIATION, PATIENCE, RATE, Chartboost
from reconciler.reporting.dt_reports import REPORTING, DtReports, Waiting
from reconciler.reporting.limiter import Limiter
from reconciler.web.auth import Credentials
from reconciler.web.client import ApiClient

CANARIES = ("id-canary-7", "secret-canary-7", "tok-canary-1", "Signature=", "LbhE5", "AKIA")
KEYS = Credentials(Secret("id-canary-7"), Secret("secret-canary-7"))


def dt_reports(server, clock=None, **waiting):
    clock = clock or FakeClock()
    client = ApiClient(REPORTING, server.url, KEYS, clock=clock)
    return DtReports(client, clock=clock, waiting=Waiting(**waiting))


def chartboost(server, folder, clock=None, told=lambda _: None, apps=()):
    clock = clock or FakeClock()
    limiter = Limiter(folder / "calls.json", RATE, clock)
    client = ApiClient(
        MEDIATION,
        server.url,
        KEYS,
        clock=clock,
        token_url=server.url,
        before_request=limiter.pass_one,
        patience=PATIENCE,
    )
    return Chartboost(client, told=told, apps=apps)


def told_by(error):
    return f"{error} {error.hint}"
