"""Findings and plans for tools that show code: SARIF, GitHub's annotations, GitLab's reports."""

import ast
import re
from pathlib import Path

import jsonschema
import pytest
from support.builders import APP, at, origin
from support.hostile import LONG, NAMES, plan_called, refusals_called

from reconciler.diff.change import Blocked, Create, Deactivate, Delete, Update
from reconciler.model.address import Address
from reconciler.model.diagnostic import Finding
from reconciler.model.state import Source
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import Plan
from reconciler.render.ci import ANNOTATIONS, RESULTS, annotations, code_quality, plan_widget, sarif
from reconciler.render.finding_rules import MANIFEST_RULES, PLAN_RULES, rule_of
from reconciler.render.plan_overview import plan_findings

ROOT = Path(__file__).parents[3]
ERROR = Finding("apps/a b.yaml", 3, 5, "bad-value", "no", address="ios:1", hint="do this")
WARNING = Finding("apps/ä.yaml", 7, 1, "reward-url", "not https", "warning")
SOURCE = Source("apps/a.yaml", 9)
COMMAND = re.compile(r"::(error|warning) (file=[^,:]+,line=\d+,col=\d+,title=[^,:]+)?::[^\n\r]*")

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
SHAPE = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {"minItems": 1, "items": {
            "type": "object",
            "required": ["tool", "results"],
            "additionalProperties": False,
            "properties": {
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "invocations": {"items": {"type": "object", "required": ["executionSuccessful"]}},
                "tool": {"type": "object", "required": ["driver"], "properties": {"driver": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"rules": {"uniqueItems": True, "items": {
                        "type": "object",
                        "required": ["id", "shortDescription", "fullDescription", "help"],
                        "properties": {
                            "id": {"type": "string"}, "shortDescription": TEXT, "fullDescription": TEXT, "help": TEXT,
                            "defaultConfiguration": {"type": "object", "properties": {"level": LEVEL}},
                        },
                    }}},
                }}},
                "results": {"items": {
                    "type": "object",
                    "required": ["ruleId", "ruleIndex", "message", "locations", "partialFingerprints"],
                    "properties": {"message": TEXT, "level": LEVEL, "locations": {"minItems": 1, "items": {
                        "type": "object",
                        "required": ["physicalLocation"],
                        "properties": {"physicalLocation": {
                            "type": "object",
                            "properties": {
                                "artifactLocation": {
                                    "type": "object",
                                    "properties": {"uri": {"type": "string", "pattern": r"^[\w.~%/-]+$"}},
                                },
                                "region": {"type": "object", "properties": {
                                    "startLine": {"type": "integer", "minimum": 1},
                                    "startColumn": {"type": "integer", "minimum": 1},
                                }},
                            },
                        }},
                    }}},
                }},
            },
        }},
    },
}  # fmt: skip
"""What the standard asks of the parts that are written here, and GitHub of a result."""


