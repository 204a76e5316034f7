"""Values in the form of a manifest: what a block must change, what no manifest can declare, and whole blocks."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, cast

from pydantic import BaseModel, ValidationError

from reconciler.diff.change import FieldChange, Note
from reconciler.diff.compare import compare
from reconciler.manifest.block import APP_KEYS, INNER_KEYS, PLACEMENT_KEYS
from reconciler.manifest.layer import COUNTRIES, Groups, fits_type
from reconciler.manifest.models import AppBlock, PlacementBlock
from reconciler.manifest.settings import Settings
from reconciler.model.address import Address, Kind, app_of, kind_of, placement_address
from reconciler.model.field import PRICED, TYPES, GeoType, PricesType
from reconciler.model.habits import LostUpdate
from reconciler.model.ledger import LedgerEntry
from reconciler.model.state import DesiredApp, DesiredPlacement, DesiredResource, DesiredState, Lifecycle, LiveResource
from reconciler.model.value import ABSENT, MINIMUM, WORLDWIDE, Fields, Floors, Value, to_json, value_text
from reconciler.yaml.edits import Writable
from reconciler.yaml.node import VARIABLE

_TARGETING = ("targetingEnabled", "geo", "connectivity")


@dataclass(frozen=True, slots=True)
class BlockDifference:
    """The fields of a block that are to change, with their new values, and the leaves in which they differ.

    `address` is the block's own, `becomes` the one it has under its live name.
    """

    address: Address
    becomes: Address
    values: Fields
    changes: tuple[FieldChange, ...]


def block_difference(
    block: DesiredResource,
    live: LiveResource,
    entry: LedgerEntry | None,
    today: date,
    *,
    theirs: bool = False,
    lost: Sequence[tuple[LostUpdate, Fields]] = (),
) -> tuple[BlockDifference | None, list[Note]]:
    """What has to change in a block for it to declare what is live; None where nothing has, or nothing can.

    What the account keeps instead of what it was given is taken over. Ignored fields and accepted drift count as equal.
    A field that the account does not show stays as it is. So does what the manifest changed since the last apply, and
    what an update of ours may have reset (`lost`), which is told, unless `theirs` takes all that is live.
    """
    kind = kind_of(block.address)
    result = compare(kind, block.fields, live.fields, entry, block.lifecycle, today)
    own = () if theirs or entry is None else tuple(each for each in result.changes if each.origin in _OWN)
    ours = {} if theirs else {name: update for update, left in lost for name in left}
    reset = tuple(each for each in result.changes if each.field in ours and each not in own)
    changes = (*(each for each in result.changes if each not in (*own, *reset)), *result.fixed, *result.kept)
    notes = [Note(block.address, _kept_declaration_text(each)) for each in own]
    notes += [Note(block.address, _reset_text(each, ours[each.field])) for each in reset]
    values, unshown = _live_values(block, live, changes)
    notes += unshown
    values = {**_completed_targeting(values, block, live), **values}
    if lines := undeclarable_lines(values.get("floorPrices")):
        values["floorPrices"] = _with_worldwide(without_lines(values["floorPrices"], lines), block.fields)
        notes += [Note(block.address, f"floorPrices of {line} {why}: left undeclared") for line, why in lines.items()]
        if values["floorPrices"] == block.fields.get("floorPrices"):
            del values["floorPrices"]
    for name, why in _obstacles(kind, values, block.fields).items():
        notes.append(Note(block.address, f"{name} {why}: what is declared stays"))
        values.pop(name, None)
    if not values:
        return None, notes
    written = tuple(change for change in changes if change.field in values)
    return BlockDifference(block.address, _address_after(block.address, values), values, written), notes


def _live_values(
    block: DesiredResource, live: LiveResource, changes: Sequence[FieldChange]
) -> tuple[dict[str, Value], list[Note]]:
    """The live values of fields that differ, and notes on those that the account does not show."""
    values: dict[str, Value] = {}
    notes: list[Note] = []
    for name in dict.fromkeys(change.field for change in changes):
        live_value = live.fields.get(name, ABSENT)
        if live_value is ABSENT:
            why = live.why_unreadable(name)
            reason = f"what the account shows is not readable ({why})" if why else "the account does not show it"
            notes.append(Note(block.address, f"{name} is declared, and {reason}: it stays as it is"))
        else:
            values[name] = _with_live_leaves(
                block.fields[name], live_value, [change for change in changes if change.field == name]
            )
    return values, notes


_OWN = ("pending", "conflict")
"""Where the manifest has moved since the last apply."""


def _kept_declaration_text(change: FieldChange) -> str:
    """The note on a value that the manifest keeps although the account has another."""
    values = f"{change.path}: declared {value_text(change.after)}, the account has {value_text(change.before)}"
    if change.origin == "conflict":
        return f"{values}; both were changed since the last apply: what is declared stays, --theirs takes what is live"
    return f"{values}; not applied yet: what is declared stays, --theirs takes what is live"


def _with_worldwide(floors: Value, declared: Fields) -> Value:
    """A table of floors whose worldwide line cannot be declared, with the one that is declared."""
    table = declared.get("floorPrices")
    if not isinstance(floors, Mapping) or WORLDWIDE in floors or not isinstance(table, Mapping):
        return floors
    return {WORLDWIDE: table.get(WORLDWIDE, MINIMUM), **floors}


def _reset_text(change: FieldChange, update: LostUpdate) -> str:
    """The note on a declared value that an update of ours may have reset in the account."""
    values = f"{change.path}: declared {value_text(change.after)}, the account has {value_text(change.before)}"
    return f"{values}; run {update.run} {update.how} it: what is declared stays, --theirs takes what is live"


def _obstacles(kind: Kind, values: Fields, declared: Fields) -> Mapping[str, str]:
    """Why some of the values cannot be declared."""
    placement_type = values.get("placementType", declared.get("placementType"))
    known: Fields = {"placementType": placement_type} if placement_type is not None else {}
    reasons = {name: why for name, why in undeclarable(kind, {**known, **values}).items() if name in values}
    identity = "is part of the address, and another in the account: look whether the pin is right"
    return {**reasons, **{name: identity for name in ("platform", "bundle") if name in values}}


def _with_live_leaves(declared: Value, live: Value, changes: Iterable[FieldChange]) -> Value:
    """The declared value with the live one in every leaf that differs and is not left alone."""
    if not (isinstance(declared, Mapping) and isinstance(live, Mapping)):
        return live
    kept = dict(declared)
    for change in changes:
        leaf = change.path.partition(".")[2]
        if not leaf:
            return live
        if leaf in live:
            kept[leaf] = live[leaf]
        else:
            kept.pop(leaf, None)
    return kept


def _completed_targeting(values: Fields, block: DesiredResource, live: LiveResource) -> Fields:
    """Further targeting fields that a block must declare with `values`: a manifest has all of them or none."""
    after = {**block.fields, **values}
    targets = [name for name in ("geo", "connectivity") if after.get(name) is not None]
    if not any(name in values for name in _TARGETING) or bool(targets) is bool(after.get("targetingEnabled")):
        return {}
    wanted = ("targetingEnabled",) if targets else ("geo", "connectivity")
    return {name: live.fields[name] for name in wanted if name not in block.fields and live.fields.get(name)}


def _address_after(address: Address, values: Fields) -> Address:
    if kind_of(address) == "app" or "name" not in values:
        return address
    return placement_address(app_of(address), str(values["name"]))


_MODELS: Final[Mapping[Kind, type[BaseModel]]] = {"app": AppBlock, "placement": PlacementBlock}
_STAND_INS: Final[Mapping[Kind, Mapping[str, str]]] = {
    "app": {"platform": "android", "bundle": "com.a"},
    "placement": {"name": "a", "placementType": "MREC"},
}
"""What a block needs beside the fields that are looked at."""


def form_of(name: str, value: Value, groups: Groups) -> Writable:
    """The value of a field as a manifest says it; floors by the groups that have one price."""
    match value:
        case Mapping() if name in PRICED:
            return _floor_lines(cast("Floors", value), groups)
        case Mapping():
            order = INNER_KEYS.get(name, ())
            return {key: form_of("", value[key], {}) for key in sorted(value, key=order.index)}
        case tuple():
            return list(value)
        case _:
            return value


def _floor_lines(floors: Floors, groups: Groups) -> Mapping[str, Writable]:
    """Lines for the world, then for whole groups, then for countries; no country is in two groups that are used."""
    ungrouped = {country for country in floors if country != WORLDWIDE}
    grouped: dict[str, Writable] = {}
    for name in sorted(groups, key=lambda name: (-len(groups[name]), name)):
        members = groups[name]
        if len(members) > 1 and ungrouped.issuperset(members) and len({floors[member] for member in members}) == 1:
            grouped[name] = floors[members[0]]
            ungrouped.difference_update(members)
    world: dict[str, Writable] = {WORLDWIDE: floors[WORLDWIDE]} if WORLDWIDE in floors else {}
    return {
        **world,
        **{name: grouped[name] for name in groups if name in grouped},
        **{c: floors[c] for c in sorted(ungrouped)},
    }


def is_unset(value: Value) -> bool:
    """Whether a live value says no more than that there is none."""
    return value in (None, "", ()) or value is False


def undeclarable(kind: Kind, fields: Fields) -> Mapping[str, str]:
    """The fields whose values no manifest can declare, and why; `fields` may be a part of a resource's."""
    reasons: dict[str, str] = {}
    placement_type = fields.get("placementType")
    for name, value in fields.items():
        if kind == "placement" and not fits_type(name, str(placement_type) if placement_type is not None else None):
            reasons[name] = f"is no field of {placement_type} placements"
        elif not all(map(_is_sendable, _texts_in(value))):
            reasons[name] = "holds characters that no file can hold"
        elif any(VARIABLE in text for text in _texts_in(value)):
            reasons[name] = f"holds {VARIABLE}, which a manifest does not hold: it is read as a variable"
        elif unknown := sorted(_countries_in(name, value) - COUNTRIES - ({WORLDWIDE} if name in PRICED else set())):
            reasons[name] = f"names {', '.join(unknown)}, which is no ISO 3166 country"
    declarable = {name: to_json(value) for name, value in fields.items() if name not in reasons}
    try:
        _MODELS[kind].model_validate({**_STAND_INS[kind], **declarable})
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False, include_context=False):
            name = str(error["loc"][0]) if error["loc"] else "name"
            reasons.setdefault(
                name, f"{_value_at(fields.get(name), error['loc'][1:])}, which a manifest cannot declare"
            )
    return reasons


