"""The way back: for each change of an apply what puts its resource back, or the words for what nothing puts back."""

from dataclasses import replace

import pytest
from support.builders import APP, at, canonical, desired_placement, entry, floors, live_placement, origin

from reconciler.diff.change import Blocked, Create, Deactivate, Delete, FieldChange, Note, Update
from reconciler.model.journal import Result
from reconciler.plan.aftermath import (
    MADE_BY_WHAT_IS_UNDONE,
    PUTS_BACK,
    WAS_ACTIVE,
    is_undo,
    restoring_changes,
    undo_plan,
)
from reconciler.plan.plan import Plan

SOURCE = desired_placement().source
HERE = at("int_1")
DECLARED = canonical({"name": "int_1", "coppa": True})


def by_id(*resources):
    return {(each.kind, each.id): each for each in resources}


def undone(*changes, results=(), before=(), after=(), ledger=(), owned=0):
    plan = Plan(origin(), changes, owned=owned)
    known = {each.address: each for each in ledger}
    return undo_plan(plan, results, by_id(*before), by_id(*after), known, origin("later"))


def update(send, *, renamed_from=None, protect=False):
    return Update(
        HERE, "1", SOURCE, (), canonical(send), DECLARED, "sha256:x", "100", protect=protect, renamed_from=renamed_from
    )


def result(action, outcome="applied", address=HERE, id_="1"):
    return Result(address, action, outcome, id_)


class TestACreate:
    made = Create(at("int_1"), SOURCE, (), {}, {}, "100")
    live = live_placement("7")

    def test_what_was_made_is_set_inactive_as_it_is_now(self):
        plan = undone(self.made, results=[result("create", id_="7")], after=[self.live])
        assert plan.changes == (
            Deactivate(at("int_1"), "7", MADE_BY_WHAT_IS_UNDONE, self.live.digest(), "100", SOURCE),
        )
        assert plan.notes == ()

    def test_one_that_may_have_been_made_is_told_and_left(self):
        plan = undone(self.made, results=[result("create", "unknown", id_=None)])
        assert plan.changes == ()
        assert [note.address for note in plan.notes] == [at("int_1")]
        assert "look in the console" in plan.notes[0].text

    @pytest.mark.parametrize("results", [[], [result("create", "failed", id_=None)], [result("create", id_="7")]])
    def test_what_is_not_there_needs_nothing(self, results):
        plan = undone(self.made, results=results)
        assert (plan.changes, plan.notes) == ((), ())

    def test_a_result_of_another_address_is_not_taken_for_its_own(self):
        other = replace(result("create", id_="7"), address=at("other"))
        assert undone(self.made, results=[other], after=[self.live]).changes == ()


