"""Findings as SARIF 2.1.0, in the part of it that GitHub's code scanning reads."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from reconciler.model.diagnostic import Finding
from reconciler.report.repository import fingerprinted, in_repository, sentence
from reconciler.report.rules import rule_of
from reconciler.report.sanitise import clipped

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
RESULTS: Final = 5_000
"""What GitHub shows of a run; it takes 25,000."""

MESSAGE: Final = 1_000


def sarif(findings: Sequence[Finding], tool: str, folder: str = "") -> dict[str, Any]:
    """The findings as a run of `tool`, this program's version; `folder` is the project's in the repository.

    Errors come first; of more results than are shown anywhere the rest is counted in a notification.
    """
    placed = in_repository(findings, folder)
    kept = placed[:RESULTS]
    codes = list(dict.fromkeys(each.code for each in kept))
    numbers = {code: number for number, code in enumerate(codes)}
    driver = {
        "name": "reconciler",
        "version": tool,
        "rules": [_rule(code) for code in codes],
    }
    results = [_result(finding, numbers[finding.code], told) for finding, told in fingerprinted(kept)]
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _cut(len(placed) - len(kept))}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    rule = rule_of(code)
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in code.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": f"{rule.title}. {rule.help}"},
        "help": {"text": rule.help, "markdown": rule.help},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(finding: Finding, number: int, fingerprint: str) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(finding.file, errors="replace"), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": finding.line, "startColumn": finding.column},
        }
    }
    if finding.address:
        location["logicalLocations"] = [{"fullyQualifiedName": clipped(finding.address, MESSAGE), "kind": "resource"}]
    return {
        "ruleId": finding.code,
        "ruleIndex": number,
        "level": finding.severity,
        "message": {"text": _plain(sentence(finding))},
        "locations": [location],
        "partialFingerprints": {"reconcilerFinding/v1": fingerprint},
    }


def _plain(text: str) -> str:
    """Text in which no viewer finds a link: `[name](target)` would be one."""
    return clipped(text, MESSAGE).replace("](", "] (")


def _cut(number: int) -> list[dict[str, Any]]:
    told = f"{number} more results are left out: a run shows {RESULTS:,}."
    return [{"level": "warning", "message": {"text": told}}] if number else []
