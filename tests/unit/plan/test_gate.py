"""What an apply is held to as a whole: first what waits is taken out, then the rest meets limits and policies."""

from support.builders import at, desired_placement, origin

from reconciler.diff.change import Delete, Update
from reconciler.model.state import Allowances, Policy, Safety
from reconciler.plan.gate import Limits, Refusal, gate
from reconciler.plan.plan import Plan
from reconciler.plan.rules import evaluate_rules

SOURCE = desired_placement().source
NEVER = Policy("never", "false", "nothing may change")
WARNS = Policy("warns", "false", "look at this", severity="warning")


def delete(number=1):
    return Delete(at(str(number)), str(number), "declared absent", "sha256:x")


def update(number=1):
    return Update(at(f"u{number}"), f"u{number}", SOURCE, (), {"coppa": True}, {"coppa": True}, "sha256:x")


def passed(*changes, owned=0, allowances=None, safety=None, policies=(), **more):
    plan = Plan(origin(), changes, owned=owned)
    return gate(plan, Limits(safety or Safety(), allowances or Allowances(), policies, **more))


def test_a_plan_within_all_limits_goes_on_as_it_is():
    plan = Plan(origin(), (update(),), owned=1)
    assert gate(plan, Limits(Safety(), Allowances())) == (plan, ())


def test_what_waits_for_leave_is_held_and_refused_by_nothing_else():
    within, refused = passed(delete(), policies=(NEVER,))
    assert within.changes == ()
    assert [held.limit for held in within.held] == ["maxDeletes"]
    assert refused == ()


def test_leave_for_a_run_is_counted_in_deletes():
    within, refused = passed(delete(1), delete(2), allowances=Allowances(max_deletes=2))
    assert [change.id for change in within.changes] == ["1", "2"]
    assert (within.held, refused) == ((), ())


def test_what_is_held_does_not_count_in_the_share_of_change():
    changes = [update(number) for number in range(5)]
    safety = Safety(max_change_percent=50)
    assert passed(*changes, owned=10, safety=safety)[1] == ()
    assert passed(*changes, delete(), owned=10, safety=safety)[1] == ()
    within, refused = passed(*changes, delete(), owned=10, safety=safety, allowances=Allowances(max_deletes=1))
    assert len(within.changes) == 6
    assert [each.limit for each in refused] == ["maxChangePercent"]


def test_limits_come_first_and_policies_behind_them_about_the_same_changes():
    changes = [update(number) for number in range(6)]
    _, refused = passed(*changes, owned=10, safety=Safety(max_change_percent=50), policies=(NEVER,))
    assert refused[0].limit == "maxChangePercent"
    assert refused[0].address is None
    assert [each.address for each in refused[1:]] == [change.address for change in changes]


def test_a_limit_binds_and_a_policy_that_warns_does_not():
    assert Refusal("maxFloor", "too high", "safety.maxFloor").binding is True
    _, refused = passed(update(), policies=(WARNS, NEVER))
    assert {each.limit: each.binding for each in refused} == {"policy warns": False, "policy never": True}


def test_rules_are_given_to_the_judge_of_the_run_with_the_groups_of_the_project():
    asked = []

    def judge(*questions):
        asked.append(questions)
        return evaluate_rules(*questions)

    groups = {"tier1": ("DE", "US")}
    rule = Policy("tier1", "groups.tier1.size() == 2", "two countries")
    _, refused = passed(update(), policies=(rule,), groups=groups, judge=judge)
    assert len(asked) == 1
    assert refused == ()
