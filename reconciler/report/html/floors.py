"""Floor suggestions as a page: the moves in a table and one by one with their curves, the rest by reason."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from reconciler.model.address import app_of
from reconciler.model.suggestion import Suggestions, Verdict
from reconciler.report.floors.text import MOST_NAMES, RESTS
from reconciler.report.floors.words import (
    SIGNS,
    assumed,
    basis_text,
    expected_text,
    gain,
    grouped,
    known_changes,
    moves,
    notes,
    of_verdict,
    summary_text,
    summed,
    unmatched_texts,
)
from reconciler.report.html.cell import CellView, cell_view
from reconciler.report.html.chart import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH
from reconciler.report.html.page import page
from reconciler.report.html.pieces import Tile, tallied
from reconciler.report.line import Tone

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


def suggestions_page(made: Suggestions, title: str = "Floor suggestions") -> str:
    """The whole page; each cell's charts are SVG in it, with the same figures as a table."""
    found = moves(made)
    views = [
        cell_view(cell, number, unfolded=number < UNFOLDED, charted=number < MOST_CHARTS)
        for number, cell in enumerate(found)
    ]
    drawn = views[:MOST_MOVES]
    values = {
        "title": title,
        "lead": " ".join((summary_text(made), expected_text(made))).strip(),
        "facts": [],
        "notes": [each for each in (*notes(made), basis_text(made)) if each],
        "tiles": _tiles(made),
        "searched": "placements, countries, reasons",
        "moves": [{"view": view, "drawn": view.number < MOST_MOVES} for view in views],
        "apps": list(_apps(drawn)),
        "moves_left": len(views) - len(drawn),
        "assumed": assumed(made),
        "rests": list(_rests(made, len(drawn))),
        "unmatched": unmatched_texts(made.unmatched, 10 * MOST_NAMES),
        "most_charts": MOST_CHARTS,
        "size": SIZE,
        "closing": "waterfall-reconciler",
    }
    return page("floors.html", values)


def _tiles(made: Suggestions) -> list[Tile]:
    words = {"raise": "to raise", "lower": "to lower", "keep": "kept", "insufficient": "without enough evidence"}
    counted = [Tile(len(of_verdict(made, verdict)), words[verdict], _tone(verdict)) for verdict in SIGNS]
    known = known_changes(made)
    return [*counted, Tile(gain(summed(known).estimate), "USD a week expected")] if known else counted


def _tone(verdict: Verdict) -> Tone:
    tone = SIGNS[verdict][1]
    return "plain" if tone == "faint" else tone


def _apps(views: Sequence[CellView]) -> Iterator[dict[str, Any]]:
    tones: dict[str, Tone] = {verdict: tone for verdict, (_, tone) in SIGNS.items()}
    groups = [(app, list(group)) for app, group in groupby(views, key=lambda view: app_of(view.address))]
    for app, cells in groups:
        counts = tallied((cell.verdict for cell in cells), tones)
        yield {"address": app, "cells": cells, "counts": counts, "unfolded": len(groups) <= UNFOLDED_APPS}


def _rests(made: Suggestions, first: int) -> Iterator[dict[str, Any]]:
    """What is kept, by reason; the cells are numbered on from the moves."""
    number = first
    for verdict, title in RESTS.items():
        cells = of_verdict(made, verdict)
        groups = []
        for group in grouped(cells):
            views = []
            for cell in group.cells[:MOST_REST]:
                views.append(cell_view(cell, number, unfolded=False, charted=number < MOST_CHARTS))
                number += 1
            groups.append(_rest_group(" ".join(group.reasons), views, len(group.cells)))
        if cells:
            yield {"key": verdict, "title": title, "number": len(cells), "groups": groups}


def _rest_group(reasons: str, views: list[CellView], size: int) -> dict[str, Any]:
    return {"reasons": reasons, "cells": views, "size": size, "left": size - len(views)}
