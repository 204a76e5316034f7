"""HTML pages from templates, and values that several pages share: tiles, count badges, rows of field changes, charts.

What a template prints is made visible (`text.visible`), then escaped. A page loads nothing, and its content
security policy admits only its own script and style.

A chart shows a floor's revenue with its band, and the parts it is made of. Only numbers become coordinates here; a
template draws them and writes the words. Floors lie on a logarithmic axis.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import pairwise
from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.change import Change, Delete, FieldChange, Update
from reconciler.model.evidence import CurvePoint
from reconciler.render.floors_words import price
from reconciler.render.plan_text import after_text, before_text, origin_text, percent_text
from reconciler.render.text import Tone, html_page, visible

if TYPE_CHECKING:
    from jinja2 import Environment

_STYLE: Final = "page.css"
_SCRIPT: Final = "page.js"


def page(template: str, values: Mapping[str, Any]) -> str:
    """The page that a template of `templates/` draws of these values. Raises jinja2's errors for what it lacks.

    All that extend `page.html` need `title`, `lead` (a line below it), `facts` (pairs of words), `tiles` (of
    `pieces.Tile`), `searched` (what the search box says it searches) and `closing`. What can be found is marked
    `data-item`, within a `data-group` that names it.
    """
    return html_page(_environment().get_template(template).render(values))


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - 40 ms, and only pages need it
    from markupsafe import Markup  # noqa: PLC0415 - as above

    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (_template_source(environment, name) for name in (_STYLE, _SCRIPT))
    ours = {"style": Markup(style), "script": Markup(script)}  # noqa: S704 - no stranger's text is in them
    environment.globals |= {**ours, "policy": _policy(style, script)}
    return environment


def _printable(value: Any) -> Any:
    """What is printed; markup of our own templates is left as it is."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _template_source(environment: "Environment", name: str) -> str:
    loader = environment.loader
    return loader.get_source(environment, name)[0].replace("\r\n", "\n") if loader is not None else ""


