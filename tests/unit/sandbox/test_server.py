"""Over real sockets: what only a connection can show."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from reconciler.errors import ReconcilerError, UsageError
from reconciler.sandbox.faults import BadGzip, Reset, Slow, Status, Timeout, Truncate
from reconciler.sandbox.server import RunningSandbox, SandboxOptions, generated, seed_resources

CREDENTIALS = {"grant_type": "management_client_credentials", "client_id": "my-id", "client_secret": "my-secret"}
APP = {"name": "a", "bundle": "b", "platform": "ios", "category1": "Books", "coppa": False}
APPS = "/api/management/v1/app"


@pytest.fixture
def sandbox():
    """Starts a sandbox with the faults given; answers it and a client that has a token."""
    opened = []

    def start(*faults, **options):
        running = RunningSandbox(SandboxOptions(faults=faults, **options)).__enter__()
        client = httpx.Client(base_url=running.url, timeout=5)
        opened.extend((client.close, running.stop))
        token = client.post("/api/v2/management/auth", json=CREDENTIALS).json()["accessToken"]
        client.headers["Authorization"] = f"Bearer {token}"
        return running, client

    yield start
    for close in opened:
        close()


def test_a_whole_life_over_http(sandbox):
    running, client = sandbox()
    app_id = client.post(APPS, json=APP).json()["appid"]
    assert client.get(APPS, params={"appId": app_id}).json()["name"] == "a"
    assert client.get(APPS, params={"publisherId": 3432}).json()[0]["appId"] == app_id
    assert client.put(APPS, json={"appId": app_id, "status": "inactive"}).json()["status"] == "inactive"
    assert "deleted" in client.request("DELETE", APPS, json={"appId": app_id}).json()["message"]
    assert running.account.apps() == ()


def test_the_demo_is_served(sandbox):
    _, client = sandbox(seed="demo")
    apps = client.get(APPS, params={"publisherId": 3432}).json()
    assert {app["bundle"] for app in apps} == {"com.cash_crash.54", "1234567890", "com.former.puzzle"}


def test_requests_are_remembered_without_credentials(sandbox):
    running, client = sandbox()
    client.get(APPS, params={"publisherId": 3432})
    client.post(APPS, json=APP)
    client.post(APPS, content=b"{")
    auth, read, create, broken = running.account.requests
    assert (auth.method, auth.path, auth.status) == ("POST", "/api/v2/management/auth", 200)
    assert (read.method, read.query, read.body, read.status) == ("GET", {"publisherId": "3432"}, None, 200)
    assert (create.body, create.status, create.fault) == (APP, 200, None)
    assert (broken.body, broken.status) == ("{", 400)
    said = repr(list(running.account.requests))
    token = client.headers["Authorization"].removeprefix("Bearer ")
    assert not any(secret in said for secret in ("my-id", "my-secret", token))


@pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
def test_a_connection_can_be_reset_before_or_after_the_write(sandbox, when, count):
    running, client = sandbox(Reset(on="POST app", when=when, times=1))
    with pytest.raises(httpx.ReadError):
        client.post(APPS, json=APP)
    assert len(running.account.apps()) == count
    assert (running.account.requests[-1].status, running.account.requests[-1].fault) == (None, "reset")
    assert client.post(APPS, json=APP).status_code == 200


def test_a_call_can_go_unanswered_until_the_client_gives_up(sandbox):
    running, client = sandbox(Timeout(on="POST app", when="after"))
    with pytest.raises(httpx.ReadTimeout):
        client.post(APPS, json=APP, timeout=0.05)
    assert len(running.account.apps()) == 1


def test_a_call_that_is_held_ends_with_its_time(sandbox):
    _, client = sandbox(Timeout(on="GET app", seconds=0.01))
    with pytest.raises(httpx.ReadError):
        client.get(APPS)


def test_a_held_call_does_not_keep_the_server_from_ending(sandbox):
    running, client = sandbox(Timeout(on="GET app"))
    failed = []

    def ask():
        try:
            client.get(APPS, timeout=30)
        except httpx.TransportError as wrong:
            failed.append(wrong)

    asking = threading.Thread(target=ask)
    asking.start()
    while len(running.account.requests) < 2:
        asking.join(0.001)
    running.stop()
    asking.join(10)
    assert len(failed) == 1


def test_an_answer_can_break_off_halfway(sandbox):
    running, client = sandbox(Truncate(on="POST app", times=1))
    with pytest.raises(httpx.RemoteProtocolError, match="received"):
        client.post(APPS, json=APP)
    assert len(running.account.apps()) == 1
    assert client.get(APPS, params={"publisherId": 3432}).status_code == 200


def test_an_answer_can_trickle(sandbox):
    _, client = sandbox(Slow(on="GET app", seconds=0.02))
    client.post(APPS, json=APP)
    assert len(client.get(APPS, params={"publisherId": 3432}).json()) == 1


def test_an_answer_can_lie_about_its_encoding(sandbox):
    _, client = sandbox(BadGzip(on="GET app"))
    with pytest.raises(httpx.DecodingError):
        client.get(APPS)


def test_faults_print_nothing(sandbox, caplog, capfd):
    _, client = sandbox(Reset(on="GET app", nth=1), Truncate(on="GET app", nth=2))
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            client.get(APPS, params={"publisherId": 3432})
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_every_call_takes_the_latency(sandbox):
    _, client = sandbox(latency=0.02)
    began = time.monotonic()
    client.get(APPS)
    assert time.monotonic() - began >= 0.02


def test_an_account_can_be_filled_before_the_first_call():
    with RunningSandbox(fill=lambda account: seed_resources(account, generated(20, 3))) as running:
        headers = {"Authorization": f"Bearer {running.account.issue_token(60)}"}
        with httpx.Client(base_url=running.url, headers=headers) as client:
            lists = [
                client.get("/api/management/v1/placement", params={"appId": app.id}).json()
                for app in running.account.apps()
            ]
    assert [len(rows) for rows in lists] == [3] * 20


def test_a_sandbox_that_never_started_can_be_stopped():
    RunningSandbox().stop()


def test_it_listens_on_the_loopback_address_alone(sandbox):
    running, _ = sandbox()
    assert running.url.startswith("http://127.0.0.1:")


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ReconcilerError, match=str(port)):
            RunningSandbox(SandboxOptions(port=port))
    with pytest.raises(ReconcilerError, match="70000"):
        RunningSandbox(SandboxOptions(port=70000))


def test_an_unknown_seed_is_told_before_anything_listens():
    with pytest.raises(UsageError):
        RunningSandbox(SandboxOptions(seed="demos"))


def test_credentials_do_not_show():
    assert "my-secret" not in repr(SandboxOptions(credentials=("my-id", "my-secret")))


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_its_state_stays(tmp_path, sent):
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from reconciler.sandbox.server import SandboxOptions, serve\n"
        "options = SandboxOptions(database=Path(sys.argv[1]), seed='demo')\n"
        "serve(options, announce=lambda url: print(url, flush=True))\n"
        "print('ended', flush=True)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "account.db")]
    for round_number in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            with httpx.Client(base_url=process.stdout.readline().strip()) as client:
                token = client.post("/api/v2/management/auth", json=CREDENTIALS).json()["accessToken"]
                client.headers["Authorization"] = f"Bearer {token}"
                assert len(client.get(APPS, params={"publisherId": 3432}).json()) == 3 + round_number
                client.post(APPS, json=APP)
            process.send_signal(sent)
            said = process.communicate(timeout=20)
        assert (process.returncode, said) == (0, ("ended\n", ""))


def test_its_own_path_tells_who_it_is_whatever_the_faults_and_is_not_remembered(sandbox):
    running, client = sandbox(Reset(on="GET *"))
    assert client.get("/reconciler-sandbox").json() == {"sandbox": os.getpid()}
    assert [seen.path for seen in running.account.requests if "sandbox" in seen.path] == []


def spoken(url, sent):
    """All that the server answers to these bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 5) as client:
        client.sendall(sent)
        return b"".join(iter(lambda: client.recv(65536), b""))


