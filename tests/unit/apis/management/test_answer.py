import pytest

from reconciler.apis.management.wire.answer import live_list, live_one, written_resource
from reconciler.http.exchange import AnswerError, BlankError, NotJsonError, decode, server_message

each = pytest.mark.parametrize


def ids(kind, value, **more):
    return [resource.id for resource in live_list(kind, value, **more)]


@each("key", ["appId", "appid", "AppId", "APPID"])
@each("value", [170709, "170709", 170709.0, " 170709 "])
def test_ids_are_text_whatever_their_key_and_type(key, value):
    assert ids("app", [{key: value}]) == ["170709"]


@each("raw", [True, "", [], {}, 1.5])
def test_what_is_no_id_makes_no_row(raw):
    with pytest.raises(AnswerError):
        live_list("app", [{"appId": raw}])


APP = {"appId": "1", "name": "x"}


@each(
    "value",
    [
        [APP],
        APP,
        {"apps": [APP]},
        {"Apps": [APP]},
        {"data": [APP]},
        {"list": [APP]},
        {"data": APP},
        {"data": {"apps": [APP]}},
        {"apps": [APP], "total": 1, "next": None, "hasMore": False, "cursor": "", "page": 1, "totalPages": 1},
        {"apps": [APP], "links": {"next": None}, "error": None, "errors": [], "success": True, "status": "ok"},
        [APP, dict(APP)],
        [APP, {"APPID": 1, "Name": "x"}],
    ],
)
def test_every_known_shape_of_a_list_is_read_alike(value):
    assert ids("app", value) == ["1"]


@each("value", [[], {"apps": []}, {"data": []}, {"list": []}, {"data": {"apps": []}}, {"apps": [], "total": 0}])
def test_a_list_may_be_empty(value):
    assert ids("app", value) == []


@each(
    "value",
    [
        None,
        {},
        "apps",
        5,
        True,
        {"placements": []},
        {"items": [APP]},
        {"apps": None},
        {"apps": {}},
        {"apps": "x"},
        {"data": {"data": {"apps": []}}},
        {"apps": [], "data": []},
        {"message": "ok"},
        [None],
        ["1"],
        [[APP]],
        [{}],
        [{"name": "x"}],
        [{"appId": None}],
        [{"placementId": "1", "appId": "2"}],
        [APP, {"appId": "1", "name": "y"}],
        {"error": "x"},
        {"apps": [APP], "error": "partial"},
        {"apps": [], "errors": ["x"]},
        {"apps": [], "success": False},
        {"status": 500, "data": []},
        {"status": "error", "data": []},
    ],
)
def test_whatever_else_is_no_list_of_apps(value):
    with pytest.raises(AnswerError):
        live_list("app", value)


@each(
    "hint",
    [
        {"next": "/app?page=2"},
        {"nextPage": 2},
        {"next_page": "2"},
        {"cursor": "abc"},
        {"nextCursor": "abc"},
        {"next_cursor": "abc"},
        {"nextPageToken": "abc"},
        {"hasMore": True},
        {"has_more": "true"},
        {"links": {"next": "/x"}},
        {"_links": {"next": {"href": "/x"}}},
        {"meta": {"totalCount": 2}},
        {"paging": {"Next": "x"}},
        {"total": 2},
        {"total": "2"},
        {"totalCount": 2},
        {"total_count": 2},
        {"count": 2},
        {"totalPages": 2},
        {"page": 2},
    ],
)
def test_a_wrapper_that_speaks_of_more_is_no_whole_list(hint):
    (key,) = hint
    inner = hint[key]
    name = next(iter(inner)) if isinstance(inner, dict) else key
    with pytest.raises(AnswerError, match=name.lower()):
        live_list("app", {"apps": [APP], **hint})
    with pytest.raises(AnswerError):
        live_list("app", {"data": {"apps": [APP], **hint}})


EXCUSES = [
    {"message": "quota exceeded"},
    {"message": "No apps could be loaded, try again"},
    {"warning": "the backend is degraded"},
    {"warnings": ["a"]},
    {"partial": True},
    {"Partial": "true"},
    {"isPartial": 1},
    {"incomplete": True},
    {"complete": False},
    {"meta": {"complete": False}},
    {"error": "x"},
    {"meta": {"errors": ["x"]}},
    {"quota": {"used": 100, "limit": 100}},
    {"status": "degraded"},
    {"next": {"page": 2}},
    {"truncated": True},
    {"offset": 50},
    {"limit": 1, "note": "the first are shown, others skipped"},
    {"meta": {"paging": {"hasMore": True}}},
]


@each("kind", ["app", "placement"])
@each("said", [*EXCUSES, {"note": "x"}, {"foo": 1}, {"ready": False}, {"retryAfter": 0}, {"meta": {"x": [{}]}}])
def test_an_empty_list_with_a_word_that_is_not_known_to_be_harmless_is_no_answer(kind, said):
    for wrapper in (f"{kind}s", "data", "list"):
        for value in ({wrapper: [], **said}, {"data": {f"{kind}s": [], **said}}, {**said, "data": {f"{kind}s": []}}):
            with pytest.raises(AnswerError):
                live_list(kind, value)


@each("said", EXCUSES)
def test_rows_with_a_word_of_an_incomplete_answer_beside_them_are_not_taken_for_all(said):
    with pytest.raises(AnswerError):
        live_list("app", {"apps": [APP], **said})


