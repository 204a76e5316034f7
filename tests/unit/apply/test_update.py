"""An update is judged by what the account shows afterwards, not by what its answer claims."""

from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

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
from support.fake_gateway import Call, FakeGateway, Habits, Lost, Silent
from support.fake_store import FakeStore
from support.scene import Scene

from reconciler.errors import ApiError, CredentialsError
from reconciler.model.habits import AccountHabits
from reconciler.ports import Accepted, NotSent, Rejected


def floors(**prices):
    """A whole table, as the account holds it."""
    return {"WW": Decimal("0.01"), **{country: Decimal(str(price)) for country, price in prices.items()}}


MERGES = AccountHabits({"placement": "merges"})
CAPPING = {"value": 3, "unit": "hour"}
PACED = {"pacing": {"value": 9, "unit": "second"}}


def account(*placements):
    return live_state(live_app(), *(placements or (live_placement("1", "int_1", **PACED),)))


def update(scene, name="int_1", **fields):
    return scene.apply(desired_app(desired_placement(name, **fields)))[at(name)]


def operations(scene):
    """The calls of the steps, without the reading after the run."""
    return scene.steps()


class Answering(FakeGateway):
    """An account that does what it is told and answers something else."""

    says = None

    def update(self, before, fields):
        super().update(before, fields)
        return Accepted(before.id, self.says)


class Deaf(FakeGateway):
    """An account that takes updates and forgets them; `keeps` names the fields it does keep."""

    keeps = frozenset()

    def update(self, before, fields):
        return super().update(before, {name: value for name, value in fields.items() if name in self.keeps})


def test_only_what_differs_is_sent_and_an_answer_in_full_needs_no_read_back():
    scene = Scene(account(), updates=MERGES)
    done = update(scene, capping=CAPPING, coppa=False)
    assert (done.outcome, done.id, done.attempts, done.error) == ("applied", "1", 1, None)
    assert operations(scene) == ["update"]
    assert scene.gateway.calls[0].fields == {"capping": CAPPING}


def test_the_intent_tells_what_was_there_and_the_ledger_holds_all_that_is_declared():
    scene = Scene(account())
    update(scene, capping=CAPPING, status="inactive")
    intent, ended = scene.store.events
    assert (intent.action, intent.id) == ("update", "1")
    assert intent.before == live_placement("1", "int_1", **PACED).fields
    assert intent.sends == {"capping": CAPPING, "status": "inactive"}
    assert ended.entry == entry(desired_placement(capping=CAPPING, status="inactive"), "1")


@pytest.mark.parametrize("trouble", [Silent(), Lost(committed=True)])
def test_an_answer_that_does_not_say_is_settled_by_reading_back(trouble):
    scene = Scene(account())
    scene.gateway.script("update", trouble)
    done = update(scene, capping=CAPPING)
    assert (done.outcome, done.attempts, done.error) == ("applied", 1, None)
    assert operations(scene) == ["update", "find"]


def test_an_answer_that_shows_the_old_value_is_not_believed_before_reading_back():
    scene = Scene(account(), gateway=type("Stale", (Answering,), {"says": {"status": "active"}}))
    assert update(scene, status="inactive").outcome == "applied"
    assert operations(scene) == ["update", "find"]


def test_an_answer_that_speaks_of_the_sent_field_alone_is_read_back_for_what_became_of_the_others():
    scene = Scene(account(), gateway=type("Brief", (Answering,), {"says": {"status": "inactive"}}))
    assert update(scene, status="inactive").outcome == "applied"
    assert operations(scene) == ["update", "find"]


def test_a_field_that_the_account_keeps_otherwise_is_normalised_and_both_values_are_remembered():
    scene = Scene(account(), gateway=type("HalfDeaf", (Deaf,), {"keeps": frozenset({"status"})}))
    done = update(scene, status="inactive", coppa=True)
    assert (done.outcome, done.wanted, done.kept) == ("normalised", {"coppa": True}, {"coppa": False})
    assert done.error == "the account keeps coppa false, asked for true"
    known = scene.store.entries[at("int_1")]
    assert known.applied == {"name": "int_1", "placementType": "Interstitial", "status": "inactive", "coppa": True}
    assert known.kept == {"coppa": False}


