"""Undoing a past run by its journal: which leaves are named, with the value that is there and the one to put back."""

import pytest
from support.builders import (
    at,
    canonical,
    desired_app,
    desired_placement,
    entry,
    live_app,
    live_placement,
    live_state,
    origin,
    plan_for,
)

from reconciler.diff.change import FieldChange
from reconciler.model.habits import habits_of
from reconciler.model.journal import PastRun, PastStep, Result
from reconciler.model.ledger import Ledger
from reconciler.plan.aftermath import undo_plan
from reconciler.plan.reversal import ReversalContext, reversal

HERE = at("int_1")


def undone(before, after, live, *, outcome="applied", unchecked=False):
    """The reversal of a run of one update, where the account now shows these fields and none of the others."""
    step = PastStep(
        "2026-11-21T19:00:00Z", HERE, "update", "7", outcome, before=before, after=after, unchecked=unchecked
    )
    shown = live_state(live_app(), live_placement("7", "int_1", **live))
    ledger: Ledger = {HERE: entry(desired_placement("int_1", **canonical(after)), "7")}
    return reversal(PastRun("r1", step.at, {}, (step,)), (), ReversalContext(shown, ledger), origin())


def test_a_leaf_has_the_value_that_is_there_and_the_one_to_put_back():
    found = undone({"coppa": False}, {"coppa": True}, {"coppa": True})
    assert found.leaves == {HERE: (FieldChange("coppa", True, False, "pending"),)}
    assert [change.send for change in found.plan.changes] == [{"coppa": False}]


def test_a_field_that_is_not_shown_was_nothing_before_its_leaf():
    found = undone({"coppa": True}, {"coppa": False}, {"coppa": ...})
    assert found.leaves == {HERE: (FieldChange("coppa", None, True, "pending"),)}


def test_what_is_as_before_by_now_is_named_and_not_sent():
    found = undone({"coppa": False}, {"coppa": True}, {"coppa": False})
    assert found.leaves == {HERE: (FieldChange("coppa", False, False, "pending"),)}
    assert found.plan.changes == ()


def test_a_line_of_floors_is_a_leaf_of_its_own():
    found = undone(
        {"floorPrices": {"US": 2, "WW": 1}}, {"floorPrices": {"US": 3, "WW": 1}}, {"floorPrices": {"US": 3, "WW": 1}}
    )
    was, now = canonical({"floorPrices": {"US": 2}}), canonical({"floorPrices": {"US": 3}})
    (leaf,) = found.leaves[HERE]
    assert (leaf.path, leaf.before, leaf.after) == (
        "floorPrices.US",
        now["floorPrices"]["US"],
        was["floorPrices"]["US"],
    )


def test_what_moved_since_is_no_leaf():
    found = undone({"coppa": None}, {"coppa": False}, {"coppa": True})
    assert found.leaves == {}
    assert [note.text for note in found.plan.notes] == [
        "coppa is true by now, and the run left it false: it is left alone"
    ]


GEO = {"include": True, "countries": ["SG"]}
ON = {"targetingEnabled": True, "geo": GEO, "connectivity": ["WIFI"]}


class TestTargetingAndItsSwitch:
    def test_what_went_with_the_switch_comes_back_with_it(self):
        found = undone(ON, {"targetingEnabled": False}, {"targetingEnabled": False})
        (change,) = found.plan.changes
        assert change.send == canonical(ON)
        assert {each.path for each in found.leaves[HERE]} == ON.keys()
        assert change.declared.keys() & ON.keys() == {"targetingEnabled"}

    def test_what_was_not_there_does_not_come(self):
        before = {"targetingEnabled": True, "geo": GEO, "connectivity": None}
        (change,) = undone(before, {"targetingEnabled": False}, {"targetingEnabled": False}).plan.changes
        assert change.send == canonical({"targetingEnabled": True, "geo": GEO})

    def test_what_is_there_again_by_now_is_left_alone(self):
        now = {"targetingEnabled": False, "geo": {"include": True, "countries": ["US"]}}
        found = undone(ON, {"targetingEnabled": False}, now)
        assert "geo" not in found.plan.changes[0].send
        assert any("geo is" in note.text for note in found.plan.notes)

    def test_a_switch_that_was_turned_on_by_targeting_is_turned_off_with_it(self):
        before = {"targetingEnabled": False, "geo": None}
        found = undone(before, {"geo": GEO}, {"targetingEnabled": True, "geo": GEO})
        assert found.plan.changes[0].send == {"targetingEnabled": False, "geo": None}

    def test_the_plan_that_undoes_an_apply_that_has_just_ended_holds_it_too(self):
        was, now = (live_placement("7", "int_1", **each) for each in (ON, {"targetingEnabled": False}))
        change = plan_for(
            [desired_app(desired_placement("int_1", targetingEnabled=False))], live_state(live_app(), was)
        )
        key = ("placement", "7")
        back = undo_plan(change, [Result(HERE, "update", "applied", "7")], {key: was}, {key: now}, {}, origin())
        assert back.changes[0].send == canonical(ON)


@pytest.mark.parametrize(("outcome", "unchecked"), [(None, False), ("unknown", True), ("failed", True)])
def test_what_an_update_that_nobody_has_seen_the_end_of_looks_to_have_reset_is_put_back(outcome, unchecked):
    capping = {"value": 3, "unit": "hour"}
    found = undone(
        {"coppa": False, "capping": capping}, {"coppa": True}, {"coppa": False, "capping": None},
        outcome=outcome, unchecked=unchecked,
    )  # fmt: skip
    assert [change.send for change in found.plan.changes] == [canonical({"capping": capping})]


class TestAKilledUpdate:
    """Its end was never recorded: the journal's intent says what it may have reset."""

    def reversal(self, ledger, *more):
        before = {"placementType": "Banner", "bannerRefresh": 88, "floorPrices": {"WW": 1}}
        after = {"floorPrices": {"WW": 2}}
        step = PastStep("2026-11-21T19:00:00Z", HERE, "update", "7", None, before=before, after=after)
        intent = {"event": "intent", "action": "update", "address": HERE, "id": "7", "run": "r1",
                  "before": before, "after": after}  # fmt: skip
        now = canonical({**before, **after, "bannerRefresh": 30})
        shown = live_state(live_app(), live_placement("7", "int_1", **now))
        sources = {HERE: desired_placement("int_1").source}
        context = ReversalContext(shown, ledger, sources, habits=habits_of([intent, *more]))
        return reversal(PastRun("r1", step.at, {}, (step,)), (), context, origin()).plan

    def test_a_default_that_is_a_value_is_undone(self):
        known = entry(desired_placement("int_1", floorPrices={"WW": 1}), "7")
        (change,) = self.reversal({HERE: known}).changes
        assert change.send == canonical({"bannerRefresh": 88, "floorPrices": {"WW": 1}})

    def test_one_that_the_ledger_does_not_hold_yet_is_undone(self):
        (change,) = self.reversal({}).changes
        assert (change.address, change.id, change.send["bannerRefresh"]) == (HERE, "7", 88)

    def test_what_the_address_stands_for_by_now_is_not_touched(self):
        other = entry(desired_placement("int_1"), "8")
        plan = self.reversal({HERE: other})
        assert (plan.changes, len(plan.notes)) == ((), 1)
