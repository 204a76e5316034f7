"""Whatever is written in canonical form comes back the same, however the server spells it."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reconciler.apis.management.wire import calls
from reconciler.apis.management.wire.answer import live_list, live_one, written_resource
from reconciler.http.exchange import AnswerError, decode
from reconciler.model.state import LiveResource
from reconciler.model.value import complete

COUNTRIES = st.sampled_from(["US", "GB", "DE", "NO", "JP"])
SETS = st.sets
PRICES = st.integers(1, 100_000).map(lambda cents: Decimal(repr(float(Decimal(cents) / 100))))
NAMES = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=20)
LIMITS = st.none() | st.fixed_dictionaries(
    {"value": st.integers(1, 999), "unit": st.sampled_from(["second", "minute", "hour", "day"])}
)


def sorted_tuple(values):
    return tuple(sorted(values))


PLACEMENTS = st.fixed_dictionaries(
    {"name": NAMES, "placementType": st.just("Rewarded"), "coppa": st.booleans(), "targetingEnabled": st.booleans()},
    optional={
        "status": st.sampled_from(["active", "inactive"]),
        "bannerRefresh": st.integers(0, 600),
        "creativeTypes": SETS(st.sampled_from(["video", "display"]), min_size=1).map(sorted_tuple),
        "connectivity": st.none() | SETS(st.sampled_from(["WIFI", "Cellular"]), min_size=1).map(sorted_tuple),
        "floorPrices": st.dictionaries(COUNTRIES, PRICES).map(complete),
        "geo": st.none()
        | st.fixed_dictionaries({"include": st.booleans(), "countries": SETS(COUNTRIES, min_size=1).map(sorted_tuple)}),
        "capping": LIMITS,
        "pacing": LIMITS,
        "ssrConfig": st.none() | st.fixed_dictionaries({"currency": NAMES, "amount": st.integers(1, 9999)}),
        "skipability": st.sampled_from(["NonSkippable", "Other"]),
    },
)


def vendor_spelled(body, odd):
    """What a server makes of a body that it was sent."""
    row = dict(body)
    for name in ("capping", "pacing", "ssrConfig"):
        if name in row and not row[name]["enabled"]:
            del row[name]
    if not odd:
        return row
    if reward := row.pop("ssrConfig", None):
        currency = {"id": reward["currency"], "currency": reward["currency"]}
        row["rewardedConfig"] = {"currency": currency, "amount": str(reward["amount"]), "rewardingType": "server"}
    if types := row.pop("creativeTypes", None):
        row["createTypes"] = [word.upper() for word in types]
    if "floorPrices" in row:
        row["floorPrices"] = [{"Country": p["country"], "price": str(p["price"])} for p in row["floorPrices"]][::-1]
    row["coppa"] = str(row["coppa"]).lower() if row["coppa"] else ""
    row["PlacementId"] = int(row.pop("placementId"))
    return {"data": [row]}


@given(PLACEMENTS, st.booleans())
def test_an_update_reads_back_as_it_was_written(fields, odd):
    body = json.loads(calls.update(LiveResource("placement", "5", {}, "1"), fields).body)
    live = live_one("placement", vendor_spelled(body, odd), "5")
    assert {name: live.fields[name] for name in fields} == fields


@given(PLACEMENTS)
def test_a_create_sends_all_but_status_and_what_is_off(fields):
    body = json.loads(calls.create("placement", fields, "1").body)
    wanted = {name: value for name, value in fields.items() if value is not None and name != "status"}
    assert written_resource("placement", {"placementId": 5, **body}) == ("5", "1", wanted)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["appId", "apps", "data", "list", "next", "name", "coppa", "x"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_json_value_does_more_than_be_refused(value):
    try:
        found = live_list("app", value)
    except AnswerError:
        return
    assert all(app.id for app in found)


@given(st.binary(max_size=40))
def test_no_bytes_do_more_than_be_refused(body):
    try:
        decode(body)
    except AnswerError:
        return
    json.loads(body.decode("utf-8-sig"))
