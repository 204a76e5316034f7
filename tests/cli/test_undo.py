"""`undo RUN`: a run of the journal is taken back as far as the account is still as that run left it."""

import json
import shutil

import pytest
from support.command import Project

APP = "android:com.acme"
HEAD = """# ours
version: 1
apps:
  - platform: android
    bundle: com.acme
    name: Acme
    category1: Finance
    coppa: false
    placements:   # the ladder
"""
FIRST = "      - {name: int_1, placementType: Interstitial, coppa: false, floorPrices: {US: 1, GB: 2}}   # first\n"
RAISED = FIRST.replace("US: 1", "US: 1.2")
SECOND = "      - {name: int_2, placementType: Interstitial, coppa: false, capping: {value: 3, unit: hour}}\n"


LADDER = """    waterfalls:
      - name: end
        placementType: Interstitial
        coppa: false
        tiers:
          - {name: high, floorPrices: {WW: %s}}
          - {name: low, floorPrices: {WW: 0.5}}
"""


def declare(project, *placements):
    project.write("apps/a.yaml", HEAD + "".join(placements))


def apply(project, *placements):
    """Declare these and apply; the run's name."""
    declare(project, *placements)
    done = project.call("apply", "--yes", "--format", "json")
    assert done.code == 0, done.err + done.out
    return done.json["run"]


def undo(project, *arguments, code=0):
    done = project.call("undo", *arguments, "--yes")
    assert done.code == code, done.err + done.out
    return done


def row(rival, name):
    return next(fields for fields in rival.placements.values() if fields["name"] == name)


def floors(rival, name="int_1"):
    return rival.named(name)["floorPrices"]


def set_floor(rival, country, price, name="int_1"):
    for line in row(rival, name)["floorPrices"]:
        if line["country"] == country:
            line["price"] = price


class TestList:
    def test_without_a_run_the_latest_ones_that_can_be_undone_are_listed(self, project, rival):
        first, second = apply(project, FIRST), apply(project, RAISED)
        apply(project, RAISED)
        rival.asked.clear()
        done = project.call("undo")
        assert done.code == 0
        assert done.out.index(first) < done.out.index(second)
        assert f"1 step to undo: update {APP}/int_1" in done.out
        assert [run["run"] for run in project.call("undo", "--format", "json").json["runs"]] == [first, second]
        assert second in project.call("undo", "--format", "markdown").out
        assert rival.asked == []

    @pytest.mark.parametrize("flags", [["--yes"], ["--manifests"], ["--manifests", "--yes"], ["--max-deletes", "1"]])
    def test_what_is_for_the_undoing_of_a_run_is_not_passed_over_where_none_is_named(self, project, rival, flags):
        apply(project, FIRST)
        rival.asked.clear()
        done = project.call("undo", *flags)
        assert (done.code, done.out) == (64, "")
        assert "no run to undo is named" in done.err
        assert rival.asked == []

    def test_where_nothing_was_done_there_is_nothing_to_undo(self, project):
        assert project.call("undo").out == "there is nothing to undo\n"

    @pytest.mark.parametrize("name", ["nothing-like-it", "2", ""])
    def test_a_name_that_is_no_runs_or_several_is_an_error_and_asks_nothing(self, project, rival, name):
        apply(project, FIRST), apply(project, RAISED)
        rival.asked.clear()
        done = project.call("undo", name, "--yes")
        assert (done.code, rival.asked) == (1, [])
        assert "reconciler undo" in done.err


