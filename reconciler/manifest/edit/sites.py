"""Where each app and placement is written: which file, which path, and the values that stand there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.manifest.edit.changes import Path
from reconciler.manifest.node import Map, place_of
from reconciler.manifest.parse import parse
from reconciler.manifest.scalar import PlainScalars, spelling
from reconciler.manifest.text import ManifestText, Place
from reconciler.model.address import Address, app_address, placement_address


@dataclass(frozen=True, slots=True)
class Site:
    """The block of an app or placement: its file, its path there, and what it says, merged keys included."""

    text: ManifestText
    path: Path
    raw: Map

    @property
    def place(self) -> Place:
        """Where the block begins."""
        return place_of(self.raw.mark)


def block_sites(manifests: Sequence[ManifestText]) -> Mapping[Address, Site]:
    """The block of every app and placement. The manifests are ones that `load_desired` found no error in."""
    scalars = PlainScalars()
    found: dict[Address, Site] = {}
    for text in manifests:
        for number, document in enumerate(parse(text, scalars).documents):
            for at, app in enumerate(document.value["apps"]):
                address, path = app_address(app["platform"], spelling(app["bundle"])), (number, "apps", at)
                found[address] = Site(text, path, app)
                for below, name, blocks in blocks_of(app):
                    found[placement_address(address, name)] = Site(text, (*path, *below), blocks[0])
    return found


def blocks_of(app: Map) -> Iterator[tuple[Path, str, Sequence[Map]]]:
    """The path, the name and the blocks, the most specific first, of each placement of an app."""
    for at, block in enumerate(app.get("placements") or ()):
        yield ("placements", at), block["name"], (block,)
    for at, ladder in enumerate(app.get("waterfalls") or ()):
        for rung, tier in enumerate(ladder["tiers"]):
            yield ("waterfalls", at, "tiers", rung), f"{ladder['name']}_{tier['name']}", (tier, ladder)
