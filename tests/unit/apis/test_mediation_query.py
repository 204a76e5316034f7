from datetime import UTC, date, datetime, timedelta

import pytest

from reconciler.apis.mediation_query import (
    DIMENSIONS,
    METRICS,
    ONLY_FOR,
    RATIOS,
    MediationWish,
    alpha3,
    split_list,
)
from reconciler.errors import UsageError

each = pytest.mark.parametrize
NOW = datetime(2026, 11, 21, 13, tzinfo=UTC)
TODAY = date(2026, 11, 21)
BIDDING = ["valid_bids", "winning_bids", "bid_rate", "win_rate", "impression_show_rate"]


def query(now=NOW, **said):
    return MediationWish(**said).query(now)


def body(**said):
    asked = query(**said)
    return asked.body(asked.windows()[0])


def refused(**said):
    with pytest.raises(UsageError) as error:
        query(**said)
    return error.value


def test_what_nobody_says_is_as_the_page_has_it():
    assert body() == {
        "dimensions": ["date", "app", "helium_placement_name", "placement_type", "demand_source", "country"],
        "metrics": ["requests", "impressions", "estimated_earnings", "ecpm", "fill_rate"],
        "date_min": "2026-11-21",
        "date_max": "2026-11-21",
        "timezone": "America/Los_Angeles",
    }


def test_the_vocabulary_is_the_pages():
    assert len(DIMENSIONS) == 8
    assert len(METRICS) == 11
    assert {name for name, only in ONLY_FOR.items() if only == "bidding"} == set(BIDDING)


@each("network", ["all", "bidding", "mediation", None])
@each("metric", METRICS)
def test_each_metric_goes_with_the_network_types_of_the_page(metric, network):
    only = "bidding" if metric in BIDDING else "mediation" if metric == "responses" else network or "all"
    if only == (network or "all"):
        assert query(metrics=[metric], network=network).metrics == (metric,)
        return
    error = refused(metrics=[metric], network=network)
    assert error.message == f"'{metric}' metric is for network_type '{only}' only"
    assert error.hint == f"ask with --network-type {only}"
    assert error.exit_code == 64


def test_all_that_is_wrong_is_named_at_once():
    error = refused(
        dimensions=["contry"], metrics=["win_rate", "responses", "ecmp"], filters=[("app", ["x"])], zone="Europe/Oslo"
    )
    for words in (
        "no dimension 'contry'", "no metric 'ecmp'", "no filter 'app'", "no timezone 'Europe/Oslo'",
        "'win_rate' metric is for network_type 'bidding' only",
        "'responses' metric is for network_type 'mediation' only",
    ):  # fmt: skip
        assert words in error.message
    for words in ("did you mean country?", "did you mean ecpm?", "did you mean apps?"):
        assert words in error.hint


@each(
    "said",
    [
        {"dimensions": []},
        {"dimensions": ["", " "]},
        {"metrics": []},
        {"filters": [("apps", [])]},
        {"filters": [("country", [""])]},
        {"filters": [("network_type", [])]},
    ],
    ids=str,
)
def test_an_empty_list_is_refused(said):
    assert "an empty list" in refused(**said).message


def test_a_ratio_brings_what_it_is_a_ratio_of():
    asked = query(metrics=["win_rate", "ecpm"], network="bidding")
    assert asked.metrics == ("win_rate", "ecpm")
    assert set(asked.asked_metrics[2:]) == {"winning_bids", "valid_bids", "estimated_earnings", "impressions"}
    for ratio in RATIOS:
        parts = query(metrics=[ratio], network="bidding").asked_metrics
        assert all(ONLY_FOR.get(part, "bidding") == "bidding" for part in parts)


