"""A block's fields in canonical form, as an overlay over the fields of more general blocks; and its lifecycle."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias, assert_never

from reconciler.manifest.block import Block
from reconciler.manifest.country_expansion import (
    COUNTRIES,
    SIX_DECIMALS_HINT,
    Groups,
    country_hint,
    country_list,
    floor_names,
    floor_table,
    looks_like_country,
)
from reconciler.manifest.findings import Reporter
from reconciler.manifest.models import Frequency, Geo, LifecycleBlock, PlacementFields, Reward
from reconciler.model.address import Kind
from reconciler.model.desired import AcceptedDrift, Lifecycle
from reconciler.model.field import APP_FIELDS, FIELDS, PLACEMENT_FIELDS, PRICED
from reconciler.model.field_type import (
    BundleType,
    CountType,
    FieldType,
    FlagType,
    GeoType,
    LimitType,
    PricesType,
    RewardType,
    TextType,
    WordsType,
    WordType,
    parts_of,
)
from reconciler.model.floors import WORLDWIDE
from reconciler.model.value import Value, is_rounded, number, to_json
from reconciler.yaml.node import Map, place_at
from reconciler.yaml.scalar import did_you_mean, quoted, spelling


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What the project's settings say about reading values: its country groups, and the highest floor in USD."""

    groups: Groups
    max_floor: Decimal


@dataclass(frozen=True, slots=True)
class FieldOverlay:
    """The placement fields that one block declares. `broken` names those whose values are wrong.

    `floor_lines` names the countries and groups that the block's floors are written for.
    """

    file: str
    raw: Map
    fields: Mapping[str, Value]
    broken: Collection[str] = ()
    floor_lines: tuple[str, ...] = ()
    lifecycle: Lifecycle | None = None


@dataclass(frozen=True, slots=True)
class _FieldContext:
    raw: Map
    parse_context: ParseContext
    reporter: Reporter
    invalid: set[str] = field(default_factory=set)


Reader: TypeAlias = Callable[[Any, str, _FieldContext], Value]
"""A checked value, the name of its field, and what stands around it -> the canonical value."""


def field_overlay(block: PlacementFields, raw: Map, context: ParseContext, reporter: Reporter) -> FieldOverlay:
    """The layer of a block and of what stands in the file for it."""
    fields, invalid = canonical_fields(PLACEMENT_READERS, block, raw, context, reporter)
    lifecycle = read_lifecycle(block.lifecycle, raw, "placement", reporter) if "lifecycle" in raw else None
    lines = tuple(floor_names(block.__dict__["floorPrices"])) if "floorPrices" in fields else ()
    broken = {*raw.broken, *invalid} if raw.broken or invalid else ()
    return FieldOverlay(reporter.file, raw, fields, broken, lines, lifecycle)


def canonical_fields(
    readers: Mapping[str, Reader], block: Block, raw: Map, context: ParseContext, reporter: Reporter
) -> tuple[dict[str, Value], Collection[str]]:
    """The fields that a block declares, in canonical form, and the names of those whose values are wrong."""
    field_context = _FieldContext(raw, context, reporter)
    written = block.__dict__
    fields: dict[str, Value] = {}
    for name in raw:
        if name in readers:
            fields[name] = readers[name](written[name], name, field_context)
    for name in field_context.invalid:
        del fields[name]
    return fields, field_context.invalid


def report_type_bound(overlay: FieldOverlay, placement_type: str | None, reporter: Reporter) -> None:
    """Report fields that placements of the type do not have."""
    if placement_type is None:
        return
    for name in overlay.raw:
        only = _ONLY_FOR.get(name, placement_type)
        if only != placement_type:
            message = f"{name} is a field of {only} placements only; this is {placement_type}"
            reporter.error(overlay.raw.key_place(name), "type-bound-field", message)


def fits_type(name: str, placement_type: str | None) -> bool:
    """Whether placements of the type have the field."""
    return _ONLY_FOR.get(name, placement_type) == placement_type


