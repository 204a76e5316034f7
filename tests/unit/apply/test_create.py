"""A create ends with one resource or with the truth about why it did not: never with a silent twin."""

from dataclasses import replace

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
from support.fake_gateway import Call, FakeGateway, Habits, Leaving, Lost, Silent
from support.fake_store import FakeStore
from support.scene import Scene

from reconciler.apply.context import CreatedResource, Moment
from reconciler.errors import ApiError, CredentialsError, UnreadableAnswer
from reconciler.model.address import app_address
from reconciler.ports import Accepted, NotSent, Rejected

HERE = live_state(live_app())
LOST, LOST_DONE = Lost(committed=False), Lost(committed=True)


def block(name="int_1", **fields):
    return desired_app(desired_placement(name, **{"coppa": False, **fields}))


def create(scene, name="int_1", **fields):
    return scene.apply(block(name, **fields))[at(name)]


def operations(scene):
    """The calls of the steps, without the reading after the run."""
    return scene.steps()


class IdlessGateway(FakeGateway):
    """An account whose answers to creates name no id."""

    def create(self, kind, fields, *, app_id):
        answer = super().create(kind, fields, app_id=app_id)
        return replace(answer, id=None) if isinstance(answer, Accepted) else answer


def test_a_create_that_is_answered_in_full_is_one_call_and_no_read():
    scene = Scene(HERE)
    done = create(scene, floorPrices={"US": 2}, capping={"value": 3, "unit": "hour"})
    assert (done.outcome, done.id, done.attempts, done.error) == ("applied", "901", 1, None)
    assert operations(scene) == ["create"]
    assert scene.gateway.calls[0].id == APP_ID


def test_the_intent_is_recorded_before_the_call_and_the_ledger_holds_what_was_declared():
    scene = Scene(HERE)
    create(scene, floorPrices={"US": 2})
    intent, ended = scene.store.events
    assert (intent.action, intent.address, intent.id, intent.attempt) == ("create", at("int_1"), None, 1)
    assert ended.entry == entry(desired_placement(coppa=False, floorPrices={"US": 2}), "901")
    assert scene.store.entries == {at("int_1"): ended.entry}


def test_protection_is_remembered_with_what_is_made():
    scene = Scene(HERE)
    guarded = desired_placement(coppa=False)
    guarded = replace(guarded, lifecycle=replace(guarded.lifecycle, protect=True))
    scene.apply(desired_app(guarded))
    assert scene.store.entries[at("int_1")].protect


def test_an_answer_that_says_little_is_read_back():
    scene = Scene(HERE)
    scene.gateway.script("create", Silent())
    assert create(scene).outcome == "applied"
    assert operations(scene) == ["create", "find"]


def test_a_create_whose_answer_is_lost_is_found_and_not_sent_again():
    scene = Scene(HERE)
    scene.gateway.script("create", LOST_DONE)
    done = create(scene)
    assert (done.outcome, done.id, done.attempts) == ("applied", "901", 1)
    assert len(scene.gateway.writes) == 1
    assert scene.store.entries[at("int_1")].id == "901"


def test_a_create_that_appears_late_is_waited_for():
    scene = Scene(HERE)
    scene.gateway.script("create", Lost(committed=True, hidden_reads=1))
    assert create(scene).id == "901"
    assert len(scene.gateway.writes) == 1
    assert 0 < sum(scene.clock.slept) <= 30


def two(scene):
    """Two placements in one app, the first of them in trouble: what became of that one."""
    apps = desired_app(desired_placement("int_1", coppa=False), desired_placement("int_2", coppa=False))
    return scene.apply(apps)[at("int_1")]


def test_a_create_that_left_no_trace_is_sent_again_once_the_list_has_shown_something_younger():
    scene = Scene(HERE)
    scene.gateway.script("create", LOST, of="int_1")
    done = two(scene)
    assert (done.outcome, done.attempts) == ("applied", 2)
    assert [(intent.address, intent.attempt) for intent in scene.store.intents] == [
        (at("int_1"), 1), (at("int_2"), 1), (at("int_1"), 2),
    ]  # fmt: skip
    assert operations(scene).count("placements") >= 2
    assert sum(scene.clock.slept) >= 30
    assert len(scene.gateway.named("int_1")) == 1