def test_as_many_rows_as_a_page_holds_are_all_only_where_the_total_says_so():
    with pytest.raises(AnswerError, match="limit"):
        live_list("app", {"apps": [APP], "limit": 1})
    assert ids("app", {"apps": [APP], "limit": 1, "total": 1}) == ["1"]
    assert ids("app", {"apps": [APP], "limit": 100}) == ["1"]


@each(
    "said",
    [
        {"message": "ok"},
        {"message": "Success."},
        {"success": True, "status": 200, "code": 0},
        {"error": None, "errors": [], "warnings": [], "message": ""},
        {"partial": False, "hasMore": False, "complete": True, "truncated": "false"},
        {"total": 0, "page": 1, "pageSize": 50, "offset": 0, "totalPages": 0},
        {"publisherId": "3432", "meta": {}, "paging": {"next": None, "total": "0"}},
    ],
)
def test_an_empty_list_with_nothing_but_harmless_words_is_an_empty_account(said):
    assert ids("app", {"apps": [], **said}) == []


def test_rows_with_unknown_words_that_speak_of_nothing_missing_are_read():
    assert ids("app", {"apps": [APP], "requestId": "7f", "took": 5, "message": "fine"}) == ["1"]


def test_placements_belong_to_the_app_that_was_asked_for():
    row = {"PlacementId": 5, "name": "x"}
    assert live_list("placement", [row], app_id="1")[0].app_id == "1"
    assert live_list("placement", [{**row, "appid": 1}], app_id="1")[0].app_id == "1"
    with pytest.raises(AnswerError, match="of app 2"):
        live_list("placement", [{**row, "appId": "2"}], app_id="1")


def test_an_unreadable_field_is_named_in_its_resource_and_stops_no_other():
    rows = [{"placementId": 5, "name": "x", "floorPrices": "abc"}, {"placementId": 6, "name": "y"}]
    one, other = live_list("placement", rows, app_id="1")
    assert one.unreadable == (("floorPrices", "not a list"),)
    assert "floorPrices" not in one.fields
    assert other.unreadable == ()


@each("name", [{"en": "x"}, ["x"], True, 1.5, None])
def test_a_row_whose_name_cannot_be_read_is_nameless(name):
    (one,) = live_list("placement", [{"placementId": 5, "name": name}], app_id="1")
    assert one.is_nameless


def test_one_resource_must_be_the_one_that_was_asked_for():
    assert live_one("app", APP, "1").id == "1"
    assert live_one("app", {"data": [APP]}, "1").id == "1"
    assert live_one("app", [], "1") is None
    for wrong in ({"appId": "2"}, [APP, {"appId": "2"}], {}, None):
        with pytest.raises(AnswerError):
            live_one("app", wrong, "1")


@each("value", [{"placementId": 5, "appId": 1}, [{"PlacementId": "5", "appId": "1"}], {"data": {"placementId": 5.0}}])
def test_the_answer_to_a_write_names_the_resource_in_any_shape(value):
    assert written_resource("placement", value)[0] == "5"


@each("value", [None, {}, "ok", {"message": "done"}, [{}], {"appId": "1"}])
def test_the_answer_to_a_write_may_be_about_no_resource(value):
    assert written_resource("placement", value) == (None, None, {})


@each("body", [b"[NaN]", b"[Infinity]", b"[-Infinity]", b'[{"a": 1', b"<html></html>", b"\xff\xfe[]", b"[" * 200_000])
def test_what_is_not_json_is_never_a_list(body):
    with pytest.raises(NotJsonError):
        decode(body)


def test_half_a_character_is_refused_before_it_can_break_a_report():
    with pytest.raises(NotJsonError):
        decode(rb'["\ud800"]')
    assert decode(rb'["\ud83d\ude00"]') == ["\U0001f600"]


@each("body", [b"", b" \r\n", b"\xef\xbb\xbf"])
def test_a_body_without_anything_is_told_apart(body):
    with pytest.raises(BlankError):
        decode(body)


def test_a_byte_order_mark_is_skipped_and_a_repeated_key_taken_at_its_last():
    assert decode(b'\xef\xbb\xbf{"a": 1, "a": 2}') == {"a": 2}


@each(
    ("body", "words"),
    [
        (b'{"message": "Invalid store category1"}', "Invalid store category1"),
        (b'{"msg": "no"}', "no"),
        (b'{"error": {"message": "no", "code": 5}}', "no"),
        (b'{"errors": [{"message": "a"}, {"message": "b"}]}', "a; b"),
        (b'{"message": ["a", "b"]}', "a, b"),
        (b'{"error": "Conflict", "message": "bad", "valid": ["Books", "Games"]}', "bad; Conflict; valid: Books, Games"),
        (b'{"message": "no", "rewardedAdSecurityTokens": ["hush"]}', "no"),
        (b'"plain"', "plain"),
        (b"plain text", "plain text"),
        (b"bad\x1b[31m\r\nred\x00", "bad [31m red"),
        (b"<html>secret page</html>", "Conflict"),
        (b"", "Conflict"),
        (b"{}", "Conflict"),
    ],
)
def test_the_servers_own_words_are_shown_clean(body, words):
    assert server_message(409, body) == words


def test_the_servers_words_are_cut():
    assert len(server_message(400, b'{"message": "' + b"x" * 5000 + b'"}')) == 500
    assert server_message(599, b"") == "HTTP status 599"
