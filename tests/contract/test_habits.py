"""Habits of accounts: the fake one and the sandbox behind the real client lag and keep values in the same way."""

from contextlib import ExitStack

import pytest
from support import habits
from support.builders import floors
from support.fake_clock import FakeClock
from support.fake_gateway import Echoed, FakeGateway, Habits, Lost, OldId, Refused

from reconciler.api.environment import SystemClock
from reconciler.apis.management.gateway import DtClient, DtGateway
from reconciler.http.auth import Credentials
from reconciler.model.secret import Secret
from reconciler.ports import Accepted, Ambiguous, Rejected
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.server import RunningSandbox, SandboxOptions

each = pytest.mark.parametrize

AS_QUIRKS = {
    "list_lag": "appears_after", "find_lag": "found_after", "update_lag": "updates_after", "replicas": "replicas",
    "echoes_normalised": "kept_answer",
}  # fmt: skip
KEEPS = {
    habits.LOWER: {"names": "lower"}, habits.TRIMMED: {"names": "trim"}, habits.CUT: {"names": "cut16"},
    habits.DASHES: {"names": "dashes"}, habits.ESCAPED: {"names": "escape"},
}  # fmt: skip
APP = {"platform": "android", "bundle": "com.a", "name": "A", "category1": "Finance", "coppa": False}


class World:
    """A gateway to an account with one app in it, and the clock that its lag is counted on."""

    def __init__(self, gateway, clock):
        self.gateway = gateway
        self.clock = clock
        self.app = gateway.create("app", APP, app_id=None).id
        clock.advance(seconds=1000)

    def make(self, name="int", **fields):
        sent = {"name": name, "placementType": "Interstitial", "coppa": False, **fields}
        return self.gateway.create("placement", sent, app_id=self.app)

    def names(self):
        return [placement.name for placement in self.gateway.placements(self.app, expected=True)]

    def find(self, resource_id):
        return self.gateway.find("placement", resource_id)


def quirks_of(told):
    named = {AS_QUIRKS[name]: value for name, value in told.items() if name != "keeps"}
    if "kept_answer" in named:
        named["kept_answer"] = "sent"
    return {**named, **KEEPS.get(told.get("keeps"), {})}


@pytest.fixture(params=["fake", "real"])
def world(request):
    """Makes a world with the habits given; `keeps` may bring the quirks that are the same."""
    with ExitStack() as opened:

        def make(keeps=None, same=None, **told):
            clock = FakeClock()
            if request.param == "fake":
                return World(FakeGateway(habits=Habits(keeps=keeps, **told), clock=clock), clock)
            quirks = Quirks(**quirks_of({"keeps": keeps, **told}), **(same or {}))
            sandbox = opened.enter_context(RunningSandbox(SandboxOptions(quirks=quirks)))
            sandbox.account.clock = lambda: 1_000_000 + clock.monotonic()
            credentials = Credentials(Secret("id"), Secret("secret"))
            client = opened.enter_context(DtClient(sandbox.url, credentials, clock=SystemClock()))
            return World(DtGateway(client, "3432"), clock)

        yield make


def test_something_new_shows_in_lists_and_by_its_id_when_their_lags_are_over(world):
    told = world(list_lag=20, find_lag=8)
    made = told.make()
    seen = []
    for seconds in (0, 7.5, 1, 11, 1):
        told.clock.advance(seconds=seconds)
        seen.append((told.names(), told.find(made.id) is not None))
    assert seen == [([], False), ([], False), ([], True), ([], True), (["int"], True)]


def test_an_update_shows_when_its_lag_is_over_and_its_answer_at_once(world):
    told = world(update_lag=8)
    before = told.find(told.make().id)
    told.clock.advance(seconds=60)
    assert told.gateway.update(before, {"name": "new"}).said["name"] == "new"
    told.clock.advance(seconds=7.5)
    assert (told.names(), told.find(before.id).name) == (["int"], "int")
    told.clock.advance(seconds=1)
    assert (told.names(), told.find(before.id).name) == (["new"], "new")


def test_what_is_deleted_stays_in_lists_for_that_long_and_is_gone_by_its_id(world):
    told = world(update_lag=8)
    made = told.make()
    told.clock.advance(seconds=60)
    told.gateway.delete("placement", made.id)
    assert (told.names(), told.find(made.id)) == (["int"], None)
    told.clock.advance(seconds=9)
    assert told.names() == []


def test_replicas_may_take_a_list_back_in_time_until_all_have_caught_up(world):
    told = world(replicas=(0, 4, 20))
    told.make()
    told.clock.advance(seconds=5)
    seen = [len(told.names()) for _ in range(30)]
    assert set(seen) == {0, 1}
    assert sorted(seen) != seen
    told.clock.advance(seconds=16)
    assert {len(told.names()) for _ in range(30)} == {1}


