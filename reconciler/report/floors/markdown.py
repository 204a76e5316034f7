"""Suggestions as Markdown for a comment: a line, a table of moves, folded details."""

from collections.abc import Iterator, Sequence

from reconciler.model.suggestion import Suggestion, Suggestions
from reconciler.report.floors.cut import Cut
from reconciler.report.floors.text import MOST_NAMES, RESTS
from reconciler.report.floors.words import (
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
from reconciler.report.sanitise import markdown

_END = "\n</details>\n"


def suggestions_markdown(made: Suggestions) -> str:
    """The comment; at most 65,536 characters, and it says what was left out."""
    cut = Cut()
    cut.add(f"**{markdown(summary_text(made))}** {markdown(expected_text(made))}\n")
    cut.add("".join(f"\n{markdown(each)}\n" for each in (*notes(made), basis_text(made)) if each))
    found = moves(made)
    if found:
        cut.add("\n| | placement | country | floor, USD | expected |\n|---|---|---|---|---|\n")
        cut.add_all((_row(each) for each in found), "rows of the table")
        _fold(cut, "Why, move by move", [_details(each) for each in found], "explanations")
        _fold(cut, "Assumed throughout", [f"- {markdown(each)}\n" for each in assumed(made)], "assumptions")
    for verdict, title in RESTS.items():
        cells = of_verdict(made, verdict)
        _fold(cut, f"{title} ({len(cells):,})", list(_groups(cells)), "reasons")
    left = [f"- {markdown(each)}\n" for each in unmatched_texts(made.unmatched, MOST_NAMES)]
    _fold(cut, "Not joined", left, "lists of names")
    return cut.text()


def _fold(cut: Cut, title: str, pieces: Sequence[str], what: str) -> None:
    """A folded part; none without pieces, and none where not even its first piece fits."""
    if not pieces:
        return
    if not cut.has_room(f"{_head(title)}{pieces[0]}{_END}"):
        cut.leave(len(pieces), what)
        return
    cut.add(_head(title))
    cut.add_all(pieces, what, _END)
    cut.add(_END)


def _head(title: str) -> str:
    return f"\n<details><summary>{title}</summary>\n\n"


def _row(made: Suggestion) -> str:
    cells = (markdown(made.cell.address), markdown(made.cell.country), move(made.current, made.suggested))
    return f"| {' | '.join((made.verdict, *cells, change(made.change)))} |\n"


def _details(made: Suggestion) -> str:
    head = f"- **{markdown(made.cell.address)}** {markdown(made.cell.country)}: {markdown(evidence_text(made))}\n"
    return head + "".join(f"  - {markdown(reason)}\n" for reason in made.reasons)


def _groups(cells: Sequence[Suggestion]) -> Iterator[str]:
    for group in grouped(cells) if cells else ():
        yield f"- {len(group.cells):,}: {markdown(' '.join(group.reasons))}\n"
