"""An account after a plan against the same before it: what moved, what was planned, what does not hold."""

from dataclasses import replace

from support.builders import APP, APP_ID, at, canonical, desired_placement, live_app, live_placement, live_state, origin

from reconciler.diff.change import Blocked, Create, Deactivate, Delete, FieldChange, Update
from reconciler.model.state import LiveState
from reconciler.plan.aftermath import Aftermath, DuplicateResources, ResourceChange, aftermath, bound_to
from reconciler.plan.plan import Plan

SOURCE = desired_placement().source


def create(name="int_1", **send):
    return Create(at(name), SOURCE, (), canonical({"name": name, **send}), {}, APP_ID)


def update(number="1", name="int_1", **send):
    return Update(at(name), number, SOURCE, (), canonical(send), {}, "sha256:x")


def deactivate(number="1", name="int_1"):
    return Deactivate(at(name), number, "declared absent", "sha256:x")


def delete(number="1", name="int_1"):
    return Delete(at(name), number, "declared absent", "sha256:x")


def after(*changes, before=(), now=()):
    return aftermath(Plan(origin(), changes), live_state(live_app(), *before), live_state(live_app(), *now))


def test_an_account_that_did_not_move_has_no_aftermath():
    assert after(before=[live_placement()], now=[live_placement()]) == Aftermath()


class TestWhatMoved:
    def test_what_was_made_is_planned_where_the_plan_makes_that_address(self):
        now = [live_placement("1", "a"), live_placement("2", "b")]
        assert after(create("a"), now=now).made == (
            ResourceChange(at("a"), "1", True),
            ResourceChange(at("b"), "2", False),
        )

    def test_an_update_of_the_same_address_plans_no_birth(self):
        assert [each.planned for each in after(update("9", "a"), now=[live_placement("1", "a")]).made] == [False]

    def test_what_was_changed_is_told_by_leaf_and_is_planned_by_its_id(self):
        before = [live_placement("1", coppa=False), live_placement("2", "b", coppa=False)]
        now = [live_placement("1", coppa=True), live_placement("2", "b", coppa=True)]
        told = (FieldChange("coppa", False, True, "unknown"),)
        assert [
            (each.address, each.id, each.planned, [(field.path, field.before, field.after) for field in each.fields])
            for each in after(update("1", coppa=True), before=before, now=now).changed
        ] == [
            (at("int_1"), "1", True, [(told[0].path, False, True)]),
            (at("b"), "2", False, [(told[0].path, False, True)]),
        ]

    def test_a_birth_of_the_same_name_plans_no_change_of_an_older_one(self):
        before, now = [live_placement("1", coppa=False)], [live_placement("1", coppa=True)]
        assert [each.planned for each in after(create("int_1"), before=before, now=now).changed] == [False]

    def test_fields_that_came_and_went_are_told_in_the_order_of_names(self):
        before, now = [live_placement("1", name="x", capping=...)], [live_placement("1", name="x", geo=...)]
        before = [replace(before[0], fields={"name": "x", "b": "1", "c": "2"})]
        now = [replace(now[0], fields={"name": "x", "a": "3", "c": "2"})]
        (changed,) = after(before=before, now=now).changed
        assert [(each.path, each.before, each.after) for each in changed.fields] == [("a", None, "3"), ("b", "1", None)]

    def test_what_was_deleted_keeps_its_address_and_is_planned_by_its_id(self):
        before = [live_placement("1"), live_placement("2", "b")]
        assert after(delete("1"), before=before).deleted == (
            ResourceChange(at("int_1"), "1", True),
            ResourceChange(at("b"), "2", False),
        )

    def test_an_app_and_a_placement_of_one_id_are_two(self):
        before = live_state(live_app("1"), live_placement("1", app_id="1"))
        moved = aftermath(Plan(origin(), (delete("1"),)), before, live_state(live_app("1")))
        assert moved.deleted == (ResourceChange(at("int_1"), "1", True),)
        assert aftermath(Plan(origin(), (delete("1"),)), before, LiveState(())).deleted == (
            ResourceChange(APP, "1", False), ResourceChange(at("int_1"), "1", True),
        )  # fmt: skip

    def test_a_new_name_is_where_it_is_now(self):
        (changed,) = after(before=[live_placement("1", "old")], now=[live_placement("1", "new")]).changed
        assert changed.address == at("new")


