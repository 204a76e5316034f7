"""Policies: the examples of the documentation mean what it says, and a rule that fails lets nothing pass."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.builders import APP, at, canonical, desired_placement, floors

from reconciler.diff.change import Action, Blocked, Change, Create, Deactivate, Delete, FieldChange, Update
from reconciler.manifest.load import load_settings
from reconciler.manifest.settings_models import FACTS
from reconciler.model.state import Policy
from reconciler.plan.gate import facts_of, violations
from reconciler.yaml.scalar import ManifestText

each = pytest.mark.parametrize

PAGE = Path(__file__).parents[3] / "docs" / "policies.md"
GROUPS = {"tier1": ("US", "CA", "GB", "AU")}
SOURCE = desired_placement().source


def documented():
    """The policies of the documentation by name, read as a project's settings are."""
    found = {}
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        text = f'version: 1\npublisherId: "3432"\n{block}'
        settings, findings = load_settings(ManifestText("reconciler.yaml", text.encode()))
        assert findings == (), block
        found.update({policy.name: policy for policy in settings.policies})
    return found


DOCUMENTED = documented()


def create(name="int_1", address=None, **declared):
    fields = canonical({"name": name, "placementType": "Interstitial", **declared})
    changes = tuple(FieldChange(path, None, value, "pending") for path, value in fields.items())
    return Create(address or at(name), SOURCE, changes, fields, fields, app_id="100")


def update(*changes, name="int_1", **declared):
    fields = canonical(declared)
    return Update(at(name), "1", SOURCE, changes, fields, fields, "sha256:x", app_id="100")


def floor(before, after, country="US", origin="pending"):
    """The change of one floor."""
    table = floors(**{country: value}) if (value := after) is not None else floors()
    was = None if before is None else floors(**{country: before})[country]
    now = None if after is None else table[country]
    return replace(update(FieldChange(f"floorPrices.{country}", was, now, origin)), send={"floorPrices": table})


def deactivate(name="int_1"):
    return Deactivate(at(name), "1", "declared absent", "sha256:x", app_id="100")


DELETE = Delete(at("int_1"), "1", "declared absent", "sha256:x", app_id="100")


def broken(change: Change, *policies: Policy, groups=GROUPS):
    return violations([change], policies, groups)


def rule(text, severity="error"):
    return Policy("mine", text, "not here", severity)


KEPT: list[tuple[str, Change]] = [
    ("tier1-floor", create(floorPrices={"WW": 0.01, "US": 1, "CA": 0.1, "GB": 0.1, "AU": 0.1})),
    ("tier1-floor", create(floorPrices={"WW": 0.10})),
    ("tier1-floor", update(FieldChange("coppa", False, True, "pending"), coppa=True)),
    ("tier1-floor", deactivate()),
    ("tier1-floor", create(address=APP)),
    ("no-deletes", deactivate()),
    ("small-raises", floor(1, 1.2)),
    ("small-raises", floor(2, 1)),
    ("small-raises", floor(None, 5)),
    ("small-raises", floor(5, None)),
    ("small-raises", update(FieldChange("coppa", False, True, "pending"))),
    ("names", create("int_level_end")),
    ("names", update(name="Old Name")),
    ("rewarded-by-server", create("reward_1", placementType="Rewarded", ssrConfig={"currency": "coins", "amount": 1})),
    ("rewarded-by-server", create("int_1")),
    ("rewarded-by-server", DELETE),
    ("rewarded-stay", deactivate("int_1")),
    ("console-edits", floor(1, 1.1)),
    ("one-app", create(address="android:com.cash_crash.54/int_13")),
]

BROKEN: list[tuple[str, Change]] = [
    ("tier1-floor", create(floorPrices={"WW": 0.05, "US": 1})),
    ("tier1-floor", create(floorPrices={"WW": 1, "GB": 0.09})),
    ("tier1-floor", create()),
    ("tier1-floor", floor(1, None)),
    ("no-deletes", DELETE),
    ("small-raises", floor(1, 1.21)),
    ("names", create("Level End")),
    ("rewarded-by-server", create("reward_1", placementType="Rewarded")),
    ("rewarded-by-server", create("reward_1", placementType="Rewarded", ssrConfig=None)),
    ("rewarded-stay", deactivate("reward_daily")),
    ("console-edits", floor(1, 1.1, origin="drift")),
    ("console-edits", floor(1, 1.1, origin="conflict")),
    ("one-app", create()),
]


