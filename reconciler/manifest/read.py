"""The text of one manifest file -> what it declares, with everything that is wrong in it alone."""

from collections.abc import Iterable, Iterator

from reconciler.manifest.characters import cut_off_values
from reconciler.manifest.claims import Claim
from reconciler.manifest.decode import decode
from reconciler.manifest.expand import ExpandedApp, expand_app
from reconciler.manifest.lint import lint_app
from reconciler.manifest.models import ManifestDocument
from reconciler.manifest.node import Map
from reconciler.manifest.parse import Document, parse
from reconciler.manifest.reading import Reading
from reconciler.manifest.report import Report, Reporter
from reconciler.manifest.scalar import PlainScalars
from reconciler.manifest.settings import Settings
from reconciler.manifest.text import ManifestText


def read_manifest(text: ManifestText, settings: Settings, scalars: PlainScalars) -> Reading:
    """What stands in a file. `scalars` may be shared between files to save work. Nothing is raised for any bytes."""
    report = Report()
    reporter = Reporter(report, text.file)
    parsed = parse(text, scalars)
    report.add((*parsed.findings, *parsed.warnings))
    if parsed.documents:
        report.add(cut_off_values(text))
    apps = []
    claims: list[Claim] = []
    for expanded in _apps((*parsed.documents, *parsed.broken_off), settings, reporter):
        lint_app(expanded, settings, reporter)
        if expanded.is_identified:
            apps.append(expanded.desired)
            claims += _claims(expanded)
    return Reading(tuple(apps), tuple(claims), report.in_order_of_discovery())


def _apps(documents: Iterable[Document], settings: Settings, reporter: Reporter) -> Iterator[ExpandedApp]:
    for document in documents:
        decoded = decode(ManifestDocument, document, reporter)
        if decoded is not None:
            block, raw = decoded
            for app, node in zip(block.apps, raw["apps"], strict=True):
                yield expand_app(app, node, settings, reporter)


def _claims(app: ExpandedApp) -> Iterator[Claim]:
    desired = app.desired
    yield _claim("app", desired.address, app.raw, "bundle")
    if desired.pin is not None:
        yield _claim("appId", desired.address, app.raw, "appId", desired.pin)
    for placement in app.placements:
        one, raw = placement.desired, placement.raw
        if "name" in raw.broken:
            continue
        yield _claim("placement", one.address, raw, "name")
        if one.pin is not None:
            yield _claim("placementId", one.address, raw, "placementId", one.pin)
        if one.renamed_from is not None:
            yield _claim("renamedFrom", one.address, raw, "renamedFrom", f"{desired.address}/{one.renamed_from}")


def _claim(what: str, address: str, raw: Map, key: str, said: str = "") -> Claim:
    return Claim(what, address, *raw.value_place(key), said)