CLOSE = b"Host: x\r\nConnection: close\r\n"


def test_what_is_no_http_is_refused(sandbox):
    running, _ = sandbox()
    assert spoken(running.url, b"no call\r\n\r\n").startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_calls_that_come_at_once_are_answered_in_their_order(sandbox):
    running, _ = sandbox()
    told = spoken(running.url, b"GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert re.findall(rb"nothing at (/\w+)", told) == [b"/one", b"/two"]


@pytest.mark.parametrize(("asked", "status"), [(b"HEAD /reconciler-sandbox", b"200"), (b"GET /app", b"304")])
def test_an_answer_without_a_body_has_none_and_ends(sandbox, asked, status):
    running, _ = sandbox(Status(on="GET app", status=304))
    told = spoken(running.url, asked + b" HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert told.startswith(b"HTTP/1.1 " + status)
    assert told.endswith(b"\r\n\r\n")


def test_who_waits_for_leave_to_send_a_body_is_given_it(sandbox):
    running, _ = sandbox()
    call = b"PUT /nothing HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" + CLOSE + b"\r\n"
    port = int(running.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(call)
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{}")
        assert client.recv(65536).startswith(b"HTTP/1.1 404")


def test_a_bug_is_told_and_costs_one_call(sandbox, caplog):
    running, client = sandbox()
    running.account.close()
    assert client.get(APPS, params={"publisherId": 3432}).status_code == 500
    assert "Traceback" in caplog.text
    assert client.get("/nothing").status_code == 404
