"""Undoing a past run by its journal: which leaves are named, with the value that is there and the one to put back."""

from support.builders import at, canonical, desired_placement, entry, live_app, live_placement, live_state, origin

from reconciler.diff.change import FieldChange
from reconciler.model.journal import PastRun, PastStep
from reconciler.model.ledger import Ledger
from reconciler.plan.reversal import ReversalContext, reversal

HERE = at("int_1")


def undone(before, after, live, *, outcome="applied"):
    """The reversal of a run of one update, where the account now shows these fields and none of the others."""
    step = PastStep("2026-11-21T19:00:00Z", HERE, "update", "7", outcome, before=before, after=after)
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
