"""What a run rests on: the account as its plan saw it, whole lists, a readable ledger, an API that merges."""

import json
import os
import pty
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest
from support.command import Project

from reconciler.sandbox import faults
from reconciler.sandbox.fault_script import FaultScript
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.server import RunningSandbox, SandboxOptions

APP, BUNDLE = "android:com.acme", "com.acme"
LONG_AGO = "2020-01-01T00:00:00+00:00"
SAFETY = "safety: {settleSeconds: 0.1, maxChangePercent: 100, maxFloorChangePercent: 1000}\n"


def block(*placements, **more):
    told = {"platform": "android", "bundle": BUNDLE, "name": "Acme", "category1": "Finance", "coppa": False, **more}
    return {**told, "placements": [{"placementType": "Interstitial", "coppa": False, **each} for each in placements]}


class World:
    """A project and its account."""

    def __init__(self, project, sandbox):
        self.project = project
        self.sandbox = sandbox
        self.account = sandbox.account

    def declares(self, *apps):
        self.project.write("apps/acme.yaml", json.dumps({"version": 1, "apps": apps}))

    def settles(self, *apps):
        """Declare and apply; from then on nothing was asked yet."""
        self.declares(*apps)
        done = self.project.call("apply", "--yes", "--max-deletes", "9")
        assert done.code == 0, done.err
        self.account.requests.clear()

    def strike(self, *some):
        self.sandbox.follow(FaultScript(some))

    def saves(self, *more):
        assert self.project.call("plan", "--out", str(self.project.root / "plan.json"), *more).code == 0
        self.account.requests.clear()

    def applies_saved(self, *more):
        return self.project.call("apply", str(self.project.root / "plan.json"), "--format", "json", *more)

    def named(self, name):
        return [each for each in (*self.account.apps(), *self.account.placements()) if each.fields["name"] == name]

    def edits(self, name, **fields):
        """Somebody works in the console."""
        (found,) = self.named(name)
        self.account.replace(found.kind, found.id, {**found.fields, **fields})

    @property
    def writes(self):
        return [
            (seen.method, seen.body)
            for seen in self.account.requests
            if seen.method != "GET" and not seen.path.endswith("/auth")
        ]

    def kills_apply_after_its_update(self):
        """An apply that sends one update ends before it has read what came of it."""
        self.strike(faults.Timeout(on="GET placement", containing="240001", seconds=60))
        running = self.project.start("apply", "--yes")
        while not any(method == "PUT" for method, _ in self.writes):
            time.sleep(0.01)
        time.sleep(0.2)
        running.kill()
        running.communicate()
        self.strike()


@pytest.fixture
def worlds(tmp_path):
    """Makes worlds; keywords are quirks of the server."""
    with ExitStack() as opened:

        def make(**quirks):
            sandbox = opened.enter_context(RunningSandbox(SandboxOptions(quirks=Quirks(**quirks))))
            project = Project(tmp_path / f"project{len(list(tmp_path.iterdir()))}", sandbox.url)
            project.write("reconciler.yaml", f'version: 1\npublisherId: "3432"\n{SAFETY}')
            return World(project, sandbox)

        yield make


def with_floor(price):
    return {"name": "a", "floorPrices": {"US": price}}


class TestSavedPlans:
    @pytest.fixture
    def world(self, worlds):
        world = worlds()
        world.settles(
            block(with_floor(1), {"name": "b", "capping": {"value": 1, "unit": "day"}}, {"name": "bystander"})
        )
        world.declares(
            block(
                with_floor(2),
                {"name": "b", "capping": {"value": 2, "unit": "day"}},
                {"name": "bystander"},
                {"name": "c"},
            )
        )
        world.saves()
        return world

    def test_an_edit_of_what_a_plan_changes_stops_it_and_is_named(self, world):
        world.edits("a", floorPrices={"US": 1.5, "WW": 0.01})
        done = world.applies_saved()
        assert done.code == 4
        assert f"{APP}/a" in done.err
        assert "floorPrices.US was 1, is 1.5" in done.err
        assert f"{APP}/b" not in done.err
        assert world.writes == []

    def test_an_edit_beside_the_changed_fields_stops_it_too(self, world):
        world.edits("a", status="inactive")
        done = world.applies_saved()
        assert (done.code, world.writes) == (4, [])
        assert f"{APP}/a: fields that the plan does not change have moved" in done.err

    def test_skip_stale_goes_on_with_the_rest(self, world):
        world.edits("a", floorPrices={"US": 1.5, "WW": 0.01})
        done = world.applies_saved("--skip-stale")
        assert done.code == 3
        assert done.outcomes() == {f"{APP}/a": "skipped", f"{APP}/b": "applied", f"{APP}/c": "applied"}
        assert world.named("a")[0].fields["floorPrices"]["US"] == 1.5

    def test_what_was_made_meanwhile_is_not_made_again(self, world):
        (app,) = world.account.apps()
        world.account.create("placement", {"name": "c", "placementType": "Interstitial"}, app_id=app.id)
        done = world.applies_saved()
        assert (done.code, world.writes) == (4, [])
        assert f"{APP}/c: it exists by now" in done.err

    def test_an_edit_of_a_bystander_does_not_matter(self, world):
        world.edits("bystander", status="inactive")
        assert world.applies_saved().code == 0

    def test_a_plan_that_was_applied_is_not_applied_again(self, world):
        assert world.applies_saved().code == 0
        world.account.requests.clear()
        assert (world.applies_saved().code, world.writes) == (4, [])

    def test_a_plan_that_was_broken_off_goes_on_with_skip_stale(self, world):
        world.strike(faults.Status(on="POST placement", status=422))
        assert world.applies_saved().code == 3
        world.strike()
        assert world.applies_saved().code == 4
        assert world.applies_saved("--skip-stale").outcomes()[f"{APP}/c"] == "applied"


