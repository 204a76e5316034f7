"""A live account becomes manifests and a ledger; files that exist change in the lines that differ and nowhere else."""

import difflib
from pathlib import Path

import pytest
from filelock import FileLock
from support.command import Project
from support.rival import Rival

SETTINGS = """
version: 1
publisherId: "3432"
defaults:
  placements: {coppa: false, status: active}
  byType: {Banner: {bannerRefresh: 45}}
countryGroups: {tier1: [US, CA, GB, AU], nordics: [SE, "NO", DK, FI]}
"""
TIER1 = ("US", "CA", "GB", "AU")
KINDS = ("Interstitial", "Banner", "Rewarded", "MREC")
HOSTILE = [
    "NO", "010", "1e3", "on", "null", "~", "true", "a: b", "a #b", " leading", "trailing ", "it's",
    'say "hi"', "\u00fcber", "\u65e5\u672c", "\U0001f600", "- dash", "{x}", "[y]", "&a", "*b", "!tag",
    "%dir", "@at", "`tick`", "|", ">", "../../etc/passwd", "/abs", "C:\\win", "a\u202eb", "a\u2028b",
    "\ufeffbom", "<<", "=", "?", "? q", ":", "a:", "#", "...", "---", "0x10", "1:30", "2026-12-31", "x" * 300,
    "::set-output", "<script>", "{{USER_ID}}",
]  # fmt: skip


def floors(**table):
    return [{"country": country, "price": price} for country, price in table.items()]


def filled(rival, apps, placements):
    """A plain account of that size."""
    for number in range(apps):
        app = rival.add_app(name=f"App {number}", bundle=f"com.studio.app{number}", category1="Games")
        for at in range(placements):
            kind = KINDS[at % 4]
            more = {"bannerRefresh": 45 if at % 8 == 1 else 30} if kind == "Banner" else {}
            if kind == "Rewarded":
                more["ssrConfig"] = {"currency": "coins", "amount": 10, "enabled": True}
            if kind == "Interstitial":
                more["capping"] = {"value": 3, "unit": "hour", "enabled": True}
            table = floors(WW=0.01, **dict.fromkeys(TIER1, 0.5 + at)) if at % 3 else floors(WW=0.25 + number / 100)
            status = "inactive" if at == 19 else "active"
            rival.add_placement(app, name=f"place_{at}", placementType=kind, floorPrices=table, status=status, **more)


def files(project):
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes()
        for path in sorted(project.root.rglob("*"))
        if path.is_file() and ".reconciler" not in path.parts
    }


def ledger(project):
    return {line["address"]: line for line in project.entries()}


def plan_is_empty(project):
    done = project.call("plan", "--detailed-exitcode")
    return (done.code, done.out.splitlines()[-1][:10]) == (0, "No changes") or done.out + done.err


@pytest.fixture(scope="module")
def pulled(tmp_path_factory):
    with Rival().running() as rival:
        filled(rival, 300, 20)
        project = Project(tmp_path_factory.mktemp("pull"), rival.url)
        project.write("reconciler.yaml", SETTINGS)
        project.first = project.call("pull", "--format", "json")
        yield rival, project


