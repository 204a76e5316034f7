"""What the journal says of earlier creates, in plans and audits: nothing is made anew that may be there already."""

from datetime import timedelta

import pytest
from support.builders import (
    APP,
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
)
from support.fake_clock import START, FakeClock
from support.fake_gateway import FakeGateway

from reconciler.diff.change import Blocked, Create
from reconciler.model.journal import past_creates, shown_event
from reconciler.workflow.plan import PlanningContext, make_audit, make_plan, make_settled_plan
from reconciler.workflow.selection import Selection

HERE = live_state(live_app())
INT_1 = at("int_1")
SENT = START - timedelta(seconds=10)


def intent(address=INT_1, when=SENT):
    return {"event": "intent", "action": "create", "address": address, "at": when.isoformat()}


def ended(address=INT_1, when=SENT, **more):
    said = {"outcome": "unknown", "id": None, **more}
    return {"event": "ended", "action": "create", "address": address, "at": when.isoformat(), **said}


def desired(*names):
    blocks = [desired_placement(name, coppa=False) for name in names or ("int_1",)]
    return desired_state(desired_app(*blocks))


def planned(live, *events, entries=(), recreate=False, names=()):
    reader, ledger = FakeGateway(live), ledger_of(entry(desired_app(), "100"), *entries)
    selection = Selection(recreate=recreate)
    return make_plan(desired(*names), reader, ledger, origin(), selection, lambda: past_creates(events))[0]


class TestUnclearCreates:
    def test_an_id_that_an_earlier_create_may_have_made_blocks_it_and_is_named(self):
        kept = live_placement("7", "something else entirely")
        plan = planned(live_state(live_app(), kept), intent(), ended(suspects=["7"]))
        (change,) = plan.changes
        assert isinstance(change, Blocked)
        assert "may have made id 7" in change.reason
        assert "placementId" in change.reason
        assert "distinct" in change.reason

    def test_one_that_is_somebodys_by_now_or_gone_does_not(self):
        owned = entry(at("int_2"), "7", applied={"name": "int_2"})
        plan = planned(
            live_state(live_app(), live_placement("7", "int_2")), intent(), ended(suspects=["7", "8"]),
            entries=[owned], names=("int_1", "int_2"),
        )  # fmt: skip
        assert [type(change) for change in plan.changes] == [Create]

    def test_a_create_whose_time_is_not_over_says_until_when_it_is_looked_for(self):
        (change,) = planned(HERE, intent(), ended()).changes
        assert isinstance(change, Create)
        assert "until 19:01:20 UTC" in change.reason
        (later,) = planned(HERE, intent(when=START - timedelta(minutes=5)), ended()).changes
        assert later.reason is None

    def test_a_list_that_does_not_show_yet_what_was_made_since_is_no_ground_to_create(self):
        known = entry(at("int_2"), "8", applied={"name": "int_2"})
        plan = planned(
            HERE, intent(), ended(), ended(at("int_2"), outcome="applied", id="8"),
            entries=[known], names=("int_1", "int_2"),
        )  # fmt: skip
        assert all(isinstance(change, Blocked) for change in plan.changes)
        assert "does not show other things yet" in plan.changes[0].reason

    def test_the_placements_of_an_app_that_may_be_there_are_blocked_with_it(self):
        stranger = live_app("7", bundle="com.acme.cut", name="Cut")
        plan, _ = make_plan(
            desired(), FakeGateway(live_state(stranger)), {}, origin(), Selection(),
            lambda: past_creates([intent(APP), ended(APP, suspects=["7"])]),
        )  # fmt: skip
        assert [type(change) for change in plan.changes] == [Blocked, Blocked]
        assert plan.changes[1].reason == f"its app {APP} is blocked"


