"""What commands print as JSON is what its published schema says, key by key."""

import json
from copy import deepcopy
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
from architecture.command import reconciler
from support.pages import FINDINGS, PLAN, replayed, suggestions
from support.schemas import of_documents, of_files, strict

from reconciler.diff.audit import Audit, AuditedField, AuditItem
from reconciler.diff.change import FieldChange
from reconciler.manifest.schema import schema_text
from reconciler.model.address import Address
from reconciler.model.evidence import UnmatchedReports
from reconciler.model.journal import Outcome, Result
from reconciler.plan.document import plan_to_json
from reconciler.render.account import audit_document
from reconciler.render.floors_document import backtest_document, suggestions_document
from reconciler.render.result import findings_document, result_document

ROOT = Path(__file__).parents[2]
PLANS = sorted((ROOT / "tests" / "cases" / "plan").glob("*/plan.json"))
FILES = sorted(of_documents())
A = Address("android:com.a/int")
RESULTS = [
    Result(A, "create", outcome, "1" if number else None, number) for number, outcome in enumerate(get_args(Outcome))
]
each_file = pytest.mark.parametrize("file", FILES)


@each_file
def test_committed_schemas_are_current(file):
    assert (ROOT / "schemas" / file).read_text(encoding="utf-8") == schema_text(of_documents()[file])


@each_file
def test_schemas_are_valid_and_every_key_is_described(file):
    schema = of_documents()[file]
    jsonschema.Draft7Validator.check_schema(schema)
    for block in (schema, *schema["definitions"].values()):
        assert block["description"]
        assert [name for name, part in block["properties"].items() if not part.get("description")] == []


def test_documents_and_files_of_the_project_have_schemas_of_their_own():
    assert set(FILES) & set(of_files()) == set()
    assert {path.name for path in (ROOT / "schemas").iterdir()} >= {*FILES, *of_files()}


def test_the_command_gives_all_of_them():
    assert json.loads(reconciler("schema").stdout) == {**of_files(), **of_documents()}


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.parent.name)
def test_every_plan_of_the_cases_is_as_its_schema_says(path):
    strict("plan").validate(json.loads(path.read_text(encoding="utf-8")))


def test_a_plan_with_every_kind_of_change_is_as_its_schema_says():
    strict("plan").validate(json.loads(json.dumps(plan_to_json(PLAN))))


def test_results_and_findings_are_as_their_schemas_say():
    strict("result").validate(result_document(RESULTS, "run-1"))
    strict("result").validate(result_document([], "run-1", "undo.json"))
    strict("findings").validate(findings_document(FINDINGS))


def test_suggestions_and_backtests_are_as_their_schemas_say():
    strict("floors").validate(suggestions_document(suggestions()))
    strict("backtest").validate(backtest_document(replayed()))


def test_a_document_of_another_shape_is_refused():
    good = suggestions_document(suggestions())
    for key in good:
        assert not strict("floors").is_valid({name: value for name, value in good.items() if name != key})
    wrong = deepcopy(good)
    wrong["suggestions"][0]["verdict"] = "double"
    assert not strict("floors").is_valid(wrong)
    assert not strict("floors").is_valid({**good, "unmatched": {**good["unmatched"], "rows": -1}})
    assert UnmatchedReports().rows == 0


def test_findings_and_fields_of_audits_keep_the_order_that_readers_of_text_know():
    (first, *_) = findings_document(FINDINGS)["findings"]
    assert list(first) == ["file", "line", "column", "code", "message", "severity", "address", "hint"]
    field = AuditedField(FieldChange("x", 1, 2, "drift", "why"), "drift")
    (item,) = audit_document(Audit("2026-11-21T19:00:00Z", "1", "api", (AuditItem(A, "1", "drift", (field,)),)))[
        "items"
    ]
    assert list(item) == ["address", "kind", "id", "class", "fields", "source", "note", "openSince"]
    shown = ["path", "before", "after", "origin", "evidence", "class", "applied", "reason", "until"]
    assert list(item["fields"][0]) == shown
