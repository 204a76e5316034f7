"""Documents have exactly the keys that programs were promised."""

from decimal import Decimal

from reconciler.model.address import Address
from reconciler.model.diagnostic import Finding
from reconciler.model.journal import Result
from reconciler.render.result import findings_document, result_document

A = Address("android:com.a/int")


def test_a_result_document_counts_every_outcome_and_tells_every_step():
    results = [Result(A, "create", "applied", "243713", 1), Result(A, "update", "unknown", "1", 3, "who knows")]
    document = result_document(results, "run-1")
    assert {key: document[key] for key in ("format", "run", "summary", "results")} == {
        "format": "reconciler.result/1",
        "run": "run-1",
        "summary": {
            "applied": 1, "normalised": 0, "failed": 0, "skipped": 0, "blocked": 0, "unverified": 0, "unknown": 1,
        },
        "results": [
            {"address": A, "action": "create", "outcome": "applied", "id": "243713", "attempts": 1, "error": None},
            {"address": A, "action": "update", "outcome": "unknown", "id": "1", "attempts": 3, "error": "who knows"},
        ],
    }  # fmt: skip


def test_a_normalised_step_tells_what_was_wanted_and_what_is_kept():
    path = "floorPrices.US"
    result = Result(A, "update", "normalised", "1", 1, "kept", {path: Decimal("1.234")}, {path: Decimal("1.23")})
    (told,) = result_document([result], "run-1")["results"]
    assert (told["wanted"], told["kept"]) == ({path: 1.234}, {path: 1.23})


def test_a_findings_document_says_null_for_what_is_not_known():
    finding = Finding("apps/a.yaml", 3, 7, "unknown-field", 'unknown field "x"')
    assert findings_document([finding]) == {
        "format": "reconciler.findings/1",
        "findings": [
            {
                "file": "apps/a.yaml", "line": 3, "column": 7, "address": None, "severity": "error",
                "code": "unknown-field", "message": 'unknown field "x"', "hint": None,
            }
        ],
    }  # fmt: skip
