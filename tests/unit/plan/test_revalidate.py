"""A plan made before against how things stand now: which change is stale, refused or broken, and in which words."""

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
)

from reconciler.diff.change import HeldChange
from reconciler.model.state import Allowances, Lifecycle, Safety
from reconciler.plan.gate import hold
from reconciler.plan.plan import Plan
from reconciler.plan.revalidate import CurrentState, Revalidated, Stale, revalidate

LONG_AGO = "2026-01-01T00:00:00+00:00"
PROTECTED = Lifecycle(protect=True)


def planned(blocks, live, ledger=(), **view):
    return plan_for(desired_state(desired_app(*blocks)), live, ledger_of(*ledger), **view)


def now(blocks, live, ledger=(), protected=()):
    return CurrentState(live, ledger_of(*ledger), planned(blocks, live, ledger, recreate=True), frozenset(protected))


def judged(plan, then, within=None):
    found = revalidate(plan, plan if within is None else within, then)
    return {
        name: [(each.address, each.how) for each in getattr(found, name)]
        for name in ("stale", "refused", "broken")
        if getattr(found, name)
    }


RESTING = live_state(live_app(), live_placement("7", "old", status="inactive"))
GONE = desired_placement("old", state="absent")
WAITED = entry(GONE, "7", inactive_since=LONG_AGO)
REMOVAL = planned([GONE], RESTING, [WAITED])


class TestADelete:
    def test_one_that_would_be_made_now_holds(self):
        assert revalidate(REMOVAL, REMOVAL, now([GONE], RESTING, [WAITED])) == Revalidated(REMOVAL)

    def test_one_under_another_address_than_now_does_not(self):
        (delete,) = REMOVAL.changes
        moved = replace(REMOVAL, changes=(replace(delete, address=at("other")),))
        assert judged(moved, now([GONE], RESTING, [WAITED])) == {
            "refused": [(at("other"), "neither a tombstone nor `prune: delete` asks for it")]
        }

    def test_one_that_has_moved_is_stale_and_not_refused(self):
        live = live_state(live_app(), live_placement("7", "old", status="inactive", coppa=True))
        block = desired_placement("old")
        assert list(judged(REMOVAL, now([block], live, [WAITED]))) == ["stale"]

    def test_one_that_is_held_by_the_limits_of_the_run_is_refused_all_the_same(self):
        within = hold(REMOVAL, Safety(), Allowances())
        assert within.changes == ()
        assert list(judged(REMOVAL, now([desired_placement("old")], RESTING, [WAITED]), within)) == ["refused"]


class TestAReleasedDelete:
    saved = hold(REMOVAL, Safety(), Allowances())
    within = hold(saved, Safety(), Allowances(max_deletes=1))

    def test_it_goes_where_it_would_be_made_now(self):
        found = revalidate(self.saved, self.within, now([GONE], RESTING, [WAITED]))
        assert (found.plan.changes, found.plan.held) == (REMOVAL.changes, ())

    @pytest.mark.parametrize(
        ("block", "live", "why"),
        [
            (desired_placement("old"), RESTING, "neither a tombstone"),
            (desired_placement("old", state="absent", lifecycle=PROTECTED), RESTING, "it is protected"),
            (GONE, live_state(live_app()), "id 7 is gone"),
            (GONE, live_state(live_app(), live_placement("7", "old", status="inactive", coppa=True)), "it has moved"),
        ],
    )
    def test_else_it_stays_held_and_holds_up_nothing(self, block, live, why):
        found = revalidate(self.saved, self.within, now([block], live, [WAITED]))
        assert (found.plan.changes, found.stale, found.refused) == ((), (), ())
        (held,) = found.plan.held
        assert held.reason.startswith("declared absent; not deleted: ")
        assert why in held.reason
        assert held.switch == "a new plan"

    def test_one_that_waits_for_a_time_is_told_as_it_was_while_it_waits(self):
        lately = entry(GONE, "7", inactive_since="2026-11-20T00:00:00+00:00")
        plan = planned([GONE], RESTING, [lately])
        assert [type(each) for each in plan.held] == [HeldChange]
        assert revalidate(plan, plan, now([GONE], RESTING, [lately])).plan.held == plan.held
        assert revalidate(plan, plan, now([GONE], RESTING, [WAITED])).plan.held == plan.held
        (held,) = revalidate(plan, plan, now([desired_placement("old")], RESTING, [lately])).plan.held
        assert "not deleted: neither a tombstone" in held.reason


