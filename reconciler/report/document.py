"""Results and findings as JSON documents."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from reconciler.model.diagnostic import Finding
from reconciler.model.outcome import Result
from reconciler.model.value import fields_to_json

RESULT_FORMAT: Final = "reconciler.result/1"
FINDINGS_FORMAT: Final = "reconciler.findings/1"
FMT_FORMAT: Final = "reconciler.fmt/1"

OUTCOMES: Final = ("applied", "normalised", "failed", "skipped", "blocked", "unverified", "unknown")


def result_document(results: Sequence[Result], run: str, undo: str | None = None) -> dict[str, Any]:
    """What came of an apply, step by step; `undo` is the path of the plan that would undo it."""
    counts = Counter(each.outcome for each in results)
    return {
        "format": RESULT_FORMAT,
        "run": run,
        "summary": {outcome: counts[outcome] for outcome in OUTCOMES},
        "results": [
            {
                "address": each.address,
                "action": each.action,
                "outcome": each.outcome,
                "id": each.id,
                "attempts": each.attempts,
                "error": each.error,
                **({"wanted": fields_to_json(each.wanted), "kept": fields_to_json(each.kept)} if each.kept else {}),
            }
            for each in results
        ],
        "undo": undo,
    }


def findings_document(findings: Iterable[Finding]) -> dict[str, Any]:
    """What `validate` found; `address` and `hint` are null where there is none."""
    return {
        "format": FINDINGS_FORMAT,
        "findings": [
            {**asdict(finding), "address": finding.address or None, "hint": finding.hint or None}
            for finding in findings
        ],
    }


def fmt_document(files: Sequence[str], *, written: bool) -> dict[str, Any]:
    """The manifests that `fmt` put in order, or would."""
    return {"format": FMT_FORMAT, "written": written, "files": list(files)}