def undeclarable_lines(floors: Value) -> Mapping[str, str]:
    """The lines of a table of floors that no manifest can declare, and why."""
    if not isinstance(floors, Mapping):
        return {}
    reasons: dict[str, str] = {}
    for country, amount in floors.items():
        if country not in COUNTRIES and country != WORLDWIDE:
            reasons[country] = "is no ISO 3166 country"
        elif isinstance(amount, Decimal) and amount < MINIMUM:
            reasons[country] = f"is {value_text(amount)}, below the least price there is"
    return reasons


def without_lines(floors: Value, lines: Container[str]) -> Value:
    """A table of floors without some lines."""
    if not isinstance(floors, Mapping):
        return floors
    return {country: amount for country, amount in floors.items() if country not in lines}


def _value_at(value: Value, path: Sequence[int | str]) -> str:
    """What a value is; of a block, what it holds there."""
    if not isinstance(value, Mapping):
        return f"is {value_text(value)}"
    key = str(path[0]) if path else ""
    return f"holds {key} {value_text(value[key])}" if key in value else "is a block"


def _texts_in(value: Value) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for key, part in value.items():
                yield key
                yield from _texts_in(part)
        case tuple():
            yield from value
        case _:
            return


def _is_sendable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _countries_in(name: str, value: Value) -> set[str]:
    match TYPES.get(name):
        case PricesType() if isinstance(value, Mapping):
            return set(value)
        case GeoType() if isinstance(value, Mapping):
            return set(cast("Iterable[str]", value["countries"]))
        case _:
            return set()


