"""What was reviewed: a plan holds to its own set, whatever of it is done meanwhile, and to no other."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from laws.test_convergence import Run, law
from laws.worlds import worlds
from support.draws import drawn

from reconciler.diff.change import Blocked, Create, Deactivate, Delete, Update
from reconciler.plan.document import plan_from_text, plan_text
from reconciler.plan.plan import NOTHING, Reviewed, entries, reviewed, reviewed_in, reviewed_mark, unreviewed

numbers = st.integers(0, 10_000)


def moving(plan):
    return [change for change in plan.changes if not isinstance(change, Blocked)]


def others(change):
    """Changes that are not quite this one."""
    match change:
        case Create():
            yield replace(change, send={**change.send, "coppa": "other"})
            yield replace(change, address=f"{change.address}x")
            if change.app_id is not None:
                yield replace(change, app_id="other")
        case Update():
            yield replace(change, id="other")
            yield replace(change, send={**change.send, "newField": "other"})
            for number, field in enumerate(change.fields):
                for moved in (replace(field, before=Decimal("7.7")), replace(field, after=Decimal("7.7"))):
                    yield replace(change, fields=(*change.fields[:number], moved, *change.fields[number + 1 :]))
        case Deactivate() | Delete():
            yield replace(change, id="other")
    if not isinstance(change, Delete):
        yield Delete(change.address, getattr(change, "id", "7"), "over", "sha256:")


@law(worlds())
def test_a_plan_holds_to_its_own_set_however_that_is_told(world):
    plan = Run.planned(world).plan
    told = plan_from_text(plan_text(plan))
    assert unreviewed(plan, reviewed(told)) == ()
    for room in (0, 10**6):
        assert unreviewed(plan, reviewed_in(f"x\n  {reviewed_mark(plan, room)}\r\ny")) == ()
    assert len({digest for entry in entries(plan) for digest in entry.digests[:1]}) == len(entries(plan))


@law(worlds(), st.data())
def test_what_is_left_after_a_part_was_done_is_in_the_set(world, data):
    run = Run.planned(world)
    some = data.draw(st.lists(st.sampled_from(run.plan.changes), unique_by=id)) if run.plan.changes else []
    done = {id(change) for change in some}
    run.carry_out(replace(run.plan, changes=tuple(each for each in run.plan.changes if id(each) in done)))
    again, _ = run.again()
    assert unreviewed(again, reviewed(run.plan)) == ()
    assert len(entries(again)) <= len(entries(run.plan))


@law(worlds(), numbers)
def test_any_other_change_is_not_in_it_and_is_named(world, number):
    plan = Run.planned(world).plan
    if not moving(plan):
        return
    change = moving(plan)[number % len(moving(plan))]
    for other in others(change):
        changed = replace(plan, changes=tuple(other if each is change else each for each in plan.changes))
        found = unreviewed(changed, reviewed(plan))
        assert {entry.address for entry in found} == {other.address}
        assert unreviewed(changed, reviewed_in(reviewed_mark(plan, 0))) == entries(changed)


@law(worlds())
def test_nothing_reviewed_holds_for_no_change_and_nothing_for_another_account(world):
    plan = Run.planned(world).plan
    assert unreviewed(plan, NOTHING) == entries(plan)
    for origin in (replace(plan.origin, publisher_id="1"), replace(plan.origin, api="https://other")):
        elsewhere = replace(plan, origin=origin)
        assert unreviewed(elsewhere, reviewed(plan)) == entries(elsewhere)


@law(worlds(), worlds())
def test_two_sets_together_hold_for_two_plans_together(one, two):
    first, second = Run.planned(one).plan, Run.planned(two).plan
    both = replace(first, changes=(*first.changes, *second.changes))
    assert unreviewed(both, reviewed(first) | reviewed(second)) == ()
    assert unreviewed(both, reviewed(first) | reviewed_in(reviewed_mark(second, 0))) in {
        (), entries(second), tuple(each for each in entries(second) if each not in entries(first)),
    }  # fmt: skip


@drawn(60)
@given(st.sets(st.binary(min_size=12, max_size=12)), st.sets(st.binary(min_size=12, max_size=12)))
def test_sets_add_up(one, two):
    assert Reviewed(frozenset(one)) | Reviewed(frozenset(two)) == Reviewed(frozenset(one | two))
