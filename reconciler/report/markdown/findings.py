"""What `validate` found, as Markdown."""

from collections.abc import Sequence

from reconciler.model.diagnostic import Finding
from reconciler.report.markdown.marker import marker
from reconciler.report.markdown.pieces import name, place, row, sentence, table
from reconciler.report.markdown.sheet import LIMIT, Item, Section, Sheet


def findings_markdown(findings: Sequence[Finding], summary: str, key: str = "", limit: int = LIMIT) -> str:
    """The findings for a comment, errors first; `summary` is one line of our own."""
    sheet = Sheet(f"{marker('validate', None, key)}\n### {summary}\n", limit)
    errors_first = sorted(findings, key=lambda each: each.severity)
    items = [_finding(number, each) for number, each in enumerate(errors_first)]
    sheet.write([Section(table("", "place", "what", "about"), items)])
    return sheet.text(" `reconciler validate` tells everything.")


def _finding(number: int, finding: Finding) -> Item:
    hint = f" ({sentence(finding.hint)})" if finding.hint else ""
    cells = [
        f"**{finding.severity}**",
        place(finding.file, finding.line, finding.column),
        f"{sentence(finding.message)}{hint} {name(f'[{finding.code}]')}",
        name(finding.address),
    ]
    return Item(row(*cells), (finding.severity, str(number)))
