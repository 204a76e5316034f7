"""What no block names: strangers are never touched, owned orphans only as `prune` says."""

from datetime import timedelta

import pytest
from support.builders import (
    APP,
    APP_ID,
    at,
    desired_app,
    desired_placement,
    desired_state,
    entry,
    ledger_of,
    live_app,
    live_placement,
    live_state,
    reconciled,
)
from support.fake_clock import START

from reconciler.diff.assess import GONE_UNMANAGED, LEFT_ALONE
from reconciler.diff.change import Blocked, Create, Deactivate, Delete, Unmanaged
from reconciler.diff.removals import NOTHING_DECLARED
from reconciler.model.address import app_address

LONG_AGO = (START - timedelta(days=30)).isoformat(timespec="seconds")
ORPHAN = live_placement("7", "orphan")
RESTING = live_placement("7", "orphan", status="inactive")


def known(**more):
    return entry(desired_placement("orphan"), "7", **more)


def seen(placement, prune, *entries, **view):
    return reconciled(desired_app(prune=prune), live_state(live_app(), placement), ledger_of(*entries), **view)


def only_change(found):
    (change,) = found.changes
    return change


ORPHAN_AT = at("orphan")


def remembered(found, address=ORPHAN_AT):
    return next((each for each in found.remember if each.address == address), None)


class TestStrangers:
    @pytest.mark.parametrize("prune", ["report", "deactivate", "delete"])
    @pytest.mark.parametrize("placement", [ORPHAN, RESTING])
    def test_they_are_listed_and_never_touched(self, prune, placement):
        found = seen(placement, prune)
        assert found.changes == ()
        assert found.unmanaged == (Unmanaged(at("orphan"), "7"),)
        assert remembered(found) is None

    @pytest.mark.parametrize("prune", ["report", "deactivate", "delete"])
    def test_a_strange_app_is_listed_and_never_touched(self, prune):
        stranger = live_app("5", bundle="com.other", status="inactive")
        found = reconciled(
            desired_state(desired_app(managed=False), prune=prune),
            live_state(live_app(), stranger, live_placement("9", app_id="5")),
        )
        assert found.changes == ()
        assert found.unmanaged == (Unmanaged(app_address("android", "com.other"), "5"),)


class TestReport:
    def test_an_orphan_is_told_and_marked_as_seen(self):
        found = seen(ORPHAN, "report", known())
        assert found.changes == ()
        assert "`prune: report` leaves it as it is" in found.notes[0].text
        assert remembered(found) == known(orphaned=True)
        assert found.unmanaged == (Unmanaged(at("orphan"), "7"),)

    def test_it_is_marked_once(self):
        assert remembered(seen(ORPHAN, "report", known(orphaned=True))) is None

    def test_a_quarantine_of_old_does_not_outlive_its_activity(self):
        found = seen(ORPHAN, "report", known(orphaned=True, inactive_since=LONG_AGO))
        assert remembered(found) == known(orphaned=True)

    def test_one_that_stays_inactive_keeps_the_time_it_has_been_so(self):
        assert remembered(seen(RESTING, "report", known(orphaned=True, inactive_since=LONG_AGO))) is None


class TestNothingDeclared:
    @pytest.mark.parametrize("prune", ["report", "deactivate", "delete"])
    def test_owned_apps_stay_and_the_reason_is_the_true_one(self, prune):
        owned = entry(desired_app(), APP_ID)
        found = reconciled(desired_state(prune=prune), live_state(live_app()), ledger_of(owned))
        assert found.changes == ()
        assert [(note.address, note.text) for note in found.notes] == [(APP, NOTHING_DECLARED)]


class TestDeactivate:
    def test_an_orphan_is_deactivated(self):
        change = only_change(seen(ORPHAN, "deactivate", known()))
        assert change == Deactivate(
            at("orphan"), "7", "no manifest names it, prune: deactivate", ORPHAN.digest(), APP_ID
        )

    def test_one_that_is_inactive_stays_and_is_marked_as_seen(self):
        found = seen(RESTING, "deactivate", known(inactive_since=LONG_AGO))
        assert found.changes == ()
        assert found.notes[0].text == "no manifest names it, prune: deactivate; it is inactive already"
        assert remembered(found) == known(inactive_since=LONG_AGO, orphaned=True)

    def test_it_is_not_deleted_however_long_it_rests(self):
        assert seen(RESTING, "deactivate", known(inactive_since=LONG_AGO, orphaned=True)).changes == ()


