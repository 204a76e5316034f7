"""One block against what it stands for: updates, creates, what is blocked, and what the ledger is to hold."""

from datetime import date

import pytest
from support.builders import (
    APP,
    APP_ID,
    at,
    desired_app,
    desired_placement,
    entry,
    floors,
    ledger_of,
    live_app,
    live_placement,
    live_state,
    reconciled,
)

from reconciler.diff.assess import LEFT_ALONE
from reconciler.diff.change import Blocked, Create, Update
from reconciler.model.habits import habits_of
from reconciler.model.state import AcceptedDrift, Lifecycle

ACCOUNT = live_state(live_app(), live_placement("1"))
PROTECTED = Lifecycle(protect=True)


def seen(block, live=ACCOUNT, *entries, **view):
    return reconciled(desired_app(block), live, ledger_of(*entries), **view)


def only_change(found):
    (change,) = found.changes
    return change


def remembered(found, address):
    return next((each for each in found.remember if each.address == address), None)


class TestUpdate:
    def test_it_carries_what_differs_what_is_sent_and_what_it_rests_on(self):
        block = desired_placement(coppa=True, floorPrices={"US": 2}, status="active")
        assert only_change(seen(block)) == Update(
            at("int_1"),
            "1",
            block.source,
            only_change(seen(block)).fields,
            {"coppa": True, "floorPrices": floors(US=2)},
            block.fields,
            ACCOUNT.placements[APP_ID][0].digest(),
            app_id=APP_ID,
        )

    def test_what_is_remembered_waits_for_the_update(self):
        assert remembered(seen(desired_placement(coppa=True)), at("int_1")) is None

    def test_an_app_is_in_no_app(self):
        app = desired_app(coppa=True, managed=False)
        change = only_change(reconciled(app, ACCOUNT))
        assert (change.address, change.app_id, change.send) == (APP, None, {"coppa": True})

    def test_protection_goes_with_it(self):
        assert only_change(seen(desired_placement(coppa=True, lifecycle=PROTECTED))).protect


class TestInSync:
    def test_nothing_is_remembered_twice(self):
        block = desired_placement(coppa=False)
        found = seen(block, ACCOUNT, entry(block, "1"))
        assert found.in_sync == (APP, at("int_1"))
        assert remembered(found, at("int_1")) is None

    def test_a_value_now_declared_is_remembered(self):
        block = desired_placement(coppa=False)
        assert remembered(seen(block, ACCOUNT, entry(desired_placement(), "1")), at("int_1")) == entry(block, "1")

    def test_a_value_no_longer_declared_is_forgotten(self):
        block = desired_placement()
        known = entry(desired_placement(coppa=False), "1")
        assert remembered(seen(block, ACCOUNT, known), at("int_1")) == entry(block, "1")

    @pytest.mark.parametrize(
        "known", [{"protect": True}, {"orphaned": True}, {"inactive_since": "2026-01-01T00:00:00"}]
    )
    def test_a_block_that_is_back_takes_the_marks_of_its_absence_away(self, known):
        block = desired_placement()
        assert remembered(seen(block, ACCOUNT, entry(block, "1", **known)), at("int_1")) == entry(block, "1")

    def test_protection_is_remembered(self):
        block = desired_placement(lifecycle=PROTECTED)
        assert remembered(seen(block, ACCOUNT, entry(block, "1")), at("int_1")).protect

    def test_a_field_stays_unconfirmed_until_it_is_shown(self):
        block = desired_placement(skipability="NonSkippable")
        known = entry(block, "1", unconfirmed=frozenset({"skipability"}))
        assert remembered(seen(block, ACCOUNT, known), at("int_1")) is None
        showing = live_state(live_app(), live_placement("1", skipability="NonSkippable"))
        assert remembered(seen(block, showing, known), at("int_1")) == entry(block, "1")


