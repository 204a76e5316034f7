"""What `floors write` did: each price, and what it was before."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from reconciler.model.evidence import Cell
from reconciler.model.suggestion import Suggestion
from reconciler.report.count import counted
from reconciler.report.line import Line, Span, line

WRITTEN_FORMAT: Final = "reconciler.written/1"


def written_lines(written: Sequence[Suggestion], files: Sequence[str]) -> Iterator[Line]:
    """Each price that was written, and one line of numbers."""
    for one in written:
        yield line(
            "  ",
            Span("~", "change"),
            f" {one.cell.address} {one.cell.country}: {float(one.current):g} -> {float(one.suggested):g}",
        )
    if not written:
        yield line(Span("No floor was changed.", "strong"))
        return
    told = f"Wrote {counted(len(written), 'floor')} in {counted(len(files), 'file')}."
    yield line(Span(told, "strong"), " `reconciler plan` shows what an apply would do.")


def written_document(written: Sequence[Suggestion], files: Sequence[str]) -> dict[str, Any]:
    """`reconciler.written/1`: the floors that were written, and the files that they are in."""
    return {
        "format": WRITTEN_FORMAT,
        "files": list(files),
        "floors": [{**_cell(one.cell), "before": float(one.current), "after": float(one.suggested)} for one in written],
    }


def _cell(cell: Cell) -> dict[str, str]:
    return {"address": cell.address, "country": cell.country}
