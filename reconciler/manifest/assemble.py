"""Parsed manifests -> one `DesiredState`, and the digest that plans carry. Loads neither YAML nor pydantic."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.manifest.parsed_manifest import (
    FindingCollector,
    IdentityClaim,
    IdentityRegistry,
    ParsedManifest,
    Reporter,
    lint_look_alike_apps,
)
from reconciler.manifest.project_settings import ProjectSettings
from reconciler.model.address import address_order
from reconciler.model.diagnostic import Finding
from reconciler.model.state import DesiredApp, DesiredState
from reconciler.yaml.scalar import ManifestText

_TOP_LEVEL: Final = re.compile(rb"[^\s#-]|---")


_LIMITS: Final = re.compile(rb"(?:safety|policies|reports)[ \t]*:(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The desired state, None where any finding is an error, and all findings by place."""

    state: DesiredState | None
    findings: tuple[Finding, ...]


def sorted_by_file(manifests: Iterable[ManifestText]) -> list[ManifestText]:
    """The manifests sorted by file name: the order in which they are read."""
    return sorted(manifests, key=_file_name)


def _file_name(text: ManifestText) -> str:
    return text.file


def assemble(
    project: ProjectSettings,
    settings_text: ManifestText,
    texts: Sequence[ManifestText],
    parsed: Iterable[ParsedManifest],
) -> Loaded:
    """What the manifests declare together.

    `texts` are in the order of `sorted_by_file`; `parsed` gives the manifest of each, made when it is asked for.
    """
    collector = FindingCollector()
    registry = IdentityRegistry()
    apps: list[DesiredApp] = []
    claimed: list[tuple[DesiredApp, Iterable[IdentityClaim]]] = []
    for text, manifest in zip(texts, parsed, strict=True):
        collector.add(manifest.findings)
        registry.claim(manifest.claims, Reporter(collector, text.file))
        apps += manifest.apps
        claimed += [(app, manifest.claims) for app in manifest.apps]
    lint_look_alike_apps(claimed, collector)
    if collector.has_errors or not project.sound:
        return Loaded(None, collector.findings())
    state = DesiredState(
        publisher_id=project.publisher_id,
        apps=tuple(sorted(apps, key=lambda app: address_order(app.address))),
        digest=digest_of(settings_text, texts),
        prune=project.prune,
        safety=project.safety,
        policies=project.policies,
        country_groups=project.country_groups,
    )
    return Loaded(state, collector.findings())


def digest_of(settings_text: ManifestText, texts: Sequence[ManifestText]) -> str:
    """`sha256:` and the digest of all file names and bytes. The texts are in the order of `sorted_by_file`.

    Limits, policies and reports of the settings are not in it.
    """
    digest = hashlib.sha256()
    for text in (ManifestText(settings_text.file, _without_limit_blocks(settings_text.data)), *texts):
        for part in (text.file.encode(), text.data):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return f"sha256:{digest.hexdigest()}"


def _without_limit_blocks(settings: bytes) -> bytes:
    """Settings without the blocks that declare nothing of the account.

    Limits and policies are judged anew by each run, and would make no plan another. A block is a key that begins its
    line, with the lines up to the next such key; in settings that are written otherwise nothing is left out.
    """
    kept: list[bytes] = []
    leaving_out = False
    for line in settings.splitlines(keepends=True):
        if _TOP_LEVEL.match(line):
            leaving_out = _LIMITS.match(line) is not None
        if not leaving_out:
            kept.append(line)
    return b"".join(kept)
