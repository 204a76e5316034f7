"""Canonical values: the one form that manifests, live answers, ledgers and plans are compared in.

A resource's fields are a mapping from the API's field name to a canonical value. A missing key means that the field is
unknown (a manifest does not manage it, an answer did not return it): read it with `fields.get(name, ABSENT)`. `None` is
a value: the block is off. Floors are a table of country -> price in USD per thousand impressions, with `WW` for
countries without a line.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Final, TypeAlias

import orjson

Value: TypeAlias = bool | int | str | Decimal | tuple[str, ...] | Mapping[str, "Value"] | None
Fields: TypeAlias = Mapping[str, Value]


class Absent(Enum):
    """The absence of a field. Distinct from None, which is a value."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT

PLACES: Final = 6
"""Decimal places of a price or amount."""


def price(raw: Any) -> Decimal:
    """A price in USD per thousand impressions, exact to a millionth.

    A Decimal, which is what a manifest says, is taken as it is. A double is rounded and taken in its shortest form: so
    1.20, "1.2" and 1.2000000000000002 are one value, and a server that computes in binary does not always differ from
    the manifest. Raises ValueError for what is not a finite number.
    """
    if isinstance(raw, float):
        return _price_of_float(raw)
    if isinstance(raw, Decimal) and raw.is_finite():
        return _price_of_decimal(raw)
    if isinstance(raw, bool):
        raise ValueError("a price is a number, not true or false")  # noqa: TRY004 - as for any other bad number
    return _exact(raw)


@lru_cache(maxsize=4096)
def _price_of_decimal(raw: Decimal) -> Decimal:
    """The same number in the form that prices have, with one decimal at least.

    More digits than a double holds, or more decimals than are told apart, are rounded as those of a double are: to
    the value that a server gives back.
    """
    _, digits, exponent = raw.as_tuple()
    if not isinstance(exponent, int) or exponent < -PLACES or len(digits) + max(exponent, 0) > _DIGITS:
        return _exact(raw)
    return raw.quantize(_TENTH) if raw == raw.to_integral_value() else raw.normalize()


_TENTH: Final = Decimal("0.1")
_DIGITS: Final = 15
"""Digits that every double keeps."""


_PLAIN: Final = re.compile(r"[-+]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?")
"""A number as programs write it. Python would also read marks between digits, and digits of other scripts."""


def _exact(raw: Any) -> Decimal:
    if isinstance(raw, str) and not _PLAIN.fullmatch(raw.strip(" \t")):
        raise _not_a_number(raw)
    try:
        exact = Decimal(repr(round(float(raw), PLACES)))
    except (TypeError, ValueError, OverflowError) as error:
        raise _not_a_number(raw) from error
    if not exact.is_finite():
        raise ValueError("a price is a finite number")
    return exact


def _not_a_number(raw: Any) -> ValueError:
    return ValueError(f"{json.dumps(raw, ensure_ascii=False, default=str)[:60]} is not a number")


_price_of_float: Final = lru_cache(maxsize=4096)(_exact)
"""An account has many floors and few prices: each is made exact once, and equal ones are the same object, which makes
comparing them cheap. Floats alone, as 1 == True."""


def is_rounded(raw: float | Decimal) -> bool:
    """Whether rounding a finite number to `PLACES` changes it by more than the noise of binary numbers."""
    double = float(raw)
    return abs(double - round(double, PLACES)) > _NOISE * max(abs(double), 1)


_NOISE: Final = 1e-12


def number(raw: Any) -> int | Decimal:
    """A count or amount: an int where it is whole, else an exact Decimal. Raises ValueError otherwise."""
    if type(raw) is int:  # the common case, and a bool is none
        return raw
    exact = price(raw)
    return int(exact) if exact == exact.to_integral_value() else exact


def to_json(value: Value) -> Any:
    """The value as `json` writes it: tuples as lists, Decimals as numbers."""
    if type(value) in _JSON_ALREADY:  # most values are
        return value
    match value:
        case Decimal():
            return _json_number(value)
        case tuple():
            return list(value)
        case str() | int() | None:  # before the test for a mapping, which is dear
            return value
        case Mapping():
            return {key: _json_number(part) if type(part) is Decimal else to_json(part) for key, part in value.items()}
        case _:
            return value


