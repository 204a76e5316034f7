"""The plan and the result as a person reads them."""

import json
from decimal import Decimal

import pytest
from support.builders import (
    APP,
    at,
    desired_app,
    desired_placement,
    entry,
    live_app,
    live_placement,
    live_state,
    origin,
    plan_for,
)

from reconciler.diff.change import Blocked, Deactivate, Delete, Note, Unmanaged
from reconciler.model.address import Address
from reconciler.model.journal import Result
from reconciler.model.state import Lifecycle
from reconciler.plan.document import plan_from_text, plan_text
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import Plan
from reconciler.render.plan_text import plan_lines, result_lines, shown, step_text

HERE = live_state(live_app(), live_placement("1", "int_1", floorPrices={"US": 2, "NO": 1}))


def text_of(lines):
    return "\n".join("".join(span.text for span in line) for line in lines)


def planned(*placements, live=HERE, ledger=()):
    known = {each.address: each for each in ledger}
    return plan_for(desired_app(*placements), live, known)


def text(plan, refusals=()):
    return text_of(plan_lines(plan, refusals))


def test_changes_stand_as_a_tree_by_app_with_the_place_in_the_manifest_and_the_id():
    told = text(
        planned(desired_placement("int_1", coppa=True, line=12), desired_placement("new", coppa=False, line=15))
    )
    assert told.splitlines() == [
        "android:com.acme",
        "  ~ update int_1  id 1  apps/acme.yaml:12",
        "      coppa: false -> true  never applied by us",
        "  + create new  apps/acme.yaml:15",
        "      coppa: false",
        "      name: new",
        "      placementType: Interstitial",
        "",
        "Plan: 1 to create, 1 to update; 1 unchanged, 0 unmanaged.",
    ]


def test_every_app_has_a_branch_of_its_own_and_is_called_the_app_in_it():
    told = text(planned(live=live_state()))
    assert told.splitlines()[:2] == ["android:com.acme", "  + create the app  apps/acme.yaml:3"]


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ({"US": 2}, {"US": 2.5}, "floorPrices.US: 2 -> 2.5 (+25 %)"),
        ({"US": 2}, {"US": 1}, "floorPrices.US: 2 -> 1 (-50 %)"),
        ({"US": 1.25}, {"US": 1.2}, "floorPrices.US: 1.25 -> 1.2 (-4 %)"),
        ({"US": 0.01}, {"US": 12}, "floorPrices.US: 0.01 -> 12 "),
        ({}, {"US": 12}, "floorPrices.US: (none; WW 0.01 holds) -> 12 "),
        ({"WW": 2}, {"US": 12, "WW": 2}, "floorPrices.US: (none; WW 2 holds) -> 12 "),
        ({"US": 12, "WW": 2}, {"WW": 2}, "floorPrices.US: 12 -> (none; WW 2 holds) "),
        ({"US": 12}, {}, "floorPrices.US: 12 -> (none; WW 0.01 holds) "),
        ({"WW": 3}, {"WW": 6}, "floorPrices.WW: 3 -> 6 (+100 %)"),
    ],
)
def test_a_floor_is_shown_with_its_change_in_percent_where_there_was_one(before, after, line):
    live = live_state(live_app(), live_placement("1", "int_1", floorPrices=before))
    told = text(planned(desired_placement("int_1", floorPrices=after), live=live))
    assert [each for each in told.splitlines() if each.strip().startswith(line)], told
    assert told.count("%") == line.count("%")


LINES = {"DE": "1.50", "WW": 2}, {"US": 3, "WW": 1}


def test_where_the_worldwide_floor_moves_too_each_side_tells_its_own_and_a_saved_plan_tells_the_same():
    live = live_state(live_app(), live_placement("1", "int_1", floorPrices=LINES[0]))
    plan = planned(desired_placement("int_1", floorPrices=LINES[1]), live=live)
    for told in (text(plan), text(plan_from_text(plan_text(plan)))):
        assert "floorPrices.DE: 1.5 -> (none; WW 1 holds) " in told
        assert "floorPrices.US: (none; WW 2 holds) -> 3 " in told
        assert "floorPrices.WW: 2 -> 1 (-50 %)" in told
    assert json.loads(plan_text(plan))["changes"][0]["fields"][0]["after"] is None


def test_a_worldwide_floor_that_is_left_alone_holds_as_it_is_in_the_account():
    live = live_state(live_app(), live_placement("1", "int_1", floorPrices=LINES[0]))
    block = desired_placement("int_1", floorPrices=LINES[1], lifecycle=Lifecycle(ignore_changes=("floorPrices.WW",)))
    assert "floorPrices.DE: 1.5 -> (none; WW 2 holds) " in text(planned(block, live=live))


