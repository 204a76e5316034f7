from decimal import Decimal

import pytest

from reconciler.apis.management.wire import fields as wire
from reconciler.apis.management.wire.fields import said_fields
from reconciler.http.exchange import AnswerError, folded

each = pytest.mark.parametrize
UNSET = {"targetingEnabled": False, "geo": None, "connectivity": None, "capping": None, "pacing": None}


def full_fields(kind, row):
    """The fields of an answer all of which can be read."""
    found, unreadable = wire.full_fields(kind, row)
    assert unreadable == ()
    return found


def said(kind="placement", **row):
    return said_fields(kind, folded(row))


def test_an_app_of_the_vendors_page_is_read():
    row = {
        "appid": "170709",
        "publisherId": "4",
        "name": "bKash",
        "bundle": "com.bKash.customerapp",
        "status": "active",
        "platform": "Android",
        "storeUrl": "https://play.google.com/store/apps/details?id=com.bKash.customerapp",
        "category1": "Finance",
        "category2": None,
        "coppa": "",
        "rewardedAdUrl": "https://example.com/cb?u={{USER_ID}}",
        "rewardedAdSecurityToken": "hush",
    }
    assert full_fields("app", folded(row)) == {
        "name": "bKash",
        "bundle": "com.bKash.customerapp",
        "status": "active",
        "platform": "android",
        "category1": "Finance",
        "coppa": False,
        "rewardedAdUrl": "https://example.com/cb?u={{USER_ID}}",
    }


def test_a_placement_of_the_vendors_page_is_read():
    row = {
        "PlacementId": "245254",
        "name": "Rewarded Placement",
        "appId": "170709",
        "placementType": "Rewarded",
        "status": "active",
        "coppa": True,
        "rewardedConfig": {
            "id": "",
            "currency": {"id": "dollars", "appId": "", "currency": "dollars"},
            "amount": 3456,
            "rewardingType": "server",
            "placementId": "",
        },
        "floorPrices": [{"country": "AF", "price": 0.05}, {"country": "WW", "price": 0.01}],
        "targetingEnabled": True,
        "geo": {"include": True, "countries": ["BT"]},
        "capping": {"value": 12, "unit": "minute", "enabled": True},
        "pacing": {"value": 13, "unit": "second", "enabled": True},
    }
    assert full_fields("placement", folded(row)) == {
        "name": "Rewarded Placement",
        "placementType": "Rewarded",
        "status": "active",
        "coppa": True,
        "floorPrices": {"AF": Decimal("0.05"), "WW": Decimal("0.01")},
        "targetingEnabled": True,
        "geo": {"include": True, "countries": ("BT",)},
        "connectivity": None,
        "capping": {"value": 12, "unit": "minute"},
        "pacing": {"value": 13, "unit": "second"},
        "ssrConfig": {"currency": "dollars", "amount": 3456},
    }


def test_silence_of_a_full_answer_means_off_and_of_a_write_means_nothing():
    assert full_fields("placement", {"name": "x"}) == {"name": "x", **UNSET}
    assert full_fields("placement", {"placementtype": "Rewarded"}) == {
        "placementType": "Rewarded",
        **UNSET,
        "ssrConfig": None,
    }
    assert said(name="x", capping=None) == {"name": "x"}


@each("key", ["creativeTypes", "createTypes", "CREATIVETYPES", "CreateTypes"])
def test_creative_types_are_read_under_both_names(key):
    assert said(**{key: ["Video", "DISPLAY", "video"]}) == {"creativeTypes": ("display", "video")}


@each(("raw", "expected"), [(True, True), (False, False), ("true", True), ("False", False), ("", False)])
def test_booleans_come_as_such_or_as_text(raw, expected):
    assert said(coppa=raw) == {"coppa": expected}


@each(
    ("field", "raw", "expected"),
    [
        ("status", "ACTIVE", "active"),
        ("status", "paused", "paused"),
        ("placementType", "mrec", "MREC"),
        ("placementType", "Native", "Native"),
        ("skipability", "nonskippable", "NonSkippable"),
        ("skipability", "Skippable5", "Skippable5"),
        ("connectivity", ["wifi", "CELLULAR", "5G"], ("5G", "Cellular", "WIFI")),
        ("connectivity", [], None),
        ("name", 12345, "12345"),
        ("bannerRefresh", "45", 45),
        ("bannerRefresh", 45.0, 45),
    ],
)
def test_known_words_take_their_spelling_and_unknown_ones_are_kept(field, raw, expected):
    assert said(**{field: raw}) == {field: expected}


