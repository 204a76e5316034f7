"""Suggestions and backtests as a person reads them in a terminal."""

from dataclasses import replace
from datetime import date

import pytest
from support.builders import APP
from support.market_evidence import FIRST, LAST, evidence, standing, suggested
from support.pages import LINK, replayed, suggestions

from reconciler.model.evidence import Absence, Backtest, Basis, Bounds, Replay, Suggestions, UnmatchedReports
from reconciler.render.floors_document import suggestions_document
from reconciler.render.floors_html import suggestions_page
from reconciler.render.floors_markdown import backtest_lines, suggestions_markdown
from reconciler.render.floors_text import WIDTH, explain_lines, suggestion_lines
from reconciler.render.floors_words import assumption_texts, gain, group_by_reasons, worth
from reconciler.render.text import terminal

FEW = "30 to 33 DT impressions"


def text_of(lines):
    return "\n".join("".join(terminal(span.text) for span in line) for line in lines)


def told(made, **more):
    return text_of(suggestion_lines(made, **more))


def of(*cells):
    return Suggestions(FIRST, LAST, cells, UnmatchedReports())


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
    assert f"Not enough evidence (3 cells):\n  2  {FEW} in 14 days; 80 are needed (40 a week)." in short
    assert f"1  There are no reports of this placement and country in the window.\n     {APP}/none US" in short
    assert "= keep         kept" not in short
    assert "= keep         kept" in long
    assert "? insufficient few" in long
    assert "Kept (" not in long


REASONS = [
    ("3 DT impressions in 14 days; 80 are needed.", "31 DT impressions in 14 days; 80 are needed."),
    ("They earn 0.61 USD (0.56 to 0.66) behind it.", "They earn 0.4 USD (0.1 to 1,200.50) behind it."),
    (
        "The floor changed on 2026-11-20, less than 7 days ago.",
        "The floor changed on 2026-11-18, less than 7 days ago.",
    ),
    ("Floors above 0.4 USD cannot be justified.", "Floors above 1.2 USD cannot be justified."),
    ("12% of the sales come back.", "5% of the sales come back."),
    ("The change is -0.5 USD.", "The change is +2 USD."),
]
MERGED = [
    "3 to 31 DT impressions in 14 days; 80 are needed.",
    "They earn 0.4 to 0.61 USD (0.1 to 1,200.50) behind it.",
    "The floor changed on 2026-11-18 to 2026-11-20, less than 7 days ago.",
    "Floors above 0.4 to 1.2 USD cannot be justified.",
    "5% to 12% of the sales come back.",
    "The change is -0.5 to +2 USD.",
]


@pytest.mark.parametrize(("said", "merged"), [*zip(REASONS, MERGED, strict=True)])
def test_reasons_that_differ_in_numbers_are_one_whole_sentence_with_their_range(said, merged):
    one = suggested(evidence(), standing(0.7))
    cells = [replace(one, reasons=(text,), assumptions=(text,), verdict="raise") for text in said]
    assert [group.reasons for group in group_by_reasons(cells)] == [(merged,)]
    assert assumption_texts(of(*cells)) == (merged,)
    kept = of(*(replace(cell, verdict="keep") for cell in cells))
    for page in (told(kept), suggestions_markdown(kept), suggestions_page(kept)):
        assert merged in " ".join(page.replace("\\", "").replace("&#43;", "+").split())


def test_no_medium_has_holes_in_what_it_says():
    made = suggestions()
    for page in (told(made), suggestions_markdown(made), suggestions_page(made)):
        assert "\u2026" not in page


def test_numbers_that_all_cells_of_a_reason_share_are_told():
    one = suggested(evidence(), standing(0.7))
    (group,) = group_by_reasons([one, one])
    assert group.reasons == one.reasons


def test_no_line_of_prose_is_wider_than_a_terminal():
    prose = [line for line in told(suggestions(), verbose=True).splitlines() if " USD a week" not in line]
    assert max(len(line) for line in prose if "hacked" not in line) <= WIDTH


def test_what_was_not_joined_is_named_and_long_lists_are_cut():
    many = replace(suggestions(), unmatched=UnmatchedReports(tuple(f"p{number}" for number in range(100)), (LINK,), 3))
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


NO_CHARTBOOST = Basis(days=14, dt_days=10, dt_expected=14, rows=1000, revenue=4.0, joined=4.0)
PARTLY = Basis(
    *(14, 13, 9, 14, 100_000, 20, 3, 1, 50.0, 48.0),
    (Absence("cb-a", (date(2026, 11, 3), date(2026, 11, 4)), ("acme_x",)),),
)


def standing_on(basis):
    return replace(suggestions(), unmatched=UnmatchedReports(basis=basis))


@pytest.mark.parametrize("medium", [told, suggestions_markdown, suggestions_page, suggestions_document])
def test_without_mediation_reports_every_medium_says_what_is_missing_and_how_to_bring_it(medium):
    text = " ".join(str(medium(standing_on(NO_CHARTBOOST))).replace("\\", "").split())
    for said in ("No mediation report", "CHARTBOOST_CLIENT_ID", "reconciler reports import FILE", "AppLovin MAX"):
        assert said in text


@pytest.mark.parametrize("medium", [told, suggestions_markdown, suggestions_page])
def test_every_medium_says_what_share_of_days_rows_and_money_it_stands_on(medium):
    text = " ".join(str(medium(standing_on(PARTLY))).replace("\\", "").replace("&#39;", "'").split())
    assert (
        "Stands on 13 of 14 days of mediation reports, 9 of 14 daily reports of DT's own, 99.9 % of their rows" in text
    )
    assert "96 % of DT's revenue (48.00 USD)." in text
    assert "have no line of DT's (fyber) on 2 days from 2026-11-03 to 2026-11-04, but acme_x on these alone" in text
    assert "3 rows that stood twice counted once" in text


def test_the_document_holds_the_basis_in_numbers():
    found = suggestions_document(standing_on(PARTLY))["basis"]
    assert (found["mediationDays"], found["rows"], found["unreadRows"], found["joinedRevenue"]) == (13, 100_000, 20, 48)
    assert found["withoutDt"] == [{"app": "cb-a", "days": ["2026-11-03", "2026-11-04"], "instead": ["acme_x"]}]
