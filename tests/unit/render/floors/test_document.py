"""Documents have the keys that programs were promised, and numbers that JSON knows."""

import json
from dataclasses import replace
from math import inf, nan

from support.builders import at
from support.market_evidence import FIRST, LAST, evidence, standing, suggested
from support.pages import HOSTILE, LINK, replayed, suggestions

from reconciler.model.evidence import Backtest, Bounds, Suggestions, UnmatchedReports
from reconciler.render.floors_document import backtest_document, suggestions_document


def test_a_suggestion_has_the_promised_keys():
    document = suggestions_document(suggestions())
    assert list(document) == ["format", "window", "summary", "suggestions", "unmatched", "basis", "notes"]
    assert document["format"] == "reconciler.floors/1"
    assert document["window"] == {"from": "2026-11-01", "to": "2026-11-14"}
    assert document["summary"] == {"raise": 2, "lower": 2, "keep": 2, "insufficient": 3}
    assert document["unmatched"] == {
        "chartboostPlacements": ["int_13 ", HOSTILE], "dtPlacements": [LINK], "rows": 1234, "loose": 7,
    }  # fmt: skip
    made = next(each for each in document["suggestions"] if each["verdict"] == "raise")
    assert (made["address"], made["country"], made["mode"]) == (at("int_13"), "US", "waterfall")
    assert (made["current"], made["suggested"]) == (0.01, 0.48)
    assert set(made["opportunityCost"]) == {"estimate", "low", "high"}
    assert set(made["expectedChangePerWeek"]) == {"low", "mid", "high"}
    assert set(made["evidence"]) >= {"days", "requests", "impressions", "revenue", "singleRows"}
    assert made["evidence"]["requests"] == 28_000
    assert made["reasons"]
    assert made["assumptions"]


def test_what_is_not_known_is_null():
    made = suggestions_document(Suggestions(FIRST, LAST, (suggested(None, standing()),), UnmatchedReports()))[
        "suggestions"
    ][0]
    assert (made["opportunityCost"], made["expectedChangePerWeek"]) == (None, None)
    assert (made["evidence"]["days"], made["evidence"]["requests"], made["curve"]) == (0, 0, [])


def test_no_number_is_nan_or_infinite():
    odd = replace(suggested(evidence(), standing()), change=Bounds(-inf, nan, inf), opportunity_cost=Bounds(0, 1, inf))
    document = suggestions_document(Suggestions(FIRST, LAST, (odd,), UnmatchedReports()))
    assert json.dumps(document, allow_nan=False)
    assert document["suggestions"][0]["expectedChangePerWeek"] == {"low": None, "mid": None, "high": None}


def test_numbers_are_rounded_to_a_millionth():
    odd = replace(suggested(evidence(), standing()), suggested=0.1 + 0.2, current=2.0)
    made = suggestions_document(Suggestions(FIRST, LAST, (odd,), UnmatchedReports()))["suggestions"][0]
    assert (repr(made["suggested"]), repr(made["current"])) == ("0.3", "2")


def test_a_backtest_counts_and_tells_each_move():
    document = backtest_document(replayed())
    assert document["format"] == "reconciler.backtest/1"
    assert document["summary"] | {"changePerWeek": 0} == {
        "moves": 4, "told": 3, "silent": 1, "changePerWeek": 0, "lostPerWeek": 0,
    }  # fmt: skip
    assert {each["silent"] is None for each in document["replays"] if each["changePerWeek"]} == {True}
    assert {bool(each["silent"]) for each in document["replays"] if not each["changePerWeek"]} == {True}


def test_an_empty_backtest_changes_nothing():
    assert backtest_document(Backtest(FIRST, LAST, ()))["summary"]["changePerWeek"] == 0
