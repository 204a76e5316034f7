"""The list of resources as a table, JSON (`reconciler.list/1`) and CSV, and the JSON document of `ping`."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from operator import itemgetter
from typing import Any, Final

from reconciler.diff.inventory import InventoryRow
from reconciler.model.address import Kind
from reconciler.model.document import AddressText, Count, Document, Shape, itself, key
from reconciler.render.line import Line, Span, counted, line
from reconciler.render.sanitise import visible

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


def list_document(listed: Sequence[InventoryRow]) -> dict[str, Any]:
    """`reconciler.list/1`."""
    return ListDocument.write(listed)


class ProgramJson(Shape, by=itemgetter):
    """The program that asked."""

    version: str = key("Its version.")
    folder: str = key("The folder it runs from.")
    url: str | None = key("The repository or file that it was installed from, where that is known.")
    commit: str | None = key("The commit of that repository.")
    sha256: str | None = key("The SHA-256 of that file.")


class PingDocument(Document, format="reconciler.ping/1", title="What the credentials see (ping --format json)"):
    """What the credentials can see."""

    api: str = key("Scheme and host of the API that took them.")
    publisher_id: str = key("The publisher of the project.")
    apps: Count = key("Apps of the account.")
    program: ProgramJson = key("From where the program that asked was installed.")


def list_csv(listed: Sequence[InventoryRow]) -> str:
    """A line for each resource behind one of names; flags are true and false, what is not there is empty."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in listed:
        flags = (str(flag).lower() for flag in (each.declared, each.owned, each.live))
        writer.writerow([visible(each.address), *flags, visible(each.id or ""), visible(each.status or "")])
    return out.getvalue().rstrip("\n")
