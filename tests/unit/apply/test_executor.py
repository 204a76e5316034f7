"""The loop that writes: its order, what one failure holds back, and how it stops."""

import signal
from dataclasses import replace
from threading import Event, Semaphore, current_thread, main_thread

import pytest
from support.builders import (
    APP,
    APP_ID,
    at,
    desired_app,
    desired_placement,
    entry,
    live_app,
    live_placement,
    live_state,
)
from support.fake_gateway import FakeGateway, Lost
from support.fake_store import FakeStore
from support.scene import Scene

from reconciler.errors import ReconcilerError, StoreError
from reconciler.model.address import app_address
from reconciler.ports import Rejected

HERE = live_state(live_app())
OTHER = app_address("ios", "123")


def new(*names, app=APP):
    return [desired_placement(name, app=app, coppa=False) for name in names]


def outcomes(results):
    return {address: result.outcome for address, result in results.items()}


def test_apps_come_before_their_placements_and_these_into_the_app_that_was_made():
    scene = Scene()
    results = scene.apply(desired_app(*new("a", "b")), desired_app(*new("c", app=OTHER), platform="ios", bundle="123"))
    assert set(outcomes(results).values()) == {"applied"}
    kinds = [call.kind for call in scene.gateway.writes]
    assert kinds == ["app", "app", "placement", "placement", "placement"]
    homes = {call.fields["name"]: call.id for call in scene.gateway.writes if call.kind == "placement"}
    assert homes == {"a": results[APP].id, "b": results[APP].id, "c": results[OTHER].id}


def test_updates_come_before_creates_and_removals_last_placements_before_their_app():
    old = entry(APP, "100", inactive_since="2026-01-01T00:00:00+00:00")
    gone = entry(at("gone"), "7", inactive_since="2026-01-01T00:00:00+00:00")
    live = live_state(
        live_app(status="inactive"), live_placement("7", "gone", status="inactive"),
        live_app("200", platform="ios", bundle="123"), live_placement("8", "x", app_id="200"),
    )  # fmt: skip
    scene = Scene(live, old, gone)
    ios = desired_app(
        desired_placement("x", app=OTHER, status="inactive"), *new("y", app=OTHER),
        platform="ios", bundle="123",
    )  # fmt: skip
    scene.apply(desired_app(desired_placement("gone", state="absent"), state="absent"), ios)
    done = [(call.operation, call.id) for call in scene.gateway.writes]
    assert done[:2] == [("update", "8"), ("create", "200")]
    assert done[2:] in ([("delete", "7"), ("delete", "100")], [("delete", "7")])


def test_a_failed_app_skips_its_placements_and_nothing_else():
    scene = Scene()
    scene.gateway.script("create", Rejected(409, "Invalid store category1"), of="Acme")
    results = scene.apply(
        desired_app(*new("a", "b")),
        desired_app(*new("c", app=OTHER), platform="ios", bundle="123", name="Other"),
    )
    assert outcomes(results) == {
        APP: "failed", at("a"): "skipped", at("b"): "skipped", OTHER: "applied", at("c", OTHER): "applied",
    }  # fmt: skip
    assert str(APP) in results[at("a")].error
    assert scene.gateway.named("a") == []


def test_placements_of_an_app_of_unknown_outcome_are_skipped():
    scene = Scene()
    scene.gateway.script("create", *[Lost(committed=False)] * 3)
    assert outcomes(scene.apply(desired_app(*new("a")))) == {APP: "unknown", at("a"): "skipped"}


def test_a_failed_update_of_an_app_skips_its_placements_too():
    scene = Scene(HERE)
    scene.gateway.script("update", Rejected(400, "no"))
    results = scene.apply(desired_app(*new("a"), status="inactive"))
    assert outcomes(results) == {APP: "failed", at("a"): "skipped"}


def test_a_failed_placement_holds_nothing_back():
    scene = Scene(HERE)
    scene.gateway.script("create", Rejected(400, "no"), of="a")
    assert outcomes(scene.apply(desired_app(*new("a", "b")))) == {at("a"): "failed", at("b"): "applied"}


