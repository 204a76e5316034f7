from decimal import Decimal

import pytest

from reconciler.apply.verify import contradiction_text, verify

FLOORS = {"WW": Decimal("0.01"), "US": Decimal(2)}


@pytest.mark.parametrize(
    ("sent", "before", "after"),
    [
        ({"coppa": True}, {}, {"coppa": True}),
        ({"floorPrices": FLOORS}, {"name": "a"}, {"name": "a", "floorPrices": dict(FLOORS)}),
        ({"capping": None}, {"capping": {"value": 1, "unit": "day"}}, {}),
        ({"capping": None}, {}, {"capping": None}),
        ({"coppa": True}, {"geo": None, "status": "active"}, {"coppa": True, "status": "inactive"}),
        ({"coppa": True}, {"floorPrices": {"WW": Decimal("0.01")}, "targetingEnabled": False}, {"coppa": True}),
    ],
)
def test_what_was_wanted_is_there_and_nothing_was_reset(sent, before, after):
    seen = verify(sent, before, after)
    assert (seen.unconfirmed, seen.contradicted, seen.reset) == (frozenset(), {}, frozenset())


@pytest.mark.parametrize("after", [{}, {"capping": None}])
def test_a_block_that_was_sent_and_is_not_shown_is_unconfirmed(after):
    seen = verify({"capping": {"value": 1, "unit": "day"}}, {}, after)
    assert (seen.unconfirmed, seen.contradicted or {}) == ({"capping"}, {})


def test_a_value_that_is_shown_otherwise_is_contradicted_and_told():
    sent = {"coppa": True, "floorPrices": FLOORS}
    seen = verify(sent, {}, {"coppa": False, "floorPrices": {"WW": Decimal("0.01")}})
    assert set(seen.contradicted) == {"coppa", "floorPrices"}
    assert contradiction_text(sent, seen.contradicted, seen) == (
        "the account shows coppa false, asked for true; the account shows floorPrices.US (none), asked for 2"
    )


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [
        ("pacing", {"value": 1, "unit": "day"}, None),
        ("geo", {"include": True, "countries": ("US",)}, None),
        ("floorPrices", FLOORS, {"WW": Decimal("0.01")}),
        ("targetingEnabled", True, False),
        ("creativeTypes", ("video",), ()),
        ("rewardedAdUrl", "https://example.com", ""),
    ],
)
def test_a_field_that_was_set_and_not_sent_and_is_unset_now_was_reset(name, was, now):
    assert verify({"name": "b"}, {"name": "a", name: was}, {"name": "b", name: now}).reset == {name}


def test_a_field_that_is_missing_afterwards_was_reset_too():
    assert verify({}, {"bannerRefresh": 45}, {}).reset == {"bannerRefresh"}
