"""Answers of the Management API: resources from lists and writes."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.apis.management.wire.beside import beside_rows, speaks_of_failure, speaks_of_more
from reconciler.apis.management.wire.fields import full_fields, said_fields, spelled
from reconciler.http.exchange import (
    TWOFOLD,
    AnswerError,
    folded,
    folded_row,
)
from reconciler.model.address import Kind
from reconciler.model.checked import identifier
from reconciler.model.secret import Secret
from reconciler.model.state import LiveResource
from reconciler.model.value import Fields, kind_of_json

ID_KEYS: Final[Mapping[Kind, str]] = {"app": "appId", "placement": "placementId"}
_WRAPPED_IN: Final[Mapping[Kind, tuple[str, ...]]] = {
    "app": ("apps", "data", "list"),
    "placement": ("placements", "data", "list"),
}
_OWNERS: Final[Mapping[Kind, str]] = {"app": "publisherId", "placement": "appId"}
_DEPTH: Final = 2
"""Wrappers within wrappers that are opened: `{"data": {"apps": [...]}}`, and no more."""


_NO_PAGES: Final = "it is not taken for the whole list, and no way to read further pages is known"


def live_list(
    kind: Kind, value: Any, *, app_id: str | None = None, publisher_id: str | None = None
) -> tuple[LiveResource, ...]:
    """The resources of a list answer: an array, a lone resource, or either in a wrapper.

    `app_id` is the app whose placements were asked for, `publisher_id` the publisher whose apps. A row repeated word
    for word is read once; what cannot be read of one stands in its resource. Raises `AnswerError` for every other form,
    for a row without an id or of another app, for a wrapper that says that its rows are somebody else's, and for one
    that speaks of rows it does not hold.
    """
    resources: dict[str, LiveResource] = {}
    for row in _rows(kind, value, owner=app_id or publisher_id):
        resource = _resource(kind, row, app_id)
        if resources.setdefault(resource.id, resource) != resource:
            raise AnswerError(f"{kind} {resource.id} is in the list twice, with different values")
    return tuple(resources.values())


def read_row(kind: Kind, part: Any, app_id: str) -> LiveResource:
    """One row of a list of what is in an app. Raises `AnswerError` as `live_list` does."""
    return _resource(kind, _row(kind, part), app_id)


def is_null_list(value: Any) -> bool:
    """Whether a list of placements is a wrapper that holds null, and nothing beside it that says otherwise."""
    if not isinstance(value, dict):
        return False
    small = folded_row(value)
    keys = [key for key in _WRAPPED_IN["placement"] if key in small]
    others = {key: said for key, said in small.items() if key not in keys}
    return len(keys) == 1 and small[keys[0]] is None and beside_rows("placement", others, 0) is None


def live_one(kind: Kind, value: Any, resource_id: str) -> LiveResource | None:
    """The resource that was asked for by its id; None for an empty array. Raises `AnswerError` otherwise."""
    resources = live_list(kind, value)
    if not resources:
        return None
    if [resource.id for resource in resources] != [resource_id]:
        raise AnswerError(f"asked for {kind} {resource_id}, it holds {', '.join(sorted(r.id for r in resources)[:5])}")
    return resources[0]


def written_resource(kind: Kind, value: Any) -> tuple[str | None, str | None, Fields]:
    """What the answer to a create or update says: the resource's id, a placement's app, and the fields it speaks of.

    An answer that is about no resource (a message, say) is (None, None, {}). Raises `AnswerError` where it speaks of a
    failure, or of several things.
    """
    if isinstance(value, dict) and (failure := speaks_of_failure(folded(value))):
        raise AnswerError(failure)
    try:
        rows = _rows(kind, value)
    except AnswerError:
        if isinstance(value, list) and len(value) > 1:
            raise
        return None, None, {}
    if len(rows) != 1:
        raise AnswerError(f"it speaks of {len(rows)} resources, where one was written")
    row = rows[0]
    app_id = read_id(row.get("appid")) if kind == "placement" else None
    return read_id(row[ID_KEYS[kind].lower()]), app_id, said_fields(kind, row)


def read_id(raw: Any) -> str | None:
    """An id as text, whichever way it is written; None where there is none. Raises `AnswerError` for what is no id."""
    if raw is None:
        return None
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < _EXACT:
        raw = int(raw)
    if isinstance(raw, str | int) and not isinstance(raw, bool) and str(raw).strip():
        if str(raw).strip().lower() in _NO_IDS or (isinstance(raw, int) and raw <= 0):
            raise AnswerError(f"an id that stands for none ({str(raw).strip()[:20]})")
        try:
            return identifier(str(raw).strip())
        except ValueError as error:
            raise AnswerError(str(error)) from None
    if isinstance(raw, float) and raw.is_integer():
        raise AnswerError("an id so large that it cannot be told from others")
    raise AnswerError("an id that is neither a number nor a text")


_EXACT: Final = 2**53
"""From here on a number with a fraction part may be another than the one that was sent."""
_NO_IDS: Final = frozenset(("null", "none", "nil", "undefined", "nan", "true", "false", "0", "-1"))


def _rows(kind: Kind, value: Any, depth: int = _DEPTH, *, owner: str | None = None) -> list[Mapping[str, Any]]:
    match value:
        case list():
            return [_row(kind, part) for part in value]
        case dict():
            return _rows_of_object(kind, folded_row(value), depth, owner)
        case None:
            raise AnswerError("null instead of a list")
        case _:
            raise AnswerError(f"{kind_of_json(value)} instead of a list")


def _rows_of_object(kind: Kind, value: Mapping[str, Any], depth: int, owner: str | None) -> list[Mapping[str, Any]]:
    if failure := speaks_of_failure(value):
        raise AnswerError(failure)
    if "name" in value and not any(key in value for key in _WRAPPED_IN[kind]):
        value = _with_usual_ids(kind, value)
    if _is_resource(kind, value):
        if isinstance(value.get(_WRAPPED_IN[kind][0]), list):
            raise AnswerError(f"it is {_with_article(kind)} and a list of them")
        if hint := speaks_of_more(kind, value, 1):
            raise AnswerError(f"it speaks of more than the 1 it holds ({hint}); {_NO_PAGES}")
        return [value]
    wrapper = _wrapped_in(kind, value, depth)
    if twofold := [key for key, said in value.items() if said is TWOFOLD]:
        raise AnswerError(f"the key {twofold[0]} is {TWOFOLD}")
    said_owner = read_id(value.get(_OWNERS[kind].lower()) or None)
    if owner is not None and said_owner not in (None, owner):
        raise AnswerError(f"asked for {kind}s of {_OWNERS[kind]} {owner}, it speaks of {said_owner}")
    rows = _rows(kind, value[wrapper], depth - 1, owner=owner)
    if doubt := beside_rows(kind, {key: said for key, said in value.items() if key != wrapper}, len(rows)):
        raise AnswerError(f"{doubt}; {_NO_PAGES}")
    return rows


def _wrapped_in(kind: Kind, value: Mapping[str, Any], depth: int) -> str:
    keys = [key for key in _WRAPPED_IN[kind] if key in value]
    if not keys or not depth:
        raise AnswerError(
            f"an object that is neither {_with_article(kind)} nor a list of them (keys: {_keys_text(value)})"
        )
    if len(keys) > 1:
        raise AnswerError(f"it holds more than one list ({', '.join(keys)})")
    return keys[0]


def _row(kind: Kind, part: Any) -> Mapping[str, Any]:
    if not isinstance(part, dict):
        raise AnswerError(f"a row that is not {_with_article(kind)}")
    row = _with_usual_ids(kind, folded_row(part))
    if not _is_resource(kind, row):
        raise AnswerError(f"a row without {ID_KEYS[kind]} (keys: {_keys_text(row)})")
    return row


_IDS: Final[Mapping[Kind, Mapping[str, tuple[str, ...]]]] = {
    "app": {"appid": ("id", "app_id")},
    "placement": {"placementid": ("id", "placement_id"), "appid": ("app_id",)},
}
"""The ids in a row, in lower case, and other names that they may have instead, the one that counts last."""


def _with_usual_ids(kind: Kind, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row with its ids under their usual names, where they have none of these but another."""
    lacking = [name for name in _IDS[kind] if row.get(name) is None]
    if not lacking:
        return row
    said = {
        name: next((row[other] for other in _IDS[kind][name] if row.get(other) is not None), None) for name in lacking
    }
    return {**row, **{name: value for name, value in said.items() if value is not None}}


