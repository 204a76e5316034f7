"""What `floors write` did: each price, and what it was before."""

from collections.abc import Iterator, Sequence

from reconciler.model.suggestion import Suggestion
from reconciler.report.count import counted
from reconciler.report.line import Line, Span, line


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
