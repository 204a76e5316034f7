from datetime import date, timedelta
from decimal import Decimal

from reconciler.floors.current_floors import floor_days, floor_moves, last_changes, tables_on
from reconciler.model.address import Address
from reconciler.model.evidence import Cell
from reconciler.model.journal import past_runs

A, OLD = Address("android:a/one"), Address("android:a/before")
MONDAY = date(2026, 11, 2)
DAYS = [MONDAY + timedelta(days=number) for number in range(5)]


def table(**prices):
    return {"WW": Decimal("0.01"), **{country: Decimal(str(price)) for country, price in prices.items()}}


def update(day, before, after, *, outcome="applied", address=A, action="update"):
    """The events of a run that changed floors at noon of a day."""
    at = f"{day}T12:00:00Z"
    about = {"run": f"run-{day}", "at": at, "address": address, "action": action, "id": "7"}
    yield {"run": f"run-{day}", "at": at, "event": "run-started"}
    told = {"before": {"floorPrices": before} if before else {}, "after": {"floorPrices": after}}
    yield {**about, "event": "intent", **told}
    yield {**about, "event": "ended", "outcome": outcome}


def past(*events, owners=None):
    return floor_moves(past_runs(event for part in events for event in part), owners or {})


def days(found, now, country="US"):
    cell = Cell(A, country)
    return [*floor_days(found, {A: now}, [cell], DAYS[0], DAYS[-1])[cell].values()]


def test_a_floor_is_known_before_and_after_its_change_and_not_on_that_day():
    found = past(update(DAYS[2], {"US": 1, "WW": 0.01}, {"US": 1.3, "WW": 0.01}))
    assert days(found, table(US="1.3")) == [1.0, 1.0, None, 1.3, 1.3]
    assert last_changes(found, [Cell(A, "US"), Cell(A, "WW")]) == {Cell(A, "US"): DAYS[2]}


def test_without_any_change_the_floor_was_always_the_same():
    assert days((), table(US=1)) == [1.0] * 5


def test_a_country_without_a_line_had_the_worldwide_floor():
    found = past(update(DAYS[2], {"WW": 0.5}, {"WW": 0.5, "US": 1}))
    assert days(found, table(US=1, WW="0.5")) == [0.5, 0.5, None, 1.0, 1.0]
    assert days(found, table(US=1, WW="0.5"), "FR") == [0.5] * 5


def test_nothing_is_known_of_days_before_a_placement_was_made():
    found = past(update(DAYS[1], None, {"US": 1}, action="create"))
    assert days(found, table(US=1)) == [None, None, 1.0, 1.0, 1.0]


def test_being_made_is_no_change_of_a_floor():
    found = past(update(DAYS[1], None, {"US": 1}, action="create"))
    assert last_changes(found, [Cell(A, "US")]) == {}


def test_a_step_that_failed_moved_nothing_and_one_of_unknown_outcome_may_have():
    steps = {"before": {"US": 1}, "after": {"US": 2}}
    assert past(update(DAYS[1], **steps, outcome="failed")) == ()
    unknown = past(update(DAYS[1], **steps, outcome="unknown"))
    assert last_changes(unknown, [Cell(A, "US")]) == {Cell(A, "US"): DAYS[1]}


def test_what_somebody_else_moved_later_is_not_known():
    found = past(update(DAYS[1], {"US": 1}, {"US": 2}))
    assert days(found, table(US=3)) == [1.0, None, None, None, None]


def test_the_past_of_a_renamed_placement_stays_its_own():
    found = past(update(DAYS[1], {"US": 1}, {"US": 2}, address=OLD), owners={"7": A})
    assert last_changes(found, [Cell(A, "US")]) == {Cell(A, "US"): DAYS[1]}


def test_tables_of_a_past_day_are_those_of_its_end():
    found = past(
        update(DAYS[1], {"US": 1, "WW": 0.01}, {"US": 2, "WW": 0.01}),
        update(DAYS[3], {"US": 2, "WW": 0.01}, {"US": 3, "WW": 0.01}),
    )
    floors = [dict(tables_on(day, found, {A: table(US=3)}))[A]["US"] for day in DAYS]
    assert floors == [1, 2, 2, 3, 3]
    made = past(update(DAYS[3], None, {"US": 1}, action="create"))
    assert dict(tables_on(DAYS[1], made, {A: table(US=1)})) == {}
