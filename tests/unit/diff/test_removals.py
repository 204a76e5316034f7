"""Removal by tombstone: deactivate, quarantine, delete, and nothing that was not inactive for all of it."""

from datetime import timedelta

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
from support.fake_clock import START

from reconciler.diff.change import Blocked, Deactivate, Delete, FieldChange, HeldChange
from reconciler.model.state import Lifecycle

GONE = desired_placement("int_1", state="absent", line=21)
ACTIVE = live_placement("7", "int_1")
INACTIVE = live_placement("7", "int_1", status="inactive")


def since(**ago):
    return (START - timedelta(**ago)).isoformat(timespec="seconds")


def seen(placement, *entries, block=GONE, **view):
    return reconciled(desired_app(block), live_state(live_app(), placement), ledger_of(*entries), **view)


def only_change(found):
    (change,) = found.changes
    return change


def remembered(found):
    return next((each for each in found.remember if each.address == at("int_1")), None)


def known(**more):
    return entry(desired_placement("int_1"), "7", **more)


class TestTombstone:
    def test_what_is_active_is_deactivated_first(self):
        change = only_change(seen(ACTIVE, known()))
        assert change == Deactivate(at("int_1"), "7", "declared absent", ACTIVE.digest(), APP_ID, GONE.source)
        assert change.fields == (FieldChange("status", "active", "inactive", "pending"),)

    def test_it_needs_no_ledger(self):
        assert isinstance(only_change(seen(ACTIVE)), Deactivate)

    def test_it_is_held_during_its_quarantine_until_a_time_that_is_told(self):
        found = seen(INACTIVE, known(inactive_since=since(days=4)))
        assert (found.changes, found.notes) == ((), ())
        assert found.held == (
            HeldChange(
                Delete(at("int_1"), "7", "declared absent", INACTIVE.digest(), APP_ID, GONE.source),
                "quarantineDays",
                "declared absent; inactive, in quarantine until 2026-12-01 19:00 UTC",
                "an apply after that, or a smaller safety.quarantineDays",
            ),
        )
        assert remembered(found) is None

    def test_one_inactive_since_nobody_knows_when_begins_its_quarantine_now(self):
        found = seen(INACTIVE, known())
        assert found.changes == ()
        assert remembered(found) == known(inactive_since="2026-11-21T19:00:00+00:00")

    def test_without_a_ledger_it_begins_now_too(self):
        found = seen(INACTIVE)
        assert found.changes == ()
        assert remembered(found) == entry(at("int_1"), "7", inactive_since="2026-11-21T19:00:00+00:00")

    @pytest.mark.parametrize(("ago", "over"), [({"days": 14}, True), ({"days": 14, "seconds": -1}, False)])
    def test_it_is_deleted_once_the_quarantine_is_over_and_not_a_second_before(self, ago, over):
        found = seen(INACTIVE, known(inactive_since=since(**ago)))
        assert bool(found.changes) is over

    def test_the_delete_says_what_it_rests_on(self):
        change = only_change(seen(INACTIVE, known(inactive_since=since(days=15))))
        assert change == Delete(at("int_1"), "7", "declared absent", INACTIVE.digest(), APP_ID, GONE.source)

    def test_the_quarantine_is_the_projects(self):
        found = seen(INACTIVE, known(inactive_since=since(days=2)), quarantine_days=1.5)
        assert isinstance(only_change(found), Delete)

    def test_without_a_quarantine_an_inactive_one_is_deleted_at_once(self):
        assert isinstance(only_change(seen(INACTIVE, quarantine_days=0)), Delete)

    def test_one_reactivated_during_its_quarantine_is_deactivated_again_and_begins_anew(self):
        found = seen(ACTIVE, known(inactive_since=since(days=30)))
        assert isinstance(only_change(found), Deactivate)
        assert remembered(found) == known()

    def test_the_time_another_id_was_inactive_does_not_count(self):
        elsewhere = entry(desired_placement("int_1"), "6", inactive_since=since(days=30))
        found = seen(INACTIVE, elsewhere)
        assert found.changes == ()
        assert remembered(found).inactive_since == since(days=0)

    def test_one_that_is_gone_is_in_sync_and_forgotten(self):
        found = reconciled(desired_app(GONE), live_state(live_app()), ledger_of(known()))
        assert found.changes == ()
        assert found.in_sync == (APP, at("int_1"))
        assert found.forget == (at("int_1"),)

    def test_one_that_never_was_is_in_sync(self):
        found = reconciled(desired_app(GONE), live_state(live_app()))
        assert (found.changes, found.in_sync, found.forget) == ((), (APP, at("int_1")), ())

    def test_one_of_twins_is_not_guessed(self):
        live = live_state(live_app(), ACTIVE, live_placement("8", "int_1"))
        assert isinstance(only_change(reconciled(desired_app(GONE), live)), Blocked)

    def test_it_may_be_pinned(self):
        live = live_state(live_app(), ACTIVE, live_placement("8", "int_1"))
        gone = desired_placement("int_1", state="absent", pin="8")
        assert only_change(reconciled(desired_app(gone), live)).id == "8"

    def test_a_pin_that_is_gone_is_blocked(self):
        gone = desired_placement("int_1", state="absent", pin="8")
        assert isinstance(only_change(reconciled(desired_app(gone), live_state(live_app(), ACTIVE))), Blocked)

    def test_its_declared_fields_are_not_compared(self):
        gone = desired_placement("int_1", state="absent", coppa=True)
        assert isinstance(only_change(seen(ACTIVE, known(), block=gone)), Deactivate)


