"""Whether what a saved plan rests on still holds, and in which words it does not."""

from dataclasses import replace

import pytest
from support.builders import (
    APP,
    APP_ID,
    at,
    desired_app,
    desired_placement,
    desired_state,
    entry,
    ledger_of,
    live_app,
    live_placement,
    live_state,
    origin,
    plan_for,
    stale_changes,
)

from reconciler.diff.change import Blocked, Create, Delete, Update
from reconciler.model.state import Lifecycle
from reconciler.plan.document import plan_from_text, plan_text
from reconciler.plan.plan import Plan
from reconciler.plan.revalidate import Stale, other_values, without

FLOORS = {"US": 1, "CA": 2}
BLOCK = desired_placement("p", floorPrices={"US": 1.5, "CA": 2}, capping={"value": 1, "unit": "day"})
LONG_AGO = "2026-01-01T00:00:00+00:00"


def planned(*blocks, live, ledger=None):
    return plan_for(desired_app(*blocks), live, ledger)


def account(**fields):
    return live_state(live_app(), live_placement("7", "p", **{"floorPrices": FLOORS, **fields}))


def said(plan, live):
    return [(each.address, each.how) for each in stale_changes(plan, live)]


class TestUpdate:
    plan = planned(BLOCK, live=account())

    def test_it_holds_while_nothing_moved(self):
        assert stale_changes(self.plan, account()) == ()

    @pytest.mark.parametrize(
        ("moved", "how"),
        [
            ({"floorPrices": {"US": 3, "CA": 2}}, "floorPrices.US was 1, is 3"),
            ({"floorPrices": {"CA": 2}}, "floorPrices.US was 1, is (none)"),
            ({"floorPrices": ...}, "floorPrices.US was 1, is (none)"),
            ({"floorPrices": {"US": 1, "CA": 3}}, "fields that the plan does not change have moved"),
            ({"coppa": True}, "fields that the plan does not change have moved"),
            (
                {"capping": {"value": 2, "unit": "day"}},
                'capping was (none), is {"unit":"day","value":2}',
            ),
            (
                {"capping": {"value": 2, "unit": "day"}, "floorPrices": {"US": 3}},
                'capping was (none), is {"unit":"day","value":2}; floorPrices.US was 1, is 3',
            ),
        ],
    )
    def test_it_tells_what_moved(self, moved, how):
        assert said(self.plan, account(**moved)) == [(at("p"), how)]

    def test_it_tells_that_the_resource_is_gone(self):
        assert said(self.plan, live_state(live_app())) == [(at("p"), "id 7 is gone")]

    def test_a_resource_that_moved_to_another_app_has_moved(self):
        other = live_state(live_app("200"), live_placement("7", "p", app_id="200", floorPrices=FLOORS))
        assert said(self.plan, other) == [(at("p"), "fields that the plan does not change have moved")]

    def test_a_field_not_shown_then_and_now_is_not_what_moved(self):
        plan = planned(desired_placement("p", skipability="NonSkippable"), live=account())
        assert said(plan, account(coppa=True)) == [(at("p"), "fields that the plan does not change have moved")]

    def test_an_app_is_looked_for_among_the_apps(self):
        app = desired_app(coppa=True, managed=False)
        plan = plan_for(app, account())
        assert stale_changes(plan, account()) == ()
        assert said(plan, live_state(live_app(coppa=True))) == [(APP, "coppa was false, is true")]

    def test_others_may_move(self):
        live = live_state(live_app(coppa=True), *account().placements[APP_ID], live_placement("8", "new"))
        assert stale_changes(self.plan, live) == ()


class TestRemoval:
    def test_a_deactivation_tells_that_it_is_done_already(self):
        plan = planned(desired_placement("p", state="absent"), live=account())
        assert stale_changes(plan, account()) == ()
        assert said(plan, account(status="inactive")) == [(at("p"), 'status was "active", is "inactive"')]

    def test_a_delete_rests_on_all_that_was_seen(self):
        gone = desired_placement("p", state="absent")
        resting = account(status="inactive")
        plan = planned(gone, live=resting, ledger=ledger_of(entry(gone, "7", inactive_since=LONG_AGO)))
        assert isinstance(plan.changes[0], Delete)
        assert stale_changes(plan, resting) == ()
        assert said(plan, account()) == [(at("p"), "fields that the plan does not change have moved")]
        assert said(plan, live_state(live_app())) == [(at("p"), "id 7 is gone")]


