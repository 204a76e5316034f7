"""Findings, plans and audits for CI systems: GitHub annotations, GitLab code quality, SARIF and JUnit.

Paths are relative to the repository. A finding keeps its fingerprint when lines move.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reconciler.diff.audit import Audit, AuditItem
from reconciler.diff.change import Blocked, Change, Delete, HeldChange, action_of, id_of
from reconciler.model.diagnostic import Finding, Severity
from reconciler.model.value import digest
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import Plan, summary
from reconciler.render.drift_text import MEANINGS, field_words
from reconciler.render.finding_rules import rule_of
from reconciler.render.plan_text import after_text, before_text
from reconciler.render.text import clipped, counted, github_data, github_property, terminal, whole_line


def in_repository(findings: Iterable[Finding], folder: str) -> tuple[Finding, ...]:
    """The findings with paths from the repository's root; `folder` is the project's in it. Errors first."""
    placed = (replace(each, file=f"{folder}/{each.file}") if folder else each for each in findings)
    return tuple(sorted(placed, key=lambda each: each.severity))


def with_fingerprints(findings: Iterable[Finding]) -> Iterator[tuple[Finding, str]]:
    """Each finding with its fingerprint: 64 hex digits, unique in the report, the same when lines move."""
    counts: Counter[str] = Counter()
    for finding in findings:
        same = digest([finding.file, finding.code, finding.address, finding.message])
        counts[same] += 1
        number = counts[same]
        yield finding, (same if number == 1 else digest([same, number])).removeprefix("sha256:")


def sentence(finding: Finding) -> str:
    """What is wrong and what to do about it, without place and code."""
    about = f"{finding.address}: " if finding.address and finding.address not in finding.message else ""
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{about}{finding.message}{hint}"


ANNOTATIONS: Final = 10
"""What GitHub keeps of each kind in a step."""

MESSAGE: Final = 1_000
NAME: Final = 500


def annotations(findings: Sequence[Finding], folder: str = "") -> Iterator[str]:
    """Lines for the log of a step: an annotation each, and plain lines for those that GitHub would drop.

    `folder` is the project's in the repository. Where there are more findings of a kind than fit, the last annotation
    counts the rest.
    """
    placed = in_repository(findings, folder)
    kinds: tuple[Severity, ...] = ("error", "warning")
    for kind in kinds:
        of_kind = [each for each in placed if each.severity == kind]
        fit = ANNOTATIONS if len(of_kind) <= ANNOTATIONS else ANNOTATIONS - 1
        yield from map(_annotation, of_kind[:fit])
        if rest := of_kind[fit:]:
            yield f"::{kind}::{counted(len(rest), kind)} more: see the log of this step"
            yield from (whole_line(terminal(str(each))) for each in rest)


def _annotation(finding: Finding) -> str:
    where = f"file={github_property(finding.file)},line={finding.line},col={finding.column}"
    title = github_property(clipped(f"{rule_of(finding.code).title} [{finding.code}]", NAME))
    return f"::{finding.severity} {where},title={title}::{github_data(clipped(sentence(finding), MESSAGE))}"


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
        for finding, fingerprint in with_fingerprints(in_repository(findings, folder))
    ]


SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
RESULTS: Final = 5_000
"""What GitHub shows of a run; it takes 25,000."""


def sarif(findings: Sequence[Finding], tool: str, folder: str = "") -> dict[str, Any]:
    """The findings as a run of `tool`, this program's version; `folder` is the project's in the repository.

    Errors come first; of more results than are shown anywhere the rest is counted in a notification.
    """
    placed = in_repository(findings, folder)
    shown = placed[:RESULTS]
    codes = list(dict.fromkeys(each.code for each in shown))
    numbers = {code: number for number, code in enumerate(codes)}
    driver = {
        "name": "reconciler",
        "version": tool,
        "rules": [_sarif_rule(code) for code in codes],
    }
    results = [
        _sarif_result(finding, numbers[finding.code], fingerprint) for finding, fingerprint in with_fingerprints(shown)
    ]
    run = {
        "tool": {"driver": driver},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": _left_out_notification(len(placed) - len(shown)),
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _sarif_rule(code: str) -> dict[str, Any]:
    rule = rule_of(code)
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in code.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": f"{rule.title}. {rule.help}"},
        "help": {"text": rule.help, "markdown": rule.help},
        "defaultConfiguration": {"level": rule.severity},
    }


def _sarif_result(finding: Finding, number: int, fingerprint: str) -> dict[str, Any]:
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
        "message": {"text": _text_without_links(sentence(finding))},
        "locations": [location],
        "partialFingerprints": {"reconcilerFinding/v1": fingerprint},
    }


def _text_without_links(text: str) -> str:
    """Text in which no viewer finds a link: `[name](target)` would be one."""
    return clipped(text, MESSAGE).replace("](", "] (")


def _left_out_notification(number: int) -> list[dict[str, Any]]:
    text = f"{number} more results are left out: a run shows {RESULTS:,}."
    return [{"level": "warning", "message": {"text": text}}] if number else []


JUNIT_NAME: Final = 500
TEXT: Final = 5_000

_NOTHING_TO_XML: Final = frozenset("\ufffe\uffff")
"""What `terminal` leaves and XML 1.0 does not have; all its other gaps are control characters and surrogates."""


@dataclass(frozen=True, slots=True)
class Case:
    """A JUnit test case. `group` is its class, the subject; `failure` and `skipped` are reasons; `text` is the body."""

    group: str
    name: str
    text: str = ""
    failure: str = ""
    skipped: str = ""


def findings_junit(findings: Sequence[Finding], folder: str = "", *, strict: bool = False) -> str:
    """The findings, errors as failures, and warnings where they are `strict`; `folder` is that of the repository."""
    cases = [_finding_case(each, strict=strict) for each in in_repository(findings, folder)]
    return _junit_document("reconciler validate", cases or [Case("manifests", "are valid")])


def plan_junit(plan: Plan, refusals: Sequence[Refusal] = ()) -> str:
    """The plan: what is refused or blocked fails, what is held is skipped, all other changes pass."""
    cases = [*map(_refusal_case, refusals), *map(_change_case, plan.changes), *map(_held_case, plan.held)]
    return _junit_document("reconciler plan", cases or [Case("plan", "has no changes")], plan.origin.created_at)


def audit_junit(audit: Audit) -> str:
    """The audit, a case for each resource: alarms are failures."""
    cases = [_item_case(each) for each in audit.items]
    return _junit_document("reconciler drift", cases or [Case("account", "holds nothing")], audit.at)


def _finding_case(finding: Finding, *, strict: bool) -> Case:
    place = f"{finding.file}:{finding.line}:{finding.column}"
    fails = strict or finding.severity == "error"
    message = sentence(finding)
    failure = finding.code if fails else ""
    return Case(finding.file, f"{place} [{finding.code}]", f"{place}: {finding.severity}: {message}", failure)


def _refusal_case(refusal: Refusal) -> Case:
    text = f"{refusal.message}; what would allow it: {refusal.switch}"
    return Case("limits and policies", refusal.limit, text, "refused" if refusal.binding else "")


def _change_case(change: Change) -> Case:
    fields = () if isinstance(change, Delete) else change.fields
    field_lines = [f"{field.path}: {before_text(field)} -> {after_text(field)}" for field in fields]
    id_line = [] if id_of(change) is None else [f"id {id_of(change)}"]
    place = [] if change.source is None else [f"{change.source.file}:{change.source.line}"]
    text = _joined_lines([*([change.reason] if change.reason else []), *id_line, *place, *field_lines])
    blocked = "blocked" if isinstance(change, Blocked) else ""
    return Case(change.address, f"{action_of(change)} {change.address}", text, blocked)


def _held_case(held: HeldChange) -> Case:
    text = f"{held.reason}; what would allow it: {held.switch}"
    return Case(held.address, f"{action_of(held.change)} {held.address}", text, skipped=held.limit)


def _item_case(item: AuditItem) -> Case:
    field_lines = [f"{field.change.path}: {field_words(field)}" for field in item.fields]
    text = _joined_lines([MEANINGS[item.of], *([item.note] if item.note else []), *field_lines])
    name = item.address if item.id is None else f"{item.address} (id {item.id})"
    return Case(item.address, name, text, item.of if item.alarming else "")


def _joined_lines(lines: Iterable[str]) -> str:
    """Lines of which each stays one: a line break in a name or value is shown as an escape."""
    return "\n".join(map(terminal, lines))


def _junit_document(title: str, cases: Sequence[Case], at: str = "") -> str:
    """The file. No time was taken for a case, so each says 0; `at` is when the whole was made, in UTC."""
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(bool(case.failure) for case in cases)),
        "errors": "0",
        "skipped": str(sum(bool(case.skipped) for case in cases)),
        "time": "0",
    }
    root = Element("testsuites", {"name": title, **{key: counts[key] for key in counts if key != "skipped"}})
    stamp = {"timestamp": _attribute_text(at.removesuffix("Z").partition("+")[0])} if at else {}
    suite = SubElement(root, "testsuite", {"name": title, **counts, **stamp})
    for case in cases:
        _add_case(suite, case)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _add_case(suite: Element, case: Case) -> None:
    attributes = {"classname": _attribute_text(case.group), "name": _attribute_text(case.name), "time": "0"}
    element, text = SubElement(suite, "testcase", attributes), _element_text(case.text)
    first = _attribute_text(case.text.partition("\n")[0])
    if case.failure:
        SubElement(element, "failure", {"type": _attribute_text(case.failure), "message": first}).text = text
    elif case.skipped:
        SubElement(element, "skipped", {"message": first})
    elif text:
        SubElement(element, "system-out").text = text


def _attribute_text(text: str) -> str:
    """Text for an attribute: one line, and nothing that XML cannot hold or that hides."""
    return _xml_text(terminal(clipped(text, JUNIT_NAME)))


def _element_text(text: str) -> str:
    return "\n".join(_xml_text(whole_line(terminal(line))) for line in _clipped_lines(text.split("\n")))


def _clipped_lines(lines: Iterable[str]) -> Iterable[str]:
    room = TEXT
    for line in lines:
        if room <= 0:
            yield "..."
            return
        yield clipped(line, JUNIT_NAME)
        room -= min(len(line), JUNIT_NAME)


def _xml_text(text: str) -> str:
    return "".join("?" if character in _NOTHING_TO_XML else character for character in text)
