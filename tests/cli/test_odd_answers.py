"""Answers of the Management API that are odd in ways nobody has promised or ruled out: none is misread in silence."""

import json

import pytest
from support.command import CLIENT_ID, CLIENT_SECRET, ONE_APP, SETTINGS

PLACEMENTS = """    placements:
      - {name: one, placementType: Interstitial, coppa: false, floorPrices: {WW: 2}, creativeTypes: [video]}
      - {name: two, placementType: Interstitial, coppa: false, floorPrices: {WW: 2}}
"""
OTHER_APP = """  - {platform: android, bundle: com.b, name: B, category1: Finance, coppa: false, placements: [
      {name: three, placementType: MREC, coppa: false}]}
"""
NEW = "      - {name: new, placementType: MREC, coppa: false}\n"
APPS, IN_APP = "GET app publisherId", "GET placement appId"
READERS = (["plan"], ["apply", "--yes"], ["drift"], ["pull", "--check"], ["list"])
each = pytest.mark.parametrize


@pytest.fixture
def project(project, rival):
    """Two placements of an app, applied."""
    project.write("reconciler.yaml", SETTINGS + "safety: {settleSeconds: 0.05}\n")
    project.write("apps/a.yaml", ONE_APP + PLACEMENTS)
    done = project.call("apply", "--yes")
    assert done.code == 0, done.err
    rival.asked.clear()
    return project


def rows(rival, call, *, without=()):
    """The rows that a list would hold."""
    told = (rival._app, rival.apps) if call == APPS else (rival._placement, rival.placements)
    shown = [told[0](number, fields) for number, fields in told[1].items()]
    return [{key: part for key, part in row.items() if key.lower() not in without} for row in shown]


def answers(rival, call, make):
    rival.instead[call] = lambda _: (200, json.dumps(make(rows(rival, call))).encode())


def stops(project, rival, *told, commands=READERS):
    """Each command ends with a message that says what was asked for and what to do, and writes nothing."""
    ledger = project.read("reconciler.lock")
    for command in commands:
        done = project.call(*command)
        assert done.code == 1, (command, done.out, done.err)
        assert done.err.startswith("error: "), done.err
        assert "\nhint: " in done.err
        assert all(part in done.err for part in told), done.err
        assert not any(word in done.err for word in ("Traceback", "Error(", CLIENT_ID, CLIENT_SECRET, "token-canary"))
    assert rival.writes == []
    assert project.read("reconciler.lock") == ledger


MORE = [
    {"lastPage": False}, {"hasMorePages": True}, {"more_items": "yes"}, {"pageInfo": {"endCursor": "QXBw"}},
    {"scrollId": "a1"}, {"after": "a1"}, {"done": False}, {"complete": "false"}, {"isLast": "no"}, {"eof": False},
    {"rowCount": 41}, {"numFound": 41}, {"total": {"value": 41, "relation": "eq"}}, {"total": "1,041"},
    {"range": "0-1/41"}, {"showing": "2 of 41"}, {"pages": [1, 2, 3]}, {"links": [{"rel": "next", "href": "/a"}]},
    {"meta": {"pagination": {"next_offset": 2}}}, {"page": {"number": 3}}, {"itemsPerPage": 1, "currentPage": 2},
]  # fmt: skip


@each("more", MORE, ids=json.dumps)
@each("call", [APPS, IN_APP])
def test_a_list_that_speaks_of_more_rows_in_any_words_is_not_the_whole(project, rival, call, more):
    key = "apps" if call == APPS else "placements"
    answers(rival, call, lambda rows: {key: rows, **more})
    stops(project, rival, call.split()[1], "more than the", commands=READERS[:2])


@each("more", [{"totalApps": 1, "totalPlacements": 41}, {"size": 1, "number": 0, "last": True}, {"nextPage": "null"},
               {"generated": "2026-11-27", "total": {"value": 1}}, {"pages": [1]}, {"done": True}],
      ids=json.dumps)  # fmt: skip