class TestCreate:
    def test_a_placement_that_is_there_by_now_is_named_with_its_id(self):
        plan = planned(BLOCK, live=live_state(live_app()))
        assert stale_changes(plan, live_state(live_app())) == ()
        assert said(plan, account()) == [(at("p"), "it exists by now, as id 7")]

    def test_a_namesake_in_another_app_is_another_placement(self):
        plan = planned(BLOCK, live=live_state(live_app()))
        live = live_state(live_app(), live_app("200", bundle="x"), live_placement("7", "p", app_id="200"))
        assert stale_changes(plan, live) == ()

    def test_an_app_that_is_there_by_now_is_named_with_its_id(self):
        plan = planned(BLOCK, live=live_state())
        assert said(plan, live_state(live_app())) == [(APP, f"it exists by now, as id {APP_ID}")]

    @pytest.mark.parametrize("other", [{"bundle": "com.other"}, {"platform": "ios"}])
    def test_another_app_is_not_it(self, other):
        plan = planned(BLOCK, live=live_state())
        assert stale_changes(plan, live_state(live_app(**other))) == ()


def test_a_blocked_change_rests_on_nothing():
    plan = Plan(origin(), (Blocked(at("p"), "twins", "7"),))
    assert stale_changes(plan, live_state()) == ()


class TestWithout:
    def test_stale_changes_are_left_out_and_nothing_else(self):
        live = live_state(live_app(), live_placement("7", "a"), live_placement("8", "b"))
        blocks = desired_placement("a", coppa=True), desired_placement("b", coppa=True)
        plan = plan_for(desired_state(desired_app(*blocks)), live)
        left = without(plan, (Stale(at("a"), "moved"),))
        assert [change.address for change in left.changes] == [at("b")]
        assert left.remember == plan.remember

    def test_without_any_it_is_the_same_plan(self):
        plan = planned(BLOCK, live=account())
        assert without(plan, ()) == plan

    def test_what_goes_into_an_app_that_is_not_made_is_left_to_the_apply_to_account_for(self):
        plan = planned(BLOCK, live=live_state())
        left = without(plan, (Stale(APP, "it exists by now"),))
        assert [(type(change), change.address) for change in left.changes] == [(Create, at("p"))]

    def test_a_look_alike_that_is_there_by_now_is_named_with_its_id(self):
        plan = planned(BLOCK, live=live_state(live_app()))
        live = live_state(live_app(), live_placement("7", "P\u200b"))
        assert said(plan, live) == [(at("p"), "a look-alike exists by now, as id 7")]

    def test_so_is_an_apps(self):
        plan = planned(BLOCK, live=live_state())
        assert said(plan, live_state(live_app("7", bundle="COM.Acme"))) == [
            (APP, "a look-alike exists by now, as id 7")
        ]

    def test_a_block_that_says_it_is_another_may_have_look_alikes(self):
        block = desired_placement("p", lifecycle=Lifecycle(distinct=True))
        plan = plan_from_text(plan_text(planned(block, live=live_state(live_app()))))
        assert stale_changes(plan, live_state(live_app(), live_placement("7", "P"))) == ()

    def test_a_look_alike_that_another_block_stands_for_was_there_before(self):
        live = live_state(live_app(), live_placement("7", "P"))
        plan = plan_from_text(plan_text(planned(BLOCK, desired_placement("P"), live=live)))
        assert stale_changes(plan, live) == ()
        more = live_state(live_app(), live_placement("7", "P"), live_placement("8", "p "))
        assert said(plan, more) == [(at("p"), "a look-alike exists by now, as id 8")]

    def test_the_same_name_was_there_before_where_another_block_pins_it(self):
        live = live_state(live_app(), live_placement("7", "p"))
        plan = planned(BLOCK, desired_placement("winner", pin="7"), live=live)
        assert [type(change) for change in plan.changes] == [Create, Update]
        assert stale_changes(plan, live) == ()


class TestValuesThatTheManifestsAskForByNow:
    update = Update(at("p"), "7", BLOCK.source, (), {"coppa": True, "name": "p"}, {}, "sha256:x")
    create = Create(at("p"), BLOCK.source, (), {"coppa": True, "name": "p"}, {})

    def test_the_same_ones_are_no_difference_and_a_field_more_of_an_update_neither(self):
        assert other_values(self.update, self.update) is None
        assert other_values(self.update, replace(self.update, send={**self.update.send, "status": "inactive"})) is None
        assert other_values(self.create, self.create) is None

    def test_another_value_or_none_of_an_update_is_told_by_its_field(self):
        told = other_values(self.update, replace(self.update, send={"coppa": False, "name": "p"}))
        assert "coppa" in told
        assert "name" not in told
        assert "name" in other_values(self.update, replace(self.update, send={"coppa": True}))
        assert "coppa, name" in other_values(self.update, None)
        assert "coppa, name" in other_values(self.update, self.create)

    def test_a_create_is_held_to_all_of_its_values(self):
        assert other_values(self.create, None)
        assert other_values(self.create, replace(self.create, send={**self.create.send, "status": "inactive"}))
        assert other_values(self.create, self.update)

    def test_what_has_no_values_has_no_others(self):
        assert other_values(Delete(at("p"), "7", "declared absent", "sha256:x"), None) is None
        assert other_values(Blocked(at("p"), "it cannot be changed"), None) is None
