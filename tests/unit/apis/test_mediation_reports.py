import json
from datetime import date, timedelta

import pytest
from support.fake_clock import FakeClock
from support.reports import DAY, Answer, mediation_row
from unit.apis.world import CANARIES, chartboost, told_by

from reconciler.apis.mediation_reports import METRICS, TOKEN_PATHS, body_of, rows_by_range
from reconciler.apis.reports import DayRange
from reconciler.errors import ApiError, ApiRejected, CredentialsError, UnreadableAnswer
from reconciler.http import connections as http

each = pytest.mark.parametrize
SPAN = DayRange(DAY - timedelta(days=13), DAY)
PAGE_SAYS = {"bidding": {"responses"}, "mediation": {"valid_bids", "winning_bids", "bid_rate", "win_rate"}}


def rows_of(*rows):
    return Answer(body=json.dumps({"data": rows, "row_count": len(rows)}).encode())


def failed(server, folder, kind=ApiError):
    with pytest.raises(kind) as error:
        chartboost(server, folder).rows(SPAN, "mediation", dated=True)
    assert not [secret for secret in CANARIES if secret in told_by(error.value)]
    return error.value.message


def test_a_token_is_asked_for_with_the_audience_and_used_for_its_life(server, tmp_path):
    client = chartboost(server, tmp_path)
    for _ in range(3):
        client.rows(SPAN, "mediation", dated=True)
    (token,) = server.of("POST /oauth/token")
    assert token.json == {
        "client_id": "id-canary-7",
        "client_secret": "secret-canary-7",
        "audience": "https://public.api.gateway.chartboost.com",
        "grant_type": "client_credentials",
    }
    assert len(server.of("POST /v2/publisher/metrics ")) == 3
    assert server.heard[-1].headers["Authorization"] == "Bearer tok-canary-1"


def test_days_are_asked_for_in_utc_and_by_network_type(server, tmp_path):
    chartboost(server, tmp_path).rows(SPAN, "bidding", dated=True)
    assert server.heard[-1].json == {
        "dimensions": [
            *("date", "app", "helium_placement_name", "placement_type", "demand_source", "country"),
            "partner_placement_name",
        ],
        "metrics": ["requests", "valid_bids", "winning_bids", "impressions", "estimated_earnings"],
        "filters": {"network_type": "bidding"},
        "date_min": "2026-11-07",
        "date_max": "2026-11-20",
        "timezone": "UTC",
    }


@each("network", ["bidding", "mediation"])
def test_no_metric_is_asked_for_that_the_network_type_does_not_have(network):
    assert not set(METRICS[network]) & PAGE_SAYS[network]


def test_totals_have_no_date_and_apps_are_filtered_only_where_named():
    totals = body_of(SPAN, "mediation", dated=False, apps=(), partner=True)
    assert "date" not in totals["dimensions"]
    assert "apps" not in totals["filters"]
    assert body_of(SPAN, "mediation", dated=True, apps=["a"], partner=True)["filters"]["apps"] == ["a"]


def test_a_refusal_is_shown_in_the_servers_words(server, tmp_path):
    said = {
        "code": 400,
        "name": "Bad Request",
        "description": "ValidationError",
        "errors": {"win_rate": "'win_rate' metric is for\x1b[31m 'bidding' only; secret-canary-7"},
    }
    server.metrics = lambda _: Answer(400, json.dumps(said).encode())
    message = failed(server, tmp_path, ApiRejected)
    assert "ValidationError; win_rate: 'win_rate' metric is for [31m 'bidding' only; ***" in message


def test_keys_that_are_refused_name_their_variables(server, tmp_path):
    server.tokens = Answer(401, b'{"error": "access_denied", "error_description": "Unauthorized"}')
    with pytest.raises(CredentialsError) as error:
        chartboost(server, tmp_path).rows(SPAN, "mediation", dated=True)
    assert "CHARTBOOST_CLIENT_ID" in error.value.hint


NONE_OF_THREE = b'{"data": null, "row_count": 3}'


@each("body", [b"", b"{}", b"[]", b'{"data": null}', b'{"data": {}}', b'{"data": [1]}', b"<html>", b'{"data": ['])
def test_what_holds_no_rows_is_an_error(server, tmp_path, body):
    server.metrics = lambda _: Answer(body=body)
    failed(server, tmp_path, UnreadableAnswer)


def test_null_beside_a_count_of_rows_is_an_error(server, tmp_path):
    server.metrics = lambda _: Answer(body=NONE_OF_THREE)
    failed(server, tmp_path, UnreadableAnswer)


def test_an_answer_that_speaks_of_more_rows_than_it_holds_is_an_error(server, tmp_path):
    server.metrics = lambda _: Answer(body=json.dumps({"data": [mediation_row()], "row_count": 2}).encode())
    assert "speaks of 2 rows and holds 1" in failed(server, tmp_path, UnreadableAnswer)


