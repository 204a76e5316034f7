"""Findings of `validate` as Markdown and as a page."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from reconciler.model.diagnostic import Finding, finding_order
from reconciler.render.html import Tile, count_badges, page
from reconciler.render.line import Tone, counted
from reconciler.render.markdown import (
    LIMIT,
    LimitedDocument,
    Section,
    SectionItem,
    marker,
    name,
    place,
    row,
    sentence,
    table,
)


def findings_markdown(findings: Sequence[Finding], summary: str, key: str = "", limit: int = LIMIT) -> str:
    """The findings for a comment, errors first; `summary` is one line of our own."""
    sheet = LimitedDocument(f"{marker('validate', None, key)}\n### {summary}\n", limit)
    errors_first = sorted(findings, key=lambda each: each.severity)
    items = [_finding_row(number, each) for number, each in enumerate(errors_first)]
    sheet.write([Section(table("", "place", "what", "about"), items)])
    return sheet.text(" `reconciler validate` tells everything.")


def _finding_row(number: int, finding: Finding) -> SectionItem:
    hint = f" ({sentence(finding.hint)})" if finding.hint else ""
    cells = [
        f"**{finding.severity}**",
        place(finding.file, finding.line, finding.column),
        f"{sentence(finding.message)}{hint} {name(f'[{finding.code}]')}",
        name(finding.address),
    ]
    return SectionItem(row(*cells), (finding.severity, str(number)))


SEVERITIES: Final[dict[str, Tone]] = {"error": "remove", "warning": "change"}


def findings_page(findings: Iterable[Finding], title: str = "Findings") -> str:
    """The whole page; an empty one says that nothing was found."""
    ordered = sorted(findings, key=finding_order)
    errors = sum(finding.severity == "error" for finding in ordered)
    warnings = len(ordered) - errors
    files = [(name, list(group)) for name, group in groupby(ordered, key=lambda finding: finding.file)]
    values = {
        "title": title,
        "lead": f"{counted(errors, 'error')} and {counted(warnings, 'warning')} in {counted(len(files), 'file')}.",
        "facts": [],
        "tiles": [
            Tile(errors, "error" if errors == 1 else "errors", "remove"),
            Tile(warnings, "warning" if warnings == 1 else "warnings", "change"),
            Tile(len(files), "file" if len(files) == 1 else "files"),
        ],
        "searched": "files, addresses, findings",
        "files": [
            {"name": name, "findings": group, "counts": count_badges((each.severity for each in group), SEVERITIES)}
            for name, group in files
        ],
        "closing": "waterfall-reconciler",
    }
    return page("findings.html", values)
