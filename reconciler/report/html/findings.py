"""Findings as a page, by file."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from reconciler.model.diagnostic import Finding, finding_order
from reconciler.report.count import counted
from reconciler.report.html.page import page
from reconciler.report.html.pieces import Tile, tallied
from reconciler.report.line import Tone

SEVERITIES: Final[dict[str, Tone]] = {"error": "remove", "warning": "change"}


def findings_page(findings: Iterable[Finding], title: str = "Findings") -> str:
    """The whole page; an empty one says that nothing was found."""
    found = sorted(findings, key=finding_order)
    errors = sum(finding.severity == "error" for finding in found)
    warnings = len(found) - errors
    files = [(name, list(group)) for name, group in groupby(found, key=lambda finding: finding.file)]
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
            {"name": name, "findings": group, "counts": tallied((each.severity for each in group), SEVERITIES)}
            for name, group in files
        ],
        "closing": "waterfall-reconciler",
    }
    return page("findings.html", values)
