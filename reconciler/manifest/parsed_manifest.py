"""What one manifest file comes to, before it is held against the others; and as bytes, to be remembered.

The bytes are JSON: whoever reads them back gets texts, numbers and lists, and runs nothing that stands in them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias, assert_never

import orjson

from reconciler.manifest.findings import IdentityClaim
from reconciler.model.address import Kind
from reconciler.model.desired import AcceptedDrift, DesiredApp, DesiredPlacement, Lifecycle, Source
from reconciler.model.diagnostic import Finding
from reconciler.model.field import FIELDS
from reconciler.model.field_type import (
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
)
from reconciler.model.value import Value

FORMAT: Final = 3
"""Of the bytes. Count it up with every change to them."""

_DEFAULT_LIFECYCLE: Final = Lifecycle()


@dataclass(frozen=True, slots=True)
class ParsedManifest:
    """The apps of a file as they stand in it, what they claim for themselves alone, and what is wrong with them."""

    apps: tuple[DesiredApp, ...]
    claims: tuple[IdentityClaim, ...]
    findings: tuple[Finding, ...]


class DecimalCache(dict[str, Decimal]):
    """Decimals by their text, filled as they are asked for: manifests repeat a few prices many times."""

    __slots__ = ()

    def __missing__(self, text: str) -> Decimal:
        value = self[text] = Decimal(text)
        return value


def parsed_manifest_to_bytes(reading: ParsedManifest) -> bytes | None:
    """The reading as bytes; None for one that cannot be told exactly, such as with an integer of a hundred digits."""
    apps = [
        (
            app.address,
            app.source.line,
            app.fields,
            None if app.placements is None else [_placement_row(one) for one in app.placements],
            app.ladders,
            app.pin,
            app.state,
            app.prune,
            _lifecycle_row(app.lifecycle),
        )
        for app in reading.apps
    ]
    findings = [
        (found.line, found.column, found.code, found.message, found.severity, found.address, found.hint)
        for found in reading.findings
    ]
    try:
        return orjson.dumps([apps, [tuple(claim) for claim in reading.claims], findings], default=_text)
    except TypeError:
        return None


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError


def _placement_row(placement: DesiredPlacement) -> list[Any]:
    row: list[Any] = [placement.address, placement.source.line, placement.fields]
    rest = [placement.pin, placement.renamed_from, placement.state, _lifecycle_row(placement.lifecycle)]
    return row if rest == [None, None, "present", None] else row + rest


def _lifecycle_row(lifecycle: Lifecycle) -> list[Any] | None:
    if lifecycle == _DEFAULT_LIFECYCLE:
        return None
    accepted = [(drift.path, drift.reason, drift.until) for drift in lifecycle.accept_drift]
    return [lifecycle.ignore_changes, lifecycle.protect, accepted, lifecycle.distinct]


def parsed_manifest_from_bytes(data: bytes, file: str, prices: DecimalCache) -> ParsedManifest | None:
    """The inverse, for the file that was read; None for bytes that are none of `parsed_manifest_to_bytes`."""
    try:
        apps, claims, findings = orjson.loads(data)
        return ParsedManifest(
            tuple([_app(row, file, prices) for row in apps]),
            tuple([IdentityClaim(*row) for row in claims]),
            tuple([Finding(file, *row) for row in findings]),
        )
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
        return None


def _app(row: list[Any], file: str, prices: DecimalCache) -> DesiredApp:
    address, line, fields, placements, ladders, pin, state, prune, lifecycle = row
    _restore(fields, _APP_SHAPES, prices)
    return DesiredApp(
        address,
        fields,
        Source(file, line),
        pin,
        state,
        prune,
        None if placements is None else tuple([_placement(part, file, prices) for part in placements]),
        _lifecycle(lifecycle),
        tuple([tuple(ladder) for ladder in ladders]),
    )


def _placement(row: list[Any], file: str, prices: DecimalCache) -> DesiredPlacement:
    address, line, fields, *rest = row
    _restore(fields, _PLACEMENT_SHAPES, prices)
    if not rest:
        return DesiredPlacement(address, fields, Source(file, line))
    pin, renamed_from, state, lifecycle = rest
    return DesiredPlacement(address, fields, Source(file, line), pin, renamed_from, state, _lifecycle(lifecycle))


Restorer: TypeAlias = Callable[[Any, DecimalCache], Value]


def _restore(fields: dict[str, Any], shapes: Mapping[str, Restorer], prices: DecimalCache) -> None:
    """Give values back the form they had: prices are texts in JSON, and tuples lists."""
    for name, value in fields.items():
        if name in shapes and value is not None:
            fields[name] = shapes[name](value, prices)


def _table(value: Any, prices: DecimalCache) -> Value:
    return {country: prices[price] for country, price in value.items()}


def _geo(value: Any, _: DecimalCache) -> Value:
    return {**value, "countries": tuple(value["countries"])}


def _reward(value: Any, prices: DecimalCache) -> Value:
    amount = value["amount"]
    return {**value, "amount": prices[amount] if isinstance(amount, str) else amount}


def _words(value: Any, _: DecimalCache) -> Value:
    return tuple(value)


def _shape_of(field_type: FieldType) -> Restorer | None:
    """What gives a value its form back; None for what is in JSON what it is here."""
    shape: Restorer | None
    match field_type:
        case FlagType() | TextType() | BundleType() | WordType() | CountType() | LimitType():
            shape = None
        case WordsType():
            shape = _words
        case PricesType():
            shape = _table
        case GeoType():
            shape = _geo
        case RewardType():
            shape = _reward
        case _:
            assert_never(field_type)
    return shape


def _shapes(kind: Kind) -> Mapping[str, Restorer]:
    shapes = ((name, _shape_of(spec.type)) for name, spec in FIELDS[kind].items())
    return {name: shape for name, shape in shapes if shape is not None}


_APP_SHAPES: Final = _shapes("app")
_PLACEMENT_SHAPES: Final = _shapes("placement")


def _lifecycle(row: list[Any] | None) -> Lifecycle:
    if row is None:
        return _DEFAULT_LIFECYCLE
    ignored, protect, accepted, distinct = row
    drifts = [
        AcceptedDrift(path, reason, None if until is None else date.fromisoformat(until))
        for path, reason, until in accepted
    ]
    return Lifecycle(tuple(ignored), protect, tuple(drifts), distinct)
