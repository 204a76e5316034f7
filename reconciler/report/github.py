"""Findings as GitHub's workflow commands, which become annotations beside the lines of a pull request."""

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.model.diagnostic import Finding, Severity
from reconciler.report.count import counted
from reconciler.report.repository import in_repository, sentence
from reconciler.report.rules import rule_of
from reconciler.report.sanitise import clipped, github_data, github_property, terminal, whole_line

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
        own = [each for each in placed if each.severity == kind]
        fit = ANNOTATIONS if len(own) <= ANNOTATIONS else ANNOTATIONS - 1
        yield from map(_command, own[:fit])
        if rest := own[fit:]:
            yield f"::{kind}::{counted(len(rest), kind)} more: see the log of this step"
            yield from (whole_line(terminal(str(each))) for each in rest)


def _command(finding: Finding) -> str:
    where = f"file={github_property(finding.file)},line={finding.line},col={finding.column}"
    title = github_property(clipped(f"{rule_of(finding.code).title} [{finding.code}]", NAME))
    return f"::{finding.severity} {where},title={title}::{github_data(clipped(sentence(finding), MESSAGE))}"
