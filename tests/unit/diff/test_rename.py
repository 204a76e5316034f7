"""A name that vanishes while a like one appears is a suspected rename, and there are ways out of the suspicion."""

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

from reconciler.diff.change import Blocked, Create, Deactivate, Update
from reconciler.model.state import Lifecycle

OLD = desired_placement("interstitial_1")
ACCOUNT = live_state(live_app(), live_placement("7", "interstitial_1"))
KNOWN = entry(OLD, "7")


def seen(*blocks, live=ACCOUNT, known=(KNOWN,), **app):
    return reconciled(desired_app(*blocks, **app), live, ledger_of(*known))


def only_change(found):
    (change,) = found.changes
    return change


def test_a_like_name_for_a_vanished_one_is_blocked_with_the_line_to_write():
    found = seen(desired_placement("interstitial_2"))
    change = only_change(found)
    assert isinstance(change, Blocked)
    assert change.address == at("interstitial_2")
    assert change.id == "7"
    assert "renamedFrom: interstitial_1" in change.reason
    assert "`state: absent`" in change.reason
    assert change.source.line == 10


def test_the_vanished_one_is_left_alone_while_suspected():
    found = seen(desired_placement("interstitial_2"), prune="delete")
    assert isinstance(only_change(found), Blocked)
    assert [each.address for each in found.remember] == [APP]
    assert [note.address for note in found.notes] == [at("interstitial_1")]
    assert "stays as it is while" in found.notes[0].text


def test_an_unlike_name_is_a_new_placement():
    assert isinstance(only_change(seen(desired_placement("banner_top"))), Create)


def test_an_unlike_name_with_the_very_values_last_applied_is_suspected():
    fields = {"floorPrices": {"US": 3}, "capping": {"value": 1, "unit": "day"}}
    known = entry(desired_placement("interstitial_1", **fields), "7")
    assert isinstance(only_change(seen(desired_placement("zz", **fields), known=(known,))), Blocked)


def test_an_unlike_name_with_other_values_is_not():
    known = entry(desired_placement("interstitial_1", floorPrices={"US": 3}), "7")
    assert isinstance(only_change(seen(desired_placement("zz", floorPrices={"US": 2}), known=(known,))), Create)


def test_values_that_most_placements_share_are_no_likeness():
    fields = {"coppa": False, "status": "active"}
    known = entry(desired_placement("interstitial_1", **fields), "7")
    assert isinstance(only_change(seen(desired_placement("zz", **fields), known=(known,))), Create)


def test_another_type_is_no_rename():
    assert isinstance(only_change(seen(desired_placement("interstitial_2", placementType="MREC"))), Create)


@pytest.mark.parametrize("name", ["t2", "1t", "t11"])
def test_a_short_name_that_is_a_typo_away_is_suspected(name):
    old = desired_placement("t1")
    live = live_state(live_app(), live_placement("7", "t1"))
    found = seen(desired_placement(name), live=live, known=(entry(old, "7"),), prune="deactivate")
    assert isinstance(only_change(found), Blocked)


def test_names_a_typo_apart_that_both_have_live_ones_raise_no_suspicion():
    blocks = [desired_placement("tier_1"), desired_placement("tier_2")]
    live = live_state(live_app(), live_placement("7", "tier_1"), live_placement("8", "tier_2"))
    found = seen(*blocks, live=live, known=tuple(entry(each, i) for each, i in zip(blocks, "78", strict=True)))
    assert found.changes == ()


def test_a_further_tier_beside_known_ones_is_made():
    blocks = [desired_placement("tier_1"), desired_placement("tier_2")]
    live = live_state(live_app(), live_placement("7", "tier_1"))
    assert isinstance(only_change(seen(*blocks, live=live, known=(entry(blocks[0], "7"),))), Create)


def test_distinct_makes_it_a_new_placement():
    block = desired_placement("interstitial_2", lifecycle=Lifecycle(distinct=True))
    assert sorted(type(change).__name__ for change in seen(block, prune="deactivate").changes) == [
        "Create",
        "Deactivate",
    ]


