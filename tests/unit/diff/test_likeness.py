"""Nothing is made beside what looks like it, until somebody says whether it is the same or another."""

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

from reconciler.diff.change import Blocked, Create, Deactivate, Note, Update
from reconciler.model.address import app_address
from reconciler.model.state import Lifecycle

DISTINCT = Lifecycle(distinct=True)
BLOCK = desired_placement("level_end")
LIKE = live_placement("7", "Level-End")


def account(*placements):
    return live_state(live_app(), *placements)


def seen(block, live, *entries, **more):
    return reconciled(desired_app(block), live, ledger_of(*entries), **more)


def only_change(found):
    (change,) = found.changes
    return change


class TestPlacement:
    def test_it_is_blocked_with_the_live_id_and_both_ways_out(self):
        change = only_change(seen(BLOCK, account(LIKE)))
        assert change == Blocked(
            at("level_end"),
            "live id 7 ('Level-End') looks like it; pin it with `placementId: \"7\"` if it is the same, "
            "or say `lifecycle: {distinct: true}` if this is another placement",
            source=BLOCK.source,
        )

    def test_the_look_alike_stays_unmanaged(self):
        found = seen(BLOCK, account(LIKE))
        assert [each.id for each in found.unmanaged] == ["7"]
        assert [each.address for each in found.remember] == [APP]

    def test_an_inactive_one_counts_too(self):
        change = only_change(seen(BLOCK, account(live_placement("7", "LEVEL_END", status="inactive"))))
        assert "live id 7 ('LEVEL_END')" in change.reason

    def test_all_that_look_like_it_are_named(self):
        change = only_change(seen(BLOCK, account(LIKE, live_placement("9", "level end\u200b"))))
        assert "live id 7 ('Level-End') and id 9 ('level end\\u200b') look like it" in change.reason
        assert "pin the one that it is with `placementId`, or say" in change.reason

    def test_a_pin_takes_it_over_and_renames_it(self):
        change = only_change(seen(desired_placement("level_end", pin="7"), account(LIKE)))
        assert isinstance(change, Update)
        assert (change.id, change.send) == ("7", {"name": "level_end"})

    def test_a_block_that_says_it_is_another_is_created_and_the_plan_keeps_that(self):
        change = only_change(seen(desired_placement("level_end", lifecycle=DISTINCT), account(LIKE)))
        assert isinstance(change, Create)
        assert change.distinct is True

    def test_beside_one_that_another_block_stands_for_it_is_created(self):
        other = desired_placement("Level-End")
        change = only_change(reconciled(desired_app(BLOCK, other), account(LIKE)))
        assert (change.address, change.beside, change.distinct) == (at("level_end"), ("7",), False)

    def test_where_its_own_is_there_look_alikes_do_not_matter(self):
        found = seen(BLOCK, account(live_placement("1", "level_end"), LIKE))
        assert (found.changes, found.notes) == ((), ())

    def test_two_blocks_that_look_like_one_are_both_blocked(self):
        found = reconciled(desired_app(BLOCK, desired_placement("LEVEL_END")), account(LIKE))
        assert [type(change) for change in found.changes] == [Blocked, Blocked]
        assert all("live id 7" in change.reason for change in found.changes)

    def test_one_in_another_app_does_not_matter(self):
        other = live_app("200", bundle="com.other")
        live = live_state(live_app(), other, live_placement("7", "Level-End", app_id="200"))
        assert isinstance(only_change(seen(BLOCK, live)), Create)

    def test_a_former_name_that_only_a_look_alike_has_is_blocked(self):
        block = desired_placement("new", renamed_from="level_end")
        change = only_change(seen(block, account(LIKE)))
        assert isinstance(change, Blocked)
        assert "live id 7 ('Level-End')" in change.reason

    @pytest.mark.parametrize("recreate", [True, False])
    def test_one_that_is_missing_is_not_made_again_beside_its_look_alike(self, recreate):
        change = only_change(seen(BLOCK, account(LIKE), entry(BLOCK, "5"), recreate=recreate))
        assert isinstance(change, Blocked)
        assert change.id == "5"
        assert (
            "id 5 is in the ledger but no longer in the account; live id 7 ('Level-End') looks like it" in change.reason
        )

    def test_a_tombstone_is_done_and_says_what_looks_like_it(self):
        found = seen(desired_placement("level_end", state="absent"), account(LIKE))
        assert (found.changes, found.in_sync) == ((), (APP, at("level_end")))
        assert found.notes == (
            Note(
                at("level_end"),
                "declared absent, and not there under this name; live id 7 ('Level-End') looks like it: "
                "pin it with placementId if it is meant",
            ),
        )

    @pytest.mark.parametrize("prune", ["deactivate", "delete"])
    def test_an_owned_one_that_no_block_names_any_more_is_left_alone_meanwhile(self, prune):
        old = desired_placement("LEVEL_END")
        live = account(live_placement("7", "LEVEL_END"))
        found = reconciled(desired_app(BLOCK, prune=prune), live, ledger_of(entry(old, "7")))
        assert isinstance(only_change(found), Blocked)

    def test_a_pin_moves_the_entry_of_an_owned_one(self):
        old, new = desired_placement("LEVEL_END"), desired_placement("level_end", pin="7")
        change = only_change(seen(new, account(live_placement("7", "LEVEL_END")), entry(old, "7")))
        assert (change.id, change.renamed_from) == ("7", at("LEVEL_END"))


