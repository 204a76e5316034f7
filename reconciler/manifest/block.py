"""The base of every manifest model: strict blocks, scalar types with rules of their own, and the order of keys."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, PydanticKnownError

from reconciler.model.address import Kind
from reconciler.model.field import FIELDS, LimitType, RewardType, parts_of
from reconciler.model.value import is_rounded, price
from reconciler.yaml.scalar import Exponential, Spelled

UNSET: Final[Any] = None
"""The default of a field that may be left out. Which fields were written tells `model_fields_set`."""

VERSION: Final = 1
"""The one version of the manifest and settings formats."""

_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
ID_PATTERN: Final = r"^[!-~]+$"
_BUNDLE: Final = r"^[^\s/\x00-\x1f\x7f]+$"
_DAY: Final = r"^\d{4}-\d{2}-\d{2}$"
_SOME_DAY: Final = r"^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"
_LIKE_A_DAY: Final = re.compile(_DAY)


EXTENSION: Final = "x-"
"""How the keys begin that a document may have beside its fields: what stands below them is ignored."""


class Block(BaseModel):
    """A mapping of a manifest: the API's own field names, no unknown ones, no value turned into another type.

    A model is built when it is first used: most are parts or bases of others, and never used alone.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, defer_build=True)


class DocumentBlock(Block):
    """The root of a document. `decode` leaves out its keys that begin with `x-` before they come here."""

    model_config = ConfigDict(
        json_schema_extra={
            "patternProperties": {
                f"^{EXTENSION}": {"description": "Ignored: a place for anchors, which aliases and << refer to."}
            }
        }
    )


def _id_text(raw: Any) -> Any:
    """Ids are written with and without quotes: both are the same text, digit by digit."""
    if isinstance(raw, Spelled):
        return raw.text if raw.text.isdigit() else raw
    return str(raw) if type(raw) is int and 0 <= raw < 10**30 else raw


def _without_exponent(raw: Any) -> Any:
    if isinstance(raw, Exponential):
        raise PydanticCustomError("exponent", "written with an exponent; write it in plain digits")
    return raw


Number: TypeAlias = int | float | Decimal
"""A finite number as it is written: whole, exact, or with an exponent."""


def _number_from(least: float) -> Callable[[Any], Number]:
    """A number that is at least so much, left as it is written."""
    exact_least = Decimal(str(least))

    def number(raw: Any) -> Number:
        if type(raw) is Decimal and raw >= exact_least:  # as nearly all are
            return raw
        if not isinstance(raw, int | float | Decimal) or isinstance(raw, bool):
            raise PydanticKnownError("float_type")
        if isinstance(raw, int) and abs(raw) >= _MOST_EXACT:
            raw = _as_finite_double(raw)
        if isinstance(raw, float) and not isfinite(raw):
            raise PydanticKnownError("finite_number")
        amount: Number = raw
        if amount < exact_least:
            raise PydanticKnownError("greater_than_equal", {"ge": least})
        return amount

    return number


class UsualFloors(dict[Number, Decimal | None]):
    """Floors in canonical form by the number written, filled as they are asked for; None for what is to be reported."""

    __slots__ = ("_most",)

    def __init__(self, most: Decimal) -> None:
        super().__init__()
        self._most = most

    def __missing__(self, amount: Number) -> Decimal | None:
        if len(self) >= _KEPT_FLOORS:
            self.clear()
        exact = price(amount)
        is_usual = amount <= self._most and (exact == amount or not is_rounded(amount))
        floor = self[amount] = exact if is_usual else None
        return floor


_KEPT_FLOORS: Final = 4096
"""Accounts have many floors and few prices."""


_MOST_EXACT: Final = 2**53
"""Whole numbers from here on are taken as the doubles that the API would make of them."""


def _as_finite_double(raw: int) -> float:
    try:
        return float(raw)
    except OverflowError:
        raise PydanticKnownError("float_type") from None