class TestNotVisibleYet:
    MADE = ended(outcome="applied", id="8")

    @pytest.mark.parametrize("recreate", [False, True])
    def test_what_was_made_moments_ago_is_not_missing_and_not_made_again(self, recreate):
        known = entry(at("int_1"), "8", applied={"name": "int_1"})
        (change,) = planned(HERE, self.MADE, entries=[known], recreate=recreate).changes
        assert isinstance(change, Blocked)
        assert "not visible yet" in change.reason
        assert "recreate" not in change.reason

    def test_what_a_list_has_shown_since_and_shows_no_more_is_missing(self):
        known = entry(at("int_1"), "8", applied={"name": "int_1"})
        (change,) = planned(HERE, self.MADE, shown_event([("placement", "8")]), entries=[known]).changes
        assert "missing" in change.reason
        assert "--recreate" in change.reason

    def test_what_was_made_long_ago_is_missing(self):
        known = entry(at("int_1"), "8", applied={"name": "int_1"})
        event = ended(outcome="applied", id="8", when=START - timedelta(hours=1))
        (change,) = planned(HERE, event, entries=[known]).changes
        assert "missing" in change.reason
        assert "--recreate" in change.reason

    def test_a_new_app_is_not_visible_yet_either_and_its_placements_wait_for_it(self):
        events = [ended(APP, outcome="applied", id="100")]
        (app, placement) = planned(live_state(), *events).changes
        assert "not visible yet" in app.reason
        assert placement.reason == f"its app {APP} is blocked"

    def test_an_audit_raises_no_alarm_over_it(self):
        ledger = ledger_of(entry(desired_app(), "100"), entry(desired_placement(coppa=False), "8"))
        audit = make_audit(
            desired(), FakeGateway(HERE), ledger, origin(), Selection(), lambda: past_creates([self.MADE])
        )
        item = next(each for each in audit.items if each.address == at("int_1"))
        assert (item.of, "not visible yet" in item.note) == ("pending", True)


class TestSettledPlans:
    EVENTS = (intent(), ended())

    def run(self, account, clock, appears_after):
        def read_plan():
            live = account if clock.monotonic() >= appears_after else HERE
            ledger = ledger_of(entry(desired_app(), "100"))
            made_at = origin(clock.now().isoformat(timespec="seconds"))
            return make_plan(
                desired(), FakeGateway(live), ledger, made_at, Selection(), lambda: past_creates(self.EVENTS)
            )

        told = []
        ground = PlanningContext(FakeGateway(HERE), ledger_of(entry(desired_app(), "100")), past_creates(self.EVENTS))
        plan, _ = make_settled_plan(read_plan, ground, 30, clock, told.append)
        return plan, told

    def test_it_looks_until_the_earlier_create_appears(self):
        clock = FakeClock()
        plan, told = self.run(live_state(live_app(), live_placement("7", "int_1")), clock, 20)
        assert plan.changes == ()
        assert 20 <= clock.monotonic() < 80
        assert len(told) == 1

    def test_it_creates_once_that_had_its_time(self):
        clock = FakeClock()
        plan, _ = self.run(HERE, clock, 0)
        assert [type(change) for change in plan.changes] == [Create]
        assert plan.changes[0].reason is None
        assert clock.monotonic() == pytest.approx(80, abs=1)

    @pytest.mark.parametrize(("age", "waited"), [(10, 20), (29, 1), (31, 0), (3600, 0)])
    def test_what_is_to_be_made_again_gets_its_settle_time_to_come_back(self, age, waited):
        clock, known = FakeClock(), ledger_of(entry(desired_app(), "100"), entry(at("int_1"), "8", applied={}))
        made = ended(outcome="applied", id="8", when=clock.now() - timedelta(seconds=age))
        events = [made, shown_event([("placement", "8")])]

        def read_plan():
            made_at = origin(clock.now().isoformat(timespec="seconds"))
            selection = Selection(recreate=True)
            return make_plan(desired(), FakeGateway(HERE), known, made_at, selection, lambda: past_creates(events))

        ground = PlanningContext(FakeGateway(HERE), known, past_creates(events))
        plan, _ = make_settled_plan(read_plan, ground, 30, clock, str)
        assert [type(change) for change in plan.changes] == [Create]
        assert clock.monotonic() == pytest.approx(waited, abs=1)

    def test_nothing_is_waited_for_where_nothing_is_unclear(self):
        clock = FakeClock()

        def read_plan():
            ledger = ledger_of(entry(desired_app(), "100"))
            return make_plan(desired(), FakeGateway(HERE), ledger, origin(), Selection())

        make_settled_plan(read_plan, PlanningContext(FakeGateway(HERE), {}), 30, clock, pytest.fail)
        assert clock.slept == []