class TestAnAccountOfSixThousand:
    def test_it_becomes_a_file_for_each_app_and_a_ledger_line_for_each_resource(self, pulled):
        _, project = pulled
        assert project.first.code == 0, project.first.err
        assert len(list((project.root / "apps").iterdir())) == 300
        assert len(ledger(project)) == 6_300

    def test_then_the_plan_is_empty(self, pulled):
        _, project = pulled
        assert plan_is_empty(project) is True

    def test_defaults_are_not_repeated_and_groups_stand_for_their_countries(self, pulled):
        _, project = pulled
        text = project.read("apps/android-com.studio.app0.yaml")
        assert "coppa: false" in text.split("placements:")[0]
        assert "coppa" not in text.split("placements:")[1]
        assert text.count("bannerRefresh: 30") == 2
        assert "bannerRefresh: 45" not in text
        assert "floorPrices: {WW: 0.01, tier1: 1.5}" in text

    def test_five_edits_in_the_console_change_five_lines(self, pulled):
        rival, project = pulled
        path = "apps/android-com.studio.app7.yaml"
        text = (
            project.read(path).replace("apps:\n", "# ours\n\napps:  # all\n", 1).replace("name: App 7", 'name: "App 7"')
        )
        project.write(path, text)
        before = files(project)
        ids = {(each["app"], each["name"]): each for each in rival.placements.values()}
        apps = list(rival.apps)
        ids[apps[7], "place_0"]["capping"]["value"] = 9
        ids[apps[7], "place_1"]["floorPrices"] = floors(WW=0.01, **dict.fromkeys(TIER1, 1.75))
        ids[apps[8], "place_2"]["ssrConfig"]["currency"] = "NO"
        ids[apps[9], "place_3"]["floorPrices"] = floors(WW=0.99)
        rival.apps[apps[10]]["status"] = "inactive"
        assert project.call("pull", "--check").code == 2
        assert files(project) == before
        done = project.call("pull", "--format", "json")
        assert done.code == 0, done.err
        assert len({each["address"] for each in done.json["changes"]}) == 5
        assert changed_lines(before, files(project)) == 5
        assert plan_is_empty(project) is True

    def test_a_pull_with_nothing_to_do_writes_nothing(self, pulled):
        _, project = pulled
        before = files(project)
        assert project.call("pull").code == 0
        assert files(project) == before


def changed_lines(before, after):
    """How many lines of manifests are other ones, each a line in the place of a line."""
    count = 0
    for name in before:
        if name == "reconciler.lock":
            continue
        old, new = before[name].decode().splitlines(), after[name].decode().splitlines()
        assert len(old) == len(new)
        count += sum(pair[0] != pair[1] for pair in zip(old, new, strict=True))
    return count


def test_names_that_yaml_paths_and_terminals_would_take_otherwise(rival, project):
    for name in HOSTILE:
        app = rival.add_app(name=name, bundle=f"com.{''.join(name.split()).replace('/', '')}")
        rival.add_placement(app, name=name)
    done = project.call("pull", "--format", "json")
    assert done.code == 0, done.err
    assert plan_is_empty(project) is True
    written = [path.name for path in (project.root / "apps").iterdir()]
    assert len(written) == len(HOSTILE) == len({name.casefold() for name in written})
    assert all(name.isascii() and len(name) < 130 and name.startswith("android-com") for name in written)
    assert "\x1b" not in project.call("pull").out


def test_bundles_that_differ_in_case_alone_get_files_of_their_own(rival, project):
    for bundle in ("com.Game", "com.game", "com.GAME"):
        rival.add_app(name="Game", bundle=bundle)
    assert project.call("pull").code == 0
    assert len({path.name.casefold() for path in (project.root / "apps").iterdir()}) == 3
    assert plan_is_empty(project) is True


def test_a_file_that_is_in_the_way_is_not_overwritten(rival, project):
    rival.add_app(name="Game", bundle="com.game")
    project.write("apps/ANDROID-com.game.yaml", "version: 1\napps: []\n")
    assert project.call("pull").code == 0
    assert project.read("apps/ANDROID-com.game.yaml") == "version: 1\napps: []\n"
    assert (project.root / "apps/android-com.game-2.yaml").is_file()


ODD = [
    {"status": "paused"}, {"placementType": "Native"}, {"bannerRefresh": 30}, {"skipability": "Whenever"},
    {"floorPrices": [{"country": "ZZ", "price": 1}]}, {"floorPrices": [{"country": "WW", "price": 0.001}]},
    {"capping": {"value": 3, "unit": "fortnight", "enabled": True}}, {"creativeTypes": ["hologram"]},
    {"targetingEnabled": True}, {"targetingEnabled": False, "geo": {"include": True, "countries": ["US"]}},
    {"targetingEnabled": True, "geo": {"include": False, "countries": ["ZZ"]}},
    {"connectivity": ["5G"], "targetingEnabled": True},
    {"targetingEnabled": True, "geo": {"include": False, "countries": ["US", "NO"]}, "connectivity": ["WIFI"]},
    {"pacing": {"value": 0, "unit": "day", "enabled": True}}, {"name": ""}, {"name": "\x1b[31m"}, {"name": "   "},
]  # fmt: skip


