"""`ParsedManifest`: what one manifest file declares, also as bytes for the cache; and the collecting of findings.

The bytes are JSON: reading them runs nothing that stands in them. Findings are of one file, of identities that two
blocks claim, and of apps that look alike.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias, assert_never

import orjson

from reconciler.model.address import Address, Kind, folded_app
from reconciler.model.diagnostic import Finding, Severity, finding_order
from reconciler.model.field import (
    FIELDS,
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
from reconciler.model.settled import Outline, OutlinedPlacements, fields_as_json
from reconciler.model.state import AcceptedDrift, DesiredApp, DesiredPlacement, Lifecycle, Source
from reconciler.model.value import Value, price
from reconciler.yaml.scalar import Place, shown


@dataclass(frozen=True, slots=True)
class FindingCollector:
    """Collects findings. A value that aliases repeat gives one finding, however many addresses it affects."""

    _findings: dict[tuple[str, int, int, str, str], Finding] = field(default_factory=dict)

    def add(self, findings: Iterable[Finding]) -> None:
        """Add findings; one that is there already, at the same place, is skipped."""
        for finding in findings:
            key = (finding.file, finding.line, finding.column, finding.code, finding.message)
            self._findings.setdefault(key, finding)

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error."""
        return any(finding.severity == "error" for finding in self._findings.values())

    def in_order_of_discovery(self) -> tuple[Finding, ...]:
        """All findings, in the order in which they were added."""
        return tuple(self._findings.values())

    def findings(self) -> tuple[Finding, ...]:
        """All findings, by place and code."""
        return tuple(sorted(self._findings.values(), key=finding_order))


@dataclass(frozen=True, slots=True)
class Reporter:
    """Reports what is found in one file about one address."""

    collector: FindingCollector
    file: str
    address: str = ""

    def about(self, address: str) -> "Reporter":
        """A reporter for another address in the same file."""
        return Reporter(self.collector, self.file, address)

    def error(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Report an error."""
        self._add("error", place, code, message, hint)

    def warning(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Report a warning."""
        self._add("warning", place, code, message, hint)

    def _add(self, severity: Severity, place: Place, code: str, message: str, hint: str) -> None:
        self.collector.add([Finding(self.file, place.line, place.column, code, message, severity, self.address, hint)])


_CODES: Final = {
    "app": "duplicate-address",
    "placement": "duplicate-address",
    "appId": "duplicate-pin",
    "placementId": "duplicate-pin",
    "renamedFrom": "duplicate-rename",
}
_HINTS: Final = {
    "duplicate-address": "one block per address: merge the two",
    "duplicate-pin": "an id belongs to one block",
    "duplicate-rename": "one placement cannot become two",
}


class IdentityClaim(NamedTuple):
    """An identity that the block of an address claims (`what`, `value`), and where; an empty value is the address."""

    what: str
    address: str
    line: int
    column: int
    value: str = ""


@dataclass(frozen=True, slots=True)
class IdentityRegistry:
    """The first claim of each identity. The later of two is reported, so files are loaded in order."""

    _first: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    def claim(self, claims: Iterable[IdentityClaim], reporter: Reporter) -> None:
        """Register the claims; report those that an earlier block has made."""
        listed, file = list(claims), reporter.file
        new = {(what, value or address): (file, line) for what, address, line, _, value in listed}
        if len(new) == len(listed) and self._first.keys().isdisjoint(new):
            self._first.update(new)
            return
        for what, address, line, column, value in listed:
            here = (file, line)
            first = self._first.setdefault((what, value or address), here)
            if first is not here:
                code = _CODES[what]
                message = f"{what} {shown(value or address)} is declared at {first[0]}:{first[1]} already"
                reporter.about(address).error(Place(line, column), code, message, _HINTS[code])


def warn_of_look_alike(about: Reporter, place: Place, name: str, other: str, source: Source) -> None:
    """Report that a name or bundle looks like one declared before, with what cannot be seen of them spelled out."""
    message = f"{name!a} looks like {other!a}, declared at {source.file}:{source.line}"
    hint = "drop one of the two, or say `lifecycle: {distinct: true}` here"
    about.warning(place, "look-alike", message, hint)


def lint_look_alike_apps(
    apps: Iterable[tuple[DesiredApp, Iterable[IdentityClaim]]], collector: FindingCollector
) -> None:
    """Report apps, each with the claims of its file, that look like one before them without saying they are others."""
    first: dict[tuple[str, ...], DesiredApp] = {}
    for app, claims in apps:
        if app.state == "absent" or app.lifecycle.distinct:
            continue
        bundle = str(app.fields["bundle"])
        other = first.setdefault(folded_app(str(app.fields["platform"]), bundle), app)
        if other.address != app.address:
            place = next(Place(each.line, each.column) for each in claims if each[:2] == ("app", app.address))
            about = Reporter(collector, app.source.file, app.address)
            warn_of_look_alike(about, place, bundle, str(other.fields["bundle"]), other.source)


FORMAT: Final = 4
"""The version of the bytes' format: raise it with every change of that."""

_BETWEEN: Final = b"\x1e"
"""Stands between the parts of a reading. JSON has no such byte, and a reading is one line of the cache."""

_DEFAULT_LIFECYCLE: Final = Lifecycle()


@dataclass(frozen=True, slots=True)
class ParsedManifest:
    """The apps of a file, the identities that they claim, and the findings on the file alone."""

    apps: tuple[DesiredApp, ...]
    claims: tuple[IdentityClaim, ...]
    findings: tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)