def test_blocked_changes_are_told_with_their_reason_and_never_recorded_as_tried():
    live = live_state(live_app(), live_placement("1", "a", placementType="Banner"))
    scene = Scene(live)
    results = scene.apply(desired_app(desired_placement("a"), *new("b")))
    assert outcomes(results) == {at("a"): "blocked", at("b"): "applied"}
    assert "fixed after creation" in results[at("a")].error
    assert scene.ears.steps == 1
    assert [intent.address for intent in scene.store.intents] == [at("b")]


def test_results_come_in_the_order_of_addresses_and_each_is_heard_of_once():
    scene = Scene(HERE)
    scene.apply(desired_app(*new("c", "a", "b")), parallelism=3)
    assert [result.address for result in scene.execution.results] == [at("a"), at("b"), at("c")]
    assert sorted(scene.ears.results, key=str) == sorted(scene.execution.results, key=str)
    assert scene.ears.steps == 3


def test_a_plan_without_changes_does_nothing():
    scene = Scene(HERE)
    assert scene.apply(desired_app()) == {}
    assert scene.gateway.calls == []
    assert scene.store.events == []


def test_no_more_steps_than_allowed_run_side_by_side():
    running, most = set(), []

    class Watched(FakeGateway):
        def create(self, kind, fields, *, app_id):
            running.add(fields["name"])
            most.append(len(running))
            answer = super().create(kind, fields, app_id=app_id)
            running.discard(fields["name"])
            return answer

    scene = Scene(HERE, gateway=Watched)
    scene.apply(desired_app(*new(*"abcdefgh")), parallelism=2)
    assert max(most) <= 2


class Waiting(FakeGateway):
    """An account whose creates wait until a test lets them go on."""

    def __init__(self, *given):
        super().__init__(*given)
        self.go, self.arrived = Event(), Semaphore(0)

    def create(self, kind, fields, *, app_id):
        self.arrived.release()
        assert self.go.wait(10)
        return super().create(kind, fields, app_id=app_id)


class Telling(FakeStore):
    """A store that does something when so many intents are recorded."""

    def __init__(self, number, act):
        super().__init__()
        self._number, self._act = number, act

    def intend(self, intent):
        super().intend(intent)
        if len(self.intents) == self._number:
            self._act()


class TestIntentsAhead:
    def test_an_intent_is_recorded_while_all_calls_are_under_way(self):
        def let_go():
            scene.gateway.go.set()

        scene = Scene(HERE, gateway=Waiting, store=Telling(3, let_go))
        results = scene.apply(desired_app(*new(*"abcd")), parallelism=2)
        assert set(outcomes(results).values()) == {"applied"}

    def test_one_that_waits_for_its_turn_is_not_sent_once_the_run_is_stopped(self):
        def stop():
            assert all(scene.gateway.arrived.acquire(timeout=10) for _ in range(2))
            scene.cancellation.interrupt()
            scene.gateway.go.set()

        scene = Scene(HERE, gateway=Waiting, store=Telling(3, stop))
        results = scene.apply(desired_app(*new(*"abcd")), parallelism=2)
        assert len(scene.store.intents) == 3
        assert sorted(outcomes(results).values()) == ["applied", "applied", "skipped", "skipped"]
        assert len(scene.gateway.writes) == 2
        assert len(scene.store.ended) == 4

    def test_there_is_none_where_calls_go_out_one_by_one(self):
        scene = Scene(HERE)
        scene.apply(desired_app(*new(*"abc")), parallelism=1)
        assert [type(event).__name__ for event in scene.store.events] == ["Intent", "StepResult"] * 3


class TestStop:
    def test_a_lost_store_stops_everything_before_the_next_write(self):
        scene = Scene(HERE, store=FakeStore(fails_from=3))
        results = scene.apply(desired_app(*new("a", "b", "c", "d")))
        assert [call.fields["name"] for call in scene.gateway.writes] == ["a"]
        assert outcomes(results) == {
            at("a"): "applied", at("b"): "failed", at("c"): "skipped", at("d"): "skipped",
        }  # fmt: skip
        assert isinstance(scene.execution.ended_by, StoreError)
        assert not scene.execution.interrupted

    def test_a_store_lost_after_a_write_stops_the_next_one_and_keeps_the_result(self):
        scene = Scene(HERE, store=FakeStore(fails_at=2))
        results = scene.apply(desired_app(*new("a", "b")))
        assert outcomes(results) == {at("a"): "applied", at("b"): "skipped"}
        assert len(scene.gateway.writes) == 1

    def test_an_error_that_ends_the_run_is_an_unknown_outcome_and_stops_the_rest(self):
        scene = Scene(HERE)
        scene.gateway.script("create", ReconcilerError("something else"))
        assert outcomes(scene.apply(desired_app(*new("a", "b")))) == {at("a"): "unknown", at("b"): "skipped"}
        assert scene.execution.ended_by.message == "something else"

    def test_a_bug_of_ours_keeps_its_traceback_and_lets_no_further_write_begin(self):
        class Broken(FakeGateway):
            def create(self, kind, fields, *, app_id):
                super().create(kind, fields, app_id=app_id)
                raise ZeroDivisionError

        scene = Scene(HERE, gateway=Broken)
        with pytest.raises(ZeroDivisionError):
            scene.apply(desired_app(*new("a", "b", "c")))
        assert len(scene.gateway.writes) == 1


