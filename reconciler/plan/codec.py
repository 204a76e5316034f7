"""Plans as JSON: `reconciler.plan/1`, and back.

The document carries a digest of itself, so that a plan edited by hand is not taken for the one that was reviewed.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final, TypeVar, cast, get_args

from reconciler.diff.change import (
    Blocked,
    Change,
    Create,
    Deactivate,
    Delete,
    FieldChange,
    Held,
    Limit,
    Note,
    Unmanaged,
    Update,
    action_of,
    id_of,
    with_worldwide,
)
from reconciler.diff.change import Origin as Cause
from reconciler.errors import PlanUnusable
from reconciler.model import checked
from reconciler.model.address import Address, kind_of
from reconciler.model.desired import Source
from reconciler.model.field import FIELDS
from reconciler.model.ledger import entry_from_json, entry_to_json
from reconciler.model.value import Fields, digest, document_json, fields_to_json, from_json, to_json
from reconciler.plan.plan import Origin, Plan, summary

FORMAT: Final = "reconciler.plan/1"
_ORIGINS: Final = frozenset(get_args(Cause))
_LIMITS: Final = frozenset(get_args(Limit))
_HELD_BY: Final[Mapping[str, tuple[type[Change], ...]]] = {"onDrift": (Update,), "manifests": (Deactivate, Delete)}
"""What the limits hold; the others hold deletes."""

_NAMES: Final = frozenset(name for specs in FIELDS.values() for name in specs)


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan document, its digest last."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "tool": plan.origin.tool,
        "createdAt": plan.origin.created_at,
        "publisherId": plan.origin.publisher_id,
        "api": plan.origin.api,
        "manifestDigest": plan.origin.manifest_digest,
        "summary": asdict(summary(plan)),
        "changes": [_change_to_json(change) for change in plan.changes],
        "held": [_held_to_json(held) for held in plan.held],
        "unmanaged": [
            {"kind": kind_of(each.address), "address": each.address, "id": each.id} for each in plan.unmanaged
        ],
        "notes": [{"address": note.address, "text": note.text} for note in plan.notes],
        "remember": [entry_to_json(entry) for entry in plan.remember],
        "forget": list(plan.forget),
        "owned": plan.owned,
    }
    return {**document, "digest": digest(document)}


def plan_text(plan: Plan) -> str:
    """The plan document as the text of a file."""
    return document_json(plan_to_json(plan)) + "\n"


def plan_from_text(text: str) -> Plan:
    """The plan in a document. Raises `PlanUnusable` for what is none, of another version, or was edited."""
    again = "make a new plan with `reconciler plan --out FILE`"
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise PlanUnusable(f"the plan file is not JSON: {wrong}", hint=again) from wrong
    if not isinstance(document, dict) or not str(document.get("format", "")).startswith("reconciler.plan/"):
        raise PlanUnusable("the file is not a plan document", hint=again)
    if document["format"] != FORMAT:
        raise PlanUnusable(f"the plan is of version {document['format']}, this program reads {FORMAT}", hint=again)
    claimed = document.pop("digest", None)
    try:
        if claimed != digest(document):
            raise PlanUnusable("the plan document was changed after it was made", hint=again)
        return _plan_from_json(document)
    except (ValueError, RecursionError) as wrong:
        raise PlanUnusable(f"the plan document is broken: {wrong}", hint=again) from wrong


def _plan_from_json(document: Mapping[str, Any]) -> Plan:
    """Raises ValueError, which names the place in the document."""
    with _placed("the plan"):
        origin = Origin(
            tool=checked.text(document["tool"]),
            created_at=checked.moment(document["createdAt"]),
            publisher_id=checked.text(document["publisherId"]),
            api=checked.text(document["api"]),
            manifest_digest=checked.text(document["manifestDigest"]),
        )
        unchanged, owned = checked.count(document["summary"]["unchanged"]), checked.count(document["owned"])
    return Plan(
        origin=origin,
        changes=_items(document, "changes", _change_from_json),
        unmanaged=_items(document, "unmanaged", lambda raw: Unmanaged(_address(raw), checked.identifier(raw["id"]))),
        notes=_items(
            document, "notes", lambda raw: Note(Address(checked.text(raw["address"])), checked.text(raw["text"]))
        ),
        remember=_items(document, "remember", entry_from_json),
        forget=_items(document, "forget", lambda raw: Address(checked.text(raw))),
        unchanged=unchanged,
        owned=owned,
        held=_items(document, "held", _held_from_json) if "held" in document else (),
    )


Item = TypeVar("Item")


def _items(document: Mapping[str, Any], key: str, read: Callable[[Any], Item]) -> tuple[Item, ...]:
    """The items of one of the document's lists."""
    with _placed(key):
        listed = checked.listed(lambda raw: raw, document[key])
    found = []
    for at, raw in enumerate(listed):
        with _placed(f"{key}[{at}]"):
            found.append(read(raw))
    return tuple(found)


@contextmanager
def _placed(place: str) -> Iterator[None]:
    """Make what is wrong with a part of the document a ValueError that names the part."""
    try:
        yield
    except KeyError as lacking:
        raise ValueError(f"{place}: it has no {lacking}") from lacking
    except (TypeError, AttributeError) as wrong:
        raise ValueError(f"{place}: a value of another kind than belongs there") from wrong
    except (ValueError, ArithmeticError) as wrong:
        raise ValueError(f"{place}: {wrong}") from wrong


