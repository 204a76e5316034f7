"""Over the audit's transport nothing but reads and the call for a token can leave, whoever asks for more."""

import httpx
import pytest
from support.builders import live_placement
from support.command import CLIENT_ID, CLIENT_SECRET
from support.rival import Rival

from reconciler.api.environment import SystemClock
from reconciler.api.workspace import Workspace, WorkspaceOptions
from reconciler.apis.management.gateway import DtClient, DtGateway
from reconciler.files.project import ProjectFiles
from reconciler.http.auth import Credentials
from reconciler.http.exchange import Request
from reconciler.http.httpx_connection import HttpxConnection
from reconciler.http.wire import ReadOnlyConnection, RequestHeaders, WireRequest, WriteAttempted
from reconciler.model.secret import Secret
from reconciler.yaml.scalar import ManifestText

KEYS = Credentials(Secret(CLIENT_ID), Secret(CLIENT_SECRET))
TOKEN_PATH = "/api/v2/management/auth"

WRITES = {
    "create app": lambda gateway: gateway.create("app", {"name": "x"}, app_id=None),
    "create placement": lambda gateway: gateway.create("placement", {"name": "x"}, app_id="1"),
    "update": lambda gateway: gateway.update(live_placement(), {"coppa": True}),
    "delete app": lambda gateway: gateway.delete("app", "1"),
    "delete placement": lambda gateway: gateway.delete("placement", "1"),
}


@pytest.fixture
def rival():
    with Rival().running() as server:
        yield server


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_over_a_read_only_client_raises_and_never_leaves(rival, write):
    with DtClient(rival.url, KEYS, clock=SystemClock(), read_only=True) as client:
        gateway = DtGateway(client, "3432")
        assert gateway.apps() == ()
        rival.asked.clear()
        with pytest.raises(WriteAttempted):
            write(gateway)
    assert rival.asked == []


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_reader_of_a_project_has_such_a_client(rival, tmp_path, write):
    environ = {"DT_MANAGEMENT_URL": rival.url, "DT_CLIENT_ID": CLIENT_ID, "DT_CLIENT_SECRET": CLIENT_SECRET}
    files = ProjectFiles(tmp_path, ManifestText("reconciler.yaml", b""))
    with Workspace(files, WorkspaceOptions.of(environ, None, 1)).reader("3432") as reader:
        assert reader.apps() == ()
        with pytest.raises(WriteAttempted):
            write(DtGateway(reader._client, "3432"))
    assert rival.writes == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/management/v1/app"),
        ("POST", f"{TOKEN_PATH}?to=app"),
        ("POST", f"{TOKEN_PATH}/more"),
        ("PUT", TOKEN_PATH),
        ("DELETE", TOKEN_PATH),
        ("PATCH", "/api/management/v1/placement"),
        ("get", "/api/management/v1/placement"),
    ],
)
def test_only_get_and_the_very_call_for_a_token_pass(method, path):
    passed = []
    transport = httpx.MockTransport(lambda request: passed.append(request) or httpx.Response(200))
    connection = ReadOnlyConnection(HttpxConnection("https://dt.example", transport), TOKEN_PATH)
    with pytest.raises(WriteAttempted):
        connection.send(WireRequest(method, path.encode(), RequestHeaders(), None, 1.0, 1.0))
    assert passed == []


def test_without_it_the_same_write_does_leave(rival):
    with DtClient(rival.url, KEYS, clock=SystemClock()) as client:
        client.call(Request("DELETE", "/api/management/v1/app", body=b'{"appId": "1"}'))
    assert [asked.name for asked in rival.writes] == ["DELETE app"]
