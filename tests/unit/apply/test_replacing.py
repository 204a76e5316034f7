"""An account whose updates replace what they are not sent: nothing of it is lost, and it is found out once."""

from dataclasses import replace
from decimal import Decimal

import pytest
from support.builders import at, desired_app, desired_placement, entry, floors, live_app, live_placement, live_state
from support.fake_clock import FakeClock
from support.fake_gateway import FakeGateway, Habits, Lost, Silent
from support.scene import Scene

from reconciler.apply.context import UpdateModes
from reconciler.apply.fallbacks import advice
from reconciler.errors import ApiError, StoreError
from reconciler.model.habits import AccountHabits, habits_of
from reconciler.model.journal import Intent, past_runs
from reconciler.ports import NotSent, Rejected
from reconciler.store.journal_file import ended_event, intent_event

CAPPING = {"value": 3, "unit": "hour"}
FULL = {
    "status": "inactive", "coppa": True, "creativeTypes": ["video"], "floorPrices": {"US": 2, "WW": 1},
    "targetingEnabled": True, "geo": {"include": True, "countries": ["SG"]}, "connectivity": ["WIFI"],
    "capping": CAPPING, "pacing": {"value": 9, "unit": "second"}, "skipability": "NonSkippable",
}  # fmt: skip
REPLACES = Habits(put_replaces=True)
REPLACING = AccountHabits({"placement": "replaces"})


def full(number, name):
    return live_placement(str(number), name, **FULL)


def scene_of(*placements, habits=REPLACES, **more):
    return Scene(live_state(live_app(), *placements), habits=habits, **more)


def declared(*names, **fields):
    return desired_app(*(desired_placement(name, **fields) for name in names))


def changed(scene, resource_id):
    """The fields that are not as before the run."""
    before = next(each for each in scene.live.resources() if (each.kind, each.id) == ("placement", resource_id))
    now = scene.gateway.resource(resource_id).fields
    return {name for name in before.fields.keys() | now.keys() if before.fields.get(name) != now.get(name)}


@pytest.mark.parametrize("answer", [None, Silent(), Lost(committed=True)], ids=["full", "silent", "lost"])
def test_what_the_first_update_resets_is_put_back_at_once_by_the_whole_resource(answer):
    scene = scene_of(full(1, "a"), full(2, "b"), full(3, "c"))
    scene.gateway.script("update", answer)
    results = scene.apply(declared("a", "b", "c", coppa=False), parallelism=4)
    assert {each.outcome for each in results.values()} == {"applied"}
    first, second, *rest = scene.gateway.writes
    assert (first.id, first.fields) == (second.id, {"coppa": False})
    assert second.fields.keys() == FULL.keys() | {"name"}
    assert [call.fields.keys() for call in rest] == [FULL.keys() | {"name"}] * 2
    assert [changed(scene, each) for each in "123"] == [{"coppa"}] * 3
    told = results[at("a")].error
    assert "it reset fields it was not sent (capping, " in told
    assert "they were put back" in told


def test_the_next_run_knows_it_and_sends_everything_at_once():
    scene = scene_of(full(1, "a"))
    scene.apply(declared("a", coppa=False))
    assert habits_of(scene.store.seen) == AccountHabits({"placement": "replaces"})
    again = Scene(scene.gateway.state(), habits=REPLACES, updates=habits_of(scene.store.seen))
    again.apply(declared("a", coppa=True))
    assert [call.operation for call in again.gateway.writes] == ["update"]
    assert changed(again, "1") == {"coppa"}


def test_an_account_that_merges_is_asked_once_and_gets_changed_fields_alone():
    scene = scene_of(full(1, "a"), full(2, "b"), habits=Habits())
    scene.apply(declared("a", "b", coppa=False))
    assert scene.steps() == ["update", "find", "update"]
    assert [call.fields for call in scene.gateway.writes] == [{"coppa": False}] * 2
    assert habits_of(scene.store.seen) == AccountHabits({"placement": "merges"})
    again = scene_of(full(1, "a"), habits=Habits(), updates=AccountHabits({"placement": "merges"}))
    again.apply(declared("a", coppa=False))
    assert again.steps() == ["update"]


