"""An audit as a page: alarms, other classes, and the trend as a chart with a bar a day.

A bar is as high as alarms were open after the day's last audit. The chart is coordinates here; the template draws it.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from reconciler.diff.audit import ALARMING, CLASSES, Audit, AuditClass, AuditedField, AuditItem, Episode, Trend, summary
from reconciler.render.drift_text import (
    LABELS,
    MEANINGS,
    SIGNS,
    acceptance_words,
    day_and_time,
    duration_text,
    headline,
    percent,
)
from reconciler.render.html import Tick, Tile, page
from reconciler.render.plan_text import after_text, before_text, percent_text, shown
from reconciler.render.text import Tone, counted

WIDTH: Final = 960
HEIGHT: Final = 170
LEFT, RIGHT, TOP, BOTTOM = 36, 36, 12, 26
MOST_DAYS: Final = 400
"""Bars of more days would be thinner than two pixels."""
WIDEST: Final = 28
NEAREST: Final = 84
"""Days on the axis stand no nearer than this, so that their labels do not touch."""
LEVELS: Final = 4
NONE_OPEN: Final = 2.5
"""Height of the mark of a day on which somebody looked and no alarm was open."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A day with audits; `quiet`: none of its alarms was open any more."""

    left: float
    top: float
    width: float
    height: float
    quiet: bool