class TestFixed:
    def test_what_cannot_be_changed_is_blocked_with_the_way_out_while_the_rest_goes_on(self):
        blocked, update = seen(desired_placement(placementType="MREC", coppa=True)).changes
        assert isinstance(blocked, Blocked)
        assert isinstance(update, Update)
        assert blocked.id == update.id == "1"
        assert blocked.reason.startswith("placementType: it is fixed after creation: declare a new placement")
        assert [field.path for field in blocked.fields] == ["placementType"]
        assert update.send == {"coppa": True}

    def test_several_are_told_in_one_statement(self):
        app = desired_app(category1="Games", category2="Puzzle", managed=False)
        change = only_change(reconciled(app, live_state(live_app(category2="Board"))))
        assert change.reason.count("the API cannot change it after creation") == 2
        assert [field.path for field in change.fields] == ["category1", "category2"]

    def test_a_blocked_resource_is_not_called_in_sync(self):
        assert seen(desired_placement(placementType="MREC")).in_sync == (APP,)

    def test_the_ledger_keeps_the_value_that_was_applied(self):
        block, before = desired_placement(placementType="MREC", coppa=False), desired_placement()
        found = seen(block, ACCOUNT, entry(before, "1"))
        assert remembered(found, at("int_1")).applied == {**before.fields, "coppa": False}

    def test_the_ledger_does_not_claim_a_value_that_never_was_applied(self):
        found = seen(desired_placement(placementType="MREC"))
        assert remembered(found, at("int_1")).applied == {"name": "int_1"}
        update = seen(desired_placement(placementType="MREC", coppa=True)).changes[1]
        assert update.declared == {"name": "int_1", "coppa": True}

    def test_a_differing_app_name_is_a_note(self):
        app = desired_app(name="Acme Pro", managed=False)
        found = reconciled(app, ACCOUNT)
        assert found.changes == ()
        assert found.in_sync == (APP,)
        (note,) = found.notes
        assert note.text == 'live name is "Acme": the vendor takes it from the store'
        assert "name" not in remembered(found, APP).applied

    def test_a_differing_app_name_beside_a_blocked_field_stays_a_note(self):
        app = desired_app(name="Acme Pro", category1="Games", managed=False)
        found = reconciled(app, ACCOUNT)
        assert [field.path for field in only_change(found).fields] == ["category1"]
        assert len(found.notes) == 1


class TestAccepted:
    lifecycle = Lifecycle(accept_drift=(AcceptedDrift("status", "store review", date(2026, 12, 31)),))

    def test_it_is_told_with_its_reason_and_end(self):
        block = desired_placement(status="active", lifecycle=self.lifecycle)
        live = live_state(live_app(), live_placement("1", status="inactive"))
        found = seen(block, live, entry(block, "1"))
        assert found.changes == ()
        assert found.in_sync == (APP, at("int_1"))
        assert [note.text for note in found.notes] == ["status: drift accepted until 2026-12-31 (store review)"]

    def test_it_ends_after_its_day(self):
        block = desired_placement(
            status="active", lifecycle=Lifecycle(accept_drift=(AcceptedDrift("status", "x", date(2026, 11, 20)),))
        )
        live = live_state(live_app(), live_placement("1", status="inactive"))
        assert only_change(seen(block, live, entry(block, "1"))).send == {"status": "active"}

    def test_one_without_an_end_says_none(self):
        block = desired_placement(status="active", lifecycle=Lifecycle(accept_drift=(AcceptedDrift("status", "why"),)))
        live = live_state(live_app(), live_placement("1", status="inactive"))
        assert [note.text for note in seen(block, live).notes] == ["status: drift accepted (why)"]


class TestProtected:
    def test_it_is_not_set_inactive_while_the_rest_goes_on(self):
        block = desired_placement(status="inactive", coppa=True, lifecycle=PROTECTED)
        blocked, update = seen(block).changes
        assert "it is protected; take `protect` out of its lifecycle first" in blocked.reason
        assert [field.path for field in blocked.fields] == ["status"]
        assert update.send == {"coppa": True}
        assert "status" not in update.declared

    def test_it_may_be_set_active(self):
        block = desired_placement(status="active", lifecycle=PROTECTED)
        live = live_state(live_app(), live_placement("1", status="inactive"))
        assert only_change(seen(block, live)).send == {"status": "active"}

    def test_one_that_is_inactive_already_is_in_sync(self):
        block = desired_placement(status="inactive", lifecycle=PROTECTED)
        live = live_state(live_app(), live_placement("1", status="inactive"))
        assert seen(block, live).changes == ()

    def test_without_protection_it_is_set_inactive(self):
        assert only_change(seen(desired_placement(status="inactive"))).send == {"status": "inactive"}