def test_the_silence_of_a_list_that_has_shown_nothing_younger_tells_nothing():
    scene = Scene(HERE)
    scene.gateway.script("create", LOST)
    done = create(scene)
    assert (done.outcome, done.attempts, done.id) == ("unknown", 1, None)
    assert "within 30 s, nor anything younger" in done.error
    assert sum(scene.clock.slept) >= 30
    assert len(scene.gateway.writes) == 1
    assert scene.store.entries == {}


def test_something_that_was_begun_before_the_create_had_failed_is_not_younger():
    scene = Scene(HERE)
    scene.gateway.script("create", LOST, of="int_2")
    apps = desired_app(desired_placement("int_1", coppa=False), desired_placement("int_2", coppa=False))
    done = scene.apply(apps)[at("int_2")]
    assert (done.outcome, done.attempts) == ("unknown", 1)


@pytest.mark.parametrize("lag", [8, 20, 29])
def test_a_list_that_shows_new_things_late_makes_no_twin(lag):
    class Slow(FakeGateway):
        def placements(self, app_id, *, expected):
            listed = super().placements(app_id, expected=expected)
            return listed if scene.clock.monotonic() >= lag else ()

    scene = Scene(HERE, gateway=Slow)
    scene.gateway.script("create", LOST_DONE)
    done = create(scene)
    assert (done.outcome, done.id, done.attempts) == ("applied", "901", 1)
    assert len(scene.gateway.named("int_1")) == 1
    assert any(event["event"] == "lag" for event in scene.store.seen)


def test_a_list_that_lags_beyond_the_settle_time_leaves_the_create_unknown():
    class Slower(FakeGateway):
        def placements(self, app_id, *, expected):
            super().placements(app_id, expected=expected)
            return ()

    scene = Scene(HERE, gateway=Slower)
    scene.gateway.script("create", LOST_DONE, of="int_1")
    assert two(scene).outcome == "unknown"
    assert len(scene.gateway.named("int_1")) == 1


def test_a_create_that_never_leaves_a_trace_is_unknown_after_a_few_tries():
    class Busy(FakeGateway):
        """An account in which something of this run appears before each look."""

        def placements(self, app_id, *, expected):
            younger = CreatedResource(at("other"), "77", app_id, Moment(10**9, scene.clock.monotonic()))
            site_created[0].release(at("other"), "77")
            site_created[0].claim(younger)
            return (*super().placements(app_id, expected=expected), live_placement("77", "other"))

    scene = Scene(HERE, gateway=Busy)
    site_created = [scene.created]
    scene.gateway.script("create", *[LOST] * 9)
    done = create(scene)
    assert (done.outcome, done.attempts) == ("unknown", 3)
    assert "no trace" in done.error
    assert len(scene.gateway.writes) == 3


