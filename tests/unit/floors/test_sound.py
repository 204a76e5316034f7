"""Nothing is concluded from figures that cannot be."""

from dataclasses import replace
from math import inf, nan

import pytest
from support.market_evidence import CELL, FIRST, LAST, TODAY, evidence, standing, suggested

from reconciler.floors.curve import check_evidence
from reconciler.floors.decide import Rules
from reconciler.floors.suggest import suggest
from reconciler.model.address import Address
from reconciler.model.evidence import Cell, UnmatchedReports

PLAIN = evidence()
DAY = PLAIN.days[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"revenue": nan},
        {"after": inf},
        {"after": -1.0},
        {"requests": -5, "impressions": 0},
        {"requests": 10**30},
        {"impressions": PLAIN.requests + 1},
        {"single_rows": -1},
        {"prices": {3: nan}},
        {"prices": {3: -1.0}},
        {"prices": {10**6: 1.0}},
        {"days": (replace(DAY, after=nan),)},
        {"days": (replace(DAY, floor=-0.5),)},
    ],
)
def test_impossible_figures_are_no_evidence_and_harm_no_other_cell(changes):
    good = evidence(Cell(Address("android:com.a.b/other"), "US"))
    bad = replace(PLAIN, **changes)
    made = suggest(
        [bad, good], {CELL: standing(), good.cell: standing()}, FIRST, LAST, TODAY, Rules(), UnmatchedReports()
    )
    by_cell = {one.cell: one for one in made.cells}
    assert by_cell[CELL].verdict == "insufficient"
    assert "cannot be true" in by_cell[CELL].reasons[0]
    assert by_cell[good.cell].suggested == suggested(good, standing()).suggested


def test_a_cell_that_is_told_of_twice_is_not_believed():
    found = check_evidence([PLAIN, replace(PLAIN, revenue=1.0)])
    assert (found.sound, list(found.flaws)) == ((), [CELL])


@pytest.mark.parametrize(
    "one",
    [
        replace(evidence(cost=0.0), revenue=0.0, prices={}),
        evidence(days=PLAIN.days[:1]),
        evidence(days=(*PLAIN.days, *PLAIN.days)),
        evidence(days=(), prices=(1.0,), requests=10**12, impressions=10**11),
        evidence(mode="unified", impressions=30_000, after=0.0, after_requests=0, days=()),
    ],
)
def test_odd_but_possible_figures_are_sound(one):
    assert check_evidence([one]).sound == (one,)
    assert suggested(one, standing(0.4)).suggested > 0
