"""Top-level `x-` keys hold anchors; what blocks inherit from them stays as it is when one of the blocks moves."""

import pytest
from support.command import Project

SETTINGS = """\
x-types: &types
  Banner: {bannerRefresh: 45}
version: 1
publisherId: "3432"
x-europe: &europe [SE, "NO"]
countryGroups: {tier1: [US, CA], nordics: *europe}
defaults: {byType: *types}
"""
FILE = """\
x-floors: &f {WW: 0.10, CA: 1.50, US: 2}   # all share it
x-lines:
  - &us {country: US, price: 2.50}
x-cap: &cap {value: 3, unit: hour}
x-geo: &geo
  include: true
  countries: [tier1, SE]
x-base: &base
  placementType: Interstitial
  status: active
  # what everybody gets
  capping: *cap
x-whole: &whole {name: whole, placementType: MREC, status: active}
version: 1
apps:
  - platform: android
    bundle: com.game
    category1: Finance
    placements:
      - {name: flow, placementType: Interstitial, floorPrices: {<<: *f, US: 9}}
      - name: block
        placementType: Interstitial
        floorPrices:
          <<: *f
          # dear
          US: 9.00
      - name: listed
        placementType: Interstitial
        floorPrices:
          - *us
          - {<<: *us, country: GB}
          - {country: WW, price: 0.10}
      - name: merged
        <<: *base
      - name: two
        <<: [*base, {pacing: {value: 1, unit: minute}}]
        capping: {<<: *cap, unit: day}
        targetingEnabled: true
        geo: {<<: *geo, include: false}
      - *whole
"""


def floors(**table):
    return [{"country": country, "price": price} for country, price in table.items()]


def limit(value, unit):
    return {"value": value, "unit": unit, "enabled": True}


def fill(rival):
    app = rival.add_app(name="Game", bundle="com.game", category1="Finance")
    nine = floors(WW=0.1, CA=1.5, US=9)
    rival.add_placement(app, name="flow", floorPrices=nine)
    rival.add_placement(app, name="block", floorPrices=nine)
    rival.add_placement(app, name="listed", floorPrices=floors(WW=0.1, US=2.5, GB=2.5))
    rival.add_placement(app, name="merged", capping=limit(3, "hour"))
    geo = {"include": False, "countries": ["US", "CA", "SE"]}
    rival.add_placement(
        app, name="two", capping=limit(3, "day"), pacing=limit(1, "minute"), targetingEnabled=True, geo=geo
    )
    rival.add_placement(app, name="whole", placementType="MREC")


def named(rival, name):
    return next(each for each in rival.placements.values() if each["name"] == name)


@pytest.fixture
def known(rival, project) -> tuple[object, Project]:
    project.write("reconciler.yaml", SETTINGS)
    project.write("apps/game.yaml", FILE)
    fill(rival)
    done = project.call("pull")
    assert (done.code, project.read("apps/game.yaml")) == (0, FILE), done.out + done.err
    return rival, project


def pulled(project):
    """The lines that a pull took out and put in, after which nothing differs any more."""
    done = project.call("pull")
    assert done.code == 0, done.out + done.err
    assert project.call("plan", "--detailed-exitcode").code == 0
    assert project.call("pull", "--check").code == 0
    before, after = FILE.splitlines(), project.read("apps/game.yaml").splitlines()
    return [line.strip() for line in before if line not in after], [
        line.strip() for line in after if line not in before
    ]


class TestTopLevelKeys:
    def test_they_are_ignored_in_manifests_and_settings_by_every_command(self, known):
        _, project = known
        found = project.call("validate", "--strict", "--format", "json")
        assert (found.code, found.json["findings"]) == (0, [])

    @pytest.mark.parametrize("value", ["null", "[1, {a: b}]", "{apps: 3}", '"text"'])
    def test_whatever_stands_below_them(self, project, value):
        project.write("apps/a.yaml", f"version: 1\napps: []\nx-: {value}\nx-any: {value}\n")
        assert project.call("validate", "--strict").code == 0

    @pytest.mark.parametrize("wrong", ["y-a: 1", "X-a: 1", '"x": 1'])
    def test_other_names_are_unknown_fields_as_before(self, project, wrong):
        project.write("apps/a.yaml", f"version: 1\napps: []\n{wrong}\n")
        assert "unknown-field" in project.call("validate").out

    def test_farther_in_they_are_no_fields_and_the_hint_says_where_they_may_stand(self, project):
        project.write("apps/a.yaml", "version: 1\napps: [{platform: ios, bundle: 1, name: a, x-note: mine}]\n")
        done = project.call("validate")
        assert (done.code, "x- are ignored at the top of a file only" in done.out) == (1, True)

    def test_faults_in_their_yaml_are_still_faults(self, project):
        project.write("apps/a.yaml", "version: 1\napps: []\nx-a: {b: 1, b: 2}\n")
        assert "duplicate-key" in project.call("validate").out

    def test_fmt_puts_them_first_in_the_order_they_were_written_in_and_keeps_what_they_say(self, project):
        body = "version: 1\nx-b: &b   {WW: 1}   # why\n# of a\nx-a: 1\napps: []\n"
        project.write("apps/a.yaml", body)
        assert project.call("fmt").code == 0
        assert project.read("apps/a.yaml") == "x-b: &b   {WW: 1}   # why\n# of a\nx-a: 1\nversion: 1\napps: []\n"
        assert project.call("fmt", "--check").code == 0

    def test_fmt_orders_the_fields_of_a_file_whose_anchors_stand_in_them(self, project):
        project.write("apps/a.yaml", "x-f: &f {WW: 1}\napps:\n  - bundle: a.b\n    platform: android\nversion: 1\n")
        assert project.call("fmt").code == 0
        assert project.read("apps/a.yaml") == (
            "x-f: &f {WW: 1}\nversion: 1\napps:\n  - platform: android\n    bundle: a.b\n"
        )


