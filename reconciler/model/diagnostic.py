"""Findings: what is wrong in a manifest or in settings, where, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `line` and `column` count from 1; `address` is empty where none is known yet."""

    file: str
    line: int
    column: int
    code: str
    message: str
    severity: Severity = "error"
    address: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: "
        named = f"{self.address}: " if self.address else ""
        kind = "warning: " if self.severity == "warning" else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{named}{kind}{self.message} [{self.code}]{hint}"


def finding_order(finding: Finding) -> tuple[str, int, int, str]:
    """Sort key: by place, then by code."""
    return finding.file, finding.line, finding.column, finding.code
