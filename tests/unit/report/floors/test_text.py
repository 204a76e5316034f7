"""Suggestions and backtests as a person reads them in a terminal."""

from dataclasses import replace

import pytest
from support.builders import APP
from support.market_evidence import FIRST, LAST, evidence, standing, suggested
from support.pages import LINK, replayed, suggestions

from reconciler.model.backtest import Backtest, Replay
from reconciler.model.evidence import Unmatched
from reconciler.model.suggestion import Bounds, Suggestions
from reconciler.report.floors.backtest import backtest_lines
from reconciler.report.floors.explain import explain_lines
from reconciler.report.floors.text import WIDTH, suggestion_lines
from reconciler.report.floors.words import gain, grouped, worth
from reconciler.report.html.floors import suggestions_page
from reconciler.report.sanitise import terminal


def text_of(lines):
    return "\n".join("".join(terminal(span.text) for span in line) for line in lines)


def told(made, **more):
    return text_of(suggestion_lines(made, **more))


def of(*cells):
    return Suggestions(FIRST, LAST, cells, Unmatched())


def test_a_move_stands_under_its_app_with_floors_change_evidence_and_reasons():
    lines = told(of(suggested(evidence(), standing()))).splitlines()
    assert lines[0] == "android:com.a.b"
    assert lines[1].startswith("  ^ raise int_13  US  0.01 -> 0.")
    assert "USD a week (+" in lines[1]
    text = " ".join(line.strip() for line in lines)
    assert "asked before the others; 28,000 requests, 8,400 impressions, 9.24 USD in 14 days, 1.10 on average" in text
    assert "the rest would pay 1.00 (0." in text
    assert "A thousand requests that DT leaves earn" in text
    assert "Assumed throughout: - No demand leaves above the floor." in text


def test_the_last_lines_count_and_sum_up():
    *_, counts, expected = told(suggestions()).splitlines()
    assert counts == "Floors from 2026-11-01 to 2026-11-14: 2 to raise, 2 to lower, 2 kept, 3 without enough evidence."
    assert expected.startswith("Expected of all moves together: +")


def test_what_is_not_known_of_moves_is_not_told_as_nothing():
    one = suggested(evidence(), standing())
    blind = replace(one, change=None)
    assert told(of(one)).splitlines()[-1].startswith("Expected of all moves together: +")
    assert told(of(blind)).splitlines()[-1] == "What the moves would bring is not known."
    assert "Expected of 1 of 2 moves together: +" in told(of(one, blind))
    assert told(of(one, blind)).splitlines()[-1].endswith("; of the rest it is not known.")
    assert "USD a week expected" in suggestions_page(of(one, blind))
    assert "USD a week expected" not in suggestions_page(of(blind))


def test_what_is_kept_is_told_by_reason_and_one_by_one_when_asked():
    short, long = told(suggestions()), told(suggestions(), verbose=True)
    assert "Kept (2 cells):\n  2  A thousand requests" in short
    assert "Not enough evidence (3 cells):\n  2  … DT impressions in 14 days; 80 are needed (40 a week)." in short
    assert f"1  There are no reports of this placement and country in the window.\n     {APP}/none US" in short
    assert "= keep         kept" not in short
    assert "= keep         kept" in long
    assert "? insufficient few" in long
    assert "Kept (" not in long


def test_numbers_that_all_cells_of_a_reason_share_are_told():
    one = suggested(evidence(), standing(0.7))
    (group,) = grouped([one, one])
    assert group.reasons == one.reasons


def test_no_line_of_prose_is_wider_than_a_terminal():
    prose = [line for line in told(suggestions(), verbose=True).splitlines() if " USD a week" not in line]
    assert max(len(line) for line in prose if "hacked" not in line) <= WIDTH


def test_what_was_not_joined_is_named_and_long_lists_are_cut():
    many = replace(suggestions(), unmatched=Unmatched(tuple(f"p{number}" for number in range(100)), (LINK,), 3))
    assert "3 report rows could not be joined" in told(many)
    assert "p19 and 80 more" in told(many).replace("\n    ", " ")
    assert "p99" in told(many, verbose=True)
    assert f"DT placements without a counterpart: {LINK}" in told(many)


def test_without_a_move_nothing_is_expected():
    text = told(of(suggested(evidence(), standing(0.7))))
    assert "no floor to change, 1 kept" in text
    assert "Expected" not in text


@pytest.mark.parametrize(
    ("amount", "as_gain", "as_worth"),
    [
        (2.345, "+2.35", "2.35"), (-0.0004, "+0.00", "0.00"), (0.0, "+0.00", "0.00"),
        (-1234.5, "-1,234.50", "-1,234.50"), (0.034, "+0.034", "0.034"), (float("nan"), "unknown", "unknown"),
    ],
)  # fmt: skip
def test_money_is_signed_as_a_change_and_plain_as_a_price(amount, as_gain, as_worth):
    assert (gain(amount), worth(amount)) == (as_gain, as_worth)


def test_an_explanation_goes_from_the_prices_to_the_assumptions():
    made = suggested(evidence(), standing())
    text = text_of(explain_lines(made))
    titles = ["Why", "Working", "Prices that DT paid", "Revenue a week at other floors", "Assumed"]
    places = [text.index(f"\n{title}") for title in titles]
    assert places == sorted(places)
    assert "  1. DT: 28000 requests, 8400 impressions" in text
    assert text.count("25.0%") == 4
    assert [line.split()[-1] for line in text.splitlines() if line.endswith(("  now", "  suggested"))] == [
        "now",
        "suggested",
    ]


def test_an_explanation_without_reports_says_so():
    text = text_of(explain_lines(suggested(None, standing())))
    assert "no reports" in text
    assert "Prices" not in text


def test_a_backtest_tells_what_came_beside_what_was_expected():
    text = text_of(backtest_lines(replayed()))
    assert "  gained int_13  US  0.01 -> 0.48\n      came      +" in text
    assert (
        "  silent int_13  DE  2.5 -> 1.3\n      there are no later reports to replay it on\n      expected  +" in text
    )
    assert "4 moves, later days tell of 3: +" in text.splitlines()[-1]


def test_a_backtest_says_what_was_lost():
    cell = suggested(evidence(), standing()).cell
    lost = Replay(cell, 0.01, 0.4, Bounds(1, 2, 3), Bounds(-3, -2, -1))
    text = text_of(backtest_lines(Backtest(FIRST, LAST, (lost, replace(lost, came=Bounds(0, 1, 2))))))
    assert "  lost   int_13" in text
    assert text.endswith("later days tell of 2: -1.00 USD a week, -2.00 of it by those that lost.")


def test_a_backtest_of_nothing_says_so():
    assert text_of(backtest_lines(Backtest(FIRST, LAST, ()))).endswith("no earlier suggestion moved a floor.")
