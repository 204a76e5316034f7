"""How the API spells what it answers: one stored resource as the JSON object of a response.

Source: the vendor's Management API pages, whose response examples disagree with one another; `Quirks` chooses.
"""

import hashlib
import zlib
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.resources import Stored

Occasion: TypeAlias = Literal["create", "read", "update"]

_WRAPPER = {"app": "apps", "placement": "placements"}
_OFF = {"value": 0, "unit": "minute", "enabled": False}


def spelled(resource: Stored, quirks: Quirks, occasion: Occasion = "read") -> dict[str, Any]:
    """The resource as a response to the occasion shows it."""
    return _app(resource, quirks, occasion) if resource.kind == "app" else _placement(resource, quirks, occasion)


def id_key(kind: str, quirks: Quirks, occasion: Occasion) -> str:
    """The key that a response has the resource's own id under."""
    odd = quirks.keys == "contrary" or (quirks.keys == "vendor" and occasion == "create")
    if kind == "app":
        return "appid" if odd else "appId"
    return "PlacementId" if odd else "placementId"


def spelled_id(resource_id: str, quirks: Quirks) -> str | int:
    """An id as responses have it."""
    return int(resource_id) if quirks.ids == "number" and resource_id.isdigit() else resource_id


def listed(kind: str, rows: list[Any], quirks: Quirks) -> Any:
    """The rows of a list in the shape that lists have."""
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


def _app(app: Stored, quirks: Quirks, occasion: Occasion) -> dict[str, Any]:
    fields = app.fields
    answer = {
        id_key("app", quirks, occasion): spelled_id(app.id, quirks),
        "publisherId": spelled_id(str(fields.get("publisherId", "")), quirks),
        "name": fields.get("name"),
        "bundle": fields.get("bundle"),
        "status": fields.get("status", "active"),
        "platform": fields.get("platform"),
        "storeURL" if quirks.keys == "contrary" else "storeUrl": _store_url(fields),
        "category1": fields.get("category1"),
        "category2": fields.get("category2"),
        "coppa": _boolean(fields.get("coppa", False), quirks),
        "rewardedAdUrl": fields.get("rewardedAdUrl"),
        "rewardedAdSecurityToken": security_token(app.id),
    }
    return _shown(answer, quirks)


def _placement(placement: Stored, quirks: Quirks, occasion: Occasion) -> dict[str, Any]:
    fields = placement.fields
    creatives = quirks.keys == "contrary" or (quirks.keys == "vendor" and occasion == "read")
    answer = {
        id_key("placement", quirks, occasion): spelled_id(placement.id, quirks),
        "name": fields.get("name"),
        "appId": spelled_id(placement.app_id or "", quirks),
        "placementType": fields.get("placementType"),
        "status": fields.get("status", "active"),
        "coppa": _boolean(fields.get("coppa", False), quirks),
        "createTypes" if creatives else "creativeTypes": fields.get("creativeTypes"),
        "bannerRefresh": fields.get("bannerRefresh"),
        "rewardedConfig": _reward(fields, quirks),
        "floorPrices": _floors(placement.id, fields.get("floorPrices", {})),
        "targetingEnabled": _boolean(fields.get("targetingEnabled", False), quirks),
        "geo": _geo(fields.get("geo"), quirks),
        "connectivity": fields.get("connectivity"),
        "capping": _limit(fields.get("capping"), quirks),
        "pacing": _limit(fields.get("pacing"), quirks),
        "skipability": fields.get("skipability"),
    }
    return _shown(answer, quirks)


def _shown(answer: dict[str, Any], quirks: Quirks) -> dict[str, Any]:
    """The answer without what is unset and what this server keeps to itself."""
    sent_as = {"rewardedConfig": "ssrConfig", "createTypes": "creativeTypes"}
    return {
        key: value for key, value in answer.items() if value is not None and sent_as.get(key, key) not in quirks.hidden
    }


def _boolean(value: bool, quirks: Quirks) -> bool | str:
    match quirks.booleans:
        case "boolean":
            return value
        case "text":
            return "true" if value else "false"
        case "empty-false":
            return value or ""


def _floors(placement_id: str, floors: Mapping[str, float]) -> list[dict[str, Any]]:
    """The lines in an order of the server's own, the same each time."""
    order = sorted(floors, key=lambda country: zlib.crc32(f"{placement_id} {country}".encode()))
    return [{"country": country, "price": floors[country]} for country in order]


def _geo(geo: Mapping[str, Any] | None, quirks: Quirks) -> dict[str, Any] | None:
    return None if geo is None else {"include": _boolean(geo["include"], quirks), "countries": list(geo["countries"])}


def _limit(limit: Mapping[str, Any] | None, quirks: Quirks) -> dict[str, Any] | None:
    if limit is None:
        return {**_OFF, "enabled": _boolean(False, quirks)} if quirks.off_blocks == "shown" else None
    return {"value": limit["value"], "unit": limit["unit"], "enabled": _boolean(True, quirks)}


def _reward(fields: Mapping[str, Any], quirks: Quirks) -> dict[str, Any] | None:
    reward = fields.get("ssrConfig")
    if reward is None and (quirks.off_blocks == "absent" or fields.get("placementType") != "Rewarded"):
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