class TestAnApp:
    live = live_state(
        live_app(status="inactive"), live_placement("7", "a"), live_placement("8", "b"), live_placement("9", "c")
    )
    entries = (
        entry(desired_app(), APP_ID, inactive_since=LONG_AGO),
        *(entry(desired_placement(name), number) for name, number in (("a", "7"), ("b", "8"), ("c", "9"))),
    )
    absent = desired_app(state="absent")

    def of(self, live):
        return plan_for(self.absent, live, ledger_of(*self.entries))

    def now(self, live):
        return CurrentState(live, ledger_of(*self.entries), self.of(live))

    def test_where_one_placement_moved_all_are_left(self):
        plan = self.of(self.live)
        moved = live_state(
            live_app(status="inactive"),
            live_placement("7", "a", coppa=True),
            live_placement("8", "b"),
            live_placement("9", "c"),
        )
        found = revalidate(plan, plan, self.now(moved))
        assert [each.address for each in found.stale] == [at("a"), APP, at("b"), at("c")]
        assert found.stale[1] == Stale(APP, f"it is deleted with {at('a')} or not at all")

    def test_what_is_gone_already_holds_up_none_of_it(self):
        plan = self.of(self.live)
        left = live_state(live_app(status="inactive"), live_placement("8", "b"), live_placement("9", "c"))
        found = revalidate(plan, plan, self.now(left))
        assert (found.stale, found.refused) == ((Stale(at("a"), "id 7 is gone"),), ())


class TestIdentity:
    block = desired_placement("p", coppa=True)
    live = live_state(live_app(), live_placement("7", "p"))
    plan = planned([block], live)

    def test_an_update_of_what_nothing_knows_by_that_name_is_stale(self):
        assert judged(self.plan, now([desired_placement("q")], self.live)) == {
            "stale": [(at("p"), "id 7 does not stand for it")]
        }

    def test_an_update_beside_a_twin_of_now_is_stale_with_the_reason(self):
        twins = live_state(live_app(), live_placement("7", "p"), live_placement("8", "p"))
        ((_, how),) = judged(self.plan, now([self.block], twins))["stale"]
        assert "7" in how
        assert "8" in how

    def test_a_field_that_cannot_be_changed_holds_up_no_other(self):
        block = desired_placement("p", coppa=True, placementType="MREC")
        plan = planned([block], self.live)
        assert len(plan.changes) == 2
        assert revalidate(plan, plan, now([block], self.live)) == Revalidated(plan)

    def test_a_rename_that_the_ledger_does_not_know_any_more_is_stale(self):
        block = desired_placement("new", renamed_from="p")
        plan = planned([block], self.live, [entry(desired_placement("p"), "7")])
        ((_, how),) = judged(plan, now([block], self.live, [entry(desired_placement("new"), "7")]))["stale"]
        assert how == f"id 7 is not known as {at('p')} any more"

    def test_a_create_into_another_app_than_its_own_is_stale(self):
        plan = planned([desired_placement("n")], self.live)
        (create,) = plan.changes
        elsewhere = replace(plan, changes=(replace(create, app_id="200"),))
        assert judged(elsewhere, now([desired_placement("n")], self.live)) == {
            "stale": [(at("n"), "its app is not id 200 any more")]
        }


class TestLedger:
    def test_entries_are_those_of_now(self):
        live = live_state(live_app(), live_placement("7", "p"))
        plan = planned([desired_placement("p")], live)
        assert [each.address for each in plan.remember] == [APP, at("p")]
        forged = replace(plan, remember=tuple(replace(each, id="666") for each in plan.remember), forget=(at("x"),))
        found = revalidate(forged, forged, now([desired_placement("p")], live))
        assert (found.plan.remember, found.plan.forget) == (plan.remember, ())

    def test_one_that_is_forgotten_under_an_old_address_is_kept_under_its_new_one(self):
        block = desired_placement("new", state="absent", renamed_from="old")
        plan = planned([block], RESTING, [entry(desired_placement("old"), "7", inactive_since=LONG_AGO)])
        assert plan.forget == (at("old"),)
        torn = replace(plan, remember=())
        then = now([block], RESTING, [entry(desired_placement("old"), "7", inactive_since=LONG_AGO)])
        assert [each.address for each in revalidate(torn, torn, then).plan.remember] == [at("new")]


def test_nothing_is_found_in_an_empty_plan():
    assert revalidate(Plan(origin()), Plan(origin()), now([], live_state())) == Revalidated(Plan(origin()))
