"""Which live resource a block stands for: pin > ledger > nature, and never one of two."""

import pytest
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
    reconciled,
)

from reconciler.diff.change import Blocked, Create, FieldChange, Update
from reconciler.model.address import app_address

INT_1 = desired_placement("int_1")
IN_SYNC = (APP, at("int_1"))


def account(*placements):
    return live_state(live_app(), *placements)


def seen(block, live, *entries):
    return reconciled(desired_app(block), live, ledger_of(*entries))


def only_change(found):
    (change,) = found.changes
    return change


def renaming(before, after, origin):
    return (FieldChange("name", before, after, origin),)


class TestByNature:
    def test_an_app_is_known_by_platform_and_bundle(self):
        live = live_state(
            live_app("1", bundle="com.other"), live_app("2", platform="ios"), live_app(APP_ID), live_app("4", bundle="")
        )
        found = reconciled(desired_app(managed=False), live)
        assert found.changes == ()
        assert [each.id for each in found.unmanaged] == ["4", "1", "2"]
        assert found.remember[0].id == APP_ID

    def test_a_placement_is_known_by_its_name_within_the_app(self):
        found = seen(INT_1, account(live_placement("1", "other"), live_placement("2", "int_1")))
        assert found.in_sync == IN_SYNC
        assert {each.address: each.id for each in found.remember} == {APP: APP_ID, at("int_1"): "2"}

    def test_what_is_not_there_is_created(self):
        assert isinstance(only_change(seen(INT_1, account())), Create)

    def test_a_name_in_another_case_is_another_name(self):
        found = seen(INT_1, account(live_placement("1", "INT_1"), live_placement("2", "int_1")))
        assert found.in_sync == IN_SYNC
        assert [each.id for each in found.unmanaged] == ["1"]


class TestTwins:
    def test_two_placements_of_one_name_are_refused_with_both_ids(self):
        change = only_change(seen(INT_1, account(live_placement("8", "int_1"), live_placement("7", "int_1"))))
        assert isinstance(change, Blocked)
        assert change.reason == "live ids 7 and 8 could both be meant; pin one with placementId"
        assert change.source == INT_1.source

    def test_two_apps_of_one_bundle_are_refused_with_both_ids_and_their_placements_with_them(self):
        live = live_state(live_app("7"), live_app("8"))
        app, placement = seen(INT_1, live).changes
        assert "live ids 7 and 8" in app.reason
        assert "pin one with appId" in app.reason
        assert placement == Blocked(at("int_1"), f"its app {APP} is blocked", source=INT_1.source)

    def test_neither_twin_is_written_down_or_touched(self):
        found = seen(INT_1, account(live_placement("7", "int_1"), live_placement("8", "int_1")))
        assert [each.address for each in found.remember] == [APP]
        assert [each.id for each in found.unmanaged] == ["7", "8"]

    def test_the_ledger_tells_twins_apart(self):
        live = account(live_placement("7", "int_1"), live_placement("8", "int_1"))
        found = seen(INT_1, live, entry(INT_1, "8"))
        assert found.in_sync == IN_SYNC
        assert [each.id for each in found.unmanaged] == ["7"]

    def test_a_pin_tells_twins_apart(self):
        live = account(live_placement("7", "int_1"), live_placement("8", "int_1"))
        found = seen(desired_placement("int_1", pin="8"), live)
        assert found.in_sync == IN_SYNC

    def test_one_that_another_block_has_claimed_is_no_twin(self):
        first, second = desired_placement("int_1"), desired_placement("int_2", pin="8")
        live = account(live_placement("7", "int_1"), live_placement("8", "int_1"))
        change = only_change(reconciled(desired_app(first, second), live))
        assert (change.address, change.id) == (at("int_2"), "8")


class TestPin:
    def test_a_pin_beats_the_ledger(self):
        live = account(live_placement("7", "int_1"), live_placement("8", "elsewhere"))
        change = only_change(seen(desired_placement("int_1", pin="8"), live, entry(INT_1, "7")))
        assert isinstance(change, Update)
        assert change.id == "8"
        assert change.fields == renaming("elsewhere", "int_1", "unknown")

    def test_a_pin_that_is_not_there_is_blocked_and_nothing_is_created(self):
        change = only_change(seen(desired_placement("int_1", pin="99"), account()))
        assert isinstance(change, Blocked)
        assert change.id == "99"
        assert "placementId 99 is not there" in change.reason

    def test_a_pin_that_is_not_there_is_not_replaced_by_a_namesake(self):
        change = only_change(seen(desired_placement("int_1", pin="99"), account(live_placement("7", "int_1"))))
        assert isinstance(change, Blocked)

    def test_an_app_is_pinned_by_its_app_id(self):
        change = only_change(reconciled(desired_app(pin="99"), live_state(live_app())))
        assert "appId 99 is not there" in change.reason

    def test_a_pin_on_an_app_of_another_bundle_is_blocked_for_its_bundle(self):
        live = live_state(live_app("5", bundle="com.other"))
        change = only_change(reconciled(desired_app(pin="5"), live))
        assert isinstance(change, Blocked)
        assert [field.path for field in change.fields] == ["bundle"]
        assert "another bundle is another app" in change.reason


