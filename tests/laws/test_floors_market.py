"""In a market whose best floors are known, the suggestions gain what can be gained and break little."""

import csv
import json
import subprocess
import sys
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest

pytest.importorskip("numpy")
SCORE = Path(__file__).parents[2] / "bench" / "market" / "score.py"


@cache
def scores():
    """Seed 11, six rounds, half the requests: small enough to run with every change."""
    asked = ["--seeds", "11", "--rounds", "6", "--requests", "400000", "--worlds", "static,bne,placebo", "--json"]
    done = subprocess.run([sys.executable, SCORE, *asked], capture_output=True, text=True, timeout=300, check=True)
    return {(one["world"], one["rule"]): one for one in json.loads(done.stdout)}


def test_suggestions_gain_most_of_what_can_be_gained_where_nobody_answers():
    found = scores()["static", "floors suggest"]
    assert found["captured"] > 0.6
    assert found["harm"] < 0.003
    assert found["false_raises"] <= 0.05
    assert found["cover"] > 0.8


def test_suggestions_gain_where_all_bidders_answer_and_break_less_than_a_fixed_share_of_the_cost():
    ours, fixed = (scores()["bne", rule] for rule in ("floors suggest", "0.75 c, no pooling"))
    assert ours["captured"] > 0.2
    assert ours["harm"] < min(0.003, fixed["harm"])


def test_the_rule_of_thumb_loses_where_nobody_answers():
    assert scores()["static", "80 % of eCPM"]["captured"] < 0


def test_noise_alone_moves_few_floors():
    assert scores()["placebo", "floors suggest"]["moved"] <= 0.1


@pytest.fixture
def bench(monkeypatch):
    """The modules of the market bench, as its scripts see them."""
    monkeypatch.syspath_prepend(str(SCORE.parent))
    return {name: import_module(name) for name in ("market", "weeks", "reports")}


def test_reports_in_the_vendors_shapes_say_what_the_evidence_says(bench):
    market, world = bench["market"].Market(0, 20_000), bench["market"].WORLDS["static"]
    draws = bench["weeks"].draw_week(market, world, 0)
    told = bench["weeks"].evidence_of(market, [bench["weeks"].play(market, world, draws, market.start)])
    files = [bench["reports"].dt_file(market, world, draws, market.start, day) for day in range(7)]
    users = [row for text in files for row in csv.DictReader(StringIO(text))]
    rows = list(bench["reports"].chartboost_rows(market, world, draws, market.start, dated=False))
    ours = [row for row in rows if row["demand_source"] == "fyber"]
    rest = sum(row["estimated_earnings"] for row in rows if row["demand_source"] != "fyber")
    assert sum(int(row["Impressions"]) for row in users) == sum(one.impressions for one in told)
    assert sum(float(row["Revenue (USD)"]) for row in users) == pytest.approx(sum(one.revenue for one in told))
    assert sum(row["requests"] for row in ours) == sum(one.requests for one in told)
    assert rest == pytest.approx(sum(one.after for one in told))
    dated = list(bench["reports"].chartboost_rows(market, world, draws, market.start, dated=True))
    assert {len(row["country"]) for row in dated} == {3}
    assert sum(row["requests"] for row in dated) == sum(row["requests"] for row in rows)


def test_the_same_seed_makes_the_same_market(bench):
    one, two = (bench["market"].Market(3, 20_000) for _ in range(2))
    assert (one.start == two.start).all()
    assert (one.volume == two.volume).all()