@each(("keeps", "kept"), [(habits.LOWER, " level_end_of_the_world&1 "), (habits.TRIMMED, "Level_End_of_the_World&1"),
                          (habits.CUT, " Level_End_of_th"), (habits.DASHES, " Level-End-of-the-World&1 "),
                          (habits.ESCAPED, " Level_End_of_the_World&amp;1 ")],
      ids=["lower", "trim", "cut", "dashes", "escape"])  # fmt: skip
def test_names_are_kept_otherwise_and_answers_say_so(world, keeps, kept):
    told = world(keeps=keeps)
    made = told.make(" Level_End_of_the_World&1 ")
    assert made.said["name"] == kept
    assert told.names() == [kept]


def test_answers_may_say_what_was_sent_all_the_same(world):
    told = world(keeps=habits.LOWER, echoes_normalised=True)
    assert told.make("A").said["name"] == "A"
    (kept,) = told.gateway.placements(told.app, expected=True)
    assert told.gateway.update(kept, {"name": "B"}).said["name"] == "B"
    assert told.names() == ["b"]


@each(("keeps", "same", "kept"), [
    (habits.rounded("0.05"), {"prices": 0.05}, {"WW": 0.01, "DE": 1.25, "CA": 2}),
    (habits.drops("CA"), {"drops": ("CA",)}, {"WW": 0.01, "DE": 1.234}),
    (habits.adds("US", "0.5"), {"adds": {"US": 0.5}}, {"WW": 0.01, "DE": 1.234, "CA": 2, "US": 0.5}),
    (habits.both(habits.rounded(), habits.drops("DE")), {"prices": 0.01, "drops": ("DE",)}, {"WW": 0.01, "CA": 2}),
], ids=["step", "drop", "add", "both"])  # fmt: skip
def test_floors_are_kept_otherwise(world, keeps, same, kept):
    told = world(keeps=keeps, same=same)
    made = told.make(floorPrices=floors(DE="1.234", CA=2))
    assert made.said["floorPrices"] == floors(**kept)
    assert told.find(made.id).fields["floorPrices"] == floors(**kept)
    told.gateway.update(told.find(made.id), {"floorPrices": floors(DE="1.234", CA=2)})
    assert told.find(made.id).fields["floorPrices"] == floors(**kept)


class TestFake:
    """Answers that cannot be believed, of which the sandbox makes faults with tests of their own."""

    def test_an_update_is_echoed_as_often_as_said_and_changes_nothing(self):
        told = World(FakeGateway(habits=Habits(echoes=2)), FakeClock())
        before = told.find(told.make().id)
        for name in ("a", "b", "c"):
            assert told.gateway.update(before, {"name": name}).said["name"] == name
        assert told.names() == ["c"]
        told.gateway.script("update", Echoed())
        told.gateway.update(before, {"name": "d"})
        assert told.names() == ["c"]

    @each("say", [True, False])
    def test_old_ids_by_replay_shift_and_removal_of_duplicates(self, say):
        ids = {}
        for how in ("replay", "shift", "dedup"):
            told = World(FakeGateway(habits=Habits(old_ids=how, old_ids_say=say)), FakeClock())
            answers = [told.make(name) for name in ("Int_1", "int-1 ", "other")]
            ids[how] = [each.id for each in answers], [each.id for each in told.gateway.state().placements[told.app]]
            assert bool(answers[1].said) is say
        (first, *_), made = ids["shift"]
        assert (ids["shift"][0], len(made)) == ([first, made[0], made[1]], 3)
        assert ids["replay"] == ([made[0]] * 3, [made[0]])
        assert ids["dedup"] == ([made[0], made[0], made[1]], made[:2])

    @each(("made", "count"), [(True, 2), (False, 1)])
    def test_one_create_is_answered_with_an_old_id(self, made, count):
        told = World(FakeGateway(), FakeClock())
        first = told.make("a")
        told.gateway.script("create", OldId(first.id, made=made))
        again = told.make("b")
        assert (again.id, again.said["name"], len(told.names())) == (first.id, "a", count)

    def test_a_create_that_is_lost_is_done_late(self):
        clock = FakeClock()
        told = World(FakeGateway(habits=Habits(list_lag=3), clock=clock), clock)
        told.gateway.script("create", Lost(committed=True, late=20))
        assert isinstance(told.make(), Ambiguous)
        seen = []
        for seconds in (0, 19, 1, 2, 1):
            clock.advance(seconds=seconds)
            seen.append((len(told.gateway.named("int")), len(told.names())))
        assert seen == [(0, 0), (0, 0), (1, 0), (1, 0), (1, 1)]

    @each("done", [True, False])
    def test_a_create_is_refused_and_done_or_not(self, done):
        told = World(FakeGateway(), FakeClock())
        told.gateway.script("create", Refused(303, done=done))
        assert isinstance(told.make(), Rejected)
        assert len(told.names()) == done

    def test_without_habits_all_is_as_sent_and_at_once(self):
        told = World(FakeGateway(), FakeClock())
        made = told.make(" A_b ")
        assert isinstance(made, Accepted)
        assert told.names() == [" A_b "] == [told.find(made.id).name]
