"""An app and a placement may have one id: they are numbered apart, and never taken for each other."""

import pytest
from support.command import Project
from support.rival import Spelling

APPS = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: {coppa}
    placements:
      - {{name: int, placementType: Interstitial, coppa: {coppa}}}
  - platform: android
    bundle: com.b
    name: B
    category1: Finance
    coppa: false
    {state}
"""
NOTHING_LEFT = "safety: {settleSeconds: 0.3, quarantineDays: 0, maxDeletes: 9, maxChangePercent: 100}\n"


@pytest.fixture
def world(tmp_path, rivals):
    """A rival whose placement in the first app has the id of the second app, and a project that declares them all."""
    rival = rivals(Spelling())
    first, second = rival.add_app(name="A", bundle="com.a"), rival.add_app(name="B", bundle="com.b")
    rival.add_placement(first, number=second, name="int")
    project = Project(tmp_path / "project", rival.url)
    project.write("reconciler.yaml", f'version: 1\npublisherId: "3432"\n{NOTHING_LEFT}')
    declare(project)
    return rival, project, first, second


def declare(project, coppa="false", state="placements: []"):
    project.write("apps/a.yaml", APPS.format(coppa=coppa, state=state))


def applied(project, *more):
    done = project.call("apply", "--yes", "--format", "json", *more)
    assert done.code == 0, done.out + done.err
    return {each["address"]: each["outcome"] for each in done.json["results"]}


def sent(rival):
    return [(each.method, each.path.rpartition("/")[2]) for each in rival.writes]


def test_an_update_of_either_goes_to_that_one(world):
    rival, project, first, second = world
    rival.apps[second]["coppa"] = rival.placements[second]["coppa"] = True
    assert set(applied(project).values()) == {"applied"}
    assert sorted(sent(rival)) == [("PUT", "app"), ("PUT", "placement")]
    assert (rival.apps[second]["coppa"], rival.placements[second]["coppa"]) == (False, False)
    assert "bundle" not in rival.placements[second]
    assert project.call("plan", "--detailed-exitcode").code == 0
    assert first not in rival.placements


def test_an_undo_puts_back_each_to_its_own(world):
    rival, project, _, second = world
    rival.apps[second]["coppa"] = rival.placements[second]["coppa"] = True
    done = project.call("apply", "--yes", "--format", "json")
    assert done.code == 0
    undone = project.call("apply", done.json["undo"], "--format", "json")
    assert undone.code == 0, undone.out + undone.err
    assert (rival.apps[second]["coppa"], rival.placements[second]["coppa"]) == (True, True)


def test_the_end_of_one_is_not_that_of_the_other(world):
    rival, project, _, second = world
    assert applied(project) == {}
    declare(project, state="state: absent")
    assert applied(project) == {"android:com.b": "applied"}
    assert (rival.apps[second]["status"], rival.placements[second]["status"]) == ("inactive", "active")
    assert applied(project) == {"android:com.b": "applied"}
    assert second not in rival.apps
    assert second in rival.placements
    assert "com.a/int" in project.read("reconciler.lock")
    assert project.call("plan", "--detailed-exitcode").code == 0


def test_what_is_made_may_have_the_id_of_one_of_the_other_kind(world):
    rival, project, first, _ = world
    assert applied(project) == {}
    text = project.read("apps/a.yaml").replace(
        "      - {name: int,", "      - {name: new, placementType: Banner, coppa: false}\n      - {name: int,"
    )
    project.write("apps/a.yaml", text)
    rival.number_next = first
    assert applied(project) == {"android:com.a/new": "applied"}
    assert rival.placements[first]["name"] == "new"
    assert project.call("plan", "--detailed-exitcode").code == 0
