"""Findings as they come up: each once, and put in order at the end."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.model.diagnostic import Finding, Severity, finding_order
from reconciler.yaml.text import Place


@dataclass(frozen=True, slots=True)
class Report:
    """Collects findings. What an alias repeats is one finding, however many addresses it comes up under."""

    _found: dict[tuple[str, int, int, str, str], Finding] = field(default_factory=dict)

    def add(self, findings: Iterable[Finding]) -> None:
        """Keep findings."""
        for finding in findings:
            key = (finding.file, finding.line, finding.column, finding.code, finding.message)
            self._found.setdefault(key, finding)

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error."""
        return any(finding.severity == "error" for finding in self._found.values())

    def in_order_of_discovery(self) -> tuple[Finding, ...]:
        """All findings, as they came up."""
        return tuple(self._found.values())

    def findings(self) -> tuple[Finding, ...]:
        """All findings, by place and code."""
        return tuple(sorted(self._found.values(), key=finding_order))


@dataclass(frozen=True, slots=True)
class Reporter:
    """Reports what is found in one file about one address."""

    report: Report
    file: str
    address: str = ""

    def about(self, address: str) -> "Reporter":
        """A reporter for another address in the same file."""
        return Reporter(self.report, self.file, address)

    def error(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Report what must be mended."""
        self._add("error", place, code, message, hint)

    def warning(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Report what deserves a look."""
        self._add("warning", place, code, message, hint)

    def _add(self, severity: Severity, place: Place, code: str, message: str, hint: str) -> None:
        self.report.add([Finding(self.file, place.line, place.column, code, message, severity, self.address, hint)])
