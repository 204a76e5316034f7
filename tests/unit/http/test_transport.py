"""The transport of one connection, on real sockets: what counts as an answer, what as a break, when it reconnects."""

import socket
import ssl
import sys
import threading
from contextlib import closing, contextmanager, suppress

import pytest

from reconciler.http.exchange import NoResponse, RequestNotSent
from reconciler.http.transport import DirectConnection
from reconciler.http.wire import ExchangeFailed, RequestHeaders, WireRequest

each = pytest.mark.parametrize

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Script:
    """A server of one thread: for each connection the answers it gives, one per request, before it hangs up."""

    def __init__(self, *connections):
        self.heard = []
        self.hung_up = [threading.Event() for _ in connections]
        self._connections = connections
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    @contextmanager
    def running(self):
        self._thread.start()
        try:
            yield self
        finally:
            self._listener.close()
            self._thread.join(5)

    def _serve(self):
        for answers, hung_up in zip(self._connections, self.hung_up, strict=True):
            connection, _ = self._listener.accept()
            with connection, suppress(OSError):  # the client may hang up first
                for answer in answers:
                    self.heard.append(_request(connection))
                    connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
            hung_up.set()


def _request(connection):
    with connection.makefile("rb") as file:
        head = b"".join(iter(file.readline, b"\r\n"))
        length = next((int(line[15:]) for line in head.splitlines() if line.startswith(b"Content-Length:")), 0)
        return head + file.read(length)


@contextmanager
def speaking_to(*connections, idle_seconds=5.0):
    with Script(*connections).running() as script:
        transport = DirectConnection(script.url, ssl.create_default_context(), idle_seconds)
        try:
            yield script, transport
        finally:
            transport.close()


def request(method="GET", target=b"/a?b=%3D", headers=None, content=None, read=5.0):
    return WireRequest(method, target, RequestHeaders(headers or {}), content, 5.0, read)


def asked(transport, *args, **more):
    with closing(transport.send(request(*args, **more))) as response:
        return response.status, b"".join(response.unpacked()), response.headers


@contextmanager
def failing(kind, why=""):
    with pytest.raises(ExchangeFailed) as failed:
        yield
    assert isinstance(failed.value.end, kind)
    assert why in failed.value.end.why