class TestDelete:
    def test_an_orphan_is_deactivated_first(self):
        assert isinstance(only_change(seen(ORPHAN, "delete", known(inactive_since=LONG_AGO))), Deactivate)

    def test_its_quarantine_begins_where_nobody_knows_when_it_was_set_inactive(self):
        found = seen(RESTING, "delete", known())
        assert found.changes == ()
        assert remembered(found) == known(inactive_since="2026-11-21T19:00:00+00:00", orphaned=True)

    def test_it_is_deleted_after_its_quarantine(self):
        change = only_change(seen(RESTING, "delete", known(inactive_since=LONG_AGO)))
        assert change == Delete(at("orphan"), "7", "no manifest names it, prune: delete", RESTING.digest(), APP_ID)

    def test_not_on_a_list_in_doubt(self):
        found = seen(RESTING, "delete", known(inactive_since=LONG_AGO), doubtful=frozenset({APP_ID}))
        assert isinstance(only_change(found), Blocked)


@pytest.mark.parametrize("prune", ["deactivate", "delete"])
@pytest.mark.parametrize("placement", [ORPHAN, RESTING])
def test_a_protected_orphan_stays_as_it_is(prune, placement):
    found = seen(placement, prune, known(protect=True))
    assert found.changes == ()
    assert "it is protected, so it stays as it is" in found.notes[0].text
    assert remembered(found) == known(protect=True, orphaned=True)


def test_an_orphan_that_is_gone_is_forgotten():
    found = reconciled(desired_app(), live_state(live_app()), ledger_of(known()))
    assert found.forget == (at("orphan"),)


def test_an_orphan_renamed_in_the_console_is_still_ours():
    found = seen(live_placement("7", "renamed"), "deactivate", known())
    assert only_change(found).address == at("orphan")


class TestApps:
    gone = desired_app(desired_placement(app=app_address("android", "com.gone")), bundle="com.gone", name="Gone")
    address = gone.address

    def seen(self, prune, status="inactive", *, blocks=None, entries=None, **view):
        blocks = [desired_app(managed=False)] if blocks is None else blocks
        live = live_state(
            live_app(),
            live_app("5", bundle="com.gone", name="Gone", status=status),
            *self.inside(view.pop("inside", ())),
        )
        entries = [self.known()] if entries is None else entries
        return reconciled(desired_state(*blocks, prune=prune), live, ledger_of(*entries), **view)

    def inside(self, names):
        return [live_placement(str(number), name, app_id="5") for number, name in enumerate(names, 50)]

    def known(self, **more):
        return entry(self.gone, "5", **{"inactive_since": LONG_AGO, **more})

    def test_prune_report_leaves_them(self):
        found = self.seen("report")
        assert found.changes == ()
        assert remembered(found, self.address) == self.known(orphaned=True)
        assert found.unmanaged == (Unmanaged(self.address, "5"),)

    def test_prune_deactivates_them(self):
        change = only_change(self.seen("deactivate", "active"))
        assert isinstance(change, Deactivate)
        assert "stops every ad request" in change.reason

    def test_prune_deletes_them_after_their_quarantine(self):
        assert isinstance(only_change(self.seen("delete")), Delete)

    def test_with_the_placements_that_are_ours(self):
        placement = entry(self.gone.placements[0], "50")
        changes = self.seen("delete", entries=[self.known(), placement], inside=["int_1"]).changes
        assert [type(change) for change in changes] == [Delete, Delete]

    def test_not_with_strangers_in_them(self):
        placement = entry(self.gone.placements[0], "50")
        change = only_change(self.seen("delete", entries=[self.known(), placement], inside=["int_1", "theirs"]))
        assert isinstance(change, Blocked)
        assert "placements 51 in it are not ours" in change.reason

    def test_not_with_protected_placements_in_them(self):
        placement = entry(self.gone.placements[0], "50", protect=True)
        change = only_change(self.seen("delete", entries=[self.known(), placement], inside=["int_1"]))
        assert "placements 50 in it are protected" in change.reason

    def test_not_on_a_list_in_doubt(self):
        for doubtful in ("", "5"):
            assert isinstance(only_change(self.seen("delete", doubtful=frozenset({doubtful}))), Blocked)

    @pytest.mark.parametrize("prune", ["deactivate", "delete"])
    @pytest.mark.parametrize("status", ["active", "inactive"])
    def test_manifests_without_any_app_never_prune(self, prune, status):
        found = self.seen(prune, status, blocks=[])
        assert found.changes == ()

    def test_protection_is_kept_in_the_ledger(self):
        found = self.seen("delete", entries=[self.known(protect=True)])
        assert found.changes == ()

    def test_one_that_a_pin_has_claimed_is_no_orphan(self):
        pinned = desired_app(pin="5", name="Gone", bundle="com.gone2", managed=False)
        found = self.seen("delete", blocks=[pinned])
        assert isinstance(only_change(found), Blocked)
        assert [each.id for each in found.unmanaged] == [APP_ID]

    def test_one_that_is_gone_is_forgotten_with_its_placements(self):
        placement = entry(self.gone.placements[0], "50")
        ledger = ledger_of(self.known(), placement, entry(desired_app(managed=False), APP_ID))
        found = reconciled(desired_app(managed=False), live_state(live_app()), ledger)
        assert found.forget == (self.address, placement.address)

    def test_one_that_is_gone_but_declared_is_not_forgotten(self):
        found = reconciled(self.gone, live_state(live_app()), ledger_of(self.known()))
        assert found.forget == ()
        assert all(isinstance(change, Blocked) for change in found.changes)


