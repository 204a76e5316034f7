"""A backtest as lines and as Markdown."""

from collections.abc import Iterator
from itertools import groupby

from reconciler.model.address import Address, app_of, name_of
from reconciler.model.backtest import Backtest, Replay
from reconciler.report.floors.cut import Cut
from reconciler.report.floors.text import wrapped
from reconciler.report.floors.words import change, counted_in_thousands, gain, move
from reconciler.report.line import Line, Span, Tone, line
from reconciler.report.sanitise import markdown


def backtest_text(found: Backtest) -> str:
    """A backtest in one line."""
    number = len(found.replays)
    if not number:
        return f"Backtest from {found.first} to {found.last}: no earlier suggestion moved a floor."
    told = [each for each in found.replays if each.came is not None]
    moves = f"Backtest from {found.first} to {found.last}: {counted_in_thousands(number, 'move')}, later days tell of"
    if not told:
        return f"{moves} none."
    lost = f", {gain(found.lost)} of it by those that lost" if found.lost else ", and none lost"
    return f"{moves} {len(told):,}: {gain(found.total)} USD a week{lost}."


def backtest_lines(found: Backtest) -> Iterator[Line]:
    """Each move with what it expected and what came, by app; those without an answer say why."""
    for app, replays in groupby(found.replays, key=lambda replay: app_of(replay.cell.address)):
        yield from _app_lines(app, list(replays))
        yield ()
    yield line(Span(backtest_text(found), "strong"))


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
    """What came of a move, in a word."""
    if replay.came is None:
        return "silent", "faint"
    return ("lost", "remove") if replay.came.estimate < 0 else ("gained", "add")


def backtest_markdown(found: Backtest) -> str:
    """One line, and a table of the moves; cut to what a comment takes, and it says what was cut."""
    cut = Cut()
    cut.add(f"{markdown(backtest_text(found))}\n")
    if found.replays:
        cut.add("\n| | placement | country | floor | came | expected |\n|---|---|---|---|---|---|\n")
        cut.add_all((_row(each) for each in found.replays), "moves")
    return cut.text()


def _row(each: Replay) -> str:
    word, _ = came_in_words(each)
    came = markdown(each.silent) if each.came is None else change(each.came)
    cells = (word, markdown(each.cell.address), markdown(each.cell.country), move(each.current, each.suggested))
    return f"| {' | '.join((*cells, came, change(each.expected)))} |\n"
