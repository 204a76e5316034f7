"""Whether bidders answer is read from floors that moved, and only from those."""

from dataclasses import astuple, replace
from datetime import date

import pytest
from support.market_evidence import CELL, FIRST, evidence, price_bin

from reconciler.floors.curve import Reaction, reaction, total_reaction, windows_before
from reconciler.floors.decide import Rules
from reconciler.model.evidence import DayEvidence, Evidence


def moved(*, under_high, low=0.5, high=1.0):
    """A week at each floor, 10,000 requests each: under the low one 2,000 sales below the high one and 3,000 above."""
    days = tuple(
        DayEvidence(FIRST.replace(day=day), 10_000, sales, sales / 1000, 1.0, floor)
        for day, sales, floor in ((1, 5_000, low), (8, under_high, high))
    )
    prices = {price_bin(0.7): 2_000.0, price_bin(1.5): 3_000.0 + under_high}
    sold = 5_000 + under_high
    return Evidence(CELL, "waterfall", 20_000, sold, sold / 1000, 2.0, 20_000 - sold, sold, prices, days)


def test_nobody_answers_where_the_higher_floor_just_loses_the_sales_below_it():
    assert reaction([moved(under_high=3_000)] * 20).share == 0


def test_sales_kept_under_the_higher_floor_are_an_answer():
    assert reaction([moved(under_high=4_000)] * 50).share == pytest.approx(0.5, abs=0.03)


def test_demand_that_leaves_shows_below_zero():
    assert reaction([moved(under_high=2_600)] * 50).share == pytest.approx(-0.2, abs=0.03)


def test_a_little_evidence_says_little():
    assert 0 < reaction([moved(under_high=4_000)]).share < 0.35


def test_an_answer_within_its_noise_is_none():
    assert Reaction(below=10_000, kept=90, variance=10_000).share == 0


@pytest.mark.parametrize(
    "one",
    [
        evidence(),
        replace(moved(under_high=4_000), mode="unified"),
        replace(moved(under_high=4_000), prices={}),
    ],
)
def test_only_waterfalls_with_more_than_one_floor_tell(one):
    assert reaction([one]) == Reaction()


def test_what_is_known_adds_up():
    one = reaction([moved(under_high=4_000)])
    assert one + one == reaction([moved(under_high=4_000)] * 2)


@pytest.mark.parametrize(("kept", "least", "most"), [(0.0, 1.0, 1.0), (0.5, 1.5, 3.0), (-0.2, 0.7, 0.99)])
def test_the_more_bidders_keep_the_dearer_the_best_floor(kept, least, most):
    assert least <= Rules().worth(kept) <= most


def test_of_several_floors_the_two_lowest_tell():
    one = moved(under_high=4_000)
    higher = DayEvidence(FIRST.replace(day=14), 10_000, 100, 0.3, 1.0, 2.0)
    three = replace(
        one,
        impressions=one.impressions + 100,
        prices={**one.prices, price_bin(2.5): 100.0},
        days=(*one.days, higher),
    )
    assert astuple(reaction([three])) == pytest.approx(astuple(reaction([one])))


def test_windows_that_are_learned_from_add_up_and_leave_out_what_cannot_be_true():
    one = moved(under_high=4_000)
    assert total_reaction([[one], [one], [replace(one, revenue=-1.0)]]) == reaction([one, one])


def test_earlier_windows_end_a_week_earlier_each():
    found = list(windows_before(date(2026, 11, 15), date(2026, 11, 28), date(2026, 11, 1)))
    assert found == [(date(2026, 11, 8), date(2026, 11, 21)), (date(2026, 11, 1), date(2026, 11, 14))]
