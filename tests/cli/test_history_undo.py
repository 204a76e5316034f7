"""What was done is shown as it was done, and can be undone as far as anybody can."""

import json
import signal

import pytest

from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.server import RunningSandbox, SandboxOptions

APP = "android:com.acme"
HEAD = """
version: 1
apps:
  - platform: android
    bundle: com.acme
    name: Acme
    category1: Finance
    coppa: false
    placements:
"""
FIRST = "      - {name: int_1, placementType: Interstitial, coppa: false, floorPrices: {US: 1}}\n"
RAISED = FIRST.replace("US: 1", "US: 1.2")
RENAMED = RAISED.replace("name: int_1", "name: int_one, renamedFrom: int_1")
SECOND = "      - {name: int_2, placementType: Interstitial, coppa: false, capping: {value: 3, unit: hour}}\n"


def declare(project, *placements):
    project.write("apps/a.yaml", HEAD + "".join(placements))


def apply(project, *placements):
    """Declare these and apply; the result document."""
    declare(project, *placements)
    done = project.call("apply", "--yes", "--format", "json")
    assert done.code == 0, done.err + done.out
    return done.json


def history(project, *address):
    done = project.call("history", *address, "--format", "json")
    assert done.code == 0, done.err
    return done.json


def placements(rival):
    """Every placement's fields by name, floors as a mapping."""
    return {fields["name"]: rival.named(fields["name"]) for fields in rival.placements.values()}


class TestHistory:
    def test_nothing_applied_is_said_so(self, project):
        assert project.call("history").out == "nothing has been applied yet\n"
        assert history(project) == {"format": "reconciler.history/1", "runs": []}

    def test_every_run_tells_who_when_and_what_came_of_each_step(self, project, rival):
        project.env |= {"GITHUB_ACTOR": "ada", "GITHUB_SHA": "abc123", "GITHUB_REF": "refs/heads/main"}
        first = apply(project, FIRST)
        second = apply(project, RAISED)
        told = history(project)
        assert set(told) == {"format", "runs"}
        assert [run["run"] for run in told["runs"]] == [first["run"], second["run"]]
        for run in told["runs"]:
            assert set(run) == {"run", "startedAt", "endedAt", "who", "steps"}
            assert run["startedAt"] <= run["endedAt"]
            assert run["who"] == {"user": "ada", "commit": "abc123", "ref": "refs/heads/main"}
        assert [step["address"] for step in told["runs"][0]["steps"]] == [APP, f"{APP}/int_1"]
        (step,) = told["runs"][1]["steps"]
        assert step.keys() == {"at", "address", "action", "id", "outcome", "attempts", "error", "before", "after"}
        assert (step["action"], step["outcome"], step["attempts"], step["error"]) == ("update", "applied", 1, None)
        assert step["before"] == {"floorPrices": {"US": 1, "WW": 0.01}}
        assert step["after"] == {"floorPrices": {"US": 1.2, "WW": 0.01}}
        assert int(step["id"]) in rival.placements

    def test_the_text_shows_values_before_and_after(self, project):
        apply(project, FIRST)
        apply(project, RAISED)
        shown = project.call("history").out
        assert f"  applied create {APP}/int_1  id " in shown
        assert f"  applied update {APP}/int_1  id " in shown
        assert '      floorPrices: {"US": 1, "WW": 0.01} -> {"US": 1.2, "WW": 0.01}' in shown

    def test_an_address_is_followed_through_its_renames(self, project):
        apply(project, FIRST, SECOND)
        apply(project, RAISED, SECOND)
        apply(project, RENAMED, SECOND)
        told = history(project, f"{APP}/int_one")
        steps = [(step["action"], step["address"]) for run in told["runs"] for step in run["steps"]]
        assert steps == [
            ("create", f"{APP}/int_1"),
            ("update", f"{APP}/int_1"),
            ("update", f"{APP}/int_one"),
        ]

    def test_an_address_nobody_touched_has_no_history(self, project):
        apply(project, FIRST)
        assert history(project, f"{APP}/int_9")["runs"] == []

    def test_a_refused_step_keeps_the_servers_words(self, project, rival):
        rival.instead["POST placement"] = lambda _: (400, b'{"message": "no more placements"}')
        declare(project, FIRST)
        assert project.call("apply", "--yes").code == 3
        (run,) = history(project)["runs"]
        assert [(step["outcome"], step["error"]) for step in run["steps"]] == [
            ("applied", None),
            ("failed", "refused with 400: no more placements"),
        ]

    def test_a_step_that_a_kill_cut_off_is_shown_as_unrecorded(self, project, rival):
        declare(project, FIRST)
        killed = []

        def kill(_):
            killed[0].send_signal(signal.SIGKILL)
            killed[0].wait()

        rival.instead["POST placement"] = kill
        killed.append(project.start("apply", "--yes"))
        killed[0].communicate()
        (run,) = history(project)["runs"]
        assert run["endedAt"] is None
        assert [(step["address"], step["outcome"]) for step in run["steps"]] == [
            (APP, "applied"),
            (f"{APP}/int_1", None),
        ]
        shown = project.call("history").out
        assert "(not ended)" in shown
        assert f"  unrecorded create {APP}/int_1" in shown

    def test_a_torn_last_line_does_not_spoil_the_rest(self, project):
        apply(project, FIRST)
        path = project.root / ".reconciler/journal.jsonl"
        path.write_bytes(path.read_bytes() + b'{"event": "inte')
        assert len(history(project)["runs"]) == 1

    def test_a_journal_from_elsewhere_is_shown_and_told_from_our_own(self, project):
        first = apply(project, FIRST)
        path = project.root / ".reconciler/journal.jsonl"
        path.rename(project.root / "kept")
        (project.root / ".reconciler/journal.key").unlink()
        (project.root / "kept").rename(path)
        second = apply(project, RAISED)
        told = project.call("history", "--format", "json")
        assert [run["run"] for run in told.json["runs"]] == [first["run"], second["run"]]
        assert "lines of the journal came from elsewhere" in told.err
        assert project.call("plan").err.count("journal") == 0