def test_a_status_that_is_shown_otherwise_has_failed_and_the_others_are_remembered():
    known = entry(desired_placement(status="active"), "1")
    scene = Scene(account(), known, gateway=type("HalfDeaf", (Deaf,), {"keeps": frozenset({"coppa"})}))
    done = update(scene, status="inactive", coppa=True)
    assert done.outcome == "failed"
    assert 'the account shows status "active", asked for "inactive"' in done.error
    applied = scene.store.entries[at("int_1")].applied
    assert (applied["coppa"], applied["status"]) == (True, "active")


class TestKept:
    """A price that the server rounds, a line that it drops or adds, a name that it trims."""

    ASKED: ClassVar = {"floorPrices": {"US": 1.234, "DE": 2}}

    def scene(self, stored, said=None, *entries):
        class Keeping(FakeGateway):
            def update(self, before, fields):
                answer = super().update(before, {**fields, "floorPrices": floors(**stored)})
                return answer if said is None else Accepted(before.id, {**before.fields, **fields, **said})

        return Scene(account(), *entries, gateway=Keeping)

    @pytest.mark.parametrize(
        ("stored", "kept"),
        [
            ({"US": 1.23, "DE": 2}, {"floorPrices.US": Decimal("1.23")}),
            ({"US": 1.234}, {"floorPrices.DE": None}),
            ({"US": 1.234, "DE": 2, "FR": 5}, {"floorPrices.FR": Decimal(5)}),
        ],
    )
    def test_one_try_is_enough(self, stored, kept):
        scene = self.scene(stored)
        done = update(scene, **self.ASKED)
        assert (done.outcome, done.kept) == ("normalised", kept)
        known = scene.store.entries[at("int_1")]
        after = Scene(scene.gateway.state(), known).planned(desired_app(desired_placement(**self.ASKED)))
        assert after.changes == ()
        assert [note.text.partition(":")[0] for note in after.notes] == list(kept)

    def test_an_echo_is_found_out_by_the_reading_after_the_run(self):
        scene = self.scene({"US": 1.23, "DE": 2}, {})
        done = update(scene, **self.ASKED)
        assert (done.outcome, done.kept) == ("normalised", {"floorPrices.US": Decimal("1.23")})
        assert [each.result.outcome for each in scene.store.ended] == ["applied", "normalised"]

    @pytest.mark.parametrize(
        ("old", "sent", "outcome"), [(2, 2.2, "failed"), (1, 1.4, "failed"), (2.22, 2.224, "normalised")]
    )
    def test_an_old_price_is_a_rounded_one_only_where_cents_are_kept(self, old, sent, outcome):
        class Ignoring(FakeGateway):
            def update(self, before, fields):
                self.calls.append(Call("update", before.kind, before.id, dict(fields)))
                return Accepted(before.id, {})

        here = account(live_placement("1", "int_1", floorPrices=floors(US=old)))
        scene = Scene(here, gateway=Ignoring)
        assert update(scene, floorPrices={"US": sent}).outcome == outcome

    def test_what_is_only_echoed_has_failed_once_it_had_time_to_appear(self):
        class Echoing(FakeGateway):
            def update(self, before, fields):
                self.calls.append(Call("update", before.kind, before.id, dict(fields)))
                return Accepted(before.id, {**before.fields, **fields})

        scene = Scene(account(), gateway=Echoing)
        done = update(scene, **self.ASKED)
        assert done.outcome == "failed"
        assert done.error.startswith("answered as done; the account shows floorPrices.DE (none), asked for 2")
        assert sum(scene.clock.slept) >= 30
        assert [each.result.outcome for each in scene.store.ended] == ["applied", "failed"]

    def test_a_list_that_lags_is_read_until_it_shows_what_was_done(self):
        class Lagging(FakeGateway):
            def placements(self, app_id, *, expected):
                listed = super().placements(app_id, expected=expected)
                return listed if scene.clock.monotonic() > 10 else scene.live.placements[app_id]

        scene = Scene(account(), gateway=Lagging)
        assert update(scene, **self.ASKED).outcome == "applied"
        assert 10 < sum(scene.clock.slept) < 30

    def test_it_is_sent_again_when_the_manifest_asks_for_something_else_and_the_rest_stays(self):
        scene = self.scene({"US": 1.234})
        update(scene, **self.ASKED)
        known = scene.store.entries[at("int_1")]
        later = Scene(scene.gateway.state(), known)
        done = later.apply(desired_app(desired_placement(floorPrices={"US": 3, "DE": 2})))[at("int_1")]
        assert done.outcome == "applied"
        assert later.gateway.writes[0].fields == {"floorPrices": floors(US=3)}
        again = later.store.entries[at("int_1")]
        assert again.applied["floorPrices"] == floors(US=3, DE=2)
        assert again.kept == {"floorPrices": floors(US=3)}

    def test_what_moves_after_that_is_drift(self):
        scene = self.scene({"US": 1.23, "DE": 2})
        update(scene, **self.ASKED)
        known = scene.store.entries[at("int_1")]
        scene.gateway.meddle("1", floorPrices=floors(US=7, DE=2))
        (change,) = Scene(scene.gateway.state(), known).planned(desired_app(desired_placement(**self.ASKED))).changes
        assert [(each.path, each.origin) for each in change.fields] == [("floorPrices.US", "drift")]


