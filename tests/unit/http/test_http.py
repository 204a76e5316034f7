import gzip
import inspect
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import httpx
import pytest
from unit.apis.management.world import SECRET, Server, StandingClock, client_of, gateway_of, ok, raw, token

from reconciler.apis.management.gateway import DtClient, DtGateway
from reconciler.errors import ApiError, ApiRejected, ProjectError, UnreadableAnswer
from reconciler.http import connections as http
from reconciler.http.auth import Credentials
from reconciler.http.exchange import NoResponse, Request, RequestNotSent, Response
from reconciler.http.httpx_connection import HttpxConnection
from reconciler.http.wire import RequestHeaders, WireRequest
from reconciler.model.secret import Secret
from reconciler.ports import Accepted, Ambiguous, Rejected

each = pytest.mark.parametrize

WHATEVER_HTTPX_RAISES = sorted(
    (kind for _, kind in inspect.getmembers(httpx, inspect.isclass) if issubclass(kind, Exception)),
    key=lambda kind: kind.__name__,
)


def made(kind):
    if issubclass(kind, httpx.HTTPStatusError):
        return kind("x", request=httpx.Request("GET", "https://h"), response=httpx.Response(500))
    return kind() if not inspect.signature(kind).parameters else kind("x")


def exchanged(serve):
    connection = HttpxConnection("https://h", httpx.MockTransport(serve))
    return http.exchange(connection, WireRequest("GET", b"/", RequestHeaders(), None, 1.0, 1.0), lambda: False)


@each("kind", WHATEVER_HTTPX_RAISES)
@each("when", ["sending", "reading"])
def test_no_exception_of_httpx_escapes(kind, when):
    class Body(httpx.SyncByteStream):
        def __iter__(self):
            yield b"["
            raise made(kind)

    def serve(_):
        if when == "sending":
            raise made(kind)
        return httpx.Response(200, stream=Body())

    end = exchanged(serve)
    assert isinstance(end, RequestNotSent | NoResponse)


@each("sent", [gzip.compress(b"[]")[:-1], gzip.compress(b"[]")[:10], b"\x1f\x8b no gzip", b"[]"], ids=range(4))
@each("encoding", ["gzip", "X-GZip "])
def test_a_packed_body_that_is_damaged_or_cut_is_no_answer_and_never_an_empty_one(sent, encoding):
    class Body(httpx.SyncByteStream):
        def __iter__(self):
            yield from (sent[:3], sent[3:])

    answer = httpx.Response(200, stream=Body(), headers={"Content-Encoding": encoding})
    end = exchanged(lambda _: answer)
    assert isinstance(end, NoResponse)
    assert end.why.startswith("the answer cannot be unpacked (its gzip is ")


@each("kind", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError])
def test_without_a_connection_even_a_create_is_tried_again(kind):
    gateway, server = gateway_of(kind("x"), kind("x"), ok({"appId": "1"}))
    assert gateway.create("app", {"name": "n"}, app_id=None) == Accepted("1", {}, 3)
    assert len(server.requests) == 3


@each(
    "kind",
    [
        *(httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.WriteError, httpx.CloseError),
        *(httpx.RemoteProtocolError, httpx.LocalProtocolError, httpx.DecodingError),
    ],
)
def test_a_create_that_may_have_arrived_is_sent_once(kind):
    gateway, server = gateway_of(kind("x"))
    assert isinstance(gateway.create("app", {"name": "n"}, app_id=None), Ambiguous)
    assert len(server.requests) == 1


def test_redirects_are_not_followed_and_take_no_credentials_along():
    gateway, server = gateway_of(raw(b"", 302, location="https://evil.example/"))
    with pytest.raises(ApiRejected, match="redirect"):
        gateway.apps()
    assert [request.url.host for request in server.requests] == ["dt.example"]


def test_an_answer_without_end_is_given_up_at_the_deadline():
    clock = StandingClock()

    class Trickle(httpx.SyncByteStream):
        def __iter__(self):
            while True:
                clock.sleep(5)
                yield b" "

    gateway, _ = gateway_of(lambda _: httpx.Response(200, stream=Trickle()), clock=clock)
    with pytest.raises(ApiError, match="did not end in time"):
        gateway.apps()
    assert clock.seconds <= 1000 + 125


