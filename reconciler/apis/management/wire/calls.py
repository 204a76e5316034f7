"""Calls: paths, queries and bodies, spelled the way the API takes them.

Ids go as text in bodies (a number is refused when a placement is created), booleans as booleans, prices as numbers.
Only `appId`, `placementId` and `creativeTypes` are written, whatever else is read.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, assert_never

from reconciler.apis.management.wire.answer import ID_KEYS
from reconciler.http.auth import Credentials
from reconciler.http.exchange import Request, encode
from reconciler.model.address import Kind
from reconciler.model.field import (
    FIELDS,
    TYPES,
    BundleType,
    CountType,
    FieldSpec,
    FlagType,
    GeoType,
    LimitType,
    PricesType,
    RewardType,
    TextType,
    WordsType,
    WordType,
)
from reconciler.model.habits import TARGETING
from reconciler.model.state import LiveResource
from reconciler.model.value import WORLDWIDE, Fields, Value, to_json

_PATHS: Final[Mapping[Kind, str]] = {"app": "/api/management/v1/app", "placement": "/api/management/v1/placement"}


def token(credentials: Credentials) -> Request:
    """Asks for a token. Asking twice gives two tokens and changes nothing, so it may be repeated."""
    body = {
        "grant_type": "management_client_credentials",
        "client_id": credentials.client_id.reveal(),
        "client_secret": credentials.client_secret.reveal(),
    }
    return Request("POST", "/api/v2/management/auth", body=encode(body))


def apps(publisher_id: str) -> Request:
    """All apps of a publisher."""
    return Request("GET", _PATHS["app"], {"publisherId": publisher_id})


def placements(app_id: str) -> Request:
    """All placements of an app."""
    return Request("GET", _PATHS["placement"], {"appId": app_id})


def one(kind: Kind, resource_id: str) -> Request:
    """One resource by its id."""
    return Request("GET", _PATHS[kind], {ID_KEYS[kind]: resource_id})


def create(kind: Kind, fields: Fields, owner: str) -> Request:
    """Creates a resource in its owner: an app in a publisher, a placement in an app. Never repeated blindly.

    Blocks that are off are left out, and so is a placement's `status`, which a create does not take: whoever wants an
    inactive placement updates it afterwards.
    """
    body: dict[str, Any] = {"publisherId" if kind == "app" else "appId": owner}
    for name, value in fields.items():
        if value is not None and not (kind == "placement" and name == "status"):
            body[name] = _SPELLERS.get(name, _plain)(value, None)
    return Request("POST", _PATHS[kind], body=encode(body), repeatable=False)


def update(before: LiveResource, fields: Fields, *, taken_away: str | None = "") -> Request:
    """Sends the given fields of a resource and no others. The same values twice are the same as once.

    What does not change is sent as it is spelled there. `taken_away` stands for a text that is taken away.
    """
    body: dict[str, Any] = {ID_KEYS[before.kind]: before.id}
    for name, value in _least_targeting(before, fields).items():
        there, shown = before.fields.get(name), before.spelled.get(name)
        if value is None and isinstance(TYPES[name], TextType):
            body[name] = taken_away
        elif value is None:
            body[name] = _SPELLERS.get(name, _plain)(None, there if shown is None else shown)
        else:
            body[name] = _SPELLERS.get(name, _plain)(value if shown is None or value != there else shown, there)
    return Request("PUT", _PATHS[before.kind], body=encode(body))


def _least_targeting(before: LiveResource, fields: Fields) -> Fields:
    """The fields, with targeting that goes off altogether said by its switch alone: an empty list may be refused."""
    off = [name for name in TARGETING if name in fields and fields[name] is None]
    after = {**before.fields, **fields}
    if fields.get("targetingEnabled") is True or not off or any(after.get(name) is not None for name in TARGETING):
        return fields
    if after.get("targetingEnabled") is not True and "targetingEnabled" not in fields:
        return fields  # it is off already, and what is shown of it all the same has to be emptied
    return {**{name: value for name, value in fields.items() if name not in off}, "targetingEnabled": False}


def delete(kind: Kind, resource_id: str) -> Request:
    """Deletes a resource. Ids are not given out twice, so a second one finds nothing to delete."""
    return Request("DELETE", _PATHS[kind], body=encode({ID_KEYS[kind]: resource_id}))


Speller: TypeAlias = Callable[[Value, Value], Any]
"""The value to send, and the live one before it -> what stands in the body."""


def _plain(value: Value, _: Value) -> Any:
    return to_json(value)


def _words(value: Value, _: Value) -> Any:
    return [] if value is None else to_json(value)


def _floor_lines(value: Value, _: Value) -> Any:
    if not isinstance(value, Mapping):
        return to_json(value)
    countries = sorted(value, key=lambda country: (country != WORLDWIDE, country))
    return [{"country": country, "price": to_json(value[country])} for country in countries]


def _geo(value: Value, _: Value) -> Any:
    return {"include": True, "countries": []} if value is None else to_json(value)


def _switched(value: Value, before: Value) -> Any:
    """A block with `enabled`: absence is not off when sent, so off is sent as such, beside what there was."""
    shown = before if value is None else value
    parts = to_json(shown) if isinstance(shown, Mapping) else {}
    return {**parts, "enabled": value is not None}


def _speller(spec: FieldSpec) -> Speller:
    spell: Speller
    match spec.type:
        case WordsType() if spec.turns_off:
            spell = _words
        case FlagType() | TextType() | BundleType() | WordType() | WordsType() | CountType():
            spell = _plain
        case PricesType():
            spell = _floor_lines
        case GeoType():
            spell = _geo
        case LimitType() | RewardType():
            spell = _switched
        case _:
            assert_never(spec.type)
    return spell


_SPELLERS: Final = {spec.name: _speller(spec) for specs in FIELDS.values() for spec in specs.values()}