class TestLedger:
    def test_a_rename_in_the_console_is_drift_of_the_name(self):
        change = only_change(seen(INT_1, account(live_placement("7", "renamed")), entry(INT_1, "7")))
        assert isinstance(change, Update)
        assert change.id == "7"
        assert change.fields == renaming("renamed", "int_1", "drift")
        assert change.send == {"name": "int_1"}

    def test_a_rename_in_the_console_and_a_new_namesake_are_refused_with_both_ids(self):
        live = account(live_placement("7", "renamed"), live_placement("8", "int_1"))
        change = only_change(seen(INT_1, live, entry(INT_1, "7")))
        assert isinstance(change, Blocked)
        assert "live ids 7 and 8" in change.reason

    def test_an_id_that_is_gone_falls_back_on_the_name(self):
        found = seen(INT_1, account(live_placement("8", "int_1")), entry(INT_1, "7"))
        assert found.in_sync == IN_SYNC
        assert {each.id for each in found.remember} == {APP_ID, "8"}

    def test_values_applied_to_another_id_say_nothing_of_this_one(self):
        block = desired_placement("int_1", coppa=True)
        change = only_change(seen(block, account(live_placement("8", "int_1")), entry(block, "7")))
        assert [field.origin for field in change.fields] == ["unknown"]

    def test_an_id_that_is_gone_without_a_namesake_is_missing_and_not_made_again(self):
        change = only_change(seen(INT_1, account(), entry(INT_1, "7")))
        assert isinstance(change, Blocked)
        assert change.id == "7"
        assert "--recreate" in change.reason

    def test_an_app_that_is_gone_is_missing_and_its_placements_are_blocked(self):
        found = seen(INT_1, live_state(), entry(desired_app(), APP_ID), entry(INT_1, "7"))
        app, placement = found.changes
        assert f"id {APP_ID} is in the ledger but no longer in the account" in app.reason
        assert isinstance(placement, Blocked)

    def test_an_app_is_known_by_its_id_when_the_account_shows_no_bundle(self):
        app = desired_app(managed=False)
        found = reconciled(app, live_state(live_app(bundle="")), ledger_of(entry(app, APP_ID)))
        assert isinstance(only_change(found), Blocked)

    def test_a_console_rename_that_the_manifest_follows_moves_the_entry(self):
        old, new = desired_placement("old"), desired_placement("new", coppa=True)
        found = seen(new, account(live_placement("7", "new")), entry(old, "7", applied={"coppa": False}))
        change = only_change(found)
        assert change.renamed_from == at("old")
        assert [(field.path, field.origin) for field in change.fields] == [("coppa", "pending")]
        assert found.forget == ()

    def test_a_console_rename_that_the_manifest_follows_without_other_changes_is_remembered(self):
        old, new = desired_placement("old"), desired_placement("new")
        found = seen(new, account(live_placement("7", "new")), entry(old, "7"))
        assert found.in_sync == (APP, at("new"))
        assert found.forget == (at("old"),)
        assert [each.id for each in found.remember if each.address == at("new")] == ["7"]

    def test_an_app_and_a_placement_may_share_an_id(self):
        app = desired_app(INT_1)
        live = account(live_placement(APP_ID, "int_1"))
        found = reconciled(app, live, ledger_of(entry(app, APP_ID), entry(INT_1, APP_ID)))
        assert (found.in_sync, found.forget) == (IN_SYNC, ())

    def test_a_placement_of_an_apps_id_is_not_taken_for_the_app(self):
        app = desired_app()
        gone = entry(desired_placement("gone"), APP_ID)
        found = reconciled(app, account(live_placement(APP_ID, "stranger")), ledger_of(entry(app, APP_ID), gone))
        assert (found.in_sync, found.forget) == ((APP,), ())

    def test_an_id_that_another_block_pins_is_not_claimed_twice(self):
        pinning = desired_placement("pinning", pin="7")
        found = reconciled(
            desired_app(INT_1, pinning), account(live_placement("7", "pinning")), ledger_of(entry(INT_1, "7"))
        )
        assert found.in_sync == (APP, at("pinning"))
        assert isinstance(only_change(found), Blocked)