def test_an_answer_too_large_for_memory_is_not_read_on_and_not_asked_for_again():
    sent = []

    class Flood(httpx.SyncByteStream):
        def __iter__(self):
            while True:
                sent.append(1)
                yield b" " * 1_000_000

    gateway, server = gateway_of(lambda _: httpx.Response(200, stream=Flood()))
    with pytest.raises(UnreadableAnswer, match="64 MB"):
        gateway.apps()
    assert len(sent) < 70
    assert len(server.requests) == 1


def test_a_refusal_counts_even_when_its_body_breaks_off():
    class Broken(httpx.SyncByteStream):
        def __iter__(self):
            yield b"bad category"
            raise httpx.ReadError("gone")

    gateway, _ = gateway_of(lambda _: httpx.Response(409, stream=Broken()))
    assert gateway.create("app", {"name": "n"}, app_id=None) == Rejected(409, "bad category", 1)


def test_retry_after_holds_all_workers_back():
    clock = StandingClock()
    server = Server(raw(b"", 429, **{"retry-after": "7"}), ok([]), ok([]))
    with client_of(server, clock, chance=lambda: 0.0) as client:
        gateway = DtGateway(client, "1")
        gateway.apps()
        assert clock.slept == [7.0]
        client._cool_down(clock.seconds + 3)
        gateway.apps()
    assert clock.slept == [7.0, 3.0]


def test_a_pause_asked_of_one_worker_that_no_call_can_outwait_stops_the_others_unsent():
    server = Server()
    with client_of(server) as client:
        client._cool_down(1000 + 500)
        with pytest.raises(ApiError, match="longer pause"):
            DtGateway(client, "1").apps()
    assert server.requests == []


def test_a_server_that_asks_for_a_day_is_not_waited_for():
    clock = StandingClock()
    gateway, server = gateway_of(raw(b"", 429, **{"retry-after": "86400"}), clock=clock)
    with pytest.raises(ApiError, match="429"):
        gateway.apps()
    assert (clock.slept, len(server.requests)) == ([], 1)


DAY_LONG = {"retry-after": "86400"}
UNTIL = "the server asks for no more calls until 2026-11-22 19:00:00 UTC, in 24 h"


@each("header", ["86400", "Sun, 22 Nov 2026 19:00:00 GMT"])
@each("status", [429, 503])
def test_a_server_that_asks_for_a_day_is_told_with_the_time_to_come_again(status, header):
    gateway, _ = gateway_of(raw(b"", status, **{"retry-after": header}), clock=StandingClock())
    with pytest.raises(ApiError) as refused:
        gateway.apps()
    assert refused.value.message.endswith(UNTIL)
    assert refused.value.hint == "run it again after that time"


def test_a_write_that_is_put_off_for_a_day_says_so_and_is_surely_not_done():
    gateway, server = gateway_of(raw(b"", 429, **DAY_LONG), clock=StandingClock())
    assert gateway.create("app", {"name": "n"}, app_id=None) == Rejected(429, f"Too Many Requests; {UNTIL}", 1)
    assert len(server.requests) == 1


def test_a_token_that_is_put_off_for_a_day_says_so():
    server = Server(tokens=lambda _: raw(b"", 429, **DAY_LONG))
    with client_of(server, StandingClock()) as client, pytest.raises(ApiError) as refused:
        DtGateway(client, "1").apps()
    assert refused.value.message == f"no token could be fetched: HTTP 429; {UNTIL}"
    assert refused.value.hint == "run it again after that time"


def test_a_pause_that_a_call_has_waited_out_is_not_told_again():
    gateway, _ = gateway_of(*[raw(b"", 429, **{"retry-after": "1"})] * 12, clock=StandingClock())
    with pytest.raises(ApiError) as refused:
        gateway.apps()
    assert "until" not in refused.value.message


def test_a_call_never_outlives_its_deadline():
    clock = StandingClock()

    def slow(_):
        clock.sleep(50)
        return raw(b"", 503)

    gateway, _ = gateway_of(*[slow] * 5, clock=clock)
    with pytest.raises(ApiError):
        gateway.apps()
    assert clock.seconds < 1000 + 120 + 50


