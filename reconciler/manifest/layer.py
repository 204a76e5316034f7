"""A block's fields in canonical form, as an overlay over the fields of more general blocks; its lifecycle; countries.

Country groups become countries, and unknown names are reported with a hint. The codes are ISO 3166-1 alpha-2, written
out here because reading them from pycountry takes longer than reading most projects; a test compares the two. Kosovo's
XK is not an ISO code, but every store and ad network uses it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias, assert_never, cast
from unicodedata import normalize

from reconciler.manifest.block import Block, Number, UsualFloors
from reconciler.manifest.models import CountryPrice, Frequency, Geo, LifecycleBlock, PlacementFields, Reward
from reconciler.manifest.parsed_manifest import Reporter
from reconciler.model.address import Kind
from reconciler.model.field import (
    APP_FIELDS,
    FIELDS,
    PLACEMENT_FIELDS,
    PLACEMENT_TYPES,
    PRICED,
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
from reconciler.model.state import AcceptedDrift, Lifecycle
from reconciler.model.value import WORLDWIDE, Floors, Value, complete, is_rounded, number, price, to_json
from reconciler.yaml.node import Map, place_at
from reconciler.yaml.scalar import Place, did_you_mean, quoted, shown, spelling

_ISO: Final = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES: Final = frozenset((*_ISO.split(), "XK"))
_FLOOR_COUNTRIES = COUNTRIES | {WORLDWIDE}
_HABITUAL_CODES: Final = {"UK": "GB", "EN": "GB", "EL": "GR"}
"""Codes in common use that ISO does not assign, with the code that is meant."""
SIX_DECIMALS_HINT = "write six decimals at most"
Groups = Mapping[str, tuple[str, ...]]
FloorLines = dict[str, Number] | list[CountryPrice]


def floor_table(lines: FloorLines, raw: Any, context: "ParseContext", reporter: Reporter) -> Floors | None:
    """Floors by country, WW among them; a country's own line beats its group's. None where a line is wrong.

    `raw` is what stands in the file, a Map or a Seq of Maps.
    """
    if isinstance(lines, dict) and _FLOOR_COUNTRIES.issuperset(lines):
        usual = context.usual_floors
        floors = {name: usual[amount] for name, amount in lines.items()}
        if all(floors.values()):
            return complete(cast("Floors", floors))
    return _checked_floors(lines, raw, context, reporter)


def _checked_floors(lines: FloorLines, raw: Any, context: "ParseContext", reporter: Reporter) -> Floors | None:
    groups, most = context.groups, context.max_floor
    own: dict[str, Decimal] = {}
    grouped: dict[str, dict[str, Decimal]] = {}
    sound = True
    for at, (name, amount) in enumerate(_line_pairs(lines)):
        exact = price(amount)
        if exact != amount and is_rounded(amount):
            message = f"the floor {spelling(amount)} for {shown(name)} is taken as {to_json(exact)}"
            reporter.warning(line_place(raw, at, name, "price"), "rounded", message, SIX_DECIMALS_HINT)
        if amount > most:
            prices = f"{to_json(exact)} for {shown(name)} is above safety.maxFloor, {to_json(price(most))}"
            hint = "apply will refuse it"
            reporter.warning(line_place(raw, at, name, "price"), "floor-above-maximum", f"the floor {prices}", hint)
        if name in own or name in grouped:
            reporter.error(line_place(raw, at, name), "duplicate-country", f"{shown(name)} has two prices")
            sound = False
        elif name in _FLOOR_COUNTRIES:
            own[name] = exact
        elif name in groups:
            grouped[name] = dict.fromkeys(groups[name], exact)
        else:
            _report_unknown(name, line_place(raw, at, name), groups, reporter)
            sound = False
    if grouped:
        places = {name: line_place(raw, at, name) for at, (name, _) in enumerate(_line_pairs(lines))}
        sound = _merge_groups(own, grouped, places, reporter) and sound
    return complete(own) if sound else None


def floor_names(lines: FloorLines) -> Iterable[str]:
    """The countries and groups that floors are written for."""
    return lines if isinstance(lines, dict) else (name for name, _ in _line_pairs(lines))


def country_list(names: Iterable[str], places: Iterable[Place], groups: Groups, reporter: Reporter) -> tuple[str, ...]:
    """The countries of a list of countries and groups, sorted, each once; what is neither is reported and left out."""
    countries: set[str] = set()
    for name, place in zip(names, places, strict=True):
        if name in COUNTRIES:
            countries.add(name)
        elif name in groups:
            countries.update(groups[name])
        else:
            _report_unknown(name, place, groups, reporter)
    return tuple(sorted(countries))


def line_place(raw: Any, at: int, name: str, part: str = "country") -> Place:
    """Where the country or the price of a line of floors stands; `at` counts lines from 0."""
    if not isinstance(raw, Map):
        place: Place = raw[at].value_place(part)
        return place
    return raw.key_place(name) if part == "country" else raw.value_place(name)


def looks_like_country(text: str) -> bool:
    """Whether an unknown name was more likely meant as a country than as a group."""
    return len(text) == 2 or (len(text) == 3 and text.isupper()) or meant_country(text) is not None


def meant_country(text: str) -> str | None:
    """The alpha-2 code that a habit, a lower-case code, an alpha-3 code or a country's name stands for.

    Blanks around it and characters of another width count for nothing.
    """
    text = normalize("NFKC", text).strip()
    upper = text.upper()
    if upper in _HABITUAL_CODES:
        return _HABITUAL_CODES[upper]
    if upper in COUNTRIES or upper == WORLDWIDE:
        return upper
    return _alpha_2_by_name(text)


def country_hint(text: str, groups: Collection[str]) -> str:
    """The hint for a name that is neither a country nor a group."""
    country = meant_country(text)
    if country is not None:
        return f"did you mean {country}?"
    if len(text) == 2 and not text.isascii():
        foreign = " and ".join(f"U+{ord(each):04X}" for each in text if not each.isascii())
        return f"codes are written with the letters A to Z, and {foreign} is none of them"
    return did_you_mean(text, groups) or "countries are ISO 3166 alpha-2 codes, as in US; groups stand in countryGroups"


@lru_cache(maxsize=1024)
def _alpha_2_by_name(text: str) -> str | None:
    import pycountry  # noqa: PLC0415 - slow to import, and needed only where something is wrong already

    try:
        return str(pycountry.countries.lookup(text).alpha_2)
    except LookupError:
        return None


def _line_pairs(lines: FloorLines) -> Iterable[tuple[str, Number]]:
    return lines.items() if isinstance(lines, dict) else ((line.country, line.price) for line in lines)


def _merge_groups(
    own: dict[str, Decimal],
    grouped: Mapping[str, Mapping[str, Decimal]],
    places: Mapping[str, Place],
    reporter: Reporter,
) -> bool:
    """Add the groups' prices to the countries' own; False where two groups disagree on a country."""
    given_by: dict[str, str] = {}
    sound = True
    for group, prices in grouped.items():
        for country, amount in prices.items():
            first = given_by.get(country)
            if first is not None and own[country] != amount:
                message = f"{country} is in {first} at {to_json(own[country])} and in {group} at {to_json(amount)}"
                reporter.error(places[group], "bad-value", message, f"give {country} a line of its own")
                sound = False
            elif country not in own:
                own[country] = amount
                given_by[country] = group
    return sound


def _report_unknown(name: str, place: Place, groups: Groups, reporter: Reporter) -> None:
    if name == WORLDWIDE:
        message, hint = "WW is no country of its own here", "WW stands only in floorPrices; list countries"
        reporter.error(place, "unknown-country", message, hint)
        return
    kind = "country" if looks_like_country(name) else "group"
    message = f"{quoted(name)} is no {'ISO 3166 alpha-2 country' if kind == 'country' else 'country group'}"
    reporter.error(place, f"unknown-{kind}", message, country_hint(name, groups))


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What the project's settings say about reading values: its country groups, and the highest floor in USD."""

    groups: Groups
    max_floor: Decimal
    usual_floors: UsualFloors = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "usual_floors", UsualFloors(self.max_floor))


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