def read_lifecycle(block: LifecycleBlock, raw: Map, kind: Kind, reporter: Reporter) -> Lifecycle:
    """The lifecycle of a block whose Map holds `lifecycle`; paths that begin with no known field are reported."""
    ignored = tuple(sorted(set(block.ignore_changes or ())))
    accepted = tuple(AcceptedDrift(drift.field, drift.reason, drift.until) for drift in block.accept_drift or ())
    for at, path in enumerate(block.ignore_changes or ()):
        _check_path(path, ("lifecycle", "ignoreChanges", at), raw, kind, reporter)
    for at, drift in enumerate(accepted):
        _check_path(drift.path, ("lifecycle", "acceptDrift", at, "field"), raw, kind, reporter)
    return Lifecycle(ignored, block.protect, accepted, block.distinct)


def _check_path(path: str, steps: tuple[str | int, ...], raw: Map, kind: Kind, reporter: Reporter) -> None:
    first, dot, part = path.partition(".")
    if first not in FIELDS[kind]:
        message = f"{quoted(first)} is no field of {'an app' if kind == 'app' else 'a placement'}"
        reporter.error(place_at(raw, steps), "unknown-field", message, did_you_mean(first, FIELDS[kind]))
    elif not dot:
        return
    elif first in PRICED:
        if part not in COUNTRIES and part != WORLDWIDE:
            hint = country_hint(part, ()) if looks_like_country(part) else f"name each country, or {first} alone"
            message = f"{quoted(part)} is no country, and so no part of {first}"
            reporter.error(place_at(raw, steps), "unknown-country", message, hint)
    elif part not in (parts := parts_of(FIELDS[kind][first].type)):
        hint = did_you_mean(part, parts) or f"name {first} as a whole"
        reporter.error(place_at(raw, steps), "unknown-field", f"{quoted(part)} is no part of {first}", hint)


def _read_unchanged(value: Any, _name: str, _context: _FieldContext) -> Value:
    plain: Value = value
    return plain


def _read_words(items: list[str] | None, _name: str, _context: _FieldContext) -> Value:
    return None if items is None else tuple(sorted(set(items)))


def _read_floors(lines: Any, name: str, context: _FieldContext) -> Value:
    table = floor_table(
        lines, context.raw[name], context.parse_context.groups, context.parse_context.max_floor, context.reporter
    )
    if table is None:
        context.invalid.add(name)
    return table


def _read_geo(geo: Geo | None, name: str, context: _FieldContext) -> Value:
    if geo is None:
        return None
    raw = context.raw[name]["countries"]
    places = [raw.item_place(at) for at in range(len(raw))]
    countries = country_list(geo.countries, places, context.parse_context.groups, context.reporter)
    if not all(country in COUNTRIES or country in context.parse_context.groups for country in geo.countries):
        context.invalid.add(name)
    return {"include": geo.include, "countries": countries}


def _read_frequency(limit: Frequency | None, _name: str, _context: _FieldContext) -> Value:
    return {"value": limit.value, "unit": limit.unit} if limit is not None and limit.enabled else None


def _read_reward(reward: Reward | None, name: str, context: _FieldContext) -> Value:
    if reward is None or not reward.enabled:
        return None
    amount = number(reward.amount)
    if is_rounded(reward.amount):
        message = f"the amount {spelling(reward.amount)} is taken as {to_json(amount)}"
        context.reporter.warning(context.raw[name].value_place("amount"), "rounded", message, SIX_DECIMALS_HINT)
    return {"currency": reward.currency, "amount": amount}


def _reader_of(field_type: FieldType) -> Reader:
    """What brings a checked value of a manifest into canonical form."""
    reader: Reader
    match field_type:
        case FlagType() | TextType() | BundleType() | WordType() | CountType():
            reader = _read_unchanged
        case WordsType():
            reader = _read_words
        case PricesType():
            reader = _read_floors
        case GeoType():
            reader = _read_geo
        case LimitType():
            reader = _read_frequency
        case RewardType():
            reader = _read_reward
        case _:
            assert_never(field_type)
    return reader


_ONLY_FOR: Final = {spec.name: spec.only_for for spec in PLACEMENT_FIELDS.values() if spec.only_for is not None}
APP_READERS: Final = {name: _reader_of(spec.type) for name, spec in APP_FIELDS.items()}
PLACEMENT_READERS: Final = {
    name: _reader_of(spec.type) for name, spec in PLACEMENT_FIELDS.items() if name in PlacementFields.model_fields
}