class Held(FakeGateway):
    """An account whose creates wait until a test lets them go on; at the first one somebody asks the run to stop."""

    def __init__(self, *given):
        super().__init__(*given)
        self.begun, self.stopped = Event(), Event()

    def create(self, kind, fields, *, app_id):
        assert current_thread() is not main_thread()
        if not self.begun.is_set():
            self.begun.set()
            self.ask_to_stop()
        assert self.stopped.wait(10)
        return super().create(kind, fields, app_id=app_id)

    def ask_to_stop(self):
        signal.pthread_kill(main_thread().ident, signal.SIGINT)


class HeldUnheard(Held):
    """The same, but what comes of the signal does not wake the main thread: as when it was just about to sleep."""

    def ask_to_stop(self):
        signal.raise_signal(signal.SIGINT)


class TestInterrupt:
    @pytest.fixture(params=[Held, HeldUnheard])
    def scene(self, request):
        scene = Scene(HERE, gateway=request.param)
        pull = scene.cancellation.cancel

        def pulled(reason):
            pull(reason)
            scene.gateway.stopped.set()

        scene.cancellation.cancel = pulled
        return scene

    def test_what_is_in_flight_is_finished_and_recorded_and_nothing_else_is_begun(self, scene):
        results = scene.apply(desired_app(*new("a", "b", "c", "d")))
        assert scene.execution.interrupted
        assert scene.execution.ended_by is None
        assert outcomes(results) == {
            at("a"): "applied", at("b"): "skipped", at("c"): "skipped", at("d"): "skipped",
        }  # fmt: skip
        assert set(scene.store.entries) == {at("a")}
        assert [ended.result.outcome for ended in scene.store.ended].count("applied") == 1
        assert "interrupted" in results[at("d")].error

    def test_later_waves_are_skipped_too(self, scene):
        live = live_state(live_app(), live_app("200", platform="ios", bundle="123"), live_placement("1", "z"))
        scene.live = live
        scene.gateway._resources.update({"200": live.apps[1], "1": live.placements[APP_ID][0]})
        known = entry(at("z"), "1")
        scene.ledger = {at("z"): known}
        results = scene.apply(desired_app(*new("a"), prune="deactivate"))
        assert outcomes(results) == {at("a"): "applied", at("z"): "skipped"}


def test_a_change_whose_app_is_neither_live_nor_planned_is_skipped():
    scene = Scene()
    plan = scene.planned(desired_app(*new("a")))
    results = scene.carry_out(replace(plan, changes=plan.changes[1:]))
    assert outcomes(results) == {at("a"): "skipped"}
    assert "does not exist" in results[at("a")].error


@pytest.mark.parametrize(
    ("declares", "goes_on"),
    [({"rewardedAdUrl": None}, True), ({"coppa": True}, True), ({"status": "inactive"}, False)],
    ids=["url", "coppa", "status"],
)
def test_placements_of_an_app_that_exists_go_on_where_something_else_of_it_than_its_status_is_refused(
    declares, goes_on
):
    app = live_app(rewardedAdUrl="https://a.example/cb", coppa=False, status="active")
    scene = Scene(live_state(app, live_placement("1", "a", coppa=False)))
    scene.gateway.script("update", Rejected(400, "no"), of="100")
    results = scene.apply(desired_app(desired_placement("a", coppa=True), **{"coppa": False, **declares}))
    assert results[APP].outcome == "failed"
    assert results[at("a")].outcome == ("applied" if goes_on else "skipped")
