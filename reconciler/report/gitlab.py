"""What GitLab's merge requests show: the numbers of a plan, and findings beside the code."""

from collections.abc import Sequence
from typing import Any, Final

from reconciler.model.diagnostic import Finding, Severity
from reconciler.plan.plan import Plan, summary
from reconciler.report.repository import fingerprinted, in_repository, sentence
from reconciler.report.sanitise import clipped

MESSAGE: Final = 1_000
SEVERITIES: Final[dict[Severity, str]] = {"error": "critical", "warning": "minor"}


def plan_widget(plan: Plan) -> dict[str, int]:
    """The report of kind `terraform`: three numbers. A deactivation is an update of a status."""
    counts = summary(plan)
    return {"create": counts.create, "update": counts.update + counts.deactivate, "delete": counts.delete}


def code_quality(findings: Sequence[Finding], folder: str = "") -> list[dict[str, Any]]:
    """The report of kind `codequality`; `folder` is the project's in the repository."""
    return [
        {
            "description": clipped(sentence(finding), MESSAGE),
            "check_name": finding.code,
            "fingerprint": fingerprint,
            "severity": SEVERITIES[finding.severity],
            "location": {"path": finding.file, "lines": {"begin": finding.line}},
        }
        for finding, fingerprint in fingerprinted(in_repository(findings, folder))
    ]
