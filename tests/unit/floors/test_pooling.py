"""Estimates of what the rest pays: sparse cells lean on the others, rich ones stand by themselves."""

import pytest
from support.market_evidence import evidence

from reconciler.floors.decide import Rules
from reconciler.floors.pooling import opportunity_costs
from reconciler.model.address import Address
from reconciler.model.evidence import Cell

EXACT = Rules(cent=0)
PLACEMENTS, COUNTRIES = {"a": 0.5, "b": 1.0, "c": 2.0, "d": 1.5}, {"US": 2.0, "DE": 1.0, "BR": 0.5, "IN": 0.25}


def cell(placement, country):
    return Cell(Address(f"android:com.a.b/{placement}"), country)


def grid(**sizes):
    """Costs that are placement x country; `sizes` are requests by country."""
    return [
        evidence(
            cell(placement, country),
            cost=factor * share,
            requests=sizes.get(country, 100_000),
            impressions=sizes.get(country, 100_000) // 2,
        )
        for placement, factor in PLACEMENTS.items()
        for country, share in COUNTRIES.items()
    ]


def test_a_rich_cell_is_what_its_own_reports_say():
    for estimate in opportunity_costs(grid(), EXACT).values():
        assert estimate.bounds.estimate == pytest.approx(estimate.own, rel=0.02)
        assert estimate.bounds.low < estimate.own < estimate.bounds.high


def test_a_sparse_cell_leans_on_its_placement_and_country():
    told = [one for one in grid() if one.cell != cell("b", "DE")]
    odd = evidence(cell("b", "DE"), cost=4.0, requests=60, impressions=20)
    found = opportunity_costs([*told, odd], EXACT)[odd.cell]
    assert found.own == pytest.approx(4.0)
    assert found.weight < 0.5
    assert 0.7 < found.bounds.estimate < 2.4


def test_the_fit_is_placement_times_country():
    for one, estimate in opportunity_costs(grid(), EXACT).items():
        expected = PLACEMENTS[one.address[-1]] * COUNTRIES[one.country]
        assert estimate.fit == pytest.approx(expected, rel=0.1)


def test_less_evidence_gives_wider_bounds():
    found = opportunity_costs(grid(DE=2_000), EXACT)
    wide, narrow = found[cell("b", "DE")].bounds, found[cell("b", "US")].bounds
    assert (wide.high - wide.low) / wide.estimate > (narrow.high - narrow.low) / narrow.estimate


def test_days_that_differ_more_give_wider_bounds():
    calm = grid()
    wild = [
        evidence(one.cell, requests=100_000, impressions=50_000, cost=1000 * one.after / one.unfilled, days=_wild(one))
        for one in calm
    ]
    first = cell("a", "US")
    assert opportunity_costs(wild, EXACT)[first].sd > 2 * opportunity_costs(calm, EXACT)[first].sd


def _wild(one):
    return tuple(
        type(day)(day.day, day.requests, day.impressions, day.revenue, day.after * (0.1, 1.9)[at % 2], day.floor)
        for at, day in enumerate(one.days)
    )


def test_rounding_to_cents_widens_the_bounds_of_small_cells_most():
    few, many = (evidence(requests=size, impressions=size // 2, cost=0.2, days=()) for size in (500, 100_000))
    for one, least, most in ((few, 1.01, 2), (many, 1, 1.01)):
        exact, cents = (opportunity_costs([one], rules)[one.cell].sd for rules in (EXACT, Rules()))
        assert least * exact <= cents <= most * exact


def test_a_rest_that_earns_nothing_costs_nothing():
    estimate = opportunity_costs([evidence(cost=0.0)], Rules())[evidence().cell]
    assert (estimate.bounds.low, estimate.bounds.estimate) == (0.0, 0.0)
    assert estimate.bounds.high > 0


@pytest.mark.parametrize("one", [evidence(mode="unified"), evidence(after_requests=0), evidence(requests=8_400)])
def test_only_waterfalls_with_something_left_have_an_opportunity_cost(one):
    assert opportunity_costs([one], Rules()) == {}
