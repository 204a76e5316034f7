"""What somebody changed in the console: overwritten, told or held by an apply, and taken over by a pull."""

import json
from shutil import rmtree

import pytest

APP = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - name: one
        placementType: Interstitial
        floorPrices: {{WW: {ww}, US: {us}}}
        capping: {{value: {cap}, unit: hour}}
      - {{name: two, placementType: Banner, bannerRefresh: {refresh}}}
"""
AT = "android:com.a/one"


def declare(project, **values):
    project.write("apps/a.yaml", APP.format(**{"ww": 1, "us": 2, "cap": 3, "refresh": 45, **values}))


def settings(project, rule):
    rule = "" if rule is None else f"onDrift: {rule}, "
    text = f'version: 1\npublisherId: "3432"\nsafety: {{{rule}maxChangePercent: 100, maxFloorChangePercent: 1000}}\n'
    project.write("reconciler.yaml", text)


@pytest.fixture
def applied(project):
    settings(project, "hold")
    declare(project)
    assert project.call("apply", "--yes").code == 0
    return project


def in_the_console(rival, *, us=None, cap=None):
    one = next(each for each in rival.placements.values() if each["name"] == "one")
    if us is not None:
        one["floorPrices"] = [each | {"price": us} if each["country"] == "US" else each for each in one["floorPrices"]]
    if cap is not None:
        one["capping"] = {**one["capping"], "value": cap}


def prices(rival):
    return {country: float(price) for country, price in rival.named("one")["floorPrices"].items()}


def known(project):
    return {line["address"]: line for line in map(json.loads, project.read("reconciler.lock").splitlines())
            if "address" in line}[AT]["applied"]  # fmt: skip


@pytest.mark.parametrize("us", [2, 3], ids=["drift", "conflict"])
@pytest.mark.parametrize("rule", [None, "warn", "overwrite", "hold"])
def test_an_apply_does_as_the_setting_says_with_what_the_console_has_changed(applied, rival, rule, us):
    settings(applied, rule)
    in_the_console(rival, us=7)
    declare(applied, us=us)
    plan = applied.call("plan", "--format", "json").json
    told = [note for note in plan["notes"] if "floorPrices.US is 7" in note["text"]]
    held = [each for each in plan["held"] if each["limit"] == "onDrift"]
    assert (len(told), len(held), plan["summary"]["update"]) == {
        None: (1, 0, 1),
        "warn": (1, 0, 1),
        "overwrite": (0, 0, 1),
        "hold": (0, 1, 0),
    }[rule]
    assert applied.call("apply", "--yes").code == 0
    assert prices(rival)["US"] == (7 if rule == "hold" else us)


def test_what_is_held_carries_its_switch_and_is_no_change(applied, rival):
    in_the_console(rival, us=7)
    declare(applied, us=3)
    done = applied.call("plan", "--format", "json", "--detailed-exitcode")
    (held,) = done.json["held"]
    assert (done.code, held["action"], held["switch"]) == (0, "update", "--overwrite-drift")
    assert [(each["path"], each["before"], each["after"]) for each in held["change"]["fields"]] == [
        ("floorPrices.US", 7, 3)
    ]
    assert "--overwrite-drift" in applied.call("plan").out


def test_the_rest_of_the_resource_and_of_the_table_goes_on(applied, rival):
    in_the_console(rival, us=7, cap=9)
    declare(applied, ww=1.5, us=3, refresh=60)
    assert applied.call("apply", "--yes").code == 0
    assert prices(rival) == {"WW": 1.5, "US": 7}
    assert rival.named("one")["capping"]["value"] == 9
    assert rival.named("two")["bannerRefresh"] == 60
    assert known(applied)["floorPrices"] == {"WW": 1.5, "US": 2}
    assert known(applied)["capping"]["value"] == 3
    plan = applied.call("plan", "--format", "json").json
    assert plan["changes"] == []
    assert [(each["path"], each["origin"]) for each in plan["held"][0]["change"]["fields"]] == [
        ("capping.value", "drift"),
        ("floorPrices.US", "conflict"),
    ]


def test_the_switch_overwrites_and_tells_it(applied, rival):
    in_the_console(rival, us=7)
    declare(applied, us=3)
    done = applied.call("apply", "--yes", "--overwrite-drift")
    assert (done.code, prices(rival)["US"]) == (0, 3)
    assert "floorPrices.US is 7" in done.out


def test_a_saved_plan_holds_what_it_held(applied, rival):
    in_the_console(rival, us=7)
    declare(applied, ww=1.5, us=3)
    assert applied.call("plan", "--out", "plan.json").code == 0
    assert applied.call("apply", "plan.json", "--overwrite-drift").code == 64
    assert applied.call("apply", "plan.json").code == 0
    assert prices(rival) == {"WW": 1.5, "US": 7}


def test_a_saved_plan_overwrites_what_it_was_told_to(applied, rival):
    in_the_console(rival, us=7)
    assert applied.call("plan", "--out", "plan.json", "--overwrite-drift").code == 0
    assert applied.call("apply", "plan.json").code == 0
    assert prices(rival)["US"] == 2


@pytest.mark.parametrize("rule", [None, "warn", "overwrite", "hold"])
def test_conflicts_can_be_held_where_what_else_drifted_is_not(applied, rival, rule):
    settings(applied, rule)
    in_the_console(rival, us=7, cap=9)
    declare(applied, us=3)
    done = applied.call("plan", "--hold-conflicts", "--format", "json")
    held = [each["path"] for part in done.json["held"] for each in part["change"]["fields"]]
    assert held == {"overwrite": [], "hold": ["capping.value", "floorPrices.US"]}.get(rule, ["floorPrices.US"])
    assert applied.call("apply", "--yes", "--hold-conflicts").code == 0
    assert (prices(rival)["US"], rival.named("one")["capping"]["value"]) == {
        "overwrite": (3, 3),
        "hold": (7, 9),
    }.get(rule, (7, 3))


def test_a_saved_plan_holds_the_conflicts_that_it_held(applied, rival):
    settings(applied, "warn")
    in_the_console(rival, us=7)
    declare(applied, ww=1.5, us=3)
    assert applied.call("plan", "--out", "plan.json", "--hold-conflicts").code == 0
    assert applied.call("apply", "plan.json").code == 0
    assert prices(rival) == {"WW": 1.5, "US": 7}


def test_what_contradicts_each_other_is_not_taken(applied):
    done = applied.call("plan", "--hold-conflicts", "--overwrite-drift")
    assert done.code == 64
    assert "--hold-conflicts" in done.err


def test_a_project_that_init_begins_holds_conflicts(project, rival):
    assert project.call("init", "new").code == 0
    assert "\n  onDrift: hold\n" in project.read("new/reconciler.yaml")


def test_an_unknown_rule_is_an_error(project):
    settings(project, "ignore")
    done = project.call("validate")
    assert done.code == 1
    assert "onDrift" in done.out


class TestPull:
    def test_it_takes_over_drift_and_leaves_edits_that_were_not_applied(self, applied, rival):
        in_the_console(rival, us=7, cap=9)
        declare(applied, ww=1.5, us=3, refresh=60)
        done = applied.call("pull")
        assert done.code == 0
        assert applied.read("apps/a.yaml") == APP.format(ww=1.5, us=3, cap=9, refresh=60)
        assert "floorPrices.WW: declared 1.5, the account has 1" in done.out
        assert "floorPrices.US: declared 3, the account has 7; both were changed" in done.out
        assert "bannerRefresh: declared 60, the account has 45" in done.out
        assert known(applied)["capping"]["value"] == 9
        assert known(applied)["floorPrices"] == {"WW": 1, "US": 2}

    def test_what_it_took_over_is_no_drift_any_more(self, applied, rival):
        in_the_console(rival, cap=9)
        declare(applied, us=3)
        assert applied.call("pull").code == 0
        plan = applied.call("plan", "--format", "json").json
        assert plan["held"] == []
        assert [[each["path"] for each in change["fields"]] for change in plan["changes"]] == [["floorPrices.US"]]
        assert applied.call("apply", "--yes").code == 0
        assert applied.call("plan", "--detailed-exitcode").code == 0

    def test_theirs_takes_all_that_is_live(self, applied, rival):
        in_the_console(rival, us=7, cap=9)
        declare(applied, ww=1.5, us=3, refresh=60)
        assert applied.call("pull", "--theirs").code == 0
        assert applied.read("apps/a.yaml") == APP.format(ww="1.0", us=7, cap=9, refresh=45)
        assert applied.call("plan", "--detailed-exitcode").code == 0

    def test_a_check_finds_nothing_to_write_where_only_manifests_moved(self, applied):
        declare(applied, us=3)
        assert applied.call("pull", "--check").code == 0
        assert applied.call("pull", "--check", "--theirs").code == 2

    def test_without_a_ledger_it_takes_what_is_live(self, applied):
        declare(applied, us=3)
        (applied.root / "reconciler.lock").unlink()
        rmtree(applied.root / ".reconciler")
        assert applied.call("pull").code == 0
        assert applied.read("apps/a.yaml") == APP.format(ww=1, us=2, cap=3, refresh=45)
