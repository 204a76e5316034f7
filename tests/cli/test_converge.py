"""From manifests to a converged account, against a server that is not ours."""

import pytest
from support.command import Project
from support.rival import APP, PLACEMENT, Rival

from reconciler.sandbox.server import RunningSandbox

SETTINGS = """
version: 1
publisherId: "3432"
defaults:
  placements: {coppa: false}
  byType: {Banner: {bannerRefresh: 45}}
countryGroups: {nordics: [SE, NO, DK, FI]}
"""

CRASH = """
version: 1
apps:
  - platform: android
    bundle: com.cash_crash.54
    name: CashCrash
    category1: Finance
    category2: Business
    coppa: false
    rewardedAdUrl: https://example.com/cb?user_id={{USER_ID}}&amount={{AMOUNT}}&sig={{SIG}}
    placements:
      - name: int_13
        placementType: Interstitial
        creativeTypes: [video, display]
        floorPrices: {WW: 0.01, nordics: 0.80, US: 1.20}
        targetingEnabled: true
        geo: {include: true, countries: [BT, nordics, US]}
        connectivity: [WIFI]
        capping: {value: 12, unit: minute}
        pacing: {value: 13, unit: second}
        skipability: NonSkippable
      - {name: reward_daily, placementType: Rewarded, ssrConfig: {currency: coins, amount: 10}}
      - {name: bottom, placementType: Banner}
      - {name: asleep, placementType: MREC, status: inactive}
"""

QUEST = """
version: 1
apps:
  - platform: ios
    bundle: "1234567"
    name: Quest
    category1: Games
    coppa: false
    status: inactive
    placements:
      - {name: off, placementType: Interstitial, capping: {value: 1, unit: day, enabled: false}, targetingEnabled: false}
    waterfalls:
      - name: level_end
        placementType: Interstitial
        tiers:
          - {name: high, floorPrices: {US: 12, WW: 6}}
          - {name: mid, floorPrices: {US: 6, WW: 2}}
          - {name: low, floorPrices: {WW: 0.01}}
"""  # noqa: E501

BORN = {"coppa": False, "status": "active"}
NORDICS = {"SE": 0.8, "NO": 0.8, "DK": 0.8, "FI": 0.8}


def wanted(crash, quest):
    """What the account is to hold, field by field, as the API is told it."""
    in_crash, in_quest = {**BORN, "app": crash}, {**BORN, "app": quest}
    plain = {"floorPrices": {"WW": 0.01}}
    return {
        "CashCrash": {
            **BORN, "name": "CashCrash", "bundle": "com.cash_crash.54", "platform": "android", "category1": "Finance",
            "category2": "Business",
            "rewardedAdUrl": "https://example.com/cb?user_id={{USER_ID}}&amount={{AMOUNT}}&sig={{SIG}}",
        },
        "int_13": {
            **in_crash, "name": "int_13", "placementType": "Interstitial", "creativeTypes": ["display", "video"],
            "floorPrices": {"WW": 0.01, "US": 1.2, **NORDICS}, "targetingEnabled": True,
            "geo": {"include": True, "countries": ["BT", "DK", "FI", "NO", "SE", "US"]}, "connectivity": ["WIFI"],
            "capping": {"value": 12, "unit": "minute", "enabled": True},
            "pacing": {"value": 13, "unit": "second", "enabled": True}, "skipability": "NonSkippable",
        },
        "reward_daily": {
            **in_crash, **plain, "name": "reward_daily", "placementType": "Rewarded",
            "ssrConfig": {"currency": "coins", "amount": 10, "enabled": True},
        },
        "bottom": {**in_crash, **plain, "name": "bottom", "placementType": "Banner", "bannerRefresh": 45},
        "asleep": {**in_crash, **plain, "name": "asleep", "placementType": "MREC", "status": "inactive"},
        "Quest": {
            **BORN, "name": "Quest", "bundle": "1234567", "platform": "ios", "category1": "Games", "status": "inactive",
        },
        "off": {**in_quest, **plain, "name": "off", "placementType": "Interstitial", "targetingEnabled": False},
        "level_end_high": {
            **in_quest, "name": "level_end_high", "placementType": "Interstitial", "floorPrices": {"US": 12, "WW": 6},
        },
        "level_end_mid": {
            **in_quest, "name": "level_end_mid", "placementType": "Interstitial", "floorPrices": {"US": 6, "WW": 2},
        },
        "level_end_low": {**in_quest, **plain, "name": "level_end_low", "placementType": "Interstitial"},
    }  # fmt: skip


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """A rival that holds strangers, and the project that was applied to it."""
    with Rival().running() as rival:
        stranger = rival.add_app(name="Stranger", bundle="com.stranger")
        rival.add_placement(stranger, name="theirs")
        project = Project(tmp_path_factory.mktemp("ten"), rival.url)
        project.write("reconciler.yaml", SETTINGS)
        project.write("apps/cashcrash.yaml", CRASH)
        project.write("apps/ios/quest.yaml", QUEST)
        project.first = project.call("apply", "--yes", "--format", "json")
        yield rival, project