class TestFilters:
    def test_one_name_given_twice_adds_up(self):
        assert body(filters=[("apps", ["a", "b"]), ("apps", ["b", "c"])])["filters"] == {"apps": ["a", "b", "c"]}

    def test_countries_are_sent_as_alpha_3(self):
        said = ["US", "deu", "gb", "UK", "xk", "Norway", "NA"]
        assert body(filters=[("country", said)])["filters"]["country"] == ["USA", "DEU", "GBR", "XKX", "NOR", "NAM"]

    def test_what_is_no_country_is_refused_and_three_strange_letters_are_told(self):
        assert "'Q1' is no country" in refused(filters=[("country", ["Q1"])]).message
        assert "ZZZ" in query(filters=[("country", ["ZZZ"])]).notes[0]

    def test_sources_and_types_that_nobody_knows_are_data(self):
        filters = [("demand_source", ["new_network"]), ("placement_type", ["native"])]
        assert body(filters=filters)["filters"] == {"demand_source": ["new_network"], "placement_type": ["native"]}

    @each(("network", "filters"), [("bidding", []), (None, ["bidding"]), ("bidding", ["bidding"])], ids=str)
    def test_the_network_type_may_be_a_filter(self, network, filters):
        said = [("network_type", filters)] if filters else []
        assert body(network=network, filters=said)["filters"] == {"network_type": "bidding"}

    def test_two_network_types_contradict_each_other(self):
        assert "at once" in refused(network="all", filters=[("network_type", ["bidding"])]).message
        assert "at once" in refused(filters=[("network_type", ["mediation", "bidding"])]).message
        assert "no network_type 'both'" in refused(network="both").message


class TestDays:
    @each(
        ("first", "last", "expected"),
        [
            (None, None, (TODAY, TODAY)),
            (date(2026, 11, 1), None, (date(2026, 11, 1), TODAY)),
            (None, date(2026, 11, 1), (date(2026, 11, 1), date(2026, 11, 1))),
            (TODAY, TODAY, (TODAY, TODAY)),
        ],
    )
    def test_an_end_that_is_not_said(self, first, last, expected):
        span = query(first=first, last=last).span
        assert (span.first, span.last) == expected

    @each(
        ("first", "last", "told"),
        [
            (date(2026, 11, 9), date(2026, 11, 8), "comes after"),
            (date(2026, 11, 22), None, "yet to come"),
            (date(2026, 11, 1), date(2027, 11, 1), "yet to come"),
            (date(2006, 11, 1), date(2026, 11, 1), "can know nothing of 2006-11-01"),
        ],
    )
    def test_days_that_cannot_be_had(self, first, last, told):
        assert told in refused(first=first, last=last).message

    def test_today_is_that_of_the_zone(self):
        early = datetime(2026, 11, 21, 5, tzinfo=UTC)
        assert query(early).span.last == TODAY - timedelta(days=1)
        assert query(early, zone="UTC").span.last == TODAY
        assert query(early, last=TODAY).span.last == TODAY

    def test_days_are_complete_at_noon_of_the_next(self):
        asked = query(first=date(2026, 11, 18), zone="UTC")
        assert asked.incomplete(NOW) == (TODAY,)
        assert asked.incomplete(NOW.replace(hour=11)) == (date(2026, 11, 20), TODAY)
        here = query(first=date(2026, 11, 18))
        assert here.incomplete(NOW) == (date(2026, 11, 20), TODAY)

    @each(("days", "parts"), [(30, [30]), (31, [30, 1]), (75, [30, 30, 15])])
    def test_windows_hold_thirty_dates_at_most(self, days, parts):
        asked = query(first=date(2026, 9, 1), last=date(2026, 9, 1) + timedelta(days=days - 1))
        assert [len(window) for window in asked.windows()] == parts
        assert [day for window in asked.windows() for day in window.days()] == list(asked.span.days())


def test_a_part_of_a_list_may_hold_a_comma():
    assert split_list('a, "b, c",d') == ["a", "b, c", "d"]
    assert split_list("") == []


@each(("country", "code"), [("Germany", "DEU"), ("de", "DEU"), ("xkx", "XKX"), ("nowhere", None), ("", None)])
def test_alpha_3(country, code):
    assert alpha3(country) == code