def test_the_one_that_tells_most_is_asked():
    plain = live_placement("1", "a")
    scene = scene_of(plain, full(2, "b"))
    scene.apply(declared("a", "b", pacing={"value": 1, "unit": "day"}))
    assert scene.gateway.writes[0].id == "2"


def test_apps_and_placements_are_found_out_each():
    app = live_app(status="inactive", coppa=True, rewardedAdUrl="https://a.example/cb")
    scene = Scene(live_state(app, full(1, "a")), habits=REPLACES)
    scene.apply(desired_app(desired_placement("a", coppa=False), coppa=False))
    assert [(call.kind, len(call.fields)) for call in scene.gateway.writes] == [
        ("app", 1), ("app", 3), ("placement", 1), ("placement", 11),
    ]  # fmt: skip
    assert scene.gateway.resource("100").fields["rewardedAdUrl"] == "https://a.example/cb"
    assert scene.gateway.resource("100").fields["status"] == "inactive"
    assert habits_of(scene.store.seen).updates == {"app": "replaces", "placement": "replaces"}


def test_a_reset_to_a_default_that_is_a_value_is_one():
    live = live_placement("1", "a", placementType="Banner", bannerRefresh=88)
    scene = scene_of(live)
    scene.apply(desired_app(desired_placement("a", placementType="Banner", coppa=True)))
    assert changed(scene, "1") == {"coppa"}


def test_a_value_that_only_looks_like_a_default_proves_no_merging():
    live = [live_placement(str(n), f"p{n}", placementType="Banner", bannerRefresh=30) for n in (1, 2)]
    scene = scene_of(*live)
    blocks = [desired_placement(f"p{n}", placementType="Banner", coppa=True) for n in (1, 2)]
    scene.apply(desired_app(*blocks))
    assert habits_of(scene.store.seen).mode("placement") is None


def test_a_deactivation_is_an_update_too():
    scene = scene_of(live_placement("1", "a", capping=CAPPING, coppa=True))
    known = entry(at("a"), "1", applied={"status": "active"})
    scene.ledger = {at("a"): known}
    scene.apply(desired_app(prune="deactivate"))
    assert changed(scene, "1") == {"status"}


def test_the_second_call_of_an_inactive_placement_loses_nothing_that_was_created():
    for known in (AccountHabits(), AccountHabits({"placement": "replaces"})):
        scene = scene_of(updates=known)
        fields = {name: value for name, value in FULL.items() if name != "status"}
        done = scene.apply(declared("new", status="inactive", **fields))[at("new")]
        assert done.outcome == "applied"
        made = scene.gateway.named("new")[0].fields
        wanted = desired_placement("new", status="inactive", **fields).fields
        assert {name: made[name] for name in wanted} == wanted


@pytest.mark.parametrize("lag", [1, 8, 25])
def test_a_reading_that_still_shows_the_old_state_says_nothing(lag):
    scene = scene_of(full(1, "a"), full(2, "b"), habits=Habits(put_replaces=True, update_lag=lag))
    results = scene.apply(declared("a", "b", coppa=False), parallelism=2)
    assert {each.outcome for each in results.values()} == {"applied"}
    assert [changed(scene, each) for each in "12"] == [{"coppa"}] * 2


def test_a_merging_account_that_lags_is_no_replacing_one():
    scene = scene_of(full(1, "a"), full(2, "b"), habits=Habits(update_lag=8))
    scene.apply(declared("a", "b", coppa=False))
    assert [call.fields for call in scene.gateway.writes] == [{"coppa": False}] * 2
    assert habits_of(scene.store.seen) == AccountHabits({"placement": "merges"})


def test_a_field_that_reading_by_id_never_shows_is_not_lost():
    class Hides(FakeGateway):
        def find(self, kind, resource_id):
            found = super().find(kind, resource_id)
            kept = {name: value for name, value in found.fields.items() if name != "skipability"}
            return type(found)(found.kind, found.id, kept, found.app_id)

    scene = scene_of(full(1, "a"), full(2, "b"), habits=Habits(), gateway=Hides)
    results = scene.apply(declared("a", "b", coppa=False))
    assert {each.outcome for each in results.values()} == {"applied"}
    assert [changed(scene, each) for each in "12"] == [{"coppa"}] * 2


