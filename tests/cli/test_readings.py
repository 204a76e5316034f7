"""Readings that the vendor's pages allow: each one alone converges, and loses nothing that was not declared."""

import pytest
from support.command import Project

from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.server import RunningSandbox, SandboxOptions

LIMITS = "{settleSeconds: 0.5, maxChangePercent: 100, maxFloorChangePercent: 1000}"
SETTINGS = f'version: 1\npublisherId: "3432"\nsafety: {LIMITS}\n'
APP = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    status: {status}
    placements: {placements}
"""
AIMED = "targetingEnabled: true, geo: {include: true, countries: [SG]}"


@pytest.fixture
def worlds(tmp_path):
    """Makes a project beside a sandbox with some quirks; gives both."""
    opened = []

    def make(**quirks):
        sandbox = RunningSandbox(SandboxOptions(quirks=Quirks(**quirks)))
        opened.append(sandbox)
        project = Project(tmp_path / "p", sandbox.__enter__().url)
        project.write("reconciler.yaml", SETTINGS)
        return project, sandbox.account

    yield make
    for each in opened:
        each.__exit__(None, None, None)


def declare(project, placements="[]", status="active"):
    project.write("apps/a.yaml", APP.format(placements=placements, status=status))


def applied(project):
    done = project.call("apply", "--yes", "--format", "json")
    assert done.code == 0, done.out + done.err
    assert project.call("plan", "--detailed-exitcode").code == 0
    return done


@pytest.mark.parametrize("empty", ["same", "empty-body", "null", "not-found"])
def test_an_app_without_placements_has_none_however_that_is_said(worlds, empty):
    project, account = worlds(empty_list=empty)
    account.create("app", {"name": "A", "bundle": "com.a", "platform": "android", "category1": "Finance",
                           "coppa": False, "publisherId": "3432"})  # fmt: skip
    declare(project, "[{name: a, placementType: MREC}]")
    assert applied(project).outcomes() == {"android:com.a/a": "applied"}


@pytest.mark.parametrize("empty", ["null", "not-found"])
def test_where_the_ledger_knows_placements_it_is_in_doubt(worlds, empty):
    project, account = worlds(empty_list=empty)
    declare(project, "[{name: a, placementType: MREC}]")
    applied(project)
    account.delete("placement", account.placements()[0].id)
    done = project.call("plan")
    assert (done.code, "although placements are known there" in done.err) == (1, True)


@pytest.mark.parametrize("answer", ["full", "id"])
def test_an_app_that_is_created_active_all_the_same_is_set_inactive_at_once(worlds, answer):
    project, account = worlds(app_status="ignored", create_answer=answer)
    declare(project, status="inactive")
    assert applied(project).outcomes() == {"android:com.a": "applied"}
    assert account.apps()[0].fields["status"] == "inactive"
    assert [each.method for each in account.requests if each.path.endswith("/app") and each.method != "GET"] == [
        "POST",
        "PUT",
    ]


def test_an_app_whose_status_is_kept_needs_no_second_call(worlds):
    project, account = worlds()
    declare(project, status="inactive")
    applied(project)
    assert "PUT" not in {each.method for each in account.requests}


def test_targeting_is_switched_off_without_empty_lists(worlds):
    project, account = worlds(empty_targeting="refused")
    declare(project, f"[{{name: a, placementType: MREC, {AIMED}, connectivity: [WIFI]}}]")
    applied(project)
    declare(project, "[{name: a, placementType: MREC, targetingEnabled: false, geo: null, connectivity: null}]")
    applied(project)
    assert "geo" not in account.placements()[0].fields
    (body,) = [each.body for each in account.requests if each.method == "PUT"]
    assert body == {"placementId": "240001", "targetingEnabled": False}


def test_ids_may_stand_under_id_alone(worlds):
    project, account = worlds(own_ids="id")
    declare(project, "[{name: a, placementType: MREC}]")
    applied(project)
    declare(project, "[{name: a, placementType: MREC, coppa: true}]")
    assert applied(project).outcomes() == {"android:com.a/a": "applied"}
    assert len(account.placements()) == 1


@pytest.mark.parametrize("lag", [0, 0.2])
@pytest.mark.parametrize("floors", ["replace", "merge"])
@pytest.mark.parametrize("answer", ["full", "message", "stale"])
def test_nothing_undeclared_moves_where_updates_replace(worlds, lag, floors, answer):
    project, account = worlds(put="replace", floors=floors, put_answer=answer, updates_after=lag, prices=0.05)
    home = account.create("app", {"name": "A", "bundle": "com.a", "platform": "android", "category1": "Finance",
                                  "coppa": True, "status": "inactive", "publisherId": "3432",
                                  "rewardedAdUrl": "https://a.example/cb?user_id={{USER_ID}}"})  # fmt: skip
    shared = {"coppa": True, "status": "inactive", "floorPrices": {"WW": 0.5, "US": 2.0, "DE": 1.0},
              "targetingEnabled": True, "geo": {"include": True, "countries": ["SG"]}, "connectivity": ["WIFI"],
              "capping": {"value": 3, "unit": "hour"}, "pacing": {"value": 9, "unit": "second"}}  # fmt: skip
    own = {
        "Banner": {"bannerRefresh": 88},
        "Rewarded": {"ssrConfig": {"currency": "coins", "amount": 3}, "skipability": "NonSkippable"},
        "Interstitial": {"creativeTypes": ["video"], "skipability": "NonSkippable"},
        "MREC": {},
    }
    for kind, fields in own.items():
        account.create("placement", {"name": kind, "placementType": kind, **shared, **fields}, app_id=home.id)
    before = {each.id: dict(each.fields) for each in (*account.apps(), *account.placements())}
    names = ", ".join(f"{{name: {kind}, placementType: {kind}, coppa: false}}" for kind in own)
    declare(project, f"[{names}]", status="active")
    project.call("apply", "--yes")
    applied(project)
    after = {each.id: dict(each.fields) for each in (*account.apps(), *account.placements())}
    for number, fields in before.items():
        moved = {name for name in fields.keys() | after[number].keys() if fields.get(name) != after[number].get(name)}
        assert moved == ({"coppa", "status"} if number == home.id else {"coppa"})


def test_a_line_of_floors_that_no_manifest_can_declare_is_left_out_alone_and_left_as_it_is(worlds):
    project, account = worlds()
    home = account.create("app", {"name": "A", "bundle": "com.a", "platform": "android", "category1": "Finance",
                                  "coppa": False, "publisherId": "3432"})  # fmt: skip
    table = {"WW": 0.5, "US": 2.0, "EU": 1.0, "DE": 0.001}
    account.create("placement", {"name": "a", "placementType": "MREC", "floorPrices": table}, app_id=home.id)
    done = project.call("pull")
    assert done.code == 0, done.err
    assert "floorPrices of EU is no ISO 3166 country: left undeclared, as it is" in done.out + done.err
    assert "floorPrices of DE is 0.001, below the least price there is" in done.out + done.err
    (manifest,) = project.root.glob("apps/**/*.yaml")
    text = manifest.read_text()
    assert "US: 2" in text
    assert "floorPrices.DE" in text
    assert project.call("validate", "--strict").code == 0
    assert project.call("plan", "--detailed-exitcode").code == 0
    assert project.call("pull", "--check").code == 0


def test_a_worldwide_line_of_nothing_is_left_out_alone(worlds):
    project, account = worlds()
    home = account.create("app", {"name": "A", "bundle": "com.a", "platform": "android", "category1": "Finance",
                                  "coppa": False, "publisherId": "3432"})  # fmt: skip
    for name, table in (("a", {"WW": 0, "US": 2.0}), ("b", {"WW": 0})):
        account.create("placement", {"name": name, "placementType": "MREC", "floorPrices": table}, app_id=home.id)
    done = project.call("pull")
    assert done.code == 0, done.err
    assert "floorPrices of WW is 0, below the least price there is: left undeclared" in done.out + done.err
    (manifest,) = project.root.glob("apps/**/*.yaml")
    text = manifest.read_text()
    assert ("US: 2" in text, text.count("floorPrices.WW")) == (True, 1)
    assert project.call("validate", "--strict").code == 0
    assert project.call("plan", "--detailed-exitcode").code == 0
    assert project.call("pull", "--check").code == 0


def test_a_worldwide_line_of_nothing_leaves_the_declared_one_and_takes_the_others(worlds):
    project, account = worlds()
    declare(project, "[{name: a, placementType: MREC, coppa: false, floorPrices: {WW: 0.5, US: 2}}]")
    applied(project)
    (live,) = account.placements()
    account.replace("placement", live.id, {**live.fields, "floorPrices": {"WW": 0, "US": 3.0}})
    assert project.call("pull").code == 0
    assert "floorPrices: {WW: 0.5, US: 3}" in (project.root / "apps/a.yaml").read_text()


def test_what_of_a_block_cannot_be_declared_is_named(worlds):
    project, account = worlds()
    home = account.create("app", {"name": "A", "bundle": "com.a", "platform": "android", "category1": "Finance",
                                  "coppa": False, "publisherId": "3432"})  # fmt: skip
    capping = {"value": 2.5, "unit": "hour"}
    account.create("placement", {"name": "a", "placementType": "MREC", "capping": capping}, app_id=home.id)
    done = project.call("pull")
    assert "capping holds value 2.5, which a manifest cannot declare: it is left undeclared" in done.out + done.err


def test_the_address_called_for_rewards_can_be_taken_away(worlds):
    project, account = worlds()
    declare(project)
    path = project.root / "apps/a.yaml"
    path.write_text(path.read_text() + "    rewardedAdUrl: https://a.example/?u={{USER_ID}}\n")
    applied(project)
    assert account.apps()[0].fields["rewardedAdUrl"]
    path.write_text(path.read_text().replace("https://a.example/?u={{USER_ID}}", "null"))
    assert applied(project).outcomes() == {"android:com.a": "applied"}
    assert "rewardedAdUrl" not in account.apps()[0].fields


def test_a_banner_may_be_refreshed_never(worlds):
    project, account = worlds()
    declare(project, "[{name: a, placementType: Banner, bannerRefresh: 0}]")
    applied(project)
    assert account.placements()[0].fields["bannerRefresh"] == 0