def test_every_try_counts_for_the_rate_limit(server, tmp_path):
    clock = FakeClock()
    answers = [Answer(500)] * 4
    server.metrics = lambda _: answers.pop() if answers else rows_of()
    client = chartboost(server, tmp_path, clock)
    for _ in range(33):
        client.rows(SPAN, "mediation", dated=True)
    assert len(server.of("POST /v2")) == 37
    assert clock.monotonic() >= 590


def test_a_dimension_that_the_api_refuses_is_done_without(server, tmp_path):
    def metrics(heard):
        if "partner_placement_name" in heard.json["dimensions"] and heard.json["filters"]["network_type"] == "bidding":
            why = {"errors": {"partner_placement_name": "is for 'mediation' only"}}
            return Answer(400, json.dumps(why).encode())
        return rows_of(mediation_row())

    told = []
    server.metrics = metrics
    client = chartboost(server, tmp_path, told=told.append)
    assert [len(client.rows(SPAN, "bidding", dated=True)) for _ in range(2)] == [1, 1]
    assert len(server.of("POST /v2")) == 3
    assert len(told) == 1


@each(
    "refusal",
    [
        b"",
        b'{"code": 400, "name": "Bad Request", "description": "ValidationError"}',
        b'{"errors": {"dimensions": "unsupported value"}}',
        b'{"errors": {"dimensions": "supported are date, app, country"}}',
        b"<html>Bad Request</html>",
    ],
)
def test_a_dimension_that_is_refused_without_its_name_is_done_without(server, tmp_path, refusal):
    server.metrics = lambda heard: (
        Answer(400, refusal) if "partner_placement_name" in heard.json["dimensions"] else rows_of(mediation_row())
    )
    told = []
    client = chartboost(server, tmp_path, told=told.append)
    assert [len(client.rows(SPAN, "mediation", dated=True)) for _ in range(2)] == [1, 1]
    assert len(server.of("POST /v2")) == 3
    assert len(told) == 1


@each(
    ("status", "refusal", "calls"),
    [
        (400, b'{"errors": {"date_min": "too early"}}', 1),
        (400, b'{"errors": {"win_rate": "\'win_rate\' metric is for network_type \'bidding\' only"}}', 1),
        (400, b'{"description": "the date range is limited to 30 days"}', 1),
        (403, b"", 1),
        (400, b'{"description": "no"}', 2),
    ],
)
def test_a_refusal_of_something_else_is_told_and_at_most_one_more_call_is_made(
    server, tmp_path, status, refusal, calls
):
    server.metrics = lambda _: Answer(status, refusal)
    failed(server, tmp_path, ApiRejected)
    assert len(server.of("POST /v2")) == calls


@each(("status", "hinted"), [(404, True), (405, True), (418, False)])
def test_no_token_at_a_path_hints_at_the_other(server, tmp_path, status, hinted):
    server.tokens = Answer(status)
    with pytest.raises(ApiRejected) as error:
        chartboost(server, tmp_path).rows(SPAN, "mediation", dated=True)
    assert "CHARTBOOST_AUTH_URL" in error.value.hint
    assert all(path in error.value.hint for path in TOKEN_PATHS) is hinted


def test_rows_too_many_for_one_answer_are_asked_for_in_halves(server, tmp_path, monkeypatch):
    monkeypatch.setattr(http, "LARGEST_BODY", 4000)

    def metrics(heard):
        first, last = (date.fromisoformat(heard.json[key]) for key in ("date_min", "date_max"))
        return rows_of(*(mediation_row(date=str(day)) for day in DayRange(first, last).days() for _ in range(4)))

    server.metrics = metrics
    parts = list(rows_by_range(chartboost(server, tmp_path), SPAN, dated=True))
    assert [day for part, _ in parts for day in part.days()] == list(SPAN.days())
    assert sum(len(told["mediation"]) for _, told in parts) == 4 * len(SPAN)


@each("header", ["86400", "Sun, 22 Nov 2026 19:00:00 GMT"])
def test_a_limit_that_lasts_for_a_day_says_until_when(server, tmp_path, header):
    server.metrics = lambda _: Answer(429, headers={"Retry-After": header})
    with pytest.raises(ApiError) as refused:
        chartboost(server, tmp_path).rows(SPAN, "mediation", dated=True)
    assert refused.value.message.endswith("; the server asks for no more calls until 2026-11-22 19:00:00 UTC, in 24 h")
    assert refused.value.hint == "run it again after that time"