class TestUndo:
    def test_an_apply_names_a_plan_that_puts_everything_back(self, project, rival):
        apply(project, FIRST, SECOND)
        before = placements(rival)
        other = SECOND.replace("capping: {value: 3, unit: hour}", "pacing: {value: 9, unit: second}, status: inactive")
        off = "coppa: false, capping: {enabled: false, value: 1, unit: hour}"
        result = apply(project, RAISED, other.replace("coppa: false", off))
        assert placements(rival) != before
        assert result["undo"] == f".reconciler/undo/{result['run']}.json"
        assert project.call("show", result["undo"]).code == 0
        undone = project.call("apply", result["undo"], "--format", "json")
        assert undone.code == 0, undone.err + undone.out
        after = placements(rival)
        assert after["int_1"] == before["int_1"]
        assert after["int_2"]["capping"] == before["int_2"]["capping"]
        assert after["int_2"]["status"] == "active"
        assert after["int_2"].get("pacing", {"enabled": False})["enabled"] is False

    def test_an_undo_sends_only_what_had_changed(self, project, rival):
        apply(project, FIRST)
        undo = apply(project, RAISED)["undo"]
        rival.asked.clear()
        assert project.call("apply", undo).code == 0
        (sent,) = rival.writes
        assert set(sent.body) == {"placementId", "floorPrices"}

    def test_after_an_undo_the_manifest_is_pending_again(self, project):
        apply(project, FIRST)
        undo = apply(project, RAISED)["undo"]
        assert project.call("apply", undo).code == 0
        plan = project.call("plan", "--format", "json").json
        assert [(change["action"], [field["path"] for field in change["fields"]]) for change in plan["changes"]] == [
            ("update", ["floorPrices.US"])
        ]
        assert plan["changes"][0]["fields"][0]["origin"] == "pending"

    def test_an_undo_can_be_undone(self, project, rival):
        apply(project, FIRST)
        undo = apply(project, RAISED)["undo"]
        again = project.call("apply", undo, "--format", "json").json["undo"]
        assert project.call("apply", again).code == 0
        assert rival.named("int_1")["floorPrices"]["US"] == 1.2

    def test_what_was_made_is_set_inactive_and_never_deleted(self, project, rival):
        apply(project, FIRST)
        undo = apply(project, FIRST, SECOND)["undo"]
        shown = project.call("show", undo, "--format", "json").json
        assert [(change["action"], change["address"]) for change in shown["changes"]] == [
            ("deactivate", f"{APP}/int_2")
        ]
        assert project.call("apply", undo).code == 0
        assert rival.named("int_2")["status"] == "inactive"
        assert rival.named("int_1")["status"] == "active"

    def test_a_rename_is_taken_back_in_the_account_and_in_the_ledger(self, project, rival):
        apply(project, FIRST)
        apply(project, RAISED)
        undo = apply(project, RENAMED)["undo"]
        assert project.call("apply", undo).code == 0
        assert [fields["name"] for fields in rival.placements.values()] == ["int_1"]
        assert f'"{APP}/int_1"' in project.read("reconciler.lock")
        assert "int_one" not in project.read("reconciler.lock")

    def test_what_was_deactivated_is_active_again(self, project, rival):
        apply(project, FIRST, SECOND)
        undo = apply(project, FIRST, SECOND.replace("coppa: false", "state: absent"))["undo"]
        assert rival.named("int_2")["status"] == "inactive"
        assert project.call("apply", undo).code == 0
        assert rival.named("int_2")["status"] == "active"

    def test_a_delete_cannot_be_undone_and_is_named(self, project, rival):
        project.edit("reconciler.yaml", ("version: 1\n", "version: 1\nsafety: {quarantineDays: 0, maxDeletes: 1}\n"))
        apply(project, FIRST, SECOND)
        gone = SECOND.replace("coppa: false", "state: absent")
        apply(project, FIRST, gone)
        undo = apply(project, FIRST, gone)["undo"]
        assert "int_2" not in placements(rival)
        shown = project.call("show", undo, "--format", "json").json
        assert shown["changes"] == []
        assert [note["address"] for note in shown["notes"]] == [f"{APP}/int_2"]
        assert "nothing brings it back" in shown["notes"][0]["text"]

    def test_a_field_that_was_never_shown_is_named_and_the_rest_is_put_back(self, project, rival):
        app = rival.add_app(name="Acme", bundle="com.acme")
        floors = [{"country": "US", "price": 1}, {"country": "WW", "price": 0.01}]
        rival.add_placement(app, name="int_1", floorPrices=floors)
        undo = apply(project, RAISED.replace("coppa: false", "coppa: false, skipability: NonSkippable"))["undo"]
        shown = project.call("show", undo, "--format", "json").json
        assert [note["text"].partition(" ")[0] for note in shown["notes"]] == ["skipability"]
        assert project.call("apply", undo).code == 0
        assert rival.named("int_1")["floorPrices"]["US"] == 1

    def test_a_field_that_the_account_never_shows_goes_back_to_what_was_applied_before(self, project):
        with RunningSandbox(SandboxOptions(quirks=Quirks(hidden=("skipability",)))) as sandbox:
            project.env["DT_MANAGEMENT_URL"] = sandbox.url
            once = FIRST.replace("coppa: false", "coppa: false, skipability: NonSkippable")
            apply(project, FIRST)
            first = apply(project, once)["undo"]
            second = apply(project, once.replace("NonSkippable", "Skippable"))["undo"]
            shown = project.call("show", first, "--format", "json").json
            assert shown["changes"] == []
            assert "skipability was not shown before" in shown["notes"][0]["text"]
            assert project.call("apply", second).code == 0
            (placement,) = sandbox.account.placements()
            assert placement.fields["skipability"] == "NonSkippable"

    def test_a_create_that_nobody_can_vouch_for_is_named(self, project, rival):
        project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nsafety: {settleSeconds: 0}\n')
        apply(project, FIRST)
        rival.instead["POST placement"] = lambda _: (500, b"")
        declare(project, RAISED, SECOND)
        done = project.call("apply", "--yes", "--format", "json")
        assert done.outcomes() == {f"{APP}/int_1": "applied", f"{APP}/int_2": "unknown"}
        shown = project.call("show", done.json["undo"], "--format", "json").json
        assert [(note["address"], note["text"].partition(":")[0]) for note in shown["notes"]] == [
            (f"{APP}/int_2", "nobody knows whether it was made")
        ]

    def test_after_an_edit_in_the_console_the_undo_is_stale(self, project, rival):
        apply(project, FIRST)
        undo = apply(project, RAISED)["undo"]
        rival.placements[next(iter(rival.placements))]["coppa"] = True
        before = json.dumps(rival.placements)
        done = project.call("apply", undo)
        assert done.code == 4
        assert f"{APP}/int_1" in done.err
        assert json.dumps(rival.placements) == before

    def test_an_undo_is_held_to_the_limits_like_any_plan(self, project):
        project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nsafety: {maxFloorChangePercent: 18}\n')
        apply(project, FIRST)
        declare(project, RAISED)
        raised = project.call("apply", "--yes", "--allow-floor-jump", "--format", "json")
        assert raised.code == 0
        lowered = project.call("apply", raised.json["undo"])
        assert lowered.code == 0, "down from 1.2 to 1 is 17 %"

    def test_an_apply_with_nothing_to_do_leaves_no_undo(self, project):
        apply(project, FIRST)
        assert apply(project, FIRST)["undo"] is None

    def test_a_failed_step_is_not_undone(self, project, rival):
        apply(project, FIRST)
        rival.instead["PUT placement"] = lambda _: (400, b'{"message": "no"}')
        declare(project, RAISED, SECOND)
        done = project.call("apply", "--yes", "--format", "json")
        assert done.code == 3
        shown = project.call("show", done.json["undo"], "--format", "json").json
        assert [change["address"] for change in shown["changes"]] == [f"{APP}/int_2"]

    @pytest.mark.parametrize("edit", ['"after": 1', '"publisherId": "3432"'])
    def test_an_undo_edited_by_hand_is_refused(self, project, edit):
        apply(project, FIRST)
        undo = apply(project, RAISED)["undo"]
        text = project.read(undo)
        assert edit in text
        project.write(undo, text.replace(edit, edit[:-1] + ('9"' if edit.endswith('"') else "9"), 1))
        assert project.call("apply", undo).code == 1


def test_the_history_asks_the_api_for_nothing(project, rival):
    apply(project, FIRST)
    rival.asked.clear()
    history(project)
    assert rival.asked == []
