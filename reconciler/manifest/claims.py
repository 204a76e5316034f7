"""What only one block of all files may say, an address, a pin, a former name; and what looks like another block's.

Declared apps, and names, that look the same are a warning, as one of the two may be a slip of the keyboard.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from reconciler.manifest.report import Report, Reporter
from reconciler.model.desired import DesiredApp, Source
from reconciler.model.likeness import folded_app
from reconciler.yaml.hints import shown
from reconciler.yaml.text import Place

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


class Claim(NamedTuple):
    """What the block of an address says, and where; nothing said is the address itself."""

    what: str
    address: str
    line: int
    column: int
    said: str = ""


@dataclass(frozen=True, slots=True)
class Claims:
    """Who said it first. The order of files decides which of two is reported, so load them in order."""

    _first: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    def claim(self, claims: Iterable[Claim], reporter: Reporter) -> None:
        """Report what an earlier block has claimed."""
        for what, address, line, column, said in claims:
            here = (reporter.file, line)
            first = self._first.setdefault((what, said or address), here)
            if first is not here:
                code = _CODES[what]
                message = f"{what} {shown(said or address)} is declared at {first[0]}:{first[1]} already"
                reporter.about(address).error(Place(line, column), code, message, _HINTS[code])


def report_look_alike(about: Reporter, place: Place, said: str, other: str, source: Source) -> None:
    """Report that a name or bundle looks like one declared before, with what cannot be seen of them spelled out."""
    message = f"{said!a} looks like {other!a}, declared at {source.file}:{source.line}"
    hint = "drop one of the two, or say `lifecycle: {distinct: true}` here"
    about.warning(place, "look-alike", message, hint)


def lint_apps(apps: Iterable[tuple[DesiredApp, Iterable[Claim]]], report: Report) -> None:
    """Report apps, each with the claims of its file, that look like one before them without saying they are others."""
    first: dict[tuple[str, ...], DesiredApp] = {}
    for app, claims in apps:
        if app.state == "absent" or app.lifecycle.distinct:
            continue
        bundle = str(app.fields["bundle"])
        other = first.setdefault(folded_app(str(app.fields["platform"]), bundle), app)
        if other.address != app.address:
            place = next(Place(each.line, each.column) for each in claims if each[:2] == ("app", app.address))
            about = Reporter(report, app.source.file, app.address)
            report_look_alike(about, place, bundle, str(other.fields["bundle"]), other.source)
