"""Fields of a resource as the API answers them, read into canonical values.

An account has many values and few that differ, so values that were read once are kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias, assert_never

from reconciler.http.exchange import TWOFOLD, folded
from reconciler.model.address import Kind
from reconciler.model.field import (
    FIELDS,
    STATUSES,
    UNITS,
    BundleType,
    CountType,
    FieldSpec,
    FlagType,
    GeoType,
    LimitType,
    PricesType,
    RewardType,
    TextType,
    WordsType,
    WordType,
)
from reconciler.model.value import ABSENT, Absent, Fields, Floors, Value, complete, number, price


class ReadCache(dict[Any, Any]):
    """A cache of at most `most` values, by what they were read from. Equal keys are one: True == 1."""

    def __init__(self, read: Callable[[Any], Any], most: int) -> None:
        super().__init__()
        self._read, self._most = read, most

    def __missing__(self, raw: Any) -> Any:
        value = self._read(raw)
        if len(self) < self._most:
            self[raw] = value
        return value


def cached_by_texts(read: Callable[[Iterable[Any]], tuple[str, ...]]) -> Callable[[list[Any]], tuple[str, ...]]:
    """The same over a list, read once for all lists that say it in these words. Texts alone, as 1 == True."""
    known = lru_cache(maxsize=1024)(read)

    def once(raw: list[Any]) -> tuple[str, ...]:
        return known(tuple(raw)) if all(type(part) is str for part in raw) else read(raw)

    return once


def read_country(raw: Any) -> str:
    """A country as it is kept, in upper case. Raises ValueError."""
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError("a country that is not a text")
    return raw.strip().upper()


_CODES: Final = ReadCache(read_country, 1024)


def _floor(raw: Any) -> Decimal:
    exact = price(raw)
    if exact < 0:
        raise ValueError("a floor below zero")
    return exact


_PRICES: Final = ReadCache(_floor, 8192)
_OF_BOOLEANS: Final = (price(0.0), price(1.0))
"""A boolean finds these, as True == 1.0."""


def read_floors(raw: Any) -> Floors:
    """The table of floors by country, from a list of lines or a mapping. Raises ValueError for what cannot be read."""
    if isinstance(raw, list):
        try:
            table = {_CODES[line["country"]]: _PRICES[line["price"]] for line in raw}
        except (KeyError, TypeError):  # a line that is spelled otherwise, or none
            table = {}
        prices = table.values()
        plain = len(table) == len(raw) and max(map(len, raw), default=0) <= _COUNTRY_AND_PRICE
        if plain and not any(each in prices for each in _OF_BOOLEANS):
            return complete(table)
    lines = raw.items() if isinstance(raw, dict) else _lines(raw)
    return complete(_read_lines(lines))


def _read_lines(lines: Iterable[tuple[Any, Any]]) -> Floors:
    """The table with every line looked at by itself."""
    table: dict[str, Decimal] = {}
    for named, amount in lines:
        country, exact = read_country(named), _floor(amount)
        if country in table and table[country] != exact:
            raise ValueError(f"two prices for {country}")
        table[country] = exact
    return table


_COUNTRY_AND_PRICE: Final = 2
"""Keys of a line; what has more is looked at."""


def _lines(raw: Any) -> list[tuple[Any, Any]]:
    if not isinstance(raw, list):
        raise ValueError("not a list")  # noqa: TRY004 - one error for every wrong form
    if not all(isinstance(line, dict) for line in raw):
        raise ValueError("not an object")
    lines = [folded(line) for line in raw]
    for line in lines:
        currency = line.get("currency")
        if currency is not None and str(currency).strip().upper() not in _USD:
            raise ValueError(f"a floor in {str(currency).strip()[:20]}, not in USD")
    return [(line.get("country"), line.get("price")) for line in lines]


_USD: Final = ("", "USD", "$", "US$")


Reader: TypeAlias = "Callable[[Any], Value | Absent]"


def full_fields(kind: Kind, row: Mapping[str, Any]) -> tuple[Fields, tuple[tuple[str, str], ...]]:
    """The fields of a full answer (`row` has its keys in lower case), and for those it leaves out what unset means.

    And the fields whose values have no readable form, each with what is wrong with it: nothing is said of these.
    """
    problems: dict[str, str] = {}
    said = dict(_read_fields(kind, row, lambda name, error: problems.setdefault(name, str(error))))
    if (status := said.get("status", STATUSES[0])) not in STATUSES:
        problems["status"] = f"{status} is none that is known"
        del said["status"]
    fields = {**_unset_fields(kind, said.get("placementType")), **said}
    if not problems:
        return fields, ()
    unreadable = {name: why for name, why in problems.items() if name not in said}
    return {name: value for name, value in fields.items() if name not in unreadable}, tuple(unreadable.items())


def spelled(kind: Kind, row: Mapping[str, Any], fields: Fields) -> Fields:
    """What a row shows beyond its fields: the values of blocks that are off, and lists in another order than the usual.

    An update that sends the whole resource sends these as they are.
    """
    if kind == "app":
        return _NOTHING_MORE
    shown: dict[str, Value] | None = None
    for name, key in _ORDERED:
        raw = row.get(key)
        if type(raw) is list and len(raw) > 1:
            usual, asked = fields.get(name), tuple(raw)
            if asked != usual and isinstance(usual, tuple) and len(raw) == len(usual) and all(map(raw.count, usual)):
                shown = {**(shown or {}), name: asked}
    for name, key, read in _SWITCHED:
        if fields.get(name, ABSENT) is None and isinstance(raw := row.get(key), dict):
            try:
                value = read({**folded(raw), "enabled": True})
            except ValueError:
                continue
            if value is not None and value is not ABSENT:
                shown = {**(shown or {}), name: value}
    return shown or _NOTHING_MORE


_NOTHING_MORE: Final[Fields] = {}


def said_fields(kind: Kind, row: Mapping[str, Any]) -> Fields:
    """The fields that the answer to a write speaks of. A value without a readable form counts as not spoken of."""
    return _read_fields(kind, row, lambda _name, _wrong: None)


@lru_cache(maxsize=64)
def _unset_fields(kind: Kind, placement_type: Value) -> Fields:
    return {
        spec.name: spec.when_unset
        for spec in FIELDS[kind].values()
        if not isinstance(spec.when_unset, Absent) and spec.only_for in (None, placement_type)
    }


def _read_fields(kind: Kind, row: Mapping[str, Any], unreadable: Callable[[str, ValueError], object]) -> Fields:
    fields: dict[str, Value] = {}
    for name, spelling, reader in _readers(kind, tuple(row)):
        raw = row[spelling]
        if raw is None:
            continue
        try:
            value = reader(raw)
        except ValueError as error:
            unreadable(name, ValueError(f"it is {TWOFOLD}") if raw is TWOFOLD else error)
            continue
        if name in fields and fields[name] != value:
            del fields[name]
            unreadable(name, ValueError("the answer says it under two names, and differently"))
        elif value is not ABSENT:
            fields[name] = value
    return fields


@lru_cache(maxsize=1024)
def _readers(kind: Kind, keys: tuple[str, ...]) -> tuple[tuple[str, str, Reader], ...]:
    """What is to be read of a row with these keys: found once for all the rows that have the same."""
    there = frozenset(keys)
    return tuple(each for each in READERS[kind] if each[1] in there)


def read_bool(raw: Any) -> bool:
    """A boolean, also as text; an empty text is false, as the API's page on apps says."""
    if isinstance(raw, bool):
        return raw
    meaning = _BOOLEANS.get(raw.strip().lower()) if isinstance(raw, str) else None
    if meaning is None:
        raise ValueError("neither true nor false")
    return meaning


