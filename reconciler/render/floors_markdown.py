"""Floor suggestions as Markdown that fits into a comment, and a backtest as text, Markdown and a page.

What does not fit into a comment is left out whole, and counted at the end.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from reconciler.model.address import Address, app_of, name_of
from reconciler.model.evidence import Backtest, Replay, Suggestion, Suggestions
from reconciler.render.floors_text import MOST_NAMES, RESTS, wrapped
from reconciler.render.floors_words import (
    assumption_texts,
    basis_text,
    change,
    counted_in_thousands,
    evidence_text,
    expected_text,
    gain,
    group_by_reasons,
    move,
    moves,
    notes,
    summary_text,
    unmatched_texts,
    with_verdict,
)
from reconciler.render.html import Tile, page
from reconciler.render.text import Line, Span, Tone, line, markdown

LIMIT: Final = 65_536
"""Characters that GitHub takes in a comment."""
FOR_THE_END: Final = 1_000
"""Characters kept for saying what was cut."""


@dataclass(slots=True)
class LimitedText:
    """Collects pieces of Markdown up to the limit."""

    _pieces: list[str] = field(default_factory=list)
    _length: int = 0
    _left: dict[str, int] = field(default_factory=dict)

    def add(self, piece: str) -> bool:
        """Keep a piece if it fits; whether it did."""
        if not self.has_room(piece):
            return False
        self._pieces.append(piece)
        self._length += len(piece)
        return True

    def has_room(self, piece: str) -> bool:
        """Whether a piece would fit."""
        return self._length + len(piece) <= LIMIT - FOR_THE_END

    def add_all(self, pieces: Iterable[str], what: str, end: str = "") -> None:
        """Keep pieces in order until one does not fit with the end that has to follow; the others are counted."""
        full = False
        for piece in pieces:
            full = full or not self.has_room(piece + end)
            if full:
                self.leave(1, what)
            else:
                self.add(piece)

    def leave(self, number: int, what: str) -> None:
        """Count what was left out elsewhere."""
        if number:
            self._left[what] = self._left.get(what, 0) + number

    def text(self) -> str:
        """All that was kept, and what was not."""
        if not self._left:
            return "".join(self._pieces)
        counts = ", ".join(f"{number:,} {what}" for what, number in self._left.items())
        return f"{''.join(self._pieces)}\n*Left out, as a comment takes {LIMIT:,} characters: {counts}.*\n"


def backtest_text(backtest: Backtest) -> str:
    """A backtest in one line."""
    number = len(backtest.replays)
    if not number:
        return f"Backtest from {backtest.first} to {backtest.last}: no earlier suggestion moved a floor."
    answered = [each for each in backtest.replays if each.came is not None]
    moves = (
        f"Backtest from {backtest.first} to {backtest.last}: {counted_in_thousands(number, 'move')}, later days tell of"
    )
    if not answered:
        return f"{moves} none."
    lost = f", {gain(backtest.lost)} of it by those that lost" if backtest.lost else ", and none lost"
    return f"{moves} {len(answered):,}: {gain(backtest.total)} USD a week{lost}."


def backtest_lines(backtest: Backtest) -> Iterator[Line]:
    """Each move by app with the expected and the actual change of revenue; without the latter, the reason."""
    for app, replays in groupby(backtest.replays, key=lambda replay: app_of(replay.cell.address)):
        yield from _app_lines(app, list(replays))
        yield ()
    yield line(Span(backtest_text(backtest), "strong"))


def _app_lines(app: Address, replays: list[Replay]) -> Iterator[Line]:
    yield line(Span(app, "strong"))
    names = min(36, max(len(name_of(each.cell.address)) for each in replays))
    floors = max(len(move(each.current, each.suggested)) for each in replays)
    for each in replays:
        word, tone = came_in_words(each)
        place = f" {name_of(each.cell.address):{names}}  {each.cell.country:2}"
        yield line("  ", Span(f"{word:6}", tone), place, f"  {move(each.current, each.suggested):{floors}}".rstrip())
        if each.came is None:
            yield from wrapped(each.silent, 6)
        else:
            yield line(f"      came      {change(each.came)}")
        yield line(Span(f"      expected  {change(each.expected)}", "faint"))


def came_in_words(replay: Replay) -> tuple[str, Tone]:
    """The outcome of a move in a word (lost, gained, silent), and its tone."""
    if replay.came is None:
        return "silent", "faint"
    return ("lost", "remove") if replay.came.estimate < 0 else ("gained", "add")


def backtest_markdown(backtest: Backtest) -> str:
    """One line, and a table of the moves; cut to what a comment takes, and it says what was cut."""
    cut = LimitedText()
    cut.add(f"{markdown(backtest_text(backtest))}\n")
    if backtest.replays:
        cut.add("\n| | placement | country | floor | came | expected |\n|---|---|---|---|---|---|\n")
        cut.add_all((_replay_row(each) for each in backtest.replays), "moves")
    return cut.text()


def _replay_row(each: Replay) -> str:
    word, _ = came_in_words(each)
    came = markdown(each.silent) if each.came is None else change(each.came)
    cells = (word, markdown(each.cell.address), markdown(each.cell.country), move(each.current, each.suggested))
    return f"| {' | '.join((*cells, came, change(each.expected)))} |\n"


_END = "\n</details>\n"


def suggestions_markdown(suggestions: Suggestions) -> str:
    """The comment; at most 65,536 characters, and it says what was left out."""
    cut = LimitedText()
    cut.add(f"**{markdown(summary_text(suggestions))}** {markdown(expected_text(suggestions))}\n")
    cut.add("".join(f"\n{markdown(each)}\n" for each in (*notes(suggestions), basis_text(suggestions)) if each))
    moved = moves(suggestions)
    if moved:
        cut.add("\n| | placement | country | floor, USD | expected |\n|---|---|---|---|---|\n")
        cut.add_all((_move_row(each) for each in moved), "rows of the table")
        _fold(cut, "Why, move by move", [_details(each) for each in moved], "explanations")
        _fold(
            cut,
            "Assumed throughout",
            [f"- {markdown(each)}\n" for each in assumption_texts(suggestions)],
            "assumptions",
        )
    for verdict, title in RESTS.items():
        cells = with_verdict(suggestions, verdict)
        _fold(cut, f"{title} ({len(cells):,})", list(_groups(cells)), "reasons")
    unmatched = [f"- {markdown(each)}\n" for each in unmatched_texts(suggestions.unmatched, MOST_NAMES)]
    _fold(cut, "Not joined", unmatched, "lists of names")
    return cut.text()


def _fold(cut: LimitedText, title: str, pieces: Sequence[str], what: str) -> None:
    """A folded part; none without pieces, and none where not even its first piece fits."""
    if not pieces:
        return
    if not cut.has_room(f"{_fold_opening(title)}{pieces[0]}{_END}"):
        cut.leave(len(pieces), what)
        return
    cut.add(_fold_opening(title))
    cut.add_all(pieces, what, _END)
    cut.add(_END)


def _fold_opening(title: str) -> str:
    return f"\n<details><summary>{title}</summary>\n\n"


def _move_row(suggestion: Suggestion) -> str:
    cells = (
        markdown(suggestion.cell.address),
        markdown(suggestion.cell.country),
        move(suggestion.current, suggestion.suggested),
    )
    return f"| {' | '.join((suggestion.verdict, *cells, change(suggestion.change)))} |\n"


def _details(suggestion: Suggestion) -> str:
    cell = suggestion.cell
    head = f"- **{markdown(cell.address)}** {markdown(cell.country)}: {markdown(evidence_text(suggestion))}\n"
    return head + "".join(f"  - {markdown(reason)}\n" for reason in suggestion.reasons)


def _groups(cells: Sequence[Suggestion]) -> Iterator[str]:
    for group in group_by_reasons(cells) if cells else ():
        yield f"- {len(group.cells):,}: {markdown(' '.join(group.reasons))}\n"


MOST_REPLAYS: Final = 2000


def backtest_page(backtest: Backtest, title: str = "Backtest of floor suggestions") -> str:
    """The page of a backtest: each move with the expected and the actual change of revenue."""
    answered = len(backtest.told)
    replays = []
    for each in backtest.replays[:MOST_REPLAYS]:
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
        "lead": backtest_text(backtest),
        "facts": [],
        "tiles": [
            Tile(len(backtest.replays), "moves"),
            Tile(answered, "that later days tell of"),
            Tile(gain(backtest.total), "USD a week", "remove" if backtest.total < 0 else "add"),
            Tile(gain(backtest.lost), "of it lost", "remove" if backtest.lost < 0 else "plain"),
        ],
        "searched": "placements, countries",
        "replays": replays,
        "left": len(backtest.replays) - len(replays),
        "closing": "waterfall-reconciler",
    }
    return page("backtest.html", values)
