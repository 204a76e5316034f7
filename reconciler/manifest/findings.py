"""Collecting findings: of one file, of identities that two blocks claim, and of apps that look alike."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from reconciler.model.address import folded_app
from reconciler.model.desired import DesiredApp, Source
from reconciler.model.diagnostic import Finding, Severity, finding_order
from reconciler.yaml.scalar import Place, shown


@dataclass(frozen=True, slots=True)
class FindingCollector:
    """Collects findings. A value that aliases repeat gives one finding, however many addresses it affects."""

    _findings: dict[tuple[str, int, int, str, str], Finding] = field(default_factory=dict)

    def add(self, findings: Iterable[Finding]) -> None:
        """Add findings; one that is there already, at the same place, is skipped."""
        for finding in findings:
            key = (finding.file, finding.line, finding.column, finding.code, finding.message)
            self._findings.setdefault(key, finding)

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error."""
        return any(finding.severity == "error" for finding in self._findings.values())

    def in_order_of_discovery(self) -> tuple[Finding, ...]:
        """All findings, in the order in which they were added."""
        return tuple(self._findings.values())

    def findings(self) -> tuple[Finding, ...]:
        """All findings, by place and code."""
        return tuple(sorted(self._findings.values(), key=finding_order))


@dataclass(frozen=True, slots=True)
class Reporter:
    """Reports what is found in one file about one address."""

    collector: FindingCollector
    file: str
    address: str = ""

    def about(self, address: str) -> "Reporter":
        """A reporter for another address in the same file."""
        return Reporter(self.collector, self.file, address)

    def error(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Report an error."""
        self._add("error", place, code, message, hint)

    def warning(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Report a warning."""
        self._add("warning", place, code, message, hint)

    def _add(self, severity: Severity, place: Place, code: str, message: str, hint: str) -> None:
        self.collector.add([Finding(self.file, place.line, place.column, code, message, severity, self.address, hint)])


_CODES: Final = {
    "app": "duplicate-address",
    "placement": "duplicate-address",
    "appId": "duplicate-pin",
    "placementId": "duplicate-pin",
    "renamedFrom": "duplicate-rename",
}
_HINTS: Final = {
    "duplicate-address": "one block per address: merge the two",
    "duplicate-pin": "an id belongs to one block",
    "duplicate-rename": "one placement cannot become two",
}


class IdentityClaim(NamedTuple):
    """An identity that the block of an address claims (`what`, `value`), and where; an empty value is the address."""

    what: str
    address: str
    line: int
    column: int
    value: str = ""


@dataclass(frozen=True, slots=True)
class IdentityRegistry:
    """The first claim of each identity. The later of two is reported, so files are loaded in order."""

    _first: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    def claim(self, claims: Iterable[IdentityClaim], reporter: Reporter) -> None:
        """Register the claims; report those that an earlier block has made."""
        for what, address, line, column, value in claims:
            here = (reporter.file, line)
            first = self._first.setdefault((what, value or address), here)
            if first is not here:
                code = _CODES[what]
                message = f"{what} {shown(value or address)} is declared at {first[0]}:{first[1]} already"
                reporter.about(address).error(Place(line, column), code, message, _HINTS[code])


def warn_of_look_alike(about: Reporter, place: Place, name: str, other: str, source: Source) -> None:
    """Report that a name or bundle looks like one declared before, with what cannot be seen of them spelled out."""
    message = f"{name!a} looks like {other!a}, declared at {source.file}:{source.line}"
    hint = "drop one of the two, or say `lifecycle: {distinct: true}` here"
    about.warning(place, "look-alike", message, hint)


def lint_look_alike_apps(
    apps: Iterable[tuple[DesiredApp, Iterable[IdentityClaim]]], collector: FindingCollector
) -> None:
    """Report apps, each with the claims of its file, that look like one before them without saying they are others."""
    first: dict[tuple[str, ...], DesiredApp] = {}
    for app, claims in apps:
        if app.state == "absent" or app.lifecycle.distinct:
            continue
        bundle = str(app.fields["bundle"])
        other = first.setdefault(folded_app(str(app.fields["platform"]), bundle), app)
        if other.address != app.address:
            place = next(Place(each.line, each.column) for each in claims if each[:2] == ("app", app.address))
            about = Reporter(collector, app.source.file, app.address)
            warn_of_look_alike(about, place, bundle, str(other.fields["bundle"]), other.source)
