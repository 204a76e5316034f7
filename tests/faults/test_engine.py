"""What faults taught the engine: each claim was once broken, or nearly."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.builders import APP, at, desired_app, desired_placement, entry, live_app, live_placement, live_state
from support.fake_clock import START
from support.fake_gateway import FakeGateway, Habits, Leaving, Lost, Silent
from support.scene import Scene

from reconciler.errors import ApiError
from reconciler.model.journal import past_creates, seconds_to_settle
from reconciler.ports import Accepted, Rejected

HERE = live_state(live_app())
LONG_AGO = "2026-01-01T00:00:00+00:00"
CAPPING = {"value": 3, "unit": "hour"}


def new(*names, **fields):
    return desired_app(*(desired_placement(name, **{"coppa": False, **fields}) for name in names))


def operations(scene):
    """The calls of the steps, without the reading after the run."""
    return scene.steps()


class TestCreates:
    def test_one_that_was_answered_well_costs_no_call_of_its_own(self):
        scene = Scene(HERE)
        scene.apply(new("a", "b"))
        assert operations(scene) == ["create", "create"]
        assert [call.operation for call in scene.gateway.calls][2:] == ["placements"]

    def test_those_whose_answers_were_lost_share_their_looks_and_hold_up_no_other(self):
        scene = Scene(HERE)
        scene.gateway.script("create", Lost(committed=False), of="a")
        scene.gateway.script("create", Lost(committed=False), of="b")
        results = scene.apply(new("a", "b", "c"))
        assert {each.outcome for each in results.values()} == {"applied"}
        looks = ["placements"] * 6
        assert operations(scene) == ["create", "create", "create", *looks, "create", "create"]
        assert sum(scene.clock.slept) == 30

    def test_nothing_is_sent_again_once_writes_were_stopped(self):
        class Stopping(FakeGateway):
            def create(self, kind, fields, *, app_id):
                scene.cancellation.cancel("not tried: the run was interrupted")
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
        scene.gateway.script("placements", *[Leaving(frozenset({"7"}))] * 6)
        done = scene.apply(new("a"))[at("a")]
        assert done.outcome == "unknown"
        assert "leaves out resources that do exist" in done.error
        assert len(scene.gateway.writes) == 1

    def test_one_that_is_kept_otherwise_than_it_was_sent_is_normalised(self):
        class Deaf(FakeGateway):
            def create(self, kind, fields, *, app_id):
                answer = super().create(kind, {**fields, "coppa": False}, app_id=app_id)
                return Accepted(answer.id)

        scene = Scene(HERE, gateway=Deaf)
        done = scene.apply(new("a", coppa=True))[at("a")]
        assert (done.outcome, done.id) == ("normalised", "901")
        assert done.error == "the account keeps coppa false, asked for true"
        assert scene.store.entries[at("a")].kept == {"coppa": False}

    def test_an_app_that_was_made_otherwise_can_be_built_on(self):
        class Deaf(FakeGateway):
            def create(self, kind, fields, *, app_id):
                shown = {name: value for name, value in fields.items() if name != "category2"}
                answer = super().create(kind, {**shown, "category2": "Other"}, app_id=app_id)
                return Accepted(answer.id) if kind == "app" else answer

        scene = Scene(gateway=Deaf)
        results = scene.apply(desired_app(desired_placement("a", coppa=False), category2="Business"))
        assert (results[APP].outcome, results[at("a")].outcome) == ("normalised", "applied")

    @pytest.mark.parametrize(("committed", "outcome"), [(True, "applied"), (False, "failed")])
    def test_a_status_whose_answer_was_lost_is_judged_by_what_is_read_back(self, committed, outcome):
        scene = Scene(HERE)
        scene.gateway.script("update", Lost(committed=committed))
        assert scene.apply(new("a", status="inactive"))[at("a")].outcome == outcome

    def test_a_status_that_nobody_can_read_back_is_unknown_and_the_id_is_kept(self):
        scene = Scene(HERE)
        scene.gateway.script("update", Lost(committed=True))
        scene.gateway.script("find", *[ApiError("HTTP 503")] * 2)
        scene.gateway.script("placements", *[ApiError("HTTP 503")] * 9)
        done = scene.apply(new("a", status="inactive"))[at("a")]
        assert (done.outcome, done.id) == ("unknown", "901")
        assert "status" not in scene.store.entries[at("a")].applied

    def test_a_status_that_only_the_reading_after_the_run_shows_is_applied(self):
        scene = Scene(HERE)
        scene.gateway.script("update", Lost(committed=True))
        scene.gateway.script("find", *[ApiError("HTTP 503")] * 2)
        assert scene.apply(new("a", status="inactive"))[at("a")].outcome == "applied"
        assert scene.store.entries[at("a")].applied["status"] == "inactive"


class TestUpdates:
    def test_a_block_that_this_account_shows_elsewhere_was_lost_where_it_does_not_show_it(self):
        class Deaf(FakeGateway):
            def update(self, before, fields):  # noqa: ARG002 - the port asks for it
                return Accepted(before.id)

        live = live_state(live_app(), live_placement("1", "a"), live_placement("2", "b", capping=CAPPING))
        scene = Scene(live, gateway=Deaf)
        done = scene.apply(desired_app(desired_placement("a", capping=CAPPING)))[at("a")]
        told = 'answered as done; the account shows capping (none), asked for {"unit":"hour","value":3}'
        assert (done.outcome, done.error) == ("failed", told)
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
        assert [call.id for call in scene.gateway.writes[:2]] == ["1", "1"]
        assert [len(call.fields) > 1 for call in scene.gateway.writes] == [False, *[True] * 8]
        assert {each.outcome for each in results.values()} == {"applied"}
        assert all(scene.gateway.resource(str(n)).fields["capping"] == CAPPING for n in range(1, 9))


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

    def seconds(self, *events, now=NOW, least=30):
        past = past_creates(events)
        return seconds_to_settle(past.unclear, past, now, least)

    def test_a_create_without_an_end_is_given_the_rest_of_three_settle_times(self):
        assert self.seconds(self.event("run-started"), self.event("intent")) == 88

    def test_so_is_one_whose_end_is_unknown(self):
        assert self.seconds(self.event("intent"), self.event("ended", outcome="unknown")) == 88

    def test_it_is_never_less_than_half_a_minute_whatever_the_settings_say(self):
        assert self.seconds(self.event("intent"), least=0.1) == 28

    def test_an_account_that_has_lagged_for_longer_is_given_more(self):
        lag = {"event": "lag", "seconds": 70, "at": START.isoformat()}
        assert self.seconds(lag, self.event("intent")) == 3 * 2 * 70 - 2

    def test_what_a_later_run_has_found_is_clear(self):
        found = {"event": "remembered", "entries": [{"address": at("a")}], "at": START.isoformat()}
        assert self.seconds(self.event("intent"), found) == 0

    @pytest.mark.parametrize("event", [
        {"at": "9999-12-31T23:59:59+00:00"}, {"at": None}, {"at": "yesterday"}, {"at": 7},
        {"address": 7}, {"outcome": []},
    ])  # fmt: skip
    def test_events_of_another_shape_are_passed_over(self, event):
        assert self.seconds({**self.event("intent"), **event}, {**self.event("ended"), **event}) in {0, 88, 90}

    @pytest.mark.parametrize("outcome", ["applied", "failed"])
    def test_one_that_came_to_an_end_needs_none(self, outcome):
        assert self.seconds(self.event("intent"), self.event("ended", outcome=outcome)) == 0

    def test_an_old_one_needs_none(self):
        assert self.seconds(self.event("intent"), now=START + timedelta(hours=1)) == 0

    def test_a_clock_that_was_put_back_makes_nobody_wait_for_longer(self):
        assert self.seconds(self.event("intent"), now=START - timedelta(hours=1)) == 90

    def test_updates_need_none(self):
        assert self.seconds({**self.event("intent"), "action": "update"}) == 0


def test_a_silent_answer_to_a_create_in_an_account_without_any_like_it_is_not_a_loss():
    scene = Scene(HERE, habits=Habits(never_returned=frozenset({"capping"})))
    scene.gateway.script("create", Silent())
    done = scene.apply(new("a", capping=CAPPING))[at("a")]
    assert (done.outcome, done.error) == ("unverified", "not shown back: capping")
    assert replace(scene.store.entries[at("a")], unconfirmed=frozenset()).applied["capping"] == CAPPING
