"""Calls to a forge: limits are waited for, refusals say what to do, and an answer of any form is no accident."""

import pytest
from support.fake_clock import FakeClock
from support.forge import REPOSITORY, TOKEN, Forge

from reconciler.errors import ApiError
from reconciler.forge.client import ForgeRefused
from reconciler.forge.connect import comments
from reconciler.forge.repository import Repository, upsert
from reconciler.model.secret import Secret

BODY = "<!-- reconciler:plan 3432-0123456789abcdef -->\nThe plan\n"
ROOTS = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1", "bitbucket": "/2.0", "azure": "/studio"}
REPOSITORIES = {"gitlab": "77", "azure": "Ad%20money/monetization"}


@pytest.fixture
def forge():
    with Forge().running() as server:
        yield server


def write(forge, kind="github", clock=None):
    place = Repository(kind, f"{forge.url}{ROOTS[kind]}", REPOSITORIES.get(kind, REPOSITORY), Secret(TOKEN))
    with comments(place, 4, clock or FakeClock()) as thread:
        return upsert(thread, "", BODY)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, {"Retry-After": "7"}),
        (403, {"Retry-After": "7"}),
        (403, {"X-RateLimit-Remaining": "0", "Retry-After": "7"}),
    ],
)
@pytest.mark.parametrize("before", [0, 1])
def test_a_limit_is_waited_for_also_where_something_is_written(forge, status, headers, before):
    forge.limits += [(status, headers)] * (before + 1)
    clock = FakeClock()
    assert write(forge, clock=clock).done == "wrote"
    assert sum(clock.slept) >= 7 * (before + 1)
    assert len(forge.comments) == 1


def test_a_limit_that_does_not_end_is_told_as_one(forge):
    forge.limits += [(403, {"X-RateLimit-Remaining": "0"})] * 9
    with pytest.raises(ForgeRefused, match="exceeded a secondary rate limit") as caught:
        write(forge)
    assert caught.value.hint == "run the job again later"
    assert len(forge.limits) == 5


def test_a_refusal_without_a_limit_is_not_tried_again(forge):
    forge.refuse["GET comments"] = 403
    with pytest.raises(ForgeRefused, match="HTTP 403"):
        write(forge)
    assert len(forge.asked) == 1


@pytest.mark.parametrize("status", [301, 302])
def test_another_address_is_not_followed_and_told(forge, status):
    forge.refuse["GET comments"] = status
    with pytest.raises(ForgeRefused) as caught:
        write(forge)
    assert "another name" in caught.value.hint


@pytest.mark.parametrize("kind", ROOTS)
@pytest.mark.parametrize("odd", [None, 7, "x", [7], [None], [{}], {}, {"values": [7], "value": [7]}, {"values": {}}])
def test_an_answer_of_another_form_is_an_error_of_the_forge(forge, kind, odd, monkeypatch):
    monkeypatch.setattr(forge, "answer", lambda *_: (200, odd))
    with pytest.raises(ApiError):
        write(forge, kind)


@pytest.mark.parametrize("links", [None, 7, {"html": None}, {"html": {"href": 7}}])
def test_a_comment_without_an_address_is_one(forge, links, monkeypatch):
    row = {"id": 1, "content": {"raw": BODY}, "user": {"uuid": "{me}"}, "links": links}
    monkeypatch.setattr(forge, "answer", lambda *_: (200, {"values": [row], "uuid": "{me}"}))
    assert write(forge, "bitbucket").url == ""