@pytest.mark.parametrize("defaults", ["", (
    "defaults: {placements: {status: active, floorPrices: {WW: 1}, targetingEnabled: true, lifecycle: {protect: true},"
    " geo: {include: true, countries: [US]}, capping: {value: 1, unit: day}, skipability: NonSkippable}}\n"
)], ids=["no defaults", "defaults"])  # fmt: skip
@pytest.mark.parametrize("odd", ODD, ids=str)
def test_what_a_manifest_cannot_say_is_noted_and_left_undeclared(rival, project, odd, defaults):
    project.write("reconciler.yaml", f'version: 1\npublisherId: "3432"\n{defaults}')
    app = rival.add_app(name="Game", bundle="com.game")
    rival.add_placement(app, **{"name": "odd", **odd})
    rival.add_placement(app, name="plain")
    done = project.call("pull", "--format", "json")
    assert done.code == 0, done.err
    sayable = [{"skipability": "Whenever"}, ODD[12]]
    assert bool(done.json["notes"]) is (odd not in sayable or bool(defaults))
    assert plan_is_empty(project) is True
    assert project.call("pull", "--check").code == 0


def test_of_placements_with_one_name_the_active_one_is_pinned_and_the_other_named(rival, project):
    app = rival.add_app(name="Game", bundle="com.game")
    asleep = rival.add_placement(app, name="twin", status="inactive")
    awake = rival.add_placement(app, name="twin")
    done = project.call("pull")
    assert f'placementId: "{awake}"' in project.read("apps/android-com.game.yaml")
    assert f"id {asleep} goes by the address of another placement" in done.out
    assert plan_is_empty(project) is True


def test_of_apps_with_one_identity_one_is_pinned_and_the_other_named(rival, project):
    first = rival.add_app(name="Game", bundle="com.game")
    second = rival.add_app(name="Game", bundle="com.game")
    done = project.call("pull")
    assert f'appId: "{first}"' in project.read("apps/android-com.game.yaml")
    assert f"id {second} goes by the address of another app" in done.out
    assert plan_is_empty(project) is True


FILE = """\
# Our game.
version: 1
apps:
- bundle: com.game   # the one
  platform: 'android'
  category1: Finance
  placements:

    # a ladder's neighbour
    - {name: int_1, placementType: Interstitial, capping: {value: 3, unit: hour},
       floorPrices: &table {WW: 0.10, tier1: 0.80, US: 1.20}}
    - name: "int_2"
      placementType: Interstitial
      floorPrices: *table   # as int_1
      status: active
    - &third
      name: int_3
      placementType: Interstitial
      floorPrices:
        WW: 0.10   # little
        NO: 2.50
        # the rest
        SE: 3
      connectivity: [WIFI]
      targetingEnabled: true
    - <<: *third
      name: int_4

  waterfalls:
    - name: end
      placementType: Interstitial
      status: active
      tiers:
        - {name: high, floorPrices: {WW: 6}}   # dear
        - {name: low, floorPrices: {WW: 2}}
"""


@pytest.fixture
def known(rival, project):
    """A project that was applied: its account is as its manifest says."""
    project.write("reconciler.yaml", SETTINGS)
    project.write("apps/game.yaml", FILE)
    app = rival.add_app(name="Game", bundle="com.game")
    one, three = floors(WW=0.1, CA=0.8, GB=0.8, AU=0.8, US=1.2), floors(WW=0.1, NO=2.5, SE=3)
    rival.add_placement(app, name="int_1", floorPrices=one, capping={"value": 3, "unit": "hour", "enabled": True})
    rival.add_placement(app, name="int_2", floorPrices=one)
    for name in ("int_3", "int_4"):
        rival.add_placement(app, name=name, floorPrices=three, connectivity=["WIFI"], targetingEnabled=True)
    rival.add_placement(app, name="end_high", floorPrices=floors(WW=6))
    rival.add_placement(app, name="end_low", floorPrices=floors(WW=2))
    done = project.call("pull")
    assert (done.code, project.read("apps/game.yaml")) == (0, FILE), done.out + done.err
    assert plan_is_empty(project) is True
    return rival, project


def named(rival, name):
    return next(each for each in rival.placements.values() if each["name"] == name)


