import json
import logging
import socket
import threading
from contextlib import contextmanager

import pytest
from support.fake_clock import FakeClock
from support.reports import APP, DAY, Answer, dt_csv, dt_row, gz
from unit.apis.world import CANARIES, dt_reports, told_by

from reconciler.apis.download import LIMITS, SizeLimits
from reconciler.apis.download_file import DownloadFile
from reconciler.errors import ApiError, ApiRejected, CredentialsError, Interrupted, UnreadableAnswer

each = pytest.mark.parametrize
REPORT = dt_csv([dt_row()])
EXPIRED = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
SMALL = SizeLimits(received=64 * 1024)


def fetched(server, folder, clock=None, **waiting):
    return dt_reports(server, clock, **waiting).fetch(APP, DAY, folder)


def failed(server, folder, kind=ApiError, clock=None, **waiting):
    with pytest.raises(kind) as error:
        fetched(server, folder, clock, **waiting)
    assert not [secret for secret in CANARIES if secret in told_by(error.value)]
    return error.value.message


def test_a_report_is_ordered_with_a_token_for_one_app_and_day(server, tmp_path):
    received = fetched(server, tmp_path)
    token, order = server.of("POST")
    assert token.json == {
        "grant_type": "client_credentials",
        "client_id": "id-canary-7",
        "client_secret": "secret-canary-7",
    }
    assert order.line == "POST /api/v1/report/user-level-data?format=csv HTTP/1.1"
    assert order.json == {"date": "2026-11-20", "appId": "170709"}
    assert order.headers["Authorization"] == "Bearer tok-canary-1"
    assert (received.path.read_bytes(), received.lines) == (REPORT, 2)


def test_the_signed_url_goes_out_byte_for_byte_and_without_our_token(server, tmp_path):
    fetched(server, tmp_path)
    (file,) = server.of("GET")
    assert file.line == f"GET {server.target} HTTP/1.1"
    assert not {name.lower() for name in file.headers} & {"authorization", "cookie"}


def test_a_report_is_waited_for_with_growing_pauses(server, tmp_path):
    clock = FakeClock()
    pending = [Answer(404), Answer(403, DENIED), Answer(200), Answer(200, DENIED), Answer(404), Answer(404)]
    server.files = [*pending, Answer(body=REPORT)]
    assert fetched(server, tmp_path, clock).path.read_bytes() == REPORT
    assert clock.monotonic() == 0.5 + 1 + 2 + 4 + 8 + 16
    assert len(server.of("POST")) == 2


def test_a_report_that_never_comes_ends_at_the_deadline(server, tmp_path):
    clock = FakeClock()
    server.files = [Answer(404)]
    assert "was not there in time (404)" in failed(server, tmp_path, clock=clock, deadline=600)
    assert 540 < clock.monotonic() <= 600


def test_the_wait_stops_soon_after_it_is_told_to(server, tmp_path):
    clock = FakeClock()
    server.files = [Answer(404)]
    reports = dt_reports(server, clock)
    with pytest.raises(Interrupted):
        reports.fetch(APP, DAY, tmp_path, lambda: clock.monotonic() >= 20)
    assert clock.monotonic() <= 21


@each("answer", [Answer(500, b"{}"), Answer(503), Answer(200, headers={"Content-Length": "50"}, body=b"{")])
def test_an_order_in_doubt_is_not_sent_again(server, tmp_path, answer):
    server.orders = lambda _: answer
    assert "nobody knows whether the report was ordered" in failed(server, tmp_path)
    assert len(server.of("POST /api")) == 1


def test_an_order_that_is_refused_shows_the_servers_words(server, tmp_path):
    said = {"error": "invalid_query", "error_description": "Invalid value: DateRange, not secret-canary-7"}
    server.orders = lambda _: Answer(400, json.dumps(said).encode())
    message = failed(server, tmp_path, ApiRejected)
    assert "invalid_query; Invalid value: DateRange, not ***" in message


@each("status", [400, 401])
def test_bad_keys_are_an_error_that_names_the_variables(server, tmp_path, status):
    server.tokens = Answer(status, b'{"error": "invalid_client"}')
    with pytest.raises(CredentialsError) as error:
        fetched(server, tmp_path)
    assert "DT_REPORTING_CLIENT_ID" in error.value.hint


