"""A row that cannot be read stops itself: it is named, nothing takes its place, and the rest goes on."""

from shutil import rmtree

import pytest
from support.command import ONE_APP, SETTINGS

PLACEMENTS = """    placements:
      - {name: odd, placementType: Interstitial, coppa: false, floorPrices: {WW: 2}}
      - {name: fine, placementType: Interstitial, coppa: false, floorPrices: {WW: 2}}
"""
NEW = "      - {name: new, placementType: Interstitial, coppa: false}\n"
ODD = {
    "floors in words": {"floorPrices": "abc"},
    "a negative floor": {"floorPrices": [{"country": "WW", "price": -1}]},
    "a price in words": {"floorPrices": [{"country": "WW", "price": "much"}]},
    "coppa in words": {"coppa": "maybe"},
    "an unknown status": {"status": "frozen"},
}
NAMELESS = {"a block": {"en": "odd"}, "a list": ["odd"], "null": None, "true": True}
each_odd = pytest.mark.parametrize("values", ODD.values(), ids=ODD)
each_nameless = pytest.mark.parametrize("name", NAMELESS.values(), ids=NAMELESS)


def spoil(rival, key, number, **values):
    """Spoils values of one placement or app in every answer that shows it."""

    def spoiled(told):
        if isinstance(told, list):
            return [spoiled(part) for part in told]
        if not isinstance(told, dict):
            return told
        ids = {str(part) for name, part in told.items() if name.lower() == key.lower()}
        if key == "appId" and any(name.lower() == "placementid" for name in told):
            ids = set()
        shown = {name: spoiled(part) for name, part in told.items()}
        return {**shown, **values} if str(number) in ids else shown

    rival.twist = lambda _asked, status, told: (status, spoiled(told))


@pytest.fixture
def account(project, rival):
    """An app with two placements, made and known by the ledger."""
    text = ONE_APP + PLACEMENTS.replace("coppa: false,", "coppa: false, status: active,")
    project.write("apps/a.yaml", text)
    done = project.call("apply", "--yes")
    assert done.code == 0, done.err
    rival.asked.clear()
    return {fields["name"]: number for number, fields in (*rival.placements.items(), *rival.apps.items())}


def forget(project):
    """Take away what the project knows of the account: ledger and journal."""
    (project.root / "reconciler.lock").unlink()
    rmtree(project.root / ".reconciler")


def told(done):
    return done.out + done.err


@each_odd
def test_an_odd_value_blocks_its_own_placement_and_no_other(project, rival, account, values):
    spoil(rival, "placementId", account["odd"], **values)
    project.write("apps/a.yaml", project.read("apps/a.yaml").replace("{WW: 2}", "{WW: 1.5}") + NEW)
    done = project.call("apply", "--yes", "--format", "json")
    assert done.code == 3, told(done)
    outcomes = {each["address"].rpartition("/")[2]: each["outcome"] for each in done.json["results"]}
    assert outcomes == {"odd": "blocked", "fine": "applied", "new": "applied"}
    (blocked,) = [each for each in done.json["results"] if each["outcome"] == "blocked"]
    assert str(account["odd"]) in blocked["error"]
    assert next(iter(values)) in blocked["error"]
    assert rival.named("odd")["floorPrices"] == {"WW": 2}


@each_odd
def test_an_odd_value_is_drift_and_never_in_sync(project, rival, account, values):
    assert project.call("drift").code == 0
    spoil(rival, "placementId", account["odd"], **values)
    done = project.call("drift", "--format", "json")
    assert done.code == 2
    items = {each["address"].rpartition("/")[2]: each["class"] for each in done.json["items"]}
    assert items["odd"] == "drift"
    assert done.json["summary"]["drift"] == 1