def test_renamed_from_makes_it_a_rename():
    change = only_change(seen(desired_placement("interstitial_2", renamed_from="interstitial_1")))
    assert isinstance(change, Update)
    assert change.id == "7"


def test_a_tombstone_for_the_old_name_makes_it_a_new_placement():
    found = seen(desired_placement("interstitial_2"), desired_placement("interstitial_1", state="absent"))
    assert [type(change) for change in found.changes] == [Deactivate, Create]


def test_an_old_one_that_an_apply_has_seen_without_a_block_makes_it_a_new_placement():
    known = entry(OLD, "7", orphaned=True)
    assert isinstance(only_change(seen(desired_placement("interstitial_2"), known=(known,))), Create)


def test_an_old_one_that_is_gone_from_the_account_makes_it_a_new_placement():
    found = seen(desired_placement("interstitial_2"), live=live_state(live_app()))
    assert isinstance(only_change(found), Create)
    assert found.forget == (at("interstitial_1"),)


def test_a_stranger_of_a_like_name_raises_no_suspicion():
    assert isinstance(only_change(seen(desired_placement("interstitial_2"), known=())), Create)


def test_a_new_tombstone_raises_no_suspicion():
    found = seen(desired_placement("interstitial_2", state="absent"))
    assert found.changes == ()


def test_of_two_new_names_the_likest_is_suspected():
    found = seen(desired_placement("interstitial_2"), desired_placement("interstitial_1b"))
    assert {change.address: type(change) for change in found.changes} == {
        at("interstitial_1b"): Blocked,
        at("interstitial_2"): Create,
    }


def test_of_two_vanished_names_each_is_suspected_once():
    live = live_state(live_app(), live_placement("7", "ladder_high"), live_placement("8", "ladder_low"))
    known = (entry(desired_placement("ladder_high"), "7"), entry(desired_placement("ladder_low"), "8"))
    found = seen(desired_placement("ladder_high2"), desired_placement("ladder_low2"), live=live, known=known)
    assert [(change.address, change.id) for change in found.changes] == [
        (at("ladder_high2"), "7"),
        (at("ladder_low2"), "8"),
    ]


def test_one_new_name_is_suspected_of_one_vanished_name_and_the_other_is_an_orphan():
    live = live_state(live_app(), live_placement("7", "ladder_high"), live_placement("8", "ladder_low"))
    known = (entry(desired_placement("ladder_high"), "7"), entry(desired_placement("ladder_low"), "8"))
    found = seen(desired_placement("ladder_high2"), live=live, known=known)
    assert only_change(found).id == "7"
    assert [note.address for note in found.notes] == [at("ladder_high"), at("ladder_low")]
    assert [at("ladder_high2") in note.text for note in found.notes] == [True, False]