class TestAnsweredIds:
    """Nothing promises that the id in an answer to a create is new, or that create's own."""

    def answering(self, *answers, live=HERE, entries=()):
        given = list(answers)

        class Answering(FakeGateway):
            def create(self, kind, fields, *, app_id):
                answer = super().create(kind, fields, app_id=app_id)
                return given.pop(0) if given else answer

        return Scene(live, *entries, gateway=Answering)

    def test_an_id_that_was_there_before_is_never_remembered(self):
        stranger = live_placement("7", "somebody's")
        scene = self.answering(Accepted("7", {"name": "int_1"}), live=live_state(live_app(), stranger))
        done = create(scene)
        assert (done.outcome, done.id) == ("applied", "901")
        assert scene.store.entries[at("int_1")].id == "901"

    def test_an_id_that_the_ledger_knows_is_never_remembered(self):
        scene = self.answering(Accepted("55"), entries=[entry(at("x", app_address("ios", "9")), "55")])
        assert create(scene).id == "901"

    def test_a_server_that_gives_an_old_id_and_makes_nothing_is_not_asked_again(self):
        class Dedups(FakeGateway):
            def create(self, kind, fields, *, app_id):
                self.calls.append(Call("create", kind, app_id, dict(fields)))
                return Accepted("7", {"name": "int_1"})

        scene = Scene(live_state(live_app(), live_placement("7", "old name")), gateway=Dedups)
        done = create(scene)
        assert (done.outcome, done.id) == ("unknown", None)
        assert "id 7, which was there before" in done.error
        assert len(scene.gateway.writes) == 1
        assert scene.store.entries == {}

    def test_one_id_for_two_creates_is_the_first_ones_alone(self):
        scene = self.answering(Accepted("901", {"name": "int_1"}), Accepted("901", {"name": "int_2"}))
        assert two(scene).id == "901"
        assert {key: each.id for key, each in scene.store.entries.items()} == {at("int_1"): "901", at("int_2"): "902"}

    @pytest.mark.parametrize("said", [True, False])
    def test_answers_that_are_exchanged_are_found_out(self, said):
        first, second = ({"name": "int_2"}, {"name": "int_1"}) if said else ({}, {})
        scene = self.answering(Accepted("902", first), Accepted("901", second))
        two(scene)
        assert {key: each.id for key, each in scene.store.entries.items()} == {at("int_1"): "901", at("int_2"): "902"}

    def test_a_resource_in_another_app_is_not_ours(self):
        other = live_app("200", bundle="com.other", name="Other")
        theirs = live_placement("7", "int_1", app_id="200")
        scene = self.answering(Accepted("7"), live=live_state(live_app(), other, theirs))
        scene.live = live_state(live_app(), other)
        assert create(scene).id == "901"


@pytest.mark.parametrize("kept", ["INT_1", " int_1", "int", "int-1", "int&#95;1"])
class TestNamesKeptOtherwise:
    def scene(self, kept):
        class Renaming(FakeGateway):
            def create(self, kind, fields, *, app_id):
                return super().create(kind, {**fields, "name": kept}, app_id=app_id)

        return Scene(HERE, gateway=Renaming)

    def test_a_lost_answer_makes_no_twin_and_names_the_id(self, kept):
        scene = self.scene(kept)
        scene.gateway.script("create", LOST_DONE)
        done = create(scene)
        assert (done.outcome, done.id) == ("unknown", None)
        assert "901" in done.error
        assert len(scene.gateway.writes) == 1
        assert scene.store.ended[0].suspects == ("901",)

    def test_a_good_answer_is_remembered_with_what_is_kept(self, kept):
        scene = self.scene(kept)
        done = create(scene)
        assert (done.outcome, done.id) == ("normalised", "901")
        assert (done.wanted, done.kept) == ({"name": "int_1"}, {"name": kept})
        known = scene.store.entries[at("int_1")]
        assert (known.applied["name"], known.kept) == ("int_1", {"name": kept})


def test_a_twin_that_another_run_has_made_meanwhile_is_told_with_both_ids():
    class Shared(FakeGateway):
        def create(self, kind, fields, *, app_id):
            super().create(kind, fields, app_id=app_id)
            return super().create(kind, fields, app_id=app_id)

    scene = Scene(HERE, gateway=Shared)
    done = create(scene)
    assert done.outcome == "unknown"
    assert "901, 902" in done.error
    assert at("int_1") not in scene.store.entries
    assert [each.result.outcome for each in scene.store.ended] == ["applied", "unknown"]


@pytest.mark.parametrize("wrong", [ApiError("HTTP 503"), UnreadableAnswer("an HTML page"), CredentialsError("401")])
def test_a_look_that_fails_is_not_an_absence(wrong):
    scene = Scene(HERE)
    scene.gateway.script("create", LOST_DONE)
    scene.gateway.script("placements", *[wrong] * 99)
    done = create(scene)
    assert done.outcome == "unknown"
    assert wrong.message in done.error
    assert len(scene.gateway.writes) == 1


def test_looks_that_fail_at_first_do_not_hide_what_is_there():
    scene = Scene(HERE)
    scene.gateway.script("create", LOST_DONE)
    scene.gateway.script("placements", ApiError("HTTP 503"))
    assert create(scene).outcome == "applied"


def test_a_last_look_that_fails_forbids_a_second_try():
    scene = Scene(HERE)
    scene.gateway.script("create", LOST)
    scene.gateway.script("placements", None, ApiError("HTTP 503"))
    assert create(scene).outcome == "unknown"
    assert len(scene.gateway.writes) == 1