def lines_pulled(project, code=0):
    """The lines taken out and put in by a pull, after which the plan is empty and a second pull changes nothing."""
    before = project.read("apps/game.yaml")
    done = project.call("pull")
    after = project.read("apps/game.yaml")
    assert done.code == code, done.out + done.err
    assert plan_is_empty(project) is True
    assert project.call("pull", "--check").code == 0
    told = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line.rstrip() for line in told if line[0] in "-+"]


class TestFilesThatExist:
    def test_a_value_changes_in_its_quotes_and_its_comment_stays(self, known):
        rival, project = known
        named(rival, "end_high")["floorPrices"] = floors(WW=7)
        assert lines_pulled(project) == [
            "-         - {name: high, floorPrices: {WW: 6}}   # dear",
            "+         - {name: high, floorPrices: {WW: 7}}   # dear",
        ]

    def test_what_an_alias_gave_stands_there_itself_once_it_differs(self, known):
        rival, project = known
        named(rival, "int_2")["floorPrices"] = floors(WW=0.1, CA=0.8, GB=0.8, AU=0.8, US=1.3)
        assert lines_pulled(project) == [
            "-       floorPrices: *table   # as int_1",
            "+       floorPrices: {WW: 0.1, AU: 0.8, CA: 0.8, GB: 0.8, US: 1.3}   # as int_1",
        ]

    def test_what_a_merge_gave_gets_a_line_of_its_own_once_it_differs(self, known):
        rival, project = known
        named(rival, "int_4")["floorPrices"] = floors(WW=0.2)
        assert lines_pulled(project) == ["+       floorPrices: {WW: 0.2}"]

    def test_what_a_waterfall_or_a_default_gave_gets_a_line_of_its_own(self, known):
        rival, project = known
        named(rival, "end_low")["status"] = "inactive"
        named(rival, "int_4")["coppa"] = True
        assert lines_pulled(project) == [
            "+       coppa: true",
            "-         - {name: low, floorPrices: {WW: 2}}",
            "+         - {name: low, status: inactive, floorPrices: {WW: 2}}",
        ]

    def test_an_anchor_that_others_use_is_not_touched_and_the_difference_is_named(self, known):
        rival, project = known
        named(rival, "int_1")["floorPrices"] = floors(WW=0.3)
        named(rival, "end_high")["floorPrices"] = floors(WW=8)
        done = project.call("pull")
        assert done.code == 3
        assert "android:com.game/int_1: live differs, and &table is used on line 14 as well" in done.out
        assert "{name: high, floorPrices: {WW: 8}}   # dear" in project.read("apps/game.yaml")
        assert "&table {WW: 0.10, tier1: 0.80, US: 1.20}" in project.read("apps/game.yaml")

    def test_a_block_that_is_off_a_country_that_is_gone_and_a_new_one(self, known):
        rival, project = known
        named(rival, "int_1")["capping"] = None
        del named(rival, "int_3")["connectivity"]
        named(rival, "int_3")["targetingEnabled"] = False
        done = project.call("pull")
        assert done.code == 3, "int_4 merges int_3"
        named(rival, "int_3").update(connectivity=["WIFI"], targetingEnabled=True)
        named(rival, "int_4").update(floorPrices=floors(WW=0.1, SE=3, DK=4))
        project.call("pull")
        text = project.read("apps/game.yaml")
        assert "capping: null" in text
        assert "floorPrices: {WW: 0.1, DK: 4, SE: 3}" in text

    def test_new_placements_join_their_app_and_new_apps_get_files(self, known):
        rival, project = known
        app = next(iter(rival.apps))
        rival.add_placement(app, name="on", placementType="Banner", bannerRefresh=45)
        rival.add_app(name="Other", bundle="com.other")
        assert lines_pulled(project) == [
            '+     - name: "on"',
            "+       placementType: Banner",
            "+       floorPrices: {WW: 0.01}",
        ]
        assert "com.other" in project.read("apps/android-com.other.yaml")
        assert len(ledger(project)) == 9

    def test_what_is_gone_is_told_and_its_block_stays(self, known):
        rival, project = known
        del rival.placements[next(key for key, each in rival.placements.items() if each["name"] == "int_2")]
        done = project.call("pull")
        assert "android:com.game/int_2: id" in done.out
        assert "is no longer in the account; its block stays" in done.out
        assert (done.code, project.read("apps/game.yaml")) == (0, FILE)

    def test_a_new_name_in_the_console_is_taken_over_and_the_ledger_moves(self, known):
        rival, project = known
        named(rival, "int_2")["name"] = "no"
        named(rival, "end_low")["name"] = "end_last"
        assert lines_pulled(project) == [
            '-     - name: "int_2"',
            '+     - name: "no"',
            "-         - {name: low, floorPrices: {WW: 2}}",
            "+         - {name: last, floorPrices: {WW: 2}}",
        ]
        assert {"android:com.game/no", "android:com.game/end_last"} < ledger(project).keys()
        assert not {"android:com.game/int_2", "android:com.game/end_low"} & ledger(project).keys()

    def test_ignored_and_accepted_differences_stay_as_they_are(self, known):
        rival, project = known
        treated = "{ignoreChanges: [floorPrices.US], acceptDrift: [{field: status, reason: r, until: 2999-01-01}]}"
        end = "      status: active\n"
        third = "    - &third"
        project.edit("apps/game.yaml", (f"{end}{third}", f"{end}      lifecycle: {treated}\n{third}"))
        named(rival, "int_2").update(status="inactive", floorPrices=floors(WW=0.1, CA=0.8, GB=0.8, AU=0.8, US=9))
        assert lines_pulled(project) == []

    def test_ladders_that_cross_in_the_account_are_named_and_all_else_is_pulled(self, known):
        rival, project = known
        named(rival, "end_low")["floorPrices"] = floors(WW=9)
        named(rival, "int_4")["status"] = "inactive"
        done = project.call("pull")
        assert done.code == 3
        assert "inverted-ladder" in done.out
        assert "- {name: low, floorPrices: {WW: 2}}" in project.read("apps/game.yaml")
        assert "status: inactive" in project.read("apps/game.yaml")

    def test_a_selection_leaves_the_other_apps_alone(self, known):
        rival, project = known
        other = rival.add_app(name="Other", bundle="com.other")
        named(rival, "int_2")["status"] = "inactive"
        assert project.call("pull", "--app", str(other)).code == 0
        assert project.read("apps/game.yaml") == FILE
        assert project.call("pull", "--app", "android:com.game").code == 0
        assert "status: inactive" in project.read("apps/game.yaml")
        assert project.call("pull", "--app", "nowhere").code == 1