class TestApps:
    """A bundle cannot be changed, so an app of the same name under another bundle is suspected instead."""

    old = desired_app(bundle="com.old", name="Acme", managed=False)
    live = live_state(live_app("5", bundle="com.old"))

    def test_a_new_bundle_for_a_vanished_one_is_blocked_with_its_placements(self):
        new = desired_app(desired_placement(), name="Acme")
        app, placement = reconciled(new, self.live, ledger_of(entry(self.old, "5"))).changes
        assert isinstance(app, Blocked)
        assert app.id == "5"
        assert "suspected new identity of android:com.old (id 5)" in app.reason
        assert placement.reason == f"its app {APP} is blocked"

    def test_one_seen_without_its_block_before_makes_it_a_new_app(self):
        known = entry(self.old, "5", orphaned=True)
        found = reconciled(desired_app(managed=False), self.live, ledger_of(known))
        assert isinstance(only_change(found), Create)

    def test_another_name_makes_it_a_new_app(self):
        found = reconciled(desired_app(name="Other", managed=False), self.live, ledger_of(entry(self.old, "5")))
        assert isinstance(only_change(found), Create)

    @pytest.mark.parametrize("prune", ["report", "deactivate", "delete"])
    @pytest.mark.parametrize(
        ("platform", "bundle", "name"),
        [
            ("ios", "com.acme", "Acme"),
            ("ios", "com.old", "Other"),
            ("android", "com.olds", "Other"),
            ("android", "com.ol", "Other"),
            ("android", "com.odl", "Other"),
            ("android", "com.other", "Acme"),
            ("android", "com.0ld", "Other"),
        ],
    )
    @pytest.mark.parametrize("status", ["active", "inactive"])
    def test_another_platform_and_a_typo_are_suspected_and_neither_side_is_touched(
        self, platform, bundle, name, prune, status
    ):
        new = desired_app(managed=False, platform=platform, bundle=bundle, name=name)
        live = live_state(live_app("5", bundle="com.old", status=status), live_placement("51", "int", app_id="5"))
        known = entry(self.old, "5", inactive_since="2020-01-01T00:00:00+00:00")
        ledger = ledger_of(known, entry(at("int", self.old.address), "51"))
        found = reconciled(desired_state(new, prune=prune), live, ledger)
        assert {type(change) for change in found.changes} == {Blocked}
        assert "suspected new identity of android:com.old (id 5)" in found.changes[0].reason
        assert "distinct: true" in found.changes[0].reason
        assert "state: absent" in found.changes[0].reason
        assert [note.address for note in found.notes] == [self.old.address]
        assert (found.held, found.remember, found.forget, found.unmanaged) == ((), (), (), ())

    @pytest.mark.parametrize("bundle", ["com.older", "com.new", "com.dlo"])
    def test_a_bundle_that_differs_by_more_is_a_new_app(self, bundle):
        new = desired_app(bundle=bundle, name="Other", managed=False)
        found = reconciled(desired_state(new, prune="deactivate"), self.live, ledger_of(entry(self.old, "5")))
        assert sorted(type(change).__name__ for change in found.changes) == ["Create", "Deactivate"]

    def test_distinct_says_that_it_is_another_app(self):
        new = desired_app(bundle="com.ole", managed=False, lifecycle=Lifecycle(distinct=True))
        found = reconciled(desired_state(new, prune="deactivate"), self.live, ledger_of(entry(self.old, "5")))
        assert sorted(type(change).__name__ for change in found.changes) == ["Create", "Deactivate"]

    def test_a_tombstone_for_the_old_one_makes_it_a_replacement(self):
        new = desired_app(bundle="com.ole", managed=False)
        old = desired_app(bundle="com.old", managed=False, state="absent")
        found = reconciled([new, old], self.live, ledger_of(entry(self.old, "5")))
        assert sorted(type(change).__name__ for change in found.changes) == ["Create", "Deactivate"]

    def test_beside_a_look_alike_that_is_free_nothing_else_is_suspected(self):
        new = desired_app(bundle="com.ole", name="Other", managed=False)
        live = live_state(live_app("5", bundle="com.old"), live_app("7", bundle="Com.Ole"))
        found = reconciled(new, live, ledger_of(entry(self.old, "5")))
        assert "live id 7 ('android:Com.Ole') looks like it" in only_change(found).reason
        assert only_change(found).id is None
        assert [("may be it" in note.text, note.address) for note in found.notes] == [(False, self.old.address)]

    @pytest.mark.parametrize("prune", ["report", "delete"])
    def test_a_vanished_one_that_is_a_look_alike_is_told_as_that_and_left(self, prune):
        new = desired_app(bundle="Com.Old", name="Acme", managed=False)
        found = reconciled(desired_state(new, prune=prune), self.live, ledger_of(entry(self.old, "5")))
        assert "live id 5 ('android:com.old') looks like it" in only_change(found).reason
        assert (found.notes, found.held) == ((), ())

    def test_a_stranger_of_the_same_name_raises_no_suspicion(self):
        assert isinstance(only_change(reconciled(desired_app(managed=False), self.live)), Create)

    def test_one_that_its_block_still_names_raises_no_suspicion(self):
        found = reconciled([desired_app(managed=False), self.old], self.live, ledger_of(entry(self.old, "5")))
        assert isinstance(only_change(found), Create)

    def test_the_account_may_show_an_app_under_another_id(self):
        found = reconciled(desired_app(managed=False), live_state(live_app(APP_ID)), ledger_of(entry(self.old, "5")))
        assert found.changes == ()