class TestAnUpdate:
    was = live_placement("1", coppa=False)
    now = live_placement("1", coppa=True)

    def back(self, send=None, **more):
        more = {"before": [self.was], "after": [self.now], "results": [result("update")], **more}
        return undone(update(send or {"coppa": True}), **more)

    def test_what_it_has_moved_is_put_back_and_rests_on_what_is_there_now(self):
        (change,) = self.back().changes
        assert isinstance(change, Update)
        assert (change.address, change.id, change.source, change.app_id) == (at("int_1"), "1", SOURCE, "100")
        assert change.send == {"coppa": False}
        assert change.fields == (FieldChange("coppa", True, False, "pending"),)
        assert (change.observed, change.reason) == (self.now.digest(), PUTS_BACK)

    def test_what_it_has_sent_and_not_moved_stays(self):
        (change,) = self.back({"coppa": True, "name": "int_1"}).changes
        assert change.send == {"coppa": False}
        assert self.back({"name": "int_1"}).changes == ()

    def test_only_the_lines_of_a_table_that_differ_are_shown_and_all_of_it_is_sent(self):
        was, now = (live_placement("1", floorPrices={"US": us, "DE": 2}) for us in (1, 3))
        (change,) = self.back({"floorPrices": {"US": 3, "DE": 2}}, before=[was], after=[now]).changes
        assert change.send == {"floorPrices": floors(US=1, DE=2)}
        assert [(each.path, each.origin) for each in change.fields] == [("floorPrices.US", "pending")]

    def test_a_field_that_was_not_shown_before_is_told_and_the_rest_is_put_back(self):
        was = live_placement("1", coppa=False, geo=...)
        now = live_placement("1", coppa=True, geo={"mode": "include", "countries": ["US"]})
        plan = self.back({"coppa": True, "geo": {"mode": "include", "countries": ["US"]}}, before=[was], after=[now])
        assert [change.send for change in plan.changes] == [{"coppa": False}]
        assert [note.address for note in plan.notes] == [at("int_1")]
        assert plan.notes[0].text.startswith("geo was not shown before")

    @pytest.mark.parametrize("gone", ["before", "after"])
    def test_what_is_not_there_before_or_after_is_left(self, gone):
        plan = self.back(**{gone: []})
        assert (plan.changes, plan.notes) == ((), ())

    def test_the_ledger_will_hold_what_it_held_of_that_very_resource(self):
        known = entry(at("int_1"), "1", applied={"coppa": False}, protect=True)
        (change,) = self.back(ledger=[known]).changes
        assert (change.declared, change.protect) == ({"coppa": False}, True)
        (change,) = self.back(ledger=[replace(known, id="2")]).changes
        assert change.declared == {}
        (change,) = self.back().changes
        assert (change.declared, change.protect) == ({}, False)

    def test_without_a_ledgers_word_protection_is_that_of_the_change(self):
        change = update({"coppa": True}, protect=True)
        (back,) = undone(change, before=[self.was], after=[self.now]).changes
        assert back.protect is True
        known = entry(at("int_1"), "1", applied={})
        (back,) = undone(change, before=[self.was], after=[self.now], ledger=[known]).changes
        assert back.protect is False

    def test_a_rename_goes_back_to_the_address_that_it_came_from(self):
        known = entry(at("old"), "1", applied={"coppa": False})
        change = update({"name": "int_1"}, renamed_from=at("old"))
        was, now = live_placement("1", "old"), live_placement("1", "int_1")
        (back,) = undone(change, before=[was], after=[now], ledger=[known]).changes
        assert (back.address, back.renamed_from) == (at("old"), at("int_1"))
        assert (back.send, back.declared) == ({"name": "old"}, {"coppa": False})
        (back,) = self.back().changes
        assert back.renamed_from is None


class TestAnUpdateThatIsInDoubt:
    """Taken, as far as anybody knows, and not shown: it may hold all the same."""

    was = now = live_placement("1", capping=...)
    send = {"capping": {"limit": 3}}  # noqa: RUF012 - read only
    known = entry(at("int_1"), "1", applied={"capping": {"limit": 1}})

    def back(self, outcome, *, ledger=(), send=None, now=None):
        return undone(
            update(send or self.send), results=[result("update", outcome)], before=[self.was], after=[now or self.now],
            ledger=ledger,
        )  # fmt: skip

    @pytest.mark.parametrize("outcome", ["unverified", "unknown"])
    def test_a_field_that_is_not_shown_is_put_back_to_what_was_applied_before(self, outcome):
        (change,) = self.back(outcome, ledger=[self.known]).changes
        assert change.send == {"capping": {"limit": 1}}

    @pytest.mark.parametrize("outcome", ["unverified", "unknown"])
    def test_where_the_ledger_knows_none_it_is_told(self, outcome):
        plan = self.back(outcome)
        assert plan.changes == ()
        assert [note.text.partition(" ")[0] for note in plan.notes] == ["capping"]

    @pytest.mark.parametrize("outcome", ["applied", "failed", "normalised"])
    def test_nothing_is_guessed_where_there_is_no_doubt(self, outcome):
        plan = self.back(outcome, ledger=[self.known])
        assert (plan.changes, plan.notes) == ((), ())

    def test_a_field_that_is_shown_and_has_not_moved_is_left(self):
        known = entry(at("int_1"), "1", applied={"coppa": True})
        plan = self.back("unverified", ledger=[known], send={"coppa": False})
        assert (plan.changes, plan.notes) == ((), ())

    def test_a_field_that_was_to_be_empty_and_is_not_shown_is_as_it_was_sent(self):
        plan = self.back("unverified", ledger=[self.known], send={"capping": None})
        assert (plan.changes, plan.notes) == ((), ())

    def test_a_field_that_is_shown_with_its_old_value_is_put_back_to_that_and_not_to_the_ledgers(self):
        now = live_placement("1", capping=..., coppa=True)
        known = entry(at("int_1"), "1", applied={"coppa": True, "capping": {"limit": 1}})
        (change,) = self.back("unknown", ledger=[known], send={"coppa": True, **self.send}, now=now).changes
        assert change.send == {"coppa": False, "capping": {"limit": 1}}