@pytest.mark.parametrize(
    ("applied", "said"),
    [
        (False, "changed in the account"),
        (True, "coppa: false -> true\n"),
        (None, "never applied by us"),
    ],
)
def test_a_change_says_where_it_came_from(applied, said):
    block = desired_placement("int_1", coppa=True)
    known = {"coppa": {False: True, True: False}.get(applied)}
    ledger = (
        [entry(block, "1", applied={k: v for k, v in known.items() if v is not None})] if applied is not None else []
    )
    assert said in text(planned(block, ledger=ledger))


def test_an_off_block_is_off_and_a_new_one_is_shown_leaf_by_leaf():
    live = live_state(live_app(), live_placement("1", "int_1", capping={"value": 3, "unit": "hour"}))
    told = text(planned(desired_placement("int_1", capping=None, pacing={"value": 1, "unit": "day"}), live=live))
    assert "capping: {unit: hour, value: 3} -> (off)" in told
    assert "pacing: (off) -> {unit: day, value: 1}" in told


def test_a_rename_names_the_address_it_was_known_by():
    block = desired_placement("new", renamed_from="int_1")
    told = text(planned(block, ledger=[entry(desired_placement("int_1"), "1")]))
    assert "name: int_1 -> new" in told
    assert f"known as {at('int_1')} before" in told


def test_every_kind_of_change_has_a_sign_and_a_word_and_says_why():
    gone = Address(f"{APP}/gone")
    changes = (
        Blocked(at("b"), "fixed: do this", "2"), Deactivate(at("d"), "3", "no manifest names it", "sha256:"),
        Delete(gone, "4", "its quarantine is over", "sha256:"),
    )  # fmt: skip
    told = text(Plan(origin(), changes))
    assert "  ! blocked b  id 2\n      fixed: do this" in told
    assert "  - deactivate d  id 3\n      no manifest names it\n      status: active -> inactive" in told
    assert "  x delete gone  id 4\n      its quarantine is over" in told
    assert told.endswith("Plan: 1 to deactivate, 1 to delete, 1 blocked; 0 unchanged, 0 unmanaged.")


def test_strangers_notes_and_refusals_are_told():
    plan = Plan(
        origin(), unmanaged=(Unmanaged(Address("ios:1"), "77"),), notes=(Note(at("x"), "drift accepted"),), unchanged=4
    )
    told = text(plan, [Refusal("maxDeletes", "the plan deletes 3, the limit is 0", "--max-deletes 3")])
    assert "ios:1  id 77" in told
    assert f"{at('x')}: drift accepted" in told
    refusal = next(line for line in told.splitlines() if line.startswith("apply would refuse: "))
    assert "the plan deletes 3, the limit is 0 [maxDeletes]" in refusal
    assert "--max-deletes 3" in refusal
    assert told.endswith("No changes: 4 as declared, 1 unmanaged.")


@pytest.mark.parametrize(
    ("value", "as_text"),
    [
        (None, "(unset)"), (True, "true"), (False, "false"), (3, "3"), (Decimal("1.20"), "1.2"), ("a", "a"), ("", "''"),
        (" a", "' a'"), (("a", "b"), "[a, b]"), ((), "[]"), ({"b": 1, "a": True}, "{a: true, b: 1}"),
    ],
)  # fmt: skip
def test_values_read_like_yaml(value, as_text):
    assert shown(value) == as_text


def test_a_result_tells_every_step_that_was_not_simply_applied_and_the_numbers():
    results = [
        Result(at("a"), "create", "applied", "1", 1),
        Result(at("b"), "update", "failed", "2", 1, "refused with 400: no"),
        Result(at("c"), "create", "skipped", None, 0, "its app was not applied"),
        Result(at("d"), "update", "applied", "4", 2, "it reset fields"),
    ]  # fmt: skip
    assert text_of(result_lines(results, "run-1")).splitlines() == [
        f"  failed update {at('b')}  id 2: refused with 400: no",
        f"  skipped create {at('c')}: its app was not applied",
        f"  applied update {at('d')}  id 4: it reset fields",
        "Apply: 2 applied, 1 failed, 1 skipped.  run run-1",
    ]


def test_an_apply_without_steps_says_so():
    assert text_of(result_lines([], "run-1")) == "Apply: nothing to do.  run run-1"


@pytest.mark.parametrize(
    ("action", "outcome", "text"),
    [
        ("create", "failed", "create android:com.a"),
        ("blocked", "blocked", "android:com.a"),
        ("blocked", None, "blocked android:com.a"),
    ],
)
def test_a_step_does_not_repeat_the_word_of_its_outcome(action, outcome, text):
    assert step_text(action, "android:com.a", outcome) == text
