"""Canonical values: one form for one meaning, and a way to JSON and back that loses nothing."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.field import fields_from_json, from_json
from reconciler.model.value import ABSENT, canonical_json, digest, fields_to_json, leaves, number, price, to_json

cents = st.decimals(min_value="0.01", max_value="9999", places=4)
floor_tables = st.dictionaries(st.sampled_from(["WW", "US", "CA", "NO"]), cents.map(lambda d: price(float(d))))
amounts = st.one_of(st.integers(0, 10**9), cents.map(lambda d: number(float(d))))
fields = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(),
        "coppa": st.booleans(),
        "bannerRefresh": st.integers(0, 999),
        "floorPrices": floor_tables,
        "creativeTypes": st.lists(st.text(max_size=5), max_size=3).map(lambda each: tuple(sorted(set(each)))),
        "ssrConfig": st.one_of(st.none(), st.fixed_dictionaries({"currency": st.text(), "amount": amounts})),
        "geo": st.one_of(
            st.none(), st.fixed_dictionaries({"include": st.booleans(), "countries": st.just(("BT", "SG"))})
        ),
    },
)


@pytest.mark.parametrize("raw", [1.2, "1.2", "1.20", Decimal("1.2"), Decimal("1.200")])
def test_one_price_however_it_is_written(raw):
    assert price(raw) == Decimal("1.2")


def test_a_price_is_exact():
    assert str(price(0.1)) == "0.1"
    assert price(0.1) + price(0.2) == Decimal("0.3")


@pytest.mark.parametrize("raw", [True, False, "x", "", None, [], float("nan"), float("inf"), "-inf", 10**400])
def test_what_is_not_a_finite_number_is_no_price(raw):
    with pytest.raises(ValueError, match="number"):
        price(raw)


@pytest.mark.parametrize(
    ("raw", "shown"), [("x", '"x"'), (None, "null"), (["é"], '["é"]'), ({"a": True}, '{"a": true}')]
)
def test_what_is_no_number_is_shown_as_json(raw, shown):
    with pytest.raises(ValueError, match="number") as refused:
        price(raw)
    assert str(refused.value) == f"{shown} is not a number"


@pytest.mark.parametrize(("raw", "expected"), [(3, 3), (3.0, 3), ("3", 3), (2.5, Decimal("2.5")), (0, 0)])
def test_an_amount_is_whole_where_it_can_be(raw, expected):
    assert number(raw) == expected
    assert type(number(raw)) is type(expected)


def test_a_truth_is_no_amount():
    with pytest.raises(ValueError, match="true or false"):
        number(raw=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1.20"), 1.2),
        (Decimal("3.0"), 3),
        (("a", "b"), ["a", "b"]),
        ({"include": True, "countries": ("BT",)}, {"include": True, "countries": ["BT"]}),
        (None, None),
        (False, False),
        ("x", "x"),
    ],
)
def test_values_are_written_as_json_has_them(value, expected):
    written = to_json(value)
    assert written == expected
    assert type(written) is type(expected)


@given(fields)
def test_fields_survive_json(known):
    back = fields_from_json(json.loads(json.dumps(fields_to_json(known))))
    assert back == known
    assert {name: type(value) for name, value in back.items()} == {name: type(value) for name, value in known.items()}


@given(floor_tables)
def test_prices_are_decimals_again(table):
    back = from_json("floorPrices", json.loads(json.dumps(to_json(table))))
    assert all(isinstance(each, Decimal) for each in back.values())


def test_a_part_is_read_by_its_path():
    assert type(from_json("floorPrices.US", 3)) is Decimal
    assert type(from_json("capping.value", 3)) is int
    assert type(from_json("ssrConfig.amount", 3.0)) is int


def test_a_value_of_another_kind_is_refused():
    with pytest.raises(ValueError, match=r"name: .* is not a canonical value"):
        from_json("name", object())


numbers = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0001, 0.00001, -0.00001, 1e15, 1e16, -1e16, 1e22, 123456789012345680.0, -0.0]),
)
words = st.one_of(st.text(), st.sampled_from(["1e5", ",-3e2]", ":0.0000", "\x7f\u2028", '\x1f"\\/', "\ud800"]))
trees = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, words),
    lambda parts: st.one_of(st.lists(parts, max_size=4), st.dictionaries(words, parts, max_size=4)),
    max_leaves=12,
)


@given(trees)
def test_canonical_json_is_what_json_writes(data):
    expected = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical_json(data) == expected


def test_canonical_json_is_the_same_for_equal_data():
    assert canonical_json({"b": 1, "a": "ü"}) == canonical_json({"a": "ü", "b": 1}) == '{"a":"ü","b":1}'


def test_digests_tell_data_apart():
    assert digest({"a": 1}) == digest({"a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest({}).startswith("sha256:")


def test_leaves_are_the_ends_of_paths_in_order():
    assert list(leaves("x", {"b": {"d": 1, "c": 2}, "a": ("p",)})) == [("x.a", ("p",)), ("x.b.c", 2), ("x.b.d", 1)]


@pytest.mark.parametrize("value", [None, 3, (), {}])
def test_a_plain_value_is_its_own_leaf(value):
    assert list(leaves("x", value)) == [("x", value)]


def test_absence_is_not_none():
    assert ABSENT is not None
    assert repr(ABSENT) == "ABSENT"
