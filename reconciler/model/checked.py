"""Checks of values read from files: plans, ledgers, journals, evidence.

Every function returns the value, or raises ValueError with a short text that says what is wrong with it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from reconciler.model.field import PRICED, TYPES, fits_of, from_json
from reconciler.model.value import Fields, Value, kind_of_json

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


def _field(name: str, raw: Any) -> Value:
    value = from_json(name, raw)
    fits = _FORMS.get(name)
    if fits is not None and not (fits(value) or (value is None and name not in PRICED)):
        raise ValueError(f"{name} is {kind_of_json(raw)} of another form")
    return value


_FORMS: Final = {name: fits_of(field_type) for name, field_type in TYPES.items()}