def test_each_wait_for_the_network_fits_in_what_is_left():
    clock = StandingClock()

    def slow(_):
        clock.sleep(100)
        raise httpx.ReadTimeout("x")

    gateway, server = gateway_of(slow, ok([]), clock=clock)
    gateway.apps()
    first, second = (request.extensions["timeout"] for request in server.requests)
    assert (first["connect"], first["read"]) == (10, 30)
    assert second["read"] < 20


def test_workers_have_a_connection_each_and_use_it_again():
    made_transports = []
    barrier = Barrier(4)

    def together(_):
        barrier.wait(10)
        return ok([])

    def transport():
        made_transports.append(1)
        return httpx.MockTransport(Server(*[together] * 100))

    secret = Secret("s")
    client = DtClient("https://h.example", Credentials(secret, secret), clock=StandingClock(), transport=transport)
    gateway = DtGateway(client, "1")
    with client, ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            list(pool.map(lambda _: gateway.apps(), range(4)))
        assert client.requests() == {"POST auth": 1, "GET app": 12}
    assert len(made_transports) == 4


def test_closing_closes_every_connection():
    closed = []

    class Transport(httpx.MockTransport):
        def close(self):
            closed.append(self)

    secret = Secret("s")
    client = DtClient(
        "https://h.example", Credentials(secret, secret), clock=StandingClock(), transport=lambda: Transport(token)
    )
    client.close()
    assert len(closed) == 1


def test_the_log_has_calls_and_statuses_and_no_secret(caplog):
    caplog.set_level(logging.DEBUG, "reconciler.web")
    gateway, _ = gateway_of(ok([{"appId": 1, "rewardedAdSecurityToken": "hush"}]))
    gateway.apps()
    lines = [record.getMessage() for record in caplog.records if record.name == "reconciler.web"]
    assert lines[1].startswith("GET /api/management/v1/app?publisherId=3432: 200 in ")
    assert not any(secret in line for line in lines for secret in (SECRET, "tok-1", "hush", "Bearer"))


def test_a_proxy_that_cannot_be_used_is_an_error_of_the_environment(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "gopher://proxy.example")
    secret = Secret("s")
    with pytest.raises(ProjectError, match="HTTPS_PROXY"):
        DtClient("https://h.example", Credentials(secret, secret), clock=StandingClock())


def test_the_proxy_of_the_environment_is_used_unless_the_host_is_excepted(monkeypatch):
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with served(refusal) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.removeprefix("http://"))
        with local("https://api.invalid") as client:
            end = client._send_once(Request("GET", "/x"), None, 1100, 1)
            assert isinstance(end, RequestNotSent)
            assert "407" in end.why
        monkeypatch.setenv("NO_PROXY", "api.invalid")
        with local("https://api.invalid") as client:
            end = client._send_once(Request("GET", "/x"), None, 1100, 1)
            assert "407" not in end.why


def test_calls_to_this_machine_never_go_through_a_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:1")
    with served(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]") as url, local(url) as client:
        assert client._send_once(Request("GET", "/x"), None, 1100, 1).status == 200


@contextmanager
def served(answer: bytes):
    """A server that gives every connection the same bytes and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def local(url):
    secret = Secret("s")
    return DtClient(url, Credentials(secret, secret), clock=StandingClock())


@each(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]",
    ],
)
def test_an_answer_cut_short_on_a_real_connection_is_lost(answer):
    with served(answer) as url, local(url) as client:
        assert isinstance(client._send_once(Request("GET", "/x"), None, 1100, 1), NoResponse)


def test_no_listener_on_a_real_port_is_unsent():
    with served(b"") as url:
        pass
    with local(url) as client:
        assert isinstance(client._send_once(Request("POST", "/x", body=b"{}"), None, 1100, 1), RequestNotSent)


def test_a_whole_answer_on_a_real_connection_is_a_reply():
    body = b"HTTP/1.1 201 Created\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}"
    with served(body) as url, local(url) as client:
        end = client._send_once(Request("POST", "/x", body=b"{}"), None, 1100, 1)
    assert end == Response(201, b"{}", end.headers)
    assert end.headers["retry-after"] == "3"