def test_what_is_written_is_formatted(rival, project):
    filled(rival, 2, 8)
    rival.add_placement(next(iter(rival.apps)), name="wide", floorPrices=floors(WW=1, **dict.fromkeys(WIDE, 2)))
    assert project.call("pull").code == 0
    assert project.call("fmt", "--check").code == 0
    assert plan_is_empty(project) is True


WIDE = (
    "AT",
    "BE",
    "BG",
    "CH",
    "CY",
    "CZ",
    "DE",
    "EE",
    "ES",
    "FR",
    "GR",
    "HR",
    "HU",
    "IE",
    "IT",
    "LT",
    "LU",
    "LV",
    "MT",
)


def test_a_pull_that_was_broken_off_is_finished_by_the_next(rival, project):
    filled(rival, 3, 4)
    project.call("pull")
    whole = files(project)
    (project.root / "reconciler.lock").unlink()
    (project.root / ".reconciler/journal.jsonl").unlink()
    (project.root / "apps/android-com.studio.app1.yaml").unlink()
    assert project.call("pull").code == 0
    assert files(project) == whole


def test_adoption_is_in_the_journal(rival, project):
    filled(rival, 1, 1)
    project.call("pull")
    events = project.events()
    (adopted,) = [event for event in events if event["event"] == "remembered"]
    assert [entry["address"] for entry in adopted["entries"]] == sorted(ledger(project))


