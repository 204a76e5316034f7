"""Floor suggestions as a page: moves by app with their charts, and cells without a move grouped by reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from reconciler.model.address import Address, app_of, name_of
from reconciler.model.evidence import CurvePoint, Suggestion, Suggestions, Verdict
from reconciler.render.floors_text import MOST_NAMES, RESTS, sample_points
from reconciler.render.floors_words import (
    MODES,
    SIGNS,
    assumption_texts,
    basis_text,
    change,
    counted_in_thousands,
    expected_text,
    gain,
    group_by_reasons,
    interval,
    known_changes,
    move,
    moves,
    notes,
    price,
    summary_text,
    total_change,
    unmatched_texts,
    with_verdict,
    worth,
)
from reconciler.render.html import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Chart, Tile, chart, count_badges, page
from reconciler.render.text import Tone, counted


@dataclass(frozen=True, slots=True)
class PointView:
    """A row of the table beside the charts."""

    floor: str
    revenue: str
    interval: str
    dt: str
    rest: str
    mark: str


@dataclass(frozen=True, slots=True)
class CellView:
    """A suggestion as the template draws it; `number` is its anchor, `chart_left` says that its chart was left out."""

    number: int
    address: Address
    name: str
    country: str
    verdict: Verdict
    sign: str
    tone: Tone
    current: str
    suggested: str
    move: str
    change: str
    gain: str
    gains: str
    reasons: tuple[str, ...]
    assumptions: tuple[str, ...]
    working: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    points: tuple[PointView, ...]
    chart: Chart | None
    chart_left: bool
    described: str
    described_parts: str
    unfolded: bool

    @property
    def key(self) -> str:
        """What ids of its parts begin with."""
        return f"s{self.number}"


def cell_view(suggestion: Suggestion, number: int, *, unfolded: bool, charted: bool) -> CellView:
    """The view of a suggestion; its charts only where they are asked for."""
    sign, tone = SIGNS[suggestion.verdict]
    bounds = suggestion.change
    return CellView(
        number=number,
        address=suggestion.cell.address,
        name=name_of(suggestion.cell.address) or suggestion.cell.address,
        country=suggestion.cell.country,
        verdict=suggestion.verdict,
        sign=sign,
        tone=tone,
        current=price(suggestion.current),
        suggested=price(suggestion.suggested),
        move=move(suggestion.current, suggestion.suggested),
        change="" if bounds is None or suggestion.current == suggestion.suggested else change(bounds),
        gain="not known" if bounds is None else gain(bounds.estimate),
        gains="" if bounds is None else f"({gain(bounds.low)} to {gain(bounds.high)})",
        reasons=suggestion.reasons,
        assumptions=suggestion.assumptions,
        working=suggestion.working,
        facts=tuple(_facts(suggestion)),
        points=tuple(
            _point_view(point, suggestion)
            for point in sample_points(suggestion.curve, {float(suggestion.current), float(suggestion.suggested)})
            if charted
        ),
        chart=chart(suggestion.curve, suggestion.current, suggestion.suggested) if charted else None,
        chart_left=bool(suggestion.curve) and not charted,
        described=_chart_text(suggestion),
        described_parts=_parts_chart_text(suggestion),
        unfolded=unfolded,
    )


def _facts(suggestion: Suggestion) -> Iterator[tuple[str, str]]:
    one = suggestion.evidence
    if one is None:
        yield "Evidence", "no reports"
        return
    yield "DT is", MODES[suggestion.mode]
    seen = (counted_in_thousands(one.requests, "request"), counted_in_thousands(one.impressions, "impression"))
    yield "Evidence", f"{', '.join(seen)} in {counted(len(one.days), 'day')}"
    yield "DT earned", f"{worth(one.revenue)} USD"
    if one.impressions:
        yield "on average", f"{worth(1000 * one.revenue / one.impressions)} USD"
    if suggestion.opportunity_cost is not None:
        yield "the rest would pay", f"{interval(suggestion.opportunity_cost)} USD"


def _point_view(point: CurvePoint, suggestion: Suggestion) -> PointView:
    marks = {float(suggestion.suggested): "suggested", float(suggestion.current): "current"}
    bounds = point.revenue
    return PointView(
        price(round(point.floor, 3)),
        worth(bounds.estimate),
        f"{worth(bounds.low)} to {worth(bounds.high)}",
        worth(point.from_dt),
        worth(point.from_rest),
        marks.get(point.floor, ""),
    )


def _curve_point(suggestion: Suggestion, floor: Decimal) -> CurvePoint | None:
    return next((point for point in suggestion.curve if point.floor == float(floor)), None)


def _chart_text(suggestion: Suggestion) -> str:
    """The chart of revenue in words, for those who do not see it."""
    now, then = _curve_point(suggestion, suggestion.current), _curve_point(suggestion, suggestion.suggested)
    if now is None or then is None:
        return "The table holds the figures."
    told = f"At the current floor of {price(suggestion.current)} USD: {worth(now.revenue.estimate)} USD a week."
    if suggestion.suggested == suggestion.current:
        return f"{told} The table holds the figures at other floors."
    return (
        f"{told} At the suggested {price(suggestion.suggested)} USD: {interval(then.revenue)} USD a week. "
        "The table holds the figures at other floors."
    )


def _parts_chart_text(suggestion: Suggestion) -> str:
    told = [
        f"At {price(floor)} USD: {worth(point.from_dt)} from DT, {worth(point.from_rest)} from the rest."
        for floor in dict.fromkeys((suggestion.current, suggestion.suggested))
        if (point := _curve_point(suggestion, floor)) is not None
    ]
    return " ".join([*told, "The table holds the figures at other floors."])


MOST_MOVES: Final = 500
"""Moves that are drawn one by one; more are in the table only."""
MOST_REST: Final = 100
"""Cells of one reason that are drawn."""
MOST_CHARTS: Final = 400
"""Cells with charts and a table: 6 KB each."""
UNFOLDED: Final = 6
UNFOLDED_APPS: Final = 10
SIZE: Final = {
    "width": WIDTH,
    "height": HEIGHT,
    "left": LEFT,
    "right": WIDTH - RIGHT,
    "bottom": HEIGHT - BOTTOM,
}


def suggestions_page(suggestions: Suggestions, title: str = "Floor suggestions") -> str:
    """The whole page; each cell's charts are SVG in it, with the same figures as a table."""
    found = moves(suggestions)
    views = [
        cell_view(cell, number, unfolded=number < UNFOLDED, charted=number < MOST_CHARTS)
        for number, cell in enumerate(found)
    ]
    drawn = views[:MOST_MOVES]
    values = {
        "title": title,
        "lead": " ".join((summary_text(suggestions), expected_text(suggestions))).strip(),
        "facts": [],
        "notes": [each for each in (*notes(suggestions), basis_text(suggestions)) if each],
        "tiles": _tiles(suggestions),
        "searched": "placements, countries, reasons",
        "moves": [{"view": view, "drawn": view.number < MOST_MOVES} for view in views],
        "apps": list(_app_values(drawn)),
        "moves_left": len(views) - len(drawn),
        "assumed": assumption_texts(suggestions),
        "rests": list(_rest_values(suggestions, len(drawn))),
        "unmatched": unmatched_texts(suggestions.unmatched, 10 * MOST_NAMES),
        "most_charts": MOST_CHARTS,
        "size": SIZE,
        "closing": "waterfall-reconciler",
    }
    return page("floors.html", values)


