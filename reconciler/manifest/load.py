"""What the files of a project say, each read alone -> desired state, or everything that is wrong with it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reconciler.manifest.assemble import Loaded, assemble, by_file
from reconciler.manifest.decode import decode
from reconciler.manifest.expand import ExpandedApp, expand_app
from reconciler.manifest.findings import Claim, Report, Reporter
from reconciler.manifest.lint import lint_app
from reconciler.manifest.models import ManifestDocument
from reconciler.manifest.parsed_manifest import Reading
from reconciler.manifest.settings import Settings, load_settings
from reconciler.manifest.write import EVERY_KEY
from reconciler.model.desired import Safety
from reconciler.model.diagnostic import Finding
from reconciler.yaml.node import Document, Map
from reconciler.yaml.parse import Parsed, parse
from reconciler.yaml.scalar import ManifestText, PlainScalars, place_of_offset, quoted

_RESTS_ON_SETTINGS: Final = frozenset(
    (
        *("unknown-country", "unknown-group", "groups-disagree", "floor-above-maximum", "targeting-incomplete"),
        *("geo-excludes-floor", "inverted-ladder", "missing-field"),
    )
)
"""Codes of findings that country groups, defaults and limits of the settings may give rise to, or may settle."""

_CUT_OFF: Final = re.compile(
    r"^[ \t]*(?:- +)?(?:name|renamedFrom|bundle|category[12]|currency|rewardedAdUrl) *: +"
    r"([^\s'\"\[{&*|>#][^\n]*?)[ \t]+(#[^\s#][^\n]*)$",
    re.MULTILINE,
)
"""A text that is written plain, with a `#` behind a blank in it that no blank follows, as in `name: Level #1`."""

__all__ = ["Loaded", "ManifestText", "Settings", "findings_without_settings", "load_desired", "load_settings"]


def load_desired(settings: Settings, settings_text: ManifestText, manifests: Sequence[ManifestText]) -> Loaded:
    """What the manifests declare. The order in which they are given makes no difference.

    Findings are of the manifests only; those of the settings came from `load_settings`. Nothing is raised for any text.
    """
    texts = by_file(manifests)
    scalars = PlainScalars()
    readings = (read_manifest(text, settings, scalars) for text in texts)
    return assemble(settings.outline, settings_text, texts, readings)


def load_one(settings: Settings, settings_text: ManifestText, text: ManifestText, parsed: Parsed) -> Loaded:
    """What one manifest, which has been parsed, declares by itself."""
    return assemble(settings.outline, settings_text, [text], [reading_of(text, parsed, settings)])


def findings_without_settings(settings_text: ManifestText, manifests: Sequence[ManifestText]) -> tuple[Finding, ...]:
    """What is wrong with manifests, however the settings read, which cannot be read."""
    settings = Settings("unknown", (), {}, {}, "report", Safety(), sound=False)
    loaded = load_desired(settings, settings_text, manifests)
    return tuple(found for found in loaded.findings if found.code not in _RESTS_ON_SETTINGS)


def read_manifest(text: ManifestText, settings: Settings, scalars: PlainScalars) -> Reading:
    """What stands in a file. `scalars` may be shared between files to save work. Nothing is raised for any bytes."""
    return reading_of(text, parse(text, scalars, open_keys=EVERY_KEY), settings)


def reading_of(text: ManifestText, parsed: Parsed, settings: Settings) -> Reading:
    """What stands in a file that has been parsed, with everything that is wrong in it alone."""
    report = Report()
    reporter = Reporter(report, text.file)
    report.add((*parsed.findings, *parsed.warnings))
    if parsed.documents:
        report.add(_cut_off_values(text))
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


def _cut_off_values(text: ManifestText) -> Iterator[Finding]:
    """Warnings of values that end at a `#` which was hardly meant to begin a comment. The text is UTF-8."""
    if b" #" not in text.data and b"\t#" not in text.data:
        return
    content = text.data.decode("utf-8-sig")
    for found in _CUT_OFF.finditer(content):
        message = f"{quoted(found[2].rstrip())} is a comment here, and the value is {quoted(found[1])}"
        place = place_of_offset(content, found.start(2))
        hint = "put quotes around the value if it belongs to it, else a blank behind #"
        yield Finding(text.file, *place, "comment-in-value", message, "warning", hint=hint)
