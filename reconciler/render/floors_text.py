"""Floor suggestions as lines of at most 100 columns: moves one by one, other cells by reason, one cell in full.

Also the lines about floors that were written into manifests.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from math import floor
from textwrap import wrap
from typing import Final

from reconciler.model.address import Address, app_of, name_of
from reconciler.model.evidence import PRICE_STEP, CurvePoint, Suggestion, Suggestions, Verdict
from reconciler.render.floors_words import (
    SIGNS,
    assumption_texts,
    basis_text,
    change,
    evidence_text,
    expected_text,
    group_by_reasons,
    interval,
    move,
    moves,
    notes,
    price,
    summary_text,
    unmatched_texts,
    with_verdict,
    worth,
)
from reconciler.render.text import Line, Span, counted, line, visible

WIDTH: Final = 100
WIDEST_NAME: Final = 36
MOST_NAMES: Final = 20
RESTS: Final[dict[Verdict, str]] = {"keep": "Kept", "insufficient": "Not enough evidence"}


def suggestion_lines(suggestions: Suggestions, *, verbose: bool = False) -> Iterator[Line]:
    """Moves by app, what is kept by reason, assumptions, what was not joined, one line of numbers.

    `verbose`: what is kept one by one too, and every name that was not joined.
    """
    yield from _cells_lines(suggestions.cells if verbose else moves(suggestions))
    if not verbose:
        for verdict, title in RESTS.items():
            yield from _rest_lines(title, with_verdict(suggestions, verdict))
    assumptions = assumption_texts(suggestions)
    if assumptions:
        yield line(Span("Assumed throughout:", "strong"))
        for each in assumptions:
            yield from wrapped(f"- {each}", 2, hanging=2)
        yield ()
    unmatched = unmatched_texts(suggestions.unmatched, None if verbose else MOST_NAMES)
    if unmatched:
        yield line(Span("Not joined:", "strong"))
        for each in unmatched:
            yield from wrapped(each, 2, hanging=2)
        yield ()
    for note in notes(suggestions):
        yield from wrapped(f"note: {note}", 0, hanging=2)
    stands_on = basis_text(suggestions)
    if stands_on:
        yield from wrapped(stands_on, 0)
    yield line(Span(summary_text(suggestions), "strong"))
    if moves(suggestions):
        yield line(expected_text(suggestions))


def wrapped(text: str, indent: int, *, hanging: int = 0, faint: bool = False) -> Iterator[Line]:
    """A text in lines of at most `WIDTH` columns, indented; those after the first by `hanging` more."""
    for number, part in enumerate(wrap(visible(text), WIDTH - indent - hanging, break_on_hyphens=False) or [""]):
        yield line(Span(f"{' ' * (indent + hanging * (number > 0))}{part}", "faint" if faint else "plain"))


def _cells_lines(cells: Sequence[Suggestion]) -> Iterator[Line]:
    for app, group in groupby(cells, key=lambda suggestion: app_of(suggestion.cell.address)):
        yield from _app_lines(app, list(group))
        yield ()


def _app_lines(app: Address, cells: Sequence[Suggestion]) -> Iterator[Line]:
    yield line(Span(app, "strong"))
    verbs = max(len(suggestion.verdict) for suggestion in cells)
    names = min(WIDEST_NAME, max(len(name_of(suggestion.cell.address)) for suggestion in cells))
    floors = max(len(move(suggestion.current, suggestion.suggested)) for suggestion in cells)
    for suggestion in cells:
        sign, tone = SIGNS[suggestion.verdict]
        place = f" {name_of(suggestion.cell.address):{names}}  {suggestion.cell.country:2}"
        change_part = f"  {change(suggestion.change)}" if suggestion.change is not None else ""
        head = Span(f"{sign} {suggestion.verdict:{verbs}}", tone)
        yield line(
            "  ", head, place, f"  {move(suggestion.current, suggestion.suggested):{floors}}{change_part}".rstrip()
        )
        yield from wrapped(evidence_text(suggestion), 6, faint=True)
        for reason in suggestion.reasons:
            yield from wrapped(reason, 6)


def _rest_lines(title: str, cells: Sequence[Suggestion]) -> Iterator[Line]:
    if not cells:
        return
    yield line(Span(f"{title} ({counted(len(cells), 'cell')}):", "strong"))
    groups = group_by_reasons(cells)
    digits = len(str(len(groups[0].cells)))
    for group in groups:
        first, *others = list(wrapped(" ".join(group.reasons) or "No reason is given.", digits + 4))
        yield line(f"  {len(group.cells):>{digits}}  ", first[0].text.strip())
        yield from others
        if len(group.cells) == 1:
            cell = group.cells[0].cell
            yield line(Span(f"{' ' * (digits + 4)}{cell.address} {cell.country}", "faint"))
    yield ()


CLASSES: Final = 10
BAR: Final = 30
POINTS: Final = 9


def explain_lines(suggestion: Suggestion) -> Iterator[Line]:
    """Everything that is known of one cell."""
    sign, tone = SIGNS[suggestion.verdict]
    yield line(Span(f"{suggestion.cell.address} {suggestion.cell.country}", "strong"))
    gained = f"  {change(suggestion.change)}" if suggestion.change is not None else ""
    yield line(
        "  ",
        Span(f"{sign} {suggestion.verdict}", tone),
        f"  {move(suggestion.current, suggestion.suggested)} USD{gained}",
    )
    yield from wrapped(evidence_text(suggestion), 2, faint=True)
    yield from _titled_lines("Why", suggestion.reasons)
    yield from _titled_lines("Working", [f"{number}. {step}" for number, step in enumerate(suggestion.working, 1)])
    yield from _price_lines(suggestion)
    yield from _curve_lines(suggestion)
    yield from _titled_lines("Assumed", [f"- {each}" for each in suggestion.assumptions])


def _titled_lines(title: str, texts: Sequence[str]) -> Iterator[Line]:
    if texts:
        yield ()
        yield line(Span(title, "strong"))
        for text in texts:
            yield from wrapped(text, 2, hanging=2)


def _price_lines(suggestion: Suggestion) -> Iterator[Line]:
    sketch = suggestion.evidence.prices if suggestion.evidence else {}
    classes = _price_classes(sketch)
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


def _price_classes(sketch: Mapping[int, float]) -> list[tuple[int, int, float]]:
    """The sketch in a few classes of equal ratio: first bin, the one after the last, impressions."""
    counts = {number: count for number, count in sketch.items() if count > 0}
    if not counts:
        return []
    first, last = min(counts), max(counts) + 1
    number = min(CLASSES, last - first)
    edges = [first + floor((last - first) * step / number) for step in range(number + 1)]
    return [(low, high, sum(n for b, n in counts.items() if low <= b < high)) for low, high in pairwise(edges)]


def _curve_lines(suggestion: Suggestion) -> Iterator[Line]:
    now, then = float(suggestion.current), float(suggestion.suggested)
    points = sample_points(suggestion.curve, {now, then})
    if not points:
        return
    yield ()
    yield line(Span("Revenue a week at other floors", "strong"), Span("  USD, if nobody reads the floor", "faint"))
    yield line(Span(f"  {'floor':>8}  {'all':>24}  {'DT':>9}  {'the rest':>9}", "faint"))
    for point in points:
        mark = "  now" if point.floor == now else "  suggested" if point.floor == then else ""
        parts = f"{worth(point.from_dt):>9}  {worth(point.from_rest):>9}"
        yield line(f"  {price(round(point.floor, 3)):>8}  {interval(point.revenue):>24}  {parts}", Span(mark, "strong"))


def sample_points(curve: Sequence[CurvePoint], floors: set[float]) -> list[CurvePoint]:
    """Some of the points, evenly, and those at the floors that are kept."""
    every = max(1, len(curve) // POINTS)
    return [point for number, point in enumerate(curve) if number % every == 0 or point.floor in floors]


def written_lines(written: Sequence[Suggestion], files: Sequence[str]) -> Iterator[Line]:
    """Each price that was written, and one line of numbers."""
    for one in written:
        yield line(
            "  ",
            Span("~", "change"),
            f" {one.cell.address} {one.cell.country}: {float(one.current):g} -> {float(one.suggested):g}",
        )
    if not written:
        yield line(Span("No floor was changed.", "strong"))
        return
    summary = f"Wrote {counted(len(written), 'floor')} in {counted(len(files), 'file')}."
    yield line(Span(summary, "strong"), " `reconciler plan` shows what an apply would do.")
