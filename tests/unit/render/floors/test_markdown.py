"""Comments: read through a Markdown parser, names are text; what does not fit is left out and counted."""

import re
from dataclasses import replace

from markdown_it import MarkdownIt
from support.builders import at
from support.market_evidence import FIRST, LAST, evidence, standing, suggested
from support.pages import HOSTILE, replayed, suggestions

from reconciler.model.evidence import Backtest, Cell, Suggestions, UnmatchedReports
from reconciler.render.floors_markdown import LIMIT, backtest_markdown, suggestions_markdown
from reconciler.render.text import visible

READER = MarkdownIt("commonmark", {"html": True}).enable("table")


def many(number, name="p"):
    made = suggested(evidence(), standing())
    cells = (replace(made, cell=Cell(at(f"{name}{index:05}"), "US")) for index in range(number))
    return Suggestions(FIRST, LAST, tuple(cells), UnmatchedReports())


def rows(text):
    return [
        row for row in text.splitlines() if row.startswith(("| raise", "| lower", "| gained", "| silent", "| lost"))
    ]


def test_a_comment_opens_with_one_line_and_has_a_row_for_each_move():
    text = suggestions_markdown(suggestions())
    assert text.startswith("**Floors from 2026-11-01 to 2026-11-14: 2 to raise, 2 to lower, 2 kept")
    assert len(rows(text)) == 4
    assert text.count("<details>") == text.count("</details>") == 5


def test_hostile_names_stay_in_their_cells_and_are_text():
    for text in (suggestions_markdown(suggestions()), backtest_markdown(replayed())):
        rendered = READER.render(text)
        assert not re.search(r"<(script|img|b|a|code)\b", rendered)
        assert {row.count(" | ") for row in rows(text)} in ({4}, {5})
        assert "hacked=1" in rendered
        assert visible(HOSTILE)[:24].replace("<", "&lt;").replace(">", "&gt;") in rendered.replace("&#x3C;", "&lt;")


def test_a_comment_that_is_too_long_is_cut_and_says_what_is_missing():
    text = suggestions_markdown(many(2000))
    assert len(text) <= LIMIT
    left = 2000 - len(rows(text))
    assert 0 < left < 2000
    assert f"*Left out, as a comment takes 65,536 characters: {left:,} rows of the table, 2,000 explanations" in text
    assert text.count("<details>") == text.count("</details>")


def test_explanations_are_cut_after_the_table():
    text = suggestions_markdown(many(200))
    assert len(text) <= LIMIT
    assert len(rows(text)) == 200
    explained = text.count("\n- **android")
    assert 0 < explained < 200
    assert f"{200 - explained} explanations" in text


def test_one_name_that_fills_a_comment_leaves_nothing_but_the_account():
    text = suggestions_markdown(many(1, "x" * LIMIT))
    assert "1 rows of the table, 1 explanations" in text


def test_a_run_without_moves_has_no_table():
    text = suggestions_markdown(Suggestions(FIRST, LAST, (suggested(evidence(), standing(0.7)),), UnmatchedReports()))
    assert rows(text) == []
    assert "no floor to change" in text


def test_a_backtest_has_a_row_for_each_move_or_none():
    assert len(rows(backtest_markdown(replayed()))) == 4
    assert "|" not in backtest_markdown(Backtest(FIRST, LAST, ()))
