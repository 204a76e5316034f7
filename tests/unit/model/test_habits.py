"""What the journal says that updates may have reset, and when that is forgotten."""

import pytest
from support.builders import at, entry, ledger_of, live_app, live_placement, live_state

from reconciler.diff.removals import lost_notes
from reconciler.model.field import fields_from_json
from reconciler.model.habits import AccountHabits, habits_of

BEFORE = {"name": "a", "placementType": "Banner", "bannerRefresh": 88, "coppa": True, "floorPrices": {"WW": 1}}


def intent(run, after, before=BEFORE, **more):
    return {"event": "intent", "action": "update", "address": at("a"), "id": "1", "run": run,
            "before": before, "after": after, **more}  # fmt: skip


def ended(run, outcome, **more):
    return {"event": "ended", "action": "update", "address": at("a"), "id": "1", "run": run, "outcome": outcome, **more}


def live(**fields):
    return live_placement("1", **fields_from_json({**BEFORE, "bannerRefresh": 30, **fields}))


def lost(*events, declared=(), **fields):
    by_run = habits_of(events).lost_by(live(**fields), declared)
    return {update.run: dict(left) for update, left in by_run}


KILLED = intent("r1", {"floorPrices": {"WW": 2}})


def test_a_reset_to_a_default_that_is_a_value_is_one():
    assert lost(KILLED) == {"r1": {"bannerRefresh": 88}}
    assert lost(KILLED, declared={"bannerRefresh"}) == {}
    assert lost(KILLED, bannerRefresh=88) == {}
    assert lost(KILLED, {"event": "learned", "updates": {"placement": "merges"}}) == {}


@pytest.mark.parametrize("outcome", ["applied", "failed", "unverified"])
def test_a_later_update_of_something_else_erases_nothing(outcome):
    now = {**BEFORE, "bannerRefresh": 30}
    for whole in ({}, {"whole": True}):
        narrow = intent("r2", {"floorPrices": {"WW": 3}}, now, **whole)
        assert lost(KILLED, narrow, ended("r2", outcome)) == {"r1": {"bannerRefresh": 88}}


def test_what_a_later_update_sends_is_explained_once_it_is_done():
    again = intent("r2", {"bannerRefresh": 45}, {**BEFORE, "bannerRefresh": 30})
    assert lost(KILLED, again, ended("r2", "failed")) == {"r1": {"bannerRefresh": 88}}
    assert lost(KILLED, again, ended("r2", "applied"), bannerRefresh=45) == {}


def test_what_a_later_update_has_read_as_it_was_is_back():
    later = intent("r2", {"coppa": False}), ended("r2", "applied")
    assert lost(KILLED, *later) == {}


def test_what_is_known_to_be_reset_stays_known_after_a_failed_undo():
    known = KILLED, ended("r1", "failed", reset=["bannerRefresh"])
    undo = intent("r2", {"bannerRefresh": 88}, {**BEFORE, "bannerRefresh": 30}, whole=True), ended("r2", "failed")
    assert lost(*known, *undo) == {"r1": {"bannerRefresh": 88}}
    assert lost(*known, *undo[:1], ended("r2", "applied")) == {}


def test_targeting_goes_with_its_switch():
    before = {**BEFORE, "bannerRefresh": 30, "targetingEnabled": True, "connectivity": ["WIFI"]}
    assert lost(intent("r1", {"targetingEnabled": False}, before), targetingEnabled=False) == {}


def test_it_is_named_before_the_resource_is_in_the_ledger():
    state, habits = live_state(live_app(), live()), habits_of([KILLED])
    for ledger in ({}, ledger_of(entry(at("a"), "1", applied={"coppa": True}))):
        (note,) = lost_notes(state, ledger, habits)
        assert (note.address, "bannerRefresh (was 88)" in note.text) == (at("a"), True)
    assert list(lost_notes(state, {}, AccountHabits())) == []


@pytest.mark.parametrize("outcome", ["applied", "normalised", "unverified", "failed", "unknown"])
def test_an_update_that_nobody_has_seen_the_end_of_is_remembered(outcome):
    unseen = KILLED, ended("r1", outcome, unchecked=True)
    assert lost(*unseen) == {"r1": {"bannerRefresh": 88}}
    assert lost(*unseen, {"event": "learned", "updates": {"placement": "merges"}}) == {}
    (note,) = lost_notes(live_state(live_app(), live()), {}, habits_of(unseen))
    assert "run r1 could not be read back, and may have reset" in note.text


def test_the_last_end_of_an_update_counts():
    seen, unseen = ended("r1", "applied"), ended("r1", "unknown", unchecked=True)
    assert lost(KILLED, seen, unseen) == {"r1": {"bannerRefresh": 88}}
    assert lost(KILLED, unseen, seen) == {}
    again = intent("r2", {"bannerRefresh": 88}, {**BEFORE, "bannerRefresh": 30}, whole=True)
    assert lost(KILLED, again, ended("r2", "applied"), ended("r2", "failed")) == {"r1": {"bannerRefresh": 88}}


def test_what_a_second_call_of_a_run_could_not_put_back_stays_known():
    second = {**KILLED, "whole": True}
    told = KILLED, ended("r1", "applied"), second, ended("r1", "failed", reset=["bannerRefresh"])
    assert lost(*told) == {"r1": {"bannerRefresh": 88}}


def test_the_second_call_of_a_create_ends_with_it():
    assert lost(KILLED, {**ended("r1", "applied"), "action": "create"}) == {}
