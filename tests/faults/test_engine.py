"""What faults taught the engine: each claim was once broken, or nearly."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.builders import APP, at, desired_app, desired_placement, entry, live_app, live_placement, live_state
from support.fake_clock import START
from support.fake_gateway import FakeGateway, Habits, Leaving, Lost, Silent
from support.scene import Scene

from reconciler.apply.settling import seconds_to_settle
from reconciler.errors import ApiError
from reconciler.ports import Accepted, Rejected

HERE = live_state(live_app())
LONG_AGO = "2026-01-01T00:00:00+00:00"
CAPPING = {"value": 3, "unit": "hour"}


def new(*names, **fields):
    return desired_app(*(desired_placement(name, **{"coppa": False, **fields}) for name in names))


def operations(scene):
    return [call.operation for call in scene.gateway.calls]


class TestCreates:
    def test_one_that_was_sent_once_costs_no_look_at_the_end(self):
        scene = Scene(HERE)
        scene.apply(new("a", "b"))
        assert operations(scene) == ["create", "create"]

    def test_those_that_were_sent_again_share_one_look_at_the_end(self):
        scene = Scene(HERE)
        scene.gateway.script("create", Lost(committed=False), of="a")
        scene.gateway.script("create", Lost(committed=False), of="b")
        results = scene.apply(new("a", "b", "c"))
        assert {each.outcome for each in results.values()} == {"applied"}
        looks = ["placements"] * 2
        assert operations(scene) == ["create", *looks, "create", "create", *looks, "create", "create", "placements"]

    def test_one_that_may_have_been_made_twice_is_unknown_where_the_last_look_fails(self):
        scene = Scene(HERE)
        scene.gateway.script("create", Lost(committed=False))
        scene.gateway.script("placements", None, None, ApiError("HTTP 503"))
        done = scene.apply(new("a"))[at("a")]
        assert (done.outcome, done.id) == ("unknown", "901")
        assert "HTTP 503" in done.error
        assert scene.store.entries[at("a")].id == "901"

    def test_nothing_is_sent_again_once_writes_were_stopped(self):
        class Stopping(FakeGateway):
            def create(self, kind, fields, *, app_id):
                scene.brake.pull("not tried: the run was interrupted")
                return super().create(kind, fields, app_id=app_id)

        scene = Scene(HERE, gateway=Stopping)
        scene.gateway.script("create", Lost(committed=False))
        done = scene.apply(new("a"))[at("a")]
        assert done.outcome == "unknown"
        assert "was not sent again" in done.error
        assert len(scene.gateway.writes) == 1

    def test_a_look_at_a_list_that_leaves_out_what_exists_is_no_look(self):
        scene = Scene(live_state(live_app(), live_placement("7", "old")))
        scene.gateway.script("create", Lost(committed=True, hidden_reads=9))
        scene.gateway.script("placements", *[Leaving(frozenset({"7"}))] * 2)
        done = scene.apply(new("a"))[at("a")]
        assert done.outcome == "unknown"
        assert "leaves out resources that do exist" in done.error
        assert len(scene.gateway.writes) == 1

    def test_one_that_is_shown_otherwise_than_it_was_sent_has_failed_and_the_next_run_mends_it(self):
        class Deaf(FakeGateway):
            def create(self, kind, fields, *, app_id):
                answer = super().create(kind, {**fields, "coppa": False}, app_id=app_id)
                return Accepted(answer.id)

        scene = Scene(HERE, gateway=Deaf)
        done = scene.apply(new("a", coppa=True))[at("a")]
        assert (done.outcome, done.id, done.error) == ("failed", "901", "made, but coppa is False, wanted True")
        assert "coppa" not in scene.store.entries[at("a")].applied

    def test_an_app_that_was_made_otherwise_can_be_built_on(self):
        class Deaf(FakeGateway):
            def create(self, kind, fields, *, app_id):
                shown = {name: value for name, value in fields.items() if name != "category2"}
                answer = super().create(kind, {**shown, "category2": "Other"}, app_id=app_id)
                return Accepted(answer.id) if kind == "app" else answer

        scene = Scene(gateway=Deaf)
        results = scene.apply(desired_app(desired_placement("a", coppa=False), category2="Business"))
        assert (results[APP].outcome, results[at("a")].outcome) == ("failed", "applied")

    @pytest.mark.parametrize(("committed", "outcome"), [(True, "applied"), (False, "failed")])
    def test_a_status_whose_answer_was_lost_is_judged_by_what_is_read_back(self, committed, outcome):
        scene = Scene(HERE)
        scene.gateway.script("update", Lost(committed=committed))
        assert scene.apply(new("a", status="inactive"))[at("a")].outcome == outcome

    def test_a_status_that_nobody_can_read_back_is_unknown_and_the_id_is_kept(self):
        scene = Scene(HERE)
        scene.gateway.script("update", Lost(committed=True))
        scene.gateway.script("find", ApiError("HTTP 503"))
        done = scene.apply(new("a", status="inactive"))[at("a")]
        assert (done.outcome, done.id) == ("unknown", "901")
        assert "status" not in scene.store.entries[at("a")].applied


class TestUpdates:
    def test_a_block_that_this_account_shows_elsewhere_was_lost_where_it_does_not_show_it(self):
        class Deaf(FakeGateway):
            def update(self, before, fields):  # noqa: ARG002 - the port asks for it
                return Accepted(before.id)

        live = live_state(live_app(), live_placement("1", "a"), live_placement("2", "b", capping=CAPPING))
        scene = Scene(live, gateway=Deaf)
        done = scene.apply(desired_app(desired_placement("a", capping=CAPPING)))[at("a")]
        assert (done.outcome, done.error) == ("failed", "capping is None, wanted {'value': 3, 'unit': 'hour'}")
        assert scene.store.entries == {}

    def test_one_field_that_is_there_tells_that_a_lost_update_was_done(self):
        scene = Scene(
            live_state(live_app(), live_placement("1", "a")), habits=Habits(never_returned=frozenset({"skipability"}))
        )
        scene.gateway.script("update", Lost(committed=True))
        block = desired_placement("a", skipability="NonSkippable", status="inactive")
        done = scene.apply(desired_app(block))[at("a")]
        assert (done.outcome, done.error) == ("unverified", "not shown back: skipability")

    def test_the_first_of_them_goes_alone(self):
        live = live_state(live_app(), *(live_placement(str(n), f"p{n}", capping=CAPPING) for n in range(1, 9)))
        scene = Scene(live, habits=Habits(put_replaces=True))
        blocks = [desired_placement(f"p{n}", status="inactive") for n in range(1, 9)]
        results = scene.apply(desired_app(*blocks), parallelism=8)
        assert len(scene.gateway.writes) == 1
        assert [each.outcome for each in results.values()] == ["failed", *["skipped"] * 7]


class TestDeletes:
    def scene(self, *placements):
        live = live_state(live_app(status="inactive"), *placements)
        known = [entry(APP, "100", inactive_since=LONG_AGO)]
        return Scene(live, *known)

    def test_an_app_that_holds_something_by_now_is_not_deleted(self):
        scene = self.scene()
        plan = scene.planned(desired_app(state="absent"))
        scene.gateway.create("placement", {"name": "theirs", "placementType": "Banner", "coppa": False}, app_id="100")
        done = scene.carry_out(plan)[APP]
        assert (done.outcome, done.attempts) == ("failed", 0)
        assert done.error == "not sent: the app still holds placements 901"

    def test_an_app_whose_placements_cannot_be_read_is_not_deleted(self):
        scene = self.scene()
        scene.gateway.script("placements", ApiError("HTTP 503"))
        done = scene.apply(desired_app(state="absent"))[APP]
        assert (done.outcome, scene.gateway.writes) == ("failed", [])

    def test_a_list_that_still_shows_what_is_deleted_does_not_keep_its_app(self):
        scene = self.scene()
        gone = live_placement("5", "ghost")
        scene.gateway.placements = lambda *_, **__: (gone,)
        assert scene.apply(desired_app(state="absent"))[APP].outcome == "applied"

    def test_one_that_somebody_else_did_first_is_done(self):
        known = entry(at("a"), "1", inactive_since=LONG_AGO)
        scene = Scene(live_state(live_app(), live_placement("1", "a", status="inactive")), known)
        plan = scene.planned(desired_app(desired_placement("a", state="absent")))
        scene.gateway.remove("1")
        scene.gateway.script("delete", Rejected(404, "not found"))
        assert scene.carry_out(plan)[at("a")].outcome == "applied"
        assert scene.store.entries == {}


class TestSettling:
    NOW = START + timedelta(seconds=2)

    def event(self, kind, **more):
        return {"event": kind, "action": "create", "address": at("a"), "at": START.isoformat(), **more}

    def seconds(self, *events):
        return seconds_to_settle(events, self.NOW, 5)

    def test_a_create_without_an_end_is_given_the_rest_of_its_settle_time(self):
        assert self.seconds(self.event("run-started"), self.event("intent")) == 3

    def test_so_is_one_whose_end_is_unknown(self):
        assert self.seconds(self.event("intent"), self.event("ended", outcome="unknown")) == 3

    @pytest.mark.parametrize("outcome", ["applied", "failed"])
    def test_one_that_came_to_an_end_needs_none(self, outcome):
        assert self.seconds(self.event("intent"), self.event("ended", outcome=outcome)) == 0

    def test_an_old_one_needs_none(self):
        assert seconds_to_settle([self.event("intent")], START + timedelta(hours=1), 5) == 0

    def test_a_clock_that_was_put_back_makes_nobody_wait_for_longer(self):
        assert seconds_to_settle([self.event("intent")], START - timedelta(hours=1), 5) == 5

    def test_updates_need_none(self):
        assert self.seconds({**self.event("intent"), "action": "update"}) == 0


def test_a_silent_answer_to_a_create_in_an_account_without_any_like_it_is_not_a_loss():
    scene = Scene(HERE, habits=Habits(never_returned=frozenset({"capping"})))
    scene.gateway.script("create", Silent())
    done = scene.apply(new("a", capping=CAPPING))[at("a")]
    assert (done.outcome, done.error) == ("unverified", "not shown back: capping")
    assert replace(scene.store.entries[at("a")], unconfirmed=frozenset()).applied["capping"] == CAPPING