def test_what_is_declared_and_never_shown_is_sent_as_well():
    live = live_placement("1", "a", capping=CAPPING)
    block = desired_placement("a", skipability="NonSkippable")
    known = entry(block, "1", unconfirmed=frozenset({"skipability"}))
    habits = Habits(put_replaces=True, never_returned=frozenset({"skipability"}))
    scene = Scene(live_state(live_app(), live), known, habits=habits, updates=AccountHabits({"placement": "replaces"}))
    scene.apply(declared("a", skipability="NonSkippable", coppa=True))
    assert scene.gateway.writes[0].fields["skipability"] == "NonSkippable"


class TestWhatCannotBePutBack:
    @pytest.mark.parametrize("second", [Rejected(400, "no"), NotSent("no way"), Lost(committed=False)])
    def test_it_is_told_with_its_old_values_and_all_further_writes_are_stopped(self, second):
        scene = scene_of(full(1, "a"), full(2, "b"))
        scene.gateway.script("update", None, second)
        results = scene.apply(declared("a", "b", "new", coppa=False))
        done = results[at("a")]
        assert done.outcome == "failed"
        assert 'capping was {"unit":"hour","value":3}' in done.error
        assert "reconciler undo" in done.error
        assert set(done.reset) == FULL.keys() - {"coppa", "creativeTypes"} | {"creativeTypes"}
        assert {results[at(name)].outcome for name in ("b", "new")} == {"skipped"}
        assert scene.store.intents[0].before == full(1, "a").fields

    def test_where_it_cannot_be_read_the_outcome_is_unknown(self):
        scene = scene_of(full(1, "a"))
        scene.gateway.script("update", None, Lost(committed=False))
        scene.gateway.script("find", None, *[ApiError("HTTP 503")] * 20)
        scene.gateway.script("placements", *[ApiError("HTTP 503")] * 20)
        done = scene.apply(declared("a", coppa=False))[at("a")]
        assert (done.outcome, "capping was" in done.error) == ("unknown", True)

    def test_a_store_that_is_lost_is_told_with_the_old_values(self):
        class Forgetful(Scene):
            pass

        scene = Forgetful(live_state(live_app(), full(1, "a")), habits=REPLACES)
        kept = scene.store.intend
        calls = []

        def intend(intent):
            calls.append(intent)
            if len(calls) == 2:
                raise StoreError("the disk is full")
            kept(intent)

        scene.store.intend = intend
        done = scene.apply(declared("a", coppa=False))[at("a")]
        assert done.outcome == "failed"
        assert "capping was" in done.error
        assert "the disk is full" in done.error


class TestWhatCannotBeRead:
    def test_it_is_not_updated_while_the_account_replaces(self):
        odd = full(1, "a")
        odd = type(odd)(odd.kind, odd.id, {k: v for k, v in odd.fields.items() if k != "floorPrices"}, odd.app_id,
                        None, (("floorPrices", "a floor below zero"),))  # fmt: skip
        scene = Scene(live_state(live_app(), odd), habits=REPLACES, updates=AccountHabits({"placement": "replaces"}))
        done = scene.apply(declared("a", coppa=False))[at("a")]
        assert done.outcome == "blocked"
        assert "floorPrices: a floor below zero" in done.error
        assert scene.gateway.writes == []


class TestFloorsThatMerge:
    def scene(self, **more):
        live = live_placement("1", "a", floorPrices={"WW": 0.5, "DE": 0.8, "US": 1})
        block = desired_placement("a", floorPrices={"WW": 0.5, "DE": 0.8, "US": 1})
        return Scene(live_state(live_app(), live), entry(block, "1"), habits=Habits(floors_merge=True), **more)

    @pytest.mark.parametrize("price", [1, 2], ids=["removal alone", "beside another"])
    def test_a_removed_line_gets_the_worldwide_price_and_says_so(self, price):
        scene = self.scene()
        done = scene.apply(declared("a", floorPrices={"WW": 0.5, "US": price}))[at("a")]
        assert (done.outcome, done.kept) == ("normalised", {"floorPrices.DE": Decimal("0.5")})
        assert "the account keeps lines of floors that are left out" in done.error
        table = scene.gateway.resource("1").fields["floorPrices"]
        assert table == {"WW": Decimal("0.5"), "DE": Decimal("0.5"), "US": Decimal(str(price))}
        assert habits_of(scene.store.seen).floors_merge

    def test_once_known_it_is_sent_at_once(self):
        scene = self.scene(updates=AccountHabits({"placement": "merges"}, floors_merge=True))
        done = scene.apply(declared("a", floorPrices={"WW": 0.5, "US": 1}))[at("a")]
        assert done.outcome == "applied"
        assert len(scene.gateway.writes) == 1
        assert scene.clock.monotonic() - FakeClock().monotonic() < 5