class TestApp:
    NUMBER = app_address("ios", "1234567")
    LIVE = live_app("7", platform="ios", bundle="id1234567", name="Live")

    def block(self, **more):
        return desired_app(desired_placement("p", app=self.NUMBER), platform="ios", bundle="1234567", **more)

    def test_it_is_blocked_and_its_placements_with_it(self):
        app, placement = reconciled(self.block(), live_state(self.LIVE)).changes
        assert "live id 7 ('ios:id1234567') looks like it; pin it with `appId: \"7\"`" in app.reason
        assert "if this is another app" in app.reason
        assert placement.reason == f"its app {self.NUMBER} is blocked"

    def test_a_pin_takes_it_over_though_its_bundle_cannot_be_changed(self):
        found = reconciled(self.block(pin="7", name=...), live_state(self.LIVE))
        assert [type(change) for change in found.changes] == [Create]
        assert found.in_sync == (self.NUMBER,)
        assert found.notes[0].text.startswith('live bundle is "id1234567"')
        assert [(each.address, each.id) for each in found.remember] == [(self.NUMBER, "7")]

    def test_taken_over_it_stays_so(self):
        live = live_state(self.LIVE)
        known = ledger_of(*reconciled(self.block(pin="7", name=...), live).remember)
        found = reconciled(self.block(name=...), live, known)
        assert (found.in_sync, found.remember, found.forget) == ((self.NUMBER,), (), ())

    def test_a_pin_moves_the_entries_of_an_owned_one_and_of_what_is_in_it(self):
        old = app_address("ios", "id1234567")
        live = live_state(self.LIVE, live_placement("8", "p", app_id="7"), live_placement("9", "q", app_id="7"))
        known = ledger_of(entry(old, "7"), entry(at("p", old), "8"), entry(at("q", old), "9"))
        found = reconciled(self.block(pin="7", name=...), live, known)
        assert {each.address: each.id for each in found.remember} == {self.NUMBER: "7", at("p", self.NUMBER): "8"}
        assert set(found.forget) == {old, at("p", old), at("q", old)}

    def test_a_block_that_says_it_is_another_is_created(self):
        app, _ = reconciled(self.block(lifecycle=DISTINCT), live_state(self.LIVE)).changes
        assert isinstance(app, Create)

    def test_a_platform_in_another_case_is_the_same(self):
        live = live_state(live_app("7", platform="Android"))
        app = only_change(reconciled(desired_app(managed=False), live))
        assert "live id 7 ('Android:com.acme')" in app.reason

    def test_on_another_platform_it_is_another(self):
        live = live_state(live_app("7", platform="android", bundle="id1234567"))
        assert isinstance(reconciled(self.block(), live).changes[0], Create)