class DecimalCache(dict[str | float, Decimal]):
    """Decimals by their text or by the number that is read as one, made on first use: manifests repeat a few prices."""

    __slots__ = ()

    def __missing__(self, written: str | float) -> Decimal:
        value = self[written] = Decimal(written) if isinstance(written, str) else price(written)
        return value


def parsed_manifest_to_bytes(manifest: ParsedManifest) -> bytes | None:
    """The reading as bytes; None where JSON cannot hold it, such as an integer of a hundred digits.

    The placements of each app are a part of their own, so that they are read when somebody asks for them.
    """
    apps = [
        (
            app.address,
            app.source.line,
            app.fields,
            None if app.placements is None else len(app.placements),
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
    lists = [[_placement_row(one) for one in app.placements or ()] for app in manifest.apps]
    try:
        return _BETWEEN.join(
            orjson.dumps(part, default=_decimal_text)
            for part in ([apps, [tuple(claim) for claim in manifest.claims], findings], *lists)
        )
    except TypeError:
        return None


def _decimal_text(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError


def _placement_row(placement: DesiredPlacement) -> list[Any]:
    fields = fields_as_json(placement.fields)
    is_json = fields is not None
    row: list[Any] = [is_json, placement.address, placement.source.line, fields if is_json else placement.fields]
    rest = [placement.pin, placement.renamed_from, placement.state, _lifecycle_row(placement.lifecycle)]
    return row if rest == [None, None, "present", None] else row + rest


def _lifecycle_row(lifecycle: Lifecycle) -> list[Any] | None:
    if lifecycle == _DEFAULT_LIFECYCLE:
        return None
    accepted = [(drift.path, drift.reason, drift.until) for drift in lifecycle.accept_drift]
    return [lifecycle.ignore_changes, lifecycle.protect, accepted, lifecycle.distinct]


def parsed_manifest_from_bytes(data: bytes, file: str, decimals: DecimalCache) -> ParsedManifest | None:
    """The inverse, for the file that was read; None for bytes that are none of `parsed_manifest_to_bytes`."""
    first, *lists = data.split(_BETWEEN)
    try:
        apps, claims, findings = orjson.loads(first)
        return ParsedManifest(
            tuple([_app_from_row(*row, file, decimals) for row in zip(apps, lists, strict=True)]),
            tuple(map(IdentityClaim._make, claims)),
            tuple([Finding(file, *row) for row in findings]),
        )
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
        return None


def _app_from_row(row: list[Any], placements: bytes, file: str, decimals: DecimalCache) -> DesiredApp:
    address, line, fields, number, ladders, pin, state, prune, lifecycle = row
    return DesiredApp(
        address,
        _restored(fields, _APP_RESTORERS, decimals),
        Source(file, line),
        pin,
        state,
        prune,
        None if number is None else _recalled_placements(address, placements, number, file, decimals),
        _lifecycle_from_row(lifecycle),
        tuple([tuple(ladder) for ladder in ladders]),
    )


def _recalled_placements(
    app: Address, part: bytes, number: int, file: str, decimals: DecimalCache
) -> OutlinedPlacements:
    """The placements of an app, read from their part of a reading when somebody asks for them or for their outlines."""

    def make() -> list[DesiredPlacement]:
        return [_placement_from_row(row, file, decimals) for row in orjson.loads(part)]

    return OutlinedPlacements(app, part, number, make, partial(outlines_from_bytes, part, number))


def outlines_from_bytes(part: bytes, number: int) -> list[Outline] | None:
    """The outlines of so many placements by their part of a reading; None where one of them has none."""
    made = [outline for row in orjson.loads(part) if (outline := _outline_from_row(row)) is not None]
    return made if len(made) == number else None


def _outline_from_row(row: list[Any]) -> Outline | None:
    is_json, address, _, fields, *rest = row
    if not rest:
        return Outline(address, fields) if is_json else None
    pin, renamed_from, state, lifecycle = rest
    is_usual = is_json and renamed_from is None and state == "present"
    return Outline(address, fields, pin, _lifecycle_from_row(lifecycle).protect) if is_usual else None


def _placement_from_row(row: list[Any], file: str, decimals: DecimalCache) -> DesiredPlacement:
    _, address, line, fields, *rest = row
    declared = _restored(fields, _PLACEMENT_RESTORERS, decimals)
    if not rest:
        return DesiredPlacement(address, declared, Source(file, line))
    pin, renamed_from, state, lifecycle = rest
    return DesiredPlacement(
        address, declared, Source(file, line), pin, renamed_from, state, _lifecycle_from_row(lifecycle)
    )


Restorer: TypeAlias = Callable[[Any, DecimalCache], Value]


def _restored(fields: dict[str, Any], restorers: Mapping[str, Restorer], decimals: DecimalCache) -> dict[str, Value]:
    """Restore the types of values in place: in JSON a price is a number or a text, and a tuple a list."""
    for name, value in fields.items():
        if name in restorers and value is not None:
            fields[name] = restorers[name](value, decimals)
    return fields


def _restored_prices(value: Any, decimals: DecimalCache) -> Value:
    return {country: decimals[price] for country, price in value.items()}


def _restored_geo(value: Any, _: DecimalCache) -> Value:
    return {**value, "countries": tuple(value["countries"])}


def _restored_reward(value: Any, decimals: DecimalCache) -> Value:
    amount = value["amount"]
    return {**value, "amount": decimals[amount] if isinstance(amount, str | float) else amount}


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