def test_a_list_that_speaks_of_nothing_missing_is_the_whole(project, rival, more):
    answers(rival, APPS, lambda rows: {"apps": rows, **more})
    assert project.call("plan", "--detailed-exitcode").code == 0


@each("headers", [{"Link": "</app?page=2>; rel='next'"}, {"X-Next-Page": "2"}, {"X-Total": "41"},
                  {"X-Pagination-Total-Pages": "3"}, {"Content-Range": "items 0-1/41"}, {"X-Has-More": "true"}],
      ids=str)  # fmt: skip
def test_a_header_that_speaks_of_more_rows_is_heard(project, rival, headers):
    rival.headers = {APPS: headers}
    stops(project, rival, next(iter(headers)).title(), commands=READERS[:2])


@each("headers", [{"X-Total": "1"}, {"X-Next-Page": ""}, {"X-Request-Id": "more-41"}, {"X-RateLimit-Remaining": "41"}],
      ids=str)  # fmt: skip
def test_other_headers_say_nothing_of_rows(project, rival, headers):
    rival.headers = {APPS: headers}
    assert project.call("plan").code == 0


@each("wrapper", [{"apps": [], "publisherId": "9999"}, {"publisherId": 9999, "apps": None}], ids=["none", "rows"])
def test_apps_of_another_publisher_are_not_ours_though_only_the_wrapper_says_so(project, rival, wrapper):
    found = [] if wrapper["apps"] == [] else rows(rival, APPS, without=("publisherid",))
    rival.instead[APPS] = json.dumps({**wrapper, "apps": found}).encode()
    stops(project, rival, "3432", "9999")


@each("empty", [True, False])
def test_placements_of_another_app_are_not_ours_though_only_the_wrapper_says_so(project, rival, empty):
    found = [] if empty else rows(rival, IN_APP, without=("appid",))
    rival.instead[IN_APP] = json.dumps({"AppID": 77, "placements": found}).encode()
    stops(project, rival, "appId=", "77")


def test_an_account_that_gives_the_same_placements_for_every_app_is_not_believed(project, rival):
    project.write("apps/b.yaml", "version: 1\napps:\n" + OTHER_APP)
    assert project.call("apply", "--yes").code == 0
    rival.asked.clear()
    rival.instead[IN_APP] = lambda _: (200, json.dumps(rows(rival, IN_APP, without=("appid",))).encode())
    stops(project, rival, "both hold placement", commands=READERS)


@each(("raw", "told"), [(1.7e22, "so large"), (0, "stands for none"), (-1, "stands for none"),
                        ("null", "stands for none"), ("undefined", "stands for none"), ([7], "neither"),
                        ("5\u200b1", "characters"), ("00500002", "asked for placement")])  # fmt: skip
def test_what_is_no_id_is_never_taken_for_one(project, rival, raw, told):
    rival.instead[IN_APP] = json.dumps({"placements": [{"placementId": raw, "name": "one"}]}).encode()
    rival.instead["GET placement placementId"] = rival.instead[IN_APP]
    stops(project, rival, told, commands=READERS[:2])


def test_lists_as_objects_keyed_by_id_are_no_lists(project, rival):
    answers(rival, IN_APP, lambda rows: {"placements": {str(row["PlacementId"]): row for row in rows}})
    stops(project, rival, "neither a placement nor a list")


FLOORS = [{"price": "1_0"}, {"price": "\u0662"}, {"price": "1,000"}, {"price": "$2"}, {"price": True},
          {"price": 2, "currency": "EUR"}, {"price": 2, "country": None}]  # fmt: skip
VALUES = [
    *({"floorPrices": [{"country": "WW", **line}]} for line in FLOORS), {"floorPrices": {"WW": {"price": 2}}},
    {"creativeTypes": ["video"], "createTypes": ["display"]}, {"coppa": "yes"}, {"coppa": 1}, {"coppa": [False]},
    {"name": "one", "NAME": "uno"},
]  # fmt: skip


