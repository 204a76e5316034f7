"""JUnit: what fails a command is a failure, what waits is skipped, all else passes; names are only names."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped
from support.builders import APP, at, origin
from support.hostile import LONG, NAMES, plan_called, refusals_called

from reconciler.diff.audit import Audit, AuditItem
from reconciler.diff.change import Blocked, Deactivate, Delete, FieldChange, HeldChange, Update
from reconciler.model.diagnostic import Finding
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import Plan
from reconciler.render.ci import audit_junit, findings_junit, plan_junit

ERROR = Finding("apps/a.yaml", 7, 3, "unknown-field", "unknown field copa", "error", APP, "did you mean coppa?")
WARNING = replace(ERROR, line=9, severity="warning", code="look-alike", message="looks like b")
GONE = Delete(at("gone"), "4", "its quarantine is over", "sha256:")


def cases(text):
    """Name -> what came of it, as a parser of JUnit reads it; the numbers of the suite are those of its cases."""
    read = JUnitXml.fromstring(text.encode())
    (suite,) = read
    told = {case.name: next((type(each) for each in case.result), None) for case in suite}
    kinds = list(told.values())
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (
        len(list(suite)), kinds.count(Failure), kinds.count(Error), kinds.count(Skipped),
    )  # fmt: skip
    assert all(case.time == 0 and case.classname for case in suite)
    root = ET.fromstring(text)
    assert (root.get("tests"), root.get("failures")) == (str(suite.tests), str(suite.failures))
    return told


def test_errors_are_failures_and_warnings_pass_unless_they_fail_the_command():
    first, second = "apps/a.yaml:7:3 [unknown-field]", "apps/a.yaml:9:3 [look-alike]"
    assert cases(findings_junit([WARNING, ERROR])) == {first: Failure, second: None}
    assert cases(findings_junit([WARNING, ERROR], strict=True)) == {first: Failure, second: Failure}
    assert "games/apps/a.yaml:7:3" in findings_junit([ERROR], "games")
    assert "did you mean coppa?" in findings_junit([ERROR])


def test_nothing_found_is_a_test_that_passes():
    assert cases(findings_junit([])) == {"are valid": None}
    assert cases(plan_junit(Plan(origin()))) == {"has no changes": None}
    assert cases(audit_junit(Audit("2026-11-21T19:00:00Z", "3432", "https://x"))) == {"holds nothing": None}


def test_a_plan_fails_where_it_is_refused_or_blocked_and_skips_what_is_held():
    changes = (Blocked(at("b"), "fixed: do this", "2"), Deactivate(at("d"), "3", "no manifest names it", "sha256:"))
    held = (HeldChange(GONE, "maxDeletes", "it waits for leave", "--max-deletes 1"),)
    refusals = [Refusal("maxFloor", "too dear", "safety.maxFloor"), Refusal("soft", "mind", "x", binding=False)]
    text = plan_junit(Plan(origin(), changes, held=held), refusals)
    assert cases(text) == {
        "maxFloor": Failure, "soft": None, f"blocked {at('b')}": Failure, f"deactivate {at('d')}": None,
        f"delete {at('gone')}": Skipped,
    }  # fmt: skip
    assert "status: active -&gt; inactive" in text
    assert 'timestamp="2026-11-21T19:00:00"' in text


def test_an_audit_has_a_case_for_each_resource_and_fails_for_alarms():
    classes = ("missing", "conflict", "drift", "accepted", "pending", "unmanaged", "inSync")
    items = tuple(AuditItem(at(of), "7", of) for of in classes)
    told = cases(audit_junit(Audit("2026-11-21T19:00:00Z", "3432", "https://x", items)))
    assert {name for name, what in told.items() if what is Failure} == {
        f"{at(of)} (id 7)" for of in ("missing", "conflict", "drift")
    }
    assert len(told) == len(classes)


@pytest.mark.parametrize("name", [*NAMES, LONG, "\x00\x07\ud800\ufffe\uffff", "]]>", '"&<>', "\U000e0001"])
def test_names_from_outside_are_text_and_nothing_else(name):
    plain = cases(plan_junit(plan_called("x"), refusals_called("x")))
    text = plan_junit(plan_called(name), refusals_called(name))
    assert sorted(map(str, cases(text).values())) == sorted(map(str, plain.values()))
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert "##[" not in text
    assert not set(text) & set("\x00\x07\x1b\u202e\ud800\ufffe\uffff")
    assert len(cases(findings_junit([replace(ERROR, file=name, message=name, address=name, hint=name)]))) == 1


def test_what_fails_says_why_before_anything_else():
    changes = (Blocked(at("b"), "fixed: do this", "2"),)
    (suite,) = JUnitXml.fromstring(plan_junit(Plan(origin(), changes)).encode())
    assert [case.result[0].message for case in suite] == ["fixed: do this"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_line_break_in_a_value_ends_no_line(end):
    fields = (FieldChange("name", "a", f"b{end}status: active -> inactive", "pending"),)
    update = Update(at("b"), "2", None, fields, {"name": "b"}, {"name": "b"}, "sha256:")
    (suite,) = JUnitXml.fromstring(plan_junit(Plan(origin(), (update,))).encode())
    assert not [line for case in suite for line in case.system_out.splitlines() if line.startswith("status: ")]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.characters()), st.text(st.characters(categories=["Cs", "Cc", "Cn", "Co"])))
def test_whatever_stands_in_a_message_the_document_is_xml(message, odd):
    assert len(cases(findings_junit([replace(ERROR, message=message + odd, file=odd + "x")]))) == 1
