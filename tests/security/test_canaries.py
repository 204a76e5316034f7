"""No secret comes out: of any command, in any format, on success and on failure, on screen or on disk."""

import logging
import traceback
from pathlib import Path

import httpx
import pytest
from security.canaries import (
    CANARIES,
    CLIENT_ID,
    CLIENT_SECRET,
    PROXY_PASSWORD,
    STORE_PASSWORD,
    TOKEN,
    Hostile,
    assert_silent,
    found_in,
    planted,
)
from support.command import Project
from support.rival import AUTH

from reconciler.api.environment import SystemClock
from reconciler.apis.management.gateway import DtClient
from reconciler.apis.management.wire import calls
from reconciler.cli.main import COMMANDS
from reconciler.http.auth import Credentials
from reconciler.model.secret import Secret

each = pytest.mark.parametrize

ARGUMENTS = {
    "init": [("init", "other")],
    "apply": [("apply", "--yes"), ("apply", "plan.json")],
    "plan": [("plan", "--out", "plan.json"), ("plan",)],
    "show": [("show", "plan.json")],
    "rehearse": [("rehearse", "plan.json")],
    "history": [("history",), ("history", "android:com.cash_crash.54")],
    "get": [("get", "--all"), ("get", "android:com.cash_crash.54", "--reveal-reward-token")],
    "floors": [("floors", "--help")],
    "reports": [("reports", "--help")],
    "ci": [("ci", "--help")],
    "sandbox": [("sandbox", "--port", "70000")],
}
"""How a command is called; those that are not here, without anything."""

EVERY_CALL = [
    call
    for name in sorted(COMMANDS, key=lambda name: (name != "plan", name))
    for call in ARGUMENTS.get(name, [(name,)])
]
FORMATS = ("text", "json", "markdown", "html", "sarif", "github", "gitlab", "codequality", "junit", "openmetrics")
OF_PLANS = {*FORMATS} - {"openmetrics"}
LOUD = {"text": ("-vv",), "json": ("-vv", "--log-format", "json")}


@pytest.fixture
def server():
    with Hostile().running() as running:
        yield running


@pytest.fixture
def project(tmp_path, server, monkeypatch):
    project = planted(Project(tmp_path / "project"), server)
    monkeypatch.chdir(project.root)
    return project


@pytest.fixture(autouse=True)
def quiet_loggers():
    """Commands that run in this process leave their handlers behind."""
    logger = logging.getLogger("reconciler")
    logger.handlers, logger.propagate = [], True
    yield
    logger.handlers, logger.propagate = [], True


def call(project, *arguments):
    done = project.call(*arguments)
    assert_silent(done, project.root)
    return done


def test_the_canaries_would_be_heard(project):
    for canary in CANARIES:
        assert found_in(f"x{canary}x") == {canary}
    project.write("leak.txt", CLIENT_SECRET)
    with pytest.raises(AssertionError, match=r"leak\.txt"):
        call(project, "schema")


@each("form", FORMATS)
def test_no_command_that_works_tells_a_secret(project, form):
    codes = {" ".join(words): call(project, *words, "--format", form, *LOUD["json"]).code for words in EVERY_CALL}
    assert codes["plan"] == (0 if form in OF_PLANS else 64)
    assert (project.root / "plan.json").exists() == (form in OF_PLANS)


ECHOES = [
    ("message", {"GET app publisherId": 400}),
    ("message", {"GET placement appId": 403}),
    ("message", {"*": 401}),
    ("message", {"POST placement": 409, "PUT placement": 400, "PUT app": 400}),
    ("keys", {"POST placement": 400, "PUT placement": 200, "PUT app": 200}),
    ("long", {"POST placement": 422, "PUT placement": 422, "PUT app": 422}),
    ("text", {"POST placement": 400, "PUT placement": 400}),
    ("html", {"GET app publisherId": 200}),
    ("text", {"GET app publisherId": 200}),
    ("message", {"GET app publisherId": 200}),
    ("keys", {"GET placement appId": 200}),
    ("long", {"GET placement appId": 404}),
    ("message", {"GET app publisherId": 302}),
    ("message", {"POST auth": 400}),
    ("text", {"POST auth": 401}),
    ("keys", {"POST auth": 200}),
    ("html", {"POST auth": 404}),
]