class TestModes:
    def test_one_finds_out_and_the_others_go_on_side_by_side(self):
        modes = UpdateModes()
        with modes.turn("app", surely=True) as first:
            assert first
            modes.learn(AccountHabits({"app": "merges"}))
        with modes.turn("app", surely=True) as second, modes.turn("app", surely=True) as third:
            assert [second, third] == [False, False]

    def test_replaces_is_not_unlearned(self):
        known = AccountHabits({"app": "replaces"}).joined(AccountHabits({"app": "merges"}))
        assert known.mode("app") == "replaces"

    def test_what_another_checkout_wrote_makes_nothing_careless(self):
        events = [{"event": "learned", "updates": {"app": "merges", "placement": "replaces"}, "foreign": True}]
        assert habits_of(events) == AccountHabits({"placement": "replaces"})


class Picky(FakeGateway):
    """It shows what it does not take."""

    def update(self, before, fields):
        floors, geo = fields.get("floorPrices", {}), fields.get("geo", ...)
        if "XK" in floors or any(price < Decimal("0.01") for price in floors.values()):
            return Rejected(400, "floorPrices invalid")
        if geo is None:
            return Rejected(400, "geo.countries must not be empty")
        if fields.get("rewardedAdUrl", ...) is None:
            return Rejected(400, "rewardedAdUrl must be a url")
        return super().update(before, fields)