class TestUndo:
    def test_old_values_come_back_and_nothing_else_is_sent(self, project, rival):
        apply(project, FIRST, SECOND)
        run = apply(project, RAISED, SECOND)
        rival.asked.clear()
        done = undo(project, run)
        assert floors(rival) == {"US": 1, "GB": 2, "WW": 0.01}
        (sent,) = rival.writes
        assert set(sent.body) == {"placementId", "floorPrices"}
        assert "floorPrices.US: 1.2 -> 1" in done.out
        assert "Apply: 1 applied." in done.out

    def test_the_beginning_of_a_name_will_do(self, project, rival):
        apply(project, FIRST)
        run = apply(project, RAISED)
        undo(project, run[:-2])
        assert floors(rival)["US"] == 1

    def test_without_a_yes_it_is_shown_and_refused_where_nobody_can_be_asked(self, project, rival):
        apply(project, FIRST)
        run = apply(project, RAISED)
        rival.asked.clear()
        done = project.call("undo", run)
        assert done.code == 6
        assert "floorPrices.US: 1.2 -> 1" in done.out
        assert "--yes" in done.err
        assert rival.writes == []

    def test_it_says_that_the_next_apply_does_it_again_and_that_is_so(self, project):
        apply(project, FIRST)
        done = undo(project, apply(project, RAISED))
        assert f"the next apply does it again: {APP}/int_1" in done.err
        (change,) = project.call("plan", "--format", "json").json["changes"]
        assert [(each["path"], each["origin"]) for each in change["fields"]] == [("floorPrices.US", "pending")]

    def test_an_earlier_run_is_undone_line_by_line_beside_what_came_later(self, project, rival):
        apply(project, FIRST)
        run = apply(project, RAISED.replace("GB: 2", "GB: 2.2"))
        set_floor(rival, "GB", 2.5)
        row(rival, "int_1")["coppa"] = True
        done = undo(project, run)
        assert floors(rival) == {"US": 1, "GB": 2.5, "WW": 0.01}
        assert row(rival, "int_1")["coppa"] is True
        assert "floorPrices.GB is 2.5 by now, and the run left it 2.2: it is left alone" in done.out

    def test_what_moved_since_is_told_and_nothing_is_written(self, project, rival):
        apply(project, FIRST)
        run = apply(project, RAISED)
        set_floor(rival, "US", 3)
        rival.asked.clear()
        done = undo(project, run)
        assert "floorPrices.US is 3 by now, and the run left it 1.2: it is left alone" in done.out
        assert rival.writes == []

    def test_what_was_made_is_set_inactive_and_told(self, project, rival):
        apply(project, FIRST)
        done = undo(project, apply(project, FIRST, SECOND))
        assert rival.named("int_2")["status"] == "inactive"
        assert rival.named("int_1")["status"] == "active"
        assert "nothing that was made is deleted" in done.out
        assert {asked.method for asked in rival.writes} == {"POST", "PUT"}

    def test_what_was_made_and_is_protected_stays_on_the_air(self, project, rival):
        apply(project, FIRST)
        run = apply(project, FIRST, SECOND.replace("coppa: false", "coppa: false, lifecycle: {protect: true}"))
        done = undo(project, run)
        assert rival.named("int_2")["status"] == "active"
        assert "is protected" in done.out

    def test_what_was_switched_off_is_on_the_air_again(self, project, rival):
        apply(project, FIRST, SECOND)
        run = apply(project, FIRST, SECOND.replace("coppa: false", "state: absent"))
        undo(project, run)
        assert rival.named("int_2")["status"] == "active"

    def test_a_delete_is_told_and_the_rest_undone(self, project, rival):
        project.edit("reconciler.yaml", ("version: 1\n", "version: 1\nsafety: {quarantineDays: 0, maxDeletes: 1}\n"))
        apply(project, FIRST, SECOND)
        gone = SECOND.replace("coppa: false", "state: absent")
        apply(project, FIRST, gone)
        run = apply(project, RAISED, gone)
        assert "without a way back" in project.call("undo").out
        done = undo(project, run)
        assert "was deleted, and nothing brings it back" in done.out
        assert floors(rival)["US"] == 1

    def test_a_rename_is_taken_back(self, project, rival):
        apply(project, FIRST)
        run = apply(project, FIRST.replace("name: int_1", "name: int_one, renamedFrom: int_1"))
        undo(project, run)
        assert [fields["name"] for fields in rival.placements.values()] == ["int_1"]
        assert f'"{APP}/int_1"' in project.read("reconciler.lock")

    def test_a_step_that_was_refused_is_not_undone(self, project, rival):
        apply(project, FIRST)
        rival.instead["PUT placement"] = lambda _: (400, b'{"message": "no"}')
        declare(project, RAISED)
        failed = project.call("apply", "--yes", "--format", "json")
        assert failed.code == 3
        del rival.instead["PUT placement"]
        rival.asked.clear()
        undo(project, failed.json["run"])
        assert rival.writes == []

    def test_an_undo_is_a_run_that_says_what_it_undoes_and_can_be_undone(self, project, rival):
        apply(project, FIRST)
        run = apply(project, RAISED)
        undo(project, run)
        last = project.call("history", "--format", "json").json["runs"][-1]
        assert last["who"]["undoes"] == run
        undo(project, last["run"])
        assert floors(rival)["US"] == 1.2

    def test_a_second_time_there_is_nothing_to_do(self, project, rival):
        apply(project, FIRST)
        run = apply(project, RAISED)
        undo(project, run)
        rival.asked.clear()
        assert "nothing of run" in undo(project, run).err
        assert rival.writes == []


class TestLimits:
    def test_a_floor_that_would_move_too_far_is_refused_with_the_switch(self, project, rival):
        apply(project, FIRST)
        declare(project, FIRST.replace("US: 1", "US: 3"))
        run = project.call("apply", "--yes", "--allow-floor-jump", "--format", "json").json["run"]
        rival.asked.clear()
        done = undo(project, run, code=6)
        assert "--allow-floor-jump" in done.err
        assert rival.writes == []
        undo(project, run, "--allow-floor-jump")
        assert floors(rival)["US"] == 1

    def test_another_run_at_work_is_waited_for_by_hand(self, project, rival):
        apply(project, FIRST)
        run = apply(project, RAISED)
        codes = []

        def meanwhile(_asked):
            codes.append(project.call("undo", run, "--yes").code)

        rival.instead["PUT placement"] = meanwhile
        declare(project, FIRST.replace("US: 1", "US: 1.3"))
        assert project.call("apply", "--yes").code == 0
        assert codes == [5]


