"""Creates of which nobody can tell at once whether they were done, with the least time that they are given in full."""

import pytest
from support import habits
from support.builders import APP_ID, at, desired_app, desired_placement, desired_state, live_app, live_placement
from support.builders import live_state as account
from support.clone import Clone
from support.fake_clock import FakeClock
from support.fake_gateway import FakeGateway, Habits, Lost, OldId

from reconciler.errors import ApiError
from reconciler.model.state import Safety

each = pytest.mark.parametrize

LEAST = 30.0
FIRST, SECOND = (
    desired_placement(name, coppa=False, floorPrices={"US": 2}) for name in ("Level_End_of_the_World", "other")
)
ALONE, BESIDE = (
    desired_state(desired_app(*blocks), safety=Safety(settle_seconds=LEAST)) for blocks in ((FIRST,), (FIRST, SECOND))
)
NAME = "Level_End_of_the_World"


@pytest.fixture
def world(tmp_path):
    """Makes an account with one app and a stranger in it, and a clone of the project that declares the app."""

    def make(*also, **told):
        clock = FakeClock()
        stranger = live_placement("7", "theirs", floorPrices={"US": 9})
        gateway = FakeGateway(account(live_app(APP_ID), stranger, *also), Habits(**told), clock)
        return gateway, Clone(tmp_path / "clone", gateway, clock), clock

    return make


def creates(gateway, name=NAME):
    return [call for call in gateway.calls if call.operation == "create" and call.fields["name"] == name]


def made(gateway):
    """How many resources were made for the first block, whatever they are called."""
    return sum(sent["name"] == NAME for sent in gateway.sent_for.values())


class TestLag:
    @each("lag", [8, 20])
    def test_lists_that_lag_less_than_the_settle_time_show_what_was_made(self, world, lag):
        gateway, clone, _ = world(list_lag=lag, find_lag=lag)
        gateway.script("create", Lost(committed=True), of=NAME)
        result = clone.apply(ALONE)[FIRST.address]
        assert (result.outcome, result.id) == ("applied", gateway.named(NAME)[0].id)
        assert len(creates(gateway)) == made(gateway) == 1
        assert clone.apply(ALONE) == {}

    @each("blocks", [ALONE, BESIDE], ids=["alone", "beside a younger one"])
    @each("lag", [40, 60])
    def test_lists_that_lag_more_leave_it_unknown_and_the_next_run_finds_it(self, world, blocks, lag):
        gateway, clone, clock = world(list_lag=lag, find_lag=lag)
        gateway.script("create", Lost(committed=True), of=NAME)
        result = clone.apply(blocks)[FIRST.address]
        assert result.outcome in {"applied", "unknown"}
        assert len(creates(gateway)) == made(gateway) == 1
        clone.apply(blocks)
        clock.advance(seconds=3 * LEAST)
        clone.apply(blocks)
        assert made(gateway) == 1
        assert clone.ledger()[FIRST.address].id == gateway.named(NAME)[0].id
        assert clone.planned(blocks).changes == ()

    def test_silence_alone_is_no_evidence(self, world):
        gateway, clone, clock = world()
        gateway.script("create", Lost(committed=False), of=NAME)
        result = clone.apply(ALONE)[FIRST.address]
        assert (result.outcome, len(creates(gateway)), made(gateway)) == ("unknown", 1, 0)
        assert result.error
        assert clock.monotonic() >= LEAST

    def test_a_younger_one_in_the_list_is_evidence_once_the_settle_time_is_over(self, world):
        gateway, clone, clock = world(list_lag=8)
        gateway.script("create", Lost(committed=False), of=NAME)
        results = clone.apply(BESIDE)
        assert {each.outcome for each in results.values()} <= {"applied", "unverified"}
        assert (len(creates(gateway)), made(gateway)) == (2, 1)
        assert clock.monotonic() >= LEAST

    def test_one_that_is_older_than_the_doubt_is_none(self, world):
        """The other was made before the first create failed: a list that shows it may lag behind the failure."""
        gateway, clone, _ = world()
        other = desired_placement("A_first_one", coppa=False)
        state = desired_state(desired_app(other, FIRST), safety=Safety(settle_seconds=LEAST))
        gateway.script("create", Lost(committed=False), of=NAME)
        results = clone.apply(state)
        assert results[other.address].outcome == "applied"
        assert results[FIRST.address].outcome == "unknown"
        assert len(creates(gateway)) == 1

    def test_the_other_steps_of_the_wave_go_on_meanwhile(self, world):
        gateway, clone, _ = world()
        gateway.script("create", Lost(committed=True), of=NAME)
        clone.apply(BESIDE)
        names = [call.fields.get("name") for call in gateway.calls if call.operation in {"create", "placements"}]
        assert names.index("other") < names.index(None, names.index(NAME))

    def test_an_open_create_is_not_sent_anew_before_it_had_three_settle_times(self, world):
        gateway, clone, clock = world()
        gateway.script("create", Lost(committed=False), of=NAME)
        clone.apply(ALONE)
        results = clone.apply(ALONE)
        again = creates(gateway)
        assert len(again) == 1 or clock.monotonic() >= 3 * LEAST, results
        clock.advance(seconds=3 * LEAST)
        assert clone.apply(ALONE).get(FIRST.address) is None or made(gateway) == 1
        assert made(gateway) == 1
        assert clone.planned(ALONE).changes == ()

    def test_one_that_is_done_late_is_found_and_not_made_again(self, world):
        gateway, clone, clock = world()
        gateway.script("create", Lost(committed=True, late=LEAST - 1), of=NAME)
        clone.apply(BESIDE)
        clock.advance(seconds=3 * LEAST)
        clone.apply(BESIDE)
        assert (len(creates(gateway)), made(gateway)) == (1, 1)
        assert clone.planned(BESIDE).changes == ()

    def test_stale_replicas_make_no_twin(self, world):
        for seed in range(20):
            gateway, clone, clock = world(list_lag=5, replicas=(0, 4, 20), seed=seed)
            clone.root = clone.root.with_name(f"clone{seed}")
            clone.root.mkdir()
            gateway.script("create", Lost(committed=seed % 2 == 0), of=NAME)
            for _ in range(3):
                clone.apply(BESIDE)
                clock.advance(seconds=3 * LEAST)
            assert made(gateway) == 1
            assert clone.planned(BESIDE).changes == ()


