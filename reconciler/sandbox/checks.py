"""Request bodies, checked as the API checks them and converted to the form that is stored.

A field's check takes the value that was sent and returns the one that is stored, None where the block is off. An
invalid value raises `RefusalError`. Source: the vendor's Management API pages, and refusals seen in public clients.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import isfinite
from typing import Any, Final, TypeAlias, assert_never

from reconciler.manifest.country_expansion import COUNTRIES
from reconciler.manifest.lint import categories
from reconciler.model.field import APP_FIELDS, PLACEMENT_FIELDS, PLACEMENT_TYPES, PLATFORMS, FieldSpec
from reconciler.model.field_type import (
    UNITS,
    BundleType,
    CountType,
    FlagType,
    GeoType,
    LimitType,
    PricesType,
    RewardType,
    TextType,
    WordsType,
    WordType,
)
from reconciler.model.floors import MINIMUM, WORLDWIDE
from reconciler.sandbox.exchange import RefusalError

Check: TypeAlias = Callable[[str, Any], Any]


def app_to_create(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a new app; its status is active unless sent."""
    fields: dict[str, Any] = {name: _text(name, _required(name, body)) for name in ("name", "bundle")}
    fields["platform"] = _one_of("platform", _required("platform", body), PLATFORMS)
    fields["coppa"] = _boolean("coppa", _required("coppa", body))
    fields["status"] = "active"
    _required("category1", body)
    for name in ("category1", "category2"):
        if body.get(name) is not None:
            fields[name] = _category(name, body[name], fields["platform"])
    return fields | app_to_update(body)


