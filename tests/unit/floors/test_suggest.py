"""What is suggested in each situation of the table, what holds it back, and what is said about it."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from support.market_evidence import CELL, FIRST, LAST, TODAY, evidence, price_bin, standing, suggested

from reconciler.floors.curve import Reaction
from reconciler.floors.decide import Rules
from reconciler.floors.suggest import suggest
from reconciler.model.address import Address
from reconciler.model.evidence import Cell, UnmatchedReports
from reconciler.model.state import Safety

ANSWERED = Rules(known=Reaction(below=100_000, kept=25_000, variance=1))


def said(made):
    return " ".join((*made.reasons, *made.assumptions))


def test_a_waterfall_floor_far_below_what_the_rest_pays_is_raised():
    made = suggested(evidence(), standing())
    assert made.verdict == "raise"
    assert 0.3 < made.suggested <= 0.5 * made.opportunity_cost.low
    assert made.change.low > 0


def test_nothing_is_raised_beyond_the_sure_part_before_bidders_have_been_seen_to_answer():
    assert suggested(evidence(prices=(0.9, 2.0)), standing(0.5)).verdict == "keep"
    assert suggested(evidence(prices=(0.9, 2.0)), standing(0.5), rules=ANSWERED).verdict == "raise"


def test_a_raise_beyond_the_sure_part_takes_one_step():
    made = suggested(evidence(prices=(0.9, 2.0)), standing(0.6), rules=ANSWERED)
    assert made.suggested == Decimal("0.78")


def test_a_floor_above_what_the_rest_pays_is_halved_at_most():
    made = suggested(evidence(prices=(3.0, 4.0)), standing(2.5))
    assert (made.verdict, made.suggested) == ("lower", Decimal("1.3"))
    assert "do not prove" in said(made)


def test_a_floor_in_one_auction_with_the_others_goes_down_step_by_step():
    made = suggested(evidence(mode="unified"), standing(0.4))
    assert (made.verdict, made.suggested, made.opportunity_cost) == ("lower", Decimal("0.2"), None)
    assert suggested(evidence(mode="unified"), standing(0.01)).verdict == "keep"


def test_a_floor_in_one_auction_stays_where_bidders_answer_strongly():
    strong = Rules(known=Reaction(below=100_000, kept=60_000, variance=1))
    assert suggested(evidence(mode="unified"), standing(0.4), rules=strong).verdict == "keep"


def test_a_floor_in_one_auction_that_is_too_high_even_for_bidders_that_answer_is_lowered():
    strong = Rules(known=Reaction(below=100_000, kept=60_000, variance=1))
    made = suggested(evidence(mode="unified"), standing(9.0), rules=strong)
    assert (made.verdict, made.suggested) == ("lower", Decimal("4.5"))
    assert "too high even so" in said(made)


def fixed(*prices, share=1_000.0):
    """A smooth sketch from 0.2 to 5 USD with so many impressions more at these prices."""
    sketch = dict.fromkeys(range(price_bin(0.2), price_bin(5.0)), 20.0)
    return {**sketch, **{price_bin(price): share for price in prices}}


def test_no_raise_passes_a_fixed_price_on_the_word_of_bidders_that_answer():
    one = evidence(prices=(2.0,), cost=1.2)
    plain, steady = (
        suggested(replace(one, prices=sketch), standing(0.7), rules=ANSWERED) for sketch in (fixed(), fixed(0.8))
    )
    assert plain.suggested > 0.8
    assert steady.suggested <= 0.8


def test_a_floor_that_fits_is_kept_and_says_why():
    made = suggested(evidence(), standing(0.7))
    assert (made.verdict, made.suggested, made.assumptions) == ("keep", Decimal("0.7"), ())
    assert "neither surely too low" in said(made)


@pytest.mark.parametrize(
    ("one", "missing"),
    [
        (None, "no reports"),
        (evidence(impressions=79), "79 DT impressions in 14 days; 80 are needed"),
        (evidence(requests=399, impressions=100), "399 requests in 14 days; 400 are needed"),
        (evidence(mode="unknown"), "do not say whether"),
        (evidence(after_requests=0), "behind DT could be joined"),
        (evidence(requests=8_400), "DT fills every request"),
    ],
)
def test_too_little_evidence_says_what_is_missing(one, missing):
    made = suggested(one, standing())
    assert (made.verdict, made.suggested, made.change) == ("insufficient", made.current, None)
    assert missing in said(made)


def test_old_reports_are_no_evidence():
    assert suggested(evidence(), standing(), today=LAST + timedelta(days=3)).verdict == "raise"
    made = suggested(evidence(), standing(), today=LAST + timedelta(days=4))
    assert made.verdict == "insufficient"
    assert "2026-11-14" in said(made)


def test_few_impressions_under_a_floor_that_is_too_high_are_enough_to_lower_it():
    few = evidence(impressions=30, prices=(6.0, 7.0))
    assert suggested(few, standing(5.0)).verdict == "lower"
    assert suggested(few, standing(0.01)).verdict == "insufficient"
    assert suggested(replace(few, impressions=19), standing(5.0)).verdict == "insufficient"


@pytest.mark.parametrize(("days", "verdict"), [(6, "keep"), (7, "raise")])
def test_a_floor_that_moved_within_a_week_stands_still(days, verdict):
    made = suggested(evidence(), standing(changed=TODAY - timedelta(days=days)))
    assert made.verdict == verdict


def test_a_raise_cuts_at_most_half_of_the_impressions():
    made = suggested(evidence(prices=(0.2, 0.21, 0.22, 2.0), cost=3.0), standing())
    assert 0.2 <= made.suggested <= 0.22
    assert "50%" in said(made)


def test_without_single_prices_a_raise_stays_well_below_the_average_price():
    made = suggested(evidence(single_rows=0, cost=9.0), standing())
    assert made.suggested <= 0.5 * 1.1


@pytest.mark.parametrize(
    ("safety", "stands", "most"),
    [
        (Safety(max_floor=0.2), standing(), "0.2"),
        (Safety(max_floor_change_percent=20), standing(0.1), "0.12"),
        (Safety(), standing(0.1), "0.15"),
        (Safety(max_floor_change_percent=20), standing(), "0.5"),
    ],
)
def test_a_raise_keeps_the_projects_limits(safety, stands, most):
    made = suggested(evidence(), stands, rules=Rules(safety=safety))
    assert stands.current < made.suggested <= Decimal(most)


def test_a_lower_floor_keeps_the_projects_limits():
    made = suggested(evidence(), standing(4.0), rules=Rules(safety=Safety(max_floor_change_percent=30)))
    assert (made.verdict, made.suggested) == ("lower", Decimal("2.8"))


def test_a_floor_that_stays_above_the_projects_limit_is_left_to_a_person():
    made = suggested(evidence(), standing(4.0), rules=Rules(safety=Safety(max_floor=1.0)))
    assert (made.verdict, made.suggested) == ("keep", Decimal("4.0"))


def test_a_rung_goes_at_most_half_way_to_its_neighbours():
    assert suggested(evidence(), standing(0.1, dearer=0.14)).suggested == Decimal("0.12")
    assert suggested(evidence(), standing(4.0, cheaper=2.0)).suggested == 3


def test_a_line_of_its_own_has_to_pay_for_itself():
    large = evidence(requests=280_000, impressions=84_000)
    assert suggested(large, standing(own_line=False)).verdict == "raise"
    made = suggested(evidence(), standing(own_line=False))
    assert made.verdict == "keep"
    assert "line of its own" in said(made)


def test_sources_that_do_not_come_after_dt_are_spoken_of():
    assert "not all of them" in said(suggested(evidence(after_requests=60_000), standing()))
    assert "not all of them" not in said(suggested(evidence(), standing()))


def test_assumptions_say_what_one_floor_cannot_show():
    one, two = suggested(evidence(), standing()), suggested(evidence(floors=(0.01, 0.02)), standing())
    assert "No demand leaves above the floor." in one.assumptions
    assert f"floors above {one.suggested:g} USD cannot be justified" in said(one)
    assert "cannot be justified" not in said(two)


def test_the_curve_passes_through_the_current_and_the_suggested_floor():
    made = suggested(evidence(), standing())
    by_floor = {point.floor: point for point in made.curve}
    now, then = by_floor[float(made.current)], by_floor[float(made.suggested)]
    weekly = (made.evidence.revenue + made.evidence.after) / 2
    assert now.revenue.estimate == pytest.approx(weekly)
    assert then.revenue.estimate - now.revenue.estimate == pytest.approx(made.change.estimate)
    assert then.from_dt + then.from_rest == pytest.approx(then.revenue.estimate)
    assert all(point.revenue.low <= point.revenue.estimate <= point.revenue.high for point in made.curve)


def test_the_working_goes_from_the_reports_to_the_floor():
    lines = suggested(evidence(), standing()).working
    assert lines[0].startswith("DT: 28000 requests, 8400 impressions")
    assert "after the guardrails: raise" in lines[-2]


def test_cells_come_in_order_and_each_standing_cell_has_one():
    cells = [Cell(Address(f"android:com.a.b/{name}"), country) for name in ("b", "a") for country in ("US", "DE")]
    made = suggest([], {cell: standing() for cell in cells}, FIRST, LAST, TODAY, Rules(), UnmatchedReports(rows=3))
    assert [one.cell for one in made.cells] == sorted(cells)
    assert made.unmatched.rows == 3


def test_a_cell_without_a_declared_floor_only_lends_its_evidence():
    other = evidence(Cell(CELL.address, "DE"))
    made = suggest(
        [evidence(), other], {CELL: standing()}, FIRST, LAST, date(2026, 11, 15), Rules(), UnmatchedReports()
    )
    assert [one.cell.country for one in made.cells] == ["US"]


@pytest.mark.parametrize(("current", "floor"), [(0.5, "0.25"), (4.0, "2"), (30.7, "15.4")])
def test_a_floor_is_whole_cents_below_a_dollar_and_tenths_from_there_on(current, floor):
    assert suggested(evidence(prices=(31.0,), cost=0.1), standing(current)).suggested == Decimal(floor)
