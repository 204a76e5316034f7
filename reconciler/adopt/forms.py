"""Canonical values -> what a manifest says for them, and which of them it cannot say."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from pydantic import BaseModel, ValidationError

from reconciler.manifest.countries import COUNTRIES
from reconciler.manifest.layer import fits_type
from reconciler.manifest.models import AppBlock, PlacementBlock
from reconciler.manifest.order import INNER_KEYS
from reconciler.manifest.territory import Groups
from reconciler.model.address import Kind
from reconciler.model.field import PRICED, TYPES
from reconciler.model.field_type import GeoType, PricesType
from reconciler.model.floors import WORLDWIDE, Floors
from reconciler.model.value import Fields, Value, to_json
from reconciler.yaml.edit.changes import Writable
from reconciler.yaml.node import VARIABLE

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
            return _table(cast("Floors", value), groups)
        case Mapping():
            order = INNER_KEYS.get(name, ())
            return {key: form_of("", value[key], {}) for key in sorted(value, key=order.index)}
        case tuple():
            return list(value)
        case _:
            return value


def _table(floors: Floors, groups: Groups) -> Mapping[str, Writable]:
    """Lines for the world, then for whole groups, then for countries; no country is in two groups that are used."""
    left = {country for country in floors if country != WORLDWIDE}
    grouped: dict[str, Writable] = {}
    for name in sorted(groups, key=lambda name: (-len(groups[name]), name)):
        members = groups[name]
        if len(members) > 1 and left.issuperset(members) and len({floors[member] for member in members}) == 1:
            grouped[name] = floors[members[0]]
            left.difference_update(members)
    world: dict[str, Writable] = {WORLDWIDE: floors[WORLDWIDE]} if WORLDWIDE in floors else {}
    return {
        **world,
        **{name: grouped[name] for name in groups if name in grouped},
        **{c: floors[c] for c in sorted(left)},
    }


def is_nothing(value: Value) -> bool:
    """Whether a live value says no more than that there is none."""
    return value in (None, "", ()) or value is False


def unsayable(kind: Kind, fields: Fields) -> Mapping[str, str]:
    """The fields whose values no manifest can declare, and why; `fields` may be a part of a resource's."""
    wrong: dict[str, str] = {}
    placement_type = fields.get("placementType")
    for name, value in fields.items():
        if kind == "placement" and not fits_type(name, str(placement_type) if placement_type is not None else None):
            wrong[name] = f"is no field of {placement_type} placements"
        elif not all(map(_is_sendable, _texts(value))):
            wrong[name] = "holds characters that no file can hold"
        elif any(VARIABLE in text for text in _texts(value)):
            wrong[name] = f"holds {VARIABLE}, which a manifest does not hold: it is read as a variable"
        elif unknown := sorted(_countries(name, value) - COUNTRIES - ({WORLDWIDE} if name in PRICED else set())):
            wrong[name] = f"names {', '.join(unknown)}, which is no ISO 3166 country"
    sayable = {name: to_json(value) for name, value in fields.items() if name not in wrong}
    try:
        _MODELS[kind].model_validate({**_STAND_INS[kind], **sayable})
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False, include_context=False):
            name = str(error["loc"][0]) if error["loc"] else "name"
            wrong.setdefault(name, f"is {_told(fields.get(name))}, which a manifest cannot declare")
    return wrong


def _told(value: Value) -> str:
    return str(to_json(value)) if not isinstance(value, Mapping) else "a block"


def _texts(value: Value) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for key, part in value.items():
                yield key
                yield from _texts(part)
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


def _countries(name: str, value: Value) -> set[str]:
    match TYPES.get(name):
        case PricesType() if isinstance(value, Mapping):
            return set(value)
        case GeoType() if isinstance(value, Mapping):
            return set(cast("Iterable[str]", value["countries"]))
        case _:
            return set()


def untargeted(fields: Mapping[str, Any]) -> Mapping[str, str]:
    """The targeting fields that a manifest may not declare together as they are, and why."""
    targets = [name for name in ("geo", "connectivity") if fields.get(name)]
    if fields.get("targetingEnabled") is True:
        return {} if targets else {"targetingEnabled": "is true with neither geo nor connectivity"}
    return dict.fromkeys(targets, "is set while targetingEnabled is not true")