class TestRenamedFrom:
    new = desired_placement("new", renamed_from="old")
    old = desired_placement("old")

    def test_it_renames_what_the_ledger_knows_by_the_old_name(self):
        change = only_change(seen(self.new, account(live_placement("7", "old")), entry(self.old, "7")))
        assert isinstance(change, Update)
        assert (change.id, change.renamed_from) == ("7", at("old"))
        assert change.fields == renaming("old", "new", "pending")

    def test_it_renames_by_the_old_name_alone_without_a_ledger(self):
        change = only_change(seen(self.new, account(live_placement("7", "old"))))
        assert (change.id, change.renamed_from) == ("7", None)
        assert change.fields == renaming("old", "new", "unknown")

    def test_it_renames_what_the_ledger_knows_by_the_old_name_whatever_the_console_calls_it(self):
        change = only_change(seen(self.new, account(live_placement("7", "third")), entry(self.old, "7")))
        assert (change.id, change.renamed_from) == ("7", at("old"))
        assert change.fields == renaming("third", "new", "conflict")

    def test_an_old_name_that_a_block_still_has_is_that_blocks(self):
        live = account(live_placement("7", "third"))
        old, new = reconciled(desired_app(self.new, self.old), live, ledger_of(entry(self.old, "7"))).changes[::-1]
        assert (old.id, old.send) == ("7", {"name": "old"})
        assert isinstance(new, Create)

    def test_a_rename_already_made_in_the_console_only_moves_the_entry(self):
        found = seen(self.new, account(live_placement("7", "new")), entry(self.old, "7"))
        assert found.changes == ()
        assert found.forget == (at("old"),)

    def test_it_is_ignored_once_done(self):
        found = seen(self.new, account(live_placement("7", "new")), entry(self.new, "7"))
        assert (found.changes, found.forget, found.in_sync) == ((), (), (APP, at("new")))

    def test_it_is_ignored_once_done_though_a_stranger_takes_the_old_name(self):
        live = account(live_placement("7", "new"), live_placement("8", "old"))
        found = seen(self.new, live, entry(self.new, "7"))
        assert found.changes == ()
        assert [each.id for each in found.unmanaged] == ["8"]

    def test_both_names_there_are_refused(self):
        live = account(live_placement("7", "old"), live_placement("8", "new"))
        for entries in ((), (entry(self.old, "7"),)):
            change = only_change(seen(self.new, live, *entries))
            assert isinstance(change, Blocked)
            assert "live ids 7 and 8" in change.reason

    def test_neither_name_there_is_a_create(self):
        assert isinstance(only_change(seen(self.new, account())), Create)

    def test_a_pin_elsewhere_leaves_the_old_entry_as_it_is(self):
        pinned = desired_placement("new", renamed_from="old", pin="8")
        live = account(live_placement("7", "old"), live_placement("8", "new"))
        found = seen(pinned, live, entry(self.old, "7"))
        assert found.forget == ()
        assert found.in_sync == (APP, at("new"))

    def test_a_lost_entry_of_the_new_name_does_not_hide_the_old_one(self):
        live = account(live_placement("7", "old"))
        change = only_change(seen(self.new, live, entry(self.new, "6"), entry(self.old, "7")))
        assert (change.id, change.renamed_from) == ("7", at("old"))
        assert change.fields == renaming("old", "new", "pending")


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_blocks_and_resources_makes_no_difference(order):
    blocks = [desired_placement(name) for name in ("a", "b", "c")][::order]
    live = [live_placement("1", "b"), live_placement("2", "a"), live_placement("3", "c"), live_placement("4", "c")]
    ledger = ledger_of(entry(desired_placement("a"), "1"))
    found = reconciled(desired_app(*blocks), account(*live[::order]), ledger)
    assert [(change.address, type(change)) for change in found.changes] == [(at("a"), Blocked), (at("c"), Blocked)]


def test_an_app_of_the_same_bundle_on_the_other_platform_is_another_app():
    android, ios = desired_app(managed=False), desired_app(managed=False, platform="ios")
    found = reconciled([android, ios], live_state(live_app()))
    assert only_change(found).address == app_address("ios", "com.acme")