@dataclass(slots=True)
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
    readers: Mapping[str, Reader | None], block: Block, raw: Map, context: ParseContext, reporter: Reporter
) -> tuple[dict[str, Value], Collection[str]]:
    """The fields that a block declares, in canonical form, and the names of those whose values are wrong."""
    field_context = _FieldContext(raw, context, reporter)
    written = block.__dict__
    fields: dict[str, Value] = {}
    for name in raw:
        if name in readers:
            read = readers[name]
            fields[name] = written[name] if read is None else read(written[name], name, field_context)
    for name in field_context.invalid:
        del fields[name]
    return fields, field_context.invalid


def report_type_bound(overlay: FieldOverlay, placement_type: str | None, reporter: Reporter) -> None:
    """Report fields that placements of the type do not have."""
    if placement_type is None or _FOREIGN[placement_type].isdisjoint(overlay.raw):
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


_CODE: Final = re.compile("[A-Z]{2}")
"""What a line of live floors may be of, though no manifest can declare it: `EU`, and `UK` for GB."""


def _check_path(path: str, steps: tuple[str | int, ...], raw: Map, kind: Kind, reporter: Reporter) -> None:
    first, dot, part = path.partition(".")
    if first not in FIELDS[kind]:
        message = f"{quoted(first)} is no field of {'an app' if kind == 'app' else 'a placement'}"
        reporter.error(place_at(raw, steps), "unknown-field", message, did_you_mean(first, FIELDS[kind]))
    elif not dot:
        return
    elif first in PRICED:
        if part not in COUNTRIES and part != WORLDWIDE and not _CODE.fullmatch(part):
            hint = country_hint(part, ()) if looks_like_country(part) else f"name each country, or {first} alone"
            message = f"{quoted(part)} is no country, and so no part of {first}"
            reporter.error(place_at(raw, steps), "unknown-country", message, hint)
    elif part not in (parts := parts_of(FIELDS[kind][first].type)):
        hint = did_you_mean(part, parts) or f"name {first} as a whole"
        reporter.error(place_at(raw, steps), "unknown-field", f"{quoted(part)} is no part of {first}", hint)


