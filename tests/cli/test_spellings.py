"""Each shape and spelling of the API converges alike, alone and all together."""

import pytest
from support.command import Project
from support.rival import Rival, Spelling

from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.server import RunningSandbox, SandboxOptions

SETTINGS = 'version: 1\npublisherId: "3432"\nsafety: {settleSeconds: 0.3}\n'
MANIFEST = """
version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    rewardedAdUrl: https://example.com/cb?user_id={{USER_ID}}&amount={{AMOUNT}}&sig={{SIG}}
    placements:
      - name: full
        placementType: Interstitial
        coppa: false
        creativeTypes: [video, display]
        floorPrices: {US: 1.2, NO: 0.35}
        targetingEnabled: true
        geo: {include: false, countries: [SG, BT]}
        connectivity: [WIFI, Cellular]
        capping: {value: 12, unit: hour}
        pacing: {value: 13, unit: second}
        skipability: NonSkippable
      - {name: reward, placementType: Rewarded, coppa: false, ssrConfig: {currency: coins, amount: 2.5}}
      - {name: unpaid, placementType: Rewarded, coppa: false, ssrConfig: {currency: coins, amount: 1, enabled: false}}
      - {name: bottom, placementType: Banner, coppa: false, bannerRefresh: 45, status: inactive}
      - {name: bare, placementType: MREC, coppa: false, capping: {value: 1, unit: day, enabled: false}}
  - {platform: ios, bundle: "77", name: B, category1: Games, coppa: false, placements: []}
"""

EDITS = (
    ("US: 1.2,", "US: 1.25, DE: 0.5,"),
    ("capping: {value: 12, unit: hour}", "capping: {value: 12, unit: hour, enabled: false}"),
    ("amount: 2.5", "amount: 3"),
    ("bannerRefresh: 45, status: inactive", "bannerRefresh: 60, status: active"),
    ("rewardedAdUrl: https://example.com/", "rewardedAdUrl: https://example.org/"),
)
EDITED = {"android:com.a", "android:com.a/full", "android:com.a/reward", "android:com.a/bottom"}

PLAIN = Spelling("array", "text", "plain", "json", put="full", created=200, expires="number", refusal_key="message")
ONE_BY_ONE = {
    "a bare array": PLAIN,
    "a lone object": Spelling(**{**vars(PLAIN), "lists": "lone"}),
    "wrapped as apps and placements": Spelling(**{**vars(PLAIN), "lists": "named"}),
    "wrapped as data": Spelling(**{**vars(PLAIN), "lists": "data"}),
    "wrapped as list": Spelling(**{**vars(PLAIN), "lists": "list"}),
    "wrapped twice": Spelling(**{**vars(PLAIN), "lists": "nested"}),
    "an empty body for no placements": Spelling(**{**vars(PLAIN), "no_placements": "empty-body"}),
    "numeric ids": Spelling(**{**vars(PLAIN), "ids": "number"}),
    "odd keys": Spelling(**{**vars(PLAIN), "keys": "odd"}),
    "booleans as text": Spelling(**{**vars(PLAIN), "booleans": "text"}),
    "false as an empty string": Spelling(**{**vars(PLAIN), "booleans": "empty"}),
    "off as null": Spelling(**{**vars(PLAIN), "off": "null"}),
    "off as enabled false": Spelling(**{**vars(PLAIN), "off": "shown"}),
    "reward as it is sent": Spelling(**{**vars(PLAIN), "reward": "ssrConfig"}),
    "prices as text": Spelling(**{**vars(PLAIN), "prices": "text"}),
    "updates answered with a message": Spelling(**{**vars(PLAIN), "put": "message"}),
    "updates answered with nothing": Spelling(**{**vars(PLAIN), "put": "empty"}),
    "updates answered with an empty object": Spelling(**{**vars(PLAIN), "put": "object"}),
    "creates answered with the id alone": Spelling(**{**vars(PLAIN), "post": "id"}),
    "201 for creates": Spelling(**{**vars(PLAIN), "created": 201}),
    "floors that are merged": Spelling(**{**vars(PLAIN), "floors": "merge"}),
    "a lifetime as text": Spelling(**{**vars(PLAIN), "expires": "text"}),
    "names from the store": Spelling(**{**vars(PLAIN), "store_name": True}),
    "all together": Spelling(
        "nested", "number", "odd", "empty", "shown", prices="text", put="empty", post="id",
        no_placements="empty-body", floors="merge", store_name=True,
    ),
    "all together otherwise": Spelling("lone", "number", "odd", "text", "null", "ssrConfig"),
}  # fmt: skip

SANDBOX = {
    "the pages' own": Quirks(),
    "contrary keys": Quirks(keys="contrary"),
    "no id in answers to creates": Quirks(create_answer="no-id"),
    "stale answers to updates": Quirks(put_answer="stale"),
    "new ones appear late": Quirks(appears_after=0.3, create_answer="id"),
    "all together": Quirks(
        "named", "empty-body", "empty-body", "number", "contrary", "empty-false", "shown", put_answer="message",
        create_answer="no-id", create_status=201, expires_in="text", store_names=True,
    ),
}  # fmt: skip


def converges(project):
    """Made, changed, and nothing left to do after either; the first and the second result document."""
    project.write("reconciler.yaml", SETTINGS)
    project.write("apps/a.yaml", MANIFEST)
    first = project.call("apply", "--yes", "--format", "json")
    assert first.code == 0, first.err
    project.edit("apps/a.yaml", *EDITS)
    second = project.call("apply", "--yes", "--format", "json")
    assert second.code == 0, second.err
    assert set(second.outcomes()) == EDITED
    last = project.call("plan", "--detailed-exitcode")
    assert last.code == 0, last.out
    return first.outcomes(), second.outcomes()