def test_an_update_of_which_nothing_was_taken_leaves_the_ledger_as_it_was():
    scene = Scene(account(), gateway=Deaf)
    assert update(scene, status="inactive").outcome == "failed"
    assert scene.store.entries == {}


def test_a_field_that_is_never_shown_is_unverified_once_and_in_sync_after_that():
    hidden = Habits(never_returned=frozenset({"skipability"}))
    scene = Scene(account(), habits=hidden)
    done = update(scene, skipability="NonSkippable")
    assert (done.outcome, done.error) == ("unverified", "not shown back: skipability")
    known = scene.store.entries[at("int_1")]
    assert known.unconfirmed == {"skipability"}
    assert Scene(account(), known).planned(desired_app(desired_placement(skipability="NonSkippable"))).changes == ()
    assert Scene(account(), known).planned(desired_app(desired_placement(skipability="Other"))).changes != ()


def test_an_unverified_field_stays_so_when_another_one_is_changed():
    known = entry(desired_placement(skipability="NonSkippable"), "1", unconfirmed=frozenset({"skipability"}))
    scene = Scene(account(), known, habits=Habits(never_returned=frozenset({"skipability"})))
    done = update(scene, skipability="NonSkippable", status="inactive")
    assert done.outcome == "applied"
    assert scene.gateway.writes[0].fields == {"status": "inactive"}
    assert scene.store.entries[at("int_1")].unconfirmed == {"skipability"}


def test_a_block_that_is_switched_off_is_confirmed_by_its_absence():
    scene = Scene(account())
    assert update(scene, pacing=None).outcome == "applied"
    assert scene.gateway.resource("1").fields["pacing"] is None


def test_a_lost_update_that_was_not_done_has_failed():
    scene = Scene(account())
    scene.gateway.script("update", Lost(committed=False))
    done = update(scene, status="inactive")
    assert done.outcome == "failed"
    assert "connection was lost" in done.error
    assert 'asked for "inactive"' in done.error
    assert scene.store.entries == {}


def test_a_lost_update_of_a_field_that_is_not_shown_is_unknown_and_sent_again_by_the_next_run():
    scene = Scene(account(), habits=Habits(never_returned=frozenset({"skipability"})))
    scene.gateway.script("update", Lost(committed=True))
    done = update(scene, skipability="NonSkippable")
    assert done.outcome == "unknown"
    assert "no field by which to tell" in done.error
    assert scene.store.entries == {}