def test_an_app_that_gained_a_placement_after_the_plan_is_not_deleted_with_it(worlds):
    world = worlds()
    world.settles(block())
    world.settles({**block(), "state": "absent"})
    (quarantined,) = world.project.entries()
    world.project.write("reconciler.lock", json.dumps({**quarantined, "inactiveSince": LONG_AGO}) + "\n")
    world.saves()
    (app,) = world.account.apps()
    theirs = world.account.create("placement", {"name": "theirs", "placementType": "Banner"}, app_id=app.id)
    done = world.applies_saved("--max-deletes", "1")
    assert (done.code, world.writes) == (0, [])
    assert "held" in world.project.call("apply", str(world.project.root / "plan.json"), "--max-deletes", "1").out
    world.saves("--max-deletes", "1")
    assert world.applies_saved("--max-deletes", "1").code == 3
    world.account.delete("placement", theirs.id)
    world.saves("--max-deletes", "1")
    world.account.create("placement", {"name": "theirs", "placementType": "Banner"}, app_id=app.id)
    done = world.applies_saved("--max-deletes", "1")
    assert done.code == 6
    assert "in it are not ours" in done.err
    assert world.writes == []
    assert len(world.named("theirs")) == 1


def test_a_yes_that_came_late_is_for_a_plan_that_still_holds(worlds):
    world = worlds()
    world.settles(block(with_floor(1)))
    world.declares(block(with_floor(2)))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "reconciler", "apply", "--no-color"]
    with subprocess.Popen(
        command, cwd=world.project.root, env=world.project.env, stdin=theirs, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stderr is not None
        told = ""
        while "Only 'yes'" not in told:
            told += (letter := running.stderr.read(1))
            assert letter, told
        world.edits("a", floorPrices={"US": 1.5, "WW": 0.01})
        os.write(ours, b"yes\n")
        told += running.stderr.read()
    os.close(ours)
    os.close(theirs)
    assert running.returncode == 4, told
    assert "floorPrices.US was 1, is 1.5" in told
    assert world.writes == []


class TestDoubtfulLists:
    @pytest.fixture
    def world(self, worlds):
        world = worlds()
        world.settles(block({"name": "kept"}, {"name": "gone"}))
        lines = world.project.entries()
        for line in lines:
            if line["address"].endswith("gone"):
                line["inactiveSince"] = LONG_AGO
        world.project.write("reconciler.lock", "".join(json.dumps(line) + "\n" for line in lines))
        world.edits("gone", status="inactive")
        world.declares(block({"name": "kept"}, {"name": "gone", "state": "absent"}, {"name": "new"}))
        return world

    def test_where_a_list_leaves_out_what_is_ours_nothing_is_made_or_deleted(self, world):
        (kept,) = world.named("kept")
        world.strike(faults.Omit(on="GET placement", omit=(kept.id,)))
        done = world.project.call("apply", "--yes", "--max-deletes", "1", "--format", "json")
        assert done.code == 3
        assert done.outcomes() == {f"{APP}/gone": "blocked", f"{APP}/new": "blocked"}
        assert world.writes == []
        assert any(seen.query.get("placementId") == kept.id for seen in world.account.requests)
        world.strike()
        assert world.project.call("apply", "--yes", "--max-deletes", "1").code == 0
        assert [len(world.named(name)) for name in ("kept", "gone", "new")] == [1, 0, 1]

    def test_what_is_truly_gone_is_made_again_only_when_asked_for(self, world):
        (kept,) = world.named("kept")
        world.account.delete("placement", kept.id)
        arguments = "apply", "--yes", "--max-deletes", "1", "--format", "json"
        done = world.project.call(*arguments)
        assert (done.code, done.outcomes()[f"{APP}/kept"]) == (3, "blocked")
        assert f"id {kept.id}" in str(done.json)
        assert world.named("kept") == []
        assert world.project.call(*arguments, "--recreate").code == 0
        (again,) = world.named("kept")
        assert again.id != kept.id


class TestLedger:
    @pytest.fixture
    def world(self, worlds):
        world = worlds()
        world.settles(block({"name": "a"}, {"name": "b"}))
        return world

    def test_a_torn_ledger_is_named_and_nothing_is_sent(self, world):
        whole = world.project.read("reconciler.lock")
        world.project.write("reconciler.lock", whole[:-9])
        done = world.project.call("apply", "--yes")
        assert done.code == 1
        assert f"reconciler.lock:{whole.count(chr(10))}" in done.err
        assert world.writes == []

    @pytest.mark.parametrize("left", [None, ""], ids=["gone", "emptied"])
    def test_a_lost_ledger_is_rebuilt_from_the_journal(self, world, left):
        path = world.project.root / "reconciler.lock"
        whole = path.read_text()
        path.unlink() if left is None else path.write_text(left)
        (gone,) = world.named("a")
        world.account.delete("placement", gone.id)
        done = world.project.call("apply", "--yes", "--format", "json")
        assert done.outcomes() == {f"{APP}/a": "blocked"}
        assert "missing" in str(done.json)
        assert path.read_text() == whole


class TestReplacingPut:
    def test_what_the_first_update_resets_is_put_back_and_the_others_send_everything(self, worlds):
        world = worlds(put="replace")
        names = [f"p{number}" for number in range(6)]
        world.settles(block(*({"name": name} for name in names)))
        for name in names:
            world.edits(name, capping={"value": 1, "unit": "day"})
        new = {"name": "new"}
        world.declares(block(*({"name": name, "floorPrices": {"US": 2}} for name in names), new))
        done = world.project.call("apply", "--yes", "--format", "json")
        assert done.code == 0
        assert [method for method, _ in world.writes] == [*["PUT"] * 7, "POST"]
        first, *rest = (each for each in done.json["results"] if not each["address"].endswith("new"))
        assert "it reset fields it was not sent (capping): they were put back" in first["error"]
        assert {each["error"] for each in rest} == {None}
        capped = {each.fields["name"] for each in world.account.placements() if each.fields.get("capping")}
        assert capped == set(names)

    def test_where_it_cannot_be_put_back_nothing_more_is_written_and_undo_does_it(self, worlds):
        world = worlds(put="replace")
        names = [f"p{number}" for number in range(3)]
        world.settles(block(*({"name": name} for name in names)))
        for name in names:
            world.edits(name, capping={"value": 1, "unit": "day"})
        world.declares(block(*({"name": name, "floorPrices": {"US": 2}} for name in names)))
        world.strike(faults.Status(on="PUT placement", status=400, nth=2))
        done = world.project.call("apply", "--yes", "--format", "json")
        assert done.code == 3
        assert list(done.outcomes().values()) == ["failed", "skipped", "skipped"]
        error = done.json["results"][0]["error"]
        assert 'fields that were not sent were reset (capping was {"unit":"day","value":1})' in error
        assert "refused with 400" in error
        assert "all further writes were stopped" in done.json["results"][1]["error"]
        world.strike()
        run = done.json["run"]
        assert world.project.call("undo", run, "--yes").code == 0
        assert all(world.named(name)[0].fields["capping"] == {"value": 1, "unit": "day"} for name in names)
        again = world.project.call("apply", "--yes", "--format", "json")
        assert again.code == 0
        assert all(world.named(name)[0].fields["capping"] == {"value": 1, "unit": "day"} for name in names)

    def test_a_run_that_was_killed_between_the_two_calls_is_told_until_it_is_undone(self, worlds):
        world = worlds(put="replace")
        world.settles(block({"name": "a"}))
        world.edits("a", capping={"value": 1, "unit": "day"})
        world.declares(block({"name": "a", "floorPrices": {"US": 2}}))
        world.kills_apply_after_its_update()
        told = "was killed, and may have reset what it did not send: capping (was"
        assert told in world.project.call("plan").out
        drift = world.project.call("drift", "--format", "json")
        assert any(told in note["text"] for note in drift.json["notes"])
        run = world.project.call("history", "--format", "json").json["runs"][-1]["run"]
        done = world.project.call("undo", run, "--yes")
        assert done.code == 0, done.err
        assert world.named("a")[0].fields["capping"] == {"value": 1, "unit": "day"}
        assert told not in world.project.call("plan").out

    def test_the_next_run_puts_back_what_a_killed_one_has_reset(self, worlds):
        world = worlds(put="replace")
        world.settles(block({"name": "a"}))
        world.edits("a", capping={"value": 1, "unit": "day"})
        world.declares(block({"name": "a", "floorPrices": {"US": 2}}))
        world.kills_apply_after_its_update()
        plan = world.project.call("plan", "--format", "json")
        (change,) = plan.json["changes"]
        assert "may have reset (capping)" in change["reason"]
        assert world.project.call("apply", "--yes").code == 0
        assert world.named("a")[0].fields["capping"] == {"value": 1, "unit": "day"}
        assert world.project.call("plan", "--detailed-exitcode").code == 0

    def test_a_pull_does_not_take_what_a_killed_run_may_have_reset(self, worlds):
        world = worlds(put="replace")
        world.settles(block({"name": "a", "floorPrices": {"US": 2}, "capping": {"value": 1, "unit": "day"}}))
        file = world.project.root / "apps/acme.yaml"
        file.write_text(file.read_text().replace('"US": 2', '"US": 2.5'))
        world.kills_apply_after_its_update()
        before = file.read_text()
        done = world.project.call("pull", "--format", "json")
        assert (done.code, file.read_text()) == (0, before)
        (note,) = [each["text"] for each in done.json["notes"] if "capping" in each["text"]]
        assert 'declared {"unit":"day","value":1}, the account has (none)' in note
        assert "was killed, and may have reset it: what is declared stays, --theirs takes what is live" in note
        assert world.project.call("pull", "--check", "--theirs", "--format", "json").json["changes"]
        world.declares(block())
        added = world.project.call("pull", "--check", "--format", "json")
        assert any("capping: run" in each["text"] and "left undeclared" in each["text"] for each in added.json["notes"])
        file.write_text(before)
        assert world.project.call("apply", "--yes").code == 0
        assert world.named("a")[0].fields["capping"] == {"value": 1, "unit": "day"}

    @pytest.mark.parametrize("answer", ["full", "message"])
    def test_nothing_is_lost_where_no_reading_works_after_the_first_update(self, worlds, answer):
        world = worlds(put="replace", put_answer=answer)
        names = [f"p{number}" for number in range(3)]
        world.settles(block(*({"name": name} for name in names)))
        for name in names:
            world.edits(name, capping={"value": 1, "unit": "day"})
        world.declares(block(*({"name": name, "floorPrices": {"US": 2}} for name in names)))
        world.strike(
            faults.Status(on="GET placement", containing="24000", status=403),
            faults.Status(on="GET placement", containing="17000", status=403, nth=2, times=99),
        )
        done = world.project.call("apply", "--yes", "--format", "json")
        outcomes = {"unverified"} if answer == "full" else {"unknown", "unverified"}
        assert (done.code, set(done.outcomes().values())) == (0 if answer == "full" else 3, outcomes)
        capped = {each.fields["name"] for each in world.account.placements() if each.fields.get("capping")}
        assert capped == set(names if answer == "full" else names[1:])
        world.strike()
        plan = world.project.call("plan", "--format", "json")
        assert [change["reason"] for change in plan.json["changes"]] == [
            "puts back what an earlier update may have reset (capping); declare what is to be otherwise"
        ] * (answer == "message")
        assert world.project.call("apply", "--yes").code == 0
        assert all(world.named(name)[0].fields["capping"] == {"value": 1, "unit": "day"} for name in names)
        assert all(world.named(name)[0].fields["floorPrices"]["US"] == 2 for name in names)
        assert world.project.call("plan", "--detailed-exitcode").code == 0

    def test_nothing_is_lost_where_readings_lag_for_longer_than_the_settle_time(self, worlds):
        world = worlds(put="replace", put_answer="message", updates_after=1.5)
        names = [f"p{number}" for number in range(3)]
        world.settles(block(*({"name": name} for name in names)))
        for name in names:
            world.edits(name, capping={"value": 1, "unit": "day"})
        world.declares(block(*({"name": name, "floorPrices": {"US": 2}} for name in names)))
        time.sleep(1.6)
        assert world.project.call("apply", "--yes", "--format", "json").code == 3
        time.sleep(1.6)
        assert "could not be read back, and may have reset" in world.project.call("plan").out
        world.project.call("apply", "--yes")
        assert all(world.named(name)[0].fields["capping"] == {"value": 1, "unit": "day"} for name in names)
        assert all(world.named(name)[0].fields["floorPrices"]["US"] == 2 for name in names)

    def test_the_ledger_tells_other_machines(self, worlds):
        world = worlds(put="replace")
        world.settles(block({"name": "a"}, {"name": "b"}))
        world.edits("a", capping={"value": 1, "unit": "day"})
        world.edits("b", capping={"value": 1, "unit": "day"})
        world.declares(block({"name": "a", "floorPrices": {"US": 2}}, {"name": "b"}))
        assert world.project.call("apply", "--yes").code == 0
        header = (world.project.root / "reconciler.lock").read_text().splitlines()[0]
        assert header.endswith('"updates":{"placement":"replaces"}}')
        shutil.rmtree(world.project.root / ".reconciler")
        world.declares(block({"name": "a", "floorPrices": {"US": 2}}, {"name": "b", "floorPrices": {"US": 2}}))
        before = len(world.writes)
        assert world.project.call("apply", "--yes").code == 0
        assert [method for method, _ in world.writes[before:]] == ["PUT"]
        assert world.named("b")[0].fields["capping"] == {"value": 1, "unit": "day"}

    def test_floors_that_merge_are_found_out_once_and_the_plan_is_empty_then(self, worlds):
        world = worlds(floors="merge")
        world.settles(block({"name": "a", "floorPrices": {"WW": 0.5, "DE": 0.8, "US": 1}}))
        world.declares(block({"name": "a", "floorPrices": {"WW": 0.5, "US": 1.1}}))
        done = world.project.call("apply", "--yes", "--allow-floor-jump", "--format", "json")
        assert (done.code, done.outcomes()) == (0, {f"{APP}/a": "normalised"})
        assert world.named("a")[0].fields["floorPrices"] == {"WW": 0.5, "DE": 0.5, "US": 1.1}
        assert world.project.call("plan", "--detailed-exitcode").code == 0
        assert world.project.call("drift").code == 0
        world.declares(block({"name": "a", "floorPrices": {"WW": 0.6}}))
        plan = world.project.call("plan")
        assert "floorPrices.DE, floorPrices.US: this account keeps lines of floors that are left out" in plan.out
        done = world.project.call("apply", "--yes", "--allow-floor-jump", "--format", "json")
        assert done.outcomes() == {f"{APP}/a": "applied"}
        assert world.named("a")[0].fields["floorPrices"] == {"WW": 0.6, "DE": 0.6, "US": 0.6}
        assert world.project.call("plan", "--detailed-exitcode").code == 0

    def test_an_update_that_wakes_an_inactive_placement_is_one(self, worlds):
        world = worlds(put="replace")
        world.settles(block({"name": "a"}, {"name": "b"}))
        world.edits("a", status="inactive")
        world.edits("b", status="inactive")
        world.declares(block(with_floor(2), {"name": "b", "floorPrices": {"US": 2}}))
        done = world.project.call("apply", "--yes", "--format", "json")
        assert done.outcomes() == {f"{APP}/a": "applied", f"{APP}/b": "applied"}
        assert "(status)" in done.json["results"][0]["error"]
        assert {each.fields["status"] for each in world.account.placements()} == {"inactive"}

    def test_countries_that_go_with_the_targeting_that_was_switched_off_are_none(self, worlds):
        world = worlds()
        aimed = {"targetingEnabled": True, "geo": {"include": True, "countries": ["SG"]}}
        world.settles(block({"name": "a", **aimed}, {"name": "b"}))
        world.declares(block({"name": "a", "targetingEnabled": False}, {"name": "b", "floorPrices": {"US": 2}}))
        done = world.project.call("apply", "--yes", "--format", "json")
        assert done.outcomes() == {f"{APP}/a": "applied", f"{APP}/b": "applied"}, done.out


def test_what_a_killed_run_may_have_made_is_given_time_to_appear(worlds):
    """The list lags behind; the journal knows of a create that nobody saw the end of."""
    world = worlds(appears_after=1.0)
    world.project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nsafety: {settleSeconds: 1.5}\n')
    world.settles(block())
    world.account.load([replace(app, created=0) for app in world.account.apps()])
    world.declares(block({"name": "late"}))
    world.strike(faults.Timeout(on="POST placement", when="after", seconds=60))
    running = world.project.start("apply", "--yes")
    while not any(method == "POST" for method, _ in world.writes):
        time.sleep(0.01)
    running.kill()
    running.communicate()
    world.strike()
    done = world.project.call("apply", "--yes")
    assert done.code == 0, done.err
    assert len(world.named("late")) == 1
