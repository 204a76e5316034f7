import json
from decimal import Decimal

import httpx
import pytest
from unit.apis.management.world import APP, PLACEMENT, SECRET, gateway_of, ok, raw

from reconciler.errors import ApiError, ApiRejected, DoubtfulRead, UnreadableAnswer
from reconciler.model.state import LiveResource
from reconciler.ports import Accepted, Ambiguous, NotSent, Rejected

each = pytest.mark.parametrize
BEFORE = LiveResource(
    "placement",
    "5",
    {"name": "p", "capping": {"value": 12, "unit": "day"}, "ssrConfig": {"currency": "c", "amount": 2}, "pacing": None},
    "1",
)


def test_a_plan_asks_for_apps_by_publisher_and_for_placements_by_app():
    gateway, server = gateway_of(ok([{"appId": 1}]), ok([{"placementId": 5}]))
    assert [app.id for app in gateway.apps()] == ["1"]
    assert [placement.id for placement in gateway.placements("1", expected=False)] == ["5"]
    asked = [(request.url.path, dict(request.url.params)) for request in server.requests]
    assert asked == [(APP, {"publisherId": "3432"}), (PLACEMENT, {"appId": "1"})]
    assert server.requests[0].headers["content-type"] == "application/json"
    assert server.requests[0].headers["user-agent"].startswith("waterfall-reconciler/")


@each("body", [b"null", b"{}", b'"x"', b'{"apps": [], "next": "x"}', b'{"error": "x"}', b'{"total": 4, "data": []}'])
def test_an_answer_that_is_none_is_an_error_and_not_asked_for_again(body):
    gateway, server = gateway_of(raw(body))
    with pytest.raises(UnreadableAnswer):
        gateway.apps()
    assert len(server.requests) == 1


@each("body", [b"", b"<html></html>", b'[{"appId": 1}, {"ap'])
def test_a_broken_body_is_asked_for_once_more(body):
    gateway, _ = gateway_of(raw(body), ok([{"appId": 1}]))
    assert len(gateway.apps()) == 1
    gateway, server = gateway_of(raw(body), raw(body))
    with pytest.raises(UnreadableAnswer):
        gateway.apps()
    assert len(server.requests) == 2


@each("header", [{"link": '<https://x/?page=2>; rel="next"'}, {"x-total-count": "2"}])
def test_headers_that_speak_of_more_count_too(header):
    gateway, _ = gateway_of(ok([{"appId": 1}], **header))
    with pytest.raises(UnreadableAnswer):
        gateway.apps()


def test_an_empty_body_is_an_app_without_placements_only_when_said_twice():
    gateway, server = gateway_of(raw(b""), raw(b"", 204))
    assert gateway.placements("1", expected=False) == ()
    assert len(server.requests) == 2
    gateway, _ = gateway_of(raw(b""), ok([{"placementId": 5}]))
    assert len(gateway.placements("1", expected=False)) == 1
    for first, second in ((b"[{", b""), (b"", b"[{")):
        gateway, _ = gateway_of(raw(first), raw(second))
        with pytest.raises(UnreadableAnswer):
            gateway.placements("1", expected=False)


def test_an_empty_body_is_never_believed_where_placements_are_expected():
    gateway, _ = gateway_of(raw(b""), raw(b""), ok([]))
    with pytest.raises(DoubtfulRead):
        gateway.placements("1", expected=True)
    assert gateway.placements("1", expected=True) == ()


