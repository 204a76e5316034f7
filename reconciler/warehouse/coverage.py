"""How much of a window is stored, was read, and belongs to known placements; and totals over several days."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from reconciler.apis.days import Span
from reconciler.model.evidence import Absence, Basis, Question
from reconciler.warehouse.acceptance import STRAY, SUM
from reconciler.warehouse.join import Matches
from reconciler.warehouse.report_store import Partition, Shelf

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


def basis(
    shelf: Shelf, asked: Question, matches: Matches, mediation: Sequence[Partition], absent: Sequence[Absence]
) -> Basis:
    """What the evidence of a question stands on; `mediation` are the mediation reports in its window.

    Money is that of DT's own reports or, without any, what the mediation reports say of DT.
    """
    dt = [*shelf.files("dt", asked.first, asked.last)]
    markers = [marker for each in (*mediation, *dt) if (marker := shelf.marker(each))]
    reasons = Counter[str]()
    for marker in markers:
        reasons.update(marker.quarantined)
    unread = sum(rows for why, rows in reasons.items() if why not in STRAY)
    apps = {each.app for each in dt} | {one.app_id for one in asked.known if one.app_id}
    window = len(Span(asked.first, asked.last))
    if dt:
        joined, left = (sum(name.revenue for name in names) for names in (matches.dt, matches.unmatched_dt))
    else:
        joined, left = (sum(line.earnings for line in of) for of in (matches.lines, matches.unmatched_lines))
    return Basis(
        days=window,
        mediation_days=len({each.day for each in mediation}),
        dt_days=len(dt),
        dt_expected=len(apps) * window,
        rows=sum(marker.rows for marker in markers) + unread,
        unread=unread,
        repeated=sum(marker.repeated for marker in markers),
        sums=reasons[SUM],
        revenue=joined + left,
        joined=joined,
        absences=tuple(absent),
    )