def inconsistent_targeting(fields: Mapping[str, Any]) -> Mapping[str, str]:
    """The targeting fields that a manifest may not declare together as they are, and why."""
    targets = [name for name in ("geo", "connectivity") if fields.get(name)]
    if fields.get("targetingEnabled") is True:
        return {} if targets else {"targetingEnabled": "is true with neither geo nor connectivity"}
    return dict.fromkeys(targets, "is set while targetingEnabled is not true")


AddressFilter = Callable[[Address], bool]


def expanded_blocks(desired: DesiredState, settings: Settings, wanted: AddressFilter) -> list[Mapping[str, Writable]]:
    """The blocks of a manifest for the wanted addresses, in the order of addresses.

    An app that is wanted comes with all its placements; one of which placements alone are wanted, with these. Beside
    the project's settings the manifest is read as the same apps and placements; only where a block stands, and which
    placements are rungs of a ladder, is not in it.
    """
    kinds = {kind for kind, layers in settings.defaults.items() if any(over.lifecycle is not None for over in layers)}
    return list(_app_blocks(desired, frozenset(kinds), wanted))


def _app_blocks(
    desired: DesiredState, kinds: frozenset[str | None], wanted: AddressFilter
) -> Iterator[Mapping[str, Writable]]:
    for app in desired.apps:
        within = app.placements or ()
        chosen = within if wanted(app.address) else tuple(each for each in within if wanted(each.address))
        if chosen or wanted(app.address):
            yield _app_block(app, chosen, desired, kinds)