_BOOLEANS: Final = {"true": True, "false": False, "": False}


def _text(raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw)
    raise ValueError("not a text")


def _text_or_none(raw: Any) -> str | None:
    return _text(raw) or None


def _word(known: Iterable[str]) -> Callable[[Any], str]:
    spellings = {word.lower(): word for word in known}
    exact = {word: word for word in spellings.values()}

    def read(raw: Any) -> str:
        found = exact.get(raw) if type(raw) is str else None
        if found is not None:  # spelled as it should be: the usual case
            return found
        text = _text(raw)
        return spellings.get(text.strip().lower(), text)

    return read


def _words(known: Iterable[str], *, when_none: Value) -> Reader:
    word = _word(known)

    @cached_by_texts
    def several(raw: Iterable[Any]) -> tuple[str, ...]:
        return tuple(sorted({word(part) for part in raw}))

    def read(raw: Any) -> Value:
        return several(_list(raw)) or when_none

    return read


def _unit(raw: Any) -> str:
    if type(raw) is str and raw in UNITS:
        return raw
    text = _text(raw)
    return _UNITS.get(text.strip().lower(), text)


_UNITS: Final = {spelling: unit for unit in UNITS for spelling in (unit, unit + "s")}


def _number(raw: Any) -> int | Decimal | Absent:
    return ABSENT if raw == "" else number(raw)


