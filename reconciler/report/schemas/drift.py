"""`reconciler.drift/1`: what `drift --format json` writes."""

from typing import Literal

from pydantic import Field

from reconciler.diff.audit import Class
from reconciler.model.address import Kind
from reconciler.report.schemas.plan import FieldChange, Source
from reconciler.report.schemas.shape import Address, Count, Leaf, Shape


class DriftSummary(Shape):
    """How many resources are in each class."""

    drift: Count = Field(description="Live moved away from what was applied; the manifest did not.")
    pending: Count = Field(description="The manifest moved and live did not; or never applied by us.")
    conflict: Count = Field(description="Live and manifest both moved, to different values.")
    accepted: Count = Field(description="Drift under an acceptance that holds.")
    unmanaged: Count = Field(description="Alive, and in no manifest and not in the ledger.")
    missing: Count = Field(description="Wanted and applied before, and gone from the account.")
    in_sync: Count = Field(description="As applied and as declared.")
    coverage_percent: float = Field(
        ge=0, le=100, description="The share of live resources that a block or the ledger stands for."
    )


class AuditedField(FieldChange):
    """One field that is not as it should be: `before` is live, `after` is wanted."""

    of: Class = Field(alias="class", description="What the audit made of the field.")
    applied: Leaf = Field(description="What was last applied; null also where nothing was.")
    reason: str | None = Field(description="Of the acceptance that covers it, or covered it until it ended.")
    until: str | None = Field(description="The last day of that acceptance, ISO 8601.")


class Item(Shape):
    """One resource, in sync or not."""

    address: Address = Field(description="The resource's address.")
    kind: Kind = Field(description="What the resource is.")
    id: str | None = Field(description="The server's id; null for what was never made.")
    of: Class = Field(alias="class", description="What the audit made of it: the gravest class of its fields.")
    fields: list[AuditedField] = Field(description="The fields that are not in sync.")
    source: Source | None = Field(description="Its block; null where no manifest names it.")
    note: str | None = Field(description="What else there is to know of it.")
    open_since: str | None = Field(description="The first audit that saw the alarm, ISO 8601 in UTC.")


class AuditNote(Shape):
    """Something to know, about an address or about all."""

    address: str | None = Field(description="What it is about, where it is about one resource.")
    text: str = Field(description="The note.")


class TrendDay(Shape):
    """One day (UTC) of the trend."""

    day: str = Field(description="The day, ISO 8601.")
    audits: Count = Field(description="Audits on that day.")
    opened: Count = Field(description="Alarms that began.")
    closed: Count = Field(description="Alarms that ended.")
    still_open: Count = Field(alias="open", description="Alarms that were open at its end.")


class Alarm(Shape):
    """One alarm, from the audit that saw it first to the one that saw it gone."""

    address: Address = Field(description="The resource's address.")
    of: Class = Field(alias="class", description="Its class.")
    opened_at: str = Field(description="When it was first seen, ISO 8601 in UTC.")
    closed_at: str | None = Field(description="When it was first seen gone; null while it is open.")
    open_seconds: Count = Field(description="How long it was open, or has been.")


class TrendPart(Shape):
    """What earlier audits tell."""

    since: str = Field(description="The first day, ISO 8601.")
    days: list[TrendDay] = Field(description="Day by day.")
    alarms: list[Alarm] = Field(description="Every alarm that was open in this time.")


class DriftDocument(Shape):
    """An audit: the live state against what was last applied."""

    format: Literal["reconciler.drift/1"] = Field(description="Name and version of this format.")
    at: str = Field(description="When the account was read, ISO 8601 in UTC.")
    publisher_id: str = Field(description="The publisher of the account.")
    api: str = Field(description="Scheme and host of the API that was read.")
    summary: DriftSummary = Field(description="The audit in numbers.")
    items: list[Item] = Field(description="Every resource, in the order of addresses.")
    notes: list[AuditNote] = Field(description="What else there is to know.")
    trend: TrendPart | None = Field(description="What earlier audits tell; null without --since.")
