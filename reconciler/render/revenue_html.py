"""What was earned, as a page: the trend and its weekday pattern, countries, waterfalls by rung, and the rows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, Protocol

from reconciler.model.address import Address, app_of, name_of
from reconciler.model.rows import Rows
from reconciler.render.html import Tile
from reconciler.render.rows_html import PageSection, bar_chart, line_chart, moving, number_of, rows_page, table_view
from reconciler.render.text import counted

MOST_BARS: Final = 15
MOST_WATERFALLS: Final = 30
_WEEK: Final = 7
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class RungView(Protocol):
    """A placement of a waterfall, its worldwide floor (USD), and its row by placement."""

    @property
    def address(self) -> Address:
        """Its address."""
        ...

    @property
    def floor(self) -> float | None:
        """Its worldwide floor."""
        ...

    @property
    def figures(self) -> Mapping[str, Any] | None:
        """Its figures; None where reports have none."""
        ...


def revenue_page(rows: Rows, days: Rows, countries: Rows, waterfalls: Sequence[Sequence[RungView]]) -> str:
    """The page of `reports revenue --format html`."""
    sections = [*_trend(days), *_countries(countries), *_waterfalls(waterfalls)]
    sections.append(PageSection("Rows", table=table_view(rows)))
    revenue = sum(number_of(row["revenue"]) for row in days.records())
    impressions = sum(number_of(row["impressions"]) for row in days.records())
    tiles = [
        Tile(f"{revenue:,.2f}", "USD earned"),
        Tile(f"{impressions:,.0f}", "impressions"),
        Tile(f"{1000 * revenue / impressions:,.2f}" if impressions else "-", "USD per 1,000 impressions"),
        Tile(len(days.rows), "days"),
    ]
    lead = rows.notes[0] if rows.notes else ""
    facts = [(f"Note {number}", note) for number, note in enumerate(rows.notes[1:], 1)]
    if rows.incomplete:
        facts.append(("Not final yet", ", ".join(day.isoformat() for day in rows.incomplete)))
    return rows_page("Revenue", lead, facts, tiles, sections)


def _trend(days: Rows) -> Iterator[PageSection]:
    """Revenue by day with its mean over a week, and what a weekday earns beside the mean of its week."""
    earned = {row["day"]: number_of(row["revenue"]) for row in days.records() if isinstance(row["day"], date)}
    if len(earned) < 2:
        return
    first, last = min(earned), max(earned)
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    values = [earned.get(day) for day in every]
    whole = all(value is not None for value in values)
    mean: list[float | None] = moving([value or 0.0 for value in values]) if whole else [None] * len(values)
    lines = [("each day", "faint" if whole and len(values) >= _WEEK else "main", values)]
    if any(each is not None for each in mean):
        lines.append(("mean of seven days", "main", mean))
    chart = line_chart([f"{day:%d %b}" for day in every], lines, lambda value: f"{value:,.6g}")
    described = (
        f"From {first} to {last}; lowest {min(earned.values()):,.2f} USD, highest {max(earned.values()):,.2f} USD."
    )
    yield PageSection(
        "Revenue by day", "USD, days in UTC.", line=chart, described=described, table=table_view(days), folded=True
    )
    pattern = _weekdays(earned)
    if pattern:
        bars = bar_chart((day, share, f"{100 * share:.0f} %") for day, share in pattern)
        about = "What each weekday earns, in per cent of the mean day of its week. Whole weeks alone are counted."
        words = ", ".join(f"{day} {100 * share:.0f} %" for day, share in pattern)
        yield PageSection("By weekday", about, bars=bars, described=words)


def _weekdays(earned: Mapping[date, float]) -> list[tuple[str, float]]:
    """The mean share of each weekday in the mean day of its week, over whole weeks from Monday; empty without one."""
    shares: dict[int, list[float]] = {}
    for monday in (day for day in earned if day.weekday() == 0):
        week = [earned.get(monday + timedelta(days=number)) for number in range(_WEEK)]
        values = [value for value in week if value is not None]
        if len(values) == _WEEK and sum(values) > 0:
            for number, value in enumerate(values):
                shares.setdefault(number, []).append(_WEEK * value / sum(values))
    return [(_WEEKDAYS[number], sum(of) / len(of)) for number, of in sorted(shares.items())]


def _countries(countries: Rows) -> Iterator[PageSection]:
    rows = sorted(countries.records(), key=lambda row: -number_of(row["revenue"]))
    total = sum(number_of(row["revenue"]) for row in rows)
    named = [
        (str(row["country"]), number_of(row["revenue"]), f"{number_of(row['revenue']):,.2f}")
        for row in rows[:MOST_BARS]
    ]
    if total <= 0:
        return
    left = len(rows) - len(named)
    share = sum(value for _, value, _ in named) / total
    about = (
        f"USD. {counted(left, 'more country').replace('countrys', 'countries')} earned {100 * (1 - share):.1f} %."
        if left
        else "USD."
    )
    described = "; ".join(f"{name} {figure}" for name, _, figure in named)
    yield PageSection(
        "Countries", about, bars=bar_chart(named), described=described, table=table_view(countries), folded=True
    )


def _waterfalls(waterfalls: Sequence[Sequence[RungView]]) -> Iterator[PageSection]:
    ranked = sorted(waterfalls, key=lambda rungs: -sum(_earned(rung) for rung in rungs))
    for rungs in ranked[:MOST_WATERFALLS]:
        named = [(_rung_name(rung), _earned(rung), _rung_figure(rung)) for rung in rungs]
        described = "; ".join(f"{name}: {figure}" for name, _, figure in named)
        yield PageSection(
            f"Waterfall of {app_of(rungs[0].address)}",
            "Dearest first: revenue of each rung in USD, its eCPM, and its fill.",
            bars=bar_chart(named),
            described=described,
        )


def _earned(rung: RungView) -> float:
    return number_of(rung.figures["revenue"]) if rung.figures else 0.0


def _rung_name(rung: RungView) -> str:
    floor = "" if rung.floor is None else f" from {rung.floor:g}"
    return f"{name_of(rung.address)}{floor}"


def _rung_figure(rung: RungView) -> str:
    if not rung.figures:
        return "no impressions"
    texts = [f"{_earned(rung):,.2f}"]
    if rung.figures["ecpm"] is not None:
        texts.append(f"{number_of(rung.figures['ecpm']):,.2f}")
    if rung.figures["fill"] is not None:
        texts.append(f"{100 * number_of(rung.figures['fill']):.1f} %")
    return " · ".join(texts)
