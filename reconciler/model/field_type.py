"""The types of the API's fields, with the form of their canonical values.

Each room has one function that matches over `FieldType`, closed with `assert_never`: how a manifest declares a value of
the type, how the API spells it, how the sandbox checks it. A field is then an entry in `field.py` and nothing more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final, TypeAlias, assert_never

from reconciler.model.value import Value

UNITS: Final = ("second", "minute", "hour", "day")


@dataclass(frozen=True, slots=True)
class FlagType:
    """True or false."""


@dataclass(frozen=True, slots=True)
class TextType:
    """A text that is not empty. `known` names common texts, in the spelling to keep; others are accepted."""

    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BundleType:
    """A store's id of an app; a number is taken as its text."""


@dataclass(frozen=True, slots=True)
class WordType:
    """One of a few words."""

    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WordsType:
    """Some of a few words: a tuple, sorted, each once."""

    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CountType:
    """A whole number from 1."""


@dataclass(frozen=True, slots=True)
class PricesType:
    """Country -> price in USD per thousand impressions; `WW` is for the countries without a line."""


@dataclass(frozen=True, slots=True)
class GeoType:
    """Countries to serve ads in, or to keep out of: `{include, countries}`, the countries sorted."""

    parts: ClassVar = ("include", "countries")


@dataclass(frozen=True, slots=True)
class LimitType:
    """A number of impressions per unit of time, or a time between impressions: `{value, unit}`."""

    parts: ClassVar = ("value", "unit")


@dataclass(frozen=True, slots=True)
class RewardType:
    """A user's reward for watching an ad: `{currency, amount}`, the amount an int or an exact Decimal."""

    parts: ClassVar = ("currency", "amount")


SwitchedType: TypeAlias = LimitType | RewardType
"""Blocks with a switch: manifests and the API spell `enabled` in them."""
FieldType: TypeAlias = (
    FlagType | TextType | BundleType | WordType | WordsType | CountType | PricesType | GeoType | SwitchedType
)

Fits: TypeAlias = Callable[[Value], bool]


def parts_of(field_type: FieldType) -> tuple[str, ...]:
    """The parts by which differences in a block are shown; none for what is compared as a whole, or by country."""
    return field_type.parts if isinstance(field_type, GeoType | LimitType | RewardType) else ()


def fits_of(field_type: FieldType) -> Fits:
    """A test for canonical values of the type, as far as readers rely on their form; None is tested separately."""
    fits: Fits
    match field_type:
        case FlagType():
            fits = _is_flag
        case TextType() | BundleType() | WordType():
            fits = _is_text
        case WordsType():
            fits = _is_list
        case CountType():
            fits = _is_number
        case PricesType():
            fits = _is_mapping
        case GeoType():
            fits = _is_block(include=_is_flag, countries=_is_list)
        case LimitType():
            fits = _is_block(value=_is_number, unit=_is_text)
        case RewardType():
            fits = _is_block(currency=_is_text, amount=_is_number)
        case _:
            assert_never(field_type)
    return fits


def _is_text(value: Value) -> bool:
    return type(value) is str


def _is_flag(value: Value) -> bool:
    return type(value) is bool


def _is_number(value: Value) -> bool:
    return type(value) is int or type(value) is Decimal


def _is_list(value: Value) -> bool:
    return type(value) is tuple


def _is_mapping(value: Value) -> bool:
    return isinstance(value, Mapping)  # of prices, as `from_json` sees to


def _is_block(**parts: Fits) -> Fits:
    def fits(value: Value) -> bool:
        return (
            isinstance(value, Mapping)
            and value.keys() <= parts.keys()
            and all(parts[name](part) for name, part in value.items())
        )

    return fits
