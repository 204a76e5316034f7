"""A delete whose time has come waits for leave: it is shown, and keeps nothing else from happening."""

import json

import pytest
from support.command import ONE_APP

APP = "android:com.a"
LONG_AGO = "2020-01-01T00:00:00+00:00"
HEAD = ONE_APP + "    placements:\n"
BLOCK = "      - {{name: {0}, placementType: Interstitial, coppa: false{1}}}\n"
ABSENT = ", state: absent"


def declare(project, **blocks):
    project.write("apps/a.yaml", HEAD + "".join(BLOCK.format(name, more) for name, more in blocks.items()))


def rested(project, *names):
    """As if these had been inactive for years."""
    lines = project.entries()
    for line in lines:
        if line["address"].rpartition("/")[2] in names:
            line["inactiveSince"] = LONG_AGO
    project.write("reconciler.lock", "".join(json.dumps(line) + "\n" for line in lines))


def names(rival):
    return {each["name"] for each in rival.placements.values()}


@pytest.fixture
def waiting(project, rival):
    """Two placements whose quarantine is over, one whose quarantine runs, and one that a merge adds."""
    declare(project, a="", b="", c="", d="")
    assert project.call("apply", "--yes").code == 0
    gone = {"a": ABSENT, "b": ABSENT, "c": ABSENT}
    declare(project, **gone, d="")
    assert project.call("apply", "--yes").code == 0
    rested(project, "a", "b")
    declare(project, **gone, d="", new="")
    rival.asked.clear()
    return project


def held(document):
    return {each["address"].rpartition("/")[2]: each["switch"] for each in document["held"]}


def test_the_rest_goes_on_and_the_run_is_green(waiting, rival):
    done = waiting.call("apply", "--yes")
    assert done.code == 0, done.err
    assert names(rival) == {"a", "b", "c", "d", "new"}
    assert {asked.method for asked in rival.writes} == {"POST"}
    assert f"  held: delete {APP}/a" in done.out
    assert "what would allow it: --max-deletes 2" in done.out
    assert "Apply: 1 applied." in done.out


def test_a_plan_shows_what_is_held_and_what_would_allow_it(waiting):
    plan = waiting.call("plan", "--format", "json").json
    assert plan["summary"] | {"delete": 0, "held": 3, "create": 1} == plan["summary"]
    assert held(plan) == {
        "a": "--max-deletes 2",
        "b": "--max-deletes 2",
        "c": "an apply after that, or a smaller safety.quarantineDays",
    }
    assert {each["action"] for each in plan["held"]} == {"delete"}
    assert all(each["id"] and each["reason"] for each in plan["held"])


def test_what_is_held_is_no_change(waiting, rival):
    assert waiting.call("plan", "--detailed-exitcode").code == 2
    assert waiting.call("apply", "--yes").code == 0
    assert waiting.call("plan", "--detailed-exitcode").code == 0
    assert waiting.call("drift").code == 0
    rival.asked.clear()
    done = waiting.call("apply", "--yes", "--format", "json")
    assert (done.code, done.json["results"], rival.writes) == (0, [], [])
    assert "Apply: nothing to do." in waiting.call("apply", "--yes").out


def test_leave_for_one_run_lets_them_go_and_never_what_waits_for_a_time(waiting, rival):
    done = waiting.call("apply", "--yes", "--max-deletes", "2", "--format", "json")
    assert (done.code, done.outcomes()) == (
        0,
        {f"{APP}/a": "applied", f"{APP}/b": "applied", f"{APP}/new": "applied"},
    )
    assert names(rival) == {"c", "d", "new"}


def test_with_leave_for_one_the_first_goes(waiting, rival):
    assert waiting.call("apply", "--yes", "--max-deletes", "1").code == 0
    assert names(rival) == {"b", "c", "d", "new"}


def test_a_quarantine_that_begins_is_remembered_though_its_delete_is_held(project, rival):
    app = rival.add_app(name="A", bundle="com.a")
    rival.add_placement(app, name="old", status="inactive")
    declare(project, old=ABSENT)
    assert project.call("apply", "--yes").code == 0
    (line,) = [each for each in project.entries() if "/old" in each["address"]]
    assert line["inactiveSince"]


def test_a_mass_change_is_refused_whole_as_before(waiting, rival):
    waiting.edit("apps/a.yaml", ("name: d,", "name: d, floorPrices: {US: 60},"))
    done = waiting.call("apply", "--yes")
    assert (done.code, rival.writes) == (6, [])
    assert "maxFloor" in done.err


def test_an_app_waits_with_all_that_is_in_it(project, rival):
    declare(project, a="", b="")
    assert project.call("apply", "--yes").code == 0
    gone = ONE_APP + "    state: absent\n"
    project.write("apps/a.yaml", gone)
    assert project.call("apply", "--yes").code == 0
    rested(project, APP)
    for leave in ("0", "1", "2"):
        done = project.call("apply", "--yes", "--max-deletes", leave)
        assert (done.code, len(rival.apps), len(rival.placements)) == (0, 1, 2)
        assert "--max-deletes 3" in done.out
    assert project.call("apply", "--yes", "--max-deletes", "3").code == 0
    assert (rival.apps, rival.placements) == ({}, {})


def test_a_saved_plan_keeps_what_is_held_and_is_held_to_the_leave_of_its_run(waiting, rival):
    path = str(waiting.root / "plan.json")
    assert waiting.call("plan", "--out", path).code == 0
    assert "Held (3)" in waiting.call("show", path).out
    assert "Held (1)" in waiting.call("show", path, "--max-deletes", "2").out
    rehearsed = waiting.call("rehearse", path)
    assert (rehearsed.code, f"  held: delete {APP}/a" in rehearsed.out) == (0, True)
    done = waiting.call("apply", path)
    assert (done.code, names(rival)) == (0, {"a", "b", "c", "d", "new"})
    assert f"  held: delete {APP}/a" in done.out


def test_the_summary_of_a_run_in_ci_tells_them_too(waiting):
    done = waiting.call("apply", "--yes", "--format", "markdown")
    assert done.code == 0
    assert "Held (3), nothing of it is sent" in done.out
