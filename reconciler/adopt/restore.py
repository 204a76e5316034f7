"""Values that blocks are to declare -> the texts of their manifests with these and nothing else changed."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.adopt.ground import Declared
from reconciler.adopt.value_edits import block_edits
from reconciler.adopt.wishes import Wish, blocks_by_address, carry_out
from reconciler.manifest.edit.changes import Unwritable
from reconciler.manifest.edit.locate import block_along, finding_of
from reconciler.manifest.edit.sites import block_sites
from reconciler.manifest.edit.spans import spans
from reconciler.manifest.text import ManifestText
from reconciler.model.address import Address, address_order, kind_of
from reconciler.model.diagnostic import Finding
from reconciler.model.value import ABSENT, Fields


@dataclass(frozen=True, slots=True)
class Restored:
    """The texts that changed, the addresses whose blocks did, and findings on what could not be written."""

    texts: tuple[ManifestText, ...] = ()
    done: tuple[Address, ...] = ()
    held: tuple[Finding, ...] = ()


def restored(declared: Declared, wanted: Mapping[Address, Fields]) -> Restored:
    """The manifests with blocks that declare just the `wanted` fields, by address; all else stays as it is.

    A name stays: another one is another address.
    """
    blocks, sites = blocks_by_address(declared.state.apps), block_sites(declared.manifests)
    groups = declared.frame.settings.country_groups
    wishes: dict[str, list[Wish]] = {}
    held: list[Finding] = []
    for address in sorted(wanted, key=address_order):
        block, site = blocks[address], sites[address]
        values = {name: new for name, new in wanted[address].items() if block.fields.get(name, ABSENT) != new}
        if not values:
            continue
        try:
            span = block_along(spans(site.text.data.decode("utf-8-sig")), site.path)
            edits = block_edits(site.path, site.raw, span, kind_of(address), values, groups)
        except Unwritable as wrong:
            held.append(finding_of(wrong, site.text.file, address))
            continue
        declares = {address: {**block.fields, **values}}
        wishes.setdefault(site.text.file, []).append(Wish(address, tuple(edits), declares, {address: address}))
    texts, done = [], []
    for text in declared.manifests:
        if text.file in wishes:
            carried = carry_out(declared.frame, text, wishes[text.file])
            held += carried.held
            done += [wish.address for wish in carried.done]
            if carried.text != text:
                texts.append(carried.text)
    return Restored(tuple(texts), tuple(sorted(done, key=address_order)), tuple(held))
