"""A strange answer means the same over our own connection as over httpx's, or is refused where httpx is lenient."""

import gzip
import random
import re
import socket
import ssl
import threading
import zlib
from contextlib import closing, suppress
from urllib.parse import urlencode

import httpx
import pytest

from reconciler.http.connections import exchange
from reconciler.http.exchange import NoResponse, Request, Response
from reconciler.http.httpx_connection import HttpxConnection, through
from reconciler.http.transport import DirectConnection, target_bytes
from reconciler.http.wire import RequestHeaders, WireRequest

each = pytest.mark.parametrize

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 2\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
PLAIN = OK + LENGTH + b"\r\n[]"
PACKED, DEFLATED = gzip.compress(b"[1, 2]"), zlib.compress(b"[1, 2]")


def of(body, *headers, status=b"200 OK"):
    lines = (b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body), b"", body)
    return b"\r\n".join(lines)


def chunked(body, size):
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


SAME = {
    "length": PLAIN,
    "no reason": b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n[]",
    "chunks": OK + CHUNKED + b"\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n",
    "chunk sizes in both cases": OK + CHUNKED + b"\r\n00A\r\n0123456789\r\n00a\r\n0123456789\r\n0\r\n\r\n",
    "chunk extension": OK + CHUNKED + b'\r\n2;a=1;b="c d"\r\n[]\r\n0;end\r\n\r\n',
    "trailers": OK + CHUNKED + b"\r\n2\r\n[]\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n",
    "bad chunk size": OK + CHUNKED + b"\r\n2x\r\n[]\r\n0\r\n\r\n",
    "negative chunk size": OK + CHUNKED + b"\r\n-2\r\n[]\r\n0\r\n\r\n",
    "huge chunk size": OK + CHUNKED + b"\r\n" + b"f" * 40 + b"\r\n[]\r\n0\r\n\r\n",
    "chunk longer than it says": OK + CHUNKED + b"\r\n2\r\n[]]\r\n0\r\n\r\n",
    "chunks without end": OK + CHUNKED + b"\r\n2\r\n[]\r\n",
    "chunks cut": OK + CHUNKED + b"\r\n9\r\n[]",
    "to the end": OK + b"\r\n[1, 2]",
    "to the end, 1.0": b"HTTP/1.0 200 OK\r\n\r\n[1, 2]",
    "to the end, empty": OK + b"\r\n",
    "close and length": OK + b"Connection: close\r\n" + LENGTH + b"\r\n[]",
    "length too long": OK + b"Content-Length: 9\r\n\r\n[]",
    "length too short": OK + b"Content-Length: 1\r\n\r\n[]",
    "length nothing": OK + b"Content-Length: 0\r\n\r\n",
    "length negative": OK + b"Content-Length: -2\r\n\r\n[]",
    "length with a sign": OK + b"Content-Length: +2\r\n\r\n[]",
    "length no number": OK + b"Content-Length: two\r\n\r\n[]",
    "length empty": OK + b"Content-Length:\r\n\r\n[]",
    "length huge": OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n[]",
    "two lengths": OK + LENGTH + b"Content-Length: 1\r\n\r\n[]",
    "two lengths in one": OK + b"Content-Length: 2, 1\r\n\r\n[]",
    "unknown coding": OK + b"Transfer-Encoding: gzip\r\n\r\n[]",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "no content with a length": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n",
    "not modified with a length": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN,
    "hints twice": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2 + PLAIN,
    "only continue": b"HTTP/1.1 100 Continue\r\n\r\n",
    "redirect": of(b"", b"Location: https://evil.example/", status=b"302 Found"),
    "refusal": of(b'{"message": "no"}', b"Retry-After: 7", status=b"429 Slow"),
    "refusal cut": b"HTTP/1.1 409 Conflict\r\nContent-Length: 99\r\n\r\nno such",
    "refusal with bad chunks": b"HTTP/1.1 409 Conflict\r\n" + CHUNKED + b"\r\n5\r\nno su\r\nno size\r\n",
    "gzip": of(PACKED, b"Content-Encoding: gzip"),
    "gzip in chunks": OK + b"Content-Encoding: X-GZIP\r\n" + CHUNKED + b"\r\n" + chunked(PACKED, 5),
    "gzip cut": of(PACKED[:-4], b"Content-Encoding: gzip"),
    "gzip damaged": of(PACKED[:12] + b"\xff\xff" + PACKED[14:], b"Content-Encoding: gzip"),
    "gzip that is none": of(b"[]", b"Content-Encoding: gzip"),
    "gzip of nothing": of(b"", b"Content-Encoding: gzip"),
    "gzip and junk": of(PACKED + b"junk", b"Content-Encoding: gzip"),
    "gzip of a refusal cut": of(PACKED[:-9], b"Content-Encoding: gzip", status=b"400 Bad"),
    "deflate": of(DEFLATED, b"Content-Encoding: deflate"),
    "deflate raw": of(DEFLATED[2:-4], b"Content-Encoding: deflate"),
    "deflate damaged": of(DEFLATED[:2] + b"\xff\xff\xff", b"Content-Encoding: deflate"),
    "two encodings": of(gzip.compress(DEFLATED), b"Content-Encoding: deflate, gzip"),
    "two encoding headers": of(gzip.compress(DEFLATED), b"Content-Encoding: deflate", b"Content-Encoding: gzip"),
    "identity": of(b"[]", b"Content-Encoding: identity"),
    "an encoding that nobody knows": of(b"[]", b"Content-Encoding: rot13"),
    "header twice": of(b"[]", b"Link: <a>", b"link: <b>", b"LINK: <c>"),
    "header in UTF-8": of(b"[]", "X-Word: café".encode()),
    "header in Latin-1": of(b"[]", "X-Word: café".encode("latin-1"), "X-Other: né".encode()),
    "header empty": of(b"[]", b"X-Empty:", b"X-Blank:   \t "),
    "header without a colon": of(b"[]", b"X-Word"),
    "header without a name": of(b"[]", b": word"),
    "header with a NUL": of(b"[]", b"X-Word: a\0b"),
    "header name with a blank": of(b"[]", b"X Word: a"),
    "header name with a blank behind": of(b"[]", b"X-Word : a"),
    "long header": of(b"[]", b"X-Long: " + b"a" * 60_000),
    "endless headers": OK + b"X-Long: word\r\n" * 40_000 + LENGTH + b"\r\n[]",
    "no HTTP": b"<html>another protocol</html>\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\n" + LENGTH + b"\r\n[]",
    "status of four digits": b"HTTP/1.1 2000 OK\r\n" + LENGTH + b"\r\n[]",
    "status no number": b"HTTP/1.1 abc OK\r\n" + LENGTH + b"\r\n[]",
    "status 600": of(b"[]", status=b"600 What"),
    "blank before": b" " + PLAIN,
    "a request": b"GET / HTTP/1.1\r\n\r\n",
    "another protocol asked for": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "nothing": b"",
    "another answer behind": PLAIN + b"HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\n!",
    "junk behind": PLAIN + b"\0\1junk",
    "lone CR": PLAIN.replace(b"\r\n", b"\r", 1),
    "chunked twice": OK + CHUNKED + CHUNKED + b"\r\n2\r\n[]\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"\r\n2\r\n[]\r\n0\r\n\r\n",
    "gzip, chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    "chunk lone LF": OK + CHUNKED + b"\r\n2\n[]\n0\n\n",
    "no content and a body": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n[]",
    "a blank line too few": OK + LENGTH + b"[]",
    "reason with high bytes": of(b"[]", status=b"200 \xe9\xff"),
    "tabs in the first line": b"HTTP/1.1\t200\tOK\r\n" + LENGTH + b"\r\n[]",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\n" + LENGTH + b"\r\n[]",
    "http/1.1 in small letters": b"http/1.1 200 OK\r\n" + LENGTH + b"\r\n[]",
    "ICY": b"ICY 200 OK\r\n\r\n[]",
    "keep-alive without a length": OK + b"Connection: keep-alive\r\n\r\n[]",
    "upgrade offered": of(b"[]", b"Upgrade: h2c", b"Connection: upgrade"),
    "100 headers": of(b"[]", *[b"X-%d: 1" % n for n in range(100)]),
    "1000 headers": of(b"[]", *[b"X-%d: 1" % n for n in range(1000)]),
}  # fmt: skip
STRICTER = {
    "a length among the trailers": OK + CHUNKED + b"\r\n2\r\n[]\r\n0\r\nContent-Length: 99\r\n\r\n",
    "HTTP of the future": b"HTTP/3.7 200 OK\r\n" + LENGTH + b"\r\n[]",
    "lone LF": PLAIN.replace(b"\r\n", b"\n"),
    "lone LF in the head": PLAIN.replace(b"\r\n", b"\n", 1),
    "a header over two lines": of(b"[]", b"X-Word: a\r\n b"),
    "the length over two lines": OK + b"Content-Length:\r\n 2\r\n\r\n[]",
    "the same length twice": OK + LENGTH * 2 + b"\r\n[]",
    "the same length twice in one": OK + b"Content-Length: 2, 2\r\n\r\n[]",
    "length and chunks": OK + LENGTH + CHUNKED + b"\r\n2\r\n[]\r\n0\r\n\r\n",
    "chunks and length": OK + CHUNKED + b"Content-Length: 99\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    "chunk sizes with blanks": OK + CHUNKED + b"\r\n2 \r\n[]\r\n0\r\n\r\n",
    "header of a control sign": of(b"[]", b"X-Word: a\x01b"),
    "header of DEL": of(b"[]", b"X-Word: a\x7fb"),
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\n" + LENGTH + b"\r\n[]",
}  # fmt: skip
"""What httpx takes for an answer and we do not: two readers may understand each of them in two ways."""