@pytest.mark.parametrize("wrong", [ApiError("HTTP 503"), CredentialsError("refused")])
def test_a_lost_update_that_cannot_be_read_back_is_unknown(wrong):
    scene = Scene(account())
    scene.gateway.script("update", Lost(committed=True))
    scene.gateway.script("find", wrong)
    scene.gateway.script("placements", *[wrong] * 9)
    done = update(scene, status="inactive")
    assert done.outcome == "unknown"
    assert "connection was lost" in done.error
    assert wrong.message in done.error
    assert scene.store.entries == {}


def test_a_lost_update_that_the_reading_after_the_run_shows_is_applied():
    scene = Scene(account())
    scene.gateway.script("update", Lost(committed=True))
    scene.gateway.script("find", ApiError("HTTP 503"))
    assert update(scene, status="inactive").outcome == "applied"
    assert scene.store.entries[at("int_1")].applied["status"] == "inactive"


@pytest.mark.parametrize(
    ("known", "outcome"), [(AccountHabits({"placement": "merges"}), "unverified"), (AccountHabits(), "unknown")]
)
def test_an_accepted_update_that_cannot_be_read_back_is_judged_by_the_next_run(known, outcome):
    scene = Scene(account(), updates=known)
    scene.gateway.script("update", Silent())
    scene.gateway.script("find", ApiError("HTTP 503"))
    scene.gateway.script("placements", *[ApiError("HTTP 503")] * 9)
    done = update(scene, status="inactive")
    assert done.outcome == outcome
    assert scene.store.entries[at("int_1")].unconfirmed == frozenset()


def test_a_resource_that_is_gone_when_read_back_has_failed():
    scene = Scene(account())
    scene.planned(desired_app(desired_placement(status="inactive")))
    scene.gateway.script("update", Lost(committed=False))
    scene.gateway.remove("1")
    done = scene.carry_out(scene.plan)[at("int_1")]
    assert (done.outcome, done.error) == ("failed", "it is gone from the account")


@pytest.mark.parametrize(
    ("answer", "told"),
    [(Rejected(409, "valid: a, b"), "refused with 409: valid: a, b"), (NotSent("no way"), "no way")],
)  # fmt: skip
def test_an_update_that_was_surely_not_done_has_failed(answer, told):
    scene = Scene(account())
    scene.gateway.script("update", answer)
    done = update(scene, status="inactive")
    assert (done.outcome, done.error) == ("failed", told)
    assert operations(scene) == ["update"]


class TestRename:
    def test_the_old_address_is_forgotten_when_the_new_name_is_there(self):
        was = entry(desired_placement("old"), "1")
        scene = Scene(account(live_placement("1", "old")), was)
        done = update(scene, "new", renamed_from="old")
        assert (done.outcome, done.id) == ("applied", "1")
        assert scene.gateway.writes[0].fields == {"name": "new"}
        assert set(scene.store.entries) == {at("new")}

    def test_the_old_address_stays_when_the_rename_failed(self):
        was = entry(desired_placement("old"), "1")
        scene = Scene(account(live_placement("1", "old")), was)
        scene.gateway.script("update", Rejected(400, "no"))
        assert update(scene, "new", renamed_from="old").outcome == "failed"
        assert scene.store.entries == {at("old"): was}


