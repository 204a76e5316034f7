"""When alarms began and ended, as remembered audits tell."""

from datetime import UTC, date, datetime

from support.builders import API, at

from reconciler.diff.audit import (
    Audit,
    AuditItem,
    audit_event,
    episodes,
    open_episodes,
    past_audit,
    past_audits,
    trend,
    with_history,
)

A, B = at("a"), at("b")


def when(day, hour=0):
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def audit(day, hour=0, **alarms):
    items = tuple(AuditItem(at(name), "1", of) for name, of in alarms.items())
    return Audit(when(day, hour).isoformat().replace("+00:00", "Z"), "3432", API, items)


def past(*audits):
    return past_audits([audit_event(each) for each in audits], "3432", API)


def told(found):
    return [(each.address, each.of, each.opened_at, each.closed_at) for each in found]


def test_an_alarm_is_open_from_the_first_audit_that_saw_it_to_the_first_that_did_not():
    audits = past(audit(1), audit(2, a="drift"), audit(3, a="drift"), audit(4))
    assert told(episodes(audits)) == [(A, "drift", when(2), when(4))]
    assert episodes(audits)[0].seconds(when(9)) == 2 * 86400


def test_one_that_comes_back_is_another():
    audits = past(audit(1, a="drift"), audit(2), audit(3, a="missing"))
    assert told(episodes(audits)) == [(A, "drift", when(1), when(2)), (A, "missing", when(3), None)]


def test_one_that_changes_its_class_is_the_same_alarm():
    audits = past(audit(1, a="drift"), audit(2, a="conflict"))
    assert told(episodes(audits)) == [(A, "conflict", when(1), None)]


def test_what_is_no_alarm_is_not_remembered():
    (only,) = past(audit(1, a="pending", b="accepted"))
    assert only.alarms == {}


def test_an_audit_learns_since_when_its_alarms_are_open_and_nothing_of_others():
    now = audit(3, a="drift", b="drift")
    assert with_history(now, past(audit(1, a="drift"), audit(2, a="drift"))).open_since == {A: "2026-11-01T00:00:00Z"}
    assert with_history(audit(3), past(audit(1, a="drift"))).open_since == {}


def test_the_trend_counts_by_day_and_leaves_out_what_was_closed_before():
    audits = past(
        audit(1, a="drift"), audit(2), audit(5, 1, a="drift", b="drift"), audit(5, 2, a="drift"), audit(6, a="drift")
    )
    found = trend(audits, date(2026, 11, 3))
    assert [(day.day.day, day.audits, day.opened, day.closed, day.still_open) for day in found.days] == [
        (5, 2, 2, 1, 1), (6, 1, 0, 0, 1),
    ]  # fmt: skip
    assert told(found.episodes) == [(A, "drift", when(5, 1), None), (B, "drift", when(5, 1), when(5, 2))]


def test_audits_of_other_accounts_and_broken_ones_are_passed_over():
    good = audit_event(audit(1, a="drift"))
    events = [
        {**good, "api": "https://sandbox.example"}, {**good, "publisherId": "1"}, {**good, "at": "yesterday"},
        {**good, "alarms": [1]}, {**good, "alarms": {"x": ["drift"], "y": "odd"}}, {"event": "ended"}, {}, good,
    ]  # fmt: skip
    assert [each.alarms for each in past_audits(events, "3432", API)] == [{}, {A: "drift"}]


def test_audits_are_taken_in_the_order_of_their_time():
    found = past(audit(2), audit(1, a="drift"))
    assert open_episodes(found) == {}
    assert [each.at for each in found] == [when(1), when(2)]


def test_an_audit_is_remembered_as_it_is():
    now = audit(4, a="drift")
    assert [past_audit(now)] == past(now)
