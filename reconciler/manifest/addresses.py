"""The addresses that manifests declare, for a shell that completes them: fast, and of broken files what can be read.

What an earlier load has read is recalled. Only the rest is parsed, without models: those would take longer to import
than a shell waits.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from reconciler.manifest.cached_load import ManifestCache, load_settings_cached, manifest_recall
from reconciler.manifest.parsed_manifest import ParsedManifest
from reconciler.model.address import Address, app_address, placement_address
from reconciler.yaml.scalar import ManifestText, spelling

COMPLETION_BYTES: Final = 2_000_000
"""Bytes read for one completion: about a third of a second."""


def declared_addresses(
    settings_text: ManifestText,
    find_texts: Callable[[Sequence[str]], Sequence[ManifestText]],
    cache: ManifestCache,
    prefix: str = "",
) -> list[Address]:
    """Addresses of apps and placements that begin with the prefix, sorted; of a broken file, those that can be read.

    Only files that can hold such addresses are read, and of these some 2 MB: a longer prefix finds the rest. Names with
    unprintable characters, which no valid manifest has, are left out. `find_texts` gives the manifests that patterns
    match.
    """
    recall = manifest_recall(settings_text, cache)
    bundle = prefix.partition("/")[0].partition(":")[2].encode()
    bytes_left = COMPLETION_BYTES
    addresses: set[Address] = set()
    for text in find_texts(_patterns(settings_text, cache)):
        if bundle in text.data and bytes_left > 0:
            bytes_left -= len(text.data)
            manifest = recall(text)
            addresses.update(_readable_addresses(text) if manifest is None else _addresses_of(manifest))
    return sorted(address for address in addresses if address.startswith(prefix) and address.isprintable())


def _patterns(settings_text: ManifestText, cache: ManifestCache) -> Sequence[str]:
    """Where manifests are; the usual place where the settings cannot be read."""
    settings, _ = load_settings_cached(settings_text, cache)
    if settings is not None:
        return settings.manifests
    from reconciler.manifest.settings_models import USUAL_MANIFESTS  # noqa: PLC0415 - with models, which are slow

    return USUAL_MANIFESTS


def _addresses_of(manifest: ParsedManifest) -> Iterator[Address]:
    for app in manifest.apps:
        yield app.address
        yield from (placement.address for placement in app.placements or ())


def _readable_addresses(text: ManifestText) -> Iterator[Address]:
    from reconciler.yaml.parse import parse  # noqa: PLC0415 - mostly all is recalled, and YAML takes a third of the time

    for document in parse(text).documents:
        for app in _mappings(document.value, "apps"):
            platform, bundle = app.get("platform"), app.get("bundle")
            if isinstance(platform, str) and isinstance(bundle, str | int) and not isinstance(bundle, bool):
                address = app_address(platform, spelling(bundle))
                yield address
                yield from (placement_address(address, name) for name in _placement_names(app))


def _placement_names(app: dict[str, Any]) -> Iterator[str]:
    yield from _names(app, "placements")
    for waterfall in _mappings(app, "waterfalls"):
        yield from (f"{waterfall.get('name')}_{tier}" for tier in _names(waterfall, "tiers"))


def _names(block: dict[str, Any], key: str) -> Iterator[str]:
    yield from (part["name"] for part in _mappings(block, key) if isinstance(part.get("name"), str))


def _mappings(block: Any, key: str) -> list[dict[str, Any]]:
    """The mappings in the list below a key; none where the value has another shape."""
    parts = block.get(key) if isinstance(block, dict) else None
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