class TestDeactivate:
    GONE = entry(at("old"), "1", applied={"status": "active"})

    def deactivated(self, scene):
        return scene.apply(desired_app(prune="deactivate"))[at("old")]

    def test_it_sends_the_status_alone_and_begins_the_quarantine(self):
        scene = Scene(account(live_placement("1", "old")), self.GONE)
        assert self.deactivated(scene).outcome == "applied"
        assert [(call.operation, call.fields) for call in scene.gateway.writes] == [("update", {"status": "inactive"})]
        known = scene.store.entries[at("old")]
        assert known.orphaned
        assert known.inactive_since == scene.clock.now().isoformat(timespec="seconds")

    def test_one_that_failed_begins_no_quarantine(self):
        scene = Scene(account(live_placement("1", "old")), self.GONE)
        scene.gateway.script("update", Rejected(400, "no"))
        assert self.deactivated(scene).outcome == "failed"
        assert scene.store.entries[at("old")].inactive_since is None

    def test_a_tombstone_is_not_an_orphan(self):
        scene = Scene(account(live_placement("1", "int_1")))
        assert update(scene, state="absent").action == "deactivate"
        assert not scene.store.entries[at("int_1")].orphaned


class TestDelete:
    LONG_AGO = "2026-01-01T00:00:00+00:00"

    @pytest.fixture
    def scene(self):
        known = entry(at("int_1"), "1", inactive_since=self.LONG_AGO)
        return Scene(account(live_placement("1", "int_1", status="inactive")), known)

    def deleted(self, scene):
        return update(scene, state="absent")

    def test_it_is_applied_when_a_read_back_finds_nothing(self, scene):
        done = self.deleted(scene)
        assert (done.action, done.outcome, done.id) == ("delete", "applied", "1")
        assert operations(scene) == ["delete", "find"]
        assert scene.store.entries == {}

    def test_the_journal_holds_what_was_there(self, scene):
        self.deleted(scene)
        assert scene.store.intents[0].action == "delete"
        assert scene.store.intents[0].before == scene.live.placements[APP_ID][0].fields

    def test_one_that_is_still_there_has_failed(self, scene):
        scene.gateway.delete = lambda *_: Accepted("1")
        done = self.deleted(scene)
        assert (done.outcome, done.error) == ("failed", "it is still in the account")
        assert at("int_1") in scene.store.entries

    def test_one_that_is_shown_for_a_while_longer_is_waited_for(self, scene):
        scene.gateway.script("delete", Lost(committed=True))
        find, gone = scene.gateway.find, scene.live.placements[APP_ID][0]
        scene.gateway.find = lambda kind, each: find(kind, each) if scene.clock.monotonic() > 8 else gone
        assert self.deleted(scene).outcome == "applied"
        assert scene.store.entries == {}

    def test_a_lost_answer_is_settled_by_reading_back(self, scene):
        scene.gateway.script("delete", Lost(committed=True))
        assert self.deleted(scene).outcome == "applied"

    def test_a_lost_delete_that_was_not_done_has_failed(self, scene):
        scene.gateway.script("delete", Lost(committed=False))
        assert self.deleted(scene).outcome == "failed"

    @pytest.mark.parametrize(("trouble", "outcome"), [(None, "unverified"), (Lost(committed=True), "unknown")])
    def test_one_that_cannot_be_read_back_is_not_forgotten(self, scene, trouble, outcome):
        scene.gateway.script("delete", trouble)
        scene.gateway.script("find", ApiError("HTTP 503"))
        assert self.deleted(scene).outcome == outcome
        assert at("int_1") in scene.store.entries

    @pytest.mark.parametrize("answer", [Rejected(400, "no"), NotSent("no connection")])
    def test_one_that_was_refused_or_not_sent_has_failed(self, scene, answer):
        scene.gateway.script("delete", answer)
        assert self.deleted(scene).outcome == "failed"
        assert operations(scene) == ["delete"]

    def test_nothing_is_deleted_that_could_not_be_recorded_first(self, scene):
        scene.store = FakeStore(scene.store.entries.values(), fails_at=1)
        assert self.deleted(scene).outcome == "failed"
        assert scene.gateway.writes == []


def test_an_apps_name_is_never_sent():
    scene = Scene(live_state(live_app(name="Store Name")))
    done = scene.apply(replace(desired_app(), fields={**desired_app().fields, "coppa": True}))[APP]
    assert done.outcome == "applied"
    assert scene.gateway.writes[0].fields == {"coppa": True}