@each(
    "trouble",
    [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x"), httpx.DecodingError("x")]
    + [raw(b"", status) for status in (408, 429, 500, 502, 503, 504)],
)
def test_reads_are_repeated_after_trouble_and_given_up_in_the_end(trouble):
    gateway, server = gateway_of(trouble, trouble, ok([]))
    assert gateway.apps() == ()
    gateway, server = gateway_of(*[trouble] * 12)
    with pytest.raises(ApiError) as failed:
        gateway.apps()
    assert type(failed.value) is ApiError
    assert len(server.requests) in (5, 12)


@each("status", [400, 403, 404, 409, 422, 301])
def test_a_refused_read_is_an_error_with_the_servers_words(status):
    gateway, server = gateway_of(ok({"message": f"no {SECRET}"}, status))
    with pytest.raises(ApiRejected, match=str(status)) as refused:
        gateway.apps()
    assert SECRET not in refused.value.message
    assert len(server.requests) == 1


@each("status", [201, 202, 206])
def test_only_a_plain_200_answers_a_read(status):
    gateway, _ = gateway_of(ok([], status))
    with pytest.raises(UnreadableAnswer):
        gateway.apps()


def test_a_resource_is_gone_only_when_the_api_says_so():
    gateway, server = gateway_of(ok({"message": "no such app"}, 404), ok([]), ok({"appId": 5, "name": "x"}))
    assert gateway.find("app", "5") is None
    assert gateway.find("app", "5") is None
    assert gateway.find("app", "5") == LiveResource("app", "5", {"name": "x"})
    assert dict(server.requests[0].url.params) == {"appId": "5"}
    for answers in ([raw(b""), raw(b"")], [ok({"appId": 6})], [ok({})], [ok({"error": "x"})]):
        gateway, _ = gateway_of(*answers)
        with pytest.raises(UnreadableAnswer):
            gateway.find("app", "5")


def test_an_app_is_created_with_its_publisher_and_declared_fields():
    gateway, server = gateway_of(ok({"appid": 9, "name": "A", "coppa": "", "storeUrl": ""}, 201))
    fields = {"name": "A", "bundle": "b", "platform": "ios", "category1": "Books", "coppa": False, "status": "inactive"}
    assert gateway.create("app", fields, app_id=None) == Accepted("9", {"name": "A", "coppa": False}, 1)
    assert server.bodies == [{"publisherId": "3432", **fields}]


def test_a_placement_is_created_without_status_and_without_what_is_off():
    gateway, server = gateway_of(ok({"PlacementId": 5, "appId": 1}))
    fields = {
        "name": "p",
        "placementType": "Interstitial",
        "status": "inactive",
        "coppa": True,
        "creativeTypes": ("display", "video"),
        "floorPrices": {"US": Decimal("1.2"), "AF": Decimal(3), "WW": Decimal("0.01")},
        "targetingEnabled": True,
        "geo": {"include": False, "countries": ("BT", "SG")},
        "connectivity": None,
        "capping": {"value": 12, "unit": "minute"},
        "pacing": None,
        "ssrConfig": {"currency": "coins", "amount": Decimal("2.5")},
    }
    assert gateway.create("placement", fields, app_id="1") == Accepted("5", {}, 1)
    (body,) = server.bodies
    assert body == {
        "appId": "1",
        "name": "p",
        "placementType": "Interstitial",
        "coppa": True,
        "creativeTypes": ["display", "video"],
        "floorPrices": [
            {"country": "WW", "price": 0.01},
            {"country": "AF", "price": 3},
            {"country": "US", "price": 1.2},
        ],
        "targetingEnabled": True,
        "geo": {"include": False, "countries": ["BT", "SG"]},
        "capping": {"value": 12, "unit": "minute", "enabled": True},
        "ssrConfig": {"currency": "coins", "amount": 2.5, "enabled": True},
    }


def test_an_update_holds_the_id_and_the_given_fields_alone():
    gateway, server = gateway_of(ok({"placementId": 5, "name": "q"}), ok({}))
    assert gateway.update(BEFORE, {"name": "q"}) == Accepted("5", {"name": "q"}, 1)
    off = {"capping": None, "pacing": None, "ssrConfig": None, "geo": None, "connectivity": None}
    gateway.update(BEFORE, off)
    assert server.requests[0].method == "PUT"
    assert server.bodies == [
        {"placementId": "5", "name": "q"},
        {
            "placementId": "5",
            "capping": {"value": 12, "unit": "day", "enabled": False},
            "pacing": {"enabled": False},
            "ssrConfig": {"currency": "c", "amount": 2, "enabled": False},
            "geo": {"include": True, "countries": []},
            "connectivity": [],
        },
    ]


def test_a_delete_has_the_id_in_its_body():
    gateway, server = gateway_of(ok({"message": "Placement 5 has been deleted successfully."}), raw(b"", 204))
    assert gateway.delete("placement", "5") == Accepted("5")
    assert gateway.delete("app", "1") == Accepted("1")
    assert [request.method for request in server.requests] == ["DELETE", "DELETE"]
    assert server.bodies == [{"placementId": "5"}, {"appId": "1"}]


@each("status", [400, 403, 404, 405, 409, 410, 413, 415, 422, 451])
def test_a_rejection_is_told_in_the_servers_words_and_never_sent_again(status):
    body = {"message": "Invalid store category1", "valid": ["Books", "Games"]}
    for write in WRITES:
        gateway, server = gateway_of(ok(body, status))
        assert write(gateway) == Rejected(status, "Invalid store category1; valid: Books, Games", 1)
        assert len(server.requests) == 1


WRITES = (
    lambda gateway: gateway.create("app", {"name": "n"}, app_id=None),
    lambda gateway: gateway.update(BEFORE, {"name": "q"}),
    lambda gateway: gateway.delete("placement", "5"),
)


@each("status", [307, 308])
def test_a_write_that_is_asked_for_elsewhere_was_not_done(status):
    for write in WRITES:
        gateway, server = gateway_of(raw(b"", status, location="https://evil.example/"))
        assert write(gateway) == Rejected(status, "a redirect", 1)
        assert len(server.requests) == 1


@each(("status", "body"), [(301, {}), (302, {}), (303, {}), (409, {"msg": "it exists"}), (409, {})])
def test_a_write_that_is_answered_with_a_redirect_or_a_conflict_may_have_been_done(status, body):
    for write in WRITES:
        gateway, server = gateway_of(ok(body, status))
        answer = write(gateway)
        assert isinstance(answer, Ambiguous)
        assert f"HTTP {status}" in answer.why
        assert len(server.requests) == 1


@each("trouble", [httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x"), raw(b"", 500), raw(b"", 503), raw(b"", 408)])
def test_a_create_in_doubt_is_sent_once_and_the_others_again(trouble):
    create, update, delete = WRITES
    for write, tries in ((create, 1), (update, 5), (delete, 5)):
        gateway, server = gateway_of(*[trouble] * 5)
        answer = write(gateway)
        assert isinstance(answer, Ambiguous)
        assert (answer.attempts, len(server.requests)) == (tries, tries)
    gateway, _ = gateway_of(trouble, ok({"placementId": 5}))
    assert update(gateway) == Accepted("5", {}, 2)


def test_a_throttled_write_is_sent_again_and_in_the_end_rejected():
    for write in WRITES:
        gateway, server = gateway_of(*[raw(b"", 429)] * 12)
        assert write(gateway) == Rejected(429, "Too Many Requests", 12)
        assert len(server.requests) == 12


def test_a_write_without_any_connection_was_not_sent():
    for write in WRITES:
        gateway, _ = gateway_of(*[httpx.ConnectError("refused")] * 5)
        assert write(gateway) == NotSent("no connection (refused)", 5)


def test_what_follows_a_try_in_doubt_cannot_take_the_doubt_away():
    for end in ([ok({"message": "no"}, 400)], [httpx.ConnectError("x")] * 4, [raw(b"", 429)] * 12):
        gateway, _ = gateway_of(httpx.ReadTimeout("x"), *end)
        assert isinstance(gateway.update(BEFORE, {"name": "q"}), Ambiguous)


def test_a_delete_that_finds_nothing_was_done_by_the_try_in_doubt_and_else_rejected():
    gateway, _ = gateway_of(httpx.ReadTimeout("x"), raw(b"", 404))
    assert gateway.delete("app", "1") == Accepted("1", {}, 2)
    gateway, _ = gateway_of(raw(b"", 429), raw(b"", 404))
    assert gateway.delete("app", "1") == Rejected(404, "Not Found", 2)


@each(
    "body",
    [
        *(b"", b"null", b"{}", b"[]", b"<html>", b'{"placementId": "5', b'{"message": "created"}', b'{"id": 5}'),
        *(b'{"placementId": null}', b'{"placementId": true}', b'{"placementId": 5, "error": "x"}'),
        *(b'[{"placementId": 5}, {"placementId": 6}]', b'{"placementId": 5, "appId": "2"}'),
    ],
)
def test_a_create_whose_answer_names_no_id_is_in_doubt(body):
    gateway, server = gateway_of(raw(body))
    assert isinstance(gateway.create("placement", {"name": "p"}, app_id="1"), Ambiguous)
    assert len(server.requests) == 1


@each("body", [b"", b"null", b"{}", b"OK", b'{"message": "updated"}', b'{"placementId": "5", "na'])
def test_an_update_that_says_nothing_is_accepted_and_can_be_read_back(body):
    gateway, _ = gateway_of(raw(body))
    assert gateway.update(BEFORE, {"name": "q"}) == Accepted("5")


@each("body", [b"<html>", b'{"error": "x"}', b'{"success": false}', b'{"placementId": 6}'])
def test_an_update_that_says_something_else_is_in_doubt(body):
    gateway, _ = gateway_of(raw(body))
    assert isinstance(gateway.update(BEFORE, {"name": "q"}), Ambiguous)


@each("body", [b"<html>", b'{"error": "x"}'])
def test_a_delete_that_says_something_else_is_in_doubt(body):
    gateway, _ = gateway_of(raw(body))
    assert isinstance(gateway.delete("app", "1"), Ambiguous)


def test_a_page_that_says_404_says_nothing_of_a_resource():
    gateway, _ = gateway_of(raw(b"<html>not here</html>", 404))
    with pytest.raises(ApiRejected, match="404"):
        gateway.find("app", "1")
    gateway, _ = gateway_of(httpx.ReadTimeout("x"), raw(b"<html>not here</html>", 404))
    assert isinstance(gateway.delete("app", "1"), Ambiguous)


@each("told", [SECRET, "tok-1"])
def test_credentials_that_the_server_repeats_are_not_shown(told):
    body = {"error": f"bad token: {told}"}
    for status in (200, 400, 500):
        gateway, _ = gateway_of(ok(body, status))
        assert told not in str(gateway.create("app", {"name": "n"}, app_id=None))
    gateway, _ = gateway_of(ok(body))
    with pytest.raises(UnreadableAnswer) as failed:
        gateway.apps()
    assert "bad token: ***" in failed.value.message


def test_a_placement_needs_an_app():
    gateway, _ = gateway_of()
    with pytest.raises(ValueError, match="in an app"):
        gateway.create("placement", {}, app_id=None)


def test_what_does_not_change_is_sent_as_it_is_spelled_there():
    row = {
        "placementId": 5, "name": "p", "appId": 1, "placementType": "Interstitial",
        "creativeTypes": ["video", "display"], "capping": {"value": 12, "unit": "minute", "enabled": False},
        "rewardedConfig": {"currency": {"currency": "gems"}, "amount": 7, "rewardingType": "client"},
    }  # fmt: skip
    gateway, server = gateway_of(ok([row]), ok({}), ok({}))
    (live,) = gateway.placements("1", expected=True)
    assert (live.fields["creativeTypes"], live.fields["capping"]) == (("display", "video"), None)
    gateway.update(live, {"creativeTypes": ("display", "video"), "capping": None, "ssrConfig": None})
    gateway.update(live, {"creativeTypes": ("display",)})
    assert [json.loads(request.content) for request in server.requests[1:]] == [
        {
            "placementId": "5",
            "creativeTypes": ["video", "display"],
            "capping": {"value": 12, "unit": "minute", "enabled": False},
            "ssrConfig": {"currency": "gems", "amount": 7, "enabled": False},
        },
        {"placementId": "5", "creativeTypes": ["display"]},
    ]


APP_BEFORE = LiveResource("app", "9", {"rewardedAdUrl": "https://a.example/cb"})


def test_an_empty_text_that_is_refused_is_sent_as_null():
    gateway, server = gateway_of(raw(b'{"message": "must be a url"}', 400), ok({}))
    assert gateway.update(APP_BEFORE, {"rewardedAdUrl": None}) == Accepted("9", {}, 2)
    assert server.bodies == [{"appId": "9", "rewardedAdUrl": ""}, {"appId": "9", "rewardedAdUrl": None}]


def test_where_null_is_refused_as_well_the_first_refusal_is_told():
    gateway, _ = gateway_of(raw(b'{"message": "must be a url"}', 400), raw(b'{"message": "must be a text"}', 400))
    refused = gateway.update(APP_BEFORE, {"rewardedAdUrl": None})
    assert (refused.message, refused.attempts) == ("must be a url", 2)