def _policy(style: str, script: str) -> str:
    rules = {
        "default-src": "'none'",
        "style-src": _hash(style),
        "script-src": _hash(script),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{rule} {allowed}" for rule, allowed in rules.items())


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@dataclass(frozen=True, slots=True)
class Tile:
    """A number and what it counts, for the head of a page."""

    number: int | str
    what: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class CountBadge:
    """A short count beside a name, as `2 update`."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class FieldChangeRow:
    """One field in a table of differences, in words."""

    path: str
    before: str
    after: str
    percent: str = ""
    origin: str = ""
    evidence: str = ""


def field_row(field: FieldChange, origin: str = "") -> FieldChangeRow:
    """A field change as a row; `origin` says why it differs."""
    return FieldChangeRow(
        field.path, before_text(field), after_text(field), percent_text(field), origin, field.evidence or ""
    )


def field_rows(change: Change) -> tuple[FieldChangeRow, ...]:
    """The fields of a change; none for a delete."""
    if isinstance(change, Delete):
        return ()
    moved = "changed in the manifest" if isinstance(change, Update) else ""
    return tuple(field_row(field, origin_text(change, field) or moved) for field in change.fields)


def count_badges(words: Iterable[str], tones: Mapping[str, Tone]) -> tuple[CountBadge, ...]:
    """How often each word comes up, in the order of the tones."""
    numbers = Counter(words)
    return tuple(CountBadge(f"{numbers[word]} {word}", tone) for word, tone in tones.items() if numbers[word])


WIDTH: Final = 460
HEIGHT: Final = 236
LEFT, RIGHT, TOP, BOTTOM = 50, 16, 40, 36
TICKS: Final = 5
NEAREST: Final = 38
"""Ticks on the axis of floors stand no nearer than this, so that their labels do not touch."""
PAD: Final = 0.08
LEAST: Final = 1e-9
"""Values that differ by less, of their size or of a USD, are one level: their axis would be one of rounding errors."""
LABEL: Final = 118
"""A marker's label takes this much; one nearer to the right edge is written to its left, and the
left one of two where there is room, away from the other's line."""

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Marker:
    """A floor of interest: `name` is what it is, `row` tells two labels apart, `leftwards` on which side they stand."""

    at: float
    y: float
    label: str
    name: str
    row: int
    leftwards: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart. `areas` and `line` are SVG path data."""

    areas: tuple[str, ...]
    line: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    markers: tuple[Marker, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Both panels of a suggestion."""

    revenue: Panel
    parts: Panel


def chart(curve: Sequence[CurvePoint], current: float | Decimal, suggested: float | Decimal) -> Chart | None:
    """The charts of a curve; None where it has fewer than two points that can be drawn."""
    points = [point for point in curve if _drawable(point)]
    if len({point.floor for point in points}) < 2:
        return None
    now, then = float(current), float(suggested)
    across = _logarithmic(points[0].floor, points[-1].floor)
    floors = _floor_ticks(points[0].floor, points[-1].floor, across)
    at = [across(point.floor) for point in points]
    lows, mids, highs = zip(*((p.revenue.low, p.revenue.estimate, p.revenue.high) for p in points), strict=True)
    up, levels = _axis(min(lows), max(highs))
    high, low = (list(zip(at, map(up, values), strict=True)) for values in (highs, lows))
    middle = list(zip(at, map(up, mids), strict=True))
    revenue = Panel(
        (_path([*high, *reversed(low)], closed=True),),
        _path(middle),
        floors,
        levels,
        _markers(middle, across, now, then),
    )
    return Chart(revenue, _parts(points, at, floors, across, (now, then)))


def _parts(
    points: Sequence[CurvePoint],
    at: Sequence[float],
    floors: tuple[Tick, ...],
    across: Scale,
    marked: tuple[float, float],
) -> Panel:
    rest = [max(0.0, point.from_rest) for point in points]
    whole = [left + max(0.0, point.from_dt) for left, point in zip(rest, points, strict=True)]
    up, levels = _axis(0.0, max(whole), pad_below=False)
    ground = up(0.0)
    lower, upper = (list(zip(at, map(up, values), strict=True)) for values in (rest, whole))
    areas = (
        _path([*lower, (at[-1], ground), (at[0], ground)], closed=True),
        _path([*upper, *reversed(lower)], closed=True),
    )
    return Panel(areas, _path(upper), floors, levels, _markers(upper, across, *marked))


def _drawable(point: CurvePoint) -> bool:
    numbers = (point.revenue.low, point.revenue.estimate, point.revenue.high, point.from_dt, point.from_rest)
    return point.floor > 0 and all(map(isfinite, (point.floor, *numbers)))


def _logarithmic(low: float, high: float) -> Scale:
    span = log10(high / low)
    return lambda value: LEFT + (WIDTH - LEFT - RIGHT) * log10(value / low) / span


def _axis(low: float, high: float, *, pad_below: bool = True) -> tuple[Scale, tuple[Tick, ...]]:
    """A linear scale upwards with some air, and round levels on it."""
    least = LEAST * max(1.0, abs(high))
    span = next(size for size in (high - low, abs(high), 1.0) if size >= least)
    bottom, top = low - span * PAD * pad_below, high + span * PAD
    step = round_step((top - bottom) / TICKS)
    decimals = max(0, -floor(log10(step)))

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - bottom) / (top - bottom)

    levels = (step * number for number in range(ceil(bottom / step - 1e-9), floor(top / step + 1e-9) + 1))
    return up, tuple(Tick(up(level), f"{level + 0.0:,.{decimals}f}") for level in levels)


def round_step(least: float) -> float:
    """The nearest of 1, 2, 5, 10, ... that is no smaller."""
    size = 10.0 ** floor(log10(least))
    return next(size * factor for factor in (1, 2, 5, 10) if size * factor >= least * (1 - 1e-9))


def _floor_ticks(low: float, high: float, across: Scale) -> tuple[Tick, ...]:
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        values = [factor * 10.0**decade for decade in decades for factor in factors]
        ticks = [Tick(across(value), price(value)) for value in values if low <= value <= high]
        if all(after.at - before.at >= NEAREST for before, after in pairwise(ticks)):
            break
    return tuple(ticks)


def _markers(
    line: Sequence[tuple[float, float]], across: Scale, current: float, suggested: float
) -> tuple[Marker, ...]:
    named = [("current", current), *([("suggested", suggested)] if suggested != current else [])]
    found = []
    for row, (name, value) in enumerate(named):
        at = min(max(across(value), LEFT), WIDTH - RIGHT) if value > 0 else LEFT
        _, y = min(line, key=lambda point: abs(point[0] - at))
        lower = len(named) > 1 and value == min(current, suggested)
        leftwards = at + LABEL > WIDTH or (lower and at - LABEL > 0)
        found.append(Marker(at, y, f"{name} {price(value)}", name, row, leftwards))
    return tuple(found)


def _path(points: Sequence[tuple[float, float]], *, closed: bool = False) -> str:
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f"M{steps}{'Z' if closed else ''}"