class Puppet:
    """A server that answers every connection with the same bytes, in pieces of a size, and then hangs up."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.answer, self.size = b"", None
        self.heard = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.heard.append(self._request(connection))
                size = self.size or len(self.answer) or 1
                for at in range(0, len(self.answer), size):
                    connection.sendall(self.answer[at : at + size])
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(5)
                while connection.recv(65536):
                    pass

    @staticmethod
    def _request(connection):
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += connection.recv(65536)
        head, _, body = heard.partition(b"\r\n\r\n")
        said = re.search(rb"(?i)content-length: (\d+)", head)
        while len(body) < int(said[1] if said else 0):
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def puppet():
    with closing(Puppet()) as server:
        yield server


def direct(url):
    return DirectConnection(url, None, 2.0)


def of_httpx(url):
    return HttpxConnection(url, through(None, TLS, 2.0))


GET = WireRequest("GET", b"/x?a=1", RequestHeaders({"Accept": "*/*"}), None, 5.0, 5.0)


def end_of(puppet, path, request=GET):
    with closing(path(puppet.url)) as connection:
        end = exchange(connection, request, lambda: False)
    return (type(end), end.status, end.body, dict(end.headers)) if isinstance(end, Response) else (type(end),)


def ends(puppet, answer, size=None):
    puppet.answer, puppet.size = answer, size
    return end_of(puppet, direct), end_of(puppet, of_httpx)


@each("size", [None, 1, 7])
@each("name", SAME)
def test_an_answer_means_the_same_over_both(puppet, name, size):
    if size and len(SAME[name]) > 1000:
        pytest.skip("long ones come in many pieces anyway")
    ours, theirs = ends(puppet, SAME[name], size)
    assert ours == theirs


@each("name", STRICTER)
def test_what_two_readers_may_understand_in_two_ways_is_no_answer(puppet, name):
    ours, theirs = ends(puppet, STRICTER[name])
    assert ours == (NoResponse,)
    assert theirs[0] is Response


def test_empty_lines_before_an_answer_say_nothing(puppet):
    assert ends(puppet, b"\r\n\r\n" + PLAIN) == ((Response, 200, b"[]", {"content-length": "2"}), (NoResponse,))


USUAL = (
    of(b'{"a": [1, 2]}', b"Server: x", b"Content-Type: application/json", b"Retry-After: 3", b"Connection: keep-alive"),
    OK + b"Content-Type: application/json\r\n" + CHUNKED + b"\r\n4\r\n[1, \r\n2\r\n2]\r\n0\r\n\r\n",
    of(PACKED, b"Content-Encoding: gzip", b"Vary: Accept-Encoding", status=b"201 Created"),
    b"HTTP/1.1 100 Continue\r\n\r\n" + of(b"no", b"Connection: close", status=b"422 Unprocessable"),
)


@each("usual", USUAL)
def test_an_answer_cut_anywhere_means_the_same_over_both(puppet, usual):
    for at in range(len(usual)):
        ours, theirs = ends(puppet, usual[:at])
        assert ours == theirs, usual[:at]


SIGNS = (
    b"\r",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"0",
    b"1",
    b"9",
    b"f",
    b"x",
    b"\0",
    b"\x7f",
    b"\xff",
    b"-",
)
LINES = (LENGTH, CHUNKED, b"Connection: close\r\n", b"Content-Encoding: gzip\r\n", b"X: \r\n y\r\n", OK, b"\r\n")


LENIENT = re.compile(rb"^[\r\n]|HTTP/1\.1 \d\d\d [^\r\n]*[\0\x7f]")
"""Empty lines before an answer, and signs in the words behind a status, which nobody reads."""


def mutant(usual, chance):
    """An answer with one to three mistakes."""
    made = usual
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(made))
        end = at + chance.choice((0, 0, 1, 1, 2, 8))
        made = (
            made[:at] + chance.choice((b"", made[at:end] * 2, chance.choice(SIGNS), chance.choice(LINES))) + made[end:]
        )
    return made


@each("seed", range(8))
def test_no_mistake_makes_an_answer_of_what_is_none_to_httpx_nor_another_answer(puppet, seed):
    chance = random.Random(seed)
    for _ in range(40):
        answer = mutant(chance.choice(USUAL), chance)
        ours, theirs = ends(puppet, answer)
        assert ours in (theirs, (NoResponse,)) or LENIENT.search(answer), (answer, ours, theirs)


PATHS = [
    "/",
    "/a",
    "/a/",
    "//a",
    "/a//b",
    "/a.b/c~d/-_",
    "/.",
    "/..",
    "/./a",
    "/a/../b",
    "/a/..",
    "/.a",
    "/a%2Fb",
    "/a%2fb",
    "/%",
    "/%zz",
]
WORDS = [
    "",
    "a",
    "1,2",
    "a b",
    "é",
    "😀",
    "%",
    "%41",
    "+",
    "~._-",
    "a/b?c",
    "a=b&c",
    '"<>`{}|\\^[]',
    "\x7f",
    "'()*!$;:@",
    "#",
]


@each("path", [*PATHS, *(f"/x/{word}" for word in WORDS if "#" not in word and "?" not in word and word.isprintable())])
def test_a_target_goes_out_as_httpx_spells_it(path):
    for query in (
        "",
        "?",
        "?a=1&b=%2B",
        "?a=%2b",
        "?a= b",
        "?a=é",
        "?a",
        "?a='&b=(",
        *(f"?a={word}" for word in WORDS[:9]),
    ):
        assert target_bytes(path + query) == httpx.URL(f"https://host{path}{query}").raw_path


@each("key", WORDS[:-1])
@each("value", WORDS)
def test_a_query_is_written_as_the_standard_library_writes_it(key, value):
    assert Request("GET", "/x", {key: value, "z": "1"}).target == f"/x?{urlencode({key: value, 'z': '1'})}"


@each("method", ["GET", "POST", "PUT", "DELETE"])
@each("body", [None, b"", b"{}", b"\r\n\0\xff"])
@each("headers", [{}, {"Accept": "*/*", "Authorization": "Bearer x=y", "x-own": ""}])
def test_a_request_goes_out_byte_for_byte_as_httpx_writes_it(puppet, method, body, headers):
    request = WireRequest(method, b"/a%2Fb?x=%C3%A9", RequestHeaders(headers), body, 5.0, 5.0)
    puppet.answer, puppet.size, puppet.heard = PLAIN, None, []
    assert end_of(puppet, direct, request) == end_of(puppet, of_httpx, request)
    assert puppet.heard[0] == puppet.heard[1]


HOSTS = ["h.example", "127.0.0.1", "10.0.0.1", "[::1]", "localhost", "h.example.", "h.123", "under_score.example"]
NAMES = ["bücher.example", "xn--bcher-kva.example", "a.xn--bcher-kva.example"]


@each("scheme", ["http", "https"])
@each("port", ["", ":80", ":443", ":8443"])
@each("host", [*HOSTS, *NAMES])
def test_the_host_is_called_as_httpx_calls_it(scheme, host, port):
    url = f"{scheme}://{host}{port}"
    made = DirectConnection(url, TLS, 1.0)
    asked = httpx.Request("GET", url)
    assert (made._host, made._host_header) == (asked.url.host, asked.headers["host"])
    assert made._port == (asked.url.port or {"http": 80, "https": 443}[asked.url.scheme])


def test_a_host_that_is_no_address_is_refused():
    with pytest.raises(ValueError, match="IPv4"):
        DirectConnection("https://999.1.1.1", TLS, 1.0)


def test_https_never_goes_out_in_the_clear():
    with pytest.raises(ValueError, match="TLS"):
        DirectConnection("https://h.example", None, 1.0)
