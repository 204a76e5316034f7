"""Stored resources as JSON objects of responses.

Source: the vendor's Management API pages, whose response examples disagree with one another; `Quirks` chooses.
"""

import hashlib
import zlib
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, assert_never

from reconciler.model.field import (
    FIELDS,
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
from reconciler.model.value import Absent
from reconciler.sandbox.account import StoredResource
from reconciler.sandbox.quirks import Quirks

Occasion: TypeAlias = Literal["create", "read", "update"]

_WRAPPER = {"app": "apps", "placement": "placements"}
_OFF = {"value": 0, "unit": "minute", "enabled": False}


def response_object(resource: StoredResource, quirks: Quirks, occasion: Occasion = "read") -> dict[str, Any]:
    """The resource as a JSON object of a response to a create, read or update."""
    return _app(resource, quirks, occasion) if resource.kind == "app" else _placement(resource, quirks, occasion)


def id_key(kind: str, quirks: Quirks, occasion: Occasion) -> str:
    """The key of the resource's own id in a response."""
    if quirks.own_ids == "id":
        return "id"
    odd = quirks.keys == "contrary" or (quirks.keys == "vendor" and occasion == "create")
    if kind == "app":
        return "appid" if odd else "appId"
    return "PlacementId" if odd else "placementId"


def spelled_id(resource_id: str, quirks: Quirks) -> str | int:
    """An id as responses show it: a text, or a number."""
    return int(resource_id) if quirks.ids == "number" and resource_id.isdigit() else resource_id


def list_content(kind: str, rows: list[Any], quirks: Quirks) -> Any:
    """The content of a list response, in the list shape of the quirks."""
    match quirks.list_shape:
        case "array":
            return rows
        case "lone-object":
            return rows[0] if len(rows) == 1 else rows
        case "named":
            return {_WRAPPER[kind]: rows}
        case "data" | "list":
            return {quirks.list_shape: rows}


def security_token(app_id: str) -> str:
    """The secret for reward callbacks that the vendor gives an app: 64 hex digits, the same for an app each time."""
    return hashlib.sha256(f"sandbox app {app_id}".encode()).hexdigest()


def _app(app: StoredResource, quirks: Quirks, occasion: Occasion) -> dict[str, Any]:
    values = _field_values(app, quirks)
    answer = {
        id_key("app", quirks, occasion): spelled_id(app.id, quirks),
        "publisherId": spelled_id(str(app.fields.get("publisherId", "")), quirks),
        **{name: values[name] for name in ("name", "bundle", "status", "platform")},
        "storeURL" if quirks.keys == "contrary" else "storeUrl": _store_url(app.fields),
        **values,
        "rewardedAdSecurityToken": security_token(app.id),
    }
    return _without_unset(answer)


def _placement(placement: StoredResource, quirks: Quirks, occasion: Occasion) -> dict[str, Any]:
    values = _field_values(placement, quirks)
    odd = quirks.keys == "contrary" or (quirks.keys == "vendor" and occasion == "read")
    renamed = {"ssrConfig": "rewardedConfig", **({"creativeTypes": "createTypes"} if odd else {})}
    answer = {
        id_key("placement", quirks, occasion): spelled_id(placement.id, quirks),
        "name": values["name"],
        "appId": spelled_id(placement.app_id or "", quirks),
        **{renamed.get(name, name): value for name, value in values.items()},
    }
    return _without_unset(answer)


def _without_unset(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer without what is unset."""
    return {key: value for key, value in answer.items() if value is not None}


UNLESS_SENT: Final[Mapping[str, Any]] = {"status": "active", "coppa": False}
"""Values of fields that were never sent, beside those that have a `when_unset`."""


def _field_values(resource: StoredResource, quirks: Quirks) -> dict[str, Any]:
    """The fields of a response by name; None for those that are unset or hidden by a quirk."""
    return {
        name: None if name in quirks.hidden else _field_value(spec, resource, quirks)
        for name, spec in FIELDS[resource.kind].items()
    }


def _field_value(spec: FieldSpec, resource: StoredResource, quirks: Quirks) -> Any:
    unset = None if isinstance(spec.when_unset, Absent) else spec.when_unset
    value = resource.fields.get(spec.name, UNLESS_SENT.get(spec.name, unset))
    match spec.type:
        case FlagType():
            return None if value is None else _boolean(value, quirks)
        case PricesType():
            return _floors(resource.id, value or {})
        case GeoType():
            return _geo(value, quirks)
        case LimitType():
            return _limit(value, quirks)
        case RewardType():
            return _reward(value, resource.fields.get("placementType"), quirks)
        case TextType() | BundleType() | WordType() | WordsType() | CountType():
            return value
        case _:
            assert_never(spec.type)


def _boolean(value: bool, quirks: Quirks) -> bool | str:
    match quirks.booleans:
        case "boolean":
            return value
        case "text":
            return "true" if value else "false"
        case "empty-false":
            return value or ""


def _floors(placement_id: str, floors: Mapping[str, float]) -> list[dict[str, Any]]:
    """The lines in an order of the server's own, the same each time: neither sorted nor as sent."""
    order = sorted(floors, key=lambda country: zlib.crc32(f"{placement_id} {country}".encode()))
    return [{"country": country, "price": floors[country]} for country in order]


def _geo(geo: Mapping[str, Any] | None, quirks: Quirks) -> dict[str, Any] | None:
    return None if geo is None else {"include": _boolean(geo["include"], quirks), "countries": list(geo["countries"])}


def _limit(limit: Mapping[str, Any] | None, quirks: Quirks) -> dict[str, Any] | None:
    if limit is None:
        return {**_OFF, "enabled": _boolean(False, quirks)} if quirks.off_blocks == "shown" else None
    return {"value": limit["value"], "unit": limit["unit"], "enabled": _boolean(True, quirks)}


def _reward(reward: Mapping[str, Any] | None, placement_type: Any, quirks: Quirks) -> dict[str, Any] | None:
    if reward is None and (quirks.off_blocks == "absent" or placement_type != "Rewarded"):
        return None
    currency, amount = (reward["currency"], reward["amount"]) if reward else ("", 0)
    return {
        "id": "",
        "currency": {"id": currency, "appId": "", "currency": currency},
        "amount": amount,
        "rewardingType": "server" if reward else "client",
        "placementId": "",
    }


def _store_url(fields: Mapping[str, Any]) -> str:
    bundle = str(fields.get("bundle", ""))
    if fields.get("platform") == "android":
        return f"https://play.google.com/store/apps/details?id={bundle}"
    return f"https://apps.apple.com/app/id{bundle}" if bundle.isdigit() else ""
