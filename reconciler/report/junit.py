"""What CI systems show as tests: findings, plans and audits as JUnit XML.

A failure is what makes the command, or a later apply, fail. Everything else passes, with its words as output, and what
waits is skipped. The elements are those that Jenkins, GitLab, Azure Pipelines, CircleCI and Buildkite read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reconciler.diff.audit import Audit, Item
from reconciler.diff.change import Blocked, Change, Delete, Held, action_of, id_of
from reconciler.model.diagnostic import Finding
from reconciler.plan.guard import Refusal
from reconciler.plan.plan import Plan
from reconciler.report.audit.words import MEANINGS, field_words
from reconciler.report.repository import in_repository, sentence
from reconciler.report.sanitise import clipped, terminal, whole_line
from reconciler.report.text import after_text, before_text

NAME: Final = 500
TEXT: Final = 5_000

_NOTHING_TO_XML: Final = frozenset("\ufffe\uffff")
"""What `terminal` leaves and XML 1.0 does not have; all its other gaps are control characters and surrogates."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test case. `group` is its class: what it is about. `failure` and `skipped` name why; `text` tells it all."""

    group: str
    name: str
    text: str = ""
    failure: str = ""
    skipped: str = ""


def findings_junit(findings: Sequence[Finding], folder: str = "", *, strict: bool = False) -> str:
    """The findings, errors as failures, and warnings where they are `strict`; `folder` is that of the repository."""
    cases = [_finding(each, strict=strict) for each in in_repository(findings, folder)]
    return _document("reconciler validate", cases or [Case("manifests", "are valid")])


def plan_junit(plan: Plan, refusals: Sequence[Refusal] = ()) -> str:
    """The plan: what is refused or blocked fails, what is held is skipped, all other changes pass."""
    cases = [*map(_refusal, refusals), *map(_change, plan.changes), *map(_held, plan.held)]
    return _document("reconciler plan", cases or [Case("plan", "has no changes")], plan.origin.created_at)


def audit_junit(audit: Audit) -> str:
    """The audit, a case for each resource: alarms are failures."""
    cases = [_item(each) for each in audit.items]
    return _document("reconciler drift", cases or [Case("account", "holds nothing")], audit.at)


def _finding(finding: Finding, *, strict: bool) -> Case:
    place = f"{finding.file}:{finding.line}:{finding.column}"
    fails = strict or finding.severity == "error"
    told = sentence(finding)
    failure = finding.code if fails else ""
    return Case(finding.file, f"{place} [{finding.code}]", f"{place}: {finding.severity}: {told}", failure)


def _refusal(refusal: Refusal) -> Case:
    told = f"{refusal.message}; what would allow it: {refusal.switch}"
    return Case("limits and policies", refusal.limit, told, "refused" if refusal.binding else "")


def _change(change: Change) -> Case:
    fields = () if isinstance(change, Delete) else change.fields
    told = [f"{field.path}: {before_text(field)} -> {after_text(field)}" for field in fields]
    known = [] if id_of(change) is None else [f"id {id_of(change)}"]
    place = [] if change.source is None else [f"{change.source.file}:{change.source.line}"]
    text = _text([*([change.reason] if change.reason else []), *known, *place, *told])
    blocked = "blocked" if isinstance(change, Blocked) else ""
    return Case(change.address, f"{action_of(change)} {change.address}", text, blocked)


def _held(held: Held) -> Case:
    told = f"{held.reason}; what would allow it: {held.switch}"
    return Case(held.address, f"{action_of(held.change)} {held.address}", told, skipped=held.limit)


def _item(item: Item) -> Case:
    told = [f"{field.change.path}: {field_words(field)}" for field in item.fields]
    text = _text([MEANINGS[item.of], *([item.note] if item.note else []), *told])
    name = item.address if item.id is None else f"{item.address} (id {item.id})"
    return Case(item.address, name, text, item.of if item.alarming else "")


def _text(lines: Iterable[str]) -> str:
    """Lines of which each stays one: a line break in a name or value is shown as an escape."""
    return "\n".join(map(terminal, lines))


def _document(title: str, cases: Sequence[Case], at: str = "") -> str:
    """The file. No time was taken for a case, so each says 0; `at` is when the whole was made, in UTC."""
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(bool(case.failure) for case in cases)),
        "errors": "0",
        "skipped": str(sum(bool(case.skipped) for case in cases)),
        "time": "0",
    }
    root = Element("testsuites", {"name": title, **{key: counts[key] for key in counts if key != "skipped"}})
    stamp = {"timestamp": _line(at.removesuffix("Z").partition("+")[0])} if at else {}
    suite = SubElement(root, "testsuite", {"name": title, **counts, **stamp})
    for case in cases:
        _write(suite, case)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _write(suite: Element, case: Case) -> None:
    named = {"classname": _line(case.group), "name": _line(case.name), "time": "0"}
    element, text = SubElement(suite, "testcase", named), _lines(case.text)
    first = _line(case.text.partition("\n")[0])
    if case.failure:
        SubElement(element, "failure", {"type": _line(case.failure), "message": first}).text = text
    elif case.skipped:
        SubElement(element, "skipped", {"message": first})
    elif text:
        SubElement(element, "system-out").text = text


def _line(text: str) -> str:
    """Text for an attribute: one line, and nothing that XML cannot hold or that hides."""
    return _sound(terminal(clipped(text, NAME)))


def _lines(text: str) -> str:
    return "\n".join(_sound(whole_line(terminal(line))) for line in _clipped_lines(text.split("\n")))


def _clipped_lines(lines: Iterable[str]) -> Iterable[str]:
    left = TEXT
    for line in lines:
        if left <= 0:
            yield "..."
            return
        yield clipped(line, NAME)
        left -= min(len(line), NAME)


def _sound(text: str) -> str:
    return "".join("?" if character in _NOTHING_TO_XML else character for character in text)
