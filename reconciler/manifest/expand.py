"""App blocks -> desired apps: defaults and waterfall fields are applied, and each tier becomes a placement."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from reconciler.manifest.layer import (
    APP_READERS,
    FieldOverlay,
    canonical_fields,
    field_overlay,
    read_lifecycle,
    report_type_bound,
)
from reconciler.manifest.models import AppBlock, PlacementBlock, TierBlock, WaterfallBlock
from reconciler.manifest.parsed_manifest import Reporter
from reconciler.manifest.settings import Settings
from reconciler.model.address import Address, app_address, placement_address
from reconciler.model.state import DesiredApp, DesiredPlacement, Lifecycle, Source
from reconciler.model.value import Value
from reconciler.yaml.node import Map
from reconciler.yaml.scalar import Place

_DEFAULT_LIFECYCLE: Final = Lifecycle()


@dataclass(frozen=True, slots=True)
class ExpandedPlacement:
    """A desired placement with the layers it was made from, the most specific last, and the Map of its own block."""

    desired: DesiredPlacement
    overlays: tuple[FieldOverlay, ...]
    raw: Map

    def overlay_of(self, name: str) -> FieldOverlay | None:
        """The layer whose value of the field counts; None where no block declares it."""
        return next((overlay for overlay in reversed(self.overlays) if name in overlay.fields), None)

    def place_of(self, name: str) -> Place:
        """Where the field is declared in the placement's own file, else where its block begins."""
        overlay = self.overlay_of(name)
        return overlay.raw.key_place(name) if overlay and overlay.file == self.desired.source.file else self.raw.place

    def is_broken(self, *names: str) -> bool:
        """Whether one of the fields is declared with a value that is wrong, so that nothing follows from it."""
        return any(name in overlay.broken for overlay in self.overlays for name in names)


@dataclass(frozen=True, slots=True)
class ExpandedApp:
    """A desired app with all that lint wants to look at. `ladders` holds the placements of each waterfall in order."""

    desired: DesiredApp
    raw: Map
    placements: tuple[ExpandedPlacement, ...]
    waterfalls: tuple[tuple[ExpandedPlacement, ...], ...]

    @property
    def is_identified(self) -> bool:
        """Whether platform and bundle are valid; an app without them is not compared with other blocks."""
        return not {"platform", "bundle"} & set(self.raw.broken)


def expand_app(block: AppBlock, raw: Map, settings: Settings, reporter: Reporter) -> ExpandedApp:
    """The app that a block declares; `raw` is what stands in the file for it."""
    platform, bundle = (
        _identity_part(name, raw, value) for name, value in (("platform", block.platform), ("bundle", block.bundle))
    )
    address = app_address(platform, bundle)
    about = reporter.about(address)
    fields, _ = canonical_fields(APP_READERS, block, raw, settings.parse_context, about)
    singles = [
        _expanded_single(part, node, address, settings, about)
        for part, node in _blocks_with_nodes(block.placements, raw.get("placements"))
    ]
    waterfalls = [
        _expanded_waterfall(part, node, address, settings, about)
        for part, node in _blocks_with_nodes(block.waterfalls, raw.get("waterfalls"))
    ]
    placements = (*singles, *(tier for waterfall in waterfalls for tier in waterfall))
    declares_placements = any(name in raw or name in raw.broken for name in ("placements", "waterfalls"))
    desired = DesiredApp(
        address=address,
        fields=fields,
        source=Source(reporter.file, raw.place.line),
        pin=block.app_id,
        state=block.state,
        prune=block.prune or settings.prune,
        placements=tuple(sorted((one.desired for one in placements), key=_address_of)) if declares_placements else None,
        lifecycle=read_lifecycle(block.lifecycle, raw, "app", about) if "lifecycle" in raw else _DEFAULT_LIFECYCLE,
        ladders=tuple(tuple(tier.desired.address for tier in waterfall) for waterfall in waterfalls),
    )
    return ExpandedApp(desired, raw, placements, tuple(waterfalls))


def _identity_part(name: str, raw: Map, value: str) -> str:
    """A part of an identity; a question mark for one that is wrong."""
    return "?" if name in raw.broken else value


def _address_of(placement: DesiredPlacement) -> Address:
    return placement.address


def _blocks_with_nodes(blocks: Iterable[Any] | None, nodes: Any) -> Iterable[tuple[Any, Map]]:
    return zip(blocks or (), nodes or (), strict=True)


def _expanded_single(
    block: PlacementBlock, raw: Map, app: Address, settings: Settings, reporter: Reporter
) -> ExpandedPlacement:
    kind: str | None = None if "placementType" in raw.broken else block.placement_type
    about = reporter.about(placement_address(app, block.name))
    own = field_overlay(block, raw, settings.parse_context, about)
    report_type_bound(own, kind, about)
    return _expanded_placement(block, kind, block.name, app, (*settings.defaults.get(kind, ()), own))


def _expanded_waterfall(
    block: WaterfallBlock, raw: Map, app: Address, settings: Settings, reporter: Reporter
) -> tuple[ExpandedPlacement, ...]:
    about = reporter.about(placement_address(app, block.name))
    shared = field_overlay(block, raw, settings.parse_context, about)
    kind: str | None = None if "placementType" in raw.broken else block.placement_type
    report_type_bound(shared, kind, about)
    inherited = (*settings.defaults.get(kind, ()), shared)
    tiers = []
    for tier_block, node in _blocks_with_nodes(block.tiers, raw["tiers"]):
        name = f"{block.name}_{tier_block.name}"
        about = reporter.about(placement_address(app, name))
        own = field_overlay(tier_block, node, settings.parse_context, about)
        report_type_bound(own, kind, about)
        tier = _expanded_placement(tier_block, kind, name, app, (*inherited, own))
        if (
            "floorPrices" not in tier.desired.fields
            and not tier.is_broken("floorPrices")
            and tier_block.state == "present"
        ):
            about.error(node.place, "missing-field", "floorPrices is missing", "every tier of a ladder has its floors")
        tiers.append(tier)
    return tuple(tiers)


def _expanded_placement(
    block: PlacementBlock | TierBlock, kind: str | None, name: str, app: Address, overlays: tuple[FieldOverlay, ...]
) -> ExpandedPlacement:
    own = overlays[-1]
    fields: dict[str, Value] = {"name": name}
    if kind is not None:
        fields["placementType"] = kind
    lifecycle = _DEFAULT_LIFECYCLE
    for overlay in overlays:
        fields.update(overlay.fields)
        lifecycle = overlay.lifecycle or lifecycle
    desired = DesiredPlacement(
        address=placement_address(app, name),
        fields=fields,
        source=Source(own.file, own.raw.place.line),
        pin=block.placement_id,
        renamed_from=block.renamed_from,
        state=block.state,
        lifecycle=lifecycle,
    )
    return ExpandedPlacement(desired, overlays, own.raw)