def _list(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise ValueError("not a list")  # noqa: TRY004 - one error for every wrong form
    return raw


def _object(raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError("not an object")  # noqa: TRY004 - as above
    return folded(raw)


@cached_by_texts
def _countries(raw: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted({read_country(part) for part in raw}))


def _geo(raw: Any) -> Value:
    block = _object(raw)
    countries = block.get("countries")
    if not countries:
        return None
    include = block.get("include")
    return {"include": True if include is None else read_bool(include), "countries": _countries(_list(countries))}


def _is_off(block: Mapping[str, Any]) -> bool:
    enabled = block.get("enabled")
    return enabled is not None and not read_bool(enabled)


def _limit(raw: Any) -> Value:
    block = _object(raw)
    if _is_off(block) or block.get("value") in (None, ""):
        return None
    return {"value": number(block["value"]), "unit": _unit(block.get("unit"))}


def _reward(block: Mapping[str, Any]) -> Value:
    currency, amount = block.get("currency"), block.get("amount")
    if isinstance(currency, dict):
        currency = folded(currency).get("currency")
    if currency is None or amount in (None, ""):
        return None
    return {"currency": _text(currency), "amount": number(amount)}


def _ssr_config(raw: Any) -> Value:
    block = _object(raw)
    return None if _is_off(block) else _reward(block)


def _rewarded_config(raw: Any) -> Value:
    block = _object(raw)
    rewarding = block.get("rewardingtype")
    by_server = isinstance(rewarding, str) and rewarding.strip().lower() == "server"
    return _reward(block) if by_server else None


def _reader(spec: FieldSpec) -> Reader:
    """What reads a value of the field under the name that it is sent by."""
    read: Reader
    match spec.type:
        case FlagType():
            read = read_bool
        case BundleType() | TextType(known=()):
            read = _text_or_none if spec.turns_off else _text
        case TextType(known) | WordType(known):
            read = _word(known)
        case WordsType(choices):
            read = _words(choices, when_none=None if spec.turns_off else ())
        case CountType():
            read = _number
        case PricesType():
            read = read_floors
        case GeoType():
            read = _geo
        case LimitType():
            read = _limit
        case RewardType():
            read = _ssr_config
        case _:
            assert_never(spec.type)
    return read


_ALIASES: Final[Mapping[Kind, Mapping[str, "tuple[str, Reader | None]"]]] = {
    "app": {},
    "placement": {"creativeTypes": ("createTypes", None), "ssrConfig": ("rewardedConfig", _rewarded_config)},
}
"""Other keys, in any case, that answers have fields under; with what reads them, where it is another reader."""


def _rows_of(kind: Kind) -> Iterator[tuple[str, str, Reader]]:
    for name, spec in FIELDS[kind].items():
        read = _reader(spec)
        yield name, name.lower(), read
        if name in _ALIASES[kind]:
            key, other = _ALIASES[kind][name]
            yield name, key.lower(), other or read


READERS: Final[Mapping[Kind, tuple[tuple[str, str, Reader], ...]]] = {kind: tuple(_rows_of(kind)) for kind in FIELDS}
"""Canonical name, key in lower case, reader. Of two keys for one field the first that says something counts."""


_ORDERED: Final = (
    ("creativeTypes", "creativetypes"),
    ("creativeTypes", "createtypes"),
    ("connectivity", "connectivity"),
)
_SWITCHED: Final[tuple[tuple[str, str, Reader], ...]] = (
    ("capping", "capping", _limit),
    ("pacing", "pacing", _limit),
    ("ssrConfig", "ssrconfig", _ssr_config),
    ("ssrConfig", "rewardedconfig", _ssr_config),
)
"""Name, key in lower case, and reader."""
