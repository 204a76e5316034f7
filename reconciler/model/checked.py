"""Checks of values read from files: plans, ledgers, journals, evidence.

Every function returns the value, or raises ValueError with a short text that says what is wrong with it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, assert_never

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
    if type(raw) is dict:
        for name, value in raw.items():
            is_plain = _PLAIN.get(name)
            if is_plain is None or not (is_plain(value) or (value is None and name not in PRICED)):
                break
        else:
            return JsonFields(raw)
    return fields(raw)


def _field(name: str, raw: Any) -> Value:
    value = from_json(name, raw)
    fits = _FORMS.get(name)
    if fits is not None and not (fits(value) or (value is None and name not in PRICED)):
        raise ValueError(f"{name} is {kind_of_json(raw)} of another form")
    return value


_FORMS: Final = {name: fits_of(field_type) for name, field_type in TYPES.items()}


def _is_plain_list(raw: Any) -> bool:
    return type(raw) is list and all(map(is_text, raw))


def _is_plain_number(raw: Any) -> bool:
    return type(raw) is int and -_MOST < raw < _MOST


def _are_plain_prices(raw: Any) -> bool:
    """Whether these are numbers by country, neither below zero nor so large that adding them up could hide one."""
    if type(raw) is not dict or not _NUMBERS.issuperset(map(type, raw.values())):
        return False
    return all(map(is_text, raw)) and min(raw.values(), default=0) >= 0 and sum(raw.values()) < _MOST


_NUMBERS: Final = frozenset((int, float))


def _is_plain_block(**parts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def is_plain(raw: Any) -> bool:
        if type(raw) is not dict or not raw.keys() <= parts.keys():
            return False
        return all(parts[name](part) for name, part in raw.items())

    return is_plain


def _is_plain_flag(raw: Any) -> bool:
    return type(raw) is bool


def _plain_form(field_type: FieldType) -> Callable[[Any], bool]:
    """A quick test that JSON is a value of the type; what fails it may be one all the same."""
    is_plain: Callable[[Any], bool]
    match field_type:
        case FlagType():
            is_plain = _is_plain_flag
        case TextType() | BundleType() | WordType():
            is_plain = is_text
        case WordsType():
            is_plain = _is_plain_list
        case CountType():
            is_plain = _is_plain_number
        case PricesType():
            is_plain = _are_plain_prices
        case GeoType():
            is_plain = _is_plain_block(include=_is_plain_flag, countries=_is_plain_list)
        case LimitType():
            is_plain = _is_plain_block(value=_is_plain_number, unit=is_text)
        case RewardType():
            is_plain = _is_plain_block(currency=is_text, amount=_is_plain_number)
        case _:
            assert_never(field_type)
    return is_plain


_PLAIN: Final = {name: _plain_form(field_type) for name, field_type in TYPES.items()}
