"""The policies of the settings: what is no rule is found without a plan."""

import pytest

from reconciler.manifest.load import load_settings
from reconciler.model.state import Policy
from reconciler.yaml.scalar import ManifestText

HEAD = "version: 1\npublisherId: a\npolicies:\n"
each = pytest.mark.parametrize


def read(*policies):
    text = HEAD + "".join(f"  - {policy}\n" for policy in policies)
    return load_settings(ManifestText("reconciler.yaml", text.encode()))


def complaint(rule):
    """The one finding about a rule."""
    settings, findings = read(f"{{name: a, message: b, rule: {rule}}}")
    (finding,) = findings
    assert (settings.sound, finding.severity, finding.code, finding.line) == (False, "error", "bad-policy", 4)
    return finding


def test_a_policy_is_an_error_unless_said_otherwise():
    settings, findings = read(
        "{name: a, rule: \"action != 'delete'\", message: no}", '{name: b, rule: "true", message: n, severity: warning}'
    )
    assert findings == ()
    assert settings.policies == (
        Policy("a", "action != 'delete'", "no", "error"),
        Policy("b", "true", "n", "warning"),
    )


@each("rule", ["'(('", "a b", '"1 +"', "'''x'", "'@'", "'if x'", '"[1].map(x,"'])
def test_a_rule_that_is_not_cel_is_an_error_at_its_place(rule):
    assert complaint(rule).message.startswith("the rule is not CEL: ")


def test_a_misspelled_name_is_found_and_the_right_one_offered():
    finding = complaint("actoin != 'delete'")
    assert finding.message == 'the rule uses "actoin", which is not defined'
    assert finding.hint == "did you mean action?"


def test_a_name_like_no_other_leads_to_the_documentation():
    assert complaint("revenue > 1").hint == "docs/policies.md tells what a rule can speak of"


@each(
    "rule",
    [
        "fields.all(f, f.origin != 'drift')",
        "fields.exists( each , each.path == 'status')",
        "fields.filter(x, x.field == 'a').map(y, y.path).exists_one(z, z == name)",
        "type(id) == string || id == null",
        "has(declared.status) && declared.status == 'active'",
        "app + address + kind == '' || size(groups) == 0 || 'US' in floors",
    ],
)
def test_names_that_a_rule_gives_itself_are_no_strangers(rule):
    assert read(f'{{name: a, message: b, rule: "{rule}"}}')[1] == ()


def test_a_name_that_stands_twice_is_an_error_at_the_second():
    settings, findings = read('{name: a, rule: "true", message: m}', '{name: a, rule: "true", message: m}')
    assert not settings.sound
    assert [(finding.line, finding.message) for finding in findings] == [(5, '"a" is there twice')]


@each(
    "policy",
    [
        "{name: a, rule: 'true'}",
        "{name: a, message: m}",
        "{rule: 'true', message: m}",
        "{name: a, rule: 'true', message: m, severity: fatal}",
        "{name: a, rule: 'true', message: m, when: always}",
        "{name: a, rule: true, message: m}",
    ],
)
def test_a_policy_of_another_shape_is_an_error(policy):
    settings, findings = read(policy)
    assert settings is None or not settings.sound
    assert [finding.severity for finding in findings] == ["error"]
