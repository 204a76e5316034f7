"""The fields of apps and placements, one entry for each: its type, its documentation, and what an unset one means.

One table for the whole program: manifests and their schemas, comparison, plans, the wire, the sandbox and reports are
derived from it. Facts are the vendor's Management API pages, and where these are silent, what was seen of the API.

A type says what canonical values it has. Each room has one function that matches over `FieldType`, closed with
`assert_never`: how a manifest declares a value of the type, how the API spells it, how the sandbox checks it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final, TypeAlias, assert_never

from reconciler.model.address import Kind
from reconciler.model.value import ABSENT, Absent, Fields, Value, is_text, kind_of_json, number, price

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
    """A whole number from 0."""


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


PLATFORMS: Final = ("android", "ios")
STATUSES: Final = ("active", "inactive")
PLACEMENT_TYPES: Final = ("Banner", "Rewarded", "Interstitial", "MREC")
CREATIVE_TYPES: Final = ("video", "display")
CONNECTIVITY: Final = ("Cellular", "WIFI")
KNOWN_SKIPABILITY: Final = ("NonSkippable",)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of one kind of resource.

    `description` and `examples`, which are as a manifest declares the field, go into schemas and into the reference.
    `remedy` says what a user can do about a difference in a field that the API cannot change; None where it can.
    `when_unset` is what a full answer without the field means; ABSENT where it means nothing. None is a field that
    can be turned off, and `can_be_emptied` is a text that can be taken away. `only_for` names the one placement type
    that has the field. `required_to_create` is one that no resource is created without.
    """

    name: str
    type: FieldType
    description: str
    examples: tuple[Any, ...]
    remedy: str | None = None
    when_unset: "Value | Absent" = ABSENT
    only_for: str | None = None
    required_to_create: bool = False
    can_be_emptied: bool = False

    @property
    def turns_off(self) -> bool:
        """Whether None is a value of the field: it is off, or empty."""
        return self.when_unset is None or self.can_be_emptied


def _by_name(*specs: FieldSpec) -> Mapping[str, FieldSpec]:
    return {spec.name: spec for spec in specs}


_STORE_OWNED = (
    "the API cannot change it after creation: change it in the console, or write the live value in the manifest"
)
_IDENTITY = "it is fixed after creation: {} is another app, give it a block of its own"

APP_FIELDS: Final = _by_name(
    FieldSpec(
        "platform",
        WordType(PLATFORMS),
        "The store's platform.",
        ("android",),
        remedy=_IDENTITY.format("another platform"),
        required_to_create=True,
    ),
    FieldSpec(
        "bundle",
        BundleType(),
        "Android package name; for iOS the App Store number or a bundle id.",
        ("com.cash_crash.54", 1234567),
        remedy=_IDENTITY.format("another bundle"),
        required_to_create=True,
    ),
    FieldSpec(
        "name",
        TextType(),
        "Needed to create the app.",
        ("CashCrash",),
        remedy="the vendor takes it from the store",
        required_to_create=True,
    ),
    FieldSpec(
        "category1",
        TextType(),
        "First store category; needed to create the app.",
        ("Finance",),
        remedy=_STORE_OWNED,
        required_to_create=True,
    ),
    FieldSpec("category2", TextType(), "Second store category.", ("Business",), remedy=_STORE_OWNED),
    FieldSpec("status", WordType(STATUSES), "Whether the app serves ads.", ("active",)),
    FieldSpec(
        "coppa",
        FlagType(),
        "Directed to children under 13 (COPPA); needed to create the app.",
        (False,),
        required_to_create=True,
    ),
    FieldSpec(
        "rewardedAdUrl",
        TextType(),
        "https address called for rewards; should hold the macro {{USER_ID}}. null takes it away.",
        ("https://example.com/cb?user_id={{USER_ID}}&amount={{AMOUNT}}&sig={{SIG}}",),
        can_be_emptied=True,
    ),
)