def app_id(rival, name):
    return next(number for number, fields in rival.apps.items() if fields["name"] == name)


def test_ten_resources_are_made_from_two_files(account):
    _, project = account
    assert project.first.code == 0, project.first.err
    assert project.first.json["summary"]["applied"] == 10
    assert len(project.first.outcomes()) == 10


def test_the_account_equals_the_manifests_field_by_field(account):
    rival, _ = account
    expected = wanted(app_id(rival, "CashCrash"), app_id(rival, "Quest"))
    assert {name: rival.named(name) for name in expected} == expected


def test_a_second_plan_is_empty_and_costs_one_token_one_app_list_and_one_placement_list_per_app(account):
    rival, project = account
    rival.asked.clear()
    done = project.call("plan", "--detailed-exitcode", "--format", "json")
    assert (done.code, done.json["changes"]) == (0, [])
    assert done.json["summary"]["unchanged"] == 10
    assert rival.counted() == {"POST auth": 1, "GET app publisherId": 1, "GET placement appId": 2}


def test_a_second_apply_writes_nothing(account):
    rival, project = account
    rival.asked.clear()
    done = project.call("apply", "--yes", "--format", "json")
    assert (done.code, done.json["results"]) == (0, [])
    assert rival.writes == []


def test_strangers_are_named_and_left_alone(account):
    rival, project = account
    unmanaged = project.call("plan", "--format", "json").json["unmanaged"]
    assert unmanaged == [
        {"kind": "app", "address": "android:com.stranger", "id": str(app_id(rival, "Stranger"))}
    ]  # fmt: skip
    assert rival.named("theirs")["status"] == "active"
    strangers = {
        app_id(rival, "Stranger"),
        *(key for key, each in rival.placements.items() if each["name"] == "theirs"),
    }
    assert not [asked for asked in rival.writes if strangers & {int(i) for i in sent_ids(asked)}]


def sent_ids(asked):
    return [asked.body[key] for key in ("appId", "placementId") if key in asked.body]


def test_everything_is_found_again_by_identity_when_the_ledger_and_the_journal_are_lost(account, tmp_path):
    rival, project = account
    again = Project(tmp_path / "clone", rival.url)
    for name in ("reconciler.yaml", "apps/cashcrash.yaml", "apps/ios/quest.yaml"):
        again.write(name, project.read(name))
    rival.asked.clear()
    assert again.call("plan", "--detailed-exitcode").code == 0
    assert not (again.root / "reconciler.lock").exists()
    assert not (again.root / ".reconciler").exists()
    assert again.call("apply", "--yes").code == 0
    assert rival.writes == []
    assert again.read("reconciler.lock") == project.read("reconciler.lock")


@pytest.fixture(scope="module")
def edited(account):
    rival, project = account
    project.edit("apps/cashcrash.yaml", ("US: 1.20", "US: 1.50"), ("amount: 10", "amount: 20"),
                 ("{name: bottom,", "{name: footer, renamedFrom: bottom,"))  # fmt: skip
    project.plan_before = project.call("plan")
    rival.asked.clear()
    done = project.call("apply", "--yes", "--format", "json")
    return rival, project, done, list(rival.asked)


