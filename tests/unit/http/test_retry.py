from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.http.exchange import NoResponse, RequestNotSent, Response
from reconciler.http.retry import RetryPolicy, may_have_been_done, pause, retry_after, until_words

NOW = datetime(2026, 11, 21, 19, 0, tzinfo=UTC)
each = pytest.mark.parametrize


def seconds(end, *, nth=1, repeatable=True, asked=None, chance=1.0, left=120.0):
    return pause(end, nth=nth, repeatable=repeatable, asked=asked, chance=chance, left=left, patience=RetryPolicy())


def test_pauses_double_from_a_quarter_second_to_eight_seconds():
    assert [seconds(Response(429), nth=nth) for nth in range(1, 9)] == [0.25, 0.5, 1, 2, 4, 8, 8, 8]


def test_chance_spreads_workers_over_the_whole_pause():
    assert [seconds(Response(503), nth=3, chance=chance) for chance in (0.0, 0.5, 1.0)] == [0.0, 0.5, 1.0]


def test_a_failing_call_is_tried_five_times_and_a_throttled_one_twelve():
    assert [seconds(Response(500), nth=nth) is None for nth in (4, 5)] == [False, True]
    assert [seconds(Response(429), nth=nth) is None for nth in (11, 12)] == [False, True]


@each("end", [RequestNotSent("refused"), Response(429)])
def test_what_was_surely_not_done_is_tried_again_even_where_that_is_not_repeatable(end):
    assert seconds(end, repeatable=False) is not None


@each("end", [NoResponse("read timeout"), Response(408), Response(500), Response(502), Response(503), Response(504)])
def test_what_may_have_been_done_is_tried_again_only_where_that_is_repeatable(end):
    assert may_have_been_done(end)
    assert seconds(end, repeatable=True) is not None
    assert seconds(end, repeatable=False) is None


@each("status", [200, 201, 204, 301, 302, 400, 401, 403, 404, 409, 422])
def test_an_answer_is_taken_at_its_word(status):
    assert seconds(Response(status)) is None


def test_what_would_end_the_same_way_is_not_tried_again():
    assert seconds(NoResponse("too large", final=True)) is None


def test_a_pause_is_at_least_what_the_server_asks_for():
    assert seconds(Response(429), asked=7.0, chance=0.0) == 7.0


def test_a_pause_beyond_the_deadline_is_not_begun():
    assert seconds(Response(429), asked=7200.0) is None
    assert seconds(Response(500), nth=4, left=1.0) is None


@each(
    ("header", "expected"),
    [
        ("0", 0.0),
        ("99999999999999999999", 1e20),
        ("3", 3.0),
        (" 2.5 ", 2.5),
        ("Sat, 21 Nov 2026 19:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 18:00:00 GMT", 0.0),
        ("Sat, 21 Nov 2026 19:00:30", 30.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("-1", None),
        ("inf", None),
        ("nan", None),
        ("\u0663", None),
        ("Sat, 99 Nov 9999999 19:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_otherwise_nothing(header, expected):
    assert retry_after(header, NOW) == expected


@each(
    ("asked", "told"),
    [
        (0.2, "until 2026-11-21 19:00:01 UTC, in 1 s"),
        (89, "until 2026-11-21 19:01:29 UTC, in 89 s"),
        (90, "until 2026-11-21 19:01:30 UTC, in 1.5 min"),
        (7200, "until 2026-11-21 21:00:00 UTC, in 2 h"),
        (86400, "until 2026-11-22 19:00:00 UTC, in 24 h"),
        (30 * 86400, "until 2026-12-21 19:00:00 UTC, in 30 days"),
    ],
)
def test_a_wait_is_told_as_a_time_in_utc_and_as_how_long_it_is(asked, told):
    assert until_words(asked, NOW) == told


@each("asked", [1e20, float("1e300")])
def test_no_wait_is_too_long_to_be_told(asked):
    assert until_words(asked, NOW).startswith("until 2127-")
    assert until_words(asked, datetime(9990, 1, 1, tzinfo=UTC)) == "for more than a lifetime"


def test_a_time_is_never_told_too_early():
    late = NOW.replace(microsecond=1).astimezone(timezone(timedelta(hours=5)))
    assert until_words(10, late).startswith("until 2026-11-21 19:00:11 UTC")