def test_an_answer_without_an_id_is_found_by_its_name():
    scene = Scene(HERE, gateway=IdlessGateway)
    done = create(scene)
    assert (done.outcome, done.id, done.attempts) == ("applied", "901", 1)
    assert len(scene.gateway.writes) == 1


def test_a_placement_of_that_name_that_was_there_before_is_not_taken_for_the_new_one():
    """A dead placement of the same name in another app, and one that the plan knew in this one."""
    known = live_placement("7", "int_1")
    scene = Scene(live_state(live_app(), known))
    plan = replace(scene.planned(block("new")), changes=())
    other = Scene(HERE)
    change = other.planned(block("int_1")).changes[0]
    scene.gateway.script("create", LOST)
    done = scene.carry_out(replace(plan, changes=(change,)))[at("int_1")]
    assert (done.outcome, done.id) == ("unknown", None)


def test_two_new_ones_of_the_name_are_not_chosen_between():
    scene = Scene(HERE)
    scene.planned(block())
    scene.gateway.create("placement", {"name": "int_1", "placementType": "Interstitial", "coppa": False}, app_id="100")
    scene.gateway.script("create", LOST_DONE)
    done = scene.carry_out(scene.plan)[at("int_1")]
    assert done.outcome == "unknown"
    assert "901, 902" in done.error


@pytest.mark.parametrize(
    ("answer", "told"), [(Rejected(409, "Invalid store category1"), "refused with 409: Invalid store"),
                         (NotSent("no connection"), "no connection")],
)  # fmt: skip
def test_a_create_that_was_surely_not_done_has_failed_and_is_not_repeated(answer, told):
    scene = Scene(HERE)
    scene.gateway.script("create", answer)
    done = create(scene)
    assert (done.outcome, done.id, done.attempts) == ("failed", None, 1)
    assert told in done.error
    assert operations(scene) == ["create"]
    assert scene.store.entries == {}


@pytest.mark.parametrize("answer", [Rejected(400, "the name is taken"), NotSent("no connection")])
def test_a_refusal_of_the_second_try_does_not_hide_that_the_first_was_done(answer):
    scene = Scene(HERE)
    scene.gateway.script("create", Lost(committed=True, hidden_reads=8), answer, of="int_1")
    done = two(scene)
    assert (done.outcome, done.id) == ("applied", "901")


def test_an_app_is_looked_for_by_platform_and_bundle_whatever_the_store_calls_it():
    scene = Scene(habits=Habits(store_name=str.upper))
    scene.gateway.script("create", LOST_DONE)
    done = scene.apply(desired_app())[APP]
    assert (done.outcome, done.id, done.error) == ("applied", "901", None)


def test_the_name_the_store_gives_a_new_app_is_no_failure():
    scene = Scene(habits=Habits(store_name=str.upper))
    done = scene.apply(desired_app())[APP]
    assert (done.outcome, done.error) == ("applied", None)


def test_fields_that_are_never_shown_back_are_unverified_and_remembered_as_such():
    scene = Scene(HERE, habits=Habits(never_returned=frozenset({"skipability"})))
    done = create(scene, skipability="NonSkippable")
    assert (done.outcome, done.error) == ("unverified", "not shown back: skipability")
    assert scene.store.entries[at("int_1")].unconfirmed == {"skipability"}


def test_an_id_that_cannot_be_read_back_is_looked_for_in_the_list():
    scene = Scene(HERE)
    scene.gateway.script("create", Silent())
    scene.gateway.script("find", ApiError("HTTP 503"))
    done = create(scene)
    assert (done.outcome, done.id) == ("applied", "901")
    assert operations(scene) == ["create", "find", "placements"]


def test_an_id_that_nothing_shows_is_unverified_and_known_to_the_next_run():
    scene = Scene(HERE)
    scene.gateway.script("create", Silent())
    scene.gateway.script("find", *[ApiError("HTTP 503")] * 9)
    scene.gateway.script("placements", *[Leaving(frozenset({"901"}))] * 99)
    done = create(scene)
    assert (done.outcome, done.id) == ("unverified", "901")
    assert "reading it back failed" in done.error
    assert scene.store.entries[at("int_1")].id == "901"