@each_odd
def test_an_odd_value_of_a_field_that_nobody_manages_stops_nothing(project, rival, account, values):
    (name,) = values
    text = project.read("apps/a.yaml")
    kept = {"floorPrices": ", floorPrices: {WW: 2}", "coppa": ", coppa: false", "status": ", status: active"}
    head, _, below = text.partition("placements:")
    project.write("apps/a.yaml", head + "placements:" + below.replace(kept[name], ""))
    spoil(rival, "placementId", account["odd"], **values)
    done = project.call("apply", "--yes")
    assert done.code == 0, told(done)
    assert "blocked" not in done.out


@each_odd
def test_pull_leaves_an_odd_row_out_and_says_so(tmp_path, project, rival, account, values):
    spoil(rival, "placementId", account["odd"], **values)
    forget(project)
    (project.root / "apps/a.yaml").unlink()
    done = project.call("pull")
    assert done.code == 0, told(done)
    (file,) = (project.root / "apps").iterdir()
    assert "name: fine" in file.read_text()
    assert "name: odd" not in file.read_text()
    assert str(account["odd"]) in told(done)


@each_nameless
def test_nothing_is_made_beside_a_placement_whose_name_cannot_be_read(project, rival, account, name):
    forget(project)
    spoil(rival, "placementId", account["odd"], name=name)
    project.write("apps/a.yaml", project.read("apps/a.yaml").replace("{WW: 2}", "{WW: 1.5}") + NEW)
    before = len(rival.placements)
    done = project.call("apply", "--yes", "--format", "json")
    assert done.code == 3, told(done)
    outcomes = {each["address"].rpartition("/")[2]: each["outcome"] for each in done.json["results"]}
    assert outcomes == {"odd": "blocked", "new": "blocked", "fine": "applied"}, done.out
    assert all(str(account["odd"]) in each["error"] for each in done.json["results"] if each["outcome"] == "blocked")
    assert len(rival.placements) == before


@each_nameless
def test_a_placement_that_the_ledger_knows_is_blocked_by_a_name_that_cannot_be_read(project, rival, account, name):
    spoil(rival, "placementId", account["odd"], name=name)
    project.write("apps/a.yaml", project.read("apps/a.yaml") + NEW)
    done = project.call("apply", "--yes", "--format", "json")
    outcomes = {each["address"].rpartition("/")[2]: each["outcome"] for each in done.json["results"]}
    assert outcomes == {"odd": "blocked", "new": "applied"}
    assert project.call("drift").code == 2
    assert rival.named("odd")


@each_nameless
def test_nothing_is_pruned_whose_name_cannot_be_read(project, rival, account, name):
    spoil(rival, "placementId", account["odd"], name=name)
    project.write("reconciler.yaml", SETTINGS + "prune: deactivate\n")
    lines = project.read("apps/a.yaml").splitlines(keepends=True)
    project.write("apps/a.yaml", "".join(line for line in lines if "name: odd" not in line))
    done = project.call("apply", "--yes")
    assert rival.named("odd")["status"] == "active"
    assert str(account["odd"]) in told(done)


@pytest.mark.parametrize("values", [{"bundle": {"x": 1}}, {"bundle": None}, {"platform": ["android"]}])
def test_no_app_is_made_beside_one_whose_identity_cannot_be_read(project, rival, account, values):
    forget(project)
    spoil(rival, "appId", account["A"], **values)
    before = len(rival.apps), len(rival.placements)
    done = project.call("apply", "--yes")
    assert done.code == 3, told(done)
    assert str(account["A"]) in told(done)
    assert (len(rival.apps), len(rival.placements)) == before


def test_an_odd_value_of_an_app_stops_neither_its_placements_nor_other_apps(project, rival, account):
    spoil(rival, "appId", account["A"], coppa="maybe")
    project.write("apps/b.yaml", ONE_APP.replace("com.a", "com.b"))
    project.write("apps/a.yaml", project.read("apps/a.yaml") + NEW)
    done = project.call("apply", "--yes", "--format", "json")
    outcomes = {each["address"]: each["outcome"] for each in done.json["results"]}
    assert outcomes == {
        "android:com.a": "blocked",
        "android:com.b": "applied",
        "android:com.a/new": "applied",
    }