@pytest.mark.parametrize("spelling", ONE_BY_ONE.values(), ids=ONE_BY_ONE)
def test_a_spelling_converges_like_any_other(tmp_path, spelling):
    with Rival(spelling).running() as rival:
        first, second = converges(Project(tmp_path / "p", rival.url))
        assert {*first.values(), *second.values()} == {"applied"}
        assert len(first) == 7
        full = rival.named("full")
        assert full["floorPrices"] == {"US": 1.25, "DE": 0.5, "NO": 0.35, "WW": 0.01}
        assert full["capping"]["enabled"] is False
        assert full["geo"] == {"include": False, "countries": ["BT", "SG"]}
        assert rival.named("reward")["ssrConfig"] == {"currency": "coins", "amount": 3, "enabled": True}
        assert rival.named("bottom")["status"] == "active"
        assert [asked.method for asked in rival.writes].count("POST") == 7


def of_writes(method, status=None, told=None):
    """Another answer to a kind of write, which is done all the same."""

    def twist(asked, was, body):
        return (was, body) if asked.method != method else (status or was, told(body) if callable(told) else told)

    return twist


def of_rows(change):
    """Another form for every app and placement, wherever it stands in an answer."""

    def walked(value):
        if isinstance(value, list):
            return [walked(part) for part in value]
        if not isinstance(value, dict):
            return value
        is_row = {key.lower() for key in value} & {"appid", "placementid"}
        return change(dict(value)) if is_row else {key: walked(part) for key, part in value.items()}

    return lambda _, status, body: (status, walked(body))


def shouted(row):
    return {
        key: value.upper() if key in {"status", "platform", "placementType"} else value for key, value in row.items()
    }


TWISTS = {
    "creates answered within data": of_writes("POST", told=lambda body: {"data": body}),
    "creates answered as a list": of_writes("POST", told=lambda body: [body]),
    "creates answered with a message": of_writes("POST", told={"message": "created"}),
    "creates answered with nothing": of_writes("POST", told=b""),
    "creates done and answered with 500": of_writes("POST", 500, b"oops"),
    "creates done and answered with a page": of_writes("POST", 504, b"<html>gateway timeout</html>"),
    "updates done and answered with 500": of_writes("PUT", 500, b"oops"),
    "updates answered with 204": of_writes("PUT", 204, b""),
    "updates answered with a word": of_writes("PUT", told=b"OK"),
    "words in other cases": of_rows(shouted),
    "fields nobody knows": of_rows(lambda row: {**row, "createdAt": 1, "experiments": [], "tags": None}),
    "nulls for what is unset": of_rows(lambda row: {**dict.fromkeys(("geo", "capping", "pacing", "category2")), **row}),
    "empty blocks for what is unset": of_rows(lambda row: {"geo": {}, "connectivity": [], "capping": {}, **row}),
    "floors as an object": of_rows(
        lambda row: {**row, "floorPrices": {line["country"]: line["price"] for line in row.get("floorPrices", [])}}
    ),
}


@pytest.mark.parametrize("twist", TWISTS.values(), ids=TWISTS)
def test_answers_in_other_clothes_converge_too(tmp_path, rival, twist):
    rival.twist = twist
    first, second = converges(Project(tmp_path / "p", rival.url))
    assert {*first.values(), *second.values()} == {"applied"}
    assert [len(rival.apps), len(rival.placements)] == [2, 5]


@pytest.mark.parametrize("quirks", SANDBOX.values(), ids=SANDBOX)
def test_the_sandbox_converges_with_any_quirks(tmp_path, quirks):
    with RunningSandbox(SandboxOptions(quirks=quirks)) as sandbox:
        first, second = converges(Project(tmp_path / "p", sandbox.url))
        assert {*first.values(), *second.values()} == {"applied"}
        assert len(sandbox.account.placements()) == 5


def test_fields_that_are_never_given_back_are_unverified_once_and_in_sync_after_that(tmp_path):
    quirks = Quirks(hidden=("skipability", "creativeTypes", "connectivity"))
    with RunningSandbox(SandboxOptions(quirks=quirks)) as sandbox:
        first, second = converges(Project(tmp_path / "p", sandbox.url))
        assert first["android:com.a/full"] == "unverified"
        assert second["android:com.a/full"] == "applied"


def test_an_api_that_replaces_instead_of_merging_gets_back_what_the_first_write_of_a_kind_lost(tmp_path):
    with RunningSandbox(SandboxOptions(quirks=Quirks(put="replace"))) as sandbox:
        project = Project(tmp_path / "p", sandbox.url)
        project.write("reconciler.yaml", SETTINGS)
        project.write("apps/a.yaml", MANIFEST)
        project.call("apply", "--yes")
        project.edit("apps/a.yaml", *EDITS[1:-1])
        before = len(sandbox.account.requests)
        done = project.call("apply", "--yes", "--parallelism", "1", "--format", "json")
        assert done.code == 0
        assert set(done.outcomes().values()) == {"applied"}
        writes = [seen.body for seen in list(sandbox.account.requests)[before:] if seen.method == "PUT"]
        assert len(writes) == 3
        assert project.call("plan", "--detailed-exitcode").code == 0