@each(
    "raw",
    [
        [{"country": "us", "price": "1.20"}, {"Country": "WW", "Price": 0.01}],
        {"US": 1.2, "ww": "0.01"},
        [{"country": "US", "price": 1.2}],
        [{"country": "US", "price": 1.2}, {"country": "us", "price": 1.20}],
    ],
)
def test_floors_are_a_table_of_exact_prices_with_a_worldwide_line(raw):
    assert said(floorPrices=raw) == {"floorPrices": {"US": Decimal("1.2"), "WW": Decimal("0.01")}}


@each("unit", ["minute", "Minute", "minutes", " MINUTES "])
def test_units_are_read_in_any_case_and_number(unit):
    assert said(capping={"Value": "12", "Unit": unit}) == {"capping": {"value": 12, "unit": "minute"}}


@each(
    "raw",
    [
        {"enabled": False, "value": 12, "unit": "day"},
        {"enabled": "", "value": 12, "unit": "day"},
        {"enabled": "false"},
        {},
        {"enabled": True, "value": None},
    ],
)
def test_a_limit_that_is_disabled_or_has_no_value_is_off(raw):
    assert said(pacing=raw) == {"pacing": None}


@each(
    ("raw", "expected"),
    [
        ({"include": False, "countries": ["sg", "BT", "SG"]}, {"include": False, "countries": ("BT", "SG")}),
        ({"countries": ["SG"]}, {"include": True, "countries": ("SG",)}),
        ({"include": True, "countries": []}, None),
        ({"include": True}, None),
        ({}, None),
    ],
)
def test_geo_without_countries_is_off(raw, expected):
    assert said(geo=raw) == {"geo": expected}


@each(
    ("row", "expected"),
    [
        ({"ssrConfig": {"currency": "coins", "amount": "10", "enabled": True}}, {"currency": "coins", "amount": 10}),
        ({"ssrConfig": {"currency": "coins", "amount": 10}}, {"currency": "coins", "amount": 10}),
        ({"ssrConfig": {"currency": "coins", "amount": 10, "enabled": False}}, None),
        (
            {"rewardedConfig": {"currency": "coins", "amount": 2.5, "rewardingType": "SERVER"}},
            {"currency": "coins", "amount": Decimal("2.5")},
        ),
        ({"rewardedConfig": {"currency": {"currency": "coins"}, "amount": 1, "rewardingType": "client"}}, None),
        ({"rewardedConfig": {"currency": {"currency": "coins"}, "amount": 1}}, None),
        ({"rewardedConfig": {"rewardingType": "server"}}, None),
        (
            {"ssrConfig": None, "rewardedConfig": {"currency": "c", "amount": 1, "rewardingType": "server"}},
            {"currency": "c", "amount": 1},
        ),
    ],
)
def test_a_reward_is_read_in_either_form(row, expected):
    assert said(**row) == {"ssrConfig": expected}


@each(
    ("field", "raw"),
    [
        ("floorPrices", "abc"),
        ("floorPrices", [{"country": "US"}]),
        ("floorPrices", [{"country": "US", "price": "NaN"}]),
        ("floorPrices", [{"country": "US", "price": 1e999}]),
        ("floorPrices", [{"country": "US", "price": True}]),
        ("floorPrices", [{"country": 5, "price": 1}]),
        ("floorPrices", [{"country": "US", "price": 1}, {"country": "US", "price": 2}]),
        ("floorPrices", ["US"]),
        ("floorPrices", [{"country": "US", "price": -1}]),
        ("floorPrices", {"US": -0.5}),
        ("coppa", "maybe"),
        ("coppa", 2),
        ("geo", ["US"]),
        ("geo", {"countries": "US"}),
        ("capping", 5),
        ("capping", {"value": "many", "unit": "day"}),
        ("capping", {"value": 5}),
        ("bannerRefresh", "soon"),
        ("creativeTypes", "video"),
        ("name", {"en": "x"}),
    ],
)
def test_a_value_of_a_wrong_form_is_named_in_a_read_and_left_out_of_what_a_write_said(field, raw):
    row = folded({"status": "active", field: raw})
    found, unreadable = wire.full_fields("placement", row)
    assert [name for name, _ in unreadable] == [field]
    assert field not in found
    assert found["status"] == "active"
    assert said_fields("placement", row) == {"status": "active"}


def test_two_spellings_of_a_key_may_agree_but_not_differ():
    assert folded({"Name": "x", "name": "x", "NAME": None}) == {"name": "x"}
    with pytest.raises(AnswerError):
        folded({"Name": "x", "name": "y"})


@each("amount", [True, False])
def test_a_price_that_is_true_or_false_is_none_also_after_its_number_was_read(amount):
    numbers = [{"country": "US", "price": 1.0}, {"country": "CA", "price": 0.0}]
    assert full_fields("placement", {"floorprices": numbers})["floorPrices"]["US"] == 1
    _, unreadable = wire.full_fields("placement", {"floorprices": [{"country": "US", "price": amount}]})
    assert [name for name, _ in unreadable] == ["floorPrices"]
