"""What came of a fetch or an import, as lines of text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.render.line import Line, Span, counted, line
from reconciler.warehouse.fetch import FetchOutcome, FetchSummary
from reconciler.warehouse.imports.importing import ImportSummary, reason_text

_MOST_DAYS: Final = 20
"""Days whose repeated rows are told one by one."""
_SOURCES: Final[Mapping[str, str]] = {"dt": "DT user level", "chartboost": "Chartboost"}


def fetch_lines(summary: FetchSummary) -> Iterator[Line]:
    """Source by source: rows, days and gaps with their reasons; what was set aside or stood twice; the notes."""
    for source, name in _SOURCES.items():
        outcomes = [outcome for outcome in summary.outcomes if outcome.source == source]
        if outcomes:
            yield line(Span(name, "strong"), f": {_counts_text(outcomes)}")
            yield from _gap_lines(summary, source)
            yield from _shrunk_lines(summary, source)
    if summary.quarantined:
        yield line(Span("Rows set aside", "change"), ", by reason (the first of them are in the quarantine folder):")
        yield from (line(f"  {rows:,} {why}") for why, rows in summary.quarantined.items())
    if summary.repeated:
        yield line(Span("Rows that stood twice", "change"), f": {summary.repeated:,}, counted once")
        yield from _repeated_lines(summary)
    yield from (line(f"note: {note}") for note in summary.notes)
    yield line(Span(_fetch_total(summary), "strong"))


def _counts_text(outcomes: list[FetchOutcome]) -> str:
    """Days are counted by app."""
    fetched = [outcome for outcome in outcomes if outcome.state == "fetched"]
    kept = sum(outcome.state == "kept" for outcome in outcomes)
    apps = {outcome.app for outcome in outcomes}
    of_apps = f" of {counted(len(apps), 'app')}" if len(apps) > 1 else ""
    rows = sum(outcome.rows for outcome in fetched)
    told = f"{counted(len(fetched), 'day')}{of_apps} fetched, {rows:,} rows"
    return f"{told}; {kept} there already" if kept else told


def _gap_lines(summary: FetchSummary, source: str) -> Iterator[Line]:
    why = {(each.app, each.day): each.why for each in summary.outcomes if each.source == source}
    for (of, app), spans in summary.gaps.items():
        if of != source:
            continue
        for span in spans:
            reasons = dict.fromkeys(why[app, day] for day in span.days())
            named = f"app {app}, " if source == "dt" else ""
            yield line("  ", Span("gap", "blocked"), f" {named}{span}: {'; '.join(reasons)}")


def _shrunk_lines(summary: FetchSummary, source: str) -> Iterator[Line]:
    found = [each for each in summary.shrunk if each.source == source]
    for each in found[:_MOST_DAYS]:
        named = f"app {each.app}, " if source == "dt" else ""
        yield line("  ", Span("kept as it was", "change"), f" {named}{each.day}: {each.why}")
    if len(found) > _MOST_DAYS:
        yield line(f"  and {counted(len(found) - _MOST_DAYS, 'day')} more")
    if found:
        first, last = (order(each.day for each in found) for order in (min, max))
        switch = f"reconciler floors fetch --source {source} --from {first} --to {last} --replace"
        yield line(f"  To take what comes all the same: {switch}")


def _repeated_lines(summary: FetchSummary) -> Iterator[Line]:
    found = [each for each in summary.of("fetched") if each.repeated]
    for each in found[:_MOST_DAYS]:
        yield line(f"  app {each.app}, {each.day}: {each.repeated:,} of {each.rows + each.repeated:,}")
    if len(found) > _MOST_DAYS:
        yield line(f"  and {counted(len(found) - _MOST_DAYS, 'day')} more")


def _fetch_total(summary: FetchSummary) -> str:
    gaps, shrunk = len(summary.of("refused", "failed")), len(summary.shrunk)
    told = f"Fetched {counted(len(summary.of('fetched')), 'report')} with {summary.rows:,} rows"
    kept = f"; {counted(shrunk, 'day')} not replaced, since what came holds far less" if shrunk else ""
    return f"{told}{kept}; {counted(gaps, 'day')} missing." if gaps else f"{told}{kept}; nothing is missing."


_SHOWN: Final = 8


def import_lines(found: ImportSummary) -> Iterator[Line]:
    """What was taken for what, what was refused and left out, what lies there now, and the notes."""
    yield line(Span(found.name, "strong"), f": {found.header.adapter.title}")
    yield line(f"columns: {', '.join(f'{ours} = {theirs}' for ours, theirs in found.header.theirs.items())}")
    yield line(f"sources: {_first_texts([f'{name} ({rows:,})' for name, rows in found.sources.items()])}")
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
    yield line(Span(_import_total(found), "strong"))


def _import_total(found: ImportSummary) -> str:
    first, last = found.days[0], found.days[-1]
    of_apps = f" of {counted(len(found.apps), 'app')}"
    told = f"Imported {counted(found.kept, 'row')}{of_apps}, {counted(len(found.days), 'day')} from {first} to {last}"
    return f"{told}; {found.replaced} were there before and are replaced." if found.replaced else f"{told}."


def _first_texts(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