class TestNothingIsWritten:
    def test_where_the_manifests_have_errors(self, known):
        rival, project = known
        named(rival, "int_2")["status"] = "inactive"
        project.write("apps/bad.yaml", "version: 1\napps: [{}]\n")
        before = files(project)
        done = project.call("pull")
        assert (done.code, "bad.yaml:2" in done.err) == (1, True)
        assert files(project) == before

    def test_where_a_list_leaves_out_what_exists(self, known):
        rival, project = known
        before = files(project)
        rival.twist = lambda asked, status, told: (
            (status, {"placements": []}) if asked.name == "GET placement appId" else (status, told)
        )
        assert project.call("pull").code == 1
        assert files(project) == before

    def test_where_another_run_is_at_work(self, known):
        _, project = known
        with FileLock(project.root / ".reconciler" / "lock"):
            assert project.call("pull").code == 5

    def test_out_of_the_project_by_a_link(self, known, tmp_path):
        rival, project = known
        outside = tmp_path / "outside.yaml"
        path = Path(project.root / "apps/game.yaml")
        outside.write_bytes(path.read_bytes())
        path.unlink()
        path.symlink_to(outside)
        named(rival, "int_2")["status"] = "inactive"
        assert project.call("pull").code == 1
        assert outside.read_text() == FILE


def test_patterns_of_ones_own_tell_where_new_files_go(rival, project):
    project.write(
        "reconciler.yaml", 'version: 1\npublisherId: "3432"\nmanifests: [all.yaml, live/**/*.app.yaml, x/y/*.yaml]\n'
    )
    rival.add_app(name="Game", bundle="com.game")
    assert project.call("pull").code == 0
    assert (project.root / "x/y/android-com.game.yaml").is_file()


def test_without_a_pattern_that_takes_files_it_says_so(rival, project):
    project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nmanifests: [all.yaml]\n')
    rival.add_app(name="Game", bundle="com.game")
    done = project.call("pull")
    assert (done.code, "no-home" in done.out) == (3, True)


class TestInitFromLive:
    def test_it_begins_a_project_whose_plan_is_empty(self, rival, project):
        filled(rival, 2, 8)
        (project.root / "reconciler.yaml").unlink()
        done = project.call("init", str(project.root / "new"), "--from-live", "--publisher-id", "3432")
        assert done.code == 0, done.err
        settings = (project.root / "new/reconciler.yaml").read_text()
        assert "  placements: {coppa: false, status: active}\n  byType: {}\n" in settings
        assert sorted(path.name for path in (project.root / "new/apps").iterdir()) == [
            "android-com.studio.app0.yaml",
            "android-com.studio.app1.yaml",
        ]
        again = Project(project.root / "new", rival.url)
        again.write("reconciler.yaml", settings)
        assert plan_is_empty(again) is True
        assert again.call("validate").code == 0
        assert "$schema=../schemas/manifest.schema.json" in again.read("apps/android-com.studio.app0.yaml")

    def test_it_writes_nothing_where_the_account_cannot_be_read(self, rival, project):
        (project.root / "reconciler.yaml").unlink()
        rival.instead["GET app publisherId"] = b"<html>"
        done = project.call("init", str(project.root / "new"), "--from-live", "--publisher-id", "3432")
        assert done.code == 1
        assert not (project.root / "new").exists()

    def test_it_wants_a_publisher_id(self, project):
        assert project.call("init", str(project.root / "new"), "--from-live").code == 64


@pytest.mark.parametrize("name", ["a/b", "a/", "/a", " a ", "a\u202eb", "a\u200bb", "a\u2028b", "Ab"])
def test_names_that_are_warned_of_are_adopted_as_they_are_and_plan_nothing(project, rival, name):
    app = rival.add_app(name="A / B", bundle="com.a")
    rival.add_placement(app, name=name)
    rival.add_placement(app, name="ab")
    assert project.call("pull").code == 0
    assert project.call("validate").code == 0
    assert plan_is_empty(project) is True


def test_a_name_that_speaks_of_a_variable_is_left_out_and_told(project, rival):
    app = rival.add_app(name="A", bundle="com.a")
    rival.add_placement(app, name="${GAME_NAME}")
    rival.add_placement(app, name="b")
    done = project.call("pull")
    assert done.code == 0
    assert "cannot be declared, and is left out: name holds ${" in done.out + done.err
    assert plan_is_empty(project) is True


def test_a_bundle_keeps_its_leading_zeros_from_the_account_to_the_file_and_back(project, rival):
    rival.add_app(name="A", bundle="0123456789", platform="ios")
    assert project.call("pull").code == 0
    assert plan_is_empty(project) is True
    (file,) = (project.root / "apps").iterdir()
    project.edit(f"apps/{file.name}", ('"0123456789"', "0123456789"))
    assert plan_is_empty(project) is True