def test_a_token_that_has_ended_is_renewed_and_the_order_sent_once_more(server, tmp_path):
    answers = [Answer(401, b'{"error": "invalid_token"}'), Answer(body=json.dumps({"url": server.link}).encode())]
    server.orders = lambda _: answers.pop(0)
    assert fetched(server, tmp_path).lines == 2


@each("body", [b"{}", b'{"url": null}', b'{"url": ""}', b'{"url": 1}', b"[]", b"<html>", b"", b"{"])
def test_an_order_without_a_url_is_an_error(server, tmp_path, body):
    server.orders = lambda _: Answer(body=body)
    failed(server, tmp_path, UnreadableAnswer)
    assert not server.of("GET")


def test_a_url_on_a_strange_host_is_not_followed(server, tmp_path):
    url = "https://evil.example/x?Signature=LbhE5"
    server.orders = lambda _: Answer(body=json.dumps({"id": "1", "url": url}).encode())
    assert "evil.example is not on the list" in failed(server, tmp_path, UnreadableAnswer)


@each(
    ("answer", "why"),
    [
        (Answer(200, b"<html><body>Log in</body></html>"), "HTML or XML"),
        (Answer(200, b"<?xml version='1.0'?><Reports/>"), "HTML or XML"),
        (Answer(200, b"\xef\xbb\xbf  <html>" + b" " * 9000), "HTML or XML"),
        (Answer(200, b'{"error": "internal"}'), "JSON"),
        (Answer(403, EXPIRED), "the URL has expired"),
        (Answer(200, EXPIRED), "the URL has expired"),
        (Answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"), "SignatureDoesNotMatch"),
        (Answer(302, headers={"Location": "https://evil.example/"}), "evil.example is not on the list"),
        (Answer(302, headers={"Location": "ftp://127.0.0.1/x"}), "not a plain https URL"),
        (Answer(302, headers={"Location": "//user:secret-canary-7@127.0.0.1/x"}), "not a plain https URL"),
        (Answer(302), "leads nowhere (302)"),
        (Answer(300, headers={"Location": "/elsewhere"}), "leads nowhere (300)"),
        (Answer(200, REPORT, {"Content-Encoding": "br"}), "encoding"),
        (Answer(200, gz(REPORT)[:-9]), "cut short"),
    ],
)
def test_what_is_no_report_is_an_error_and_is_asked_for_once(server, tmp_path, answer, why):
    server.files = [answer]
    assert why in failed(server, tmp_path, UnreadableAnswer)
    assert len(server.of("GET")) == 1


def test_a_file_that_says_it_is_too_large_is_not_begun(server, tmp_path):
    server.files = [Answer(200, headers={"Content-Length": str(2 * 1024**3)}, parts=iter([b"Date,"]))]
    assert "larger than" in failed(server, tmp_path, UnreadableAnswer, limits=SMALL)
    assert (tmp_path / "received").stat().st_size == 0


def test_an_endless_file_is_cut_at_the_limit(server, tmp_path):
    def endless():
        while True:
            yield b"2026-11-20,170709\r\n" * 1000

    server.files = [Answer(200, parts=endless())]
    assert "larger than" in failed(server, tmp_path, UnreadableAnswer, limits=SMALL)
    assert (tmp_path / "received").stat().st_size <= 64 * 1024


def test_a_download_that_breaks_is_begun_anew_but_not_for_ever(server, tmp_path):
    cut = Answer(200, headers={"Content-Length": "5000"}, parts=[REPORT])
    server.files = [cut, cut, Answer(500), Answer(body=REPORT)]
    assert fetched(server, tmp_path).path.read_bytes() == REPORT
    server.files = [cut]
    assert "6 times in a row" in failed(server, tmp_path)


def test_a_file_of_no_told_length_must_end_with_a_line(server, tmp_path):
    server.files = [Answer(200, parts=[REPORT[:-3]])]
    message = failed(server, tmp_path)
    assert "ends amid a line, and nothing says how long it should be, 4 times in a row" in message
    server.files = [Answer(200, parts=[REPORT])]
    assert fetched(server, tmp_path).lines == 2


@each("whole", [REPORT, gz(REPORT)])
def test_a_file_that_ends_where_its_connection_did_is_fetched_again_after_a_pause(server, tmp_path, whole):
    clock = FakeClock()
    server.files = [Answer(200, parts=[whole[:-9]]), Answer(200, parts=[whole[:-3]]), Answer(200, parts=[whole])]
    assert fetched(server, tmp_path, clock).path.read_bytes() == REPORT
    assert (clock.monotonic(), len(server.of("GET")), len(server.of("POST /api"))) == (1 + 2, 3, 1)


@each("headers", [{}, {"Content-Encoding": "gzip"}, {"Content-Type": "text/csv"}])
def test_a_packed_report_is_unpacked_whatever_it_is_called(server, tmp_path, headers):
    server.files = [Answer(200, gz(REPORT), headers)]
    received = fetched(server, tmp_path)
    assert (received.path.read_bytes(), received.lines) == (REPORT, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["unpacked"]


def test_nothing_secret_is_logged(server, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    server.files = [Answer(404), Answer(body=REPORT)]
    fetched(server, tmp_path)
    shown = [record.getMessage() for record in caplog.records if record.name.startswith("reconciler")]
    assert shown
    assert not [secret for secret in CANARIES for line in shown if secret in line]


@contextmanager
def deaf():
    """A port that takes connections and says nothing; how often it was asked is counted."""
    listener = socket.create_server(("127.0.0.1", 0))
    asked = []

    def take():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            asked.append(connection.recv(65536))
            connection.close()

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield listener.getsockname()[1], asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def test_a_server_that_hangs_up_on_an_order_is_asked_once(server, tmp_path):
    with deaf() as (port, asked):
        server.orders = lambda _: Answer(307, headers={"Location": f"http://127.0.0.1:{port}/"})
        failed(server, tmp_path, ApiRejected)
        assert asked == []


UNTIL = "; the server asks for no more calls until 2026-11-22 19:00:00 UTC, in 24 h"


@each("header", ["86400", "Sun, 22 Nov 2026 19:00:00 GMT"])
def test_an_order_that_is_put_off_for_a_day_says_until_when(server, tmp_path, header):
    server.orders = lambda _: Answer(429, headers={"Retry-After": header})
    assert failed(server, tmp_path).endswith(UNTIL)
    assert len(server.of("POST")) == 2


@each("status", [202, 404, 503])
def test_a_file_that_is_put_off_for_a_day_says_until_when(server, tmp_path, status):
    server.files = [Answer(status, headers={"Retry-After": "86400"})]
    clock = FakeClock()
    assert failed(server, tmp_path, clock=clock).endswith(UNTIL)
    assert (clock.monotonic(), len(server.of("GET"))) == (0, 1)


def test_a_file_is_asked_for_again_when_its_server_says(server, tmp_path):
    clock = FakeClock()
    server.files = [Answer(202, headers={"Retry-After": "45"}), Answer(body=REPORT)]
    assert fetched(server, tmp_path, clock).path.read_bytes() == REPORT
    assert clock.monotonic() == 45


NO_ROWS = dt_csv([])


def order_that_says(server, **said):
    server.orders = lambda _: Answer(body=json.dumps({"id": "1", "url": server.link, **said}).encode())


@each(
    "said",
    [
        {"error": "report generation failed"},
        {"status": "FAILED", "message": "no access to app"},
        {"success": False, "message": "try later"},
        {"errors": ["quota exceeded"]},
    ],
    ids=str,
)
def test_an_order_that_is_answered_with_a_failure_beside_its_url_is_not_waited_for(server, tmp_path, said):
    order_that_says(server, **said)
    message = failed(server, tmp_path, ApiRejected)
    assert next(word for word in ("generation", "access", "later", "quota") if word in message)
    assert not server.of("GET")


@each("body", [NO_ROWS, gz(NO_ROWS), NO_ROWS.rstrip()])
def test_a_report_without_rows_whose_order_came_with_a_word_is_none(server, tmp_path, body):
    order_that_says(server, message="the account is being migrated")
    server.files = [Answer(body=body, headers={"Content-Length": str(len(body))})]
    assert "the account is being migrated" in failed(server, tmp_path, UnreadableAnswer)


def test_a_word_beside_an_order_does_not_matter_where_rows_come(server, tmp_path):
    order_that_says(server, message="Report is being generated", status="PENDING")
    assert fetched(server, tmp_path).lines == 2


def test_a_report_without_rows_is_one_where_nothing_was_said(server, tmp_path):
    server.files = [Answer(body=NO_ROWS)]
    assert fetched(server, tmp_path).lines == 1


@each("body", [b'{"error": "query failed"}', b'[{"message": "query failed"}]', b'\xef\xbb\xbf {"msg": "query failed"}'])
def test_json_in_place_of_a_report_is_told_in_its_words(server, tmp_path, body):
    server.files = [Answer(body=body)]
    assert "query failed" in failed(server, tmp_path, UnreadableAnswer)


@each("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_three_times_without_our_token(server, tmp_path, status):
    hops = ["/a%3D1?Signature=LbhE5%2B", f"{server.url}/b?Signature=LbhE5", "c?Signature=LbhE5%3D"]
    server.files = [*(Answer(status, headers={"Location": to}) for to in hops), Answer(body=REPORT)]
    assert fetched(server, tmp_path).path.read_bytes() == REPORT
    asked = server.of("GET")
    assert [each.line.split()[1] for each in asked[1:]] == [hops[0], "/b?Signature=LbhE5", "/c?Signature=LbhE5%3D"]
    assert not any({name.lower() for name in each.headers} & {"authorization", "cookie"} for each in asked)


def test_a_fourth_redirect_is_not_followed(server, tmp_path):
    server.files = [Answer(302, headers={"Location": "/again"})]
    assert "redirects more than 3 times" in failed(server, tmp_path, UnreadableAnswer)
    assert len(server.of("GET")) == 4


def test_a_file_that_is_not_yet_where_a_redirect_leads_is_asked_for_from_the_beginning(server, tmp_path):
    moved = Answer(302, headers={"Location": "/there"})
    server.files = [moved, Answer(404), moved, Answer(body=REPORT)]
    assert fetched(server, tmp_path).lines == 2
    assert [each.line.split()[1] for each in server.of("GET")] == [server.target, "/there"] * 2


LONG = dt_csv([dt_row(country="US") for _ in range(500)])
WHOLE = len(LONG)
HALF = WHOLE // 2


def broken(**headers):
    """Half of the file, whose length is told."""
    return Answer(headers={"Content-Length": str(len(LONG)), **headers}, parts=[LONG[:HALF]])


def rest(start=HALF, total=WHOLE, **headers):
    told = {"Content-Range": f"bytes {start}-{len(LONG) - 1}/{total}", **headers}
    return Answer(206, LONG[start:], told)


@each(
    ("headers", "validator"),
    [
        ({"ETag": '"1a"', "Last-Modified": "Fri, 20 Nov 2026 12:00:00 GMT"}, '"1a"'),
        ({"ETag": 'W/"1a"', "Last-Modified": "Fri, 20 Nov 2026 12:00:00 GMT"}, "Fri, 20 Nov 2026 12:00:00 GMT"),
        ({}, None),
    ],
)
def test_a_download_that_broke_goes_on_where_it_was(server, tmp_path, headers, validator):
    server.files = [broken(**headers), rest(**headers)]
    received = fetched(server, tmp_path)
    assert (received.path.read_bytes(), received.lines) == (LONG, 501)
    again = server.of("GET")[1].headers
    assert (again["Range"], again.get("If-Range")) == (f"bytes={HALF}-", validator)


@each(
    "answer",
    [
        Answer(body=LONG, headers={"ETag": '"2b"'}),
        Answer(416),
        rest(HALF - 10),
        rest(total=len(LONG) + 1),
        rest(ETag='"2b"'),
        Answer(206, LONG[HALF:]),
    ],
)
def test_what_is_no_continuation_is_not_put_behind_what_came(server, tmp_path, answer):
    server.files = [broken(ETag='"1a"'), answer, Answer(body=LONG)]
    assert fetched(server, tmp_path).path.read_bytes() == LONG


def test_where_the_server_offers_no_parts_the_whole_file_is_asked_for_again(server, tmp_path):
    server.files = [broken(**{"Accept-Ranges": "none"}), Answer(body=LONG)]
    assert fetched(server, tmp_path).path.read_bytes() == LONG
    assert "Range" not in server.of("GET")[1].headers


def test_a_part_that_nobody_asked_for_is_no_report(server, tmp_path):
    server.files = [rest()]
    assert "HTTP 206" in failed(server, tmp_path, UnreadableAnswer)
    assert len(server.of("GET")) == 1


def test_a_later_run_goes_on_with_what_an_earlier_one_has_left(server, tmp_path):
    reports = dt_reports(server)
    order = reports.order(APP, DAY)
    server.files = [broken(ETag='"1a"'), Answer(403, EXPIRED)]
    server.files = [broken(ETag='"1a"'), *[Answer(500)] * 5]
    with pytest.raises(ApiError):
        reports.receive(order, tmp_path, lasting=True)
    server.files = [broken(ETag='"1a"')]
    with pytest.raises(ApiError):
        reports.receive(order, tmp_path, lasting=True)
    server.files = [rest(ETag='"1a"')]
    received = reports.receive(order, tmp_path, lasting=True)
    assert (received.path.read_bytes(), received.lines) == (LONG, 501)
    assert server.of("GET")[-1].headers["Range"] == f"bytes={HALF}-"
    assert [path.name for path in tmp_path.iterdir()] == ["received"]


def test_the_name_of_the_job_is_told_in_each_message(server, tmp_path):
    clock = FakeClock()
    server.orders = lambda _: Answer(body=json.dumps({"id": "6fad42cb-25db", "url": server.link}).encode())
    for files in ([Answer(404)], [Answer(403, EXPIRED)], [Answer(302, headers={"Location": "https://a.example/"})]):
        server.files = files
        assert "job 6fad42cb-25db" in failed(server, tmp_path, clock=clock, deadline=5)
    server.orders = lambda _: Answer(body=b'{"id": "6fad42cb-25db", "error": "too busy"}')
    assert "job 6fad42cb-25db" in failed(server, tmp_path)
    server.orders = lambda _: Answer(body=b'{"id": "6fad42cb-25db", "url": "https://evil.example/"}')
    assert "job 6fad42cb-25db" in failed(server, tmp_path)


@each("job", ["https://x/?Signature=LbhE5", "a" * 200, {"a": 1}, None, True, "secret-canary-7"])
def test_what_cannot_be_the_name_of_a_job_is_not_told(server, tmp_path, job):
    order_that_says(server, id=job)
    server.files = [Answer(403, EXPIRED)]
    message = failed(server, tmp_path)
    assert "job" not in message or "job ***" in message


@each("status", [400, 403, 404])
def test_an_order_that_is_refused_says_that_user_level_data_may_be_disabled(server, tmp_path, status):
    server.orders = lambda _: Answer(status, b'{"error": "not_found"}')
    with pytest.raises(ApiRejected) as error:
        fetched(server, tmp_path)
    assert "account manager" in error.value.hint
    assert "six days before" in error.value.hint
    assert f"app {APP}, {DAY}" in error.value.message


def test_a_part_that_a_killed_run_has_left_is_gone_on_with(tmp_path):
    killed = DownloadFile(tmp_path / "received", LIMITS, lasting=True)
    killed.begin(200, {"etag": '"v1"', "content-length": "100000"})
    killed.write(b"Date,App ID\n" * 5000)
    size = (tmp_path / "received").stat().st_size  # what had not reached the disk is lost
    assert size
    (tmp_path / "after").mkdir()
    for name in ("received", "received.json"):
        (tmp_path / "after" / name).write_bytes((tmp_path / name).read_bytes())
    with DownloadFile(tmp_path / "after" / "received", LIMITS, lasting=True) as next_one:
        assert next_one.range_headers == {"Range": f"bytes={size}-", "If-Range": '"v1"'}
    with killed:
        pass
