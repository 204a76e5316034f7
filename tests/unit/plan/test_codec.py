"""A plan survives its journey through a file, and one that was changed on the way is refused."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from support.builders import (
    API,
    APP,
    APP_ID,
    at,
    desired_app,
    desired_placement,
    entry,
    floors,
    ledger_of,
    live_app,
    live_placement,
    live_state,
    origin,
    plan_for,
)

from reconciler.diff.change import Blocked, Create, Deactivate, Delete, FieldChange, HeldChange, Note, Unmanaged, Update
from reconciler.errors import PlanUnusable
from reconciler.model.state import Source
from reconciler.model.value import digest
from reconciler.plan.document import FORMAT, plan_from_text, plan_text, plan_to_json
from reconciler.plan.plan import Plan

SOURCE = Source("apps/a.yaml", 14)
VALUES = {
    "floorPrices": floors(US=1.2, CA=3),
    "capping": {"value": 12, "unit": "minute"},
    "pacing": None,
    "geo": {"include": False, "countries": ("BT", "SG")},
    "ssrConfig": {"currency": "coins", "amount": Decimal("1.5")},
    "creativeTypes": ("display", "video"),
    "coppa": False,
    "bannerRefresh": 45,
    "name": 'Grüße \u202e "quoted"',
}
NEW_APP = {**VALUES, "platform": "android", "bundle": "com.acme"}
FIELDS = (
    FieldChange("floorPrices.US", Decimal(1), Decimal("1.2"), "pending", "the rest pays 1.60 USD"),
    FieldChange("floorPrices.CA", Decimal(2), None, "drift"),
    FieldChange("geo", None, VALUES["geo"], "conflict"),
    FieldChange("geo.countries", ("BT",), ("BT", "SG"), "unknown"),
    FieldChange("ssrConfig.amount", 1, Decimal("1.5"), "pending"),
    FieldChange("coppa", True, False, "drift"),
)
WHOLE = Plan(
    origin(),
    (
        Create(APP, SOURCE, FIELDS, NEW_APP, NEW_APP, None, protect=True, reason="made again: id 4 is gone"),
        Create(at("a"), SOURCE, FIELDS, VALUES, VALUES, APP_ID),
        Update(at("b"), "7", SOURCE, FIELDS, VALUES, VALUES, "sha256:b", APP_ID, True, at("old"), "why"),
        Update(at("b2"), "7", None, FIELDS, VALUES, VALUES, "sha256:b"),
        Deactivate(at("c"), "8", "declared absent", "sha256:c", APP_ID, SOURCE),
        Deactivate(at("c2"), "8", "no manifest names it", "sha256:c"),
        Delete(at("d"), "9", "declared absent", "sha256:d", APP_ID, SOURCE),
        Blocked(at("e"), "fixed", "10", FIELDS, SOURCE),
        Blocked(at("f"), "twins"),
    ),
    (Unmanaged(at("x"), "99"), Unmanaged(APP, "100")),
    (Note(at("n"), "told"),),
    (entry(desired_placement(), "7", unconfirmed=frozenset({"name"}), protect=True, inactive_since="2026-01-01"),),
    (at("gone"),),
    40,
    45,
    (
        HeldChange(
            Delete(at("g"), "11", "declared absent", "sha256:g", APP_ID, SOURCE), "maxDeletes", "why", "--max-deletes 1"
        ),
        HeldChange(Delete(at("h"), "12", "no manifest names it", "sha256:h"), "quarantineDays", "until", "the time"),
    ),
)


def document(plan=WHOLE):
    return plan_to_json(plan)


def altered(**changes):
    return json.dumps({**document(), **changes})


def signed(**changes):
    """A document whose digest is right, as another program would have made it."""
    body = {key: value for key, value in {**document(), **changes}.items() if key != "digest" and value is not ...}
    return json.dumps({**body, "digest": digest(body)})


def test_a_plan_read_back_is_the_plan():
    assert plan_from_text(plan_text(WHOLE)) == WHOLE


def test_so_is_one_written_by_another_json_writer():
    assert plan_from_text(json.dumps(document(), sort_keys=True)) == WHOLE


def test_a_document_of_before_there_were_held_changes_is_read():
    assert plan_from_text(signed(held=...)) == replace(WHOLE, held=())


def test_what_is_held_says_what_it_waits_for_and_what_would_allow_it():
    first, second = document()["held"]
    shown = ("action", "kind", "address", "id", "reason", "switch")
    assert [first[key] for key in shown] == ["delete", "placement", at("g"), "11", "why", "--max-deletes 1"]
    assert [second[key] for key in shown] == ["delete", "placement", at("h"), "12", "until", "the time"]
    assert document()["summary"]["held"] == 2
    assert document()["summary"]["delete"] == 1


def test_so_is_an_empty_one():
    assert plan_from_text(plan_text(Plan(origin()))) == Plan(origin())


def test_prices_are_decimals_again_and_counts_whole_numbers():
    update = plan_from_text(plan_text(WHOLE)).changes[2]
    assert all(isinstance(price, Decimal) for price in update.send["floorPrices"].values())
    assert type(update.send["capping"]["value"]) is int
    assert type(update.fields[0].before) is Decimal
    assert type(update.fields[4].before) is int


def test_a_document_reads_as_the_contract_says():
    block = desired_placement("int_13", floorPrices={"US": 1.2}, line=14)
    live = live_state(live_app(), live_placement("8", "stranger"), live_app("5", bundle="x", platform="ios"))
    app = desired_app(block, name="Acme")
    plan = plan_for(app, live, ledger_of(entry(app, APP_ID)))
    whole = json.loads(plan_text(plan))
    assert whole["format"] == FORMAT == "reconciler.plan/1"
    assert {key: whole[key] for key in ("tool", "createdAt", "publisherId", "api", "manifestDigest")} == {
        "tool": "0.1.0",
        "createdAt": "2026-11-21T19:00:00Z",
        "publisherId": "3432",
        "api": API,
        "manifestDigest": "sha256:manifests",
    }
    assert whole["summary"] == {
        "create": 1, "update": 0, "deactivate": 0, "delete": 0, "blocked": 0, "held": 0, "unchanged": 1,
        "unmanaged": 2,
    }  # fmt: skip
    assert whole["unmanaged"] == [
        {"kind": "placement", "address": at("stranger"), "id": "8"},
        {"kind": "app", "address": "ios:x", "id": "5"},
    ]
    assert whole["notes"] == []
    (change,) = whole["changes"]
    shown = ("action", "kind", "address", "id", "source", "reason", "observed")
    assert {key: change[key] for key in shown} == {
        "action": "create",
        "kind": "placement",
        "address": at("int_13"),
        "id": None,
        "source": {"file": "apps/acme.yaml", "line": 14},
        "reason": None,
        "observed": None,
    }
    assert {"path": "floorPrices.US", "before": None, "after": 1.2, "origin": "pending"} in change["fields"]


def test_every_action_has_its_name_and_what_it_rests_on():
    shown = [
        (change["action"], change["id"], change["observed"], len(change["fields"])) for change in document()["changes"]
    ]
    assert shown == [
        ("create", None, None, 6),
        ("create", None, None, 6),
        ("update", "7", "sha256:b", 6),
        ("update", "7", "sha256:b", 6),
        ("deactivate", "8", "sha256:c", 1),
        ("deactivate", "8", "sha256:c", 1),
        ("delete", "9", "sha256:d", 0),
        ("blocked", "10", None, 6),
        ("blocked", None, None, 0),
    ]


def test_the_text_ends_with_a_line_end_and_keeps_other_alphabets():
    text = plan_text(WHOLE)
    assert text.endswith("}\n")
    assert "Grüße" in text


@pytest.mark.parametrize(
    "change",
    [
        {"publisherId": "1"},
        {"api": "https://elsewhere.example"},
        {"changes": []},
        {"owned": 1},
        {"digest": None},
        {"digest": "sha256:0"},
        {"extra": 1},
    ],
)
def test_an_edited_document_is_refused(change):
    with pytest.raises(PlanUnusable, match="changed after it was made"):
        plan_from_text(altered(**change))


def test_so_is_a_null_that_was_made_no_number():
    assert plan_text(WHOLE).count(": null") > 0
    with pytest.raises(PlanUnusable, match="changed after it was made"):
        plan_from_text(plan_text(WHOLE).replace(": null", ": NaN", 1))


def test_so_is_an_edited_price():
    assert plan_text(WHOLE).count("1.2,") > 0
    with pytest.raises(PlanUnusable, match="changed after it was made"):
        plan_from_text(plan_text(WHOLE).replace("1.2,", "1.3,"))


@pytest.mark.parametrize("version", ["reconciler.plan/2", "reconciler.plan/0", "reconciler.plan/"])
def test_another_version_is_named(version):
    with pytest.raises(PlanUnusable, match=f"version {version}, this program reads {FORMAT}"):
        plan_from_text(signed(format=version))


@pytest.mark.parametrize("text", ["[]", "3", "null", '"reconciler.plan/1"', "{}", '{"format": "reconciler.result/1"}'])
def test_what_is_no_plan_is_told_apart(text):
    with pytest.raises(PlanUnusable, match="not a plan document"):
        plan_from_text(text)


@pytest.mark.parametrize("text", ["", "{", "plan", plan_text(WHOLE)[:-5]])
def test_what_is_no_json_is_told_apart(text):
    with pytest.raises(PlanUnusable, match="not JSON"):
        plan_from_text(text)


@pytest.mark.parametrize(
    "broken",
    [
        {"changes": ...},
        {"changes": None},
        {"changes": [{}]},
        {"changes": [{**document()["changes"][0], "action": "explode"}]},
        {"changes": [{**document()["changes"][0], "source": None}]},
        {"changes": [{**document()["changes"][2], "send": [1]}]},
        {"notes": [3]},
        {"held": [3]},
        {"held": None},
        {"held": [{**document()["held"][0], "limit": "maxFloor"}]},
        {"held": [{**document()["held"][0], "change": document()["changes"][2]}]},
        {"summary": {}},
        {"remember": [{"address": "x"}]},
        {"tool": ...},
    ],
)
def test_a_document_of_another_shape_is_broken(broken):
    with pytest.raises(PlanUnusable, match="broken"):
        plan_from_text(signed(**broken))


def test_every_refusal_says_what_to_do():
    for text in ("", "{}", altered(owned=1), signed(format="reconciler.plan/9"), signed(tool=...)):
        with pytest.raises(PlanUnusable) as refused:
            plan_from_text(text)
        assert refused.value.hint == "make a new plan with `reconciler plan --out FILE`"
        assert refused.value.exit_code == 1


def test_equal_plans_have_equal_documents():
    assert document() == document(replace(WHOLE))
    assert document()["digest"] != document(replace(WHOLE, owned=46))["digest"]
