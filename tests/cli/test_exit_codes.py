"""Every exit code, in a process of its own."""

import json
import signal
import subprocess
import sys
from threading import Event

import pytest
from support.command import ONE_APP as HEAD
from support.rival import SECURITY_TOKEN

ONE = HEAD + "    placements:\n      - {name: int, placementType: Interstitial, coppa: false, floorPrices: {US: 2}}\n"
TWO = ONE + "      - {name: bad, placementType: MREC, coppa: false}\n"


def applied(project, manifest=ONE):
    project.write("apps/a.yaml", manifest)
    assert project.call("apply", "--yes").code == 0


def test_0_when_done(project):
    project.write("apps/a.yaml", ONE)
    done = project.call("apply", "--yes")
    assert done.code == 0
    assert "Apply: 2 applied." in done.out


def test_0_for_a_plan_with_changes_and_2_when_asked_for_detail(project):
    project.write("apps/a.yaml", ONE)
    assert project.call("plan").code == 0
    assert project.call("plan", "--detailed-exitcode").code == 2


def test_1_when_the_api_cannot_be_reached(project):
    done = project.call("ping", DT_MANAGEMENT_URL="http://127.0.0.1:9")
    assert done.code == 1
    assert "no connection" in done.err
    assert "nothing was written" in done.err


def test_3_when_a_step_failed_and_the_rest_went_on(project, rival):
    rival.instead["POST placement"] = lambda asked: (
        (400, b'{"msg": "no such luck"}') if asked.body["name"] == "bad" else None
    )
    project.write("apps/a.yaml", TWO)
    done = project.call("apply", "--yes", "--format", "json")
    assert done.code == 3
    assert done.outcomes() == {
        "android:com.a": "applied", "android:com.a/int": "applied", "android:com.a/bad": "failed",
    }  # fmt: skip
    told = next(each for each in done.json["results"] if each["outcome"] == "failed")
    assert "400" in told["error"]
    assert "no such luck" in told["error"]
    assert [asked.body["name"] for asked in rival.writes].count("bad") == 1


def test_3_when_something_is_blocked(project):
    applied(project)
    project.edit("apps/a.yaml", ("placementType: Interstitial", "placementType: MREC"))
    done = project.call("apply", "--yes", "--format", "json")
    assert done.code == 3
    assert done.json["summary"]["blocked"] == 1
    assert done.json["results"][0]["error"]


def test_4_when_what_a_saved_plan_rests_on_has_moved(project, rival):
    applied(project)
    project.edit("apps/a.yaml", ("US: 2", "US: 2.5"))
    assert project.call("plan", "--out", str(project.root / "plan.json")).code == 0
    next(iter(rival.placements.values()))["coppa"] = True
    before = len(rival.writes)
    done = project.call("apply", "plan.json")
    assert done.code == 4
    assert "android:com.a/int" in done.err
    assert len(rival.writes) == before


def test_a_saved_plan_is_carried_out_exactly_and_once(project, rival):
    applied(project)
    project.edit("apps/a.yaml", ("US: 2", "US: 2.5"))
    project.call("plan", "--out", str(project.root / "plan.json"))
    plan = str(project.root / "plan.json")
    assert project.call("apply", plan).code == 0
    assert rival.named("int")["floorPrices"]["US"] == 2.5
    assert project.call("apply", plan).code == 4


def test_4_when_what_a_saved_plan_would_make_exists_by_now(project, rival):
    project.write("apps/a.yaml", ONE)
    project.call("plan", "--out", str(project.root / "plan.json"))
    assert project.call("apply", "--yes").code == 0
    before = len(rival.writes)
    assert project.call("apply", str(project.root / "plan.json")).code == 4
    assert len(rival.writes) == before


def test_1_for_a_plan_of_another_publisher_or_api(project):
    applied(project)
    project.edit("apps/a.yaml", ("US: 2", "US: 2.5"))
    project.call("plan", "--out", str(project.root / "plan.json"))
    project.edit("reconciler.yaml", ("3432", "9"))
    done = project.call("apply", str(project.root / "plan.json"))
    assert done.code == 1
    assert "3432" in done.err


def test_1_for_a_plan_edited_by_hand(project, rival):
    project.write("apps/a.yaml", ONE)
    project.call("plan", "--out", str(project.root / "plan.json"))
    project.write("plan.json", project.read("plan.json").replace("Finance", "Games"))
    rival.asked.clear()
    done = project.call("apply", str(project.root / "plan.json"))
    assert done.code == 1
    assert "changed after it was made" in done.err
    assert rival.asked == []