@each(("shape", "echoes"), ECHOES)
@each("log", ["text", "json"])
def test_no_command_repeats_what_a_server_says_of_secrets(project, server, shape, echoes, log):
    assert project.call("plan", "--out", "plan.json").code == 0
    server.shape, server.echoes = shape, echoes
    for words in (("ping",), ("plan",), ("apply", "plan.json"), ("apply", "--yes"), ("rehearse", "plan.json")):
        for form in ("text", "json"):
            call(project, *words, "--format", form, *LOUD[log])
    server.echoes = {}
    for form in ("text", "json"):
        call(project, "history", "--format", form, *LOUD[log])


@each("shape", ["message", "html", "text", "long", "keys"])
@each("status", [200, 400, 404, 503])
def test_a_reward_token_that_is_asked_for_is_in_no_message(project, server, shape, status):
    server.shape, server.echoes = shape, {"GET app appId": status}
    assert call(project, "get", "1", "--reveal-reward-token", "--out", "token", "-vv").code == 1
    assert not (project.root / "token").exists()


def test_server_errors_that_repeat_secrets_are_told_without_them(project, server):
    server.echoes = {"POST placement": 500, "PUT placement": 503, "GET placement placementId": 503}
    done = call(project, "apply", "--yes", "--format", "json", "-vv")
    assert "HTTP 50" in done.out
    call(project, "history")


def test_a_refusal_still_says_what_is_wrong(project, server):
    server.instead["POST placement"] = lambda _: (409, b'{"msg": "Invalid name int_13, id 123e4567-e89b-12d3-a456-42"}')
    done = call(project, "apply", "--yes")
    assert "refused with 409: Invalid name int_13, id 123e4567-e89b-12d3-a456-42" in done.out