@dataclass(frozen=True, slots=True)
class TrendChart:
    """The bars from `first` to `last`, and both axes."""

    first: date
    last: date
    bars: tuple[Bar, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def trend_chart(history: Trend) -> TrendChart | None:
    """The last 400 days at most; None where no day had an audit."""
    if not history.days:
        return None
    last = history.days[-1].day
    first = max(history.since, last - timedelta(days=MOST_DAYS - 1))
    drawn = [day for day in history.days if day.day >= first]
    days = (last - first).days + 1
    each = (WIDTH - LEFT - RIGHT) / days
    step = _level_step(max(day.still_open for day in drawn))
    top = step * -(-max(day.still_open for day in drawn) // step) or step
    unit = (HEIGHT - TOP - BOTTOM) / top
    ground = HEIGHT - BOTTOM
    wide = min(each * 0.76, WIDEST)
    bars = []
    for day in drawn:
        middle = LEFT + each * ((day.day - first).days + 0.5)
        height = day.still_open * unit or NONE_OPEN
        bars.append(Bar(middle - wide / 2, ground - height, wide, height, quiet=not day.still_open))
    levels = tuple(Tick(ground - level * unit, str(level)) for level in range(0, top + 1, step))
    return TrendChart(first, last, tuple(bars), _day_ticks(first, days, each), levels)


def _level_step(most: int) -> int:
    """The least of 1, 2, 5, 10, ... that leaves no more than `LEVELS` levels above the ground."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if size * factor * LEVELS >= most:
                return size * factor
        size *= 10


def _day_ticks(first: date, days: int, each: float) -> tuple[Tick, ...]:
    apart = next(number for number in (1, 2, 7, 14, 28, 56) if number * each >= NEAREST or number == 56)
    return tuple(
        Tick(LEFT + each * (number + 0.5), (first + timedelta(days=number)).isoformat())
        for number in range(0, days, apart)
    )


MOST_ITEMS: Final = 2000
"""A page with more is slow to open and read by nobody."""
MOST_NAMES: Final = 1000
MOST_EPISODES: Final = 200
UNFOLDED: Final = 12
"""So many items of a class are shown unfolded."""
LISTED: Final[frozenset[AuditClass]] = frozenset({"unmanaged", "inSync"})
"""Classes of which there is no more to say than names."""
SIZE: Final = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "bottom": HEIGHT - BOTTOM}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A leaf in words; `live_moved` and `declared_moved` say which of its values is the new one."""

    path: str
    applied: str
    live: str
    declared: str
    percent: str
    remark: str
    live_moved: bool
    declared_moved: bool


@dataclass(frozen=True, slots=True)
class ItemView:
    """An item as the template draws it; `declared`: a manifest has a block for it."""

    of: AuditClass
    address: str
    id: str | None
    place: str
    since: str
    until: str
    note: str
    rows: tuple[FieldRow, ...]
    declared: bool
    unfolded: bool


@dataclass(frozen=True, slots=True)
class ClassView:
    """The items of one class; `left` counts those that are not drawn."""

    key: AuditClass
    label: str
    meaning: str
    sign: str
    tone: Tone
    number: int
    items: tuple[ItemView, ...]
    left: int


def audit_page(audit: Audit, history: Trend | None = None, title: str = "Audit of the account") -> str:
    """The page of an audit. At most 2,000 items are drawn, the gravest first; the page says how many are left out."""
    views = _class_views(audit)
    values = {
        "title": title,
        "lead": headline(audit),
        "facts": [("Publisher", audit.publisher_id), ("API", audit.api), ("Looked at", day_and_time(audit.at))],
        "tiles": _tiles(audit),
        "searched": "addresses, fields, values",
        "alarms": [view for view in views if view.key in ALARMING],
        "others": [view for view in views if view.key not in ALARMING | LISTED],
        "unmanaged": _named_items(audit, "unmanaged"),
        "in_sync": _named_items(audit, "inSync"),
        "labels": LABELS,
        "meanings": MEANINGS,
        "notes": [(note.address or "the account", note.text) for note in audit.notes],
        "trend": None if history is None else _trend_values(history, datetime.fromisoformat(audit.at)),
        "size": SIZE,
        "closing": "waterfall-reconciler",
    }
    return page("audit.html", values)


def _tiles(audit: Audit) -> list[Tile]:
    counts = summary(audit)
    tones: dict[AuditClass, Tone] = {of: "plain" if tone == "faint" else tone for of, (_, tone) in SIGNS.items()}
    tiles = [Tile(counts.count(of), LABELS[of], tones[of]) for of in CLASSES]
    return [*tiles, Tile(percent(counts), "managed")]


def _class_views(audit: Audit) -> list[ClassView]:
    """What has more to say than its name, by class; those of a class in the order of addresses."""
    room = MOST_ITEMS
    views = []
    for of in CLASSES:
        items = [item for item in audit.items if item.of == of]
        if not items or of in LISTED:
            continue
        drawn = tuple(_item_view(item, audit, unfolded=len(items) <= UNFOLDED) for item in items[:room])
        room -= len(drawn)
        sign, tone = SIGNS[of]
        left = len(items) - len(drawn)
        views.append(ClassView(of, LABELS[of], MEANINGS[of], sign, tone, len(items), drawn, left))
    return views


def _item_view(item: AuditItem, audit: Audit, *, unfolded: bool) -> ItemView:
    since = audit.open_since.get(item.address)
    ends = sorted(field.acceptance.until for field in item.fields if field.acceptance and field.acceptance.until)
    return ItemView(
        of=item.of,
        address=item.address,
        id=item.id,
        place="" if item.source is None else f"{item.source.file}:{item.source.line}",
        since="" if since is None else day_and_time(since),
        until=str(ends[0]) if ends and item.of == "accepted" else "",
        note=item.note,
        rows=tuple(_field_row(field, item) for field in item.fields),
        declared=item.source is not None,
        unfolded=unfolded,
    )


def _field_row(field: AuditedField, item: AuditItem) -> FieldRow:
    change = field.change
    theirs = change.origin in {"drift", "conflict"}
    moved = replace(change, before=field.applied, after=change.before) if theirs else change
    label = LABELS[field.of] if field.of not in {item.of, "accepted"} else ""
    return FieldRow(
        path=change.path,
        applied="never applied"
        if change.origin == "unknown"
        else shown(field.applied, change.path, change.worldwide.applied),
        live=before_text(change),
        declared=after_text(change),
        percent=percent_text(moved),
        remark="; ".join(filter(None, (label, acceptance_words(field)))),
        live_moved=theirs,
        declared_moved=change.origin != "drift",
    )


def _named_items(audit: Audit, of: AuditClass) -> dict[str, Any]:
    """The items of a class as (name, text)."""
    items = [item for item in audit.items if item.of == of]
    drawn = items[:MOST_NAMES]
    texts = ("; ".join(filter(None, (f"id {item.id}" if item.id is not None else "", item.note))) for item in drawn)
    names = [(item.address, text) for item, text in zip(drawn, texts, strict=True)]
    return {"number": len(items), "names": names, "left": len(items) - len(drawn)}


def _trend_values(history: Trend, now: datetime) -> dict[str, Any]:
    chart = trend_chart(history)
    still = [each for each in history.episodes if each.closed_at is None]
    over = sorted((each for each in history.episodes if each.closed_at), key=_end_of, reverse=True)
    episodes = [*still, *over]
    return {
        "since": history.since.isoformat(),
        "days": history.days,
        "chart": chart,
        "described": "" if chart is None else _chart_text(history, chart),
        "episodes": [_episode_values(each, now) for each in episodes[:MOST_EPISODES]],
        "episodes_left": max(0, len(episodes) - MOST_EPISODES),
    }


def _end_of(episode: Episode) -> datetime:
    return episode.closed_at or episode.opened_at


def _episode_values(each: Episode, now: datetime) -> dict[str, str]:
    sign, tone = SIGNS[each.of]
    return {
        "address": each.address,
        "label": LABELS[each.of],
        "sign": sign,
        "tone": tone,
        "opened": _minute(each.opened_at),
        "closed": "still open" if each.closed_at is None else _minute(each.closed_at),
        "took": duration_text(each.seconds(now)),
    }


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _chart_text(history: Trend, chart: TrendChart) -> str:
    """The chart in words, for those who do not see it."""
    drawn = [day for day in history.days if day.day >= chart.first]
    told = f"From {chart.first} to {chart.last}, {counted(len(drawn), 'day')} with audits. "
    if not any(day.still_open for day in drawn):
        return f"{told}No alarm was open at the end of any. The table holds the figures."
    most = max(drawn, key=lambda day: day.still_open)
    ends = f"Most at the end of {most.day}: {most.still_open}; at the end of the last: {drawn[-1].still_open}."
    return f"{told}{ends} The table holds the figures."