class TestCreate:
    def test_a_placement_is_created_with_all_that_is_declared_and_on(self):
        block = desired_placement("new", coppa=True, floorPrices={"US": 2}, capping=None)
        change = only_change(seen(block, live_state(live_app())))
        assert isinstance(change, Create)
        assert change.app_id == APP_ID
        assert change.send == {
            "name": "new", "placementType": "Interstitial", "coppa": True, "floorPrices": floors(US=2),
        }  # fmt: skip
        assert change.declared == block.fields
        assert [(field.path, field.before, field.origin) for field in change.fields] == [
            (path, None, "pending") for path in ("coppa", "floorPrices.US", "floorPrices.WW", "name", "placementType")
        ]

    @pytest.mark.parametrize(
        ("app", "live", "coppa"),
        [
            (desired_app(coppa=True), live_app(), True),
            (desired_app(coppa=...), live_app(coppa=True), True),
            (desired_app(coppa=...), live_app(), False),
        ],
    )
    def test_coppa_is_the_apps_where_it_is_not_declared(self, app, live, coppa):
        app = desired_app(desired_placement("new"), **{**app.fields, "coppa": app.fields.get("coppa", ...)})
        change = next(each for each in reconciled(app, live_state(live)).changes if isinstance(each, Create))
        assert change.send["coppa"] is coppa
        assert "coppa" not in change.declared

    def test_a_new_app_and_its_placements_are_created_together(self):
        app, placement = seen(desired_placement(), live_state()).changes
        assert isinstance(app, Create)
        assert isinstance(placement, Create)
        assert (app.app_id, placement.app_id) == (None, None)
        assert placement.send["coppa"] is False

    def test_a_new_app_without_coppa_is_not_for_children(self):
        app = desired_app(coppa=..., managed=False)
        assert only_change(reconciled(app)).send["coppa"] is False

    def test_what_the_api_needs_must_be_declared(self):
        app = desired_app(name=..., category1=..., managed=False)
        change = only_change(reconciled(app))
        assert isinstance(change, Blocked)
        assert change.reason == "it does not exist yet, and name and category1 must be declared to create it"

    def test_the_placements_of_an_app_that_cannot_be_created_are_blocked_with_it(self):
        absent = desired_placement("gone", state="absent")
        app = desired_app(desired_placement(pin="5"), absent, category1=...)
        parent, placement = reconciled(app).changes
        assert "category1 must be declared" in parent.reason
        assert placement.reason == f"its app {APP} is blocked"
        assert placement.id == "5"

    def test_a_placement_without_a_type_cannot_be_created(self):
        change = only_change(seen(desired_placement("new", placementType=...), live_state(live_app())))
        assert "placementType must be declared" in change.reason

    def test_a_new_protected_one_is_protected_from_the_start(self):
        assert only_change(seen(desired_placement("new", lifecycle=PROTECTED), live_state(live_app()))).protect


class TestMissing:
    def test_it_is_made_again_only_when_asked(self):
        block = desired_placement()
        live = live_state(live_app())
        assert isinstance(only_change(seen(block, live, entry(block, "7"))), Blocked)
        change = only_change(seen(block, live, entry(block, "7"), recreate=True))
        assert isinstance(change, Create)
        assert change.reason == "made again: id 7 is gone"
        assert change.app_id == APP_ID

    def test_an_app_is_made_again_with_its_placements(self):
        block = desired_placement()
        known = (entry(desired_app(), APP_ID), entry(block, "7"))
        app, placement = seen(block, live_state(), *known, recreate=True).changes
        assert app.reason == f"made again: id {APP_ID} is gone"
        assert placement.reason == "made again: id 7 is gone"
        assert placement.app_id is None

    def test_a_pin_is_never_made_again(self):
        block = desired_placement(pin="7")
        assert isinstance(only_change(seen(block, live_state(live_app()), entry(block, "7"), recreate=True)), Blocked)