class TestEdit:
    """A floor, a name and an amount: three calls that hold only what changed."""

    def test_the_plan_shows_old_and_new_the_percent_and_the_line(self, edited):
        _, project, _, _ = edited
        out = project.plan_before.out
        assert "floorPrices.US: 1.2 -> 1.5 (+25 %)" in out
        assert "ssrConfig.amount: 10 -> 20" in out
        assert "name: bottom -> footer" in out
        line = next(n for n, text in enumerate(project.read("apps/cashcrash.yaml").splitlines(), 1) if "int_13" in text)
        assert f"apps/cashcrash.yaml:{line}" in out
        assert "Plan: 3 to update; 7 unchanged, 1 unmanaged." in out

    def test_exactly_three_updates_are_sent_and_they_hold_only_what_changed(self, edited):
        rival, _, done, asked = edited
        assert done.code == 0
        assert done.json["summary"]["applied"] == 3
        writes = [each for each in asked if each.method != "GET" and each.path in {APP, PLACEMENT}]
        assert [each.method for each in writes] == ["PUT"] * 3
        ids = {rival.placements[int(each.body["placementId"])]["name"]: each.body for each in writes}
        assert {name: set(body) for name, body in ids.items()} == {
            "int_13": {"placementId", "floorPrices"},
            "reward_daily": {"placementId", "ssrConfig"},
            "footer": {"placementId", "name"},
        }
        floors = {line["country"]: line["price"] for line in ids["int_13"]["floorPrices"]}
        assert floors == {"WW": 0.01, "US": 1.5, **NORDICS}
        assert ids["reward_daily"]["ssrConfig"] == {"currency": "coins", "amount": 20, "enabled": True}

    def test_the_id_stays_and_the_ledger_moves_to_the_new_address(self, edited):
        _, project, _, _ = edited
        assert '"android:com.cash_crash.54/footer"' in project.read("reconciler.lock")
        assert '"android:com.cash_crash.54/bottom"' not in project.read("reconciler.lock")

    def test_the_plan_after_that_is_empty_with_the_renamed_from_line_still_there(self, edited):
        _, project, _, _ = edited
        assert project.call("plan", "--detailed-exitcode").code == 0


def test_the_sandbox_ends_in_the_same_account(tmp_path):
    with RunningSandbox() as sandbox:
        project = Project(tmp_path / "project", sandbox.url)
        project.write("reconciler.yaml", SETTINGS)
        project.write("apps/all.yaml", f"{CRASH}---{QUEST}")
        done = project.call("apply", "--yes", "--format", "json")
        assert (done.code, done.json["summary"]["applied"]) == (0, 10)
        assert project.call("plan", "--detailed-exitcode").code == 0
        held = {each.fields["name"]: each.fields for each in (*sandbox.account.apps(), *sandbox.account.placements())}
    expected = wanted(None, None)
    assert held.keys() == expected.keys()
    for name, fields in expected.items():
        for field, value in fields.items():
            if field == "app":
                continue
            shown = {**value} if isinstance(value, dict) else value
            if isinstance(shown, dict):
                shown.pop("enabled", None)
            assert held[name].get(field, False if value is False else None) == shown, (name, field)


def test_a_plan_tells_of_what_a_moved_block_leaves_in_an_app_that_declares_no_placements(project, rival):
    apps = [f"platform: android, bundle: com.{name}, name: {name}, category1: Finance, coppa: false" for name in "ab"]
    moved, other = (f"{{name: {name}, placementType: Banner, coppa: false}}" for name in ("int", "other"))
    blocks = "version: 1\napps:\n  - {%s%s}\n  - {%s, placements: [%s]}\n"
    project.write("apps/a.yaml", blocks % (apps[0], f", placements: [{moved}]", apps[1], other))
    assert project.call("apply", "--yes").code == 0
    project.write("apps/a.yaml", blocks % (apps[0], "", apps[1], f"{other}, {moved}"))
    notes = project.call("plan", "--format", "json").json["notes"]
    assert [note["address"] for note in notes if "no manifest names it" in note["text"]] == ["android:com.a/int"]