class TestAmbiguousMatch:
    def test_two_of_one_identity_are_told_where_one_is_new(self):
        now = [live_placement("2"), live_placement("1")]
        assert after(before=now[:1], now=now).twins == (DuplicateResources(at("int_1"), ("1", "2")),)
        assert after(now=now).twins == (DuplicateResources(at("int_1"), ("1", "2")),)

    def test_those_that_there_were_before_are_not(self):
        both = [live_placement("1"), live_placement("2")]
        assert after(before=both, now=both).twins == ()

    def test_one_alone_is_no_twin_however_new(self):
        assert after(now=[live_placement("1"), live_placement("2", "b")]).twins == ()

    def test_they_come_in_the_order_of_addresses(self):
        now = [live_placement(str(n), name) for n, name in enumerate("bbaa")]
        assert [each.address for each in after(now=now).twins] == [at("a"), at("b")]


class TestWhatDoesNotHold:
    def why(self, *changes, **accounts):
        return {each.address: each.why for each in after(*changes, **accounts).unfulfilled}

    def test_a_create_holds_where_the_one_of_its_address_is_as_sent(self):
        assert self.why(create(coppa=True), now=[live_placement(coppa=True)]) == {}
        assert self.why(create(coppa=True)) == {at("int_1"): "it is not there"}
        twins = [live_placement("1", coppa=True), live_placement("2", coppa=True)]
        assert self.why(create(coppa=True), now=twins) == {at("int_1"): "there are 2 resources of this identity"}
        assert list(self.why(create(coppa=True), now=[live_placement(coppa=False)])) == [at("int_1")]

    def test_an_update_holds_where_its_resource_is_as_sent(self):
        assert self.why(update(coppa=True), now=[live_placement(coppa=True)]) == {}
        assert self.why(update(coppa=True)) == {at("int_1"): "it is gone"}
        told = self.why(update(coppa=True, status="inactive"), now=[live_placement(coppa=False)])[at("int_1")]
        assert told.index("coppa is ") < told.index("status is ")
        assert len(told.split("; ")) == 2
        one_leaf = self.why(
            update(floorPrices={"WW": 1.234, "US": 2}), now=[live_placement(floorPrices={"WW": 1.23, "US": 2})]
        )
        assert one_leaf == {at("int_1"): "floorPrices.WW is 1.23, wanted 1.234"}

    def test_a_field_that_is_not_shown_holds_where_it_was_to_be_empty(self):
        for empty in (None, "", ()):
            assert self.why(update(capping=empty), now=[live_placement(capping=...)]) == {}
        told = self.why(update(capping={"limit": 1}), now=[live_placement(capping=...)])[at("int_1")]
        assert told == 'capping is not shown, wanted {"limit":1}'
        assert list(self.why(update(capping=None), now=[live_placement(capping={"limit": 1})])) == [at("int_1")]

    def test_a_deactivation_holds_where_it_is_inactive(self):
        assert self.why(deactivate(), now=[live_placement(status="inactive")]) == {}
        assert self.why(deactivate(), now=[live_placement(status="active")])[at("int_1")].startswith("status is ")
        assert self.why(deactivate()) == {at("int_1"): "it is gone"}

    def test_a_delete_holds_where_it_is_gone(self):
        assert self.why(delete()) == {}
        assert self.why(delete(), now=[live_placement()]) == {at("int_1"): "it is still there"}

    def test_an_app_may_be_called_as_the_store_calls_it_and_a_placement_may_not(self):
        named = Update(APP, APP_ID, SOURCE, (), {"name": "Other", "coppa": True}, {}, "sha256:x")
        told = self.why(named)[APP]
        assert "name" not in told
        assert told.startswith("coppa is ")
        assert list(self.why(replace(update(), send={"name": "other"}), now=[live_placement()])) == [at("int_1")]

    def test_what_was_blocked_could_not_be_tried(self):
        assert self.why(Blocked(at("int_1"), "it cannot be changed", "1"), now=[live_placement()]) == {}


class TestBoundTo:
    def test_each_change_rests_on_what_is_there_now_under_its_id(self):
        live = live_state(live_app(), live_placement("1"), live_placement("2", "b"))
        plan = Plan(origin(), (update("1"), deactivate("2", "b"), delete("3", "c")), owned=4)
        bound = bound_to(plan, live)
        by_id = live.by_id()
        assert [change.observed for change in bound.changes] == [
            by_id["placement", "1"].digest(), by_id["placement", "2"].digest(), "sha256:x",
        ]  # fmt: skip
        assert replace(bound, changes=plan.changes) == plan

    def test_what_rests_on_nothing_stays_as_it_is(self):
        changes = (create(), Blocked(at("b"), "it cannot be changed", "1"))
        assert bound_to(Plan(origin(), changes), live_state(live_app(), live_placement("1", "b"))).changes == changes
