"""What waits for leave: deletes beyond the limit are held, in one order, whole apps whole; all else goes on."""

import pytest
from support.builders import APP, at, origin

from reconciler.diff.change import Blocked, Deactivate, Delete, HeldChange
from reconciler.model.address import app_address
from reconciler.model.state import Allowances, Policy, Safety
from reconciler.plan.gate import Limits, delete_groups, gate, hold
from reconciler.plan.plan import Plan, summary

NONE = Allowances()
OTHER = app_address("ios", "1234567890")


def delete(address):
    return Delete(address, f"id of {address}", "declared absent", "sha256:x")


def plan_of(*changes, held=()):
    return Plan(origin(), changes, held=held)


def held_to(plan, limit=0, allowances=NONE):
    """The addresses that go, and those that are held."""
    found = hold(plan, Safety(max_deletes=limit), allowances)
    return [each.address for each in found.changes], [each.address for each in found.held]


A, B, C = (delete(at(name)) for name in "abc")
WHOLE = (delete(APP), A, B)
"""An app with all that is in it."""


def test_no_delete_goes_unless_leave_is_given():
    found = hold(plan_of(A, B), Safety(), NONE)
    assert found.changes == ()
    assert found.held[0] == HeldChange(
        A,
        "maxDeletes",
        "declared absent; it waits for leave: the plan deletes 2, the limit is 0",
        "--max-deletes 2",
    )
    assert (summary(found).delete, summary(found).held) == (0, 2)


@pytest.mark.parametrize(("limit", "going"), [(0, ""), (1, "a"), (2, "ab"), (3, "abc"), (9, "abc")])
def test_as_many_as_the_limit_go_the_first_by_address(limit, going):
    goes, held = held_to(plan_of(C, A, B), limit)
    assert goes == [at(name) for name in going]
    assert held == [at(name) for name in "abc" if name not in going]


@pytest.mark.parametrize(("limit", "allowed", "held"), [(0, 3, 0), (0, 2, 1), (5, 0, 3), (5, 1, 2)])
def test_the_switch_sets_the_limit_for_one_run_either_way(limit, allowed, held):
    assert len(held_to(plan_of(A, B, C), limit, Allowances(max_deletes=allowed))[1]) == held


def test_all_other_changes_go():
    others = Deactivate(at("x"), "8", "declared absent", "sha256:x"), Blocked(at("y"), "why", "9")
    assert held_to(plan_of(A, *others)) == ([at("x"), at("y")], [at("a")])


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_an_app_is_deleted_whole_or_not_at_all(limit):
    assert held_to(plan_of(*WHOLE), limit) == ([], [APP, at("a"), at("b")])


def test_an_app_that_fits_goes_whole():
    assert held_to(plan_of(*WHOLE), 3) == ([APP, at("a"), at("b")], [])


def test_what_fits_goes_where_an_app_before_it_did_not():
    later = delete(at("z", OTHER))
    assert held_to(plan_of(*WHOLE, later), 1) == ([later.address], [APP, at("a"), at("b")])


def test_the_switch_names_a_number_that_lets_all_go():
    plan = plan_of(*WHOLE, delete(at("z", OTHER)))
    (switch,) = {held.switch for held in hold(plan, Safety(), NONE).held}
    assert switch == "--max-deletes 4"
    assert held_to(plan, 0, Allowances(max_deletes=4))[1] == []


def test_placements_of_an_app_that_stays_go_one_by_one():
    assert delete_groups((B, A, delete(at("z", OTHER)))) == ((A,), (B,), (delete(at("z", OTHER)),))


def test_what_was_held_for_leave_is_judged_anew():
    held = hold(plan_of(A, B, C), Safety(), NONE)
    assert hold(held, Safety(max_deletes=3), NONE) == plan_of(A, B, C)
    assert hold(hold(held, Safety(max_deletes=1), NONE), Safety(), NONE) == held


def test_what_waits_for_a_time_is_let_go_by_no_leave():
    resting = HeldChange(A, "quarantineDays", "in quarantine", "the time")
    assert hold(plan_of(held=(resting,)), Safety(max_deletes=9), Allowances(max_deletes=9)) == plan_of(held=(resting,))
    assert held_to(plan_of(B, held=(resting,)), 1) == ([at("b")], [at("a")])


def test_a_plan_without_deletes_is_the_same_plan():
    plan = plan_of(Deactivate(at("x"), "8", "declared absent", "sha256:x"))
    assert hold(plan, Safety(), NONE) is plan


def test_policies_speak_of_what_goes_out_alone():
    policies = (Policy("no-deletes", 'action != "delete"', "nothing is deleted"),)
    plan, refusals = gate(plan_of(A), Limits(Safety(), NONE, policies))
    assert (plan.changes, refusals) == ((), ())
    _, refusals = gate(plan_of(A), Limits(Safety(), Allowances(max_deletes=1), policies))
    assert [refusal.limit for refusal in refusals] == ["policy no-deletes"]