@each(
    ("answer", "body"),
    [
        (OK, b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n", b"ok!"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000, b"x" * 200_000),
    ],
    ids=["length", "continued", "hinted", "chunks", "to the end", "nothing", "long"],
)
def test_a_whole_answer_is_read_however_its_end_is_told(answer, body):
    with speaking_to([answer]) as (_script, transport):
        assert asked(transport)[:2] == (200, body)


@each(
    "answer",
    [
        b"",
        b"HTTP/1.1",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: word\r\n" * 40_000 + b"\r\n",
        b"<html>an answer of another protocol</html>\r\n\r\n",
    ],
    ids=[
        "nothing",
        "a word",
        "half a head",
        "half a body",
        "half of the chunks",
        "no header",
        "101",
        "two lengths",
        "length of chunks",
        "endless head",
        "no HTTP",
    ],
)
def test_a_broken_answer_is_a_break_of_the_protocol_and_its_connection_is_not_used_again(answer):
    with speaking_to([answer], [OK]) as (_script, transport):
        with failing(NoResponse, "the connection broke"):
            asked(transport)
        assert asked(transport)[1] == b"ok"


def test_a_head_stands_although_its_body_is_broken():
    broken = b"HTTP/1.1 409 Conflict\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nno su\r\nno size\r\n"
    with speaking_to([broken], [OK]) as (_script, transport):
        response = transport.send(request())
        assert response.status == 409
        parts = response.raw()
        assert next(parts) == b"no su"
        with failing(NoResponse, "the connection broke"):
            next(parts)
        response.close()
        assert asked(transport)[1] == b"ok"


def test_a_request_to_stop_amid_an_answer_is_not_taken_for_a_broken_answer():
    def stop(frame, event, _argument):
        if event == "call" and frame.f_code.co_name == "on_header":
            raise KeyboardInterrupt

    with speaking_to([OK]) as (_script, transport):
        sys.setprofile(stop)
        try:
            with pytest.raises(KeyboardInterrupt):
                asked(transport)
        finally:
            sys.setprofile(None)


def test_a_connection_is_used_again():
    with speaking_to([OK, OK]) as (_script, transport):
        assert [asked(transport)[1] for _ in range(2)] == [b"ok", b"ok"]


def test_a_connection_that_the_server_has_closed_meanwhile_is_left_alone():
    with speaking_to([OK], [OK]) as (script, transport):
        asked(transport)
        assert script.hung_up[0].wait(5)
        assert asked(transport, "POST", content=b"{}")[1] == b"ok"


def test_a_connection_that_was_idle_too_long_is_left_alone():
    with speaking_to([OK], [OK], idle_seconds=-1) as (_script, transport):
        assert [asked(transport)[1] for _ in range(2)] == [b"ok", b"ok"]


def test_a_connection_that_the_server_wants_to_close_is_left_alone():
    last = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    with speaking_to([last], [OK]) as (_script, transport):
        assert [asked(transport)[1] for _ in range(2)] == [b"ok", b"ok"]


def test_what_nobody_asked_for_is_no_answer_to_the_next_call():
    with speaking_to([OK + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"], [OK]) as (_script, transport):
        asked(transport)
        assert asked(transport)[1] == b"ok"


def test_a_body_that_is_not_read_to_its_end_costs_the_connection():
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
    with speaking_to([long], [OK]) as (_script, transport):
        response = transport.send(request())
        assert next(response.raw())
        response.close()
        assert asked(transport)[1] == b"ok"


def test_a_request_goes_out_once_as_it_is_written():
    with speaking_to([OK]) as (script, transport):
        asked(transport, "POST", content=b'{"a": 1}', headers={"X-Own": "1", "User-Agent": "u"})
    first, *lines = script.heard[0].split(b"\r\n")
    assert first == b"POST /a?b=%3D HTTP/1.1"
    host = script.url.removeprefix("http://").encode()
    assert sorted(lines) == [b"Content-Length: 8", b"Host: " + host, b"User-Agent: u", b"X-Own: 1", b'{"a": 1}']


@each(
    "more",
    [
        *({"headers": {"X-Own": f"1{sign}X-Other: 2"}} for sign in ("\r\n", "\n", "\r", "\0")),
        {"headers": {"X-Own: 1\r\nX-Other": "2"}},
        {"target": b"/ HTTP/1.1\r\n\r\nGET /"},
        {"target": b"/\n"},
        {"target": b"/a b"},
    ],
)
def test_a_request_that_would_be_read_as_another_is_not_sent(more):
    with failing(NoResponse, "a line break"):
        asked(DirectConnection("http://127.0.0.1:9", None, 1), **more)


def test_a_target_of_its_own_goes_out_byte_for_byte():
    with speaking_to([OK]) as (script, transport):
        asked(transport, target=b"/x%3Dy?z='%2B")
    assert script.heard[0].startswith(b"GET /x%3Dy?z='%2B HTTP/1.1\r\n")


def test_headers_come_as_they_were_sent():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nLink: <a>\r\nlink: <b>\r\nX-Word: caf\xe9\r\n\r\nok"
    with speaking_to([answer]) as (_script, transport):
        _, _, headers = asked(transport)
    assert headers["link"] == "<a>, <b>"
    assert headers["x-word"] == "café"


def test_without_a_listener_nothing_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with failing(RequestNotSent, "no connection ("):
        asked(DirectConnection(url, ssl.create_default_context(), 1))


def test_a_host_that_cannot_be_asked_for_was_sent_nothing():
    url = f"http://{'a' * 70}.example"
    with failing(RequestNotSent, "no connection ("):
        asked(DirectConnection(url, ssl.create_default_context(), 1))


def test_silence_is_a_timeout_after_the_request_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it listens, and never says a word
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        transport = DirectConnection(url, ssl.create_default_context(), 1)
        with failing(NoResponse, "no answer in time (timed out)"):
            transport.send(request(read=0.05))
