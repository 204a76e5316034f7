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

from reconciler.plan.plan import Plan, Summary, build, summary

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
    plan = build(FOUND, origin())
    assert summary(plan) == Summary(create=1, update=2, deactivate=1, delete=1, blocked=1, unchanged=2, unmanaged=1)


def test_a_plan_holds_all_that_was_found():
    plan = build(FOUND, origin())
    assert plan == Plan(
        origin(), FOUND.changes, FOUND.unmanaged, FOUND.notes, FOUND.remember, FOUND.forget, len(FOUND.in_sync), 6
    )
    assert plan.forget == (at("lost"),)
    assert [each.id for each in plan.remember if each.address == APP] == [APP_ID]


def test_nothing_counts_as_nothing():
    assert summary(Plan(origin())) == Summary()