def _address(raw: Mapping[str, Any]) -> Address:
    address = checked.text(raw["address"])
    if not address:
        raise ValueError("an empty address")
    return Address(address)


def field_to_json(field: FieldChange) -> dict[str, Any]:
    """One field change, as plans and audits show it."""
    told = {
        "path": field.path,
        "before": to_json(field.before),
        "after": to_json(field.after),
        "origin": field.origin,
    }
    return told if field.evidence is None else {**told, "evidence": field.evidence}


def _field_from_json(raw: Mapping[str, Any]) -> FieldChange:
    path = checked.text(raw["path"])
    before, after = from_json(path, raw["before"]), from_json(path, raw["after"])
    if path.startswith("floorPrices.") and not all(
        each is None or isinstance(each, Decimal) for each in (before, after)
    ):
        raise ValueError("a floor that is no price")
    origin = checked.text(raw["origin"])
    if origin not in _ORIGINS:
        raise ValueError("a field change of unknown origin")
    return FieldChange(path, before, after, cast("Cause", origin), checked.optional(checked.text, raw.get("evidence")))


def _change_to_json(change: Change) -> dict[str, Any]:
    document: dict[str, Any] = {
        "action": action_of(change),
        "kind": kind_of(change.address),
        "address": change.address,
        "id": id_of(change),
        "source": None if change.source is None else {"file": change.source.file, "line": change.source.line},
        "fields": [] if isinstance(change, Delete) else [field_to_json(field) for field in change.fields],
        "reason": change.reason,
        "observed": None if isinstance(change, Create | Blocked) else change.observed,
    }
    if isinstance(change, Create | Update):
        document["send"] = fields_to_json(change.send)
        document["declared"] = fields_to_json(change.declared)
        document["protect"] = change.protect
    if isinstance(change, Create):
        document.update({"distinct": True} if change.distinct else {})
        document.update({"beside": list(change.beside)} if change.beside else {})
    if not isinstance(change, Blocked):
        document["appId"] = change.app_id
    if isinstance(change, Update):
        document["renamedFrom"] = change.renamed_from
    return document


def _held_to_json(held: Held) -> dict[str, Any]:
    return {
        "action": action_of(held.change),
        "kind": kind_of(held.address),
        "address": held.address,
        "id": held.change.id,
        "reason": held.reason,
        "switch": held.switch,
        "limit": held.limit,
        "change": _change_to_json(held.change),
    }


def _held_from_json(raw: Mapping[str, Any]) -> Held:
    change, limit = _change_from_json(raw["change"]), checked.text(raw["limit"])
    if not isinstance(change, Update | Deactivate | Delete) or type(change) not in _HELD_BY.get(limit, (Delete,)):
        raise ValueError(f"a {action_of(change)}, which is never held")
    if limit not in _LIMITS:
        raise ValueError("a limit that there is not")
    return Held(change, cast(Limit, limit), checked.text(raw["reason"]), checked.text(raw["switch"]))


def _change_from_json(raw: Mapping[str, Any]) -> Change:
    address, reason = _address(raw), checked.optional(checked.text, raw["reason"])
    source = checked.optional(_source_from_json, raw["source"])
    fields = checked.listed(_field_from_json, raw["fields"])
    if "send" in raw:
        fields = with_worldwide(fields, checked.fields(raw["send"]).get("floorPrices"))
    match raw["action"]:
        case "create" if source is not None:
            return Create(
                address,
                source,
                fields,
                _created(checked.fields(raw["send"]), address),
                checked.fields(raw["declared"]),
                checked.optional(checked.identifier, raw["appId"]),
                checked.flag(raw["protect"]),
                reason,
                checked.flag(raw.get("distinct", False)),
                tuple(checked.listed(checked.identifier, raw.get("beside", []))),
            )
        case "update":
            former = checked.optional(checked.text, raw["renamedFrom"])
            return Update(
                address,
                checked.identifier(raw["id"]),
                source,
                fields,
                _sendable(checked.fields(raw["send"])),
                checked.fields(raw["declared"]),
                checked.text(raw["observed"]),
                checked.optional(checked.identifier, raw["appId"]),
                checked.flag(raw["protect"]),
                None if former is None else Address(former),
                reason,
            )
        case "deactivate":
            return Deactivate(address, *_ending(raw), source)
        case "delete":
            return Delete(address, *_ending(raw), source)
        case "blocked":
            return Blocked(
                address, checked.text(reason), checked.optional(checked.identifier, raw["id"]), fields, source
            )
        case _:
            raise ValueError("an action that there is not")


def _source_from_json(raw: Mapping[str, Any]) -> Source:
    return Source(checked.text(raw["file"]), checked.count(raw["line"]))


def _ending(raw: Mapping[str, Any]) -> tuple[str, str, str, str | None]:
    """Id, reason, digest and app of a deactivation or deletion."""
    return (
        checked.identifier(raw["id"]),
        checked.text(raw["reason"]),
        checked.text(raw["observed"]),
        checked.optional(checked.identifier, raw["appId"]),
    )


def _created(send: Fields, address: Address) -> Fields:
    needed = ("name",) if kind_of(address) == "placement" else ("name", "platform", "bundle")
    if missing := [name for name in needed if send.get(name) is None]:
        raise ValueError(f"a create without a {missing[0]}")
    return _sendable(send)


def _sendable(send: Fields) -> Fields:
    if unknown := send.keys() - _NAMES:
        raise ValueError(f"{len(unknown)} fields that the API does not have")
    return send
