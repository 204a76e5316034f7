"""Values that are made from JSON when they are asked for, and what a comparison needs to do without them.

Declared fields, the row of an answer and the line of a ledger are all JSON. Where they are equal as JSON, nobody has to
make canonical values of them. Lists and mappings here equal the tuples and dicts that they stand for.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, assert_never, overload

from reconciler.model.address import Address
from reconciler.model.field import (
    LARGEST_NUMBER,
    PLACEMENT_FIELDS,
    UNITS,
    BundleType,
    CountType,
    FieldSpec,
    FieldType,
    FlagType,
    GeoType,
    LimitType,
    PricesType,
    RewardType,
    TextType,
    WordsType,
    WordType,
    fields_from_json,
)
from reconciler.model.state import DesiredPlacement, LiveResource
from reconciler.model.value import WORLDWIDE, Value, is_text, number, price, to_json

Item = TypeVar("Item")


class JsonFields(Mapping[str, Value]):
    """A resource's fields, made of `raw` when they are asked for: JSON that `fields_from_json` can read.

    `raw` is never changed.
    """

    __slots__ = ("_made", "raw")

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self._made: Mapping[str, Value] | None = None

    def _fields(self) -> Mapping[str, Value]:
        if self._made is None:
            self._made = fields_from_json(self.raw)
        return self._made

    def __getitem__(self, name: str) -> Value:
        return self._fields()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    def __repr__(self) -> str:
        return repr(self._fields())


class LazySequence(Sequence[Item]):  # noqa: PLW1641 - what is made of dicts has no hash
    """A tuple of a known length whose items are made when one is asked for."""

    __slots__ = ("_length", "_made", "_make")

    def __init__(self, length: int, make: Callable[[], Sequence[Item]]) -> None:
        self._length, self._make = length, make
        self._made: tuple[Item, ...] | None = None

    def _items(self) -> tuple[Item, ...]:
        if self._made is None:
            self._made = tuple(self._make())
        return self._made

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, at: int | slice) -> Item | tuple[Item, ...]:
        return self._items()[at]

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items())

    def __len__(self) -> int:
        return self._length

    def __eq__(self, other: object) -> bool:
        return self._items() == (other._items() if isinstance(other, LazySequence) else other)

    def __repr__(self) -> str:
        return repr(self._items())


class Outline(NamedTuple):
    """What of a placement block a comparison needs: `fields` are the declared ones as JSON."""

    address: Address
    fields: Mapping[str, Any]
    pin: str | None = None
    protect: bool = False


class OutlinedPlacements(LazySequence[DesiredPlacement]):
    """The placements of an app block; `outlines` makes those of all of them, or None where one has none.

    `app` is the address of that block, `raw` the bytes that both are made of.
    """

    __slots__ = ("app", "outlines", "raw")

    def __init__(
        self,
        app: Address,
        raw: bytes,
        length: int,
        make: Callable[[], Sequence[DesiredPlacement]],
        outlines: Callable[[], Sequence[Outline] | None],
    ) -> None:
        super().__init__(length, make)
        self.app, self.raw, self.outlines = app, raw, outlines


class SettledPlacements(LazySequence[LiveResource]):
    """The list of an app's placements, each of which is the one of its name among the `declared` blocks.

    `ids` are in the order of the list, `outlines` and `found` (ids as well) in that of the blocks. Every placement is
    as declared, but for those in `differing`, which is by place among the blocks. `read` gives what is at a place of
    the list. `unrecorded` are the places of blocks whose line in the ledger does not say just this, None where nobody
    looked.
    """

    __slots__ = ("_outlines", "_read", "declared", "differing", "found", "ids", "unrecorded")

    def __init__(  # noqa: PLR0913 - what is known of the list, and what makes the rest
        self,
        declared: Sequence[DesiredPlacement],
        ids: Sequence[str],
        found: Sequence[str],
        differing: Collection[int],
        *,
        make: Callable[[], Sequence[LiveResource]],
        read: Callable[[int], LiveResource],
        outlines: Sequence[Outline] | None = None,
        unrecorded: Collection[int] | None = None,
    ) -> None:
        super().__init__(len(ids), make)
        self.unrecorded = unrecorded
        self.declared, self.ids, self.found, self.differing = declared, ids, found, differing
        self._outlines, self._read = outlines, read

    @property
    def outlines(self) -> Sequence[Outline]:
        """Those of the blocks, made when they are asked for where they were not known before."""
        if self._outlines is None:
            self._outlines = outlines_of(self.declared) or ()
        return self._outlines

    def at(self, place: int) -> LiveResource:
        """The resource that the block at a place stands for."""
        at = self.ids.index(self.found[place])
        return self._read(at) if self._made is None else self._made[at]


def ids_of(listed: Sequence[LiveResource]) -> Sequence[str]:
    """The ids of a list of resources, in its order."""
    return listed.ids if isinstance(listed, SettledPlacements) else [each.id for each in listed]


def outlines_of(blocks: Sequence[DesiredPlacement]) -> Sequence[Outline] | None:
    """The outlines of placement blocks; None where one of them has none."""
    if isinstance(blocks, OutlinedPlacements):
        return blocks.outlines()
    outlines = [outline for block in blocks if (outline := _outline(block)) is not None]
    return outlines if len(outlines) == len(blocks) else None


def _outline(block: DesiredPlacement) -> Outline | None:
    """The outline of a block that is to be there under the name that it always had; None for others."""
    fields = fields_as_json(block.fields) if block.state == "present" and block.renamed_from is None else None
    return None if fields is None else Outline(block.address, fields, block.pin, block.lifecycle.protect)


def fields_as_json(fields: Mapping[str, Value]) -> dict[str, Any] | None:
    """The declared fields of a placement as JSON, in their order.

    None where any value is not in the one form that a reading of that JSON gives: then JSON that is equal to it need
    not be an equal value.
    """
    written: dict[str, Any] = {}
    for name, value in fields.items():
        write = _WRITERS.get(name)
        if write is None or (raw := write(value)) is _UNFIT:
            return None
        written[name] = raw
    return written if type(written.get("name")) is str else None


_UNFIT: Final = object()
Writer: TypeAlias = Callable[[Any], Any]
"""A value as JSON, or `_UNFIT`."""


@lru_cache(maxsize=4096)
def _exact_number(exact: Decimal) -> Any:
    """A price of 0 or more as a number that is read as this very price."""
    raw = to_json(exact)
    return raw if exact >= 0 and str(price(raw)) == str(exact) else _UNFIT


def _prices(table: Any) -> Any:
    if not isinstance(table, Mapping) or WORLDWIDE not in table or not _are_countries(table):
        return _UNFIT
    written = {country: _exact_number(exact) if type(exact) is Decimal else _UNFIT for country, exact in table.items()}
    return _UNFIT if _UNFIT in written.values() else written


def _are_countries(countries: Any) -> bool:
    text = "".join(countries)
    return text.isascii() and text.isalpha() and text.isupper() and "" not in countries


def _words(choices: frozenset[str]) -> Writer:
    @lru_cache(maxsize=1024)
    def written(words: tuple[str, ...]) -> Any:
        return list(words) if words and choices.issuperset(words) and sorted(set(words)) == [*words] else _UNFIT

    return lambda value: [*known] if type(value) is tuple and (known := written(value)) is not _UNFIT else _UNFIT


def _geo(block: Any) -> Any:
    if not isinstance(block, Mapping) or block.keys() != {"include", "countries"}:
        return _UNFIT
    include, countries = block["include"], block["countries"]
    if type(include) is not bool or type(countries) is not tuple or not countries or not _are_countries(countries):
        return _UNFIT
    listed = [*countries]
    return {"include": include, "countries": listed} if listed == sorted(set(countries)) else _UNFIT


def _flag(value: Any) -> Any:
    return value if type(value) is bool else _UNFIT


def _word(choices: tuple[str, ...]) -> Writer:
    return lambda value: value if type(value) is str and value in choices else _UNFIT


def _is_count(value: Any) -> bool:
    return type(value) is int and abs(value) < LARGEST_NUMBER


def _count(value: Any) -> Any:
    return value if _is_count(value) else _UNFIT


def _limit(block: Any) -> Any:
    fits = isinstance(block, Mapping) and block.keys() == {"value", "unit"}
    return dict(block) if fits and _is_count(block["value"]) and block["unit"] in UNITS else _UNFIT


def _reward(block: Any) -> Any:
    if not isinstance(block, Mapping) or block.keys() != {"currency", "amount"}:
        return _UNFIT
    amount, currency = block["amount"], block["currency"]
    if not currency or not is_text(currency):
        return _UNFIT
    if _is_count(amount):
        return {"currency": currency, "amount": amount}
    raw = to_json(amount) if type(amount) is Decimal else _UNFIT
    is_exact = type(raw) is float and repr(number(raw)) == repr(amount)
    return {"currency": currency, "amount": raw} if is_exact else _UNFIT


def _text(known: tuple[str, ...]) -> Writer:
    exact, folded = frozenset(known), {word.lower() for word in known}

    def written(value: Any) -> Any:
        if not value or not is_text(value):
            return _UNFIT
        return value if value in exact or value.strip().lower() not in folded else _UNFIT

    return written


def _writer(spec: FieldSpec) -> Writer:
    write = _writer_of(spec.type)
    if spec.when_unset is not None:
        return write
    return lambda value: None if value is None else write(value)


def _writer_of(field_type: FieldType) -> Writer:
    write: Writer
    match field_type:
        case FlagType():
            write = _flag
        case TextType() | BundleType():
            write = _text(field_type.known if isinstance(field_type, TextType) else ())
        case WordType(choices):
            write = _word(choices)
        case WordsType(choices):
            write = _words(frozenset(choices))
        case CountType():
            write = _count
        case PricesType():
            write = _prices
        case GeoType():
            write = _geo
        case LimitType() | RewardType():
            write = _limit if isinstance(field_type, LimitType) else _reward
        case _:
            assert_never(field_type)
    return write


_WRITERS: Final = {name: _writer(spec) for name, spec in PLACEMENT_FIELDS.items()}
