"""Answers that are not answers end a run: nothing is concluded from them, and nothing written."""

import json

import pytest

MANIFEST = """
version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {name: new, placementType: Interstitial, coppa: false}
  - {platform: ios, bundle: "1", name: New, category1: Finance, coppa: false}
"""

APP = {"appId": "1", "name": "A", "bundle": "com.a", "platform": "android", "status": "active", "coppa": False}
TWO = json.dumps([APP, {**APP, "appId": "2"}]).encode()

NO_LIST = {
    "null": b"null",
    "an empty object": b"{}",
    "a page": b"<!doctype html><html><body>Sign in</body></html>",
    "cut short": TWO[:-20],
    "a number": b"7",
    "a text": b'"ok"',
    "a message": b'{"message": "ok"}',
    "an error with 200": b'{"error": "internal"}',
    "a list of null": b"[null]",
    "rows without an id": b'[{"name": "A"}]',
    "an unknown wrapper": b'{"items": []}',
    "NaN": b'{"apps": NaN}',
    "a wrapper of null": b'{"apps": null, "placements": null, "data": null}',
    "not UTF-8": b'[{"appId": "\xff"}]',
    "nested 5,000 deep": b"[" * 5000,
}
MORE = {
    "next": {"next": "?page=2"},
    "nextPage": {"nextPage": 2},
    "a cursor": {"cursor": "abc"},
    "a next page token": {"nextPageToken": "abc"},
    "hasMore": {"hasMore": True},
    "a total above the rows": {"total": 41},
    "a total as text": {"totalCount": "41"},
    "paging in a block": {"paging": {"next": "abc"}},
    "pages": {"page": 1, "totalPages": 3},
}

EXCUSES = {
    "a message": {"message": "quota exceeded"},
    "a warning": {"warning": "shard 3 did not answer"},
    "partial": {"partial": True},
    "an error in a block": {"meta": {"error": "timeout"}},
    "an unknown word": {"note": "see status page"},
}

LISTS = {
    "GET app publisherId": ("data", APP),
    "GET placement appId": ("data", {"placementId": "9", "name": "old", "placementType": "MREC"}),
}
each_list = pytest.mark.parametrize("call", LISTS)


@pytest.fixture
def project(project, rival):
    rival.add_app(name="A", bundle="com.a")
    project.write("apps/a.yaml", MANIFEST)
    return project


def refuses(project, rival):
    for command in (("plan",), ("apply", "--yes")):
        done = project.call(*command)
        assert done.code == 1, done.out
        assert done.err.startswith("error: "), done.err
        assert "Traceback" not in done.err
        assert "GET " in done.err
    assert rival.writes == []
    assert not (project.root / "reconciler.lock").exists()


@each_list
@pytest.mark.parametrize("body", NO_LIST.values(), ids=NO_LIST)
def test_what_is_no_list_is_never_an_empty_one(project, rival, call, body):
    rival.instead[call] = body
    refuses(project, rival)


@each_list
@pytest.mark.parametrize("hint", MORE.values(), ids=MORE)
def test_a_list_that_speaks_of_more_is_never_taken_for_all(project, rival, call, hint):
    key, row = LISTS[call]
    rival.instead[call] = json.dumps({key: [row], **hint}).encode()
    refuses(project, rival)


@each_list
@pytest.mark.parametrize("excuse", EXCUSES.values(), ids=EXCUSES)
def test_an_empty_list_with_an_excuse_is_never_an_empty_account(project, rival, call, excuse):
    key, _ = LISTS[call]
    rival.instead[call] = json.dumps({key: [], **excuse}).encode()
    refuses(project, rival)


def test_an_empty_body_is_never_a_list_of_apps(project, rival):
    rival.instead["GET app publisherId"] = b""
    refuses(project, rival)


def test_an_empty_body_is_a_list_of_placements_only_when_it_comes_twice(project, rival):
    bodies = [b"", b"null"]
    rival.instead["GET placement appId"] = lambda _: (200, bodies.pop(0))
    assert project.call("plan").code == 1
    rival.instead["GET placement appId"] = b""
    rival.asked.clear()
    assert project.call("plan").code == 0
    assert rival.counted()["GET placement appId"] == 2


def test_an_empty_body_is_not_believed_where_the_ledger_knows_placements(project, rival):
    assert project.call("apply", "--yes").code == 0
    rival.instead["GET placement appId"] = b""
    rival.asked.clear()
    done = project.call("apply", "--yes")
    assert done.code == 1
    assert rival.writes == []


def test_an_empty_list_of_placements_recreates_nothing_that_the_ledger_knows_and_that_is_there_by_its_id(
    project, rival
):
    assert project.call("apply", "--yes").code == 0
    rival.instead["GET placement appId"] = b"[]"
    rival.asked.clear()
    done = project.call("apply", "--yes", "--format", "json")
    assert done.json["summary"]["applied"] == 0
    assert rival.writes == []


@pytest.mark.parametrize("status", [400, 403, 404, 409, 302, 204])
def test_a_refused_list_ends_the_run(project, rival, status):
    rival.instead["GET app publisherId"] = lambda _: (status, b'{"message": "the vendor says why"}')
    refuses(project, rival)


@pytest.mark.parametrize(
    "body", [b"null", b"{}", b"<html>", b'{"accessToken": ""}', b'{"accessToken": "a b\\r\\nX: y"}', b"", b'"token"']
)
def test_what_is_no_token_ends_the_run_before_any_other_request(project, rival, body):
    rival.instead["POST auth"] = body
    done = project.call("apply", "--yes")
    assert done.code == 1
    assert set(rival.counted()) == {"POST auth"}


def test_refused_credentials_are_asked_for_once_and_told_apart(project, rival):
    rival.secrets = ("other", "pair")
    done = project.call("ping")
    assert done.code == 1
    assert "invalid_client" in done.err
    assert "DT_CLIENT_ID" in done.err
    assert rival.counted() == {"POST auth": 1}
