"""Where the floors of each placement are written: which file, which path, and which block when it is not its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.manifest.edit.changes import Path
from reconciler.manifest.edit.sites import blocks_of
from reconciler.manifest.node import place_of
from reconciler.manifest.parse import Document, parse
from reconciler.manifest.scalar import PlainScalars, spelling
from reconciler.manifest.settings import Settings
from reconciler.manifest.text import ManifestText, Place
from reconciler.model.address import Address, app_address, placement_address

FIELD = "floorPrices"


@dataclass(frozen=True, slots=True)
class FloorSite:
    """A placement's block: its path in its file, and the floors that hold for it.

    `lines` is a Map or Seq as written, in the block itself or in what lies under it; None where nothing declares any.
    """

    text: ManifestText
    path: Path
    place: Place
    lines: Any


def floor_sites(settings: Settings, manifests: Sequence[ManifestText]) -> Mapping[Address, FloorSite]:
    """The block of every placement. The manifests are ones that `load_desired` found no error in."""
    scalars = PlainScalars()
    found: dict[Address, FloorSite] = {}
    for text in manifests:
        for at, document in enumerate(parse(text, scalars).documents):
            found.update(_in_document(settings, text, at, document))
    return found


def _in_document(
    settings: Settings, text: ManifestText, number: int, document: Document
) -> Iterator[tuple[Address, FloorSite]]:
    for at, app in enumerate(document.value["apps"]):
        address = app_address(app["platform"], spelling(app["bundle"]))
        for path, name, blocks in blocks_of(app):
            kind = next((block["placementType"] for block in blocks if "placementType" in block), None)
            under = [over.raw for over in settings.defaults.get(kind, ())]
            lines = next((block[FIELD] for block in (*blocks, *reversed(under)) if FIELD in block), None)
            site = FloorSite(text, (number, "apps", at, *path), place_of(blocks[0].mark), lines)
            yield placement_address(address, name), site
