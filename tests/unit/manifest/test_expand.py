from decimal import Decimal

import pytest

from reconciler.model.state import Lifecycle, Source

GROUPS = "countryGroups: {tier1: [US, CA], nordics: [SE, NO]}\n"


def test_fields_that_are_not_written_are_not_there(placement):
    assert placement("{name: a, placementType: MREC}").fields == {"name": "a", "placementType": "MREC"}


def test_an_app_that_says_nothing_of_placements_manages_none(app):
    assert app("    coppa: true\n").placements is None


@pytest.mark.parametrize("body", ["    placements: []\n", "    waterfalls: []\n"])
def test_an_empty_list_is_said(app, body):
    assert app(body).placements == ()


def test_numbers_are_ids_too(app):
    found = app("    appId: 170709\n    placements: [{name: a, placementType: MREC, placementId: 0243}]\n")
    assert found.pin == "170709"
    assert found.placements[0].pin == "0243"


def test_a_country_beats_its_group_and_ww_is_always_there(placement):
    floors = placement("{name: a, placementType: MREC, floorPrices: {tier1: 0.80, US: 1.20}}", GROUPS).fields[
        "floorPrices"
    ]
    assert floors == {"US": Decimal("1.2"), "CA": Decimal("0.8"), "WW": Decimal("0.01")}


def test_both_forms_of_floors_are_one(placement):
    as_map = placement("{name: a, placementType: MREC, floorPrices: {WW: 1, nordics: 2}}", GROUPS)
    as_list = placement(
        "{name: a, placementType: MREC, floorPrices: [{country: nordics, price: 2.0}, {price: 1, country: WW}]}", GROUPS
    )
    assert as_map.fields == as_list.fields


@pytest.mark.parametrize(
    ("block", "name", "value"),
    [
        ("placementType: Interstitial, creativeTypes: [video, display, video]", "creativeTypes", ("display", "video")),
        ("placementType: MREC, capping: {value: 12, unit: minute}", "capping", {"value": 12, "unit": "minute"}),
        ("placementType: MREC, capping: {value: 12, unit: day, enabled: false}", "capping", None),
        ("placementType: MREC, pacing: {enabled: false}", "pacing", None),
        ("placementType: MREC, pacing: null", "pacing", None),
        ("placementType: MREC, geo: null", "geo", None),
        ("placementType: MREC, connectivity: null", "connectivity", None),
        ("placementType: Rewarded, ssrConfig: {currency: c, amount: 1.0}", "ssrConfig", {"currency": "c", "amount": 1}),
        ("placementType: Rewarded, ssrConfig: {enabled: false}", "ssrConfig", None),
        ("placementType: Banner, bannerRefresh: 010", "bannerRefresh", 10),
    ],
)
def test_values_are_canonical(placement, block, name, value):
    fields = placement(f"{{name: a, {block}}}").fields
    assert fields[name] == value
    assert type(fields[name]) is type(value)


def test_geo_takes_groups_and_sorts(placement):
    block = "{name: a, placementType: MREC, targetingEnabled: true, geo: {include: false, countries: [tier1, BT, US]}}"
    assert placement(block, GROUPS).fields["geo"] == {"include": False, "countries": ("BT", "CA", "US")}


def test_the_more_specific_default_wins_field_by_field(placement):
    settings = (
        "defaults:\n  placements: {coppa: false, status: active, floorPrices: {WW: 1}}\n"
        "  byType: {Banner: {status: inactive, bannerRefresh: 45}}\n"
    )
    fields = placement("{name: a, placementType: Banner, floorPrices: {US: 2}}", settings).fields
    assert fields["coppa"] is False
    assert fields["status"] == "inactive"
    assert fields["bannerRefresh"] == 45
    assert fields["floorPrices"] == {"US": Decimal(2), "WW": Decimal("0.01")}


def test_a_default_for_all_reaches_only_the_types_that_have_the_field(placement):
    settings = "defaults: {placements: {bannerRefresh: 45}}\n"
    assert "bannerRefresh" not in placement("{name: a, placementType: MREC}", settings).fields
    assert placement("{name: a, placementType: Banner}", settings).fields["bannerRefresh"] == 45


def test_null_turns_a_default_off(placement):
    settings = "defaults: {placements: {capping: {value: 1, unit: day}}}\n"
    assert placement("{name: a, placementType: MREC, capping: null}", settings).fields["capping"] is None


def test_a_waterfall_becomes_a_placement_for_each_tier(app):
    found = app(
        "    waterfalls:\n"
        "      - name: end\n"
        "        placementType: Interstitial\n"
        "        coppa: false\n"
        "        creativeTypes: [video]\n"
        "        lifecycle: {protect: true}\n"
        "        tiers:\n"
        "          - {name: high, floorPrices: {US: 12, WW: 6}, placementId: 7}\n"
        "          - {name: low, floorPrices: {WW: 0.01}, coppa: true, renamedFrom: end_bottom, state: absent}\n"
    )
    high, low = found.placements
    assert (high.address, low.address) == ("android:com.a/end_high", "android:com.a/end_low")
    assert high.fields == {
        "name": "end_high",
        "placementType": "Interstitial",
        "coppa": False,
        "creativeTypes": ("video",),
        "floorPrices": {"US": Decimal(12), "WW": Decimal(6)},
    }
    assert (high.pin, high.source, high.lifecycle) == ("7", Source("apps/a.yaml", 12), Lifecycle(protect=True))
    assert (low.fields["coppa"], low.renamed_from, low.state) == (True, "end_bottom", "absent")


def test_placements_come_by_name_whatever_their_order(app):
    blocks = "{name: c, placementType: MREC}, {name: B, placementType: MREC}, {name: a, placementType: MREC}"
    assert [one.fields["name"] for one in app(f"    placements: [{blocks}]\n").placements] == ["B", "a", "c"]


def test_a_tombstone_needs_its_name_only(placement):
    assert placement("{name: a, state: absent}").state == "absent"


def test_an_app_may_be_a_tombstone_and_be_protected(app):
    found = app(
        "    state: absent\n    prune: delete\n"
        "    lifecycle: {protect: true, distinct: true, ignoreChanges: [status]}\n",
        "prune: deactivate\n",
    )
    assert (found.state, found.prune) == ("absent", "delete")
    assert found.lifecycle == Lifecycle(("status",), protect=True, distinct=True)


def test_prune_is_the_projects_unless_the_app_says_otherwise(app):
    assert app("", "prune: deactivate\n").prune == "deactivate"


def test_a_placement_knows_its_line(app):
    blocks = (
        "      - name: a\n        placementType: MREC\n      # between\n      - placementType: MREC\n        name: b\n"
    )
    first, second = app(f"    placements:\n{blocks}").placements
    assert (first.source.line, second.source.line) == (6, 9)
