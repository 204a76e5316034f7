"""Requests to the sandbox, their bodies checked as the API checks them; its responses and refusals; credentials.

A field's check takes the value that was sent and returns the one that is stored, None where the block is off. An
invalid value raises `RefusalError`. Source: the vendor's Management API pages, and refusals seen in public clients.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import Any, Final, TypeAlias, assert_never
from urllib.parse import parse_qsl

from reconciler.manifest.layer import COUNTRIES
from reconciler.manifest.lint import categories
from reconciler.model.field import (
    APP_FIELDS,
    PLACEMENT_FIELDS,
    PLACEMENT_TYPES,
    PLATFORMS,
    UNITS,
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
from reconciler.model.value import MINIMUM, WORLDWIDE

REFUSED_SECRET: Final = "wrong"  # noqa: S105 - the one secret that is no good, for rehearsing a bad credential


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """`only` is the one pair of client id and secret that is accepted; None accepts any but the secret `wrong`."""

    only: tuple[str, str] | None = field(default=None, repr=False)

    def fit(self, client_id: object, client_secret: object) -> bool:
        """Whether this pair is accepted."""
        if not all(isinstance(part, str) and part for part in (client_id, client_secret)):
            return False
        return client_secret != REFUSED_SECRET and self.only in {None, (client_id, client_secret)}


JSON_TYPE = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """A request. `query` keeps the last value of each name; `token` is the bearer token, empty where none was sent.

    `target` is path and query byte for byte; `authorized` says whether there was an Authorization header of any kind.
    `fault` is one that strikes it and that the API itself has to act out. `part` and `part_of` are the headers Range
    and If-Range.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    token: str = field(default="", repr=False)
    target: bytes = field(default=b"", repr=False)
    authorized: bool = False
    fault: object = None
    part: str = ""
    part_of: str = ""

    @property
    def resource(self) -> str:
        """The resource of the request: the last part of its path, such as `placement`, or `file` for any file."""
        last = self.path.rpartition("/")[2]
        return "file" if "." in last else last

    def form_or_json(self) -> dict[str, Any]:
        """The body as a form, else as by `json`."""
        return dict(parse_qsl(self.body.decode("latin-1"))) if b"=" in self.body.split(b"{")[0] else self.json()

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises `RefusalError` (400) for any other body."""
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError):
            raise RefusalError(400, "The request body is not valid JSON.") from None
        if not isinstance(content, dict):
            raise RefusalError(400, "The request body must be a JSON object.")
        return content


@dataclass(frozen=True, slots=True)
class SandboxResponse:
    """A complete response: status, body, and all headers but the length."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (JSON_TYPE,)


class RefusalError(Exception):
    """The server refuses a request: an HTTP status, a message, and further keys of the response."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.more = more


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """The record of a request. `status` is None where no response was sent; `fault` names the fault that struck.

    `body` is the JSON that was sent (None without one), `at` seconds since the epoch. Credentials are never kept.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    status: int | None
    at: float
    fault: str | None = None


Handler: TypeAlias = Callable[[SandboxRequest], SandboxResponse]
Routes: TypeAlias = Mapping[tuple[str, str], Handler]
"""Handlers by method and path, or by a folder and `*` for all that is in it. Each API is one such table."""


def json_answer(status: int, content: Any) -> SandboxResponse:
    """A response with the content as JSON."""
    return SandboxResponse(status, json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode())


def remembered_body(call: SandboxRequest) -> Any:
    """The body to record: its JSON, or its text where it is none; without credentials."""
    if not call.body:
        return None
    try:
        content = json.loads(call.body)
    except (ValueError, RecursionError):
        content = call.body.decode(errors="replace")
    if call.resource not in {"auth", "token"}:
        return content
    return {"grant_type": content.get("grant_type")} if isinstance(content, dict) else None


def remembered_query(call: SandboxRequest) -> Mapping[str, str]:
    """The query to record; empty for a file, whose query is a signature."""
    return {} if call.resource == "file" else call.query


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


def _whole(name: str, raw: Any, *, least: int = 1) -> int:
    number = _number(name, raw, least=least)
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
            check = partial(_whole, least=0)
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