class TestPull:
    def test_a_merged_country_that_moved_gets_a_line_in_flow_and_in_block_style(self, known):
        rival, project = known
        for name in ("flow", "block"):
            named(rival, name)["floorPrices"] = floors(WW=0.1, CA=1.75, US=9)
        assert pulled(project) == (
            ["- {name: flow, placementType: Interstitial, floorPrices: {<<: *f, US: 9}}"],
            ["- {name: flow, placementType: Interstitial, floorPrices: {<<: *f, US: 9, CA: 1.75}}", "CA: 1.75"],
        )

    def test_a_merged_floor_for_the_world_does_too(self, known):
        rival, project = known
        named(rival, "block")["floorPrices"] = floors(WW=0.2, CA=1.5, US=9)
        assert pulled(project) == ([], ["WW: 0.20"])

    def test_a_merged_country_that_is_gone_ends_the_merge_and_the_rest_stays(self, known):
        rival, project = known
        named(rival, "block")["floorPrices"] = floors(WW=0.1, US=9)
        pulled(project)
        text = project.read("apps/game.yaml")
        assert "floorPrices:\n          # dear\n          US: 9.00\n          WW: 0.10\n" in text
        assert "x-floors: &f {WW: 0.10, CA: 1.50, US: 2}   # all share it\n" in text

    def test_a_new_country_stands_beside_what_is_merged(self, known):
        rival, project = known
        named(rival, "flow")["floorPrices"] = floors(WW=0.1, CA=1.5, US=9, SE=3)
        assert pulled(project)[1] == [
            "- {name: flow, placementType: Interstitial, floorPrices: {<<: *f, US: 9, SE: 3}}"
        ]

    def test_lines_of_the_list_form_that_share_an_anchor_get_prices_of_their_own(self, known):
        rival, project = known
        named(rival, "listed")["floorPrices"] = floors(WW=0.1, US=3, GB=4)
        assert pulled(project) == (
            ["- *us", "- {<<: *us, country: GB}"],
            ["- {country: US, price: 3}", "- {<<: *us, country: GB, price: 4}"],
        )

    def test_fields_that_a_whole_block_merges_get_lines_in_the_block_that_merges(self, known):
        rival, project = known
        named(rival, "merged").update(status="inactive", capping=limit(5, "hour"))
        assert pulled(project) == ([], ["capping: {value: 5, unit: hour}", "status: inactive"])

    def test_a_block_that_merges_several_and_the_mappings_in_it(self, known):
        rival, project = known
        geo = {"include": False, "countries": ["US", "CA", "DE"]}
        named(rival, "two").update(status="inactive", capping=limit(4, "day"), pacing=limit(2, "minute"), geo=geo)
        gone, new = pulled(project)
        assert gone == ["capping: {<<: *cap, unit: day}", "geo: {<<: *geo, include: false}"]
        assert "capping: {<<: *cap, unit: day, value: 4}" in new
        assert "geo: {<<: *geo, include: false, countries: [CA, DE, US]}" in new
        assert {"status: inactive", "pacing: {value: 2, unit: minute}"} < set(new)

    def test_what_is_merged_and_did_not_move_is_not_written_out(self, known):
        rival, project = known
        named(rival, "two")["geo"] = {"include": True, "countries": ["US", "CA", "SE"]}
        assert pulled(project)[1] == ["geo: {<<: *geo, include: true}"]

    def test_a_block_written_as_an_alias_merges_it_and_says_what_differs(self, known):
        rival, project = known
        named(rival, "whole")["status"] = "inactive"
        assert pulled(project) == (["- *whole"], ["- {<<: *whole, status: inactive}"])


def test_an_anchor_and_those_who_merge_it_may_move_together(rival, project):
    head = "version: 1\napps:\n  - platform: android\n    bundle: com.game\n    category1: Finance\n    placements:\n"
    project.write(
        "apps/game.yaml",
        f"{head}      - &a {{name: one, placementType: Banner, status: active}}\n      - {{<<: *a, name: two}}\n",
    )
    app = rival.add_app(name="Game", bundle="com.game", category1="Finance")
    for name in ("one", "two"):
        rival.add_placement(app, name=name, placementType="Banner", status="inactive")
    assert project.call("pull").code == 0
    assert project.call("plan", "--detailed-exitcode").code == 0
    assert "&a {name: one, placementType: Banner, status: inactive}" in project.read("apps/game.yaml")
