"""Earlier suggestions replayed on days that they had not seen."""

import pytest
from support.market_evidence import CELL, FIRST, LAST, TODAY, evidence, standing

from reconciler.floors.decide import Rules
from reconciler.floors.suggest import backtest, suggest
from reconciler.model.evidence import UnmatchedReports


def earlier(one, stands):
    return suggest([one], {CELL: stands}, FIRST, LAST, TODAY, Rules(), UnmatchedReports())


def replayed(made, later):
    return backtest(made, [later] if later else [], FIRST, LAST, Rules())


def test_a_raise_is_replayed_from_the_prices_below_it():
    made = earlier(evidence(), standing())
    found = replayed(made, evidence())
    assert found.replays[0].came.estimate == pytest.approx(made.cells[0].change.estimate)
    assert found.total > 0 == found.lost


def test_a_raise_that_would_have_lost_is_shown_as_a_loss():
    found = replayed(earlier(evidence(), standing()), evidence(cost=0.05))
    assert found.total == found.lost < 0


def test_a_lower_floor_is_replayed_only_where_later_days_ran_at_it():
    made = earlier(evidence(prices=(3.0,), floors=(2.5,)), standing(2.5))
    silent = replayed(made, evidence(prices=(3.0,), floors=(2.5,))).replays[0]
    assert silent.came is None
    assert "2.5" in silent.silent
    found = replayed(made, evidence(prices=(1.5, 2.0, 3.0), floors=(1.3,)))
    assert found.replays[0].came.estimate > 0
    assert found.told == found.replays


def test_without_later_reports_nothing_is_said():
    found = replayed(earlier(evidence(), standing()), None)
    assert (found.told, found.total) == ((), 0)


def test_what_was_kept_is_not_replayed():
    assert replayed(earlier(evidence(), standing(0.7)), evidence()).replays == ()
