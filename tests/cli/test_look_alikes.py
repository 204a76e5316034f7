"""Names and bundles that differ in nothing a person sees, from manifests to an account that is not ours."""

import json
import re

import pytest
from support.command import SETTINGS, Project
from support.rival import Rival

DECLARED = {
    "unicode form": ("caf\u00e9", "cafe\u0301"),
    "case": ("level_end", "LEVEL_END"),
    "blank at the end": ("shop", "shop "),
    "zero-width space": ("start", "sta\u200brt"),
    "fullwidth letters": ("bottom", "\uff42\uff4f\uff54\uff54\uff4f\uff4d"),
    "hyphen for underscore": ("int_13", "int-13"),
}
"""What is declared, and what the account has instead."""

BUNDLES = {
    "case": ("android", "com.Game", "com.game"),
    "hyphen for underscore": ("android", "com.my_game", "com.my-game"),
    "blank at the end": ("android", "com.third", "com.third "),
    "zero-width space": ("android", "com.fourth", "com.\u200bfourth"),
    "unicode form": ("ios", "com.caf\u00e9", "com.cafe\u0301"),
    "fullwidth letters": ("ios", "com.wide", "com.\uff57\uff49\uff44\uff45"),
    "id before a store number": ("ios", "1234567", "id1234567"),
    "no id before a store number": ("ios", "id7654321", "7654321"),
}
WAYS = ("nothing", "pin", "distinct")


class Scene:
    """A rival that holds look-alikes, and the project that declares what they look like."""

    def __init__(self, rival, root):
        self.rival, self.project = rival, Project(root, rival.url)
        self.project.write("reconciler.yaml", f"{SETTINGS}safety: {{maxChangePercent: 100}}\n")
        self.home = rival.add_app(name="Home", bundle="com.home")
        self.placements = {name: rival.add_placement(self.home, name=like) for name, like in DECLARED.values()}
        self.apps = {
            (platform, bundle): rival.add_app(name=f"{platform} {bundle}", platform=platform, bundle=like)
            for platform, bundle, like in BUNDLES.values()
        }

    def declare(self, way):
        def more(pin, number):
            return {"pin": {pin: str(number)}, "distinct": {"lifecycle": {"distinct": True}}, "nothing": {}}[way]

        home = {"platform": "android", "bundle": "com.home", "placements": [
            {"name": name, "placementType": "Interstitial", "coppa": False, **more("placementId", number)}
            for name, number in self.placements.items()
        ]}  # fmt: skip
        apps = [
            {"platform": platform, "bundle": bundle, "name": "New", "category1": "Finance", "coppa": False,
             "placements": [{"name": "inner", "placementType": "MREC"}], **more("appId", number)}
            for (platform, bundle), number in self.apps.items()
        ]  # fmt: skip
        self.project.write("apps/all.yaml", json.dumps({"version": 1, "apps": [home, *apps]}))

    def applied(self, way):
        self.declare(way)
        self.rival.asked.clear()
        return self.project.call("apply", "--yes", "--format", "json")


@pytest.fixture
def scene(tmp_path):
    with Rival().running() as rival:
        yield Scene(rival, tmp_path)


def test_nothing_is_made_beside_them_and_each_reason_names_the_live_id(scene):
    done = scene.applied("nothing")
    assert done.code == 3
    assert scene.rival.writes == []
    assert done.json["summary"]["blocked"] == len(DECLARED) + 2 * len(BUNDLES)
    reasons = {each["address"]: each["error"] for each in done.json["results"]}
    for name, number in scene.placements.items():
        assert re.search(rf"\bid {number}\b.*placementId.*distinct: true", reasons[f"android:com.home/{name}"])
    for (platform, bundle), number in scene.apps.items():
        assert re.search(rf"\bid {number}\b.*appId.*distinct: true", reasons[f"{platform}:{bundle}"])


def test_pins_take_them_over_and_rename_what_can_be_renamed(scene):
    done = scene.applied("pin")
    assert done.code == 0, done.err
    renamed = {
        int(asked.body["placementId"]): asked.body["name"] for asked in scene.rival.writes if asked.method == "PUT"
    }
    assert renamed == {number: name for name, number in scene.placements.items()}
    made = [asked.body["name"] for asked in scene.rival.writes if asked.method == "POST"]
    assert made == ["inner"] * len(BUNDLES)
    assert scene.project.call("plan", "--detailed-exitcode").code == 0
    assert scene.project.call("drift").code == 0
    scene.declare("nothing")
    assert scene.project.call("plan", "--detailed-exitcode").code == 0


