"""Applying a plan makes live equal to desired, moves nothing else, and leaves nothing to do."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws.worlds import World, habits, worlds
from support.builders import origin
from support.draws import drawn
from support.fake_clock import FakeClock
from support.fake_gateway import PLAIN, FakeGateway, Habits
from support.fake_store import FakeStore

from reconciler.apply.executor import Execution
from reconciler.diff.change import Blocked
from reconciler.model.address import Address, name_of
from reconciler.model.field import FIELDS
from reconciler.model.state import DesiredApp, DesiredPlacement, LiveResource
from reconciler.model.value import ABSENT, Fields
from reconciler.plan.document import plan_from_text, plan_text, plan_to_json
from reconciler.plan.plan import Plan
from reconciler.plan.revalidate import Revalidated, revalidate
from reconciler.workflow.apply import ApplyRequest, carry_out_plan, make_undo_plan
from reconciler.workflow.plan import PlanningContext, make_plan, replan
from reconciler.workflow.selection import Selection

EXAMPLES = 60


def law(*strategies: st.SearchStrategy[Any]):
    """A claim about everything that can be drawn."""
    return lambda claim: drawn(EXAMPLES)(given(*strategies)(claim))


class Deaf:
    """A `Listener` that does not."""

    def planned(self, steps: int) -> None: ...

    def begun(self, step: object) -> None: ...

    def ended(self, result: Any) -> None: ...


@dataclass
class Run:
    """A world, and what an apply made of it."""

    world: World
    gateway: FakeGateway
    store: FakeStore
    plan: Plan
    execution: Execution | None = None

    @classmethod
    def planned(cls, world: World, habits: Habits = PLAIN) -> "Run":
        gateway, store = FakeGateway(world.live, habits), FakeStore(world.ledger.values())
        plan, _ = make_plan(world.desired, gateway, store.ledger(), origin(), Selection(parallelism=2))
        return cls(world, gateway, store, plan)

    @classmethod
    def applied(cls, world: World, habits: Habits = PLAIN) -> "Run":
        run = cls.planned(world, habits)
        run.execution = run.carry_out(run.plan)
        return run

    def carry_out(self, plan: Plan) -> Execution:
        _, live = self.again()
        request = ApplyRequest(plan, live, self.store.ledger(), self.gateway, self.store)
        return carry_out_plan(request, FakeClock(), Deaf(), parallelism=2)

    def again(self):
        return make_plan(self.world.desired, self.gateway, self.store.ledger(), origin(), Selection(parallelism=2))

    @property
    def blocks(self) -> list[DesiredApp | DesiredPlacement]:
        return [block for app in self.world.desired.apps for block in (app, *app.placements)]

    def blocked(self, address: Address) -> frozenset[str] | None:
        """The fields of a block that are blocked; None where it is blocked as a whole."""
        held = [each for each in self.plan.changes if isinstance(each, Blocked) and each.address == address]
        if any(not each.fields for each in held):
            return None
        return frozenset(field.field for each in held for field in each.fields)

    def live_of(self, block: DesiredApp | DesiredPlacement) -> list[LiveResource]:
        """The live resources with the natural identity of a block."""
        state, (platform, bundle) = self.gateway.state(), block.address.partition("/")[0].split(":")
        apps = [app for app in state.apps if (app.fields["platform"], app.fields["bundle"]) == (platform, bundle)]
        name = name_of(block.address)
        found = [each for app in apps for each in state.placements[app.id] if each.name == name] if name else apps
        return [each for each in found if each.id not in self.world.strangers]


def changeable(block: DesiredApp | DesiredPlacement) -> Fields:
    kind = "placement" if isinstance(block, DesiredPlacement) else "app"
    return {name: value for name, value in block.fields.items() if FIELDS[kind][name].remedy is None}


def cannot_be_told(wanted: Any, name: str, habits: Habits) -> bool:
    """A block that is on and never shown cannot be told from one that is off, as is wanted."""
    return wanted is None and name in habits.never_returned


def without_ignored(path: str, value: Any, ignored: tuple[str, ...]) -> Any:
    if path in ignored:
        return "ignored"
    if isinstance(value, dict):
        return {key: part for key, part in value.items() if f"{path}.{key}" not in ignored}
    return value


@law(worlds(), habits)
def test_live_equals_desired_in_every_declared_field_that_can_be_changed(world, habits):
    run = Run.applied(world, habits)
    for block in run.blocks:
        held = run.blocked(block.address)
        if held is None or block.state == "absent":
            continue
        (live,) = run.live_of(block)
        ignored = block.lifecycle.ignore_changes
        for name in changeable(block).keys() - held:
            if cannot_be_told(block.fields[name], name, habits):
                continue
            if live.id not in world.stands_for or not any(path.startswith(name) for path in ignored):
                assert live.fields.get(name) == block.fields[name], (block.address, name)
            elif not (name == "capping" and None in (live.fields.get(name), block.fields[name])):
                seen, wanted = live.fields.get(name, ABSENT), block.fields[name]
                assert without_ignored(name, seen, ignored) == without_ignored(name, wanted, ignored)


@law(worlds(), habits)
def test_every_step_that_is_not_blocked_is_done(world, habits):
    run = Run.applied(world, habits)
    expected = {"applied", "unverified"} if habits.never_returned else {"applied"}
    assert {result.outcome for result in run.execution.results if result.action != "blocked"} <= expected
    assert len(run.execution.results) == len(run.plan.changes)


@law(worlds(), habits)
def test_a_second_plan_is_empty_and_makes_no_write(world, habits):
    run = Run.applied(world, habits)
    written = len(run.gateway.writes)
    again, _ = run.again()
    assert [change for change in again.changes if not isinstance(change, Blocked)] == []
    assert (again.remember, again.forget) == ((), ())
    run.carry_out(again)
    assert len(run.gateway.writes) == written


@law(worlds(), habits)
def test_nothing_undeclared_moves(world, habits):
    run = Run.applied(world, habits)
    before = {each.id: each for each in (*world.live.apps, *sum(world.live.placements.values(), ()))}
    for resource_id, was in before.items():
        now = run.gateway.resource(resource_id)
        if now is None:
            assert resource_id in world.may_go
            continue
        block = world.stands_for.get(resource_id)
        moved = {name for name in was.fields.keys() | now.fields.keys() if was.fields.get(name) != now.fields.get(name)}
        if resource_id in world.may_be_deactivated:
            assert moved <= {"status"}
        elif block is None:
            assert moved == set()
        else:
            assert moved <= block.fields.keys() - set(block.lifecycle.ignore_changes)
            ignored_leaves = [path for path in block.lifecycle.ignore_changes if path == "floorPrices.US"]
            if ignored_leaves and "floorPrices" in was.fields:
                assert now.fields["floorPrices"].get("US") == was.fields["floorPrices"].get("US")


@law(worlds(), habits)
def test_a_protected_resource_is_never_set_inactive_or_deleted(world, habits):
    run = Run.applied(world, habits)
    for resource_id, block in world.stands_for.items():
        if block.lifecycle.protect:
            was = next(each for each in _all(world) if each.id == resource_id)
            now = run.gateway.resource(resource_id)
            assert now is not None
            assert now.fields["status"] == "active" or was.fields["status"] == "inactive"


@law(worlds(), habits)
def test_strangers_are_never_written(world, habits):
    run = Run.applied(world, habits)
    assert not {call.id for call in run.gateway.writes if call.operation != "create"} & world.strangers
    for stranger in (each for each in _all(world) if each.id in world.strangers):
        assert run.gateway.resource(stranger.id) == stranger


@law(worlds(), habits)
def test_nothing_is_deleted_but_by_tombstone_or_prune_after_its_quarantine(world, habits):
    run = Run.applied(world, habits)
    assert {call.id for call in run.gateway.calls if call.operation == "delete"} <= world.may_go


@law(worlds(), habits)
def test_an_update_sends_changed_fields_alone(world, habits):
    run = Run.applied(world, habits)
    before = {each.id: each for each in _all(world)}
    for call in run.gateway.calls:
        if call.operation == "update" and call.id in before:
            shown = {name for name in call.fields if name not in habits.never_returned}
            assert all(before[call.id].fields.get(name) != call.fields[name] for name in shown)


@law(worlds(renamed=False), habits)
def test_without_the_ledger_everything_still_converges_and_the_ledger_is_made_again(world, habits):
    orphans = {each.id for each in world.ledger.values()} - world.stands_for.keys()
    world = replace(world, ledger={})
    run = Run.applied(world, habits)
    assert not {call.id for call in run.gateway.writes if call.operation != "create"} & orphans
    assert [change for change in run.again()[0].changes if not isinstance(change, Blocked)] == []
    for block in run.blocks:
        held = run.blocked(block.address)
        if held is None or block.state == "absent":
            continue
        (live,) = run.live_of(block)
        known = run.store.entries[block.address]
        assert known.id == live.id
        assert known.protect == block.lifecycle.protect
        for name in changeable(block).keys() - held:
            assert known.applied[name] == block.fields[name]
            if not (block.lifecycle.ignore_changes or cannot_be_told(block.fields[name], name, habits)):
                assert live.fields.get(name) == block.fields[name]


@law(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_input_never_matters(world, chance):
    def shuffled(items):
        items = list(items)
        chance.shuffle(items)
        return tuple(items)

    apps = [replace(app, placements=shuffled(app.placements)) for app in world.desired.apps]
    other = replace(
        world,
        desired=replace(world.desired, apps=shuffled(apps)),
        live=replace(
            world.live,
            apps=shuffled(world.live.apps),
            placements={app: shuffled(each) for app, each in shuffled(world.live.placements.items())},
        ),
        ledger=dict(shuffled(world.ledger.items())),
    )
    assert plan_to_json(Run.planned(other).plan) == plan_to_json(Run.planned(world).plan)


@law(worlds(), habits)
def test_a_plan_read_back_from_json_is_the_plan(world, habits):
    plan = Run.planned(world, habits).plan
    assert plan_from_text(plan_text(plan)) == plan


@law(worlds(), habits)
def test_a_plan_holds_while_nothing_moves(world, habits):
    run = Run.planned(world, habits)
    saved = plan_from_text(plan_text(run.plan))
    now = replan(saved, world.desired, PlanningContext(run.gateway, run.store.ledger()), origin(), 2)
    assert revalidate(saved, saved, now) == Revalidated(run.plan)


@law(worlds(), habits)
def test_an_undo_holds_but_for_what_is_protected(world, habits):
    run = Run.planned(world, habits)
    before = ApplyRequest(run.plan, world.live, dict(run.store.ledger()), run.gateway, run.store)
    execution = run.carry_out(run.plan)
    after = execution.after or world.live  # nothing is read after a run that sent nothing
    undo = make_undo_plan(before, execution, after, origin())
    now = replan(undo, world.desired, PlanningContext(run.gateway, run.store.ledger()), origin(), 2)
    found = revalidate(undo, undo, now)
    assert {each.how for each in found.stale} <= {"it is protected, and would be set inactive"}
    assert (found.refused, found.broken) == ((), ())


@law(worlds())
def test_a_plan_alone_writes_nothing(world):
    run = Run.planned(world)
    assert run.gateway.writes == []
    assert run.store.events == []


def _all(world: World) -> list[LiveResource]:
    return [*world.live.apps, *(each for placements in world.live.placements.values() for each in placements)]


@pytest.mark.parametrize("kind", ["app", "placement"])
def test_the_laws_look_at_every_field_that_can_be_changed(kind):
    drawn = {"app": {"status", "coppa", "rewardedAdUrl"}}
    drawn["placement"] = {
        "name", "status", "coppa", "floorPrices", "capping", "pacing", "geo", "connectivity", "targetingEnabled",
        "bannerRefresh", "ssrConfig", "creativeTypes", "skipability",
    }  # fmt: skip
    assert drawn[kind] == {name for name, spec in FIELDS[kind].items() if spec.remedy is None}
