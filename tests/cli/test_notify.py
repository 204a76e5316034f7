"""`drift --notify`: one message to a chat, the webhook's URL in nothing that comes out, the exit code untouched."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

PATH = "/services/T0/B0/webhook-canary-7781x"
MANIFEST = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {name: "<!channel> & co", placementType: Interstitial, coppa: false}
"""


class Chat:
    """A chat's webhook on this machine."""

    def __init__(self):
        self.heard = []
        self.status = 200
        self.url = ""


@pytest.fixture
def chat():
    told = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.heard.append(
                (self.path, self.headers["Content-Type"], self.headers["Authorization"], json.loads(body))
            )
            self.send_response(told.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(f"no: {self.path}".encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_port}{PATH}"
    yield told
    server.shutdown()
    server.server_close()


@pytest.fixture
def calm(project):
    project.write("apps/a.yaml", MANIFEST)
    assert project.call("apply", "--yes").code == 0
    return project


@pytest.fixture
def drifted(calm, rival):
    next(iter(rival.placements.values()))["coppa"] = True
    return calm


def silent(done):
    assert "canary" not in done.out + done.err
    assert "/services" not in done.out + done.err


def test_alarms_are_posted_once_and_mention_nobody(drifted, chat):
    done = drifted.call("drift", "--notify", chat.url)
    assert done.code == 2
    ((path, kind, authorization, body),) = chat.heard
    assert (path, kind, authorization) == (PATH, "application/json; charset=utf-8", None)
    assert "• drift android:com.a/&lt;!\u200bchannel&gt; &amp; co" in body["text"]
    assert "coppa: applied false, live true" in body["text"]
    silent(done)


def test_nothing_is_posted_where_nothing_drifted(calm, chat):
    assert calm.call("drift", "--notify", chat.url).code == 0
    assert chat.heard == []


def test_the_url_may_come_from_the_environment_or_from_a_file(drifted, chat):
    assert drifted.call("drift", RECONCILER_NOTIFY_URL=chat.url).code == 2
    path = drifted.write("hook.txt", f"{chat.url}\n")
    assert drifted.call("drift", RECONCILER_NOTIFY_URL_FILE=str(path)).code == 2
    assert len(chat.heard) == 2


@pytest.mark.parametrize("status", [302, 400, 404, 500])
def test_a_message_that_is_not_taken_is_a_warning_and_is_not_sent_again(drifted, chat, status):
    chat.status = status
    done = drifted.call("drift", "--notify", chat.url, "--format", "json", "-vv")
    assert (done.code, len(chat.heard)) == (2, 1)
    assert f"warning: the notification was not delivered: HTTP {status}" in done.err
    assert done.json["summary"]["drift"] == 1
    silent(done)


def test_a_chat_that_cannot_be_reached_is_a_warning(drifted):
    done = drifted.call("drift", "--notify", f"http://127.0.0.1:9{PATH}", "-vv")
    assert done.code == 2
    assert "not delivered" in done.err
    silent(done)


@pytest.mark.parametrize(
    "url",
    [f"http://chat.example{PATH}", f"ftp://chat.example{PATH}", PATH, f"https://u:canary@x.example{PATH}", "x\x00y"],
)
def test_a_url_that_no_message_may_go_to_is_refused_before_the_account_is_read(drifted, rival, url):
    rival.asked.clear()
    done = drifted.call("drift", "--notify", url)
    assert (done.code, rival.asked) == (1, [])
    assert "--notify cannot be used" in done.err
    silent(done)