def _as_double(raw: Any) -> Any:
    return float(raw) if isinstance(raw, Decimal) else raw


def _day(raw: Any) -> date:
    if not isinstance(raw, str) or not _LIKE_A_DAY.fullmatch(raw):
        raise PydanticCustomError("day", "no day in that form")
    try:
        return date.fromisoformat(raw)
    except ValueError:
        raise PydanticCustomError("day", "there is no such day") from None


def _known_version(raw: Any) -> Any:
    if type(raw) is not int or raw != VERSION:
        raise PydanticCustomError("version", "unknown version")
    return raw


def _number_or_text(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": ["string", "integer"], "pattern": pattern, "minimum": 0})


Version = Annotated[int, BeforeValidator(_known_version), WithJsonSchema({"const": VERSION})]
Text = Annotated[str, Field(pattern=_PRINTABLE)]
Id = Annotated[str, BeforeValidator(_id_text), Field(pattern=ID_PATTERN), _number_or_text(ID_PATTERN)]
Bundle = Annotated[str, BeforeValidator(_id_text), Field(pattern=_BUNDLE), _number_or_text(_BUNDLE)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date", "pattern": _SOME_DAY})]
Price = Annotated[Number, PlainValidator(_number_from(0.01)), WithJsonSchema({"minimum": 0.01, "type": "number"})]
Amount = Annotated[
    Number,
    PlainValidator(_number_from(0)),
    BeforeValidator(_without_exponent),
    WithJsonSchema({"minimum": 0, "type": "number"}),
]
AS_DOUBLE: Final = BeforeValidator(_as_double)
"""For numbers that nothing is paid with, such as shares and times: behind their limits."""
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
CountOrNone = Annotated[int, Field(ge=0, le=2**31 - 1)]
Percent = Annotated[float, Field(ge=0, allow_inf_nan=False), AS_DOUBLE]


def _fields(kind: Kind, *but: str) -> tuple[str, ...]:
    """The fields in the order of their table, `coppa` before `status`: it is what no create goes without."""
    names = [name for name in FIELDS[kind] if name not in but]
    names.insert(names.index("status"), names.pop(names.index("coppa")))
    return tuple(names)


_SAID_OF_PLACEMENTS: Final = (*_fields("placement", "name", "placementType"), "lifecycle")
_NAMES: Final = ("placementId", "renamedFrom", "state")
_IDENTITY: Final = ("platform", "bundle")

DOCUMENT_KEYS: Final = ("version", "apps")
APP_KEYS: Final = (
    *_IDENTITY,
    "appId",
    *_fields("app", *_IDENTITY),
    "state",
    "prune",
    "lifecycle",
    "placements",
    "waterfalls",
)
PLACEMENT_KEYS: Final = ("name", "placementType", *_NAMES, *_SAID_OF_PLACEMENTS)
TIER_KEYS: Final = ("name", *_NAMES, *_SAID_OF_PLACEMENTS)
WATERFALL_KEYS: Final = ("name", "placementType", *_SAID_OF_PLACEMENTS, "tiers")

INNER_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    **{
        spec.name: (*parts_of(spec.type), *(("enabled",) if isinstance(spec.type, LimitType | RewardType) else ()))
        for specs in FIELDS.values()
        for spec in specs.values()
        if parts_of(spec.type)
    },
    "lifecycle": ("ignoreChanges", "protect", "distinct", "acceptDrift"),
    "acceptDrift": ("field", "reason", "until"),
}
"""Keys of the blocks that stand below a key. Floors keep the order in which people wrote them."""

EVERY_KEY: Final = frozenset(
    (
        *DOCUMENT_KEYS,
        *APP_KEYS,
        *PLACEMENT_KEYS,
        *TIER_KEYS,
        *WATERFALL_KEYS,
        *(key for keys in INNER_KEYS.values() for key in keys),
    )
)
"""The keys that any block may have."""