def test_secrets_from_files_stay_in_their_files(project, server, tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name, text in (("DT_CLIENT_ID", CLIENT_ID), ("DT_CLIENT_SECRET", CLIENT_SECRET)):
        (folder / name).write_text(f"{text}\n", encoding="utf-8")
        del project.env[name]
        project.env[f"{name}_FILE"] = str(folder / name)
    assert call(project, "plan", "-vv").code == 0
    server.echoes = {"*": 403}
    assert call(project, "plan", "-vv").code == 1
    project.env["DT_CLIENT_SECRET_FILE"] = str(folder)
    assert call(project, "plan", "-vv").code == 1


def test_an_unreachable_api_is_told_without_secrets(project):
    project.env["DT_MANAGEMENT_URL"] = "http://127.0.0.1:9"
    assert call(project, "ping", "-vv").code == 1


@each(
    "proxy",
    [
        f"http://user:{PROXY_PASSWORD}@127.0.0.1:9",
        f"http://user:{PROXY_PASSWORD}@127.0.0.1:nine",
        f"ftp://user:{PROXY_PASSWORD}@127.0.0.1:9",
        f"user:{PROXY_PASSWORD}@[::",
    ],
)
def test_the_password_of_a_proxy_is_not_told(project, proxy):
    project.env |= {"HTTPS_PROXY": proxy, "DT_MANAGEMENT_URL": "https://console.example"}
    done = call(project, "ping", "-vv")
    assert done.code == 1
    assert "Traceback" not in done.err


@each(
    "url",
    [
        f"postgresql://user:{STORE_PASSWORD}@127.0.0.1:9/db",
        f"postgresql://user:{STORE_PASSWORD}@127.0.0.1:9/db?sslmode=require&sslpassword={STORE_PASSWORD}",
        f"postgresql://user:{STORE_PASSWORD}@127.0.0.1:nine/db",
        f"postgresql://user:{STORE_PASSWORD}@[::/db",
        f"postgresql://user:{STORE_PASSWORD}@127.0.0.1:9/db?nonsense={STORE_PASSWORD}",
        f"mysql://user:{STORE_PASSWORD}@127.0.0.1/db",
        f"user:{STORE_PASSWORD}@127.0.0.1",
    ],
)
@each("words", [("plan",), ("apply", "--yes"), ("history",)])
def test_the_password_of_a_store_is_not_told(project, url, words):
    project.env["RECONCILER_STORE"] = url
    done = call(project, *words, "-vv")
    assert done.code == 1
    assert "Traceback" not in done.err


@each("url", [f"https://user:{PROXY_PASSWORD}@console.example", f"https://console.example/?key={PROXY_PASSWORD}"])
def test_a_secret_in_the_url_of_the_api_is_not_repeated(project, url):
    project.env["DT_MANAGEMENT_URL"] = url
    assert call(project, "ping", "-vv").code == 1


def test_the_url_of_a_ci_job_is_kept_without_what_may_be_secret_in_it(project):
    project.env["BUILD_URL"] = f"https://user:{PROXY_PASSWORD}@ci.example/job/7?token={TOKEN}"
    assert call(project, "apply", "--yes").code == 0
    assert "ci.example/job/7" in call(project, "history").out


class Surprise(Exception):
    """Something nobody thought of."""


def test_the_traceback_of_a_bug_of_ours_holds_no_secret(server):
    def broken():
        raise Surprise("in the middle of a call")

    client = DtClient(server.url, Credentials(Secret(CLIENT_ID), Secret(CLIENT_SECRET)), clock=SystemClock())
    client._before_request = broken
    with client, pytest.raises(Surprise) as caught:
        client.call(calls.apps("3432"))
    shown = "".join(traceback.format_exception(caught.value))
    assert "in the middle of a call" in shown
    assert found_in(shown) == set()


def test_what_holds_secrets_shows_none_of_them(server):
    credentials = Credentials(Secret(CLIENT_ID), Secret(CLIENT_SECRET))
    with DtClient(server.url, credentials, clock=SystemClock()) as client:
        client.call(calls.apps("3432"))
        request = client._request(calls.apps("3432"), client._tokens.held, client._clock.monotonic() + 1)
        for value in (credentials, client, client._tokens.held, calls.token(credentials), request, request.headers):
            assert found_in(f"{value!r} {value!s}") == set()


def test_a_repository_of_outputs_holds_only_what_is_meant_for_it(project):
    project.call("plan", "--out", "plan.json")
    project.call("apply", "--yes")
    made = {path.relative_to(project.root).as_posix() for path in project.root.rglob("*") if path.is_file()}
    undo = {name for name in made if name.startswith(".reconciler/undo/")}
    assert len(undo) == 1
    assert made - undo == {
        "reconciler.yaml",
        "apps/a.yaml",
        "plan.json",
        "reconciler.lock",
        ".reconciler/journal.jsonl",
        ".reconciler/journal.key",
        ".reconciler/lock",
        ".reconciler/cache/.gitignore",
        ".reconciler/cache/portable",
    }
    assert list(Path(project.env["TMPDIR"]).iterdir()) == []


class Garbled(httpx.BaseTransport):
    """A connection whose troubles are told with all that went over it."""

    def handle_request(self, request):
        if request.url.path == AUTH:
            return httpx.Response(200, json={"accessToken": TOKEN, "expiresIn": 3600})
        sent = request.headers.raw, request.content
        raise httpx.RemoteProtocolError(f"illegal header line: {sent!r} {request.headers['authorization']}")


def test_a_broken_answer_is_told_without_what_was_sent(caplog):
    credentials = Credentials(Secret(CLIENT_ID), Secret(CLIENT_SECRET))
    client = DtClient("https://console.example", credentials, clock=SystemClock(), transport=Garbled)
    with client, caplog.at_level(logging.DEBUG, "reconciler"):
        ended = client.call(calls.create("app", {"name": CLIENT_SECRET}, "3432")).end
    assert "the connection broke (illegal header line: " in ended.why
    assert "illegal header line" in caplog.text
    assert found_in(ended.why + caplog.text) == set()