KEPT = {
    "lower": habits.LOWER, "cut": habits.CUT, "dashes": habits.DASHES,
    "escaped": habits.called(lambda name: f"&lt;{name}&gt;"),
}  # fmt: skip


@each("keeps", KEPT.values(), ids=KEPT)
@each("blocks", [ALONE, BESIDE], ids=["alone", "beside another"])
def test_a_new_id_that_no_step_claims_is_no_silence_now_or_later(world, keeps, blocks):
    gateway, clone, clock = world(keeps=keeps)
    gateway.script("create", Lost(committed=True), of=NAME)
    result = clone.apply(blocks)[FIRST.address]
    (there,) = (key for key, sent in gateway.sent_for.items() if sent["name"] == NAME)
    assert result.outcome == "unknown"
    assert there in result.error
    for seconds in (0, 1, 3 * LEAST, 3600):
        clock.advance(seconds=seconds)
        again = clone.apply(blocks).get(FIRST.address)
        assert again is not None
        assert again.outcome in {"unknown", "blocked"}
        assert there in again.error
    assert len(creates(gateway)) == made(gateway) == 1


class TestOldIds:
    @each("old", ["7", APP_ID, "8"], ids=["a stranger's", "the app's", "an owned one's"])
    @each("said", [True, False])
    @each("done", [True, False])
    def test_an_id_that_was_known_before_is_never_remembered_or_written_to(self, world, old, said, done):
        gateway, clone, clock = world(live_placement("8", "other", floorPrices={"US": 2}))
        before = {each: gateway.resource(each) for each in ("7", APP_ID, "8")}
        gateway.script("create", OldId(old, made=done, said=said), of=NAME)
        result = clone.apply(BESIDE)[FIRST.address]
        assert len(creates(gateway)) == 1
        assert result.outcome == ("applied" if done else "unknown")
        for _ in range(2):
            clock.advance(seconds=3 * LEAST)
            clone.apply(BESIDE)
        assert {each: gateway.resource(each) for each in before} == before
        assert (made(gateway), len(gateway.named(NAME))) == (1, 1)
        assert clone.ledger()[FIRST.address].id == gateway.named(NAME)[0].id

    @each("how", ["replay", "shift", "dedup"])
    @each("said", [True, False])
    def test_no_two_addresses_get_one_id(self, world, how, said):
        gateway, clone, clock = world(old_ids=how, old_ids_say=said)
        blocks = [desired_placement(f"int_{number}", coppa=False, floorPrices={"US": number}) for number in range(1, 5)]
        state = desired_state(desired_app(*blocks), safety=Safety(settle_seconds=LEAST))
        stranger = gateway.resource("7")
        for _ in range(3):
            clone.apply(state, parallelism=3)
            clock.advance(seconds=3 * LEAST)
            ids = [each.id for each in clone.ledger().values()]
            assert len(set(ids)) == len(ids)
            assert "7" not in ids
        assert gateway.resource("7") == stranger
        for each_block in blocks:
            assert len(gateway.named(each_block.fields["name"])) <= 1
            known = clone.ledger().get(each_block.address)
            assert known is None or gateway.resource(known.id).name == each_block.fields["name"]

    def test_a_read_back_of_another_identity_is_ambiguous(self, world):
        """The id is new, but what stands under it is not what was sent: somebody else's create came back."""

        def keeps(_, sent):
            return {**sent, "name": "something else"}

        gateway, clone, _ = world(keeps=keeps, silent=True)
        result = clone.apply(ALONE)[FIRST.address]
        assert result.outcome in {"unknown", "normalised"}
        assert result.outcome == "normalised" or FIRST.address not in clone.ledger()
        assert len(creates(gateway)) == 1


