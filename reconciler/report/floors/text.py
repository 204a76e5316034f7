"""Suggestions as lines to read in a terminal of 100 columns: moves one by one, the rest by reason."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap
from typing import Final

from reconciler.model.address import Address, app_of, name_of
from reconciler.model.suggestion import Suggestion, Suggestions, Verdict
from reconciler.report.count import counted
from reconciler.report.floors.words import (
    SIGNS,
    assumed,
    basis_text,
    change,
    evidence_text,
    expected_text,
    grouped,
    move,
    moves,
    notes,
    of_verdict,
    summary_text,
    unmatched_texts,
)
from reconciler.report.line import Line, Span, line
from reconciler.report.sanitise import visible

WIDTH: Final = 100
WIDEST_NAME: Final = 36
MOST_NAMES: Final = 20
RESTS: Final[dict[Verdict, str]] = {"keep": "Kept", "insufficient": "Not enough evidence"}


def suggestion_lines(made: Suggestions, *, verbose: bool = False) -> Iterator[Line]:
    """Moves by app, what is kept by reason, assumptions, what was not joined, one line of numbers.

    `verbose`: what is kept one by one too, and every name that was not joined.
    """
    yield from _cells_lines(made.cells if verbose else moves(made))
    if not verbose:
        for verdict, title in RESTS.items():
            yield from _rest_lines(title, of_verdict(made, verdict))
    said = assumed(made)
    if said:
        yield line(Span("Assumed throughout:", "strong"))
        for each in said:
            yield from wrapped(f"- {each}", 2, hanging=2)
        yield ()
    left = unmatched_texts(made.unmatched, None if verbose else MOST_NAMES)
    if left:
        yield line(Span("Not joined:", "strong"))
        for each in left:
            yield from wrapped(each, 2, hanging=2)
        yield ()
    for note in notes(made):
        yield from wrapped(f"note: {note}", 0, hanging=2)
    stands_on = basis_text(made)
    if stands_on:
        yield from wrapped(stands_on, 0)
    yield line(Span(summary_text(made), "strong"))
    if moves(made):
        yield line(expected_text(made))


def wrapped(text: str, indent: int, *, hanging: int = 0, faint: bool = False) -> Iterator[Line]:
    """A text in lines of at most `WIDTH` columns, indented; those after the first by `hanging` more."""
    for number, part in enumerate(wrap(visible(text), WIDTH - indent - hanging, break_on_hyphens=False) or [""]):
        yield line(Span(f"{' ' * (indent + hanging * (number > 0))}{part}", "faint" if faint else "plain"))


def _cells_lines(cells: Sequence[Suggestion]) -> Iterator[Line]:
    for app, group in groupby(cells, key=lambda made: app_of(made.cell.address)):
        yield from _app_lines(app, list(group))
        yield ()


def _app_lines(app: Address, cells: Sequence[Suggestion]) -> Iterator[Line]:
    yield line(Span(app, "strong"))
    verbs = max(len(made.verdict) for made in cells)
    names = min(WIDEST_NAME, max(len(name_of(made.cell.address)) for made in cells))
    floors = max(len(move(made.current, made.suggested)) for made in cells)
    for made in cells:
        sign, tone = SIGNS[made.verdict]
        place = f" {name_of(made.cell.address):{names}}  {made.cell.country:2}"
        told = f"  {change(made.change)}" if made.change is not None else ""
        head = Span(f"{sign} {made.verdict:{verbs}}", tone)
        yield line("  ", head, place, f"  {move(made.current, made.suggested):{floors}}{told}".rstrip())
        yield from wrapped(evidence_text(made), 6, faint=True)
        for reason in made.reasons:
            yield from wrapped(reason, 6)


def _rest_lines(title: str, cells: Sequence[Suggestion]) -> Iterator[Line]:
    if not cells:
        return
    yield line(Span(f"{title} ({counted(len(cells), 'cell')}):", "strong"))
    groups = grouped(cells)
    digits = len(str(len(groups[0].cells)))
    for group in groups:
        first, *others = list(wrapped(" ".join(group.reasons) or "No reason is given.", digits + 4))
        yield line(f"  {len(group.cells):>{digits}}  ", first[0].text.strip())
        yield from others
        if len(group.cells) == 1:
            cell = group.cells[0].cell
            yield line(Span(f"{' ' * (digits + 4)}{cell.address} {cell.country}", "faint"))
    yield ()
