"""The results of a fetch and of an import as lines of text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.render.text import Line, Span, counted, line
from reconciler.warehouse.fetch_outcomes import FetchOutcome, FetchSummary
from reconciler.warehouse.importing import ImportSummary, reason_text

_MOST_DAYS: Final = 20
"""The most days that are listed one by one."""
_SOURCES: Final[Mapping[str, str]] = {"dt": "DT user level", "chartboost": "Chartboost"}


def fetch_lines(summary: FetchSummary) -> Iterator[Line]:
    """By source: rows, days and gaps with their reasons; then quarantined and repeated rows, and the notes."""
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
    """The days and rows of a source, in words; a day of two apps counts twice."""
    fetched = [outcome for outcome in outcomes if outcome.state == "fetched"]
    kept = sum(outcome.state == "kept" for outcome in outcomes)
    apps = {outcome.app for outcome in outcomes}
    of_apps = f" of {counted(len(apps), 'app')}" if len(apps) > 1 else ""
    rows = sum(outcome.rows for outcome in fetched)
    text = f"{counted(len(fetched), 'day')}{of_apps} fetched, {rows:,} rows"
    return f"{text}; {kept} there already" if kept else text


def _gap_lines(summary: FetchSummary, source: str) -> Iterator[Line]:
    why = {(outcome.app, outcome.day): outcome.why for outcome in summary.outcomes if outcome.source == source}
    for (of, app), spans in summary.gaps.items():
        if of != source:
            continue
        for span in spans:
            reasons = dict.fromkeys(why[app, day] for day in span.days())
            named = f"app {app}, " if source == "dt" else ""
            yield line("  ", Span("gap", "blocked"), f" {named}{span}: {'; '.join(reasons)}")


def _shrunk_lines(summary: FetchSummary, source: str) -> Iterator[Line]:
    outcomes = [outcome for outcome in summary.shrunk if outcome.source == source]
    for outcome in outcomes[:_MOST_DAYS]:
        named = f"app {outcome.app}, " if source == "dt" else ""
        yield line("  ", Span("kept as it was", "change"), f" {named}{outcome.day}: {outcome.why}")
    if len(outcomes) > _MOST_DAYS:
        yield line(f"  and {counted(len(outcomes) - _MOST_DAYS, 'day')} more")
    if outcomes:
        first, last = (order(outcome.day for outcome in outcomes) for order in (min, max))
        switch = f"reconciler floors fetch --source {source} --from {first} --to {last} --replace"
        yield line(f"  To take what comes all the same: {switch}")


def _repeated_lines(summary: FetchSummary) -> Iterator[Line]:
    outcomes = [outcome for outcome in summary.of("fetched") if outcome.repeated]
    for outcome in outcomes[:_MOST_DAYS]:
        yield line(f"  app {outcome.app}, {outcome.day}: {outcome.repeated:,} of {outcome.rows + outcome.repeated:,}")
    if len(outcomes) > _MOST_DAYS:
        yield line(f"  and {counted(len(outcomes) - _MOST_DAYS, 'day')} more")


def _fetch_total(summary: FetchSummary) -> str:
    gaps, shrunk = len(summary.of("refused", "failed")), len(summary.shrunk)
    text = f"Fetched {counted(len(summary.of('fetched')), 'report')} with {summary.rows:,} rows"
    kept = f"; {counted(shrunk, 'day')} not replaced, since what came holds far less" if shrunk else ""
    return f"{text}{kept}; {counted(gaps, 'day')} missing." if gaps else f"{text}{kept}; nothing is missing."


_SHOWN: Final = 8


def import_lines(summary: ImportSummary) -> Iterator[Line]:
    """How the columns were read, what was refused and left out, what is stored now, and the notes."""
    yield line(Span(summary.name, "strong"), f": {summary.header.adapter.title}")
    yield line(f"columns: {', '.join(f'{ours} = {theirs}' for ours, theirs in summary.header.theirs.items())}")
    yield line(f"sources: {_first_texts([f'{name} ({rows:,})' for name, rows in summary.sources.items()])}")
    account = summary.account
    if account.refused:
        yield line(Span("Rows refused", "change"), f": {account.refused.total():,} of {account.rows:,}")
        yield from (
            line(f"  {reason_text(reason, account, summary.unit)}") for reason, _ in account.refused.most_common()
        )
    if summary.repeated:
        yield line(Span("Rows that stood twice", "change"), f": {summary.repeated:,}, counted once")
    if account.left_out:
        yield line(f"left out: {counted(account.left_out, 'line')} of totals or headers")
    yield from (line(Span("note", "change"), f": {note}") for note in summary.notes)
    yield line(Span(_import_total(summary), "strong"))


def _import_total(summary: ImportSummary) -> str:
    first, last = summary.days[0], summary.days[-1]
    of_apps = f" of {counted(len(summary.apps), 'app')}"
    text = (
        f"Imported {counted(summary.kept, 'row')}{of_apps}, {counted(len(summary.days), 'day')} from {first} to {last}"
    )
    return f"{text}; {summary.replaced} were there before and are replaced." if summary.replaced else f"{text}."


def _first_texts(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
