"""The plan document, `reconciler.plan/1`: its shape as types, writing a plan as one, and reading one back."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, Final, TypeVar, get_args

from reconciler.diff.change import (
    ACTIONS,
    Action,
    Blocked,
    Change,
    Create,
    Deactivate,
    Delete,
    FieldChange,
    HeldChange,
    Limit,
    Note,
    Unmanaged,
    Update,
    action_of,
    id_of,
    with_worldwide,
)
from reconciler.diff.change import ChangeOrigin as Cause
from reconciler.errors import PlanUnusable
from reconciler.model import checked
from reconciler.model.address import Address, Kind, kind_of
from reconciler.model.document import AddressText, Count, Document, Form, Id, Leaf, Shape, Values, key
from reconciler.model.field import FIELDS, from_json
from reconciler.model.ledger import EntryJson, entry_from_json
from reconciler.model.state import Source
from reconciler.model.value import ABSENT, Fields, digest, document_json
from reconciler.plan.plan import Plan, PlanOrigin, summary


def _choice(choices: Any, complaint: str) -> Form:
    """A text that is read if it is one of the choices of a literal type."""
    words = get_args(choices)

    def read(raw: Any) -> str:
        word = checked.text(raw)
        if word not in words:
            raise ValueError(complaint)
        return word

    return Form(read=read)


def address_of(raw: Any) -> str:
    """A text that is not empty. Raises ValueError."""
    address = checked.text(raw)
    if not address:
        raise ValueError("an empty address")
    return address


_Address = Annotated[AddressText, Form(read=address_of)]


class SummaryJson(Shape):
    """How many changes of each action there are, and how many resources are left alone."""

    create: Count = key("Resources to be made.")
    update: Count = key("Resources with fields to be changed.")
    deactivate: Count = key("Resources to be set inactive.")
    delete: Count = key("Resources to be deleted for good.")
    blocked: Count = key("Changes that cannot or must not be made.")
    held: Count = key("Changes that wait for leave or for a time; they are no changes until then.")
    unchanged: Count = key("Resources that are as declared.")
    unmanaged: Count = key("Live resources that no manifest names.")


class FieldChangeJson(Shape):
    """One field that differs. Prices are numbers, USD per thousand impressions."""

    path: str = key("The field, dotted: `floorPrices.US`.")
    before: Leaf = key("The live value; null where there is none or it was not shown.")
    after: Leaf = key("The wanted value; null where a line goes or a block is switched off.")
    origin: Annotated[Cause, _choice(Cause, "a field change of unknown origin")] = key(
        "pending: the manifest moved; drift: live moved; conflict: both; unknown: never applied by us."
    )
    evidence: str = key(
        "What speaks for a price that was suggested from reports, in words.",
        lambda field: ABSENT if field.evidence is None else field.evidence,
        optional=True,
    )


class SourceJson(Shape):
    """Where a block stands in the manifests."""

    file: str = key("The file, relative to the project, with forward slashes.")
    line: Annotated[int, Form({"minimum": 1}, read=checked.count)] = key("Its line, from 1.")


class ChangeJson(Shape):
    """One resource to change, or one that cannot be."""

    action: Action = key("What would be done; blocked: nothing, and `reason` says why.", action_of)
    kind: Kind = key("What the resource is.", lambda change: kind_of(change.address))
    address: _Address = key("The resource's address.")
    id: Id | None = key("The server's id; null for what is still to be made.", id_of)
    source: SourceJson | None = key("Its block; null where no manifest names it.")
    fields: list[FieldChangeJson] = key(
        "The fields that differ; none for a delete.",
        lambda change: () if isinstance(change, Delete) else change.fields,
    )
    reason: str | None = key("Why it is done, or why it cannot be; null where the fields say it all.")
    observed: str | None = key(
        "Digest of the live resource that the change rests on.", lambda change: getattr(change, "observed", None)
    )
    send: Values = key("Creates and updates: the fields that are sent.", optional=True)
    declared: Values = key("Creates and updates: what the ledger will remember.", optional=True)
    protect: bool = key("Creates and updates: never to be removed later.", optional=True)
    distinct: bool = key(
        "Creates: another than any live resource that looks like it.",
        lambda change: getattr(change, "distinct", False) or ABSENT,
        optional=True,
    )
    beside: list[Id] = key(
        "Creates: ids of look-alikes that other blocks stand for.",
        lambda change: getattr(change, "beside", ()) or ABSENT,
        optional=True,
    )
    app_id: Id | None = key("The live app that a placement is in.", optional=True)
    renamed_from: str | None = key("Updates: the address it had before.", optional=True)


class HeldJson(Shape):
    """A change that waits for leave or for a time. Nothing of it is sent, and it holds up nothing else."""

    action: Action = key("What would be done.", lambda held: action_of(held.change))
    kind: Kind = key("What the resource is.", lambda held: kind_of(held.address))
    address: AddressText = key("The resource's address.")
    id: Id = key("The server's id.", attrgetter("change.id"))
    reason: str = key("Why it would be done, and what it waits for.")
    switch: str = key("What would allow it: a flag, a setting, or the time.")
    limit: Annotated[Limit, _choice(Limit, "a limit that there is not")] = key(
        "The setting under `safety` that holds it."
    )
    change: ChangeJson = key("The change as it would be made.")


class UnmanagedJson(Shape):
    """A live resource that no manifest names."""

    kind: Kind = key("What the resource is.", lambda unmanaged: kind_of(unmanaged.address))
    address: _Address = key("The address it would have.")
    id: Id = key("The server's id.")


class NoteJson(Shape):
    """Something to know about an address, without a change to it."""

    address: AddressText = key("What it is about.")
    text: str = key("The note.")


class PlanDocument(Document, format="reconciler.plan/1", title="Plan (plan --format json, plan --out)"):
    """What an apply would do. It applies only to the publisher and the API that it was made for."""

    tool: str = key("The version of the program that made it.", attrgetter("origin.tool"))
    created_at: Annotated[str, Form(read=checked.instant_text)] = key(
        "When it was made, ISO 8601 in UTC.", attrgetter("origin.created_at")
    )
    publisher_id: str = key("The publisher it is for.", attrgetter("origin.publisher_id"))
    api: str = key("Scheme and host of the API it is for.", attrgetter("origin.api"))
    manifest_digest: str = key("Digest of the manifests it was made from.", attrgetter("origin.manifest_digest"))
    summary: SummaryJson = key("The plan in numbers.", summary)
    changes: list[ChangeJson] = key("Every change, in the order of addresses.")
    held: list[HeldJson] = key("What waits for leave or for a time, in the order of addresses.")
    unmanaged: list[UnmanagedJson] = key("Live resources that no manifest names; they are left alone.")
    notes: list[NoteJson] = key("What else a reader should know.")
    remember: list[EntryJson] = key("Ledger lines to be written without any call.")
    forget: list[AddressText] = key("Addresses that the ledger is to drop.")
    owned: Count = key("Live resources that manifests or the ledger stand for.")
    digest: str = key("Digest of the rest of this document; a plan changed by hand does not apply.")


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
        document = json.loads(text, parse_constant=str)  # NaN, which no plan holds, is no null to its digest
    except (ValueError, RecursionError) as error:
        raise PlanUnusable(f"the plan file is not JSON: {error}", hint=again) from error
    if not isinstance(document, dict) or not str(document.get("format", "")).startswith("reconciler.plan/"):
        raise PlanUnusable("the file is not a plan document", hint=again)
    if document["format"] != FORMAT:
        raise PlanUnusable(f"the plan is of version {document['format']}, this program reads {FORMAT}", hint=again)
    claimed = document.pop("digest", None)
    try:
        if claimed != digest(document):
            raise PlanUnusable("the plan document was changed after it was made", hint=again)
        return _plan_from_json(document)
    except (ValueError, RecursionError) as error:
        raise PlanUnusable(f"the plan document is broken: {error}", hint=again) from error


def _plan_from_json(document: Mapping[str, Any]) -> Plan:
    """Raises ValueError, which names the place in the document."""
    with _naming_place("the plan"):
        origin = PlanDocument.read(document, PlanOrigin)
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
    with _naming_place(key):
        listed = checked.listed(lambda raw: raw, document[key])
    items = []
    for at, raw in enumerate(listed):
        with _naming_place(f"{key}[{at}]"):
            items.append(read(raw))
    return tuple(items)


@contextmanager
def _naming_place(place: str) -> Iterator[None]:
    """Turn an error in reading a part of the document into a ValueError that names the part."""
    try:
        yield
    except KeyError as lacking:
        raise ValueError(f"{place}: it has no {lacking}") from lacking
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{place}: a value of another kind than belongs there") from error
    except (ValueError, ArithmeticError) as error:
        raise ValueError(f"{place}: {error}") from error


def _field_from_json(raw: Mapping[str, Any]) -> FieldChange:
    path = checked.text(raw["path"])
    before, after = from_json(path, raw["before"]), from_json(path, raw["after"])
    if path.startswith("floorPrices.") and not all(
        each is None or isinstance(each, Decimal) for each in (before, after)
    ):
        raise ValueError("a floor that is no price")
    return FieldChangeJson.read(raw, FieldChange, path=path, before=before, after=after)


def _held_from_json(raw: Mapping[str, Any]) -> HeldChange:
    change, limit = _change_from_json(raw["change"]), checked.text(raw["limit"])
    if not isinstance(change, Update | Deactivate | Delete) or type(change) not in _HELD_BY.get(limit, (Delete,)):
        raise ValueError(f"a {action_of(change)}, which is never held")
    return HeldJson.read(raw, HeldChange, change=change)


_KNOWN: Final[Mapping[type[Change], tuple[str, ...]]] = {
    **dict.fromkeys((Create, Update), ("address", "source", "fields", "send")),
    **dict.fromkeys((Deactivate, Delete), ("address", "source")),
    Blocked: ("address", "source", "fields"),
}
"""Fields that are read by hand, by type of change; the types of `ChangeJson` read the others."""

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
