"""Plans as JSON: `reconciler.plan/1`, and back.

The document carries a digest of itself, so that a plan edited by hand is not taken for the one that was reviewed.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final, get_args

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
)
from reconciler.errors import PlanUnusable
from reconciler.model.address import Address, kind_of
from reconciler.model.desired import Source
from reconciler.model.ledger import entry_from_json, entry_to_json
from reconciler.model.value import digest, document_json, fields_from_json, fields_to_json, from_json, to_json
from reconciler.plan.plan import Origin, Plan, summary

FORMAT: Final = "reconciler.plan/1"


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
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise PlanUnusable(f"the plan document is broken: {wrong!r}", hint=again) from wrong


def _plan_from_json(document: Mapping[str, Any]) -> Plan:
    return Plan(
        origin=Origin(
            document["tool"],
            document["createdAt"],
            document["publisherId"],
            document["api"],
            document["manifestDigest"],
        ),
        changes=tuple(_change_from_json(each) for each in document["changes"]),
        unmanaged=tuple(Unmanaged(Address(each["address"]), each["id"]) for each in document["unmanaged"]),
        notes=tuple(Note(Address(each["address"]), each["text"]) for each in document["notes"]),
        remember=tuple(entry_from_json(each) for each in document["remember"]),
        forget=tuple(Address(each) for each in document["forget"]),
        unchanged=document["summary"]["unchanged"],
        owned=document["owned"],
        held=tuple(_held_from_json(each) for each in document.get("held", ())),
    )


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
    path = raw["path"]
    before, after = from_json(path, raw["before"]), from_json(path, raw["after"])
    return FieldChange(path, before, after, raw["origin"], raw.get("evidence"))


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
    change = _change_from_json(raw["change"])
    if not isinstance(change, Delete):
        raise ValueError(f"a {action_of(change)} is never held")  # noqa: TRY004 - the document is of no such shape
    if raw["limit"] not in get_args(Limit):
        raise ValueError(f"unknown limit {raw['limit']!r}")
    return Held(change, raw["limit"], raw["reason"], raw["switch"])


def _change_from_json(raw: Mapping[str, Any]) -> Change:
    address = Address(raw["address"])
    source = None if raw["source"] is None else Source(raw["source"]["file"], raw["source"]["line"])
    fields = tuple(_field_from_json(field) for field in raw["fields"])
    match raw["action"]:
        case "create" if source is not None:
            return Create(
                address,
                source,
                fields,
                fields_from_json(raw["send"]),
                fields_from_json(raw["declared"]),
                raw["appId"],
                raw["protect"],
                raw["reason"],
            )
        case "update":
            return Update(
                address,
                raw["id"],
                source,
                fields,
                fields_from_json(raw["send"]),
                fields_from_json(raw["declared"]),
                raw["observed"],
                raw["appId"],
                raw["protect"],
                None if raw["renamedFrom"] is None else Address(raw["renamedFrom"]),
                raw["reason"],
            )
        case "deactivate":
            return Deactivate(address, raw["id"], raw["reason"], raw["observed"], raw["appId"], source)
        case "delete":
            return Delete(address, raw["id"], raw["reason"], raw["observed"], raw["appId"], source)
        case "blocked":
            return Blocked(address, raw["reason"], raw["id"], fields, source)
        case unknown:
            raise ValueError(f"unknown action {unknown!r}")