EXCUSES = [
    ({"message": "quota exceeded"}, "quota exceeded"),
    ({"error": "query timed out"}, "query timed out"),
    ({"errors": [{"message": "upstream failed"}]}, "upstream failed"),
    ({"warning": "results are partial"}, "warning: results are partial"),
    ({"warnings": ["shard 3 is missing"]}, "shard 3 is missing"),
    ({"notice": "account under review"}, "notice: account under review"),
    ({"status": "throttled"}, "status: throttled"),
    ({"status": 503}, "status: 503"),
    ({"code": 429, "name": "Too Many Requests"}, "Too Many Requests"),
    ({"success": False}, "success: False"),
    ({"meta": {"note": "still being computed"}}, "still being computed"),
    ({"info": {"detail": "data is not ready"}}, "data is not ready"),
    ({"Reason": "no access to this app"}, "no access to this app"),
    ({"request_id": "abc"}, "request_id: abc"),
    ({"took": 5}, "took: 5"),
]


@each(("excuse", "words"), EXCUSES, ids=str)
def test_no_rows_with_a_word_beside_them_is_no_answer(server, tmp_path, excuse, words):
    server.metrics = lambda _: Answer(body=json.dumps({"data": [], "row_count": 0, **excuse}).encode())
    assert words in failed(server, tmp_path)


@each(("excuse", "words"), EXCUSES[:4] + EXCUSES[6:10], ids=str)
def test_rows_beside_an_error_are_not_believed(server, tmp_path, excuse, words):
    server.metrics = lambda _: Answer(body=json.dumps({"data": [mediation_row()], **excuse}).encode())
    assert words in failed(server, tmp_path, ApiRejected)


@each(
    "beside",
    [
        {},
        {"row_count": 0, "process_time": 0.01, "query_time": 0.2},
        {"row_count": "0", "process_time": "0.01"},
        {"data": None, "row_count": 0},
        {"data": None, "row_count": "0", "total": "0"},
        {"status": "ok", "success": True, "message": "", "errors": [], "next_page": None, "code": 200},
        {"timezone": "UTC", "date_min": "2026-11-07", "meta": {"query_time": 1.5, "next": ""}},
    ],
    ids=str,
)
def test_no_rows_and_nothing_beside_them_is_an_answer(server, tmp_path, beside):
    server.metrics = lambda _: Answer(body=json.dumps({"data": [], **beside}).encode())
    assert chartboost(server, tmp_path).rows(SPAN, "mediation", dated=True) == []


def test_a_count_in_digits_beside_rows_is_no_word(server, tmp_path):
    told = []
    body = {"data": [mediation_row()], "row_count": "1", "query_time": "0.2", "total": 1}
    server.metrics = lambda _: Answer(body=json.dumps(body).encode())
    assert len(chartboost(server, tmp_path, told=told.append).rows(SPAN, "mediation", dated=True)) == 1
    assert told == []


def test_a_harmless_word_beside_rows_is_told_and_the_rows_are_taken(server, tmp_path):
    told = []
    server.metrics = lambda _: Answer(body=json.dumps({"data": [mediation_row()], "notice": "a new page"}).encode())
    assert len(chartboost(server, tmp_path, told=told.append).rows(SPAN, "mediation", dated=True)) == 1
    assert told == ["Chartboost says beside its rows of 2026-11-07 to 2026-11-20: notice: a new page"]


@each(
    ("more", "headers"),
    [
        ({"next_page": 2}, {}),
        ({"nextPage": "/v2/publisher/metrics?page=2"}, {}),
        ({"hasMore": True}, {}),
        ({"has_more": "true"}, {}),
        ({"cursor": "cGFnZSAy"}, {}),
        ({"total": 2}, {}),
        ({"total_rows": "17"}, {}),
        ({"row_count": "2"}, {}),
        ({"pagination": {"page": 1, "pages": 3}}, {}),
        ({"meta": {"paging": {"next": "x"}}}, {}),
        ({"truncated": True}, {}),
        ({"limit": 1}, {}),
        ({}, {"Link": '</v2/publisher/metrics?page=2>; rel="next"'}),
        ({}, {"X-Total-Count": "9"}),
    ],
    ids=str,
)
def test_an_answer_that_speaks_of_more_is_not_the_whole(server, tmp_path, more, headers):
    body = json.dumps({"data": [mediation_row()], **more}).encode()
    server.metrics = lambda _: Answer(body=body, headers=headers)
    assert "not the whole" in failed(server, tmp_path, UnreadableAnswer)


def test_the_words_beside_no_rows_hold_no_secret(server, tmp_path):
    said = {"data": [], "message": "client secret-canary-7 may not read this", "access_token": "tok-canary-1"}
    server.metrics = lambda _: Answer(body=json.dumps(said).encode())
    assert "may not read this" in failed(server, tmp_path)


def test_what_lies_deep_beside_no_rows_is_an_excuse_and_no_fault_of_ours(server, tmp_path):
    deep = b'{"a":' * 500 + b'"late"' + b"}" * 500
    server.metrics = lambda _: Answer(body=b'{"data": [], "meta": ' + deep + b"}")
    failed(server, tmp_path)