_JSON_ALREADY: Final = frozenset((str, int, bool, type(None)))


@lru_cache(maxsize=4096)
def _json_number(exact: Decimal) -> int | float:
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def is_text(raw: Any) -> bool:
    """Whether a JSON value is a text that can be written as UTF-8."""
    if type(raw) is not str:
        return False
    if not raw.isascii():
        try:
            raw.encode()
        except UnicodeEncodeError:
            return False
    return True


def fields_to_json(fields: Fields) -> dict[str, Any]:
    """A resource's fields as a JSON object, sorted by name."""
    return {name: value if type(value := fields[name]) in _JSON_ALREADY else to_json(value) for name in sorted(fields)}


def canonical_json(data: Any) -> str:
    """One line of JSON that is the same for equal data: keys sorted, no spaces, text kept as it is.

    It is what `json` writes. orjson writes the same faster, but for very large and very small numbers
    (1e16, 0.00001), and what it does not know. Numbers are finite.
    """
    try:
        line = orjson.dumps(data, option=_CANONICAL)
    except TypeError:
        return _ENCODER.encode(data)
    if type(data) is float or _SPELLED_OTHERWISE.search(line):
        return _ENCODER.encode(data)
    return line.decode()


_CANONICAL: Final = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)
_SPELLED_OTHERWISE: Final = re.compile(rb"[:,[]-?(?:0\.0000|[0-9.]+e-?[0-9]+[],}])")
"""Numbers of a list or object that `json` may spell in another way; what looks like one in a text does no harm."""


def value_text(value: Value | Absent) -> str:
    """A value in a sentence: canonical JSON, `(none)` for None and `not shown` for a field that is absent."""
    if isinstance(value, Absent):
        return "not shown"
    return "(none)" if value is None else canonical_json(to_json(value))


_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def kind_of_json(raw: Any) -> str:
    """The kind of a JSON value, without its content, which may be long or secret."""
    match raw:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case _:
            return "an object"


def document_json(data: Any) -> str:
    """JSON as people and files get it: indented by two, keys in their order, text kept as it is.

    `json` indents in Python, at twenty times the cost of orjson; it writes what orjson does not know (lone surrogates,
    integers beyond 64 bits).
    """
    try:
        return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()
    except TypeError:
        return json.dumps(data, indent=2, ensure_ascii=False)


def line_json(data: Any) -> bytes:
    """A line of a JSON Lines file, its end included: keys sorted, no spaces."""
    try:
        return orjson.dumps(data, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # as above
        return (canonical_json(data) + "\n").encode("utf-8", "backslashreplace")


def digest(data: Any) -> str:
    """`sha256:` and the hex digest of the data's canonical JSON."""
    return "sha256:" + hashlib.sha256(canonical_json(data).encode("utf-8", "backslashreplace")).hexdigest()


def leaves(path: str, value: Value) -> Iterator[tuple[str, Value]]:
    """Every leaf below a value with its dotted path; an empty mapping is a leaf of its own."""
    if isinstance(value, Mapping) and value:
        for key in sorted(value):
            yield from leaves(f"{path}.{key}", value[key])
    else:
        yield path, value


WORLDWIDE: Final = "WW"
MINIMUM: Final = Decimal("0.01")
"""The least floor the API takes, and the one that counts as no floor at all."""

Floors: TypeAlias = Mapping[str, Decimal]


def complete(floors: Floors) -> Floors:
    """The table with the worldwide line the server adds when it is not sent (USD 0.01)."""
    return floors if WORLDWIDE in floors else {**floors, WORLDWIDE: MINIMUM}


def floor_table(value: Value) -> Floors | None:
    """The value of the field `floorPrices` as a whole table; None for what is none."""
    if not isinstance(value, Mapping):
        return None
    return complete({country: price for country, price in value.items() if isinstance(price, Decimal)})


def effective(floors: Floors, country: str) -> Decimal:
    """The floor that holds in a country: its own line, else the worldwide one."""
    own = floors.get(country)
    return own if own is not None else floors.get(WORLDWIDE, MINIMUM)


def percent_change(before: Decimal, after: Decimal) -> Decimal | None:
    """The change in percent of `before`; None where `before` counts as no floor."""
    return None if before <= MINIMUM else (after - before) * 100 / before
