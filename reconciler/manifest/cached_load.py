"""Settings and manifests loaded through a cache: a file that has not changed since this version read it is not parsed.

The cache holds what `read_manifest` makes of one file (`parsed_manifest`), and the `ProjectSettings`. Its key is a
digest of the program's version, the settings and the file. What files say together, such as an address declared twice,
is checked on every load. With a full cache neither the YAML parser nor the models are imported.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cache as cached
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

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

ReadElsewhere: TypeAlias = Callable[[ManifestText], Callable[[], bytes | None]]
"""Has a manifest read by `bytes_reader` in another process, and gives what waits for it; None: read it here."""

StartReading: TypeAlias = Callable[[Sequence[ManifestText]], ReadElsewhere | None]
"""What reads these manifests elsewhere, if that is worth it."""


class ManifestCache(Protocol):
    """Bytes by key. An entry may be lost; `get` gives only what was put under the same key."""

    @property
    def keeps(self) -> bool:
        """Whether what is put may be there for a later load; else nobody need make it."""
        ...

    def __len__(self) -> int:
        """How many entries there are, of whatever is still in use."""
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

    def __len__(self) -> int:
        return 0

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
    data = cache.get(key)
    project = project_settings_from_bytes(data) if data is not None else None
    if project is not None:
        return project
    settings, findings = read_settings(text)
    if settings is None:
        return None, findings
    written = project_settings_to_bytes(settings.project_settings, findings)
    if written is not None:
        cache.put(key, written)
    return settings.project_settings, findings


def load_desired_cached(  # noqa: PLR0913 - what is loaded, what helps, and who is told
    project: ProjectSettings,
    settings_text: ManifestText,
    manifests: Sequence[ManifestText],
    cache: ManifestCache,
    read_settings: ReadSettings = _load_settings,
    *,
    seen: AppsSeen = lambda _: None,
    start: StartReading = lambda _: None,
) -> Loaded:
    """The result of `load_desired` for the manifests. `project` comes from the settings in `settings_text`.

    `seen` gets the apps of each file without errors as it is read. `start` is told what has to be read anew, and gives
    what reads a file elsewhere (see `bytes_reader`), if anything does.
    """
    texts = sorted_by_file(manifests)
    load = _Load(settings_text, cache, read_settings, seen)
    return assemble(project, settings_text, texts, load.parsed(texts, start))


class _Load:
    """Recalls manifests, and reads what cannot be recalled, here or elsewhere."""

    def __init__(
        self, settings_text: ManifestText, cache: ManifestCache, read_settings: ReadSettings, seen: AppsSeen
    ) -> None:
        self._recall = _Recall(settings_text, cache)
        self._cache, self._seen = cache, seen
        self._read = cached(lambda: _manifest_reader(settings_text, read_settings))

    def parsed(self, texts: Sequence[ManifestText], start: StartReading) -> Iterator[ParsedManifest]:
        """The manifest of each text, in their order. All of them are begun before the first is given."""
        known = [self._recalled(text) for text in texts]
        cold = [text for text, (_, manifest) in zip(texts, known, strict=True) if manifest is None]
        elsewhere = start(cold) if cold else None
        answers = iter(()) if elsewhere is None else _asked_ahead(elsewhere, cold)
        read = {
            text.file: self._read_anew(text, key, next(answers, None))
            for text, (key, manifest) in zip(texts, known, strict=True)
            if manifest is None and elsewhere is not None
        }
        for text, (key, manifest) in zip(texts, known, strict=True):
            yield manifest or read.get(text.file) or self._read_anew(text, key, None)

    def _recalled(self, text: ManifestText) -> tuple[bytes, ParsedManifest | None]:
        key, manifest = self._recall(text)
        return key, None if manifest is None else self._shown(manifest)

    def _read_anew(self, text: ManifestText, key: bytes, data: bytes | None) -> ParsedManifest:
        """The manifest of a text, out of the bytes that were made of it elsewhere, if any were."""
        manifest = None if data is None else self._recall.parse(data, text)
        if manifest is None:
            manifest = self._read()(text)
            data = parsed_manifest_to_bytes(manifest) if self._cache.keeps else None
        if data is not None:
            self._cache.put(key, data)
        return self._shown(manifest)

    def _shown(self, manifest: ParsedManifest) -> ParsedManifest:
        if not manifest.has_errors:
            self._seen(manifest.apps)
        return manifest


def _asked_ahead(elsewhere: "ReadElsewhere", texts: Sequence[ManifestText]) -> Iterator[bytes | None]:
    """What is made of each text, in their order, while some of the next are being read."""
    waiting: deque[Callable[[], bytes | None]] = deque()
    for text in texts:
        waiting.append(elsewhere(text))
        if len(waiting) > _AHEAD:
            yield waiting.popleft()()
    yield from (answer() for answer in waiting)


_AHEAD: Final = 12
"""Files that are under way: enough for some processes, and few enough that the first of them are soon there."""


def bytes_reader(
    settings_text: ManifestText, read_settings: ReadSettings = _load_settings
) -> Callable[[bytes, bytes], bytes | None]:
    """A function from a manifest's name and text to what a cache keeps of it; None where that cannot be told."""
    read = cached(lambda: _manifest_reader(settings_text, read_settings))
    return lambda name, data: parsed_manifest_to_bytes(read()(ManifestText(name.decode(), data)))


class _Recall:
    """Gives the key of a manifest, and what an earlier load has read of it; None for what the cache does not know."""

    def __init__(self, settings_text: ManifestText, cache: ManifestCache) -> None:
        self._key_of = _key_function(settings_text)
        self._cache = cache
        self._decimals = DecimalCache()

    def __call__(self, text: ManifestText) -> tuple[bytes, ParsedManifest | None]:
        key = self._key_of(text)
        data = self._cache.get(key)
        return key, None if data is None else self.parse(data, text)

    def parse(self, data: bytes, text: ManifestText) -> ParsedManifest | None:
        """What the bytes of a reading say of the manifest that was read."""
        return parsed_manifest_from_bytes(data, text.file, self._decimals)


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
