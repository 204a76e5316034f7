"""What an import came to, as lines to read."""

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.report.count import counted
from reconciler.report.line import Line, Span, line
from reconciler.warehouse.imports.importing import Imported, reason_text

_SHOWN: Final = 8


def import_lines(found: Imported) -> Iterator[Line]:
    """What was taken for what, what was refused and left out, what lies there now, and the notes."""
    yield line(Span(found.name, "strong"), f": {found.header.adapter.title}")
    yield line(f"columns: {', '.join(f'{ours} = {theirs}' for ours, theirs in found.header.theirs.items())}")
    yield line(f"sources: {_listed([f'{name} ({rows:,})' for name, rows in found.sources.items()])}")
    account = found.account
    if account.refused:
        yield line(Span("Rows refused", "change"), f": {account.refused.total():,} of {account.rows:,}")
        yield from (
            line(f"  {reason_text(reason, account, found.unit)}") for reason, _ in account.refused.most_common()
        )
    if found.repeated:
        yield line(Span("Rows that stood twice", "change"), f": {found.repeated:,}, counted once")
    if account.left_out:
        yield line(f"left out: {counted(account.left_out, 'line')} of totals or headers")
    yield from (line(Span("note", "change"), f": {note}") for note in found.notes)
    yield line(Span(_whole(found), "strong"))


def _whole(found: Imported) -> str:
    first, last = found.days[0], found.days[-1]
    of_apps = f" of {counted(len(found.apps), 'app')}"
    told = f"Imported {counted(found.kept, 'row')}{of_apps}, {counted(len(found.days), 'day')} from {first} to {last}"
    return f"{told}; {found.replaced} were there before and are replaced." if found.replaced else f"{told}."


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