class TestWhatTheAccountShowsAndRefuses:
    FLOORS = floors(WW="0.5", US=2, XK="0.4", DE="0.005")

    @pytest.mark.parametrize("known", [AccountHabits(), REPLACING], ids=["first", "later"])
    def test_lines_of_floors_are_left_out_of_the_whole_resource_and_told(self, known):
        live = live_placement("1", "a", **{**FULL, "floorPrices": self.FLOORS})
        scene = scene_of(live, gateway=Picky, updates=known)
        done = scene.apply(declared("a", coppa=False))[at("a")]
        assert done.outcome == "applied"
        assert changed(scene, "1") == {"coppa", "floorPrices"}
        assert scene.gateway.resource("1").fields["floorPrices"] == floors(WW="0.5", US=2)
        assert "floorPrices.DE (was 0.005), floorPrices.XK (was 0.4)" in done.error
        assert "see to it in the console" in done.error

    @pytest.mark.parametrize("known", [AccountHabits(), REPLACING], ids=["first", "later"])
    @pytest.mark.parametrize(
        ("refused", "lost"),
        [({"below"}, {"floorPrices.DE"}), ({"codes"}, {"floorPrices.XK"}), ({"capping"}, {"capping"}),
         ({"below", "capping"}, {"floorPrices.DE", "capping"}),
         ({"below", "codes", "capping"}, {"floorPrices.DE", "floorPrices.XK", "capping"})],
    )  # fmt: skip
    def test_no_more_is_left_out_than_is_refused(self, known, refused, lost):
        class Refuses(FakeGateway):
            def update(self, before, fields):
                floors, capping = fields.get("floorPrices", {}), fields.get("capping") or {}
                wrong = {
                    "below": any(price < Decimal("0.01") for price in floors.values()),
                    "codes": "XK" in floors,
                    "capping": capping.get("value") == Decimal("2.5"),
                }
                if any(wrong[each] for each in refused):
                    return Rejected(400, "invalid")
                return super().update(before, fields)

        odd = {"floorPrices": self.FLOORS, "capping": {"value": Decimal("2.5"), "unit": "hour"}}
        scene = scene_of(live_placement("1", "a", **{**FULL, **odd}), gateway=Refuses, updates=known)
        done = scene.apply(declared("a", coppa=False))[at("a")]
        assert done.outcome == "applied"
        told = done.error.partition("refuses what it had itself: ")[2].partition(";")[0]
        assert {each.partition(" ")[0] for each in told.split("), ")} == lost
        assert changed(scene, "1") == {"coppa", *(name.partition(".")[0] for name in lost)}
        table = scene.gateway.resource("1").fields["floorPrices"]
        assert {country for country in self.FLOORS if country not in table} == {
            name.partition(".")[2] for name in lost if "." in name
        }

    def test_it_is_advised_to_do_what_the_manifest_does_not_do_already(self):
        sent = {"geo": None}
        assert "switch targeting off" in advice(400, sent, {"targetingEnabled": True})
        assert "switch targeting off" not in advice(400, sent, {"targetingEnabled": False})
        assert advice(400, {**sent, "targetingEnabled": False}, {"targetingEnabled": True}) is None
        assert "console" in advice(400, {"rewardedAdUrl": None}, {})
        assert advice(503, sent, {}) is None

    @pytest.mark.parametrize("known", [AccountHabits(), AccountHabits({"placement": "merges"})], ids=["new", "merges"])
    def test_targeting_that_an_account_keeps_beside_its_switch_is_turned_off_by_a_call_of_its_own(self, known):
        scene = scene_of(full(1, "a"), habits=Habits(), updates=known)
        done = scene.apply(declared("a", geo=None, connectivity=None, targetingEnabled=False))[at("a")]
        assert done.outcome == "applied"
        assert changed(scene, "1") == {"geo", "connectivity", "targetingEnabled"}
        assert [call.fields for call in scene.gateway.writes] == [
            {"targetingEnabled": False}, {"geo": None, "connectivity": None},
        ]  # fmt: skip
        (run,) = past_runs({**each, "at": "2026-11-28T12:00:00Z"} for each in journal(scene) if "address" in each)
        assert run.steps[0].before["targetingEnabled"] is True

    def test_empty_targeting_does_not_go_beside_its_switch(self):
        for known in (AccountHabits(), AccountHabits({"placement": "merges"}), REPLACING):
            scene = scene_of(full(1, "a"), gateway=Picky, updates=known)
            results = scene.apply(declared("a", geo=None, connectivity=None, targetingEnabled=False))
            assert results[at("a")].outcome != "failed"
            assert all("geo" not in call.fields for call in scene.gateway.writes)

    def test_an_empty_list_is_left_out_where_updates_replace(self):
        scene = scene_of(full(1, "a"), gateway=Picky, updates=REPLACING)
        done = scene.apply(declared("a", geo=None))[at("a")]
        assert (done.outcome, done.error) == ("applied", None)
        assert changed(scene, "1") == {"geo"}

    def test_where_they_do_not_what_to_do_is_told(self):
        scene = scene_of(full(1, "a"), gateway=Picky, habits=Habits())
        done = scene.apply(declared("a", geo=None))[at("a")]
        assert done.outcome == "failed"
        assert "targetingEnabled: false" in done.error
        assert "turn geo off in the console" in done.error

    def test_an_address_is_left_out_where_updates_replace(self):
        app = live_app(rewardedAdUrl="https://a.example/cb", coppa=True)
        known = AccountHabits({"app": "replaces"})
        scene = Scene(live_state(app), habits=REPLACES, gateway=Picky, updates=known)
        (done,) = scene.apply(desired_app(rewardedAdUrl=None, coppa=True, managed=False)).values()
        assert done.outcome in {"applied", "unverified"}
        assert not scene.gateway.resource("100").fields.get("rewardedAdUrl")
        assert scene.gateway.resource("100").fields["coppa"] is True


def test_the_values_of_a_block_that_is_off_are_sent_with_the_whole_resource_and_told_where_they_are_gone():
    live = replace(full(1, "a"), fields={**full(1, "a").fields, "pacing": None}, spelled={"pacing": CAPPING})
    scene = scene_of(live)
    done = scene.apply(declared("a", coppa=False))[at("a")]
    assert scene.gateway.writes[1].fields["pacing"] is None
    assert 'are not shown any more (pacing was {"unit":"hour","value":3})' in done.error