def results_of(document):
    jsonschema.validate(document, SHAPE)
    run = document["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [each["ruleId"] for each in run["results"]] == [rules[each["ruleIndex"]] for each in run["results"]]
    return run["results"]


def plan():
    changes = (
        Blocked(at("b"), "fixed: do this", "2", source=SOURCE),
        Create(at("n"), SOURCE, (), {}, {}),
        Deactivate(at("d"), "3", "declared absent", "sha256:", source=Source("apps/a.yaml", 4)),
        Delete(Address(f"{APP}/gone"), "4", "no manifest names it", "sha256:"),
        Update(at("u"), "5", Source("apps/a.yaml", 12), (), {}, {}, "sha256:"),
    )
    return Plan(origin(), changes)


class TestSarif:
    def test_a_finding_is_a_result_with_its_rule_and_its_place_in_the_repository(self):
        (result, other) = results_of(sarif([WARNING, ERROR], "0.1.0", "games/cash"))
        assert result["level"] == "error"
        assert result["message"]["text"] == "ios:1: no (do this)"
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "games/cash/apps/a%20b.yaml", "uriBaseId": "%SRCROOT%"}
        assert place["region"] == {"startLine": 3, "startColumn": 5}
        assert other["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "games/cash/apps/%C3%A4.yaml"

    def test_rules_stand_once_with_help(self):
        document = sarif([ERROR, ERROR, WARNING], "0.1.0")
        rules = document["runs"][0]["tool"]["driver"]["rules"]
        assert [rule["id"] for rule in rules] == ["bad-value", "reward-url"]
        assert all(rule["help"]["text"] for rule in rules)

    def test_a_finding_keeps_its_fingerprint_when_lines_move_and_no_two_share_one(self):
        moved = Finding("apps/a b.yaml", 30, 9, "bad-value", "no", address="ios:1")
        again, twin, other = results_of(sarif([moved, ERROR, WARNING], "0.1.0"))
        (first,) = results_of(sarif([ERROR], "0.1.0"))
        assert again["partialFingerprints"] == first["partialFingerprints"]
        assert len({str(each["partialFingerprints"]) for each in (again, twin, other)}) == 3

    def test_no_findings_are_a_run_without_results(self):
        assert results_of(sarif([], "0.1.0")) == []

    def test_more_than_is_shown_is_counted(self):
        document = sarif([ERROR] * (RESULTS + 7), "0.1.0")
        assert len(results_of(document)) == RESULTS
        assert "7 more results" in str(document["runs"][0]["invocations"])

    @pytest.mark.parametrize("name", [*NAMES, LONG, "\ud800"])
    def test_hostile_names_steer_nothing(self, name):
        found = [Finding(name, 1, 1, "bad-value", name, "error", name, name)]
        for each in results_of(sarif([*found, *plan_findings(plan_called(name), refusals_called(name))], "0.1.0")):
            assert each["message"]["text"].isprintable()
            assert "](" not in each["message"]["text"]
            assert len(each["message"]["text"]) < 1_100


class TestAPlan:
    def test_refusals_and_dangers_are_findings_at_their_blocks(self):
        limits = [
            Refusal("maxDeletes", "one too many", "--max-deletes 1"),
            Refusal("policy p", "no", "the policy p", binding=False, address=at("u")),
        ]
        assert [(each.code, each.severity, each.file, each.line) for each in plan_findings(plan(), limits)] == [
            ("plan-refused", "error", "reconciler.yaml", 1),
            ("plan-warned", "warning", "apps/a.yaml", 12),
            ("plan-delete", "warning", "reconciler.yaml", 1),
            ("plan-deactivate", "warning", "apps/a.yaml", 4),
            ("plan-blocked", "error", "apps/a.yaml", 9),
        ]

    def test_they_name_the_switch_and_the_reason(self):
        told = [each.message + each.hint for each in plan_findings(plan(), [Refusal("x", "no", "--max-deletes 1")])]
        assert "--max-deletes 1" in told[0]
        assert "no manifest names it" in told[1]

    def test_an_ordinary_plan_has_none(self):
        assert plan_findings(Plan(origin(), (Create(at("n"), SOURCE, (), {}, {}),))) == ()

    def test_the_widget_counts_a_deactivation_as_an_update(self):
        assert plan_widget(plan()) == {"create": 1, "update": 2, "delete": 1}


class TestAnnotations:
    def test_one_stands_at_its_line(self):
        assert list(annotations([ERROR], "games/cash")) == [
            (
                "::error file=games/cash/apps/a b.yaml,line=3,col=5,"
                "title=A value that the field does not take [bad-value]::ios:1: no (do this)"
            )
        ]

    def test_errors_come_first(self):
        assert [each[:8] for each in annotations([WARNING, ERROR])] == ["::error ", "::warnin"]

    @pytest.mark.parametrize("number", [ANNOTATIONS, ANNOTATIONS + 1, 50])
    def test_no_more_than_github_keeps_and_the_rest_as_plain_lines(self, number):
        found = [Finding("a.yaml", line, 1, "bad-value", f"::warning::{line}") for line in range(1, number + 1)]
        lines = list(annotations([*found, WARNING]))
        errors = [each for each in lines if each.startswith("::error")]
        assert len(errors) == ANNOTATIONS
        plain = [each for each in lines if not each.startswith("::")]
        told = re.search(r"(\d+) errors more", errors[-1])
        assert (int(told[1]) if told else 0) == len(plain)
        assert len(plain) + len(errors) - bool(told) == number

    @pytest.mark.parametrize("name", [*NAMES, LONG, "\ud800"])
    def test_hostile_names_give_one_command_each(self, name):
        found = [Finding(name, 1, 1, "bad-value", name, "error", name, name)]
        told = plan_findings(plan_called(name), refusals_called(name))
        lines = list(annotations([*found, *told]))
        assert len(lines) == len(found) + len(told)
        assert all(COMMAND.fullmatch(each) for each in lines), lines
        assert all(each.isprintable() for each in lines)
        many = list(annotations(found * 20))
        assert [each for each in many if each.startswith("::") and not COMMAND.fullmatch(each)] == [
            "::error::11 errors more: see the log of this step"
        ]


class TestCodeQuality:
    def test_a_finding_is_an_issue(self):
        (first, second) = code_quality([WARNING, ERROR], "games")
        assert {**first, "fingerprint": ""} == {
            "description": "ios:1: no (do this)", "check_name": "bad-value", "fingerprint": "", "severity": "critical",
            "location": {"path": "games/apps/a b.yaml", "lines": {"begin": 3}},
        }  # fmt: skip
        assert second["severity"] == "minor"
        assert first["fingerprint"] != second["fingerprint"]

    @pytest.mark.parametrize("name", [*NAMES, LONG])
    def test_descriptions_are_a_line_of_text(self, name):
        for each in code_quality([Finding("a", 1, 1, "c", name, "error", name)]):
            assert each["description"].isprintable()
            assert len(each["description"]) < 1_100


class TestRules:
    def codes(self):
        """Every code in the package: words with hyphens that stand where a finding is made, and those of the cases."""
        goldens = (ROOT / "tests" / "cases" / "findings").rglob("findings.txt")
        told = "\n".join(path.read_text(encoding="utf-8") for path in goldens)
        yield from re.findall(r"\[([a-z0-9-]+)\](?: \(.*\))?$", told, re.MULTILINE)
        for path in (ROOT / "reconciler" / "manifest").glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield from self.of_call(node)

    def of_call(self, node):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in {"error", "warning", "Complaint", "Finding"}:
            for given in node.args:
                if isinstance(given, ast.Constant) and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", str(given.value)):
                    yield given.value

    def test_every_code_has_one(self):
        codes = set(self.codes())
        assert len(codes) > 25
        assert codes - MANIFEST_RULES.keys() == set()

    def test_titles_tell_them_apart(self):
        titles = [rule.title for rule in [*MANIFEST_RULES.values(), *PLAN_RULES.values()]]
        assert len(set(titles)) == len(titles)

    def test_a_code_without_one_is_called_by_its_name(self):
        assert rule_of("some-new-code").title == "Some new code"
