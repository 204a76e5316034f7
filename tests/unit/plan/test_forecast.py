"""What an apply will cost: calls of each kind of change, and seconds at a pace and a width."""

import pytest
from support.builders import APP, at, desired_placement, origin

from reconciler.diff.change import Blocked, Create, Deactivate, Delete, Update
from reconciler.plan.aftermath import UNKNOWN_PACE, Forecast, forecast
from reconciler.plan.plan import Plan

SOURCE = desired_placement().source


def create(app_id="100", **send):
    return Create(at("new"), SOURCE, (), send, send, app_id)


def plan_of(*changes):
    return Plan(origin(), changes)


def update(number):
    return Update(at(str(number)), str(number), SOURCE, (), {}, {}, "sha256:x")


@pytest.mark.parametrize(
    ("change", "calls"),
    [
        (create(status="active"), 1),
        (create(), 1),
        (create(status="inactive"), 3),
        (Create(APP, SOURCE, (), {"status": "inactive"}, {}), 1),
        (update(1), 1),
        (Deactivate(at("x"), "1", "declared absent", "sha256:x"), 1),
        (Delete(at("x"), "1", "declared absent", "sha256:x"), 2),
        (Delete(APP, "1", "declared absent", "sha256:x"), 3),
        (Blocked(at("x"), "it cannot be changed"), 0),
    ],
)
def test_each_change_costs_the_calls_that_it_takes(change, calls):
    assert forecast(plan_of(change), 0.1, 1).calls == calls


def test_calls_add_up_over_a_plan():
    assert forecast(plan_of(update(1), create(status="inactive"), update(2)), 0.1, 1).calls == 5


def test_seconds_are_calls_at_the_pace_seen():
    assert forecast(plan_of(update(1), update(2), update(3)), 0.2, 1).seconds == pytest.approx(0.6)


def test_a_pace_nobody_has_timed_is_the_usual_one_and_a_pace_of_nothing_is_nothing():
    plan = plan_of(update(1), update(2))
    assert forecast(plan, None, 1) == Forecast(2, 2 * UNKNOWN_PACE)
    assert UNKNOWN_PACE == 0.5
    assert forecast(plan, 0.0, 1).seconds == 0.0


@pytest.mark.parametrize(("parallelism", "seconds"), [(1, 4.0), (2, 2.0), (4, 1.0), (8, 1.0), (0, 4.0)])
def test_calls_go_side_by_side_but_no_wider_than_there_are_calls(parallelism, seconds):
    assert forecast(plan_of(*map(update, range(4))), 1.0, parallelism).seconds == pytest.approx(seconds)


def test_an_empty_plan_costs_nothing_at_any_pace():
    assert forecast(plan_of(), None, 8) == Forecast(0, 0.0)
