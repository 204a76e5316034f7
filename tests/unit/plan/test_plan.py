"""A plan is what reconciling found, and knows itself in numbers."""

from support.builders import (
    APP,
    APP_ID,
    at,
    desired_app,
    desired_placement,
    entry,
    ledger_of,
    live_app,
    live_placement,
    live_state,
    origin,
    reconciled,
)

from reconciler.diff.change import Blocked, Forget, InSync, Note, Remember, Unmanaged
from reconciler.model.address import Address
from reconciler.model.ledger import LedgerEntry
from reconciler.plan.plan import Plan, PlanSummary, build, summary

FOUND = reconciled(
    desired_app(
        desired_placement("new"),
        desired_placement("changed", coppa=True),
        desired_placement("fixed", placementType="MREC", coppa=True),
        desired_placement("gone", state="absent"),
        desired_placement("waited", state="absent"),
        desired_placement("same"),
    ),
    live_state(
        live_app(),
        *(
            live_placement(str(number), name, status="inactive" if name == "waited" else "active")
            for number, name in enumerate(["changed", "fixed", "gone", "waited", "same", "stranger"], 1)
        ),
    ),
    ledger_of(entry(at("waited"), "4", inactive_since="2026-01-01T00:00:00+00:00"), entry(at("lost"), "77")),
)


def test_a_plan_counts_its_changes_by_action():
    assert summary(FOUND.plan) == PlanSummary(
        create=1, update=2, deactivate=1, delete=1, blocked=1, unchanged=2, unmanaged=1
    )


def test_a_plan_holds_all_that_was_found():
    plan = FOUND.plan
    assert (plan.unchanged, plan.owned) == (len(FOUND.in_sync), 6)
    assert plan.forget == (at("lost"),)
    assert [each.id for each in plan.remember if each.address == APP] == [APP_ID]


def test_verdicts_are_sorted_by_kind_and_by_address():
    entry_b = LedgerEntry(at("b"), "1", {})
    verdicts = [
        InSync(at("b")),
        InSync(APP),
        Note(at("b"), "two"),
        Note(at("a"), "one"),
        Forget(at("x")),
        Remember(entry_b),
        Unmanaged(at("u"), "9"),
        Blocked(at("b"), "why"),
        Blocked(at("a"), "why"),
        InSync(Address("android:com.abc")),
    ]
    assert build(verdicts, 4, origin()) == Plan(
        origin(),
        changes=(Blocked(at("a"), "why"), Blocked(at("b"), "why")),
        unmanaged=(Unmanaged(at("u"), "9"),),
        notes=(Note(at("a"), "one"), Note(at("b"), "two")),
        remember=(entry_b,),
        forget=(at("x"),),
        unchanged=3,
        owned=4,
    )


def test_an_app_comes_before_its_placements_and_these_before_the_next_app():
    other = Address("android:com.acme-2")
    notes = [Note(each, "why") for each in (other, at("a"), APP)]
    assert [each.address for each in build(notes, 0, origin()).notes] == [APP, at("a"), other]


def test_unmanaged_namesakes_come_in_the_order_of_their_ids():
    twins = [Unmanaged(at("u"), each) for each in ("2", "1", "3")]
    assert [each.id for each in build(twins, 0, origin()).unmanaged] == ["1", "2", "3"]


def test_nothing_counts_as_nothing():
    assert summary(Plan(origin())) == PlanSummary()