class TestNamesakes:
    AWAKE, ASLEEP = live_placement("8", "level_end"), live_placement("7", "level_end", status="inactive")

    def test_the_active_one_is_taken_and_the_archived_one_named(self):
        found = seen(BLOCK, account(self.ASLEEP, self.AWAKE))
        assert found.in_sync == (APP, at("level_end"))
        assert {each.address: each.id for each in found.remember}[at("level_end")] == "8"
        assert [each.id for each in found.unmanaged] == ["7"]
        assert found.notes == (
            Note(
                at("level_end"),
                "the active id 8 is taken for it; inactive id 7 has this name too, left unmanaged: "
                'keep them apart with `placementId: "8"`',
            ),
        )

    def test_any_number_of_archived_ones_is_told(self):
        more = [live_placement(number, "level_end", status="inactive") for number in ("3", "5")]
        found = seen(BLOCK, account(self.ASLEEP, *more, self.AWAKE))
        assert "inactive ids 3, 5, 7 have this name too" in found.notes[0].text

    @pytest.mark.parametrize("status", ["active", ..., "paused"])
    def test_one_of_two_that_may_both_serve_is_never_taken(self, status):
        change = only_change(seen(BLOCK, account(self.AWAKE, live_placement("9", "level_end", status=status))))
        assert "live ids 8 and 9 could both be meant" in change.reason

    def test_of_archived_ones_alone_none_is_taken(self):
        change = only_change(seen(BLOCK, account(self.ASLEEP, live_placement("9", "level_end", status="inactive"))))
        assert "live ids 7 and 9 could both be meant" in change.reason

    def test_a_tombstone_never_guesses(self):
        change = only_change(seen(desired_placement("level_end", state="absent"), account(self.ASLEEP, self.AWAKE)))
        assert isinstance(change, Blocked)

    def test_an_old_name_and_a_new_one_are_not_chosen_between(self):
        block = desired_placement("new", renamed_from="level_end")
        live = account(self.AWAKE, live_placement("9", "new", status="inactive"))
        assert isinstance(only_change(seen(block, live)), Blocked)

    def test_the_ledger_says_which_and_an_archived_one_is_no_news(self):
        found = seen(BLOCK, account(self.ASLEEP, self.AWAKE), entry(BLOCK, "8"))
        assert (found.changes, found.notes) == ((), ())

    def test_the_ledger_says_which_and_an_active_one_beside_it_is_told(self):
        found = seen(BLOCK, account(self.AWAKE, live_placement("9", "level_end")), entry(BLOCK, "8"))
        assert found.changes == ()
        assert found.notes == (
            Note(at("level_end"), "another live placement, id 9, has this name too; the ledger knows id 8"),
        )

    def test_an_archived_one_with_the_name_does_not_keep_a_console_rename_from_being_undone(self):
        live = account(live_placement("8", "renamed"), self.ASLEEP)
        change = only_change(seen(BLOCK, live, entry(BLOCK, "8")))
        assert (change.id, change.send) == ("8", {"name": "level_end"})

    def test_of_two_apps_the_active_one_is_taken(self):
        live = live_state(live_app("7", status="inactive"), live_app("8"))
        found = reconciled(desired_app(managed=False), live)
        assert found.in_sync == (APP,)
        assert 'keep them apart with `appId: "8"`' in found.notes[0].text


