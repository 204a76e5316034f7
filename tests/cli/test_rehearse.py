"""`rehearse`: what apply would do is done to a sandbox, and the account itself is only read."""

import json

import pytest
from support.rival import AUTH

MANIFEST = """
version: 1
apps:
  - platform: android
    bundle: com.cash_crash.54
    name: CashCrash
    category1: Finance
    coppa: false
    placements:
      - {name: int_12, placementType: Interstitial, coppa: false, floorPrices: {US: 1.2}}
      - {name: int_13, placementType: Interstitial, coppa: false, floorPrices: {US: 2}}
      - {name: asleep, placementType: Banner, coppa: false, status: inactive, bannerRefresh: 45}
"""

each = pytest.mark.parametrize


@pytest.fixture
def ready(project, rival):
    """A project with a saved plan: one floor to change, two placements to make, a stranger to leave alone."""
    app = rival.add_app(name="CashCrash", bundle="com.cash_crash.54")
    floors = [{"country": "US", "price": 1}, {"country": "WW", "price": 0.01}]
    rival.add_placement(app, name="int_12", floorPrices=floors, capping={"value": 3, "unit": "hour", "enabled": True})
    rival.add_placement(app, name="stranger")
    rival.add_app(name="Other", bundle="com.other")
    project.write("apps/a.yaml", MANIFEST)
    assert project.call("plan", "--out", "plan.json").code == 0
    rival.asked.clear()
    return project


def files(project):
    return {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}


def faults(project, *lines, parallelism=8):
    project.write("faults.yaml", "faults:\n" + "".join(f"  - {line}\n" for line in lines))
    script = "--faults", "faults.yaml", "--parallelism", str(parallelism)
    return project.call("rehearse", "plan.json", *script, "--format", "json")


def names(moved):
    return {each["address"].rpartition("/")[2]: each for each in moved}


def test_a_quiet_rehearsal_ends_with_the_plan_fulfilled(ready):
    done = ready.call("rehearse", "plan.json", "--format", "json")
    assert done.code == 0, done.err
    told = done.json
    assert (told["format"], told["exitCode"], told["error"], told["fulfilled"]) == (
        "reconciler.rehearsal/1",
        0,
        None,
        True,
    )
    assert told["result"]["summary"]["applied"] == 3
    account = told["account"]
    assert set(names(account["made"])) == {"int_13", "asleep"}
    assert (account["deleted"], account["twins"], told["unfulfilled"], told["faults"]) == ([], [], [], {})
    (changed,) = account["changed"]
    assert [(field["path"], field["before"], field["after"]) for field in changed["fields"]] == [
        ("floorPrices.US", 1, 1.2)
    ]
    assert all(each["planned"] for each in [*account["made"], *account["changed"]])


def test_the_account_is_only_read_and_the_project_is_left_alone(ready, rival):
    before, apps, placements = files(ready), dict(rival.apps), json.dumps(rival.placements)
    assert ready.call("rehearse", "plan.json").code == 0
    assert [asked.name for asked in rival.asked if asked.method != "GET" and asked.path != AUTH] == []
    assert rival.writes == []
    assert (rival.apps, json.dumps(rival.placements)) == (apps, placements)
    assert files(ready) == before


def test_the_same_ids_stand_in_the_sandbox(ready, rival):
    told = ready.call("rehearse", "plan.json", "--format", "json").json
    (changed,) = told["account"]["changed"]
    assert rival.placements[int(changed["id"])]["name"] == "int_12"
    assert all(int(made["id"]) not in rival.placements for made in told["account"]["made"])


@each("when", ["before", "after"])
@each("do", ["reset", "timeout, seconds: 0", "status, status: 503", "garbage", "empty", "null", "bad-gzip"])
def test_a_create_whose_answer_is_lost_leaves_no_twin_and_holds(ready, when, do):
    ready.edit("reconciler.yaml", ("version: 1\n", "version: 1\nsafety: {settleSeconds: 0.05}\n"))
    fault = f"{{on: POST placement, nth: 1, when: {when}, do: {do}}}"
    told = faults(ready, fault, parallelism=1).json  # one by one, so that the next create is younger
    assert (told["exitCode"], told["fulfilled"], told["account"]["twins"]) == (0, True, [])
    assert sum(told["faults"].values()) == 1


def test_what_the_sandbox_does_late_is_in_the_account_all_the_same(ready):
    ready.edit("reconciler.yaml", ("version: 1\n", "version: 1\nsafety: {settleSeconds: 0.05}\n"))
    told = faults(ready, "{on: POST placement, containing: int_13, do: late, seconds: 900}").json
    assert "int_13" in names(told["account"]["made"])


def test_refused_steps_exit_3_and_what_does_not_hold_is_named(ready):
    done = faults(ready, "{on: POST placement, containing: int_13, do: status, status: 400}")
    assert done.code == done.json["exitCode"] == 3
    assert done.json["result"]["summary"] == {
        "applied": 2, "normalised": 0, "failed": 1, "skipped": 0, "blocked": 0, "unverified": 0, "unknown": 0,
    }  # fmt: skip
    assert done.json["unfulfilled"] == [{"address": "android:com.cash_crash.54/int_13", "why": "it is not there"}]


