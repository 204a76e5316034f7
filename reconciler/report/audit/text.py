"""An audit as text: a tree by app of all that is not in sync, and one line of numbers."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Final

from reconciler.diff.audit import Audit, Class, Episode, Item, Trend
from reconciler.model.address import app_of
from reconciler.report.audit.words import LABELS, day_and_time, field_words, headline, span, what
from reconciler.report.line import Line, Span, Tone, line

SIGNS: Final[Mapping[Class, tuple[str, Tone]]] = {
    "missing": ("x", "remove"),
    "conflict": ("!", "blocked"),
    "drift": ("~", "change"),
    "accepted": ("=", "faint"),
    "pending": ("+", "add"),
    "unmanaged": ("?", "faint"),
    "inSync": (" ", "plain"),
}


def audit_lines(audit: Audit, history: Trend | None = None) -> Iterator[Line]:
    """What is not in sync as a tree by app, what is unmanaged, notes, the trend where asked for, and the numbers."""
    moved = [item for item in audit.items if item.of not in {"inSync", "unmanaged"}]
    for app, items in groupby(moved, key=lambda item: app_of(item.address)):
        yield line(Span(app, "strong"))
        for item in items:
            yield from _item_lines(item, audit.open_since.get(item.address))
        yield ()
    unmanaged = [item for item in audit.items if item.of == "unmanaged"]
    if unmanaged:
        yield line(Span(f"Unmanaged ({len(unmanaged)}), in no manifest and not in the ledger:", "strong"))
        yield from (line(f"  {item.address}", Span(f"  id {item.id}", "faint")) for item in unmanaged)
        yield ()
    notes = [*_quiet_notes(audit), *((note.address, note.text) for note in audit.notes)]
    if notes:
        yield line(Span("Notes:", "strong"))
        yield from (line(f"  {address}{': ' if address else ''}{text}") for address, text in notes)
        yield ()
    if history is not None:
        yield from _trend_lines(history, audit.at)
        yield ()
    yield line(Span(headline(audit), "strong"))


def _quiet_notes(audit: Audit) -> list[tuple[str, str]]:
    """What there is to say of resources that are in sync."""
    return [(item.address, item.note) for item in audit.items if item.of == "inSync" and item.note]


def _item_lines(item: Item, since: str | None) -> Iterator[Line]:
    sign, tone = SIGNS[item.of]
    named = f"  id {item.id}" if item.id is not None else ""
    place = f"  {item.source.file}:{item.source.line}" if item.source is not None else ""
    began = f"  open since {day_and_time(since)}" if since is not None else ""
    yield line("  ", Span(f"{sign} {LABELS[item.of]}", tone), f" {what(item)}", Span(f"{named}{place}{began}", "faint"))
    if item.note:
        yield line(f"      {item.note}")
    for field in item.fields:
        label = f"  {LABELS[field.of]}" if field.of != item.of else ""
        yield line(f"      {field.change.path}: {field_words(field)}", Span(label, "faint"))


def _trend_lines(history: Trend, now: str) -> Iterator[Line]:
    yield line(Span(f"Since {history.since} (UTC):", "strong"))
    if not history.days:
        yield line("  no audit is remembered")
        return
    yield line(Span("  day         audits  opened  closed    open", "faint"))
    for day in history.days:
        yield line(f"  {day.day}  {day.audits:>6}  {day.opened:>6}  {day.closed:>6}  {day.still_open:>6}")
    for episode in history.episodes:
        yield _episode_line(episode, datetime.fromisoformat(now))


def _episode_line(episode: Episode, now: datetime) -> Line:
    opened = f"{episode.opened_at:%Y-%m-%d %H:%M}"
    took = span(episode.seconds(now))
    ended = (
        f"open for {took}" if episode.closed_at is None else f"closed {episode.closed_at:%Y-%m-%d %H:%M} after {took}"
    )
    return line(f"  {episode.address}  {LABELS[episode.of]}  opened {opened}, {ended}")
