"""The files of a project -> `DesiredState`, or all findings on them.

`load_desired` reads every file (`read_manifest`) and puts the results together (`assemble`). `digest_of` is the digest
that plans carry.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reconciler.manifest.assemble import Loaded, assemble, sorted_by_file
from reconciler.manifest.block import EVERY_KEY
from reconciler.manifest.decode import decode
from reconciler.manifest.expand import ExpandedApp, expand_app
from reconciler.manifest.lint import lint_app
from reconciler.manifest.models import ManifestDocument
from reconciler.manifest.parsed_manifest import FindingCollector, IdentityClaim, ParsedManifest, Reporter
from reconciler.manifest.settings import Settings, load_settings
from reconciler.model.diagnostic import Finding
from reconciler.model.state import Safety
from reconciler.yaml.node import Map, YamlDocument
from reconciler.yaml.parse import Parsed, parse
from reconciler.yaml.scalar import ManifestText, PlainScalars, place_of_offset, quoted

__all__ = ["Loaded", "ManifestText", "Settings", "findings_without_settings", "load_desired", "load_settings"]


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
"""An unquoted text with ` #` in it and no blank after the `#`, as in `name: Level #1`: YAML ends the value there."""


def load_desired(settings: Settings, settings_text: ManifestText, manifests: Sequence[ManifestText]) -> Loaded:
    """What the manifests declare. The order in which they are given makes no difference.

    Findings are of the manifests only; those of the settings came from `load_settings`. Nothing is raised for any text.
    """
    texts = sorted_by_file(manifests)
    scalars = PlainScalars()
    parsed = (read_manifest(text, settings, scalars) for text in texts)
    return assemble(settings.project_settings, settings_text, texts, parsed)


def load_one(settings: Settings, settings_text: ManifestText, text: ManifestText, parsed: Parsed) -> Loaded:
    """The desired state of one parsed manifest alone."""
    return assemble(settings.project_settings, settings_text, [text], [decode_manifest(text, parsed, settings)])


def findings_without_settings(settings_text: ManifestText, manifests: Sequence[ManifestText]) -> tuple[Finding, ...]:
    """Findings on manifests whose settings cannot be read: those that no settings could settle."""
    settings = Settings("unknown", (), {}, {}, "report", Safety(), sound=False)
    loaded = load_desired(settings, settings_text, manifests)
    return tuple(finding for finding in loaded.findings if finding.code not in _RESTS_ON_SETTINGS)


def read_manifest(text: ManifestText, settings: Settings, scalars: PlainScalars) -> ParsedManifest:
    """A file's apps, claims and findings. `scalars` may be shared between files to save work. Raises for no bytes."""
    return decode_manifest(text, parse(text, scalars, open_keys=EVERY_KEY), settings)


def decode_manifest(text: ManifestText, parsed: Parsed, settings: Settings) -> ParsedManifest:
    """A parsed file's apps, claims and findings, before it is compared with other files."""
    collector = FindingCollector()
    reporter = Reporter(collector, text.file)
    collector.add((*parsed.findings, *parsed.warnings))
    if parsed.documents:
        collector.add(_cut_off_values(text))
    apps = []
    claims: list[IdentityClaim] = []
    for expanded in _expanded_apps((*parsed.documents, *parsed.broken_off), settings, reporter):
        lint_app(expanded, settings, reporter)
        if expanded.is_identified:
            apps.append(expanded.desired)
            claims += _identity_claims(expanded)
    return ParsedManifest(tuple(apps), tuple(claims), collector.in_order_of_discovery())


def _expanded_apps(documents: Iterable[YamlDocument], settings: Settings, reporter: Reporter) -> Iterator[ExpandedApp]:
    for document in documents:
        decoded = decode(ManifestDocument, document, reporter)
        if decoded is not None:
            block, raw = decoded
            for app, node in zip(block.apps, raw["apps"], strict=True):
                yield expand_app(app, node, settings, reporter)


def _identity_claims(app: ExpandedApp) -> Iterator[IdentityClaim]:
    desired = app.desired
    yield _identity_claim("app", desired.address, app.raw, "bundle")
    if desired.pin is not None:
        yield _identity_claim("appId", desired.address, app.raw, "appId", desired.pin)
    for placement in app.placements:
        one, raw = placement.desired, placement.raw
        if "name" in raw.broken:
            continue
        yield _identity_claim("placement", one.address, raw, "name")
        if one.pin is not None:
            yield _identity_claim("placementId", one.address, raw, "placementId", one.pin)
        if one.renamed_from is not None:
            yield _identity_claim(
                "renamedFrom", one.address, raw, "renamedFrom", f"{desired.address}/{one.renamed_from}"
            )


def _identity_claim(what: str, address: str, raw: Map, key: str, value: str = "") -> IdentityClaim:
    return IdentityClaim(what, address, *raw.value_place(key), value)


def _cut_off_values(text: ManifestText) -> Iterator[Finding]:
    """Warnings of values that end at a `#` which was probably not meant to begin a comment. The text is UTF-8."""
    if b" #" not in text.data and b"\t#" not in text.data:
        return
    content = text.data.decode("utf-8-sig")
    for match in _CUT_OFF.finditer(content):
        message = f"{quoted(match[2].rstrip())} is a comment here, and the value is {quoted(match[1])}"
        place = place_of_offset(content, match.start(2))
        hint = "put quotes around the value if it belongs to it, else a blank behind #"
        yield Finding(text.file, *place, "comment-in-value", message, "warning", hint=hint)
