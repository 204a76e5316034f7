"""The addresses that manifests speak of, as far as they can be read: for completion while somebody types."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from reconciler.manifest.parse import parse
from reconciler.manifest.scalar import spelling
from reconciler.manifest.text import ManifestText
from reconciler.model.address import Address, app_address, placement_address

ENOUGH: Final = 2_000_000
"""Bytes that are read in about a third of a second, which is as long as somebody waits for a completion."""


def addresses_in(texts: Iterable[ManifestText], prefix: str = "") -> list[Address]:
    """Addresses of apps and placements that begin with the prefix, sorted; a broken file gives what can be read of it.

    Only files that can hold such addresses are read, and of these some 2 MB: a longer prefix finds the rest. Names with
    unprintable characters, which no valid manifest has, are left out.
    """
    bundle = prefix.partition("/")[0].partition(":")[2].encode()
    left = ENOUGH
    found: set[Address] = set()
    for text in texts:
        if bundle in text.data and left > 0:
            left -= len(text.data)
            found.update(_declared(text))
    return sorted(address for address in found if address.startswith(prefix) and address.isprintable())


def _declared(text: ManifestText) -> Iterator[Address]:
    for document in parse(text).documents:
        for app in _blocks(document.value, "apps"):
            platform, bundle = app.get("platform"), app.get("bundle")
            if isinstance(platform, str) and isinstance(bundle, str | int) and not isinstance(bundle, bool):
                address = app_address(platform, spelling(bundle))
                yield address
                yield from (placement_address(address, name) for name in _placements(app))


def _placements(app: dict[str, Any]) -> Iterator[str]:
    yield from _names(app, "placements")
    for waterfall in _blocks(app, "waterfalls"):
        yield from (f"{waterfall.get('name')}_{tier}" for tier in _names(waterfall, "tiers"))


def _names(block: dict[str, Any], key: str) -> Iterator[str]:
    yield from (part["name"] for part in _blocks(block, key) if isinstance(part.get("name"), str))


def _blocks(block: Any, key: str) -> list[dict[str, Any]]:
    """The mappings in a list of a mapping; none where anything is otherwise."""
    parts = block.get(key) if isinstance(block, dict) else None
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