class TestCrossed:
    A, B, C = (desired_placement(name) for name in "abc")

    def crossed(self, *blocks, names, entries):
        live = account(*(live_placement(number, name) for number, name in names.items()))
        known = ledger_of(*(entry(at(name), number) for name, number in entries.items()))
        return reconciled(desired_app(*blocks), live, known)

    def test_names_and_ids_that_are_crossed_block_both_and_name_the_ids(self):
        found = self.crossed(self.A, self.B, names={"1": "b", "2": "a"}, entries={"a": "1", "b": "2"})
        first, second = found.changes
        assert isinstance(first, Blocked)
        assert first.reason == (
            f"the ledger knows it as id 1, but id 2, which the ledger knows as {at('b')}, is called so: either they "
            "were renamed in the account, or the ids in the ledger are mixed up; "
            "say in each block which it is with placementId"
        )
        assert (second.address, second.id) == (at("b"), "2")
        assert found.unmanaged == ()

    def test_so_does_a_circle_of_three(self):
        names, entries = {"1": "b", "2": "c", "3": "a"}, {"a": "1", "b": "2", "c": "3"}
        found = self.crossed(self.A, self.B, self.C, names=names, entries=entries)
        assert [type(change) for change in found.changes] == [Blocked] * 3

    def test_names_that_were_all_moved_on_by_one_are_no_circle(self):
        names, entries = {"1": "b", "2": "c"}, {"a": "1", "b": "2"}
        found = self.crossed(self.A, self.B, names=names, entries=entries)
        assert [(change.id, change.send) for change in found.changes] == [("1", {"name": "a"}), ("2", {"name": "b"})]

    def test_pins_with_the_ids_of_the_ledger_rename_both_back(self):
        blocks = desired_placement("a", pin="1"), desired_placement("b", pin="2")
        found = self.crossed(*blocks, names={"1": "b", "2": "a"}, entries={"a": "1", "b": "2"})
        assert [(change.id, change.send) for change in found.changes] == [("1", {"name": "a"}), ("2", {"name": "b"})]

    def test_pins_with_the_ids_of_the_names_mend_the_ledger(self):
        blocks = desired_placement("a", pin="2"), desired_placement("b", pin="1")
        found = self.crossed(*blocks, names={"1": "b", "2": "a"}, entries={"a": "1", "b": "2"})
        assert found.changes == ()
        assert {each.address: each.id for each in found.remember} == {APP: APP_ID, at("a"): "2", at("b"): "1"}
        assert set(found.forget) == {at("a"), at("b")}

    def test_one_pin_is_enough(self):
        found = self.crossed(
            desired_placement("a", pin="2"), self.B, names={"1": "b", "2": "a"}, entries={"a": "1", "b": "2"}
        )
        assert found.changes == ()

    def test_a_tombstone_in_a_circle_takes_nothing_down(self):
        blocks = self.A, desired_placement("b", state="absent")
        found = self.crossed(*blocks, names={"1": "b", "2": "a"}, entries={"a": "1", "b": "2"})
        assert not any(isinstance(change, Deactivate) for change in found.changes)

    def test_apps_are_never_taken_for_each_other(self):
        one, two = desired_app(bundle="com.a", managed=False), desired_app(bundle="com.b", managed=False)
        live = live_state(live_app("1", bundle="com.b"), live_app("2", bundle="com.a"))
        found = reconciled([one, two], live, ledger_of(entry(one, "1"), entry(two, "2")))
        assert ["say in each block which it is with appId" in change.reason for change in found.changes] == [True, True]


class TestOneIdOneAddress:
    """The ledger that a plan leaves never holds an id twice."""

    def test_an_entry_goes_when_another_block_pins_its_id(self):
        loser, winner = desired_placement("loser"), desired_placement("winner", pin="7")
        live = account(live_placement("7", "winner"))
        found = reconciled(desired_app(loser, winner), live, ledger_of(entry(loser, "7")))
        assert found.forget == (at("loser"),)
        change = only_change(found)
        assert (change.address, change.id) == (at("loser"), "7")
        assert f"id 7, which {at('winner')} pins" in change.reason

    def test_it_goes_before_an_update_is_sent(self):
        loser, winner = desired_placement("loser"), desired_placement("winner", pin="7", coppa=True)
        live = account(live_placement("7", "winner"))
        found = reconciled(desired_app(loser, winner), live, ledger_of(entry(loser, "7")))
        assert found.forget == (at("loser"),)
