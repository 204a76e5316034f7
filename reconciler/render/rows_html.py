"""Tables as a page: sections with a chart each (a line over an axis, or bars) and the figures as a table below it.

Only numbers become coordinates here; the template draws them and writes the words.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor
from typing import Final

from reconciler.model.rows import Cell, Rows
from reconciler.render.html import Tick, Tile, page, round_step
from reconciler.render.rows import text_cell

WIDTH: Final = 960
HEIGHT: Final = 220
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 14, 28
MOST_ROWS: Final = 1000
"""Rows of a table in a page; more are for a file."""
BAR: Final = 24
"""The height of a bar and the room below it."""
NAMES: Final = 210
FIGURES: Final = 370
"""Where the names of bars end, and their figures: both stand before the bars, so that a narrow screen shows them."""
_LEVELS: Final = 4
_NEAREST: Final = 80
_LONGEST: Final = 30


@dataclass(frozen=True, slots=True)
class Series:
    """A line: its points as path data, and its name where there is more than one."""

    path: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class LineChart:
    """Lines over an axis; `dots` marks single points, each with a text."""

    lines: tuple[Series, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    dots: tuple[tuple[float, float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NamedBar:
    """A bar with its name and figure."""

    name: str
    top: float
    width: float
    figure: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars below each other, and the height of them all."""

    bars: tuple[NamedBar, ...]
    height: float


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as texts. `numeric` says which columns stand to the right; `left` how many rows were left out."""

    names: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int


@dataclass(frozen=True, slots=True)
class PageSection:
    """A part of a page: its heading, a sentence, a chart that `described` says in words, and a table."""

    title: str
    about: str = ""
    line: LineChart | None = None
    bars: BarChart | None = None
    described: str = ""
    table: TableView | None = None
    folded: bool = False


def rows_page(
    title: str, lead: str, facts: Sequence[tuple[str, str]], tiles: Sequence[Tile], sections: Sequence[PageSection]
) -> str:
    """The page of some sections. At most 1,000 rows of each table are drawn; the page says how many are left out."""
    size = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "bottom": HEIGHT - BOTTOM}
    values = {
        "title": title,
        "lead": lead,
        "facts": facts,
        "tiles": tiles,
        "searched": "rows",
        "sections": sections,
        "size": {**size, "names": NAMES, "figures": FIGURES, "bar": BAR},
        "closing": "waterfall-reconciler",
    }
    return page("rows.html", values)


def table_view(found: Rows, most: int = MOST_ROWS) -> TableView:
    """The rows as texts, as a terminal shows them."""
    shown = tuple(
        tuple(text_cell(cell, column) for cell, column in zip(row, found.columns, strict=True))
        for row in found.rows[:most]
    )
    numeric = tuple(column.type in {"count", "number"} for column in found.columns)
    titles = tuple(name.replace("_", " ") for name in found.names)
    return TableView(titles, numeric, shown, len(found.rows) - len(shown))


def line_chart(
    names: Sequence[str], lines: Sequence[tuple[str, str, Sequence[float | None]]], shown: Callable[[float], str]
) -> LineChart | None:
    """Lines of values over the same names; None for a value leaves a gap. None where there are fewer than two names.

    Each line has a name, a kind (`main` or `faint`) and its values; `shown` writes the labels of levels.
    """
    values = [value for _, _, of in lines for value in of if value is not None]
    if len(names) < 2 or not values:
        return None
    low, high = min(0.0, *values), max(values)
    up, levels = scale_up(low, high, shown)
    step = (WIDTH - LEFT - RIGHT) / (len(names) - 1)
    at = [LEFT + number * step for number in range(len(names))]
    drawn = tuple(Series(_path(at, [None if v is None else up(v) for v in of]), name, kind) for name, kind, of in lines)
    every = max(1, ceil(_NEAREST / step))
    across = tuple(
        Tick(place, name) for number, (place, name) in enumerate(zip(at, names, strict=True)) if not number % every
    )
    return LineChart(drawn, across, levels)


def bar_chart(named: Iterable[tuple[str, float, str]]) -> BarChart | None:
    """Bars by name, value and the figure that stands before them; None without any."""
    bars = list(named)
    largest = max((value for _, value, _ in bars), default=0.0)
    if not bars or largest <= 0:
        return None
    room = WIDTH - FIGURES - RIGHT
    drawn = (
        NamedBar(_short(name), number * BAR, max(0.0, room * value / largest), figure, quiet=value <= 0)
        for number, (name, value, figure) in enumerate(bars)
    )
    return BarChart(tuple(drawn), len(bars) * BAR)


def scale_up(
    low: float, high: float, shown: Callable[[float], str]
) -> tuple[Callable[[float], float], tuple[Tick, ...]]:
    """A linear scale upwards, and round levels on it."""
    span = (high - low) or abs(high) or 1.0
    step = round_step(span / _LEVELS)
    top = step * ceil(high / step - 1e-9) or step

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (top - low)

    numbers = range(floor(low / step + 1e-9), round(top / step) + 1)
    return up, tuple(Tick(up(step * number), shown(step * number)) for number in numbers)


def _path(at: Sequence[float], heights: Sequence[float | None]) -> str:
    """Path data of the points; where one is missing a new piece begins."""
    pieces = []
    before: float | None = None
    for place, height in zip(at, heights, strict=True):
        if height is not None:
            pieces.append(f"{'M' if before is None else 'L'}{place:.1f} {height:.1f}")
        before = height
    return "".join(pieces)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"…{name[-_LONGEST + 1 :]}"


def moving(values: Sequence[float], width: int = 7) -> list[float | None]:
    """The mean of the last `width` values; None before there are so many."""
    sums = [sum(values[max(0, at - width + 1) : at + 1]) for at in range(len(values))]
    return [total / width if at >= width - 1 else None for at, total in enumerate(sums)]


def number_of(cell: Cell) -> float:
    """A cell as a number; 0 for one without a value."""
    return float(cell) if isinstance(cell, int | float | Decimal) else 0.0