def app_to_update(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that an update of an app may change; all others are ignored, as the vendor does."""
    return {name: check(name, body[name]) for name, check in OF_APPS.items() if name in body}


def placement_to_create(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a new placement. A status is ignored: it is no parameter of a create."""
    placement_type = _one_of("placementType", _required("placementType", body), PLACEMENT_TYPES)
    _required("name", body)
    _required("coppa", body)
    sent = {name: value for name, value in body.items() if name != "status"}
    return {"placementType": placement_type, "status": "active"} | placement_to_update(sent, placement_type)


def placement_to_update(body: Mapping[str, Any], placement_type: str) -> dict[str, Any]:
    """The fields that were sent, as they are stored; None for a block that is switched off.

    `placementType` and `appId` are ignored, as they cannot be changed.
    """
    fields: dict[str, Any] = {}
    for name, (check, only_for) in _OF_PLACEMENTS.items():
        if name not in body:
            continue
        if only_for not in (None, placement_type):
            raise RefusalError(400, f"{name} is only valid for {only_for} placements.")
        fields[name] = check(name, body[name])
    return fields


def complete_placement(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A placement's fields after a write, as they are stored.

    A worldwide floor is added; blocks that are off, and targeting while it is disabled, are dropped. Raises
    `RefusalError` where targeting is enabled without geo or connectivity.
    """
    stored = {name: value for name, value in fields.items() if value is not None}
    stored["floorPrices"] = {WORLDWIDE: float(MINIMUM)} | stored.get("floorPrices", {})
    stored.setdefault("targetingEnabled", False)
    if not stored["targetingEnabled"]:
        return {name: value for name, value in stored.items() if name not in ("geo", "connectivity")}
    if "geo" not in stored and "connectivity" not in stored:
        raise RefusalError(400, "targetingEnabled needs geo or connectivity.")
    return stored


def sent_id(name: str, body: Mapping[str, Any]) -> str:
    """The id a body names, whether as text or as a number."""
    raw = body.get(name)
    if isinstance(raw, bool) or not isinstance(raw, str | int) or raw == "":
        raise RefusalError(400, f"{name} is required.")
    return str(raw)


def _required(name: str, body: Mapping[str, Any]) -> Any:
    if body.get(name) is None:
        raise RefusalError(400, f"{name} is required.")
    return body[name]


def _text(name: str, raw: Any, *, empty: bool = False) -> str:
    if not isinstance(raw, str) or not (raw.strip() or empty):
        raise RefusalError(400, f"{name} must be a string with something in it.")
    return raw


def _text_or_none(name: str, raw: Any) -> str | None:
    """A text of an app; an empty one removes the stored value."""
    return _text(name, raw, empty=True) or None


def _boolean(name: str, raw: Any) -> bool:
    """A JSON boolean; an empty string is false, other text is refused."""
    if raw == "":
        return False
    if not isinstance(raw, bool):
        raise RefusalError(400, f"{name} must be a boolean.")
    return raw


def _number(name: str, raw: Any, *, least: float) -> int | float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not isfinite(raw) or raw < least:
        raise RefusalError(400, f"{name} must be a number of at least {least:g}.")
    return raw


def _whole(name: str, raw: Any) -> int:
    number = _number(name, raw, least=1)
    if number != int(number):
        raise RefusalError(400, f"{name} must be a whole number.")
    return int(number)


def _one_of(name: str, raw: Any, choices: tuple[str, ...]) -> str:
    if raw not in choices:
        raise RefusalError(400, f"Invalid {name}: it must be one of {', '.join(choices)}.")
    return str(raw)


def _some_of(name: str, raw: Any, choices: tuple[str, ...], *, turns_off: bool) -> list[str] | None:
    if raw is None and turns_off:
        return None
    if not isinstance(raw, list):
        raise RefusalError(400, f"{name} must be an array.")
    some = [_one_of(name, item, choices) for item in dict.fromkeys(map(str, raw))]
    if not some and not turns_off:
        raise RefusalError(400, f"{name} must not be empty.")
    return some or None


def _mapping(name: str, raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise RefusalError(400, f"{name} must be an object.")
    return raw


def _country(name: str, raw: Any) -> str:
    if raw not in COUNTRIES and raw != WORLDWIDE:
        raise RefusalError(400, f"{name}: {raw!r} is not a country code.")
    return str(raw)


def _floors(name: str, raw: Any) -> dict[str, float]:
    if not isinstance(raw, list):
        raise RefusalError(400, f"{name} must be an array.")
    floors: dict[str, float] = {}
    for line in raw:
        country = _country(name, _mapping(name, line).get("country"))
        if country in floors:
            raise RefusalError(400, f"{name}: {country} is there twice.")
        floors[country] = float(_number(f"{name}.price", line.get("price"), least=float(MINIMUM)))
    return floors


def _geo(name: str, raw: Any) -> dict[str, Any] | None:
    if raw is None:
        return None
    geo = _mapping(name, raw)
    countries = geo.get("countries")
    if not isinstance(countries, list):
        raise RefusalError(400, f"{name}.countries must be an array.")
    include = _boolean(f"{name}.include", geo.get("include"))
    named = [_country(name, country) for country in countries]
    return {"include": include, "countries": sorted(set(named))} if named else None


def _limit(name: str, raw: Any) -> dict[str, Any] | None:
    """Capping or pacing, which count only when they say `enabled: true`."""
    if raw is None or not _boolean(f"{name}.enabled", _mapping(name, raw).get("enabled", False)):
        return None
    unit = _one_of(f"{name}.unit", raw.get("unit"), UNITS)
    return {"value": _whole(f"{name}.value", raw.get("value")), "unit": unit}


def _reward(name: str, raw: Any) -> dict[str, Any] | None:
    if raw is None or not _boolean(f"{name}.enabled", _mapping(name, raw).get("enabled", False)):
        return None
    currency = _text(f"{name}.currency", raw.get("currency"))
    return {"currency": currency, "amount": _number(f"{name}.amount", raw.get("amount"), least=0)}


def _category(name: str, raw: Any, platform: str) -> str:
    known = categories()[platform]
    if raw not in known:
        raise RefusalError(409, f"Invalid store {name}", validCategories=known)
    return str(raw)


def _check(spec: FieldSpec) -> Check:
    """The check for a field: it takes its name and the sent value, and returns what is stored."""
    check: Check
    match spec.type:
        case FlagType():
            check = _boolean
        case TextType() | BundleType():
            check = _text
        case WordType(choices):
            check = partial(_one_of, choices=choices)
        case WordsType(choices):
            check = partial(_some_of, choices=choices, turns_off=spec.turns_off)
        case CountType():
            check = _whole
        case PricesType():
            check = _floors
        case GeoType():
            check = _geo
        case LimitType():
            check = _limit
        case RewardType():
            check = _reward
        case _:
            assert_never(spec.type)
    return check


_OF_PLACEMENTS: Final = {
    name: (_check(spec), spec.only_for) for name, spec in PLACEMENT_FIELDS.items() if spec.remedy is None
}
OF_APPS: Final = {
    name: _text_or_none if isinstance(spec.type, TextType) else _check(spec)
    for name, spec in APP_FIELDS.items()
    if spec.remedy is None
}
