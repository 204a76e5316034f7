"""What the files of a project say, each read alone -> desired state, or everything that is wrong with it."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.manifest.findings import Claim, Claims, Report, Reporter, lint_apps
from reconciler.manifest.outline import Outline
from reconciler.manifest.parsed_manifest import Reading
from reconciler.model.address import address_order
from reconciler.model.desired import DesiredApp, DesiredState
from reconciler.model.diagnostic import Finding
from reconciler.yaml.scalar import ManifestText


@dataclass(frozen=True, slots=True)
class Loaded:
    """The desired state, None where any finding is an error, and all findings by place."""

    state: DesiredState | None
    findings: tuple[Finding, ...]


def by_file(manifests: Iterable[ManifestText]) -> list[ManifestText]:
    """The manifests in the order in which they are read, whatever the order in which they were found."""
    return sorted(manifests, key=_file)


def _file(text: ManifestText) -> str:
    return text.file


def assemble(
    outline: Outline, settings_text: ManifestText, texts: Sequence[ManifestText], readings: Iterable[Reading]
) -> Loaded:
    """What the manifests declare together: the texts `by_file`, and the reading of each, made when it is asked for."""
    report = Report()
    claims = Claims()
    apps: list[DesiredApp] = []
    claimed: list[tuple[DesiredApp, Iterable[Claim]]] = []
    for text, reading in zip(texts, readings, strict=True):
        report.add(reading.findings)
        claims.claim(reading.claims, Reporter(report, text.file))
        apps += reading.apps
        claimed += [(app, reading.claims) for app in reading.apps]
    lint_apps(claimed, report)
    if report.has_errors or not outline.sound:
        return Loaded(None, report.findings())
    state = DesiredState(
        publisher_id=outline.publisher_id,
        apps=tuple(sorted(apps, key=lambda app: address_order(app.address))),
        digest=digest_of(settings_text, texts),
        prune=outline.prune,
        safety=outline.safety,
        policies=outline.policies,
        country_groups=outline.country_groups,
    )
    return Loaded(state, report.findings())


def digest_of(settings_text: ManifestText, texts: Sequence[ManifestText]) -> str:
    """`sha256:` and the digest of all names and bytes: it moves when any of them does. The texts are `by_file`.

    Limits, policies and reports of the settings are not in it.
    """
    whole = hashlib.sha256()
    for text in (ManifestText(settings_text.file, _without_limits(settings_text.data)), *texts):
        for part in (text.file.encode(), text.data):
            whole.update(len(part).to_bytes(8, "big"))
            whole.update(part)
    return f"sha256:{whole.hexdigest()}"


def _without_limits(settings: bytes) -> bytes:
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


_TOP_LEVEL: Final = re.compile(rb"[^\s#-]|---")
_LIMITS: Final = re.compile(rb"(?:safety|policies|reports)[ \t]*:(?:\s|$)")
