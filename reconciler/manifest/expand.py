"""App blocks -> desired apps: defaults laid under, waterfalls unfolded into placements."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from reconciler.manifest.findings import Reporter
from reconciler.manifest.layer import (
    APP_READERS,
    FieldOverlay,
    canonical_fields,
    field_overlay,
    read_lifecycle,
    report_type_bound,
)
from reconciler.manifest.models import AppBlock, PlacementBlock, TierBlock, WaterfallBlock
from reconciler.manifest.settings import Settings
from reconciler.model.address import Address, app_address, placement_address
from reconciler.model.desired import DesiredApp, DesiredPlacement, Lifecycle, Source
from reconciler.model.value import Value
from reconciler.yaml.node import Map
from reconciler.yaml.scalar import Place

_ALWAYS_THERE: Final = Lifecycle()


@dataclass(frozen=True, slots=True)
class ExpandedPlacement:
    """A desired placement with the layers it was made from, the most specific last, and the Map of its own block."""

    desired: DesiredPlacement
    layers: tuple[FieldOverlay, ...]
    raw: Map

    def layer_of(self, name: str) -> FieldOverlay | None:
        """The layer whose value of the field counts; None where no block declares it."""
        return next((over for over in reversed(self.layers) if name in over.fields), None)

    def place_of(self, name: str) -> Place:
        """Where the field is declared in the placement's own file, else where its block begins."""
        over = self.layer_of(name)
        return over.raw.key_place(name) if over and over.file == self.desired.source.file else self.raw.place

    def is_broken(self, *names: str) -> bool:
        """Whether one of the fields is declared with a value that is wrong, so that nothing follows from it."""
        return any(name in over.broken for over in self.layers for name in names)


@dataclass(frozen=True, slots=True)
class ExpandedApp:
    """A desired app with all that lint wants to look at. `ladders` holds the placements of each waterfall in order."""

    desired: DesiredApp
    raw: Map
    placements: tuple[ExpandedPlacement, ...]
    ladders: tuple[tuple[ExpandedPlacement, ...], ...]

    @property
    def is_identified(self) -> bool:
        """Whether platform and bundle are known: of another app nothing is said across blocks."""
        return not {"platform", "bundle"} & set(self.raw.broken)


def expand_app(block: AppBlock, raw: Map, settings: Settings, reporter: Reporter) -> ExpandedApp:
    """The app that a block declares; `raw` is what stands in the file for it."""
    platform, bundle = (
        _unless_broken(name, raw, said) for name, said in (("platform", block.platform), ("bundle", block.bundle))
    )
    address = app_address(platform, bundle)
    about = reporter.about(address)
    fields, _ = canonical_fields(APP_READERS, block, raw, settings.terms, about)
    singles = [
        _placement(part, node, address, settings, about)
        for part, node in _pairs(block.placements, raw.get("placements"))
    ]
    ladders = [
        _ladder(part, node, address, settings, about) for part, node in _pairs(block.waterfalls, raw.get("waterfalls"))
    ]
    placements = (*singles, *(rung for ladder in ladders for rung in ladder))
    says_placements = any(name in raw or name in raw.broken for name in ("placements", "waterfalls"))
    desired = DesiredApp(
        address=address,
        fields=fields,
        source=Source(reporter.file, raw.place.line),
        pin=block.app_id,
        state=block.state,
        prune=block.prune or settings.prune,
        placements=tuple(sorted((one.desired for one in placements), key=_by_address)) if says_placements else None,
        lifecycle=read_lifecycle(block.lifecycle, raw, "app", about) if "lifecycle" in raw else _ALWAYS_THERE,
        ladders=tuple(tuple(rung.desired.address for rung in ladder) for ladder in ladders),
    )
    return ExpandedApp(desired, raw, placements, tuple(ladders))


def _unless_broken(name: str, raw: Map, said: str) -> str:
    """A part of an identity; a question mark for one that is wrong."""
    return "?" if name in raw.broken else said


def _by_address(placement: DesiredPlacement) -> Address:
    return placement.address


def _pairs(blocks: Iterable[Any] | None, nodes: Any) -> Iterable[tuple[Any, Map]]:
    return zip(blocks or (), nodes or (), strict=True)


def _placement(
    block: PlacementBlock, raw: Map, app: Address, settings: Settings, reporter: Reporter
) -> ExpandedPlacement:
    kind: str | None = None if "placementType" in raw.broken else block.placement_type
    about = reporter.about(placement_address(app, block.name))
    own = field_overlay(block, raw, settings.terms, about)
    report_type_bound(own, kind, about)
    return _expanded(block, kind, block.name, app, (*settings.defaults.get(kind, ()), own))


def _ladder(
    block: WaterfallBlock, raw: Map, app: Address, settings: Settings, reporter: Reporter
) -> tuple[ExpandedPlacement, ...]:
    about = reporter.about(placement_address(app, block.name))
    shared = field_overlay(block, raw, settings.terms, about)
    kind: str | None = None if "placementType" in raw.broken else block.placement_type
    report_type_bound(shared, kind, about)
    under = (*settings.defaults.get(kind, ()), shared)
    rungs = []
    for tier, node in _pairs(block.tiers, raw["tiers"]):
        name = f"{block.name}_{tier.name}"
        about = reporter.about(placement_address(app, name))
        own = field_overlay(tier, node, settings.terms, about)
        report_type_bound(own, kind, about)
        rung = _expanded(tier, kind, name, app, (*under, own))
        if "floorPrices" not in rung.desired.fields and not rung.is_broken("floorPrices") and tier.state == "present":
            about.error(node.place, "missing-field", "floorPrices is missing", "every tier of a ladder has its floors")
        rungs.append(rung)
    return tuple(rungs)


def _expanded(
    block: PlacementBlock | TierBlock, kind: str | None, name: str, app: Address, layers: tuple[FieldOverlay, ...]
) -> ExpandedPlacement:
    own = layers[-1]
    fields: dict[str, Value] = {"name": name}
    if kind is not None:
        fields["placementType"] = kind
    lifecycle = _ALWAYS_THERE
    for over in layers:
        fields.update(over.fields)
        lifecycle = over.lifecycle or lifecycle
    desired = DesiredPlacement(
        address=placement_address(app, name),
        fields=fields,
        source=Source(own.file, own.raw.mark.line + 1),
        pin=block.placement_id,
        renamed_from=block.renamed_from,
        state=block.state,
        lifecycle=lifecycle,
    )
    return ExpandedPlacement(desired, layers, own.raw)
