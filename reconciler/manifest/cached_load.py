"""Loading with a memory: what was read before, of the same bytes by the same program, is not read again.

Reading a file takes a YAML parser, models and a hundred thousand checks; recalling it takes none of them, not even
their import. What is remembered of one file is what `read_manifest` makes of it. What files say to each other is
looked at every time.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from reconciler import __version__
from reconciler.manifest.load import Loaded, assemble, by_file
from reconciler.manifest.parsed_manifest import (
    FORMAT,
    DecimalCache,
    ParsedManifest,
    parsed_manifest_from_bytes,
    parsed_manifest_to_bytes,
)
from reconciler.manifest.settings import ProjectSettings, project_settings_from_bytes, project_settings_to_bytes
from reconciler.model.diagnostic import Finding
from reconciler.yaml.scalar import ManifestText

if TYPE_CHECKING:
    from reconciler.manifest.settings import Settings

ReadSettings: TypeAlias = "Callable[[ManifestText], tuple[Settings | None, tuple[Finding, ...]]]"
"""`load_settings`, or what remembers its answer for the rest of a run."""


class ManifestCache(Protocol):
    """Lines of text by the key of what they were made from. It may forget, but never gives what was not put."""

    def get(self, key: bytes) -> bytes | None:
        """What was put under the key, unless it is forgotten."""
        ...

    def put(self, key: bytes, data: bytes) -> None:
        """Keep it, if possible."""
        ...


class NullCache:
    """A memory that keeps nothing."""

    def get(self, key: bytes) -> bytes | None:
        """Nothing."""
        del key
        return None

    def put(self, key: bytes, data: bytes) -> None:
        """Forget it."""

    def save(self) -> None:
        """Nothing to keep."""


def _load_settings(text: ManifestText) -> "tuple[Settings | None, tuple[Finding, ...]]":
    from reconciler.manifest.settings import load_settings  # noqa: PLC0415 - what is recalled needs no YAML, no models

    return load_settings(text)


def load_settings_cached(
    text: ManifestText, memory: ManifestCache, read_settings: ReadSettings = _load_settings
) -> tuple[ProjectSettings | None, tuple[Finding, ...]]:
    """The outline of what `load_settings` makes of the text, and the same findings."""
    key = _key_of(text)(None)
    known = memory.get(key)
    outlined = project_settings_from_bytes(known) if known is not None else None
    if outlined is not None:
        return outlined
    settings, findings = read_settings(text)
    if settings is None:
        return None, findings
    data = project_settings_to_bytes(settings.outline, findings)
    if data is not None:
        memory.put(key, data)
    return settings.outline, findings


def load_desired_cached(
    outline: ProjectSettings,
    settings_text: ManifestText,
    manifests: Sequence[ManifestText],
    memory: ManifestCache,
    read_settings: ReadSettings = _load_settings,
) -> Loaded:
    """What `load_desired` makes of the manifests. `outline` is of the settings in `settings_text`."""
    texts = by_file(manifests)
    return assemble(outline, settings_text, texts, _readings(settings_text, texts, memory, read_settings))


def _readings(
    settings_text: ManifestText, texts: Sequence[ManifestText], memory: ManifestCache, read_settings: ReadSettings
) -> Iterator[ParsedManifest]:
    key_of = _key_of(settings_text)
    prices = DecimalCache()
    read: Callable[[ManifestText], ParsedManifest] | None = None
    for text in texts:
        key = key_of(text)
        known = memory.get(key)
        reading = parsed_manifest_from_bytes(known, text.file, prices) if known is not None else None
        if reading is None:
            read = read or _reader(settings_text, read_settings)
            reading = read(text)
            data = parsed_manifest_to_bytes(reading)
            if data is not None:
                memory.put(key, data)
        yield reading


def _reader(settings_text: ManifestText, read_settings: ReadSettings) -> Callable[[ManifestText], ParsedManifest]:
    from reconciler.manifest.load import read_manifest  # noqa: PLC0415 - as above
    from reconciler.yaml.scalar import PlainScalars  # noqa: PLC0415

    settings, _ = read_settings(settings_text)
    if settings is None:
        raise ValueError("settings with an outline can be read")
    scalars = PlainScalars()
    return lambda text: read_manifest(text, settings, scalars)


def _key_of(settings_text: ManifestText) -> Callable[[ManifestText | None], bytes]:
    """The key of a manifest, or of the settings themselves: a digest of all that reading it depends on."""
    before = hashlib.sha256()
    for part in (f"{__version__} {FORMAT}".encode(), settings_text.file.encode(), settings_text.data):
        before.update(len(part).to_bytes(8, "big") + part)

    def key(text: ManifestText | None) -> bytes:
        whole = before.copy()
        if text is not None:
            name = text.file.encode()
            whole.update(len(name).to_bytes(8, "big") + name)
            whole.update(text.data)
        return whole.hexdigest().encode()

    return key