def test_an_id_that_nothing_shows_is_suspected_only_where_answers_have_been_mixed():
    scene = Scene(HERE)
    scene.created.mixed = True
    scene.gateway.script("create", Silent())
    scene.gateway.script("find", *[ApiError("HTTP 503")] * 9)
    scene.gateway.script("placements", *[Leaving(frozenset({"901"}))] * 99)
    done = create(scene)
    assert (done.outcome, done.id) == ("unknown", None)
    assert "id 901 alone" in done.error
    assert scene.store.entries == {}
    assert scene.store.ended[-1].suspects == ("901",)


def test_what_cannot_be_confirmed_by_any_reading_is_unverified():
    scene = Scene(HERE)
    scene.gateway.script("placements", *[ApiError("HTTP 503")] * 9)
    done = create(scene)
    assert (done.outcome, done.id) == ("unverified", "901")
    assert scene.execution.after == "HTTP 503"
    assert scene.store.entries[at("int_1")].id == "901"


class TestInactive:
    """A placement is born active, so an inactive one is two calls."""

    def test_it_is_a_create_and_an_update_of_the_status_alone(self):
        scene = Scene(HERE)
        done = create(scene, status="inactive")
        assert (done.outcome, done.attempts) == ("applied", 2)
        first, second = scene.gateway.writes
        assert (first.operation, second.operation, second.id) == ("create", "update", "901")
        assert second.fields == {"status": "inactive"}
        assert [(intent.action, intent.id) for intent in scene.store.intents] == [("create", None), ("update", "901")]
        assert scene.gateway.resource("901").fields["status"] == "inactive"
        assert scene.store.entries[at("int_1")].applied["status"] == "inactive"

    @pytest.mark.parametrize("answer", [Rejected(400, "no"), NotSent("no connection"), Lost(committed=False)])
    def test_one_that_stayed_active_has_failed_and_is_remembered_without_its_status(self, answer):
        scene = Scene(HERE)
        scene.gateway.script("update", answer)
        done = create(scene, status="inactive")
        assert (done.outcome, done.id) == ("failed", "901")
        assert "active" in done.error
        assert "status" not in scene.store.entries[at("int_1")].applied
        assert scene.store.entries[at("int_1")].id == "901"

    def test_a_store_lost_between_the_two_calls_leaves_the_second_unsent(self):
        scene = Scene(HERE, store=FakeStore(fails_from=2))
        done = create(scene, status="inactive")
        assert (done.outcome, done.id) == ("failed", "901")
        assert [call.operation for call in scene.gateway.writes] == ["create"]

    def test_an_inactive_app_is_made_in_one_call(self):
        scene = Scene()
        assert scene.apply(desired_app(status="inactive"))[APP].outcome == "applied"
        assert [call.operation for call in scene.gateway.writes] == ["create"]


class TestLostStore:
    def test_nothing_is_sent_that_could_not_be_recorded_first(self):
        scene = Scene(HERE, store=FakeStore(fails_at=1))
        done = create(scene)
        assert done.outcome == "failed"
        assert scene.gateway.calls == []
        assert scene.execution.ended_by is not None

    def test_a_create_that_was_done_is_told_with_its_id_when_it_cannot_be_recorded(self):
        scene = Scene(HERE, store=FakeStore(fails_at=2))
        done = create(scene)
        assert (done.outcome, done.id) == ("applied", "901")
        assert scene.execution.ended_by.message == "the disk is full"

    def test_a_second_try_that_cannot_be_recorded_is_not_sent(self):
        scene = Scene(HERE, store=FakeStore(fails_at=2))
        scene.gateway.script("create", LOST)
        done = create(scene)
        assert done.outcome == "unknown"
        assert "not sent again" in done.error
        assert len(scene.gateway.writes) == 1


def test_a_list_that_leaves_the_new_one_out_does_not_make_a_twin_of_it():
    scene = Scene(HERE)
    scene.gateway.script("create", LOST_DONE)
    scene.gateway.script("placements", *[Leaving(frozenset({"901"}))] * 6)
    done = create(scene)
    assert (done.outcome, done.id) == ("applied", "901")
    assert len(scene.gateway.writes) == 1