class TestNotVisibleYet:
    def test_what_was_made_moments_ago_is_not_made_again_even_with_leave(self, world):
        gateway, clone, clock = world(list_lag=60, find_lag=60, silent=True)
        clone.apply(ALONE)
        for recreate in (False, True):
            plan = clone.planned(ALONE, recreate=recreate)
            told = " ".join(getattr(change, "reason", None) or "" for change in plan.changes)
            told += " ".join(str(note) for note in plan.notes)
            assert "--recreate" not in told
            assert not [change for change in plan.changes if type(change).__name__ == "Create"]
            clone.apply(ALONE, recreate=recreate)
        assert len(creates(gateway)) == made(gateway) == 1
        clock.advance(seconds=2 * LEAST)
        assert clone.planned(ALONE, recreate=True).changes == ()

    def test_what_somebody_removed_long_after_is_missing_as_before(self, world):
        gateway, clone, clock = world()
        clone.apply(ALONE)
        clock.advance(hours=1)
        gateway.remove(gateway.named(NAME)[0].id)
        (change,) = clone.planned(ALONE).changes
        assert "--recreate" in change.reason
        assert clone.apply(ALONE, recreate=True)[FIRST.address].outcome == "applied"


class TestRead:
    def test_a_run_that_cannot_look_does_not_send_again(self, world):
        gateway, clone, _ = world()
        gateway.script("create", Lost(committed=True), of=NAME)
        gateway.script("placements", None, *[ApiError("HTTP 503")] * 200, of=APP_ID)
        result = clone.apply(BESIDE)[FIRST.address]
        assert (result.outcome, len(creates(gateway))) == ("unknown", 1)

    def test_one_list_for_each_app_that_was_touched_verifies_a_run(self, world):
        gateway, clone, _ = world()
        clone.apply(BESIDE)
        reads = [(call.operation, call.id) for call in gateway.calls if call.operation not in {"create", "update"}]
        assert reads == [("apps", None), ("placements", APP_ID), ("placements", APP_ID)]


@each("ahead", [0, 25])
def test_two_clones_at_once_are_told_by_the_second_with_both_ids(world, tmp_path, ahead):
    gateway, ours, clock = world()
    theirs = Clone(tmp_path / "theirs", Racing(gateway, lambda: ours.apply(ALONE), clock, ahead), clock)
    result = theirs.apply(ALONE)[at(NAME)]
    ids = [each.id for each in gateway.named(NAME)]
    assert len(ids) == 2
    assert {each.outcome for each in ours.execution.results} == {"applied"}
    assert result.outcome == "unknown"
    assert all(each in result.error for each in ids)
    ended = [line for line in theirs.journal() if line.get("event") == "ended" and line.get("address") == at(NAME)]
    assert ended[-1]["outcome"] == "unknown"
    assert all(each in ended[-1]["error"] for each in ids)
    for _ in range(2):
        clock.advance(seconds=3 * LEAST)
        theirs.apply(ALONE)
        ours.apply(ALONE)
    assert len(gateway.named(NAME)) == 2


class Racing:
    """A gateway in front of another, on which somebody else is faster: right before the first create."""

    def __init__(self, gateway, faster, clock, seconds):
        self._gateway = gateway
        self._faster = faster
        self._clock = clock
        self._seconds = seconds

    def __getattr__(self, name):
        return getattr(self._gateway, name)

    def create(self, kind, fields, *, app_id):
        if self._faster is not None:
            faster, self._faster = self._faster, None
            faster()
            self._clock.advance(seconds=self._seconds)
        return self._gateway.create(kind, fields, app_id=app_id)
