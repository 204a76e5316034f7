"""Where each app and placement is written: which file, which path, and the values that stand there.

`Sites` is for manifests without errors. `addresses_in` reads what it can of any, to complete what somebody types.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from reconciler.model.address import Address, app_address, placement_address
from reconciler.model.desired import DesiredApp, DesiredPlacement
from reconciler.yaml.edit.changes import Path
from reconciler.yaml.node import Map
from reconciler.yaml.parse import Tree, parse, read_tree
from reconciler.yaml.scalar import spelling
from reconciler.yaml.text import ManifestText, Place

Block: TypeAlias = DesiredApp | DesiredPlacement


@dataclass(frozen=True, slots=True)
class Site:
    """The block of an app or placement: the tree of its file, its path there, and what it says, merged keys included.

    `around` holds the waterfall of a tier: what the tier does not say, that may say.
    """

    tree: Tree
    path: Path
    raw: Map
    around: tuple[Map, ...] = ()

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.tree.text.file

    @property
    def place(self) -> Place:
        """Where the block begins."""
        return self.raw.place


class Sites:
    """The blocks of manifests in which `load_desired` found no error; a file is read once it is asked for."""

    def __init__(self, manifests: Iterable[ManifestText]) -> None:
        self._texts = {text.file: text for text in manifests}
        self._files: dict[str, tuple[Tree, Mapping[Address, Site]]] = {}

    def tree(self, file: str) -> Tree:
        """The tree of a file."""
        return self._read(file)[0]

    def site(self, block: Block) -> Site:
        """Where the block stands that declares an app or placement."""
        return self._read(block.source.file)[1][block.address]

    def _read(self, file: str) -> tuple[Tree, Mapping[Address, Site]]:
        if file not in self._files:
            tree = read_tree(self._texts[file])
            self._files[file] = tree, dict(_sites(tree))
        return self._files[file]


def _sites(tree: Tree) -> Iterator[tuple[Address, Site]]:
    for number, document in enumerate(tree.parsed.documents):
        for at, app in enumerate(document.value["apps"]):
            address, path = app_address(app["platform"], spelling(app["bundle"])), (number, "apps", at)
            yield address, Site(tree, path, app)
            for below, name, blocks in _blocks_of(app):
                yield placement_address(address, name), Site(tree, (*path, *below), blocks[0], blocks[1:])


def _blocks_of(app: Map) -> Iterator[tuple[Path, str, tuple[Map, ...]]]:
    """The path, the name and the blocks, the most specific first, of each placement of an app."""
    for at, block in enumerate(app.get("placements") or ()):
        yield ("placements", at), block["name"], (block,)
    for at, ladder in enumerate(app.get("waterfalls") or ()):
        for rung, tier in enumerate(ladder["tiers"]):
            yield ("waterfalls", at, "tiers", rung), f"{ladder['name']}_{tier['name']}", (tier, ladder)


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
            found.update(_addresses(text))
    return sorted(address for address in found if address.startswith(prefix) and address.isprintable())


def _addresses(text: ManifestText) -> Iterator[Address]:
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
    """The mappings in a list of a mapping; none where anything is otherwise."""
    parts = block.get(key) if isinstance(block, dict) else None
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
