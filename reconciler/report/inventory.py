"""A list of resources as a table, as `reconciler.list/1` and as CSV."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any, Final

from reconciler.diff.inventory import Listed
from reconciler.report.count import counted
from reconciler.report.line import Line, Span, line
from reconciler.report.sanitise import visible

COLUMNS: Final = ("address", "declared", "owned", "live", "id", "status")


def list_lines(listed: Sequence[Listed]) -> Iterator[Line]:
    """A table with a line for each resource, and one line of numbers."""
    rows = [COLUMNS, *(_cells(each) for each in listed)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    for number, row in enumerate(rows):
        told = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield line(Span(told, "plain" if number else "strong"))
    yield ()
    yield line(Span(_numbers(listed), "strong"))


def _cells(each: Listed) -> tuple[str, ...]:
    flags = ("yes" if flag else "no" for flag in (each.declared, each.owned, each.live))
    return visible(each.address), *flags, visible(each.id or "-"), visible(status_word(each))


def status_word(each: Listed) -> str:
    """The live status; of what is not live, whether it is gone or was never made."""
    if each.live:
        return each.status or "-"
    return "missing" if each.owned else "not made"


def _numbers(listed: Sequence[Listed]) -> str:
    unmanaged = sum(each.live and not (each.declared or each.owned) for each in listed)
    return (
        f"{counted(len(listed), 'resource')}: {sum(each.declared for each in listed)} declared, "
        f"{sum(each.owned for each in listed)} owned, {sum(each.live for each in listed)} live, {unmanaged} unmanaged"
    )


def list_document(listed: Sequence[Listed]) -> dict[str, Any]:
    """`reconciler.list/1`."""
    return {
        "format": "reconciler.list/1",
        "resources": [
            {
                "kind": each.kind,
                "address": each.address,
                "declared": each.declared,
                "owned": each.owned,
                "live": each.live,
                "id": each.id,
                "status": each.status,
            }
            for each in listed
        ],
    }


def list_csv(listed: Sequence[Listed]) -> str:
    """A line for each resource behind one of names; flags are true and false, what is not there is empty."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in listed:
        flags = (str(flag).lower() for flag in (each.declared, each.owned, each.live))
        writer.writerow([visible(each.address), *flags, visible(each.id or ""), visible(each.status or "")])
    return out.getvalue().rstrip("\n")
