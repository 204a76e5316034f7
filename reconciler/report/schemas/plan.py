"""`reconciler.plan/1`: what `plan --format json` and `plan --out` write."""

from typing import Any, Literal

from pydantic import Field

from reconciler.diff.change import Action, Limit, Origin
from reconciler.model.address import Kind
from reconciler.report.schemas.shape import Address, Count, Leaf, Shape


class Summary(Shape):
    """How many changes of each action there are, and how many resources are left alone."""

    create: Count = Field(description="Resources to be made.")
    update: Count = Field(description="Resources with fields to be changed.")
    deactivate: Count = Field(description="Resources to be set inactive.")
    delete: Count = Field(description="Resources to be deleted for good.")
    blocked: Count = Field(description="Changes that cannot or must not be made.")
    held: Count = Field(description="Changes that wait for leave or for a time; they are no changes until then.")
    unchanged: Count = Field(description="Resources that are as declared.")
    unmanaged: Count = Field(description="Live resources that no manifest names.")


class FieldChange(Shape):
    """One field that differs. Prices are numbers, USD per thousand impressions."""

    path: str = Field(description="The field, dotted: `floorPrices.US`.")
    before: Leaf = Field(description="The live value; null where there is none or it was not shown.")
    after: Leaf = Field(description="The wanted value; null where a line goes or a block is switched off.")
    origin: Origin = Field(
        description="pending: the manifest moved; drift: live moved; conflict: both; unknown: never applied by us."
    )
    evidence: str = Field(default="", description="What speaks for a price that was suggested from reports, in words.")


class Source(Shape):
    """Where a block stands in the manifests."""

    file: str = Field(description="The file, relative to the project, with forward slashes.")
    line: int = Field(ge=1, description="Its line, from 1.")


class Change(Shape):
    """One resource to change, or one that cannot be."""

    action: Action = Field(description="What would be done; blocked: nothing, and `reason` says why.")
    kind: Kind = Field(description="What the resource is.")
    address: Address = Field(description="The resource's address.")
    id: str | None = Field(description="The server's id; null for what is still to be made.")
    source: Source | None = Field(description="Its block; null where no manifest names it.")
    fields: list[FieldChange] = Field(description="The fields that differ; none for a delete.")
    reason: str | None = Field(description="Why it is done, or why it cannot be; null where the fields say it all.")
    observed: str | None = Field(description="Digest of the live resource that the change rests on.")
    send: dict[str, Any] = Field(default={}, description="Creates and updates: the fields that are sent.")
    declared: dict[str, Any] = Field(default={}, description="Creates and updates: what the ledger will remember.")
    protect: bool = Field(default=False, description="Creates and updates: never to be removed later.")
    distinct: bool = Field(default=False, description="Creates: another than any live resource that looks like it.")
    beside: list[str] = Field(default=[], description="Creates: ids of look-alikes that other blocks stand for.")
    app_id: str | None = Field(default=None, description="The live app that a placement is in.")
    renamed_from: str | None = Field(default=None, description="Updates: the address it had before.")


class Held(Shape):
    """A change that waits for leave or for a time. Nothing of it is sent, and it holds up nothing else."""

    action: Action = Field(description="What would be done.")
    kind: Kind = Field(description="What the resource is.")
    address: Address = Field(description="The resource's address.")
    id: str = Field(description="The server's id.")
    reason: str = Field(description="Why it would be done, and what it waits for.")
    switch: str = Field(description="What would allow it: a flag, a setting, or the time.")
    limit: Limit = Field(description="The setting under `safety` that holds it.")
    change: Change = Field(description="The change as it would be made.")


class Unmanaged(Shape):
    """A live resource that no manifest names."""

    kind: Kind = Field(description="What the resource is.")
    address: Address = Field(description="The address it would have.")
    id: str = Field(description="The server's id.")


class Note(Shape):
    """Something to know about an address, without a change to it."""

    address: Address = Field(description="What it is about.")
    text: str = Field(description="The note.")


class LedgerEntry(Shape):
    """A line of the ledger to be written without any call."""

    address: Address = Field(description="The resource's address.")
    kind: Kind = Field(description="What the resource is.")
    id: str = Field(description="The server's id.")
    applied: dict[str, Any] = Field(description="The values last applied, by field.")
    unconfirmed: list[str] = Field(default=[], description="Fields that were sent and never shown back.")
    protect: bool = Field(default=False, description="Never to be removed.")
    orphaned: bool = Field(default=False, description="No manifest names it any more.")
    inactive_since: str | None = Field(default=None, description="When we set it inactive, ISO 8601.")


class PlanDocument(Shape):
    """What an apply would do. It applies only to the publisher and the API that it was made for."""

    format: Literal["reconciler.plan/1"] = Field(description="Name and version of this format.")
    tool: str = Field(description="The version of the program that made it.")
    created_at: str = Field(description="When it was made, ISO 8601 in UTC.")
    publisher_id: str = Field(description="The publisher it is for.")
    api: str = Field(description="Scheme and host of the API it is for.")
    manifest_digest: str = Field(description="Digest of the manifests it was made from.")
    summary: Summary = Field(description="The plan in numbers.")
    changes: list[Change] = Field(description="Every change, in the order of addresses.")
    held: list[Held] = Field(description="What waits for leave or for a time, in the order of addresses.")
    unmanaged: list[Unmanaged] = Field(description="Live resources that no manifest names; they are left alone.")
    notes: list[Note] = Field(description="What else a reader should know.")
    remember: list[LedgerEntry] = Field(description="Ledger lines to be written without any call.")
    forget: list[Address] = Field(description="Addresses that the ledger is to drop.")
    owned: Count = Field(description="Live resources that manifests or the ledger stand for.")
    digest: str = Field(description="Digest of the rest of this document; a plan changed by hand does not apply.")