def _app_block(
    app: DesiredApp, chosen: Sequence[DesiredPlacement], desired: DesiredState, kinds: frozenset[str | None]
) -> Mapping[str, Writable]:
    block_form: dict[str, Writable] = {name: form_of(name, value, {}) for name, value in app.fields.items()}
    if app.pin is not None:
        block_form["appId"] = app.pin
    if app.state != "present":
        block_form["state"] = app.state
    if app.prune != desired.prune:
        block_form["prune"] = app.prune
    if app.lifecycle != Lifecycle():
        block_form["lifecycle"] = lifecycle_form(app.lifecycle)
    if app.placements is not None:
        block_form["placements"] = [_placement_block(each, kinds) for each in chosen]
    return {name: block_form[name] for name in APP_KEYS if name in block_form}


def _placement_block(block: DesiredPlacement, kinds: frozenset[str | None]) -> Mapping[str, Writable]:
    block_form: dict[str, Writable] = {name: form_of(name, value, {}) for name, value in block.fields.items()}
    if block.pin is not None:
        block_form["placementId"] = block.pin
    if block.renamed_from is not None:
        block_form["renamedFrom"] = block.renamed_from
    if block.state != "present":
        block_form["state"] = block.state
    if block.lifecycle != Lifecycle() or block.fields.get("placementType") in kinds:
        block_form["lifecycle"] = lifecycle_form(block.lifecycle)
    return {name: block_form[name] for name in PLACEMENT_KEYS if name in block_form}


def plain_json(value: Writable) -> Any:
    """What a manifest says as JSON has it: exact prices as numbers."""
    match value:
        case str() | None | bool() | int() | float() | Decimal():
            return to_json(value) if isinstance(value, Decimal) else value
        case Mapping():
            return {key: plain_json(part) for key, part in value.items()}
        case _:
            return [plain_json(part) for part in value]


def lifecycle_form(lifecycle: Lifecycle) -> Mapping[str, Writable]:
    """A lifecycle as a manifest says it; what is not so is left out."""
    block_form: dict[str, Writable] = {}
    if lifecycle.ignore_changes:
        block_form["ignoreChanges"] = sorted(lifecycle.ignore_changes)
    if lifecycle.protect:
        block_form["protect"] = True
    if lifecycle.distinct:
        block_form["distinct"] = True
    if lifecycle.accept_drift:
        block_form["acceptDrift"] = [
            {
                "field": drift.path,
                "reason": drift.reason,
                **({"until": drift.until.isoformat()} if drift.until is not None else {}),
            }
            for drift in lifecycle.accept_drift
        ]
    return block_form
