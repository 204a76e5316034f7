"""What suggestions stand on, with reports that a test makes up."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from support.builders import desired_app, desired_placement, desired_state, entry, ledger_of
from support.market_evidence import FIRST, LAST, TODAY, evidence

from reconciler.errors import ProjectError
from reconciler.floors.decide import Rules, Window
from reconciler.model.address import placement_address
from reconciler.model.evidence import Cell, UnmatchedReports
from reconciler.model.state import Lifecycle
from reconciler.workflow.floors import app_ids, read_floors_input, suggest_floors

WINDOW = Window(FIRST, LAST, TODAY)


class Memory:
    """A store that only tells."""

    def __init__(self, *entries, events=()):
        self._ledger, self._events = ledger_of(*entries), list(events)

    def ledger(self):
        return self._ledger

    def events(self):
        return iter(self._events)


class Reports:
    """Answers every question with one reasonable cell after another, and remembers the questions."""

    def __init__(self):
        self.asked = []

    def evidence(self, question):
        self.asked.append(question)
        return tuple(evidence(cell) for cell in question.cells), UnmatchedReports()


def table(**prices):
    return {"WW": Decimal("0.01"), **{country: Decimal(str(price)) for country, price in prices.items()}}


def placement(name, **more):
    return desired_placement(name, floorPrices=more.pop("floors", table(US=1)), **more)


def suggested(desired, store, reports=None, earliest=FIRST, only=()):
    made = suggest_floors(read_floors_input(desired, store), reports or Reports(), WINDOW, Rules(), earliest, only)
    return {(one.cell.address.rpartition("/")[2], one.cell.country): one for one in made.cells}


def update(address, day, before, after):
    about = {"run": f"run-{day}", "at": f"{day}T12:00:00Z", "address": address, "action": "update", "id": "7"}
    yield {**about, "event": "intent", "before": {"floorPrices": before}, "after": {"floorPrices": after}}
    yield {**about, "event": "ended", "outcome": "applied"}


def test_every_declared_floor_of_a_managed_placement_gets_a_suggestion():
    off = Lifecycle(ignore_changes=("floorPrices",))
    app = desired_app(
        placement("one"),
        placement("asleep", status="inactive"),
        placement("gone", state="absent"),
        placement("left", lifecycle=off),
        desired_placement("bare"),
    )
    assert set(suggested(desired_state(app), Memory())) == {("one", "US"), ("one", "WW")}


def test_a_selection_leaves_the_evidence_of_the_others_in():
    app, reports = desired_app(placement("one"), placement("two")), Reports()
    made = suggested(desired_state(app), Memory(), reports, only=("*/two",))
    assert {name for name, _ in made} == {"two"}
    assert {cell.address.rpartition("/")[2] for cell in reports.asked[0].cells} == {"one", "two"}
    with pytest.raises(ProjectError, match="no placement"):
        suggested(desired_state(app), Memory(), only=("*/three",))


def test_a_floor_that_waits_to_be_applied_stands_still_until_then():
    block = placement("one", floors=table(US=5))
    waiting = entry(placement("one", floors=table(US=3)), "7")
    app = desired_app(block)
    assert "apply that change first" in " ".join(suggested(desired_state(app), Memory(waiting))["one", "US"].reasons)
    assert suggested(desired_state(app), Memory(entry(block, "7")))["one", "US"].verdict == "lower"


def test_the_rungs_of_a_ladder_know_each_other():
    app = desired_app(placement("high", floors=table(US=3)), placement("low", floors=table(US=2.9)))
    ladder = tuple(placement_address(app.address, name) for name in ("high", "low"))
    on = read_floors_input(desired_state(replace(app, ladders=(ladder,))), Memory())
    assert on.current_floors()[Cell(ladder[0], "US")].cheaper == Decimal("2.9")
    assert on.current_floors()[Cell(ladder[1], "US")].dearer == 3


def test_windows_in_which_a_floor_moved_are_asked_about_and_no_others():
    block = placement("one")
    app, known = desired_app(block), entry(block, "7")
    moved = FIRST - timedelta(days=20)
    store = Memory(known, events=update(block.address, moved, {"US": 0.8, "WW": 0.01}, {"US": 1, "WW": 0.01}))
    reports = Reports()
    suggested(desired_state(app), store, reports, earliest=date(2026, 8, 1))
    windows = [(one.first, one.last) for one in reports.asked]
    assert windows[-1] == (FIRST, LAST)
    assert windows[:-1]
    assert all(first <= moved <= last for first, last in windows[:-1])


def test_an_app_is_known_by_its_pin_or_the_ledger_and_else_by_the_account():
    pinned, owned = desired_app(bundle="com.pinned", pin="11"), desired_app(bundle="com.owned")
    state = desired_state(pinned, owned)
    assert set(app_ids(state, {}).values()) == {"11", None}
    assert set(app_ids(state, ledger_of(entry(owned, "12"))).values()) == {"11", "12"}