def test_unmanaged_resources_come_in_the_order_of_their_addresses():
    live = live_state(live_app(), live_placement("1", "b"), live_placement("2", "a"), live_app("5", bundle="com.aaa"))
    found = reconciled(desired_app(), live)
    assert [each.address for each in found.unmanaged] == [app_address("android", "com.aaa"), at("a"), at("b")]
    assert found.in_sync == (APP,)


class TestAnAppWhoseBlockDeclaresNoPlacements:
    OTHER = app_address("ios", "9")

    def found(self, *listed, prune="delete", **known_as):
        """A project in which the block of `orphan` moved to another app, which is new."""
        moved = desired_app(desired_placement("orphan", app=self.OTHER), platform="ios", bundle="9")
        state = desired_state(desired_app(managed=False, prune=prune), moved)
        return reconciled(state, live_state(live_app(), *listed), ledger_of(known(**known_as)))

    @pytest.mark.parametrize("prune", ["report", "deactivate", "delete"])
    @pytest.mark.parametrize("placement", [ORPHAN, RESTING])
    def test_what_is_owned_in_it_is_told_and_neither_touched_nor_forgotten(self, placement, prune):
        found = self.found(placement, live_placement("8", "stranger"), prune=prune, inactive_since=LONG_AGO)
        assert [(note.address, note.text) for note in found.notes] == [(at("orphan"), LEFT_ALONE)]
        assert {change.address for change in found.changes} == {self.OTHER, at("orphan", self.OTHER)}
        assert all(isinstance(change, Create) for change in found.changes)
        assert (remembered(found), found.forget, found.unmanaged) == (None, (), ())

    def test_and_so_is_what_is_gone(self):
        found = self.found()
        assert [(note.address, note.text) for note in found.notes] == [(at("orphan"), GONE_UNMANAGED)]
        assert found.forget == ()


@pytest.mark.parametrize("prune", ["report", "deactivate", "delete"])
@pytest.mark.parametrize("pin", ["99", None])
def test_the_former_resource_of_a_block_that_is_not_clear_is_not_taken_for_one_without_a_block(prune, pin):
    block = desired_placement("new", renamed_from="orphan", pin=pin)
    live = live_state(live_app(), ORPHAN, live_placement("8", "new"), live_placement("9", "new"))
    found = reconciled(desired_app(block, prune=prune), live, ledger_of(known()))
    assert isinstance(only_change(found), Blocked)
    assert ORPHAN_AT not in {note.address for note in found.notes}
    assert "7" in {each.id for each in found.unmanaged}