class TestARemoval:
    off = Deactivate(at("int_1"), "1", "declared absent", "sha256:x", "100", SOURCE)
    gone = Delete(at("int_1"), "1", "declared absent", "sha256:x", "100", SOURCE)
    live = live_placement("1", status="inactive")

    def test_what_was_set_inactive_is_set_active(self):
        (change,) = undone(self.off, after=[self.live]).changes
        assert isinstance(change, Update)
        assert (change.send, change.reason) == ({"status": "active"}, WAS_ACTIVE)
        assert change.fields == (FieldChange("status", "inactive", "active", "pending"),)
        assert (change.observed, change.app_id, change.source) == (self.live.digest(), "100", SOURCE)
        assert (change.declared, change.protect) == ({}, False)

    def test_with_what_the_ledger_held_of_that_very_resource(self):
        known = entry(at("int_1"), "1", applied={"coppa": True}, protect=True)
        (change,) = undone(self.off, after=[self.live], ledger=[known]).changes
        assert (change.declared, change.protect) == ({"coppa": True}, True)
        (change,) = undone(self.off, after=[self.live], ledger=[replace(known, id="2")]).changes
        assert change.declared == {}

    @pytest.mark.parametrize(
        "after", [[], [live_placement("1", status="active")], [live_placement("2", status="inactive")]]
    )
    def test_what_is_gone_or_active_by_now_is_left(self, after):
        plan = undone(self.off, after=after)
        assert (plan.changes, plan.notes) == ((), ())

    def test_what_was_deleted_is_told(self):
        plan = undone(self.gone, results=[result("delete")])
        assert plan.changes == ()
        assert plan.notes == (Note(at("int_1"), "id 1 was deleted, and nothing brings it back"),)

    @pytest.mark.parametrize(("results", "after"), [([], []), ([result("delete", "failed")], [live_placement("1")])])
    def test_a_delete_that_did_not_happen_is_not_told(self, results, after):
        plan = undone(self.gone, results=results, after=after)
        assert (plan.changes, plan.notes) == ((), ())


class TestTheWhole:
    def test_it_is_an_ordinary_plan_in_the_order_of_addresses_with_its_own_origin(self):
        offs = [Deactivate(at(name), number, "x", "sha256:x", "100") for number, name in (("2", "b"), ("1", "a"))]
        live = [live_placement("1", "a", status="inactive"), live_placement("2", "b", status="inactive")]
        plan = undone(*offs, after=live, owned=7)
        assert [change.address for change in plan.changes] == [at("a"), at("b")]
        assert (plan.origin.created_at, plan.owned) == ("later", 7)

    def test_what_was_blocked_has_nothing_to_undo(self):
        plan = undone(Blocked(APP, "it cannot be changed", "100"), after=[live_placement("1")])
        assert (plan.changes, plan.notes) == ((), ())

    def test_it_is_known_by_its_reasons_and_all_of_them(self):
        off = Deactivate(at("a"), "1", MADE_BY_WHAT_IS_UNDONE, "sha256:x")
        back = replace(update({"coppa": True}), reason=PUTS_BACK)
        assert is_undo(Plan(origin(), (off, back, replace(back, reason=WAS_ACTIVE))))
        assert not is_undo(Plan(origin()))
        assert not is_undo(Plan(origin(), (back, replace(off, reason="declared absent"))))


def test_the_way_back_is_told_by_leaf_in_the_order_of_names():
    send = canonical({"name": "b", "floorPrices": {"US": 1}})
    now = canonical({"name": "a", "floorPrices": {"US": 2}})
    assert [(each.path, each.before, each.after) for each in restoring_changes(send, now)] == [
        ("floorPrices.US", now["floorPrices"]["US"], send["floorPrices"]["US"]),
        ("name", "a", "b"),
    ]
