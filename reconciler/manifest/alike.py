"""Declared apps, and names, that look the same: a warning, as one of the two may be a slip of the keyboard."""

from collections.abc import Iterable

from reconciler.manifest.claims import Claim
from reconciler.manifest.report import Report, Reporter
from reconciler.model.desired import DesiredApp, Source
from reconciler.model.likeness import folded_app
from reconciler.yaml.text import Place


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
