"""The plan document, `reconciler.plan/1`, as types; what reads it back is in `plan.codec`."""

from operator import attrgetter
from typing import Annotated, Any, get_args

from reconciler.diff.change import Action, Delete, Limit, action_of, id_of
from reconciler.diff.change import Origin as Cause
from reconciler.model import checked
from reconciler.model.address import Kind, kind_of
from reconciler.model.document import AddressText, Count, Document, Form, Id, Leaf, Shape, Values, key
from reconciler.model.ledger import EntryJson
from reconciler.model.value import ABSENT
from reconciler.plan.plan import summary


def _choice(choices: Any, complaint: str) -> Form:
    """A text that is read if it is one of the choices of a literal type."""

    def read(raw: Any) -> str:
        told = checked.text(raw)
        if told not in get_args(choices):
            raise ValueError(complaint)
        return told

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
    created_at: Annotated[str, Form(read=checked.moment)] = key(
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