@each("values", VALUES, ids=json.dumps)
def test_a_value_that_may_mean_another_blocks_its_row_and_no_other(project, rival, values):
    name = next(iter(values))

    def spoiled(told):
        given = told if isinstance(told, list) else [told]
        shown = [
            {**{key: part for key, part in row.items() if key.lower() not in map(str.lower, values)}, **values}
            if row.get("name") == "one"
            else row
            for row in given
        ]
        return shown if isinstance(told, list) else shown[0]

    def twist(asked, status, told):
        if asked.name == IN_APP:
            return status, {**told, "placements": spoiled(told["placements"])}
        return status, spoiled(told) if asked.name == "GET placement placementId" else told

    rival.twist = twist
    project.write("apps/a.yaml", project.read("apps/a.yaml").replace("{WW: 2}", "{WW: 2.5}"))
    done = project.call("apply", "--yes", "--format", "json")
    assert done.code == 3, done.err
    assert done.outcomes() == {"android:com.a/one": "blocked", "android:com.a/two": "applied"}
    assert name in next(each["error"] for each in done.json["results"] if each["outcome"] == "blocked")
    assert [asked.body["placementId"] for asked in rival.writes] == [str(number_of(rival, "two"))]


def number_of(rival, name):
    return next(number for number, fields in rival.placements.items() if fields["name"] == name)


NOT_DONE = [
    {"success": "false"}, {"success": 0}, {"ok": "no"}, {"result": "failure"}, {"code": 500, "message": "told"},
    {"statusCode": "409"}, {"meta": {"error": "told"}}, {"errors": [{"message": "told"}]}, [], [{}, {}],
    {"placementId": "999"}, {"placementId": 0}, "<html>Sign in</html>",
]  # fmt: skip


@each("said", NOT_DONE, ids=json.dumps)
def test_an_update_that_was_not_done_is_never_taken_for_one_that_the_account_rounded(project, rival, said):
    rival.instead["PUT placement"] = (said if isinstance(said, str) else json.dumps(said)).encode()
    project.edit("apps/a.yaml", ("{WW: 2}, creativeTypes", "{WW: 2.2}, creativeTypes"))
    done = project.call("apply", "--yes", "--format", "json")
    assert (done.code, done.outcomes()) == (3, {"android:com.a/one": "failed"}), done.out
    (result,) = done.json["results"]
    assert "the account shows floorPrices.WW 2, asked for 2.2" in result["error"]
    assert ("told" in result["error"]) == ("told" in json.dumps(said))
    del rival.instead["PUT placement"]
    assert project.call("apply", "--yes").code == 0
    assert rival.named("one")["floorPrices"] == {"WW": 2.2}


NO_NEW_ID = [
    *(said for said in NOT_DONE if said != {"placementId": "999"}), {}, {"placementId": -1}, {"placementId": "null"},
    {"id": 9}, {"code": "500", "placementId": 9}, {"placementId": "500009", "appId": "77", "name": "new"},
]  # fmt: skip


@each("said", NO_NEW_ID, ids=json.dumps)
@each("made", [True, False])
def test_a_create_that_is_answered_with_no_id_of_its_own_is_found_or_unknown_and_never_sent_twice(
    project, rival, said, made
):
    body = (said if isinstance(said, str) else json.dumps(said)).encode()
    if made:
        rival.twist = lambda asked, status, told: (200, body) if asked.name == "POST placement" else (status, told)
    else:
        rival.instead["POST placement"] = body
    project.write("apps/a.yaml", ONE_APP + PLACEMENTS + NEW)
    done = project.call("apply", "--yes", "--format", "json")
    assert done.outcomes() == {"android:com.a/new": "applied" if made else "unknown"}, done.out
    assert done.code == (0 if made else 3)
    assert rival.counted()["POST placement"] == 1
    assert sum(fields["name"] == "new" for fields in rival.placements.values()) == made