class TestProtected:
    def test_a_protected_one_is_blocked_with_the_way_out(self):
        block = desired_placement("int_1", state="absent", lifecycle=Lifecycle(protect=True))
        change = only_change(seen(ACTIVE, block=block))
        assert isinstance(change, Blocked)
        assert change.id == "7"
        assert "take `protect` out of its lifecycle and apply that first" in change.reason

    def test_protection_outlives_its_line(self):
        change = only_change(seen(INACTIVE, known(protect=True, inactive_since=since(days=99))))
        assert isinstance(change, Blocked)

    def test_protection_of_another_id_is_not_its_own(self):
        elsewhere = entry(desired_placement("int_1"), "6", protect=True)
        assert isinstance(only_change(seen(ACTIVE, elsewhere)), Deactivate)


class TestFormerName:
    """A tombstone may stand for what the ledger still knows by another name; its entry moves without any call."""

    block = desired_placement("int_1", state="absent", renamed_from="old")
    live = live_placement("7", "old", status="inactive")

    def former(self, **more):
        return entry(desired_placement("old"), "7", **more)

    def test_its_quarantine_goes_on(self):
        found = seen(self.live, self.former(inactive_since=since(days=4)), block=self.block)
        assert found.changes == ()
        assert found.forget == (at("old"),)
        assert remembered(found) == self.former(inactive_since=since(days=4)).moved_to(at("int_1"))

    def test_it_is_deleted_when_that_is_over(self):
        found = seen(self.live, self.former(inactive_since=since(days=40)), block=self.block)
        assert isinstance(only_change(found), Delete)
        assert found.forget == (at("old"),)
        assert [each.address for each in found.remember] == [APP, at("int_1")]

    def test_its_quarantine_begins_in_one_entry(self):
        found = seen(self.live, self.former(), block=self.block)
        assert [each.inactive_since for each in found.remember if each.address == at("int_1")] == [since(days=0)]

    def test_it_stays_protected(self):
        found = seen(self.live, self.former(protect=True, inactive_since=since(days=40)), block=self.block)
        assert isinstance(only_change(found), Blocked)
        assert remembered(found).protect


class TestDoubt:
    doubtful = frozenset({APP_ID})

    def test_nothing_is_removed_from_an_app_whose_list_is_in_doubt(self):
        for placement, entries in ((ACTIVE, ()), (INACTIVE, (known(inactive_since=since(days=30)),))):
            change = only_change(seen(placement, *entries, doubtful=self.doubtful))
            assert isinstance(change, Blocked)
            assert "plan again later" in change.reason
            assert change.id == "7"

    def test_a_quarantine_goes_on(self):
        found = seen(INACTIVE, doubtful=self.doubtful)
        assert found.changes == ()
        assert [held.limit for held in found.held] == ["quarantineDays"]


class TestApps:
    absent = desired_app(desired_placement(), state="absent")
    resting = live_app(status="inactive")
    waited = entry(desired_app(), APP_ID, inactive_since=since(days=30))
    inside = live_placement("7", "int_1")

    def seen(self, *live, entries=(), **view):
        return reconciled(self.absent, live_state(*live), ledger_of(*entries), **view)

    def test_an_app_is_deactivated_with_a_word_on_what_that_does(self):
        change = only_change(self.seen(live_app(), self.inside))
        assert isinstance(change, Deactivate)
        assert change.app_id is None
        assert "stops every ad request" in change.reason
        assert "experiments that have not begun" in change.reason

    def test_its_placements_are_left_alone_until_then(self):
        found = self.seen(self.resting, self.inside)
        assert (found.changes, found.unmanaged) == ((), ())

    def test_it_is_deleted_with_its_placements_each_named(self):
        placement = entry(desired_placement(), "7")
        changes = self.seen(self.resting, self.inside, entries=(self.waited, placement)).changes
        assert [(type(change), change.address) for change in changes] == [(Delete, APP), (Delete, at("int_1"))]
        assert changes[1].reason == "its app is declared absent"
        assert changes[1].app_id == APP_ID

    def test_placements_that_are_not_ours_block_it_with_their_ids(self):
        change = only_change(self.seen(self.resting, self.inside, entries=(self.waited,)))
        assert isinstance(change, Blocked)
        assert "placements 7 in it are not ours" in change.reason
        assert change.source == self.absent.source

    @pytest.mark.parametrize("by_block", [True, False])
    def test_placements_that_are_protected_block_it(self, by_block):
        block = desired_placement(lifecycle=Lifecycle(protect=by_block))
        absent = desired_app(block, state="absent")
        entries = ledger_of(self.waited, entry(desired_placement(), "7", protect=not by_block))
        change = only_change(reconciled(absent, live_state(self.resting, self.inside), entries))
        assert isinstance(change, Blocked)
        assert "placements 7 in it are protected" in change.reason

    def test_an_app_is_not_deleted_when_the_list_of_its_placements_is_in_doubt(self):
        change = only_change(self.seen(self.resting, entries=(self.waited,), doubtful=frozenset({APP_ID})))
        assert isinstance(change, Blocked)

    def test_an_app_is_not_deleted_when_its_placements_were_not_read(self):
        live = live_state(self.resting)
        unread = type(live)(live.apps)
        assert isinstance(only_change(reconciled(self.absent, unread, ledger_of(self.waited))), Blocked)

    def test_an_empty_one_is_deleted_alone(self):
        assert isinstance(only_change(self.seen(self.resting, entries=(self.waited,))), Delete)

    def test_one_that_is_gone_is_forgotten(self):
        found = self.seen(entries=(self.waited,))
        assert found.changes == ()
        assert APP in found.forget

    def test_an_entry_of_the_apps_own_id_is_none_of_a_placement(self):
        namesake = live_placement(APP_ID, "stranger")
        change = only_change(self.seen(self.resting, namesake, entries=(self.waited,)))
        assert "not ours" in change.reason
