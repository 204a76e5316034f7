import json
from datetime import UTC, date, datetime
from urllib.parse import unquote

import pytest

from reconciler.sandbox.account import SandboxAccount
from reconciler.sandbox.exchange import ClientCredentials, SandboxRequest
from reconciler.sandbox.fault_script import FaultScript
from reconciler.sandbox.front import SandboxApplication
from reconciler.sandbox.market import Market
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.report_apis import MediationReports, UserReports
from reconciler.sandbox.server import DEMO_MARKET, seed_named

URL = "http://127.0.0.1:8099"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
DAY = date(2026, 11, 20)
APP, IOS_APP = "170709", "170710"
ORDERS, METRICS = "/api/v1/report/user-level-data", "/v2/publisher/metrics"
KEYS = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"}
AUDIENCE = "https://public.api.gateway.chartboost.com"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.time = NOON

    def __call__(self):
        return self.time


class Reports:
    """Both reporting APIs over the demo, without a socket."""

    def __init__(self, *faults, credentials=None, market=DEMO_MARKET, **quirks):
        self.clock = Clock()
        self.account = SandboxAccount(clock=self.clock)
        seed_named(self.account, "demo")
        self.market = Market(self.account, market)
        parts = self.account, self.market, Quirks(**quirks), ClientCredentials(credentials)
        self.script = FaultScript(faults)
        routes = {**UserReports(*parts, URL).routes(), **MediationReports(*parts).routes()}
        self.front = SandboxApplication(self.account, routes, self.script)
        self.token = ""

    def call(self, method, target, body=None, authorized=False):
        path, _, query = target.partition("?")
        pairs = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
        call = SandboxRequest(
            method, unquote(path), pairs, b"" if body is None else json.dumps(body).encode(), self.token,
            target.encode(), authorized,
        )  # fmt: skip
        return self.front.answer(call, self.script.strike(call))

    def post(self, target, **body):
        answer = self.call("POST", target, body)
        return answer.status, json.loads(answer.body)

    def order(self, app=APP, day=DAY, **more):
        """Log in, and order a report; status and what was said."""
        self.token = self.post("/auth/v1/token", **KEYS)[1]["accessToken"]
        return self.post(f"{ORDERS}?format=csv", **{"date": f"{day}", "appId": app, **more})

    def link(self, **said):
        """Path and query of a report that was ordered."""
        status, told = self.order(**said)
        assert status == 200, told
        return told["url"].removeprefix(URL)

    def metrics(self, **body):
        """Log in unless done, and ask for metrics."""
        self.token = self.token or self.post("/oauth/token", **KEYS, audience=AUDIENCE)[1]["access_token"]
        return self.post(METRICS, **body)

    def rows(self, **body):
        said = {"date_min": f"{DAY}", "date_max": f"{DAY}", "timezone": "UTC", **body}
        status, told = self.metrics(**said)
        assert status == 200, told
        return told["data"]


@pytest.fixture
def reports():
    """Makes sandboxes' reporting APIs with the faults and quirks given."""
    made = []

    def make(*faults, **options):
        made.append(Reports(*faults, **options))
        return made[-1]

    yield make
    for each in made:
        each.account.close()
