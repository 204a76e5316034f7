"""Records of a report, whatever holds it: a header, and rows of values, one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

LONGEST_TEXT: Final = 1_000
"""Signs of a value: no name or number of a report is longer."""
_WHOLE: Final = 10**15
"""Below it a binary fraction holds every whole number."""
Row: TypeAlias = tuple[int, Sequence[str]]
"""Where a row stands (see `Records.unit`), and its values as texts; what is not there is an empty text."""


@dataclass(frozen=True, slots=True)
class Records:
    """A report as it is read. `unit`: what places are counted in, `line` or `row`; rows can be gone through once.

    `name` is what it may be called where it is shown; it holds no secret. `delimiter` is what parts columns of a text,
    and `notes` what else there is to say of how it was read.
    """

    name: str
    unit: str
    header: tuple[str, ...]
    rows: Iterator[Row]
    delimiter: str = ""
    notes: tuple[str, ...] = ()


def as_text(value: Any) -> str:
    """A value of a typed column as a text that can be read in one way alone."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return _number_text(value)
        case datetime() if value.tzinfo is not None:
            return value.isoformat(sep="T", timespec="seconds")
        case date():
            return value.isoformat()[:10]
        case _:
            return str(value)[: LONGEST_TEXT + 1]


def _number_text(value: float | Decimal) -> str:
    """With an exponent, so that its point cannot be taken for one between thousands; whole ones by their digits.

    An id is whole as well, in a column that became one of fractions because a value is missing in it.
    """
    if isinstance(value, int):
        return str(value)
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if number.is_finite() and abs(number) < _WHOLE and number == number.to_integral_value():
        return str(int(number))
    return f"{number:E}".replace("E", "e") if number.is_finite() else "nan"