def _read_words(items: list[str] | None, _name: str, _context: _FieldContext) -> Value:
    return None if items is None else tuple(sorted(set(items)))


def _read_floors(lines: Any, name: str, context: _FieldContext) -> Value:
    table = floor_table(lines, context.raw[name], context.parse_context, context.reporter)
    if table is None:
        context.invalid.add(name)
    return table


def _read_geo(geo: Geo | None, name: str, context: _FieldContext) -> Value:
    if geo is None:
        return None
    if COUNTRIES.issuperset(geo.countries):
        return {"include": geo.include, "countries": tuple(sorted(set(geo.countries)))}
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


def _reader_of(field_type: FieldType) -> Reader | None:
    """What brings a checked value of a manifest into canonical form; None where it is in it already."""
    reader: Reader | None
    match field_type:
        case FlagType() | TextType() | BundleType() | WordType() | CountType():
            reader = None
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
_FOREIGN: Final = {
    placement_type: frozenset(name for name, only in _ONLY_FOR.items() if only != placement_type)
    for placement_type in PLACEMENT_TYPES
}
"""The fields that placements of other types have, by placement type."""
APP_READERS: Final = {name: _reader_of(spec.type) for name, spec in APP_FIELDS.items()}
PLACEMENT_READERS: Final = {
    name: _reader_of(spec.type) for name, spec in PLACEMENT_FIELDS.items() if name in PlacementFields.model_fields
}
