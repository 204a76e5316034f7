"""Countries and country groups -> plain countries: the tables of floors and the lists of geo."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from reconciler.manifest.block import Number
from reconciler.manifest.countries import COUNTRIES, country_hint, looks_like_country
from reconciler.manifest.field_models import CountryPrice
from reconciler.manifest.report import Reporter
from reconciler.model.floors import WORLDWIDE, Floors, complete
from reconciler.model.value import is_rounded, price, to_json
from reconciler.yaml.hints import quoted, shown
from reconciler.yaml.node import Map
from reconciler.yaml.scalar import spelling
from reconciler.yaml.text import Place

Groups = Mapping[str, tuple[str, ...]]
FloorLines = Mapping[str, Number] | list[CountryPrice]

SIX = "write six decimals at most"
_FLOOR_COUNTRIES = COUNTRIES | {WORLDWIDE}


def floor_table(lines: FloorLines, raw: Any, groups: Groups, most: Decimal, reporter: Reporter) -> Floors | None:
    """Floors by country, WW among them; a country's own line beats its group's. None where a line is wrong.

    `raw` is what stands in the file, a Map or a Seq of Maps; `most` is the price in USD above which is warned.
    """
    own: dict[str, Decimal] = {}
    grouped: dict[str, dict[str, Decimal]] = {}
    sound = True
    for at, (name, amount) in enumerate(_pairs(lines)):
        exact = price(amount)
        if exact != amount and is_rounded(amount):
            message = f"the floor {spelling(amount)} for {shown(name)} is taken as {to_json(exact)}"
            reporter.warning(line_place(raw, at, name, "price"), "rounded", message, SIX)
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
        places = {name: line_place(raw, at, name) for at, (name, _) in enumerate(_pairs(lines))}
        sound = _merge_groups(own, grouped, places, reporter) and sound
    return complete(own) if sound else None


def floor_names(lines: FloorLines) -> Iterable[str]:
    """The countries and groups that floors are written for."""
    return (name for name, _ in _pairs(lines))


def country_list(names: Iterable[str], places: Iterable[Place], groups: Groups, reporter: Reporter) -> tuple[str, ...]:
    """The countries of a list of countries and groups, sorted, each once; what is neither is reported and left out."""
    found: set[str] = set()
    for name, place in zip(names, places, strict=True):
        if name in COUNTRIES:
            found.add(name)
        elif name in groups:
            found.update(groups[name])
        else:
            _report_unknown(name, place, groups, reporter)
    return tuple(sorted(found))


def _pairs(lines: FloorLines) -> Iterable[tuple[str, Number]]:
    return lines.items() if isinstance(lines, Mapping) else ((line.country, line.price) for line in lines)


def line_place(raw: Any, at: int, name: str, part: str = "country") -> Place:
    """Where the country or the price of a line of floors stands; `at` counts lines from 0."""
    if not isinstance(raw, Map):
        place: Place = raw[at].value_place(part)
        return place
    return raw.key_place(name) if part == "country" else raw.value_place(name)


def _merge_groups(
    own: dict[str, Decimal],
    grouped: Mapping[str, Mapping[str, Decimal]],
    places: Mapping[str, Place],
    reporter: Reporter,
) -> bool:
    """Add the groups' prices to the countries' own; False where two groups disagree on a country."""
    given: dict[str, str] = {}
    sound = True
    for group, prices in grouped.items():
        for country, amount in prices.items():
            first = given.get(country)
            if first is not None and own[country] != amount:
                message = f"{country} is in {first} at {to_json(own[country])} and in {group} at {to_json(amount)}"
                reporter.error(places[group], "bad-value", message, f"give {country} a line of its own")
                sound = False
            elif country not in own:
                own[country] = amount
                given[country] = group
    return sound


def _report_unknown(name: str, place: Place, groups: Groups, reporter: Reporter) -> None:
    if name == WORLDWIDE:
        message, hint = "WW is no country of its own here", "WW stands only in floorPrices; list countries"
        reporter.error(place, "unknown-country", message, hint)
        return
    kind = "country" if looks_like_country(name) else "group"
    message = f"{quoted(name)} is no {'ISO 3166 alpha-2 country' if kind == 'country' else 'country group'}"
    reporter.error(place, f"unknown-{kind}", message, country_hint(name, groups))
