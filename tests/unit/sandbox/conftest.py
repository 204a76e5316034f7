import json

import pytest
from unit.sandbox.report_world import reports

from reconciler.sandbox.account import SandboxAccount
from reconciler.sandbox.exchange import ClientCredentials, SandboxRequest
from reconciler.sandbox.fault_script import FaultScript
from reconciler.sandbox.front import SandboxApplication
from reconciler.sandbox.management import AUTH_PATH, Management
from reconciler.sandbox.quirks import Quirks

__all__ = ["reports"]

CREDENTIALS = {"grant_type": "management_client_credentials", "client_id": "id", "client_secret": "secret"}
APP = {"publisherId": "3432", "name": "Crash", "bundle": "com.crash", "platform": "android", "category1": "Finance",
       "coppa": False}  # fmt: skip


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.time = 1_000_000.0

    def __call__(self):
        return self.time


class Api:
    """The sandbox without a socket: calls in, status and JSON out."""

    def __init__(self, *faults, credentials=None, chance=0, **quirks):
        self.clock = Clock()
        self.account = SandboxAccount(clock=self.clock)
        quirks = Quirks(**quirks)
        self.management = Management(self.account, quirks, ClientCredentials(credentials), chance)
        self.script = FaultScript(faults)
        self.front = SandboxApplication(self.account, self.management.routes(), self.script)
        self.token = self.account.issue_token(3600)

    def raw(self, method, path, query=None, body=None):
        said = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        call = SandboxRequest(method, path, query or {}, said, self.token)
        return self.front.answer(call, self.script.strike(call))

    def ask(self, method, resource, query=None, body=None):
        path = AUTH_PATH if resource == "auth" else f"/api/management/v1/{resource}"
        answer = self.raw(method, path, query, body)
        return answer.status, json.loads(answer.body) if answer.body else None

    def get(self, resource, **query):
        return self.ask("GET", resource, {name: str(value) for name, value in query.items()})

    def post(self, resource, **body):
        return self.ask("POST", resource, body=body)

    def put(self, resource, **body):
        return self.ask("PUT", resource, body=body)

    def delete(self, resource, **body):
        return self.ask("DELETE", resource, body=body)

    def new_app(self, **more):
        """The id of a new app."""
        assert self.post("app", **APP, **more)[0] in (200, 201)
        return self.account.apps()[-1].id

    def new_placement(self, app_id, placement_type="Interstitial", name="int", **more):
        """The id of a new placement."""
        body = {"name": name, "appId": app_id, "placementType": placement_type, "coppa": False, **more}
        status, told = self.post("placement", **body)
        assert status in (200, 201), told
        return self.account.placements()[-1].id


@pytest.fixture
def api():
    """Makes sandboxes with the quirks and faults given."""
    made = []

    def make(*faults, **options):
        made.append(Api(*faults, **options))
        return made[-1]

    yield make
    for each in made:
        each.account.close()
