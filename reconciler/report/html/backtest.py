"""A backtest as a page."""

from typing import Final

from reconciler.model.backtest import Backtest
from reconciler.report.floors.backtest import backtest_text, came_in_words
from reconciler.report.floors.words import change, gain, move
from reconciler.report.html.page import page
from reconciler.report.html.pieces import Tile

MOST_REPLAYS: Final = 2000


def backtest_page(found: Backtest, title: str = "Backtest of floor suggestions") -> str:
    """The whole page: each move with what it expected and what came."""
    told = len(found.told)
    replays = []
    for each in found.replays[:MOST_REPLAYS]:
        word, tone = came_in_words(each)
        replays.append(
            {
                "word": word,
                "tone": tone,
                "address": each.cell.address,
                "country": each.cell.country,
                "move": move(each.current, each.suggested),
                "came": each.silent if each.came is None else change(each.came),
                "expected": change(each.expected),
            }
        )
    values = {
        "title": title,
        "lead": backtest_text(found),
        "facts": [],
        "tiles": [
            Tile(len(found.replays), "moves"),
            Tile(told, "that later days tell of"),
            Tile(gain(found.total), "USD a week", "remove" if found.total < 0 else "add"),
            Tile(gain(found.lost), "of it lost", "remove" if found.lost < 0 else "plain"),
        ],
        "searched": "placements, countries",
        "replays": replays,
        "left": len(found.replays) - len(replays),
        "closing": "waterfall-reconciler",
    }
    return page("backtest.html", values)
