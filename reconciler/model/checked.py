"""Checks of values read from files: plans, ledgers, journals, evidence.

Every function returns the value, or raises ValueError with a short text that says what is wrong with it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypeVar, assert_never

from reconciler.model.field import (
    PRICED,
    TYPES,
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
    fits_of,
    from_json,
)
from reconciler.model.settled import JsonFields
from reconciler.model.value import Fields, Value, is_text, kind_of_json

Checked = TypeVar("Checked")

LONGEST_ID: Final = 64
"""Characters. The API's ids have six digits; ids are put into URLs and bodies unchanged."""

_MOST: Final = 2**53
_FIRST_YEAR, _LAST_YEAR = 1990, 2999
"""Years beyond these are mistakes, and near the limits of date arithmetic."""


def text(raw: Any) -> str:
    """A text that can be written as UTF-8."""
    if type(raw) is not str:
        raise ValueError(f"{kind_of_json(raw)} where a text belongs")
    if not raw.isascii():
        try:
            raw.encode()
        except UnicodeEncodeError:
            raise ValueError("a text with half a character") from None
    return raw


def identifier(raw: Any) -> str:
    """An id, as a text or as a whole number: at most 64 visible characters of ASCII."""
    text_of_id = str(raw) if type(raw) is int and 0 <= raw < _MOST else raw
    if type(text_of_id) is not str:
        raise ValueError(f"{kind_of_json(raw)} where an id belongs")
    if not 1 <= len(text_of_id) <= LONGEST_ID:
        raise ValueError(f"an id of {len(text_of_id):,} characters")
    if not (text_of_id.isascii() and text_of_id.isprintable() and " " not in text_of_id):
        raise ValueError("an id with characters that no id has")
    return text_of_id


def optional(check: Callable[[Any], Checked], raw: Any) -> Checked | None:
    """None for None, else the checked value."""
    return None if raw is None else check(raw)


def flag(raw: Any) -> bool:
    """True or false."""
    if type(raw) is not bool:
        raise ValueError(f"{kind_of_json(raw)} where true or false belongs")
    return raw


def count(raw: Any) -> int:
    """A whole number from 0 on."""
    if type(raw) is not int or not 0 <= raw < _MOST:
        raise ValueError(f"{kind_of_json(raw)} where a count belongs")
    return raw


def instant(raw: Any) -> datetime:
    """A time in UTC; a text without an offset is taken to be in UTC."""
    try:
        at = datetime.fromisoformat(text(raw))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{kind_of_json(raw)} where a time belongs") from None
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise ValueError(f"a time in the year {at.year}")
    return at


def instant_text(raw: Any) -> str:
    """The text of a time, unchanged."""
    instant(raw)
    return str(raw)


def objects(raw: Any) -> Mapping[str, Any]:
    """A JSON object."""
    if type(raw) is not dict:
        raise ValueError(f"{kind_of_json(raw)} where an object belongs")
    return raw


def listed(check: Callable[[Any], Checked], raw: Any) -> tuple[Checked, ...]:
    """A list as a tuple, each item checked."""
    if type(raw) is not list:
        raise ValueError(f"{kind_of_json(raw)} where a list belongs")
    return tuple(map(check, raw))


def fields(raw: Any) -> Fields:
    """A resource's fields by name; those of known names in canonical form."""
    return {text(name): _field(name, value) for name, value in objects(raw).items()}


def lazy_fields(raw: Any) -> Fields:
    """As `fields`; where all are plainly of their forms they are made when somebody asks for one."""
    forms = _plain_forms(tuple(raw)) if type(raw) is dict else None
    if forms is None:
        return fields(raw)
    for (plain_type, is_plain, may_be_off), value in zip(forms, raw.values(), strict=True):
        if type(value) is not plain_type:
            if value is not None or not may_be_off:
                return fields(raw)
        elif is_plain is not None and not is_plain(value):
            return fields(raw)
    return JsonFields(raw)


def _field(name: str, raw: Any) -> Value:
    value = from_json(name, raw)
    fits = _FORMS.get(name)
    if fits is not None and not (fits(value) or (value is None and name not in PRICED)):
        raise ValueError(f"{name} is {kind_of_json(raw)} of another form")
    return value


_FORMS: Final = {name: fits_of(field_type) for name, field_type in TYPES.items()}


def _is_plain_number(raw: int) -> bool:
    return -_MOST < raw < _MOST


def _is_plain_list(raw: list[Any]) -> bool:
    return _TEXTS.issuperset(map(type, raw)) and "".join(raw).isascii()


def _are_plain_prices(raw: dict[str, Any]) -> bool:
    """Whether these are numbers by country, neither below zero nor so large that adding them up could hide one."""
    if not ("".join(raw).isascii() and _NUMBERS.issuperset(map(type, raw.values()))):
        return False
    return min(raw.values(), default=0) >= 0 and sum(raw.values()) < _MOST


_TEXTS: Final = frozenset((str,))
_NUMBERS: Final = frozenset((int, float))


def _is_plain_geo(raw: dict[str, Any]) -> bool:
    countries = raw.get("countries")
    return len(raw) == len(GeoType.parts) and type(raw.get("include")) is bool and (
        type(countries) is list and _is_plain_list(countries)
    )  # fmt: skip


def _is_plain_limit(raw: dict[str, Any]) -> bool:
    value, unit = raw.get("value"), raw.get("unit")
    return len(raw) == len(LimitType.parts) and type(value) is int and _is_plain_number(value) and is_text(unit)


def _is_plain_reward(raw: dict[str, Any]) -> bool:
    amount, currency = raw.get("amount"), raw.get("currency")
    return len(raw) == len(RewardType.parts) and type(amount) is int and _is_plain_number(amount) and is_text(currency)


_Test: TypeAlias = Callable[[Any], bool]


def _plain_form(field_type: FieldType) -> tuple[type, _Test | None]:
    """The type in JSON of values of the field type, and a quick test of one; what fails it may be one all the same."""
    form: tuple[type, _Test | None]
    match field_type:
        case FlagType():
            form = bool, None
        case TextType() | BundleType() | WordType():
            form = str, is_text
        case WordsType():
            form = list, _is_plain_list
        case CountType():
            form = int, _is_plain_number
        case PricesType():
            form = dict, _are_plain_prices
        case GeoType():
            form = dict, _is_plain_geo
        case LimitType():
            form = dict, _is_plain_limit
        case RewardType():
            form = dict, _is_plain_reward
        case _:
            assert_never(field_type)
    return form


_PLAIN: Final = {name: (*_plain_form(field_type), name not in PRICED) for name, field_type in TYPES.items()}


@lru_cache(maxsize=1024)
def _plain_forms(names: tuple[str, ...]) -> tuple[tuple[type, _Test | None, bool], ...] | None:
    """The plain forms of fields, each with whether it may be off; None where one has no such form."""
    forms = [_PLAIN.get(name) for name in names]
    known = tuple(form for form in forms if form is not None)
    return known if len(known) == len(forms) else None
