"""The safety gate: each limit at its edge, and what lifts it."""

import pytest
from support.builders import (
    APP,
    at,
    desired_app,
    desired_placement,
    desired_state,
    ledger_of,
    live_app,
    live_placement,
    live_state,
    origin,
    plan_for,
    reconciled,
)

from reconciler.diff.change import Blocked, Create, Deactivate, Delete, Update
from reconciler.model.state import Allowances, Safety
from reconciler.plan.gate import Limits, Refusal, gate, refusals
from reconciler.plan.plan import Plan

NONE = Allowances()
SOURCE = desired_placement().source


def delete(number):
    return Delete(at(str(number)), str(number), "declared absent", "sha256:x")


def update(number):
    return Update(at(str(number)), str(number), SOURCE, (), {}, {}, "sha256:x")


def deactivate(number):
    return Deactivate(at(str(number)), str(number), "declared absent", "sha256:x")


def create(number):
    return Create(at(str(number)), SOURCE, (), {}, {})


def plan_of(*changes, owned=0):
    return Plan(origin(), changes, owned=owned)


def limits(found):
    return [refusal.limit for refusal in found]


def floors_refused(before, after, safety=None, allowances=NONE, **lifecycle):
    """What is said of a placement whose floors go from one table to the other."""
    block = desired_placement("p", floorPrices=after, **lifecycle)
    live = live_state(live_app(), live_placement("1", "p", floorPrices=before))
    plan = plan_for(desired_app(block), live, ledger_of())
    return refusals(plan, safety or Safety(), allowances)


class TestShareOfChange:
    @pytest.mark.parametrize(
        ("changed", "owned", "refused"),
        [
            (3, 10, []),
            (4, 10, ["maxChangePercent"]),
            (30, 100, []),
            (31, 100, ["maxChangePercent"]),
            (9, 9, []),
            (0, 10, []),
            (0, 0, []),
        ],
    )
    def test_it_is_counted_from_ten_owned_resources_up(self, changed, owned, refused):
        assert limits(refusals(plan_of(*map(update, range(changed)), owned=owned), Safety(), NONE)) == refused

    def test_updates_deactivations_and_deletes_count_alike(self):
        plan = plan_of(update(1), update(2), deactivate(3), delete(4), owned=10)
        assert "maxChangePercent" in limits(refusals(plan, Safety(max_deletes=1), NONE))

    def test_creates_and_blocked_changes_do_not_count(self):
        plan = plan_of(*map(create, range(9)), *(Blocked(at(str(i)), "why") for i in range(9)), owned=10)
        assert refusals(plan, Safety(), NONE) == ()

    def test_what_is_held_does_not_count(self):
        plan = plan_of(update(1), *map(delete, range(2, 10)), owned=10)
        assert limits(refusals(plan, Safety(), NONE)) == ["maxChangePercent"]
        assert gate(plan, Limits(Safety(), NONE))[1] == ()

    def test_the_limit_is_the_projects(self):
        plan = plan_of(*map(update, range(4)), owned=10)
        assert refusals(plan, Safety(max_change_percent=40), NONE) == ()
        assert limits(refusals(plan, Safety(max_change_percent=39.9), NONE)) == ["maxChangePercent"]

    def test_it_says_how_much_of_what(self):
        (found,) = refusals(plan_of(*map(update, range(4)), owned=10), Safety(), NONE)
        assert found.message == "the plan changes 4 of 10 resources (40 %), the limit is 30 %"
        assert "--only" in found.switch
        assert "safety.maxChangePercent" in found.switch


