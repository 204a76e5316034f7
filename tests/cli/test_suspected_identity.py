"""An identity that changed by a little, with pruning on: neither a twin is made nor the old resource switched off."""

import pytest

LIVE = {"android": "com.a", "ios": "1234567"}
APP = """  - platform: {platform}
    bundle: {bundle}
    name: {name}
    category1: Finance
    coppa: false
    {more}
    placements:
      - {{name: {placement}, placementType: Interstitial, status: active{inner}}}
"""


def manifest(platform="android", bundle="com.a", name="A", placement="level_end", more="status: active", inner=""):
    return APP.format(platform=platform, bundle=bundle, name=name, placement=placement, more=more, inner=inner)


@pytest.fixture
def applied(rival, project):
    """A project with two apps, one of them applied under its old identity."""
    project.write("apps/keep.yaml", "version: 1\napps:\n" + manifest(bundle="com.keep", name="Keep"))
    declare(project, manifest())
    settings(project, "deactivate")
    assert project.call("apply", "--yes").code == 0
    return project


def settings(project, prune):
    safety = "safety: {maxChangePercent: 100, quarantineDays: 0, maxDeletes: 9}"
    project.write("reconciler.yaml", f'version: 1\npublisherId: "3432"\nprune: {prune}\n{safety}\n')


def declare(project, *apps):
    project.write("apps/a.yaml", "version: 1\napps:\n" + "".join(apps))


def live(rival):
    kinds = (rival.apps, rival.placements)
    return sorted((number, each["status"]) for kind in kinds for number, each in kind.items())


CHANGED = {
    "a letter more": {"bundle": "com.ab"},
    "another letter": {"bundle": "com.b"},
    "two letters swapped": {"bundle": "co.ma"},
    "another name, and a typo": {"bundle": "com.b", "name": "Other"},
    "another bundle": {"bundle": "org.example.new"},
    "another platform": {"platform": "ios"},
    "another platform and name": {"platform": "ios", "name": "Other"},
    "another platform and bundle": {"platform": "ios", "bundle": "1234567"},
}


@pytest.mark.parametrize("prune", ["report", "deactivate", "delete"])
@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED)
def test_an_app_that_changed_its_identity_is_blocked_and_the_old_one_stays(applied, rival, changed, prune):
    settings(applied, prune)
    before = live(rival)
    declare(applied, manifest(**changed))
    plan = applied.call("plan", "--format", "json").json
    assert {change["action"] for change in plan["changes"]} == {"blocked"}
    assert "distinct: true" in plan["changes"][0]["reason"]
    assert plan["changes"][0]["id"] in plan["changes"][0]["reason"]
    assert plan["held"] == plan["unmanaged"] == []
    assert any("stays as it is" in note["text"] for note in plan["notes"])
    assert applied.call("apply", "--yes").code == 3
    assert applied.call("apply", "--yes").code == 3
    assert live(rival) == before


@pytest.mark.parametrize("prune", ["report", "deactivate", "delete"])
def test_nor_is_it_made_where_only_the_new_one_is_selected(applied, rival, prune):
    settings(applied, prune)
    before = live(rival)
    declare(applied, manifest(bundle="com.b"))
    assert applied.call("apply", "--yes", "--only", "android:com.b*").code == 3
    assert live(rival) == before


@pytest.mark.parametrize("way", ["distinct", "absent"])
def test_both_ways_out_make_the_new_app_and_switch_the_old_one_off(applied, rival, way):
    old = [manifest(more="state: absent").split("    placements:")[0]] if way == "absent" else []
    more = "lifecycle: {distinct: true}" if way == "distinct" else "status: active"
    declare(applied, manifest(bundle="com.b", more=more), *old)
    assert applied.call("apply", "--yes").code == 0
    assert {each["bundle"]: each["status"] for each in rival.apps.values()} == {
        "com.keep": "active",
        "com.a": "inactive",
        "com.b": "active",
    }


@pytest.mark.parametrize("prune", ["report", "deactivate", "delete"])
@pytest.mark.parametrize("name", ["level_ends", "level_edn", "levelend", "lvel_end"])
def test_a_placement_that_changed_its_name_is_blocked_and_the_old_one_stays(applied, rival, name, prune):
    declare(applied, manifest(placement=name, more=f"prune: {prune}"))
    before = live(rival)
    plan = applied.call("plan", "--format", "json").json
    (change,) = plan["changes"]
    assert change["action"] == "blocked"
    assert "renamedFrom: level_end" in change["reason"]
    assert plan["held"] == plan["unmanaged"] == []
    assert applied.call("apply", "--yes").code == 3
    assert live(rival) == before


def test_distinct_makes_the_new_placement_and_switches_the_old_one_off(applied, rival):
    declare(applied, manifest(placement="level_ends", inner=", lifecycle: {distinct: true}"))
    assert applied.call("apply", "--yes").code == 0
    inside = [each for each in rival.placements.values() if each["name"].startswith("level_end")]
    assert ("level_ends", "active") in {(each["name"], each["status"]) for each in inside}
    assert sum(each["status"] == "inactive" for each in inside) == 1


@pytest.mark.parametrize("changed", [*CHANGED.values(), {"placement": "level_ends"}])
def test_a_pull_writes_no_block_of_what_a_declared_one_may_be(applied, changed):
    declare(applied, manifest(**changed))
    before = applied.read("apps/a.yaml")
    done = applied.call("pull")
    assert done.code == 0
    assert "suspected" in done.out
    assert applied.read("apps/a.yaml") == before
    assert {path.name for path in (applied.root / "apps").iterdir()} == {"a.yaml", "keep.yaml"}