HOLDER = """
import sys
from pathlib import Path
from reconciler.api.environment import SystemClock
from reconciler.store.files import FileStore
with FileStore(Path(sys.argv[1]), SystemClock()).run({}):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_5_while_another_run_holds_the_lock_and_plan_needs_none(project, rival):
    project.write("apps/a.yaml", ONE)
    held = [sys.executable, "-c", HOLDER, str(project.root)]
    with subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        done = project.call("apply", "--yes")
        assert (done.code, rival.writes) == (5, [])
        assert "another run" in done.err
        assert project.call("plan").code == 0


def test_6_without_a_terminal_and_without_yes_before_any_request(project, rival):
    project.write("apps/a.yaml", ONE)
    done = project.call("apply")
    assert done.code == 6
    assert "--yes" in done.err
    assert rival.asked == []


def test_6_when_a_limit_is_exceeded_naming_the_switch_that_allows_it(project, rival):
    applied(project)
    project.edit("apps/a.yaml", ("US: 2", "US: 3.1"))
    before = len(rival.writes)
    done = project.call("apply", "--yes")
    assert (done.code, len(rival.writes)) == (6, before)
    assert "--allow-floor-jump" in done.err
    assert project.call("apply", "--yes", "--allow-floor-jump").code == 0
    assert rival.named("int")["floorPrices"]["US"] == 3.1


@pytest.mark.parametrize(
    "arguments",
    [
        ["paln"], ["plan", "--nope"], ["--nope", "plan"], ["plan", "--parallelism", "0"], ["plan", "--format", "xml"],
        ["--format", "gitlab", "validate"], ["plan", "extra"], ["apply", "/"], ["apply", "x", "--only", "*"],
        ["apply", "--skip-stale", "--yes"], ["show"], [], ["apply", "--max-deletes", "-1"],
    ],
)  # fmt: skip
def test_64_for_wrong_usage_and_never_a_request(project, rival, arguments):
    project.write("apps/a.yaml", ONE)
    done = project.call(*arguments)
    assert done.code == 64
    assert done.out == ""
    assert "--help" in done.err or "hint: " in done.err
    assert "Traceback" not in done.err
    assert rival.asked == []


def test_a_mistyped_command_is_told_the_nearest(project):
    assert "Did you mean 'plan'?" in project.call("paln").err


class TestInterrupt:
    @pytest.fixture
    def held(self, rival):
        """Creates of placements wait until the test lets them go on."""
        begun, go_on = Event(), Event()

        def hold(_):
            begun.set()
            go_on.wait(20)

        rival.instead["POST placement"] = hold
        yield begun, go_on
        go_on.set()

    @pytest.mark.parametrize("times", [1, 3])
    def test_130_once_what_is_in_flight_was_finished_and_recorded(self, project, rival, held, times):
        begun, go_on = held
        project.write("apps/a.yaml", TWO)
        with project.start("apply", "--yes", "--parallelism", "1", "--format", "json") as process:
            assert begun.wait(20)
            for _ in range(times):
                process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)
            go_on.set()
            out, err = process.communicate(timeout=20)
        assert process.returncode == 130, err
        outcomes = {each["address"]: each["outcome"] for each in json.loads(out)["results"]}
        assert sorted(outcomes.values()) == ["applied", "applied", "skipped"]
        assert len(rival.placements) == 1
        assert b"interrupted" in err
        assert b"Traceback" not in err
        assert {entry["address"] for entry in project.entries()} == {
            address for address, outcome in outcomes.items() if outcome == "applied"
        }
        rival.instead.clear()
        assert project.call("apply", "--yes").code == 0
        assert len(rival.placements) == 2

    def test_130_while_reading(self, project, rival):
        begun, go_on = Event(), Event()

        def hold(_):
            begun.set()
            go_on.wait(20)

        rival.instead["GET app publisherId"] = hold
        project.write("apps/a.yaml", ONE)
        with project.start("plan") as process:
            assert begun.wait(20)
            process.send_signal(signal.SIGINT)
            go_on.set()
            out, err = process.communicate(timeout=20)
        # Manifests are read meanwhile, and amid an import the signal itself ends the process: shells show 130 for both.
        assert process.returncode in {130, -signal.SIGINT}
        assert out == b""
        assert b"Traceback" not in err

    def test_a_killed_run_is_taken_up_where_it_was(self, project, rival, held):
        begun, go_on = held
        project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nsafety: {settleSeconds: 0.5}\n')
        project.write("apps/a.yaml", TWO)
        with project.start("apply", "--yes", "--parallelism", "1") as process:
            assert begun.wait(20)
            process.kill()
            process.wait(20)
        go_on.set()
        rival.instead.clear()
        done = project.call("apply", "--yes", "--format", "json")
        assert done.code == 0
        assert "android:com.a" not in done.outcomes()
        assert [len(rival.apps), len(rival.placements)] == [1, 2]


def test_the_vendors_secret_is_in_no_file_of_the_project(project):
    applied(project)
    texts = [path.read_text() for path in project.root.rglob("*") if path.is_file()]
    assert not [text for text in texts if SECURITY_TOKEN in text]
