"""Plans as JSON: `reconciler.plan/1`, and back.

The document carries a digest of itself, so that a plan edited by hand is not taken for the one that was reviewed.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final, TypeVar

from reconciler.diff.change import (
    ACTIONS,
    Blocked,
    Change,
    Create,
    Deactivate,
    Delete,
    FieldChange,
    Held,
    Note,
    Unmanaged,
    Update,
    action_of,
    with_worldwide,
)
from reconciler.errors import PlanUnusable
from reconciler.model import checked
from reconciler.model.address import Address, kind_of
from reconciler.model.desired import Source
from reconciler.model.field import FIELDS, from_json
from reconciler.model.ledger import entry_from_json
from reconciler.model.value import ABSENT, Fields, digest, document_json
from reconciler.plan.document import (
    ChangeJson,
    FieldChangeJson,
    HeldJson,
    NoteJson,
    PlanDocument,
    SourceJson,
    UnmanagedJson,
    address_of,
)
from reconciler.plan.plan import Origin, Plan

_HELD_BY: Final[Mapping[str, tuple[type[Change], ...]]] = {"onDrift": (Update,), "manifests": (Deactivate, Delete)}
"""What the limits hold; the others hold deletes."""

_NAMES: Final = frozenset(name for specs in FIELDS.values() for name in specs)


FORMAT: Final = PlanDocument.format


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan document, its digest last."""
    document = PlanDocument.write(plan, digest=ABSENT)
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
        origin = PlanDocument.read(document, Origin)
        unchanged, owned = checked.count(document["summary"]["unchanged"]), checked.count(document["owned"])
    return Plan(
        origin=origin,
        changes=_items(document, "changes", _change_from_json),
        unmanaged=_items(document, "unmanaged", lambda raw: UnmanagedJson.read(raw, Unmanaged)),
        notes=_items(document, "notes", lambda raw: NoteJson.read(raw, Note)),
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


def _field_from_json(raw: Mapping[str, Any]) -> FieldChange:
    path = checked.text(raw["path"])
    before, after = from_json(path, raw["before"]), from_json(path, raw["after"])
    if path.startswith("floorPrices.") and not all(
        each is None or isinstance(each, Decimal) for each in (before, after)
    ):
        raise ValueError("a floor that is no price")
    return FieldChangeJson.read(raw, FieldChange, path=path, before=before, after=after)


def _held_from_json(raw: Mapping[str, Any]) -> Held:
    change, limit = _change_from_json(raw["change"]), checked.text(raw["limit"])
    if not isinstance(change, Update | Deactivate | Delete) or type(change) not in _HELD_BY.get(limit, (Delete,)):
        raise ValueError(f"a {action_of(change)}, which is never held")
    return HeldJson.read(raw, Held, change=change)


_KNOWN: Final[Mapping[type[Change], tuple[str, ...]]] = {
    **dict.fromkeys((Create, Update), ("address", "source", "fields", "send")),
    **dict.fromkeys((Deactivate, Delete), ("address", "source")),
    Blocked: ("address", "source", "fields"),
}
"""What is read of a change before it is known what is made of it."""

_MADE: Final[Mapping[Any, type[Change]]] = {action: made for made, action in ACTIONS.items()}


def _change_from_json(raw: Mapping[str, Any]) -> Change:
    address, fields = address_of(raw["address"]), checked.listed(_field_from_json, raw["fields"])
    sent = {"send": checked.fields(raw["send"])} if "send" in raw else {}
    if sent:
        fields = with_worldwide(fields, sent["send"].get("floorPrices"))
    action, source = raw["action"], checked.optional(lambda block: SourceJson.read(block, Source), raw["source"])
    makes = _MADE.get(action) if isinstance(action, str) else None
    if makes is None or (makes is Create and source is None):
        raise ValueError("an action that there is not")
    known: dict[str, Any] = {"address": address, "source": source, "fields": fields, **sent}
    change = ChangeJson.read(raw, makes, **{name: known[name] for name in _KNOWN[makes] if name in known})
    if isinstance(change, Create):
        _check_created(change)
    if isinstance(change, Create | Update):
        _check_sendable(change.send)
    return change


def _check_created(change: Create) -> None:
    needed = ("name",) if kind_of(change.address) == "placement" else ("name", "platform", "bundle")
    if missing := [name for name in needed if change.send.get(name) is None]:
        raise ValueError(f"a create without a {missing[0]}")


def _check_sendable(send: Fields) -> None:
    if unknown := send.keys() - _NAMES:
        raise ValueError(f"{len(unknown)} fields that the API does not have")
