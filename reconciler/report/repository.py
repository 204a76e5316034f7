"""Findings as tools that show code want them: with paths of the repository, and known again from run to run."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.model.diagnostic import Finding
from reconciler.model.value import digest


def in_repository(findings: Iterable[Finding], folder: str) -> tuple[Finding, ...]:
    """The findings with paths from the repository's root; `folder` is the project's in it. Errors first."""
    placed = (replace(each, file=f"{folder}/{each.file}") if folder else each for each in findings)
    return tuple(sorted(placed, key=lambda each: each.severity))


def fingerprinted(findings: Iterable[Finding]) -> Iterator[tuple[Finding, str]]:
    """Each finding with what tells it from all others and stays the same when lines move: 64 hex digits."""
    seen: Counter[str] = Counter()
    for finding in findings:
        same = digest([finding.file, finding.code, finding.address, finding.message])
        seen[same] += 1
        number = seen[same]
        yield finding, (same if number == 1 else digest([same, number])).removeprefix("sha256:")


def sentence(finding: Finding) -> str:
    """What is wrong and what to do about it, without place and code."""
    about = f"{finding.address}: " if finding.address and finding.address not in finding.message else ""
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{about}{finding.message}{hint}"