def test_blocks_that_say_they_are_others_are_created(scene):
    done = scene.applied("distinct")
    assert done.code == 0, done.err
    made = [asked for asked in scene.rival.writes if asked.method == "POST"]
    assert len(made) == len(DECLARED) + 2 * len(BUNDLES)
    assert not [asked for asked in scene.rival.writes if asked.method != "POST"]
    assert scene.project.call("plan", "--detailed-exitcode").code == 0


def test_a_saved_plan_is_stale_once_a_look_alike_has_appeared(tmp_path):
    with Rival().running() as rival:
        project = Project(tmp_path, rival.url)
        home = rival.add_app(name="Home", bundle="com.home")
        app = {"platform": "android", "bundle": "com.home", "placements": [{"name": "shop", "placementType": "MREC"}]}
        project.write("apps/all.yaml", json.dumps({"version": 1, "apps": [app]}))
        assert project.call("plan", "--out", "plan.json").code == 0
        number = rival.add_placement(home, name="Shop")
        done = project.call("apply", "plan.json")
        assert done.code == 4
        assert f"a look-alike exists by now, as id {number}" in done.err
        app["placements"][0]["lifecycle"] = {"distinct": True}
        project.write("apps/all.yaml", json.dumps({"version": 1, "apps": [app]}))
        assert project.call("plan", "--out", "plan.json").code == 0
        rival.add_placement(home, name="SHOP")
        assert project.call("apply", "plan.json").code == 0


def test_a_pull_writes_no_second_block_beside_one_that_looks_the_same(scene):
    scene.declare("nothing")
    before = scene.project.read("apps/all.yaml")
    done = scene.project.call("pull")
    assert (done.code, scene.project.read("apps/all.yaml")) == (0, before)
    assert len(list((scene.project.root / "apps").iterdir())) == 1
    for number in (*scene.placements.values(), *scene.apps.values()):
        assert f"id {number} " in done.out


def test_of_namesakes_plan_and_pull_take_the_active_one(tmp_path):
    with Rival().running() as rival:
        project = Project(tmp_path, rival.url)
        asleep_app = rival.add_app(name="Home", bundle="com.home", status="inactive")
        home = rival.add_app(name="Home", bundle="com.home")
        asleep, awake = (
            rival.add_placement(home, name="shop", status="inactive"),
            rival.add_placement(home, name="shop"),
        )
        app = {"platform": "android", "bundle": "com.home", "placements": [{"name": "shop", "placementType": "MREC"}]}
        app["placements"][0].update({"placementType": "Interstitial", "status": "active"})
        project.write("apps/all.yaml", json.dumps({"version": 1, "apps": [app]}))
        planned = project.call("plan", "--detailed-exitcode", "--format", "json")
        assert planned.code == 0, planned.out
        assert {each["id"] for each in planned.json["unmanaged"]} == {str(asleep_app), str(asleep)}
        told = {each["address"]: each["text"] for each in planned.json["notes"]}
        assert f'placementId: "{awake}"' in told["android:com.home/shop"]
        assert f'appId: "{home}"' in told["android:com.home"]
        (project.root / "apps/all.yaml").unlink()
        pulled = project.call("pull")
        written = next((project.root / "apps").iterdir()).read_text()
        assert f'placementId: "{awake}"' in written
        assert f'appId: "{home}"' in written
        assert f"id {asleep} goes by the address of another placement and is left out: it is inactive" in pulled.out
        assert f"id {asleep_app} goes by the address of another app and is left out: it is inactive" in pulled.out
        assert project.call("plan", "--detailed-exitcode").code == 0
        assert rival.writes == []


def test_a_ledger_with_one_id_twice_ends_every_run_that_reads_it(scene):
    scene.applied("pin")
    number = next(iter(scene.placements.values()))
    lines = scene.project.read("reconciler.lock").splitlines(keepends=True)
    twice = next(line for line in lines if f'"id":"{number}"' in line)
    where = lines.index(twice) + 1
    lines.append(twice.replace(json.loads(twice)["address"], "ios:zzz/copy"))
    scene.project.write("reconciler.lock", "".join(lines))
    scene.rival.asked.clear()
    for command in (["plan"], ["apply", "--yes"], ["drift"]):
        done = scene.project.call(*command)
        assert done.code == 1
        assert f"reconciler.lock:{len(lines)}: placement id {number} is there twice" in done.err
        assert f"(line {where}) and ios:zzz/copy" in done.err
    assert scene.rival.writes == []