class TestFloorJump:
    @pytest.mark.parametrize(
        ("before", "after", "refused"),
        [
            ({"US": 2}, {"US": 3}, []),
            ({"US": 2}, {"US": 3.01}, ["US"]),
            ({"US": 2}, {"US": 1}, []),
            ({"US": 2}, {"US": 0.99}, ["US"]),
            ({"US": 2}, {"US": 2, "CA": 40}, []),
            ({"WW": 2}, {"WW": 2, "US": 3}, []),
            ({"WW": 2}, {"WW": 2, "US": 3.5}, ["US"]),
            ({"WW": 2, "US": 3}, {"WW": 2}, []),
            ({"WW": 2, "US": 5}, {"WW": 2}, ["US"]),
            ({"US": 5}, {}, ["US"]),
            ({"WW": 2, "US": 2}, {"WW": 4, "US": 2}, ["WW"]),
            ({"WW": 2}, {"WW": 4, "US": 2}, ["WW"]),
            ({"WW": 4, "US": 4}, {"WW": 1, "US": 4}, ["WW"]),
            ({"WW": 2}, {"US": 2}, ["WW"]),
            ({}, {"WW": 40}, []),
            ({"US": 0.01}, {"US": 40}, []),
            ({"US": 0.02}, {"US": 0.04}, ["US"]),
            ({"US": 40}, {"US": 0.01}, ["US"]),
        ],
    )
    def test_it_is_measured_on_the_floor_that_holds_in_each_country(self, before, after, refused):
        found = floors_refused(before, after)
        assert limits(found) == ["maxFloorChangePercent"] * len(refused)
        for refusal, country in zip(found, refused, strict=True):
            assert f"floor {country} " in refusal.message

    def test_it_says_from_where_to_where(self):
        (found,) = floors_refused({"US": 2}, {"US": 3.5})
        assert found.message == f"{at('p')}: floor US 2.0 -> 3.5 (+75 %), the limit is 50 % either way"
        assert found.switch == "--allow-floor-jump"

    def test_a_fall_is_told_as_one(self):
        (found,) = floors_refused({"US": 4}, {"US": 1})
        assert "(-75 %)" in found.message

    def test_the_switch_allows_it_for_one_run(self):
        assert floors_refused({"US": 2}, {"US": 20}, allowances=Allowances(floor_jump=True)) == ()

    def test_the_limit_is_the_projects_and_exact(self):
        assert floors_refused({"US": 1}, {"US": 1.001}, Safety(max_floor_change_percent=0.1)) == ()
        assert limits(floors_refused({"US": 1}, {"US": 1.0011}, Safety(max_floor_change_percent=0.1))) != []

    def test_a_table_the_account_has_not_shown_is_bounded_by_the_highest_floor_alone(self):
        assert floors_refused(..., {"US": 40}) == ()

    def test_other_changes_of_the_placement_are_none_of_it(self):
        block = desired_placement("p", coppa=True)
        live = live_state(live_app(), live_placement("1", "p", floorPrices={"US": 99}))
        plan = plan_for(desired_app(block), live)
        assert refusals(plan, Safety(), NONE) == ()

    def test_nor_are_they_beside_a_change_of_floors(self):
        block = desired_placement("p", floorPrices={"US": 2}, capping={"value": 9, "unit": "day"})
        live = live_placement("1", "p", floorPrices={"US": 1.5}, capping={"value": 3, "unit": "day"})
        plan = plan_for(desired_app(block), live_state(live_app(), live))
        assert [field.path for field in plan.changes[0].fields] == ["capping.value", "floorPrices.US"]
        assert refusals(plan, Safety(), NONE) == ()

    def test_a_new_placement_has_nothing_to_jump_from(self):
        plan = plan_for(desired_app(desired_placement("p", floorPrices={"US": 50})))
        assert refusals(plan, Safety(), NONE) == ()


class TestHighestFloor:
    @pytest.mark.parametrize(("price", "refused"), [(50, []), (50.01, ["maxFloor"])])
    def test_it_bounds_a_new_placement(self, price, refused):
        plan = plan_for(desired_app(desired_placement("p", floorPrices={"US": price})))
        assert limits(refusals(plan, Safety(), NONE)) == refused

    @pytest.mark.parametrize(("price", "refused"), [(50, []), (50.01, ["maxFloor"])])
    def test_it_bounds_a_first_floor(self, price, refused):
        assert limits(floors_refused({}, {"WW": price})) == refused

    def test_no_switch_lifts_it(self):
        (found,) = floors_refused({}, {"US": 60}, allowances=Allowances(floor_jump=True, max_deletes=9))
        assert found == Refusal(
            "maxFloor", f"{at('p')}: floor US 60.0 is above 50 USD", "safety.maxFloor", address=at("p")
        )

    def test_it_is_the_projects_and_exact(self):
        assert floors_refused({}, {"US": 0.3}, Safety(max_floor=0.3)) == ()
        assert limits(floors_refused({}, {"US": 0.3001}, Safety(max_floor=0.3))) == ["maxFloor"]


def test_every_limit_that_is_exceeded_is_told():
    block = desired_placement("p", floorPrices={"US": 60, "CA": 9})
    live = live_state(live_app(), live_placement("1", "p", floorPrices={"US": 10, "CA": 1}))
    found = reconciled(desired_state(desired_app(block)), live)
    plan = Plan(origin(), (*found.changes, *map(delete, range(9))), owned=10)
    assert limits(refusals(plan, Safety(), NONE)) == [
        "maxChangePercent", "maxFloor", "maxFloorChangePercent", "maxFloorChangePercent",
    ]  # fmt: skip


def test_a_plan_within_all_limits_is_not_refused():
    plan = plan_for(desired_app(), live_state(live_app()))
    assert refusals(plan, Safety(), NONE) == ()
    assert plan.changes == ()
    assert [each.address for each in plan.remember] == [APP]
