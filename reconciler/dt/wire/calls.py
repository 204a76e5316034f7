"""Calls: paths, queries and bodies, spelled the way the API takes them.

Ids go as text in bodies (a number is refused when a placement is created), booleans as booleans, prices as numbers.
Only `appId`, `placementId` and `creativeTypes` are written, whatever else is read.
"""

from collections.abc import Mapping
from typing import Any, Final

from reconciler.dt.wire.answer import ID_KEYS
from reconciler.model.address import Kind
from reconciler.model.floors import WORLDWIDE
from reconciler.model.live import LiveResource
from reconciler.model.value import Fields, Value, to_json
from reconciler.web.auth import Credentials
from reconciler.web.exchange import Request
from reconciler.web.json_body import encode

_PATHS: Final[Mapping[Kind, str]] = {"app": "/api/management/v1/app", "placement": "/api/management/v1/placement"}
_SWITCHED: Final = ("capping", "pacing", "ssrConfig")
"""Blocks that carry `enabled`: absence is not off when sent, so off is sent as such."""


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
            body[name] = _spelled(name, value, None)
    return Request("POST", _PATHS[kind], body=encode(body), repeatable=False)


def update(before: LiveResource, fields: Fields) -> Request:
    """Sends the given fields of a resource and no others. The same values twice are the same as once."""
    body: dict[str, Any] = {ID_KEYS[before.kind]: before.id}
    for name, value in fields.items():
        body[name] = _spelled(name, value, before.fields.get(name))
    return Request("PUT", _PATHS[before.kind], body=encode(body))


def delete(kind: Kind, resource_id: str) -> Request:
    """Deletes a resource. Ids are not given out twice, so a second one finds nothing to delete."""
    return Request("DELETE", _PATHS[kind], body=encode({ID_KEYS[kind]: resource_id}))


def _spelled(name: str, value: Value, before: Value) -> Any:
    match name, value:
        case "floorPrices", Mapping():
            countries = sorted(value, key=lambda country: (country != WORLDWIDE, country))
            return [{"country": country, "price": to_json(value[country])} for country in countries]
        case "geo", None:
            return {"include": True, "countries": []}
        case "connectivity", None:
            return []
        case _ if name in _SWITCHED:
            return _switched(value, before)
        case _:
            return to_json(value)


def _switched(value: Value, before: Value) -> Any:
    shown = before if value is None else value
    parts = to_json(shown) if isinstance(shown, Mapping) else {}
    return {**parts, "enabled": value is not None}