class TestDoubt:
    def test_nothing_is_created_in_an_app_whose_list_is_in_doubt(self):
        change = only_change(seen(desired_placement("new"), ACCOUNT, doubtful=frozenset({APP_ID})))
        assert isinstance(change, Blocked)
        assert "left out resources that do exist" in change.reason

    def test_no_app_is_created_on_a_list_of_apps_in_doubt(self):
        app, placement = seen(desired_placement(), live_state(), doubtful=frozenset({""})).changes
        assert "left out resources that do exist" in app.reason
        assert placement.reason == f"its app {APP} is blocked"

    def test_nothing_is_made_again_there(self):
        block = desired_placement()
        found = seen(block, live_state(live_app()), entry(block, "7"), recreate=True, doubtful=frozenset({APP_ID}))
        assert isinstance(only_change(found), Blocked)

    def test_doubt_about_one_list_is_none_about_another(self):
        found = seen(desired_placement("new"), ACCOUNT, doubtful=frozenset({"", "200"}))
        assert isinstance(only_change(found), Create)

    def test_what_is_there_is_updated_all_the_same(self):
        found = seen(desired_placement(coppa=True), ACCOUNT, doubtful=frozenset({"", APP_ID}))
        assert isinstance(only_change(found), Update)


def test_an_app_block_without_placements_leaves_those_that_are_there_alone():
    app = desired_app(managed=False, prune="delete")
    found = reconciled(app, ACCOUNT, ledger_of(entry(app, APP_ID), entry(desired_placement(), "1")))
    assert (found.changes, found.unmanaged, found.forget) == ((), (), ())
    assert [note.text for note in found.notes] == [LEFT_ALONE]


def test_an_app_whose_list_was_not_read_says_nothing_of_its_placements():
    found = seen(desired_placement(), live_state(live_app()).__class__((live_app(),)))
    assert (found.changes, found.in_sync) == ((), (APP,))


def test_owned_counts_what_blocks_stand_for_and_not_what_is_new_or_strange():
    live = live_state(live_app(), live_placement("1"), live_placement("2", "stranger"), live_placement("3", "moved"))
    moved = desired_placement("moved", coppa=True)
    found = reconciled(desired_app(desired_placement(), moved, desired_placement("new")), live)
    assert found.owned == 3


class TestWhatAnEarlierUpdateMayHaveReset:
    def found(self, **declared):
        before = {"placementType": "Banner", "bannerRefresh": 88, "coppa": False}
        intent = {"event": "intent", "action": "update", "address": at("int_1"), "id": "1", "run": "r1",
                  "before": before, "after": {"floorPrices": {"WW": 2}}}  # fmt: skip
        live = live_placement("1", placementType="Banner", bannerRefresh=30, coppa=False)
        block = desired_placement(placementType="Banner", **declared)
        return seen(block, live_state(live_app(), live), habits=habits_of([intent]))

    def test_it_is_put_back_by_an_update_that_says_so_and_declares_none_of_it(self):
        update = only_change(self.found())
        assert update.send == {"bannerRefresh": 88}
        assert [(each.path, each.before, each.after) for each in update.fields] == [("bannerRefresh", 30, 88)]
        assert "bannerRefresh" not in update.declared
        assert "an earlier update may have reset (bannerRefresh)" in update.reason

    def test_it_goes_with_what_else_is_to_change(self):
        update = only_change(self.found(coppa=True))
        assert update.send == {"bannerRefresh": 88, "coppa": True}

    def test_what_the_block_declares_is_as_it_says(self):
        assert only_change(self.found(bannerRefresh=45)).send == {"bannerRefresh": 45}
        assert self.found(bannerRefresh=30).changes == ()
