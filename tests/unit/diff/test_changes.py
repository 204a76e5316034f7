"""The part of the verdicts that a selection picks."""

import pytest
from support.builders import (
    APP,
    APP_ID,
    Reconciled,
    at,
    desired_app,
    desired_placement,
    desired_state,
    entry,
    ledger_of,
    live_app,
    live_placement,
    live_state,
    options,
)

from reconciler.diff.change import Blocked, Create, Delete, action_of, id_of
from reconciler.diff.changes import select, verdicts_on
from reconciler.model.address import selector

EMPTY = live_state()


def picked(only, desired, live=EMPTY, ledger=None):
    verdicts = verdicts_on(desired_state(desired), live, ledger or {}, options())
    return [(action_of(each), each.address) for each in Reconciled(tuple(select(verdicts, selector([only])))).changes]


class TestOnly:
    new = desired_app(desired_placement("a"), desired_placement("b"))

    def test_a_new_placement_brings_the_app_it_needs(self):
        assert picked("*/a", self.new) == [("create", APP), ("create", at("a"))]

    def test_a_placement_of_a_blocked_app_stays_blocked(self):
        assert picked("*/a", desired_app(desired_placement("a"), category1=...)) == [("blocked", at("a"))]

    def test_a_changed_placement_does_not_bring_the_changes_of_its_app(self):
        desired = desired_app(desired_placement("a", coppa=True), coppa=True)
        live = live_state(live_app(), live_placement("1", "a"))
        assert picked("*/a", desired, live) == [("update", at("a"))]

    def test_a_new_placement_of_an_app_that_is_there_does_not_either(self):
        desired = desired_app(desired_placement("a", coppa=True), coppa=True)
        assert picked("*/a", desired, live_state(live_app())) == [("create", at("a"))]

    def test_a_pattern_reaches_across_the_slash(self):
        assert picked("android:*", self.new) == [("create", APP), ("create", at("a")), ("create", at("b"))]

    def test_an_app_alone_does_not_bring_its_placements(self):
        assert picked(APP, self.new) == [("create", APP)]

    def test_the_delete_of_an_app_brings_those_of_the_placements_it_takes_with_it(self):
        since = "2026-01-01T00:00:00+00:00"
        desired = desired_app(desired_placement("a"), state="absent")
        live = live_state(live_app(status="inactive"), live_placement("1", "a"))
        ledger = ledger_of(entry(desired, APP_ID, inactive_since=since), entry(desired_placement("a"), "1"))
        assert picked(APP, desired, live, ledger) == [("delete", APP), ("delete", at("a"))]

    def test_the_delete_of_a_placement_does_not_bring_others(self):
        since = "2026-01-01T00:00:00+00:00"
        gone = [desired_placement(name, state="absent") for name in ("a", "b")]
        live = live_state(live_app(), *(live_placement(str(i), n, status="inactive") for i, n in enumerate("ab")))
        ledger = ledger_of(*(entry(each, str(i), inactive_since=since) for i, each in enumerate(gone)))
        assert picked("*/a", desired_app(*gone), live, ledger) == [("delete", at("a"))]

    def test_what_was_seen_is_remembered_of_the_selected_alone(self):
        live = live_state(live_app(), live_placement("1", "a"), live_placement("2", "b"))
        verdicts = verdicts_on(desired_state(self.new), live, {}, options())
        chosen = Reconciled(tuple(select(verdicts, selector(["*/b"]))))
        assert [each.address for each in chosen.remember] == [at("b")]
        assert chosen.in_sync == (at("b"),)

    def test_the_entry_that_a_remembered_one_takes_over_goes_with_it(self):
        old, new = desired_placement("old"), desired_placement("new", renamed_from="old")
        live = live_state(live_app(), live_placement("7", "new"))
        verdicts = verdicts_on(desired_state(desired_app(new)), live, ledger_of(entry(old, "7")), options())
        chosen = Reconciled(tuple(select(verdicts, selector(["*/new"]))))
        assert ([each.address for each in chosen.remember], chosen.forget) == ([at("new")], (at("old"),))


@pytest.mark.parametrize(("change", "known"), [(Delete(APP, "5", "why", "sha256:x"), "5"), (Blocked(APP, "why"), None)])
def test_a_change_knows_its_id(change, known):
    assert id_of(change) == known


def test_a_create_has_no_id_yet():
    change = next(each for each in verdicts_on(desired_state(TestOnly.new), EMPTY, {}, options()))
    assert isinstance(change, Create)
    assert id_of(change) is None