@each("said", [{"success": "false"}, {"deleted": False}, {}, None, [], {"code": 404}, "<html>"], ids=json.dumps)
def test_a_delete_that_leaves_the_row_is_failed_and_the_row_stays_known(project, rival, said):
    more = "prune: delete\nsafety: {settleSeconds: 0.05, maxDeletes: 1, quarantineDays: 0}\n"
    project.write("reconciler.yaml", SETTINGS + more)
    project.edit("apps/a.yaml", (PLACEMENTS.splitlines(keepends=True)[2], ""))
    assert project.call("apply", "--yes").code == 0
    rival.instead["DELETE placement"] = (said if isinstance(said, str) else json.dumps(said)).encode()
    done = project.call("apply", "--yes", "--format", "json")
    assert (done.code, done.outcomes()) == (3, {"android:com.a/two": "failed"}), done.out
    assert "still in the account" in done.json["results"][0]["error"]
    assert "android:com.a/two" in {entry["address"] for entry in project.entries()}


@each("host", ["https://evil.example/app", "//evil.example", "http://127.0.0.1:1/"])
@each("status", [301, 302, 307, 308])
@each("call", [APPS, IN_APP, "POST auth"])
def test_no_redirect_is_followed_and_no_token_leaves_for_another_host(project, rival, call, status, host):
    rival.instead[call] = lambda _: (status, b"")
    rival.headers = {call: {"Location": host}}
    stops(project, rival, f"HTTP {status}", commands=READERS[:1])


@each("lifetime", [0, -5, "", "soon", None, "1e99", True, "3600s", 3600.5, [3600]], ids=str)
def test_a_token_of_an_odd_lifetime_serves_all_calls_and_is_asked_for_once(project, rival, lifetime):
    good = []

    def token(asked):
        good.append(rival._token(asked.body)[1])
        return 200, json.dumps({**json.loads(good[-1]), "expiresIn": lifetime}).encode()

    rival.instead["POST auth"] = token
    assert project.call("plan", "--detailed-exitcode").code == 0
    assert rival.counted()["POST auth"] == 1


@each(("status", "after"), [(401, "-5"), (401, "1e9"), (503, "soon"), (429, "-5"), (429, "1e9"),
                            (429, "Thu, 01 Jan 1970 00:00:00 GMT")])  # fmt: skip
def test_an_odd_refusal_in_between_is_tried_again_whatever_its_pause_is_called(project, rival, status, after):
    refusals = [(status, b"<html>busy</html>")]
    rival.instead[IN_APP] = lambda _: refusals.pop() if refusals else None
    rival.headers = {IN_APP: {"Retry-After": after}}
    assert project.call("plan", "--detailed-exitcode").code == 0
    assert refusals == []


@each("after", ["Fri, 31 Dec 9999 23:59:59 GMT", "9" * 20])
def test_a_pause_that_is_longer_than_a_run_is_told_and_not_waited_for(project, rival, after):
    rival.instead[IN_APP] = lambda _: (429, b"")
    rival.headers = {IN_APP: {"Retry-After": after}}
    stops(project, rival, "HTTP 429", "no more calls until", "again after that time", commands=READERS[:1])


@each(("body", "headers"), [
    (json.dumps([{"appId": "\u00fc"}], ensure_ascii=False).encode("latin-1"), {"Content-Type": "application/json"}),
    (json.dumps([]).encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}),
    (b'[{"appId": "1"}]', {"Content-Length": "9"}), (b"\x0b\x02\x80[]\x03", {"Content-Encoding": "br"}),
], ids=["latin-1", "utf-16", "cut", "br"])  # fmt: skip
def test_a_body_that_cannot_be_read_is_told_in_words(project, rival, body, headers):
    rival.instead[APPS] = body
    rival.headers = {APPS: headers}
    stops(project, rival, "GET /api/management/v1/app", commands=[*READERS[:1], ["ping"]])