def test_values_of_a_block_that_is_off_are_told_by_the_reading_after_a_run_as_well():
    live = replace(full(1, "a"), fields={**full(1, "a").fields, "pacing": None}, spelled={"pacing": CAPPING})
    scene = scene_of(live, updates=REPLACING)
    done = scene.apply(declared("a", coppa=False))[at("a")]
    assert (done.outcome, "(pacing was " in done.error) == ("applied", True)


def test_what_nobody_can_see_is_warned_of_once():
    scene = scene_of(full(1, "a"), full(2, "b"))
    results = scene.apply(declared("a", "b", coppa=False))
    warned = ["fields that the account does not show" in (each.error or "") for each in results.values()]
    assert sorted(warned) == [False, True]


DOWN = [ApiError("HTTP 503")] * 40


def journal(scene):
    """The events of a scene's run as they are in a journal."""
    events = [intent_event(each) if isinstance(each, Intent) else ended_event(each) for each in scene.store.events]
    return [*scene.store.seen, *({**each, "run": "run-1"} for each in events)]


def lost_later(scene):
    """What the next run would put back, by id."""
    habits = habits_of(journal(scene))
    live = {(each.kind, each.id): each for each in scene.gateway.state().resources()}
    return {key[1]: set(left) for key in habits.lost for _, left in habits.lost_by(live[key], {"coppa"})}


