"""Totals over several days: which of them make up a window, and may be believed."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from reconciler.reporting.days import Span
from reconciler.reporting.shelf import Partition, Shelf

TOTALS: Final = "chartboost_totals"
"""The source under which totals lie: their earnings are rounded to cents once, not once a day."""


def name_of(span: Span) -> str:
    """What a partition of totals is called where others have their day."""
    return f"{span.first}--{span.last}"


def totals_for(shelf: Shelf, window: Span, days: Sequence[Partition]) -> list[Path]:
    """The files that make up exactly this window; none where there are none, or a day was fetched after them.

    `days` are Chartboost's partitions in the window.
    """
    if len(days) < len(window):
        return []
    latest = max((marker.fetched_at for day in days if (marker := shelf.marker(day))), default=None)
    found: dict[date, tuple[date, Path]] = {}
    for partition, path in shelf.partitions(TOTALS).items():
        span, marker = _span(partition.day), shelf.marker(partition)
        if span is None or span.last > window.last or marker is None or (latest and marker.fetched_at < latest):
            continue
        found[span.first] = max(found.get(span.first, (date.min, path)), (span.last, path))
    return _tiles(found, window)


def _tiles(found: dict[date, tuple[date, Path]], window: Span) -> list[Path]:
    tiles: list[Path] = []
    day = window.first
    while day <= window.last:
        if day not in found:
            return []
        last, path = found[day]
        tiles.append(path)
        day = last + timedelta(days=1)
    return tiles


def _span(name: str) -> Span | None:
    try:
        first, last = map(date.fromisoformat, name.split("--"))
    except ValueError:
        return None
    return Span(first, last)
