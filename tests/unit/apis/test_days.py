from datetime import UTC, date, datetime

import pytest

from reconciler.apis.reports import DayRange, day_ranges, is_settled, last_complete, refusal, usual_range

each = pytest.mark.parametrize
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MORNING = datetime(2026, 11, 21, 11, 59, tzinfo=UTC)


def test_a_day_is_complete_at_noon_of_the_next():
    assert last_complete(NOON) == date(2026, 11, 20)
    assert last_complete(MORNING) == date(2026, 11, 19)


@each(("now", "first", "last"), [(NOON, 11, 20), (MORNING, 11, 19)])
def test_the_usual_days_of_dt_are_all_that_it_keeps(now, first, last):
    assert usual_range("dt", now) == DayRange(date(2026, 11, first), date(2026, 11, last))


def test_the_usual_days_of_chartboost_are_two_weeks():
    assert usual_range("chartboost", NOON) == DayRange(date(2026, 11, 7), date(2026, 11, 20))


@each(
    ("source", "day", "why"),
    [
        ("dt", date(2026, 11, 21), "not complete before 2026-11-22 12:00 UTC"),
        ("chartboost", date(2026, 11, 21), "not complete"),
        ("dt", date(2026, 11, 10), "DT keeps 10 days: the oldest is 2026-11-11"),
        ("dt", date(2020, 2, 15), "nothing before 2020-02-16"),
    ],
)
def test_a_day_that_cannot_be_had_is_refused_with_the_reason(source, day, why):
    assert why in refusal(source, day, NOON)


@each(("source", "day"), [("dt", date(2026, 11, 11)), ("dt", date(2026, 11, 20)), ("chartboost", date(2025, 1, 1))])
def test_other_days_can_be_had(source, day):
    assert refusal(source, day, NOON) is None


@each(("day", "settled"), [(20, False), (19, False), (18, True)])
def test_the_last_two_complete_days_may_be_restated(day, settled):
    assert is_settled(date(2026, 11, day), NOON) is settled


def test_days_are_asked_for_in_spans_without_gaps_of_thirty_days_at_most():
    days = [*DayRange(date(2026, 1, 1), date(2026, 2, 10)).days(), date(2026, 3, 1)]
    found = day_ranges(reversed(days))
    assert [len(span) for span in found] == [30, 11, 1]
    assert [day for span in found for day in span.days()] == days


@each("length", [2, 3, 30])
def test_halves_make_up_the_span(length):
    span = day_ranges(DayRange(date(2026, 1, 1), date(2026, 3, 1)).days(), length)[0]
    first, second = span.halves()
    assert [*first.days(), *second.days()] == list(span.days())


def test_before_noon_a_day_more_may_be_asked_for_and_the_server_decides():
    assert refusal("dt", date(2026, 11, 10), NOON.replace(hour=9)) is None
    assert "DT keeps 10 days" in refusal("dt", date(2026, 11, 9), NOON.replace(hour=9))
    assert usual_range("dt", NOON.replace(hour=9)).first == date(2026, 11, 11)
