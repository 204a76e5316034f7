"""Countries, country groups and floor tables: groups become countries, and unknown names are reported with a hint.

The codes are ISO 3166-1 alpha-2, written out here because reading them from pycountry takes longer than reading most
projects; a test compares the two. Kosovo's XK is not an ISO code, but every store and ad network uses it.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from unicodedata import normalize

from reconciler.manifest.block import Number
from reconciler.manifest.findings import Reporter
from reconciler.manifest.models import CountryPrice
from reconciler.model.floors import WORLDWIDE, Floors, complete
from reconciler.model.value import is_rounded, price, to_json
from reconciler.yaml.node import Map
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
FloorLines = Mapping[str, Number] | list[CountryPrice]


def floor_table(lines: FloorLines, raw: Any, groups: Groups, most: Decimal, reporter: Reporter) -> Floors | None:
    """Floors by country, WW among them; a country's own line beats its group's. None where a line is wrong.

    `raw` is what stands in the file, a Map or a Seq of Maps; `most` is the price in USD above which is warned.
    """
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
    return (name for name, _ in _line_pairs(lines))


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
    return lines.items() if isinstance(lines, Mapping) else ((line.country, line.price) for line in lines)


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
