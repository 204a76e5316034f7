"""The account as it is: the list of resources as a table, JSON and CSV, and the JSON of an audit and of `ping`.

Documents: `reconciler.list/1`, `reconciler.drift/1` (an audit and its trend) and `reconciler.ping/1`.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from io import StringIO
from operator import attrgetter, itemgetter
from typing import Annotated, Any, Final, Literal

from reconciler.diff.audit import Audit, AuditClass, Trend, iso_text, summary
from reconciler.diff.classes import InventoryRow
from reconciler.model.address import Kind, kind_of
from reconciler.model.document import AddressText, Count, Day, Document, Form, Leaf, Shape, itself, key
from reconciler.plan.document import FieldChangeJson, SourceJson
from reconciler.render.text import Line, Span, Tone, counted, line, visible

Moment = Annotated[str, Form(write=iso_text)]


def _first_attribute(name: str) -> Callable[[tuple[Any, ...]], Any]:
    """An attribute of the first of two values that an object is made of."""
    return lambda pair: getattr(pair[0], name)


class DriftSummaryJson(Shape):
    """How many resources are in each class."""

    drift: Count = key("Live moved away from what was applied; the manifest did not.")
    pending: Count = key("The manifest moved and live did not; or never applied by us.")
    conflict: Count = key("Live and manifest both moved, to different values.")
    accepted: Count = key("Drift under an acceptance that holds.")
    unmanaged: Count = key("Alive, and in no manifest and not in the ledger.")
    missing: Count = key("Wanted and applied before, and gone from the account.")
    in_sync: Count = key("As applied and as declared.")
    coverage_percent: Annotated[float, Form({"maximum": 100, "minimum": 0})] = key(
        "The share of live resources that a block or the ledger stands for."
    )


class AuditedFieldJson(FieldChangeJson, base=attrgetter("change")):
    """One field that is not as it should be: `before` is live, `after` is wanted."""

    of: AuditClass = key("What the audit made of the field.", name="class")
    applied: Leaf = key("What was last applied; null also where nothing was.")
    reason: str | None = key(
        "Of the acceptance that covers it, or covered it until it ended.",
        lambda field: None if field.acceptance is None else field.acceptance.reason,
    )
    until: Day | None = key(
        "The last day of that acceptance, ISO 8601.",
        lambda field: None if field.acceptance is None else field.acceptance.until,
    )


class ItemJson(Shape, by=_first_attribute):
    """One resource, in sync or not."""

    address: AddressText = key("The resource's address.")
    kind: Kind = key("What the resource is.", lambda told: kind_of(told[0].address))
    id: str | None = key("The server's id; null for what was never made.")
    of: AuditClass = key("What the audit made of it: the gravest class of its fields.", name="class")
    fields: list[AuditedFieldJson] = key("The fields that are not in sync.")
    source: SourceJson | None = key("Its block; null where no manifest names it.")
    note: str | None = key("What else there is to know of it.", lambda told: told[0].note or None)
    open_since: str | None = key("The first audit that saw the alarm, ISO 8601 in UTC.", itemgetter(1))


class AuditNoteJson(Shape):
    """Something to know, about an address or about all."""

    address: str | None = key("What it is about, where it is about one resource.", lambda note: note.address or None)
    text: str = key("The note.")


class TrendDayJson(Shape):
    """One day (UTC) of the trend."""

    day: Day = key("The day, ISO 8601.")
    audits: Count = key("Audits on that day.")
    opened: Count = key("Alarms that began.")
    closed: Count = key("Alarms that ended.")
    still_open: Count = key("Alarms that were open at its end.", name="open")


class AlarmJson(Shape, by=_first_attribute):
    """One alarm, from the audit that saw it first to the one that saw it gone."""

    address: AddressText = key("The resource's address.")
    of: AuditClass = key("Its class.", name="class")
    opened_at: Moment = key("When it was first seen, ISO 8601 in UTC.")
    closed_at: Moment | None = key("When it was first seen gone; null while it is open.")
    open_seconds: Count = key("How long it was open, or has been.", lambda told: int(told[0].seconds(told[1])))


class TrendPartJson(Shape, by=_first_attribute):
    """What earlier audits tell."""

    since: Day = key("The first day, ISO 8601.")
    days: list[TrendDayJson] = key("Day by day.")
    alarms: list[AlarmJson] = key(
        "Every alarm that was open in this time.", lambda told: [(episode, told[1]) for episode in told[0].episodes]
    )


class DriftDocument(Document, format="reconciler.drift/1", title="Audit (drift --format json)"):
    """An audit: the live state against what was last applied."""

    at: str = key("When the account was read, ISO 8601 in UTC.")
    publisher_id: str = key("The publisher of the account.")
    api: str = key("Scheme and host of the API that was read.")
    summary: DriftSummaryJson = key("The audit in numbers.", summary)
    items: list[ItemJson] = key(
        "Every resource, in the order of addresses.",
        lambda audit: [(item, audit.open_since.get(item.address)) for item in audit.items],
    )
    notes: list[AuditNoteJson] = key("What else there is to know.")
    trend: TrendPartJson | None = key("What earlier audits tell; null without --since.")


def audit_document(audit: Audit, history: Trend | None = None) -> dict[str, Any]:
    """The numbers, and every resource with its class, in sync or not; `trend` is null where it was not asked for."""
    return DriftDocument.write(audit, trend=history and (history, datetime.fromisoformat(audit.at)))


COLUMNS: Final = ("address", "declared", "owned", "live", "id", "status")


def list_lines(listed: Sequence[InventoryRow]) -> Iterator[Line]:
    """A table with a line for each resource, and one line of numbers."""
    rows = [COLUMNS, *(_cells(each) for each in listed)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    for number, row in enumerate(rows):
        text = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield line(Span(text, "plain" if number else "strong"))
    yield ()
    yield line(Span(_numbers(listed), "strong"))


def _cells(each: InventoryRow) -> tuple[str, ...]:
    flags = ("yes" if flag else "no" for flag in (each.declared, each.owned, each.live))
    return visible(each.address), *flags, visible(each.id or "-"), visible(status_word(each))


def status_word(each: InventoryRow) -> str:
    """The live status; for a resource that is not live, `missing` if it is owned, else `not made`."""
    if each.live:
        return each.status or "-"
    return "missing" if each.owned else "not made"


def _numbers(listed: Sequence[InventoryRow]) -> str:
    unmanaged = sum(each.live and not (each.declared or each.owned) for each in listed)
    return (
        f"{counted(len(listed), 'resource')}: {sum(each.declared for each in listed)} declared, "
        f"{sum(each.owned for each in listed)} owned, {sum(each.live for each in listed)} live, {unmanaged} unmanaged"
    )


class ListedResourceJson(Shape):
    """One resource that is declared, owned or live."""

    kind: Kind = key("What it is.")
    address: AddressText = key("By its block, else by the ledger, else by its own identity.")
    declared: bool = key("Whether a manifest has a block for it.")
    owned: bool = key("Whether the ledger knows it.")
    live: bool = key("Whether the account shows it.")
    id: str | None = key("The live id, else the one that the ledger knows.")
    status: str | None = key("The live status; null for what is not live.")


class ListDocument(Document, format="reconciler.list/1", title="Resources (list --format json)"):
    """Everything that is declared, owned or live."""

    resources: list[ListedResourceJson] = key("In the order of addresses.", itself)


class ProgramJson(Shape, by=itemgetter):
    """The program that asked."""

    version: str = key("Its version.")
    folder: str = key("The folder it runs from.")
    url: str | None = key("The repository or file that it was installed from, where that is known.")
    commit: str | None = key("The commit of that repository.")
    sha256: str | None = key("The SHA-256 of that file.")


class KeyCheckJson(Shape):
    """A set of keys that is there."""

    service: Literal["management", "users", "mediation"] = key(
        "Whose keys they are: the Management API's, the User Level Reporting API's, or Chartboost's."
    )
    variable: str = key("The variable that holds the client id; the secret's ends in _SECRET.")
    api: str = key("Scheme and host of the API.")
    state: Literal["good", "refused", "unreachable"] = key(
        "Whether a token was given for them; refused: no, or one half is not set; unreachable: nobody said either."
    )
    why: str | None = key("What went wrong; null for good ones.")
    token_url: str | None = key(
        "What CHARTBOOST_AUTH_URL has to be, where another URL than the present one gave the token; else null."
    )


class PingDocument(Document, format="reconciler.ping/1", title="What the credentials see (ping --format json)"):
    """What the credentials can see."""

    api: str = key("Scheme and host of the Management API.")
    publisher_id: str | None = key("The publisher of the project; null without a project.")
    apps: Count | None = key("Apps of the account; null where no list was read.")
    program: ProgramJson = key("From where the program that asked was installed.")
    services: list[KeyCheckJson] = key("Every set of keys that is there.")


def ping_lines(found: Any) -> Iterator[Line]:
    """What the keys of the Management API see, then a line for each set of keys."""
    if found.apps is not None:
        good = "credentials are good" if found.apps else "credentials are accepted"
        yield line(f"{good}: publisher {found.publisher_id} at {found.api} has {counted(found.apps, 'app')}")
    for each in found.services:
        tone: Tone = "plain" if each.state == "good" else "blocked"
        yield line(f"{each.service:<10}  ", Span(f"{each.state:<11}", tone), f"  {each.variable:<22}  {each.api}")


def list_csv(listed: Sequence[InventoryRow]) -> str:
    """A line for each resource behind one of names; flags are true and false, what is not there is empty."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in listed:
        flags = (str(flag).lower() for flag in (each.declared, each.owned, each.live))
        writer.writerow([visible(each.address), *flags, visible(each.id or ""), visible(each.status or "")])
    return out.getvalue().rstrip("\n")