def test_a_server_that_replaces_loses_nothing(ready):
    ready.write("faults.yaml", "quirks: {put: replace}\n")
    done = ready.call("rehearse", "plan.json", "--faults", "faults.yaml", "--format", "json")
    assert done.code == 0
    assert outcomes(done)["android:com.cash_crash.54/int_12"] == "applied"
    changed = {field["path"].partition(".")[0] for each in done.json["account"]["changed"] for field in each["fields"]}
    assert "capping" not in changed


def test_reads_that_fail_end_it_as_they_would_end_apply_with_the_account_as_before(ready):
    done = faults(ready, "{on: GET app, do: garbage}")
    assert (done.code, done.json["exitCode"], done.json["fulfilled"]) == (1, 1, False)
    assert "HTML" in done.json["error"]
    assert done.json["account"] == {"made": [], "changed": [], "deleted": [], "twins": []}
    assert "error: " in done.err


def test_what_moved_since_the_plan_is_stale_before_any_rehearsal(ready, rival):
    rival.placements[next(iter(rival.placements))]["coppa"] = True
    done = ready.call("rehearse", "plan.json")
    assert (done.code, done.out) == (4, "")
    assert "int_12" in done.err


def test_with_skip_stale_the_rest_is_rehearsed(ready, rival):
    rival.placements[next(iter(rival.placements))]["coppa"] = True
    done = ready.call("rehearse", "plan.json", "--skip-stale", "--format", "json")
    assert done.code == 3
    assert {address.rpartition("/")[2]: outcome for address, outcome in outcomes(done).items()} == {
        "int_12": "skipped", "int_13": "applied", "asleep": "applied",
    }  # fmt: skip


def outcomes(done):
    return {each["address"]: each["outcome"] for each in done.json["result"]["results"]}


def test_limits_refuse_it_as_they_would_refuse_apply(ready):
    ready.edit("reconciler.yaml", ("version: 1\n", "version: 1\nsafety: {maxFloorChangePercent: 10}\n"))
    done = ready.call("rehearse", "plan.json")
    assert (done.code, done.out) == (6, "")
    assert "--allow-floor-jump" in done.err
    assert ready.call("rehearse", "plan.json", "--allow-floor-jump").code == 0


def test_the_text_tells_results_account_and_verdict(ready):
    done = ready.call("rehearse", "plan.json")
    assert "Apply: 3 applied." in done.out
    assert "  made android:com.cash_crash.54/int_13  id " in done.out
    assert "      floorPrices.US: 1 -> 1.2" in done.out
    assert "  no twins" in done.out
    assert "The plan holds there, field by field." in done.out
    assert "was only read; apply would have exited 0." in done.out


def test_a_plan_that_deletes_is_rehearsed_to_its_end(project, rival):
    app = rival.add_app(name="CashCrash", bundle="com.cash_crash.54")
    gone = rival.add_placement(app, name="int_12", status="inactive")
    head = MANIFEST[: MANIFEST.index("      - {name: int_12")]
    project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nsafety: {quarantineDays: 0, maxDeletes: 1}\n')
    project.write("apps/a.yaml", f"{head}      - {{name: int_12, placementType: Interstitial, state: absent}}\n")
    assert project.call("plan", "--out", "plan.json").code == 0
    rival.asked.clear()
    told = project.call("rehearse", "plan.json", "--format", "json").json
    assert [(each["id"], each["planned"]) for each in told["account"]["deleted"]] == [(str(gone), True)]
    assert told["fulfilled"]
    assert rival.writes == []
    assert gone in rival.placements


def test_live_values_that_a_sandbox_would_not_take_are_no_hindrance(ready, rival):
    rival.placements[next(iter(rival.placements))].update(targetingEnabled=True)
    ready.call("plan", "--out", "plan.json")
    done = ready.call("rehearse", "plan.json", "--format", "json")
    assert (done.code, done.json["fulfilled"]) == (0, True), done.err


@each("arguments", [(), ("missing.json",), ("plan.json", "--faults", "missing.yaml")])
def test_what_is_not_there_is_named_and_nothing_is_asked(ready, rival, arguments):
    done = ready.call("rehearse", *arguments)
    assert done.code in {1, 64}
    assert done.out == ""
    assert "Traceback" not in done.err
    assert rival.asked == []


def test_a_wrong_faults_file_is_refused_with_its_place(ready, rival):
    done = faults(ready, "{on: POST placment, do: reset}")
    assert done.code == 1
    assert "faults.yaml:2" in done.err
    assert rival.asked == []


def test_a_plan_for_another_account_is_refused(ready):
    ready.edit("reconciler.yaml", ('"3432"', '"99"'))
    done = ready.call("rehearse", "plan.json")
    assert done.code == 1
    assert "publisher 3432" in done.err