class TestManifests:
    """A price keeps the decimals of the one it takes the place of, as with `pull`: 1.2 becomes 1.0."""

    def test_the_old_values_are_written_and_every_other_byte_stays(self, project):
        apply(project, FIRST, SECOND)
        before = project.read("apps/a.yaml").replace("US: 1,", "US: 1.0,")
        run = apply(project, RAISED, SECOND)
        done = undo(project, run, "--manifests")
        assert project.read("apps/a.yaml") == before
        assert "wrote apps/a.yaml" in done.err
        assert project.call("plan", "--detailed-exitcode").code == 0

    def test_what_was_made_is_declared_inactive(self, project):
        apply(project, FIRST)
        run = apply(project, FIRST, SECOND)
        undo(project, run, "--manifests")
        assert "status: inactive" in project.read("apps/a.yaml").splitlines()[-1]
        assert project.call("plan", "--detailed-exitcode").code == 0

    def test_what_no_edit_of_values_can_do_is_said(self, project, rival):
        apply(project, FIRST, SECOND)
        run = apply(project, FIRST, SECOND.replace("coppa: false", "state: absent"))
        done = undo(project, run, "--manifests", code=3)
        assert f"{APP}/int_2: its block says `state: absent`" in done.err
        assert rival.named("int_2")["status"] == "active"

    def test_what_another_edit_declares_by_now_is_not_touched(self, project, rival):
        apply(project, FIRST)
        run = apply(project, RAISED)
        set_floor(rival, "US", 3)
        text = project.read("apps/a.yaml")
        undo(project, run, "--manifests")
        assert project.read("apps/a.yaml") == text

    def test_they_can_be_written_after_the_account_was_put_back(self, project, rival):
        apply(project, FIRST)
        before = project.read("apps/a.yaml").replace("US: 1,", "US: 1.0,")
        run = apply(project, RAISED)
        undo(project, run)
        rival.asked.clear()
        undo(project, run, "--manifests")
        assert project.read("apps/a.yaml") == before
        assert rival.writes == []

    def test_what_was_not_undone_stays_as_the_manifests_have_it(self, project, rival):
        apply(project, FIRST)
        run = apply(project, RAISED)
        rival.instead["PUT placement"] = lambda _: (400, b'{"message": "no"}')
        text = project.read("apps/a.yaml")
        undo(project, run, "--manifests", code=3)
        assert project.read("apps/a.yaml") == text

    def test_a_tier_of_a_waterfall_gets_its_old_floor(self, project, rival):
        apply(project, FIRST, LADDER % "4")
        before = project.read("apps/a.yaml")
        run = apply(project, FIRST, LADDER % "5")
        undo(project, run, "--manifests")
        assert floors(rival, "end_high")["WW"] == 4
        assert project.read("apps/a.yaml") == before


def test_a_run_is_undone_from_the_journal_that_a_job_has_left(project, rival, tmp_path):
    """As after CI: another checkout, the committed ledger, and the folder that the job has uploaded."""
    apply(project, FIRST)
    run = apply(project, RAISED)
    other = Project(tmp_path / "other", project.env["DT_MANAGEMENT_URL"])
    for name in ("reconciler.yaml", "apps/a.yaml", "reconciler.lock"):
        other.write(name, project.read(name))
    (other.root / ".reconciler").mkdir()
    shutil.copy(project.root / ".reconciler" / "journal.jsonl", other.root / ".reconciler" / "journal.jsonl")
    done = undo(other, run)
    assert floors(rival)["US"] == 1
    assert "of the journal came from elsewhere" in done.err


def test_the_result_is_one_document(project, rival):
    apply(project, FIRST)
    run = apply(project, RAISED)
    done = project.call("undo", run, "--yes", "--format", "json")
    assert done.json["format"] == "reconciler.result/1"
    assert done.outcomes() == {f"{APP}/int_1": "applied"}


@pytest.mark.parametrize(
    "odd", [{"floorPrices": {"US": "dear"}}, {"floorPrices": {"US": 1e400}}, {"x": {"y": {"z": [1]}}}]
)
def test_a_journal_with_odd_values_undoes_nothing_and_says_so(project, rival, odd):
    apply(project, FIRST)
    run = apply(project, RAISED)
    path = ".reconciler/journal.jsonl"
    lines = [json.loads(line) for line in project.read(path).splitlines()]
    for line in lines:
        if line.get("run") == run and line["event"] == "intent":
            line["before"] = odd
    project.write(path, "".join(json.dumps(line) + "\n" for line in lines))
    rival.asked.clear()
    done = project.call("undo", run, "--yes")
    assert done.code in {0, 1}
    assert "Traceback" not in done.err
    assert rival.writes == []


def test_only_lists_with_something_of_the_run_are_read(project, rival):
    project.write("apps/b.yaml", HEAD.replace("com.acme", "com.other").replace("placements:", "placements: []"))
    run = apply(project, FIRST)
    rival.asked.clear()
    undo(project, run)
    (other,) = (number for number, app in rival.apps.items() if app["bundle"] == "com.other")
    assert not any("placement" in str(each) and str(other) in str(each) for each in rival.asked)