PLACEMENT_FIELDS: Final = _by_name(
    FieldSpec("name", TextType(), "The placement's name, unique within its app.", ("int_13",), required_to_create=True),
    FieldSpec(
        "placementType",
        WordType(PLACEMENT_TYPES),
        "What it shows; fixed once created.",
        ("Interstitial",),
        remedy="it is fixed after creation: declare a new placement under another name, and make this one absent",
        required_to_create=True,
    ),
    FieldSpec("status", WordType(STATUSES), "Whether it serves ads.", ("active",)),
    FieldSpec("coppa", FlagType(), "Directed to children under 13 (COPPA).", (False,), required_to_create=True),
    FieldSpec(
        "creativeTypes",
        WordsType(CREATIVE_TYPES),
        "Kinds of creative; Interstitial only.",
        (["video", "display"],),
        only_for="Interstitial",
    ),
    FieldSpec("bannerRefresh", CountType(), "Refresh interval, 0 for none; Banner only.", (45,), only_for="Banner"),
    FieldSpec(
        "floorPrices",
        PricesType(),
        "Least prices in USD per thousand impressions, by country, group, or WW for all others (0.01 unless said). A"
        " country's own line beats its group's.",
        ({"WW": 0.01, "US": 1.2}, [{"country": "US", "price": 1.2}]),
    ),
    FieldSpec(
        "targetingEnabled",
        FlagType(),
        "Must be true where geo or connectivity are set.",
        (True,),
        when_unset=False,
    ),
    FieldSpec(
        "geo",
        GeoType(),
        "Countries to ask for ads in; null turns it off.",
        ({"include": True, "countries": ["BT", "SG"]},),
        when_unset=None,
    ),
    FieldSpec(
        "connectivity",
        WordsType(CONNECTIVITY),
        "Connections to ask for ads on; null turns it off.",
        (["WIFI"],),
        when_unset=None,
    ),
    FieldSpec(
        "capping",
        LimitType(),
        "Most impressions per second, minute, hour or day; null turns it off.",
        ({"value": 12, "unit": "minute"},),
        when_unset=None,
    ),
    FieldSpec(
        "pacing",
        LimitType(),
        "Least time between impressions; null turns it off.",
        ({"value": 13, "unit": "second"},),
        when_unset=None,
    ),
    FieldSpec(
        "ssrConfig",
        RewardType(),
        "Reward announced from server to server; Rewarded only; null turns it off.",
        ({"currency": "coins", "amount": 10},),
        when_unset=None,
        only_for="Rewarded",
    ),
    FieldSpec("skipability", TextType(KNOWN_SKIPABILITY), "Whether an ad can be skipped.", ("NonSkippable",)),
)

FIELDS: Final[Mapping[Kind, Mapping[str, FieldSpec]]] = {"app": APP_FIELDS, "placement": PLACEMENT_FIELDS}

REQUIRED_TO_CREATE: Final[Mapping[Kind, tuple[str, ...]]] = {
    kind: tuple(spec.name for spec in specs.values() if spec.required_to_create) for kind, specs in FIELDS.items()
}
WRITABLE: Final[Mapping[Kind, frozenset[str]]] = {
    kind: frozenset(name for name, spec in specs.items() if spec.remedy is None) for kind, specs in FIELDS.items()
}
"""The fields that an update can change."""
TYPES: Final[Mapping[str, FieldType]] = {spec.name: spec.type for specs in FIELDS.values() for spec in specs.values()}
"""The type by name alone, for documents that do not say whose field it is: a name is of one type in both kinds."""

PRICED: Final = frozenset(name for name, field_type in TYPES.items() if isinstance(field_type, PricesType))
"""The fields that are tables of prices; the parts of one are named by country."""
TURN_OFF: Final = frozenset(spec.name for specs in FIELDS.values() for spec in specs.values() if spec.turns_off)
"""The fields that can be off."""


def from_json(path: str, raw: Any) -> Value:
    """The inverse of `to_json` for a value of the named field, or for a part of it named by a dotted path."""
    if raw is None or type(raw) is bool or (type(raw) is str and raw.isascii()):
        return raw  # most values are
    match raw:
        case dict() if path in PRICED:
            return {_country_text(country): price(amount) for country, amount in raw.items()}
        case dict() if path.count(".") < _DEEPEST and all(map(is_text, raw)):
            return {key: from_json(f"{path}.{key}", part) for key, part in raw.items()}
        case list() if all(map(is_text, raw)):
            return tuple(raw)
        case str() if is_text(raw):
            return raw
        case int() | float():
            return price(raw) if path.partition(".")[0] in PRICED else _number_in_range(raw)
        case _:
            raise ValueError(f"{path[:40]}: such {kind_of_json(raw)} is not a canonical value")


_DEEPEST: Final = 4
"""Dots in a path; blocks within blocks go no deeper than one."""


def _country_text(raw: str) -> str:
    if not (raw.isascii() or is_text(raw)):
        raise ValueError("a country with half a character")
    return raw


def _number_in_range(raw: float) -> Value:
    exact = number(raw)
    if not -LARGEST_NUMBER < exact < LARGEST_NUMBER:
        raise ValueError("a number that large")
    return exact


LARGEST_NUMBER: Final = 2**53
"""From here on not every whole number is a double."""


def fields_from_json(raw: Mapping[str, Any]) -> Fields:
    """The inverse of `fields_to_json`."""
    return {name: from_json(name, value) for name, value in raw.items()}
