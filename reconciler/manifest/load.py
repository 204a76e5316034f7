"""Manifests -> desired state, or everything that is wrong with them."""

import gc
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.manifest.claims import Claims
from reconciler.manifest.decode import decode
from reconciler.manifest.expand import ExpandedApp, expand_app
from reconciler.manifest.lint import lint_app
from reconciler.manifest.models import ManifestDocument
from reconciler.manifest.parse import Document, parse
from reconciler.manifest.report import Report, Reporter
from reconciler.manifest.scalar import PlainScalars
from reconciler.manifest.settings import Settings, load_settings
from reconciler.manifest.text import ManifestText
from reconciler.model.address import address_order
from reconciler.model.desired import DesiredApp, DesiredState
from reconciler.model.diagnostic import Finding

__all__ = ["Loaded", "ManifestText", "Settings", "load_desired", "load_settings"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The desired state, None where any finding is an error, and all findings by place."""

    state: DesiredState | None
    findings: tuple[Finding, ...]


def load_desired(settings: Settings, settings_text: ManifestText, manifests: Sequence[ManifestText]) -> Loaded:
    """What the manifests declare. The order in which they are given makes no difference.

    Findings are of the manifests only; those of the settings came from `load_settings`. Nothing is raised for any text.
    """
    report = Report()
    claims = Claims()
    scalars = PlainScalars()
    apps: list[DesiredApp] = []
    texts = sorted(manifests, key=_by_file)
    with _collector_paused():
        for text in texts:
            reporter = Reporter(report, text.file)
            parsed = parse(text, scalars)
            report.add(parsed.findings)
            for expanded in _apps(parsed.documents, settings, reporter):
                claims.claim(expanded, reporter)
                lint_app(expanded, settings, reporter)
                apps.append(expanded.desired)
    if report.has_errors or not settings.sound:
        return Loaded(None, report.findings())
    state = DesiredState(
        publisher_id=settings.publisher_id,
        apps=tuple(sorted(apps, key=lambda app: address_order(app.address))),
        digest=text_digest(settings_text, texts),
        prune=settings.prune,
        safety=settings.safety,
        policies=settings.policies,
        country_groups=settings.country_groups,
    )
    return Loaded(state, report.findings())


def text_digest(settings_text: ManifestText, manifests: Iterable[ManifestText]) -> str:
    """`sha256:` and the digest of all names and bytes: it moves when any of them does."""
    whole = hashlib.sha256()
    for text in (settings_text, *sorted(manifests, key=_by_file)):
        for part in (text.file.encode(), text.data):
            whole.update(len(part).to_bytes(8, "big"))
            whole.update(part)
    return f"sha256:{whole.hexdigest()}"


def _by_file(text: ManifestText) -> str:
    return text.file


def _apps(documents: Iterable[Document], settings: Settings, reporter: Reporter) -> Iterator[ExpandedApp]:
    for document in documents:
        decoded = decode(ManifestDocument, document, reporter)
        if decoded is not None:
            block, raw = decoded
            for app, node in zip(block.apps, raw["apps"], strict=True):
                yield expand_app(app, node, settings, reporter)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Run without the cyclic garbage collector: loading makes millions of values and no cycles of them.

    Measured at a third to a quarter of the time. It moves when memory is given back and changes no value, so the room
    stays pure; a collector that was off before stays off.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
