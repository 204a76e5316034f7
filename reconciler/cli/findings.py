"""Findings in the format that was asked for."""

from collections.abc import Sequence
from typing import Final

from reconciler import __version__
from reconciler.cli.session import Session
from reconciler.model.diagnostic import Finding

FINDINGS_FORMATS: Final = ("text", "json", "markdown", "sarif", "github", "codequality", "junit", "html")


def print_findings(session: Session, findings: Sequence[Finding], summary: str, *, strict: bool = False) -> None:
    """Findings in one of `FINDINGS_FORMATS`; `summary` is one line of our own. `strict`: warnings fail, too."""
    console = session.console
    match session.options.format:
        case "json":
            from reconciler.report.document import findings_document  # noqa: PLC0415 - each costs the others nothing

            console.document(findings_document(findings))
        case "markdown":
            from reconciler.report.markdown.findings import findings_markdown  # noqa: PLC0415

            console.markup(findings_markdown(findings, summary, session.options.comment_key))
        case "sarif":
            from reconciler.report.sarif import sarif  # noqa: PLC0415

            console.document(sarif(findings, __version__, session.folder()))
        case "codequality":
            from reconciler.report.gitlab import code_quality  # noqa: PLC0415

            console.document(code_quality(findings, session.folder()))
        case "junit":
            from reconciler.report.junit import findings_junit  # noqa: PLC0415

            console.markup(findings_junit(findings, session.folder(), strict=strict))
        case "github":
            from reconciler.report.github import annotations  # noqa: PLC0415

            for line in annotations(findings, session.folder()):
                console.raw(line)
        case "html":
            from reconciler.report.html.findings import findings_page  # noqa: PLC0415 - templates cost 0.1 s

            console.markup(findings_page(findings))
        case _:
            console.findings(findings, to_answer=True)