def _is_resource(kind: Kind, row: Mapping[str, Any]) -> bool:
    other = kind == "app" and "placementid" in row
    return not other and row.get(ID_KEYS[kind].lower()) is not None


def _resource(kind: Kind, row: Mapping[str, Any], asked_app: str | None) -> LiveResource:
    resource_id = read_id(row[ID_KEYS[kind].lower()])
    if resource_id is None:
        raise AnswerError(f"a row without {ID_KEYS[kind]}")
    try:
        app_id = read_id(row.get("appid")) if kind == "placement" else None
        publisher_id = read_id(row.get("publisherid") or None)
    except AnswerError as error:
        raise AnswerError(f"{kind} {resource_id}: {error}") from None
    fields, unreadable = full_fields(kind, row)
    if asked_app is not None and app_id not in (None, asked_app):
        raise AnswerError(f"asked for the placements of app {asked_app}, it holds {resource_id} of app {app_id}")
    home = app_id if app_id is not None else asked_app
    told = row.get("storeurl") if kind == "app" else None
    store_url = told if isinstance(told, str) else None
    return LiveResource(
        kind, resource_id, fields, home, publisher_id, unreadable, store_url, spelled(kind, row, fields)
    )


def reward_token(value: Any, app_id: str) -> Secret | None:
    """The token that signs an app's reward callbacks, from the answer about that app; None where it has none.

    Raises `AnswerError`, whose message holds nothing of the answer.
    """
    try:
        rows = _rows("app", value)
        (row,) = rows if len(rows) == 1 and read_id(rows[0]["appid"]) == app_id else (None,)
    except AnswerError:
        row = None
    if row is None:
        raise AnswerError(f"it is not about app {app_id} alone")
    told = row.get("rewardedadsecuritytoken")
    if told in (None, ""):
        return None
    if not isinstance(told, str) or not told.isprintable() or len(told) > _LONGEST_TOKEN:
        raise AnswerError("its rewardedAdSecurityToken is no text of one line")
    return Secret(told)


_LONGEST_TOKEN: Final = 4096


def _with_article(kind: Kind) -> str:
    return "an app" if kind == "app" else "a placement"


def _keys_text(keys: Iterable[str]) -> str:
    shown = sorted(key for key in keys if key.isidentifier())[:6]
    return ", ".join(shown) or "none"