def _tiles(suggestions: Suggestions) -> list[Tile]:
    words = {"raise": "to raise", "lower": "to lower", "keep": "kept", "insufficient": "without enough evidence"}
    counted = [Tile(len(with_verdict(suggestions, verdict)), words[verdict], _tone(verdict)) for verdict in SIGNS]
    changes = known_changes(suggestions)
    return [*counted, Tile(gain(total_change(changes).estimate), "USD a week expected")] if changes else counted


def _tone(verdict: Verdict) -> Tone:
    tone = SIGNS[verdict][1]
    return "plain" if tone == "faint" else tone


def _app_values(views: Sequence[CellView]) -> Iterator[dict[str, Any]]:
    tones: dict[str, Tone] = {verdict: tone for verdict, (_, tone) in SIGNS.items()}
    groups = [(app, list(group)) for app, group in groupby(views, key=lambda view: app_of(view.address))]
    for app, cells in groups:
        counts = count_badges((cell.verdict for cell in cells), tones)
        yield {"address": app, "cells": cells, "counts": counts, "unfolded": len(groups) <= UNFOLDED_APPS}


def _rest_values(suggestions: Suggestions, first: int) -> Iterator[dict[str, Any]]:
    """What is kept, by reason; the cells are numbered on from the moves."""
    number = first
    for verdict, title in RESTS.items():
        cells = with_verdict(suggestions, verdict)
        groups = []
        for group in group_by_reasons(cells):
            views = []
            for cell in group.cells[:MOST_REST]:
                views.append(cell_view(cell, number, unfolded=False, charted=number < MOST_CHARTS))
                number += 1
            groups.append(_rest_group(" ".join(group.reasons), views, len(group.cells)))
        if cells:
            yield {"key": verdict, "title": title, "number": len(cells), "groups": groups}


def _rest_group(reasons: str, views: list[CellView], size: int) -> dict[str, Any]:
    return {"reasons": reasons, "cells": views, "size": size, "left": size - len(views)}
