"""How much of a window is stored, was read, and belongs to known placements; and totals over several days."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from reconciler.apis.days import DayRange
from reconciler.model.evidence import Absence, Basis, Question
from reconciler.warehouse.acceptance import STRAY, SUM
from reconciler.warehouse.join import Matches
from reconciler.warehouse.report_store import Partition, ReportStore

TOTALS: Final = "chartboost_totals"
"""The source under which totals lie: their earnings are rounded to cents once, not once a day."""


def partition_name(span: DayRange) -> str:
    """What a partition of totals is called where others have their day."""
    return f"{span.first}--{span.last}"


def totals_for(store: ReportStore, window: DayRange, days: Sequence[Partition]) -> list[Path]:
    """The files that make up exactly this window; none where there are none, or a day was fetched after them.

    `days` are Chartboost's partitions in the window.
    """
    if len(days) < len(window):
        return []
    latest = max((metadata.fetched_at for day in days if (metadata := store.metadata(day))), default=None)
    found: dict[date, tuple[date, Path]] = {}
    for partition, path in store.partitions(TOTALS).items():
        span, metadata = _span(partition.day), store.metadata(partition)
        if span is None or span.last > window.last or metadata is None or (latest and metadata.fetched_at < latest):
            continue
        found[span.first] = max(found.get(span.first, (date.min, path)), (span.last, path))
    return _tiles(found, window)


def _tiles(found: dict[date, tuple[date, Path]], window: DayRange) -> list[Path]:
    tiles: list[Path] = []
    day = window.first
    while day <= window.last:
        if day not in found:
            return []
        last, path = found[day]
        tiles.append(path)
        day = last + timedelta(days=1)
    return tiles


def _span(name: str) -> DayRange | None:
    try:
        first, last = map(date.fromisoformat, name.split("--"))
    except ValueError:
        return None
    return DayRange(first, last)


def basis(
    store: ReportStore, asked: Question, matches: Matches, mediation: Sequence[Partition], absent: Sequence[Absence]
) -> Basis:
    """What the evidence of a question stands on; `mediation` are the mediation reports in its window.

    Money is that of DT's own reports or, without any, what the mediation reports say of DT.
    """
    dt = [*store.files("dt", asked.first, asked.last)]
    all_metadata = [metadata for each in (*mediation, *dt) if (metadata := store.metadata(each))]
    reasons = Counter[str]()
    for metadata in all_metadata:
        reasons.update(metadata.quarantined)
    unread = sum(rows for why, rows in reasons.items() if why not in STRAY)
    apps = {each.app for each in dt} | {one.app_id for one in asked.known if one.app_id}
    window = len(DayRange(asked.first, asked.last))
    if dt:
        joined, left = (sum(name.revenue for name in names) for names in (matches.dt, matches.unmatched_dt))
    else:
        joined, left = (sum(line.earnings for line in of) for of in (matches.lines, matches.unmatched_lines))
    return Basis(
        days=window,
        mediation_days=len({each.day for each in mediation}),
        dt_days=len(dt),
        dt_expected=len(apps) * window,
        rows=sum(metadata.rows for metadata in all_metadata) + unread,
        unread=unread,
        repeated=sum(metadata.repeated for metadata in all_metadata),
        sums=reasons[SUM],
        revenue=joined + left,
        joined=joined,
        absences=tuple(absent),
    )
