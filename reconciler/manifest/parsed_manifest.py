"""`ParsedManifest`: what one manifest file declares, before it is compared with others; and as bytes for the cache.

The bytes are JSON: reading them runs nothing that stands in them.
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
"""The version of the bytes' format: raise it with every change of that."""

_DEFAULT_LIFECYCLE: Final = Lifecycle()


@dataclass(frozen=True, slots=True)
class ParsedManifest:
    """The apps of a file, the identities that they claim, and the findings on the file alone."""

    apps: tuple[DesiredApp, ...]
    claims: tuple[IdentityClaim, ...]
    findings: tuple[Finding, ...]


class DecimalCache(dict[str, Decimal]):
    """Decimals by their text, made on first use: manifests repeat a few prices many times."""

    __slots__ = ()

    def __missing__(self, text: str) -> Decimal:
        value = self[text] = Decimal(text)
        return value


def parsed_manifest_to_bytes(manifest: ParsedManifest) -> bytes | None:
    """The reading as bytes; None where JSON cannot hold it, such as an integer of a hundred digits."""
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
        for app in manifest.apps
    ]
    findings = [
        (finding.line, finding.column, finding.code, finding.message, finding.severity, finding.address, finding.hint)
        for finding in manifest.findings
    ]
    try:
        return orjson.dumps([apps, [tuple(claim) for claim in manifest.claims], findings], default=_decimal_text)
    except TypeError:
        return None


def _decimal_text(value: object) -> str:
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


def parsed_manifest_from_bytes(data: bytes, file: str, decimals: DecimalCache) -> ParsedManifest | None:
    """The inverse, for the file that was read; None for bytes that are none of `parsed_manifest_to_bytes`."""
    try:
        apps, claims, findings = orjson.loads(data)
        return ParsedManifest(
            tuple([_app_from_row(row, file, decimals) for row in apps]),
            tuple([IdentityClaim(*row) for row in claims]),
            tuple([Finding(file, *row) for row in findings]),
        )
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
        return None


def _app_from_row(row: list[Any], file: str, decimals: DecimalCache) -> DesiredApp:
    address, line, fields, placements, ladders, pin, state, prune, lifecycle = row
    _restore(fields, _APP_RESTORERS, decimals)
    return DesiredApp(
        address,
        fields,
        Source(file, line),
        pin,
        state,
        prune,
        None if placements is None else tuple([_placement_from_row(part, file, decimals) for part in placements]),
        _lifecycle_from_row(lifecycle),
        tuple([tuple(ladder) for ladder in ladders]),
    )


def _placement_from_row(row: list[Any], file: str, decimals: DecimalCache) -> DesiredPlacement:
    address, line, fields, *rest = row
    _restore(fields, _PLACEMENT_RESTORERS, decimals)
    if not rest:
        return DesiredPlacement(address, fields, Source(file, line))
    pin, renamed_from, state, lifecycle = rest
    return DesiredPlacement(
        address, fields, Source(file, line), pin, renamed_from, state, _lifecycle_from_row(lifecycle)
    )


Restorer: TypeAlias = Callable[[Any, DecimalCache], Value]


def _restore(fields: dict[str, Any], restorers: Mapping[str, Restorer], decimals: DecimalCache) -> None:
    """Restore the types of values in place: in JSON a price is a text and a tuple a list."""
    for name, value in fields.items():
        if name in restorers and value is not None:
            fields[name] = restorers[name](value, decimals)


def _restored_prices(value: Any, decimals: DecimalCache) -> Value:
    return {country: decimals[price] for country, price in value.items()}


def _restored_geo(value: Any, _: DecimalCache) -> Value:
    return {**value, "countries": tuple(value["countries"])}


def _restored_reward(value: Any, decimals: DecimalCache) -> Value:
    amount = value["amount"]
    return {**value, "amount": decimals[amount] if isinstance(amount, str) else amount}


def _restored_words(value: Any, _: DecimalCache) -> Value:
    return tuple(value)


def _restorer_of(field_type: FieldType) -> Restorer | None:
    """The function that restores values of the type; None where JSON has the same value."""
    restorer: Restorer | None
    match field_type:
        case FlagType() | TextType() | BundleType() | WordType() | CountType() | LimitType():
            restorer = None
        case WordsType():
            restorer = _restored_words
        case PricesType():
            restorer = _restored_prices
        case GeoType():
            restorer = _restored_geo
        case RewardType():
            restorer = _restored_reward
        case _:
            assert_never(field_type)
    return restorer


def _restorers(kind: Kind) -> Mapping[str, Restorer]:
    restorers = ((name, _restorer_of(spec.type)) for name, spec in FIELDS[kind].items())
    return {name: restorer for name, restorer in restorers if restorer is not None}


_APP_RESTORERS: Final = _restorers("app")
_PLACEMENT_RESTORERS: Final = _restorers("placement")


def _lifecycle_from_row(row: list[Any] | None) -> Lifecycle:
    if row is None:
        return _DEFAULT_LIFECYCLE
    ignored, protect, accepted, distinct = row
    drifts = [
        AcceptedDrift(path, reason, None if until is None else date.fromisoformat(until))
        for path, reason, until in accepted
    ]
    return Lifecycle(tuple(ignored), protect, tuple(drifts), distinct)