class TestAnAccountThatCannotBeReadAfterTheFirstUpdate:
    def scene(self, *, silent=(), reads=("find", "placements"), **more):
        scene = scene_of(full(1, "a"), full(2, "b"), full(3, "c"), **more)
        for number in silent:
            scene.gateway.script("update", Silent(), of=str(number))
        for operation in reads:
            scene.gateway.script(operation, *DOWN)
        return scene

    def test_its_answer_tells_what_was_reset(self):
        scene = self.scene()
        results = scene.apply(declared("a", "b", "c", coppa=False), parallelism=3)
        assert {each.outcome for each in results.values()} == {"unverified"}
        assert [changed(scene, each) for each in "123"] == [{"coppa"}] * 3
        assert scene.store.habits().mode("placement") == "replaces"
        assert "they were put back" in results[at("a")].error

    def test_where_the_answer_says_nothing_the_others_are_sent_whole_and_the_first_is_looked_at_by_the_next_run(self):
        scene = self.scene(silent="1")
        results = scene.apply(declared("a", "b", "c", coppa=False), parallelism=3)
        assert [results[at(name)].outcome for name in "abc"] == ["unknown", "unverified", "unverified"]
        assert [changed(scene, each) for each in "23"] == [{"coppa"}] * 2
        assert lost_later(scene) == {"1": changed(scene, "1") - {"coppa"}} != {"1": set()}
        assert "may have been reset" in results[at("a")].error

    def test_the_next_run_puts_back_by_the_whole_resource_and_has_learned_from_what_it_sees(self):
        first = self.scene(silent="1")
        first.apply(declared("a", "b", "c", coppa=False))
        again = Scene(first.gateway.state(), habits=REPLACES, updates=habits_of(journal(first)))
        again.apply(declared("a", "c", coppa=True))
        assert [call.fields.keys() for call in again.gateway.writes if call.id == "3"] == [FULL.keys() | {"name"}]
        assert again.store.habits().mode("placement") == "replaces"
        assert changed(again, "3") == {"coppa"}

    def test_a_resource_that_may_have_been_reset_is_sent_whole(self):
        live = live_placement("1", "a", placementType="Banner", bannerRefresh=88, floorPrices={"WW": 1})
        first = scene_of(live)
        first.gateway.script("update", Silent())
        for operation in ("find", "placements"):
            first.gateway.script(operation, *DOWN)
        first.apply(desired_app(desired_placement("a", placementType="Banner", floorPrices={"WW": 2})))
        again = Scene(first.gateway.state(), habits=REPLACES, updates=habits_of(journal(first)))
        again.apply(desired_app(desired_placement("a", placementType="Banner", bannerRefresh=88)))
        assert changed(again, "1") == {"bannerRefresh"}
        assert len(again.gateway.writes) == 1

    def test_one_that_cannot_be_sent_whole_waits(self):
        odd = full(2, "b")
        odd = replace(odd, unreadable=(("floorPrices", "a floor below zero"),))
        scene = scene_of(full(1, "a"), odd)
        scene.gateway.script("update", Silent())
        for operation in ("find", "placements"):
            scene.gateway.script(operation, *DOWN)
        results = scene.apply(declared("a", "b", coppa=False))
        assert (results[at("b")].outcome, len(scene.gateway.writes)) == ("skipped", 1)
        assert "cannot be sent whole" in results[at("b")].error

    @pytest.mark.parametrize("replaces", [True, False], ids=["replaces", "merges"])
    def test_the_list_tells_where_the_reading_by_id_does_not(self, replaces):
        scene = self.scene(silent="123", reads=["find"], habits=Habits(put_replaces=replaces))
        results = scene.apply(declared("a", "b", "c", coppa=False), parallelism=3)
        assert {each.outcome for each in results.values()} == {"applied"}
        assert [changed(scene, each) for each in "123"] == [{"coppa"}] * 3
        assert scene.store.habits().mode("placement") == ("replaces" if replaces else "merges")

    def test_an_account_that_merges_and_answers_whole_is_in_no_doubt(self):
        scene = self.scene(habits=Habits())
        results = scene.apply(declared("a", "b", "c", coppa=False), parallelism=3)
        assert {each.outcome for each in results.values()} == {"unverified"}
        assert lost_later(scene) == {}

    @pytest.mark.parametrize("lag", [45, 70, 400])
    @pytest.mark.parametrize("silent", ["", "123"], ids=["full", "silent"])
    def test_readings_that_lag_for_longer_than_the_settle_time_lose_nothing(self, lag, silent):
        scene = self.scene(silent=silent, reads=(), habits=Habits(put_replaces=True, update_lag=lag))
        results = scene.apply(declared("a", "b", "c", coppa=False), parallelism=3)
        left = {each: changed(scene, each) - {"coppa"} for each in "123"}
        assert {each: names for each, names in left.items() if names} == lost_later(scene)
        assert (left["2"], left["3"]) == (set(), set())
        assert not left["1"] or results[at("a")].outcome in {"unknown", "failed"}

    def test_a_field_that_nothing_shows_raises_no_doubt(self):
        habits = Habits(never_returned=frozenset({"skipability"}))
        live = live_placement("1", "a", **{name: value for name, value in FULL.items() if name != "skipability"})
        scene = scene_of(live, habits=habits)
        fields = {name: value for name, value in live.fields.items() if name not in {"name", "placementType"}}
        done = scene.apply(declared("a", **{**fields, "skipability": "NonSkippable"}))[at("a")]
        assert (done.outcome, done.unchecked, lost_later(scene)) == ("unverified", False, {})


def test_an_update_that_is_found_to_have_reset_when_the_run_is_stopped_is_told_and_put_back_by_the_next():
    """Each shows a reset only in the reading after the run, and the first cannot be put back."""
    live = [live_placement(str(n), f"p{n}", placementType="Banner", bannerRefresh=30) for n in (1, 2, 3)]
    scene = scene_of(*live)
    for each in live[1:]:
        scene.gateway.meddle(each.id, bannerRefresh=88)
    scene.live = replace(
        scene.live,
        placements={
            "100": (live[0], *(replace(each, fields={**each.fields, "bannerRefresh": 88}) for each in live[1:]))
        },
    )
    scene.gateway.script("update", None, Rejected(400, "no"), of="2")
    blocks = [desired_placement(f"p{n}", placementType="Banner", coppa=True) for n in (1, 2, 3)]
    plan = scene.planned(desired_app(*blocks))
    scene.updates.give_up("placement")
    results = scene.carry_out(plan)
    assert [results[at(f"p{n}")].reset for n in (1, 2, 3)] == [(), ("bannerRefresh",), ("bannerRefresh",)]
    assert lost_later(scene) == {"2": {"bannerRefresh"}, "3": {"bannerRefresh"}}
