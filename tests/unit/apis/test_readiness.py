import pytest

from reconciler.apis.download import Failed, Pending, Ready, TransientFailure, readiness
from reconciler.http.exchange import NoResponse, RequestNotSent, Response

each = pytest.mark.parametrize


def xml(code, message="x"):
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


@each(
    "reply",
    [
        Response(404),
        Response(404, xml("NoSuchKey")),
        Response(403, xml("AccessDenied")),
        Response(403, b"AccessDenied"),
        Response(403),
        Response(202),
    ],
)
def test_a_report_that_is_not_there_is_waited_for(reply):
    assert isinstance(readiness(reply, 0, b""), Pending)


@each("head", [b"", b"\xef\xbb\xbf", b" \r\n", xml("AccessDenied"), xml("NoSuchKey")])
def test_an_empty_file_is_waited_for_and_so_is_one_that_is_only_said_to_be_missing(head):
    assert isinstance(readiness(Response(200), len(head), head), Pending)


@each(
    "reply",
    [
        Response(403, xml("AccessDenied", "Request has expired")),
        Response(403, xml("SignatureDoesNotMatch")),
        Response(403, b"<html>Forbidden</html>"),
        Response(400, xml("AuthorizationQueryParametersError")),
        Response(302, headers={"location": "https://evil.example"}),
        Response(410),
    ],
)
def test_a_refusal_is_final(reply):
    assert isinstance(readiness(reply, 0, b""), Failed)


@each("head", [b"<html>", b"\xef\xbb\xbf \n<?xml", xml("SignatureDoesNotMatch"), b'{"error": "x"}', b"[]"])
def test_what_is_not_csv_is_final(head):
    assert isinstance(readiness(Response(200), 5000, head), Failed)


@each(
    "end",
    [Response(500), Response(503), Response(429), NoResponse("x"), RequestNotSent("x"), Response(503, xml("SlowDown"))],
)
def test_a_failing_server_is_asked_again(end):
    assert isinstance(readiness(end, 0, b""), TransientFailure)


def test_a_file_is_ready():
    assert readiness(Response(200), 10, b"Date,App ID") == Ready()
