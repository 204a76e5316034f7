"""One suggestion explained: the prices that were paid, the working step by step, revenue at other floors, and why."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import floor
from typing import Final

from reconciler.model.evidence import PRICE_STEP
from reconciler.model.suggestion import CurvePoint, Suggestion
from reconciler.report.floors.text import wrapped
from reconciler.report.floors.words import SIGNS, change, evidence_text, interval, move, price, worth
from reconciler.report.line import Line, Span, line

CLASSES: Final = 10
BAR: Final = 30
POINTS: Final = 9


def explain_lines(made: Suggestion) -> Iterator[Line]:
    """Everything that is known of one cell."""
    sign, tone = SIGNS[made.verdict]
    yield line(Span(f"{made.cell.address} {made.cell.country}", "strong"))
    gained = f"  {change(made.change)}" if made.change is not None else ""
    yield line("  ", Span(f"{sign} {made.verdict}", tone), f"  {move(made.current, made.suggested)} USD{gained}")
    yield from wrapped(evidence_text(made), 2, faint=True)
    yield from _listed("Why", made.reasons)
    yield from _listed("Working", [f"{number}. {step}" for number, step in enumerate(made.working, 1)])
    yield from _price_lines(made)
    yield from _curve_lines(made)
    yield from _listed("Assumed", [f"- {each}" for each in made.assumptions])


def _listed(title: str, texts: Sequence[str]) -> Iterator[Line]:
    if texts:
        yield ()
        yield line(Span(title, "strong"))
        for text in texts:
            yield from wrapped(text, 2, hanging=2)


def _price_lines(made: Suggestion) -> Iterator[Line]:
    sketch = made.evidence.prices if made.evidence else {}
    classes = _classes(sketch)
    if not classes:
        return
    whole, most = sum(count for *_, count in classes), max(count for *_, count in classes)
    ends = [(price_at(low), price_at(high), count) for low, high, count in classes]
    wide = max(len(worth(high)) for _, high, _ in ends)
    yield ()
    yield line(Span("Prices that DT paid", "strong"), Span("  USD per thousand, share of impressions", "faint"))
    for low, high, count in ends:
        bar = "#" * round(BAR * count / most)
        yield line(f"  {worth(low):>{wide}} - {worth(high):>{wide}}  {count / whole:>5.1%}  ", Span(bar, "faint"))


def price_at(number: int) -> float:
    """The price at which a bin of a sketch begins."""
    return PRICE_STEP**number


def _classes(sketch: Mapping[int, float]) -> list[tuple[int, int, float]]:
    """The sketch in a few classes of equal ratio: first bin, the one after the last, impressions."""
    seen = {number: count for number, count in sketch.items() if count > 0}
    if not seen:
        return []
    first, last = min(seen), max(seen) + 1
    number = min(CLASSES, last - first)
    edges = [first + floor((last - first) * step / number) for step in range(number + 1)]
    return [(low, high, sum(n for b, n in seen.items() if low <= b < high)) for low, high in pairwise(edges)]


def _curve_lines(made: Suggestion) -> Iterator[Line]:
    now, then = float(made.current), float(made.suggested)
    points = few(made.curve, {now, then})
    if not points:
        return
    yield ()
    yield line(Span("Revenue a week at other floors", "strong"), Span("  USD, if nobody reads the floor", "faint"))
    yield line(Span(f"  {'floor':>8}  {'all':>24}  {'DT':>9}  {'the rest':>9}", "faint"))
    for point in points:
        mark = "  now" if point.floor == now else "  suggested" if point.floor == then else ""
        parts = f"{worth(point.from_dt):>9}  {worth(point.from_rest):>9}"
        yield line(f"  {price(round(point.floor, 3)):>8}  {interval(point.revenue):>24}  {parts}", Span(mark, "strong"))


def few(curve: Sequence[CurvePoint], kept: set[float]) -> list[CurvePoint]:
    """Some of the points, evenly, and those at the floors that are kept."""
    every = max(1, len(curve) // POINTS)
    return [point for number, point in enumerate(curve) if number % every == 0 or point.floor in kept]
