"""An audit sees what the account did, and never mistakes what the manifests or an apply did for it."""

from dataclasses import replace
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st
from laws.test_convergence import PLAIN, Run, law
from laws.worlds import habits, worlds
from support.builders import audit_of as audited
from support.builders import origin, reconciled
from support.fake_gateway import FakeGateway

from reconciler.diff.audit import ALARMING, Audit, summary
from reconciler.diff.change import Deactivate, Delete, Update
from reconciler.diff.classes import GOING, PRUNED, WAITS_FOR_LEAVE
from reconciler.model.state import LiveState
from reconciler.workflow.plan import make_audit
from reconciler.workflow.selection import Selection


def audit_of(run: Run) -> Audit:
    return make_audit(run.world.desired, run.gateway, run.store.ledger(), origin(), Selection(parallelism=2))


def blocks_present(run: Run) -> set[str]:
    return {block.address for block in run.blocks if block.state == "present"}


def alarms(audit: Audit) -> dict[str, str]:
    return {item.address: item.of for item in audit.items if item.of in ALARMING}


@law(worlds(), habits)
def test_nothing_that_an_apply_could_mend_has_drifted_right_after_it(world, habits):
    run = Run.applied(world, habits)
    blocked = {change.address for change in run.again()[0].changes}
    assert {address for address in alarms(audit_of(run)) if address in blocks_present(run) - blocked} == set()


@law(worlds(), habits)
def test_an_apply_raises_no_alarm_that_was_not_there_before(world, habits):
    run = Run.planned(world, habits)
    before = alarms(audit_of(run))
    run.execution = run.carry_out(run.plan)
    assert {address for address in alarms(audit_of(run)) if address not in before} == set()


@law(worlds(), habits)
def test_an_audit_writes_nothing(world, habits):
    run = Run.planned(world, habits)
    before = run.gateway.state()
    audit_of(run)
    assert (run.gateway.state(), run.store.events) == (before, [])


@law(worlds())
def test_every_live_resource_that_is_read_is_counted_once(world):
    run = Run.planned(world)
    audit = audit_of(run)
    ids = [(("/" in item.address), item.id) for item in audit.items if item.live]
    assert len(ids) == len(set(ids))
    assert set(world.stands_for) <= {item.id for item in audit.items} | _unresolved(run)
    assert 0 <= summary(audit).coverage_percent <= 100


def _unresolved(run: Run) -> set[str]:
    """Live resources of blocks that cannot be told to stand for them: the plan blocks them."""
    named = {change.address for change in run.plan.changes}
    return {live_id for live_id, block in run.world.stands_for.items() if block.address in named}


@law(worlds(), st.data())
def test_as_many_resources_have_drifted_as_were_changed_in_the_account(world, data):
    run = Run.applied(world)
    calm = audit_of(run)
    quiet = {item.id: item for item in calm.items if item.of == "inSync" and "/" in item.address and item.live}
    watched = sorted(
        live_id
        for live_id, item in quiet.items()
        if "coppa" in run.store.ledger()[item.address].applied and item.address in blocks_present(run)
    )
    chosen = set(data.draw(st.lists(st.sampled_from(watched), unique=True)) if watched else [])
    state = run.gateway.state()
    placements = {
        app_id: tuple(
            replace(each, fields={**each.fields, "coppa": not each.fields["coppa"]}) if each.id in chosen else each
            for each in listed
        )
        for app_id, listed in state.placements.items()
    }
    run.gateway = FakeGateway(LiveState(state.apps, placements), PLAIN)
    found = audit_of(run)
    assert {item.id for item in found.items if item.of == "drift"} - {
        i.id for i in calm.items if i.of == "drift"
    } == chosen


@law(worlds())
def test_what_the_plan_would_change_is_not_in_sync_and_what_is_in_sync_it_leaves_alone(world):
    run = Run.planned(world)
    _, live = run.again()
    now, days = datetime.fromisoformat(origin().created_at), run.world.desired.safety.quarantine_days
    planned = reconciled(run.world.desired, live, run.store.ledger(), now=now, quarantine_days=days).changes
    moving = {change.address for change in planned if isinstance(change, Update | Deactivate | Delete)}
    quiet = {item.address for item in audit_of(run).items if item.of == "inSync"}
    assert moving & quiet == set()


@given(worlds(), st.data())
def test_what_an_audit_says_of_a_removal_is_what_the_plan_does(world, data):
    kept = tuple(app for app in world.desired.apps if data.draw(st.booleans()))
    prune = data.draw(st.sampled_from(["report", "deactivate", "delete"]))
    desired = replace(world.desired, apps=kept, prune=prune)
    days = data.draw(st.sampled_from([0, 14]))
    planned = reconciled(desired, world.live, world.ledger, quarantine_days=days).changes
    acts = {action: {each.address for each in planned if isinstance(each, action)} for action in (Deactivate, Delete)}
    for item in audited(desired, world.live, world.ledger, quarantine_days=days).items:
        assert (item.note in (GOING, PRUNED)) is (item.address in acts[Deactivate])
        assert (WAITS_FOR_LEAVE in item.note) is (item.address in acts[Delete])
