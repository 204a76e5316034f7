"""Settings and manifests loaded through a cache: a file that has not changed since this version read it is not parsed.

The cache holds what `read_manifest` makes of one file (`parsed_manifest`), and the `ProjectSettings`. Its key is a
digest of the program's version, the settings and the file. What files say together, such as an address declared twice,
is checked on every load. With a full cache neither the YAML parser nor the models are imported.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from reconciler import __version__
from reconciler.manifest.assemble import Loaded, assemble, sorted_by_file
from reconciler.manifest.parsed_manifest import (
    FORMAT,
    DecimalCache,
    ParsedManifest,
    parsed_manifest_from_bytes,
    parsed_manifest_to_bytes,
)
from reconciler.manifest.project_settings import ProjectSettings, project_settings_from_bytes, project_settings_to_bytes
from reconciler.model.diagnostic import Finding
from reconciler.model.state import DesiredApp
from reconciler.yaml.scalar import ManifestText

if TYPE_CHECKING:
    from reconciler.manifest.settings import Settings

ReadSettings: TypeAlias = "Callable[[ManifestText], tuple[Settings | None, tuple[Finding, ...]]]"
"""`load_settings`, or a function that keeps its result for the rest of a run."""

AppsSeen: TypeAlias = Callable[[Sequence[DesiredApp]], object]
"""Is called with the apps of each file as soon as it is read, before anything is known of the other files."""


class ManifestCache(Protocol):
    """Bytes by key. An entry may be lost; `get` gives only what was put under the same key."""

    @property
    def keeps(self) -> bool:
        """Whether what is put may be there for a later load; else nobody need make it."""
        ...

    def get(self, key: bytes) -> bytes | None:
        """The bytes that were put under the key; None where there are none."""
        ...

    def put(self, key: bytes, data: bytes) -> None:
        """Keep the bytes under the key, if possible."""
        ...


class NullCache:
    """A cache that keeps nothing."""

    keeps = False

    def get(self, key: bytes) -> bytes | None:
        """None, for any key."""
        del key
        return None

    def put(self, key: bytes, data: bytes) -> None:
        """Drop the bytes."""

    def save(self) -> None:
        """Do nothing: there is nothing to save."""


def _load_settings(text: ManifestText) -> "tuple[Settings | None, tuple[Finding, ...]]":
    from reconciler.manifest.settings import load_settings  # noqa: PLC0415 - with a full cache neither YAML nor models are needed

    return load_settings(text)


def load_settings_cached(
    text: ManifestText, cache: ManifestCache, read_settings: ReadSettings = _load_settings
) -> tuple[ProjectSettings | None, tuple[Finding, ...]]:
    """The `ProjectSettings` and findings that `load_settings` gives for the text."""
    key = _key_function(text)(None)
    cached = cache.get(key)
    project = project_settings_from_bytes(cached) if cached is not None else None
    if project is not None:
        return project
    settings, findings = read_settings(text)
    if settings is None:
        return None, findings
    data = project_settings_to_bytes(settings.project_settings, findings)
    if data is not None:
        cache.put(key, data)
    return settings.project_settings, findings


def load_desired_cached(
    project: ProjectSettings,
    settings_text: ManifestText,
    manifests: Sequence[ManifestText],
    cache: ManifestCache,
    read_settings: ReadSettings = _load_settings,
    seen: AppsSeen | None = None,
) -> Loaded:
    """The result of `load_desired` for the manifests. `project` comes from the settings in `settings_text`.

    `seen` gets the apps of each file without errors as it is read.
    """
    texts = sorted_by_file(manifests)
    parsed = _parsed_manifests(settings_text, texts, cache, read_settings)
    return assemble(project, settings_text, texts, parsed if seen is None else _shown_to(seen, parsed))


def _shown_to(seen: AppsSeen, manifests: Iterator[ParsedManifest]) -> Iterator[ParsedManifest]:
    for manifest in manifests:
        if not manifest.has_errors:
            seen(manifest.apps)
        yield manifest


def _parsed_manifests(
    settings_text: ManifestText, texts: Sequence[ManifestText], cache: ManifestCache, read_settings: ReadSettings
) -> Iterator[ParsedManifest]:
    recall = _Recall(settings_text, cache)
    read: Callable[[ManifestText], ParsedManifest] | None = None
    for text in texts:
        key, manifest = recall(text)
        if manifest is None:
            read = read or _manifest_reader(settings_text, read_settings)
            manifest = read(text)
            data = parsed_manifest_to_bytes(manifest) if cache.keeps else None
            if data is not None:
                cache.put(key, data)
        yield manifest


class _Recall:
    """Gives the key of a manifest, and what an earlier load has read of it; None for what the cache does not know."""

    def __init__(self, settings_text: ManifestText, cache: ManifestCache) -> None:
        self._key_of = _key_function(settings_text)
        self._cache = cache
        self._decimals = DecimalCache()

    def __call__(self, text: ManifestText) -> tuple[bytes, ParsedManifest | None]:
        key = self._key_of(text)
        cached = self._cache.get(key)
        return key, None if cached is None else parsed_manifest_from_bytes(cached, text.file, self._decimals)


def manifest_recall(
    settings_text: ManifestText, cache: ManifestCache
) -> Callable[[ManifestText], ParsedManifest | None]:
    """A function that gives what an earlier load has read of a manifest without errors, and None for any other."""
    recall = _Recall(settings_text, cache)

    def sound(text: ManifestText) -> ParsedManifest | None:
        _, manifest = recall(text)
        return None if manifest is None or manifest.has_errors else manifest

    return sound


def _manifest_reader(
    settings_text: ManifestText, read_settings: ReadSettings
) -> Callable[[ManifestText], ParsedManifest]:
    from reconciler.manifest.load import read_manifest  # noqa: PLC0415 - as above
    from reconciler.yaml.scalar import PlainScalars  # noqa: PLC0415

    settings, _ = read_settings(settings_text)
    if settings is None:
        raise ValueError("settings that were loaded before can be read")
    scalars = PlainScalars()
    return lambda text: read_manifest(text, settings, scalars)


def _key_function(settings_text: ManifestText) -> Callable[[ManifestText | None], bytes]:
    """The function from a manifest (None: the settings) to its key: a digest of all that parsing it depends on."""
    prefix = hashlib.sha256()
    for part in (f"{__version__} {FORMAT}".encode(), settings_text.file.encode(), settings_text.data):
        prefix.update(len(part).to_bytes(8, "big") + part)

    def key(text: ManifestText | None) -> bytes:
        digest = prefix.copy()
        if text is not None:
            name = text.file.encode()
            digest.update(len(name).to_bytes(8, "big") + name)
            digest.update(text.data)
        return digest.hexdigest().encode()

    return key