class TestTheDocumentation:
    @each(("name", "change"), KEPT)
    def test_an_example_lets_pass_what_it_should(self, name, change):
        assert broken(change, DOCUMENTED[name]) == ()

    @each(("name", "change"), BROKEN)
    def test_an_example_stops_what_it_should(self, name, change):
        (refusal,) = broken(change, DOCUMENTED[name])
        assert refusal.limit == f"policy {name}"
        assert refusal.message == f"{change.address}: {DOCUMENTED[name].message}"

    def test_every_example_is_tried_both_ways(self):
        assert {name for name, _ in KEPT} == {name for name, _ in BROKEN} == set(DOCUMENTED)

    def test_every_name_a_rule_can_speak_of_is_there_and_told(self):
        told = set(re.findall(r"^\| `(\w+)` \| (?:text|list|map)", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
        assert told == set(facts_of(create(), GROUPS)) == set(FACTS)


class TestFacts:
    def test_a_country_without_a_line_has_the_worldwide_floor(self):
        facts = facts_of(create(floorPrices={"WW": 0.05, "US": 1}), GROUPS)
        assert facts["floors"] == {"AU": 0.05, "CA": 0.05, "GB": 0.05, "US": 1.0, "WW": 0.05}

    def test_prices_are_doubles_and_counts_are_ints(self):
        change = create(floorPrices={"US": 2}, capping={"value": 3, "unit": "hour"})
        assert broken(change, rule("floors['US'] * 1.5 == 3.0 && declared.floorPrices.US == 2.0")) == ()
        assert broken(change, rule("declared.capping.value + 1 == 4")) == ()

    @each(
        ("change", "action", "resource_id"),
        [
            (create(), "create", None),
            (update(), "update", "1"),
            (deactivate(), "deactivate", "1"),
            (DELETE, "delete", "1"),
        ],
    )
    def test_every_kind_of_change_can_be_asked_for_everything(self, change: Change, action: Action, resource_id):
        facts = facts_of(change, GROUPS)
        assert (facts["action"], facts["id"], facts["kind"], facts["app"]) == (action, resource_id, "placement", APP)
        assert broken(change, rule("size(fields) >= 0 && size(floors) >= 0 && size(groups) == 1")) == ()

    def test_an_app_has_an_empty_name_and_no_floors(self):
        facts = facts_of(create(address=APP), GROUPS)
        assert (facts["kind"], facts["name"], facts["floors"]) == ("app", "", {})


class TestFailingRules:
    @each(
        "text",
        [
            "floors['XX'] > 0.1",
            "name > 1",
            "1 / 0 == 1",
            "9223372036854775807 + 1 > 0",
            "name.matches('(')",
            "int(name) == 1",
            "nofunction(name)",
            "fields[99].path == ''",
            "declared.status == 'active'",
            "groups.nobody.all(c, true)",
        ],
    )
    def test_a_rule_that_cannot_be_evaluated_forbids_and_says_why(self, text):
        (refusal,) = broken(create(), rule(text))
        assert refusal.binding
        assert "not here (the rule cannot be evaluated: " in refusal.message
        assert "\n" not in refusal.message

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("1", "a number"),
            ("'true'", "a text"),
            ("floors", "an object"),
            ("null", "null"),
            ("[true]", "a list"),
            ("name", "a text"),
        ],
    )
    def test_a_rule_that_is_neither_true_nor_false_forbids(self, text, kind):
        (refusal,) = broken(create(), rule(text))
        assert f"(the rule gives {kind}, neither true nor false)" in refusal.message

    def test_a_missing_key_is_named(self):
        (refusal,) = broken(create(), rule("groups.tier2.all(c, true)"))
        assert "there is no 'tier2' here" in refusal.message


class TestRefusals:
    def test_an_error_binds_and_names_the_policy_to_change(self):
        (refusal,) = broken(DELETE, rule("action != 'delete'"))
        assert (refusal.binding, refusal.limit) == (True, "policy mine")
        assert refusal.switch == "the policy mine in reconciler.yaml"

    def test_a_warning_is_told_and_does_not_bind(self):
        (refusal,) = broken(DELETE, rule("false", severity="warning"))
        assert not refusal.binding

    def test_a_warning_whose_rule_fails_does_not_bind_either(self):
        (refusal,) = broken(DELETE, rule("1 / 0 == 1", severity="warning"))
        assert not refusal.binding

    def test_every_change_is_held_to_every_policy_in_order(self):
        policies = [Policy("a", "false", "a"), Policy("b", "false", "b")]
        found = violations([create("p"), create("q")], policies, {})
        assert [refusal.message for refusal in found] == [f"{at(name)}: {said}" for name in "pq" for said in "ab"]

    def test_what_is_blocked_is_not_asked_about(self):
        assert broken(Blocked(at("int_1"), "cannot be done"), rule("false")) == ()

    def test_without_policies_nothing_is_refused(self):
        assert broken(DELETE) == ()
