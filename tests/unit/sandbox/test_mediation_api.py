from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from unit.sandbox.report_world import APP, AUDIENCE, DAY, KEYS, METRICS

from reconciler.sandbox.exchange import SandboxRequest
from reconciler.sandbox.report_rows import mediation_app

each = pytest.mark.parametrize
LINE = ["app", "helium_placement_name", "demand_source", "country", "partner_placement_name"]


def errors_of(server, **body):
    """What is blamed in a refusal."""
    status, told = server.metrics(**body)
    assert (status, told["name"], told["description"]) == (400, "Bad Request", "ValidationError")
    return told["errors"]


class TestToken:
    def test_it_lasts_a_day(self, reports):
        status, told = reports().post("/oauth/token", **KEYS, audience=AUDIENCE)
        assert (status, told["token_type"], told["expires_in"]) == (200, "Bearer", 86400)

    @each(
        ("change", "status"),
        [
            ({"audience": "https://other.example"}, 403),
            ({"audience": None}, 403),
            ({"grant_type": "password"}, 403),
            ({"client_secret": "wrong"}, 401),
            ({"client_id": ""}, 401),
        ],
    )
    def test_the_audience_and_the_credentials_are_checked(self, reports, change, status):
        assert reports().post("/oauth/token", **{**KEYS, "audience": AUDIENCE, **change})[0] == status

    def test_a_token_of_the_other_reporting_api_is_none(self, reports):
        server = reports()
        server.order()
        assert server.post(METRICS)[0] == 401


class TestRules:
    @each(
        ("body", "blamed"),
        [
            ({"dimensions": []}, "dimensions"),
            ({"dimensions": ["country", "city"]}, "dimensions"),
            ({"metrics": []}, "metrics"),
            ({"metrics": ["clicks"]}, "metrics"),
            ({"filters": {}}, "filters"),
            ({"filters": []}, "filters"),
            ({"filters": {"apps": []}}, "apps"),
            ({"filters": {"cities": ["x"]}}, "cities"),
            ({"filters": {"network_type": "both"}}, "network_type"),
            ({"date_min": "2026-11-1"}, "date_min"),
            ({"date_min": "2026-11-20", "date_max": "2026-11-19"}, "date_max"),
            ({"timezone": "Europe/Oslo"}, "timezone"),
            ({"dimension": ["app"]}, "dimension"),
        ],
    )
    def test_a_call_that_is_wrong_is_told_what_is(self, reports, body, blamed):
        assert list(errors_of(reports(), **body)) == [blamed]

    @each("metric", ["valid_bids", "winning_bids", "bid_rate", "win_rate", "impression_show_rate"])
    @each("network", ["all", "mediation"])
    def test_metrics_of_bidding_are_for_bidding_only(self, reports, metric, network):
        said = errors_of(reports(), metrics=[metric], filters={"network_type": network})
        assert said == {metric: f"'{metric}' metric is for network_type 'bidding' only"}

    @each("network", ["all", "bidding"])
    def test_responses_are_for_mediation_only(self, reports, network):
        said = errors_of(reports(), metrics=["responses"], filters={"network_type": network})
        assert said == {"responses": "'responses' metric is for network_type 'mediation' only"}

    @each(("days", "status"), [(30, 200), (31, 400)])
    def test_a_call_spans_thirty_days_at_most(self, reports, days, status):
        first = DAY - timedelta(days=days - 1)
        assert reports().metrics(date_min=f"{first}", date_max=f"{DAY}", timezone="UTC")[0] == status


class TestLimit:
    def test_the_call_beyond_the_limit_is_told_how_long_to_wait(self, reports):
        server = reports()
        for _ in range(40):
            assert server.metrics(dimensions=["app"])[0] == 200
            server.clock.time += 1
        answer = server.call("POST", METRICS, {})
        assert answer.status == 429
        assert dict(answer.headers)[b"retry-after"] == b"560"

    def test_calls_that_were_refused_for_their_number_do_not_count(self, reports):
        server = reports(metrics_calls=1)
        assert [server.metrics()[0] for _ in range(5)] == [200, 429, 429, 429, 429]
        server.clock.time += 600
        assert server.metrics()[0] == 200


class TestRows:
    def test_what_is_not_asked_for_is_as_the_page_says(self, reports):
        server = reports()
        server.clock.time = datetime(2026, 11, 21, 23, tzinfo=UTC).timestamp()
        status, told = server.metrics()
        assert (status, told["data"], told["row_count"]) == (200, [], 0)
        _, told = server.metrics(date_min=f"{DAY - timedelta(days=1)}", date_max=f"{DAY}")
        assert told["row_count"] == len(told["data"]) > 0
        assert set(told["data"][0]) == {
            *("date", "app", "helium_placement_name", "placement_type", "demand_source", "country"),
            *("requests", "impressions", "estimated_earnings", "ecpm", "fill_rate"),
        }

    def test_a_day_that_is_not_complete_has_no_rows(self, reports):
        server = reports()
        assert server.rows()
        server.clock.time -= 1
        assert server.rows() == []

    def test_countries_have_three_letters_and_days_add_up(self, reports):
        server = reports()
        window = {"date_min": f"{DAY - timedelta(days=6)}", "metrics": ["requests", "impressions"]}
        dated = server.rows(dimensions=["date", "country"], **window)
        total = server.rows(dimensions=["country"], **window)
        assert {"USA", "NAM", "XKX", "ZZZ"} <= {row["country"] for row in total}
        for metric in ("requests", "impressions"):
            assert sum(row[metric] for row in dated) == sum(row[metric] for row in total)

    def test_earnings_are_rounded_to_cents(self, reports):
        for row in reports().rows(dimensions=LINE):
            assert row["estimated_earnings"] == round(row["estimated_earnings"], 2)

    def test_dt_is_followed_by_sources_that_are_asked_for_what_it_left(self, reports):
        rows = reports().rows(dimensions=LINE, filters={"network_type": "mediation", "placements": ["int_13"]})
        us = {row["demand_source"]: row for row in rows if row["country"] == "USA" and row["app"] == mediation_app(APP)}
        asked, sources = us["fyber"]["requests"], ["admob", "applovin", "unity"]
        for before, after in zip(["fyber", *sources], sources, strict=False):
            assert us[after]["requests"] == us[before]["requests"] - us[before]["impressions"]
        assert set(us) - {"fyber", *sources} <= {"ironsource"}
        assert asked > us["fyber"]["impressions"] > 0

    def test_some_placements_are_auctions_with_bids(self, reports):
        metrics = ["requests", "valid_bids", "winning_bids", "impressions", "win_rate"]
        server = reports()
        rows = server.rows(dimensions=LINE, metrics=metrics, filters={"network_type": "bidding"})
        assert {row["helium_placement_name"] for row in rows} == {"bottom"}
        assert {"fyber", "applovin"} < {row["demand_source"] for row in rows}
        for row in rows:
            assert row["requests"] >= row["valid_bids"] >= row["winning_bids"] >= row["impressions"]
        one_auction = {row["requests"] for row in rows if row["country"] == "USA"}
        assert len(one_auction) == 1

    def test_a_higher_floor_in_an_auction_gives_sales_to_the_others(self, reports):
        server = reports()
        before = by_source(server)
        fields = server.account.get("placement", "243715").fields
        server.account.replace("placement", "243715", {**fields, "floorPrices": {"WW": 1.0}})
        after = by_source(server)
        assert after["fyber"] < before["fyber"]
        assert after["applovin"] > before["applovin"]

    def test_some_placements_are_chartboosts_alone_and_some_dts(self, reports):
        names = {row["partner_placement_name"] for row in reports().rows(dimensions=LINE)}
        assert "season_special_old" in names
        assert "reward_daily" not in names

    def test_dt_placements_go_by_name_on_android_and_by_id_on_ios(self, reports):
        rows = reports().rows(dimensions=["partner_placement_name"], filters={"demand_source": ["fyber"]})
        assert {"int_13", "243717"} <= {row["partner_placement_name"] for row in rows}

    def test_filters_leave_out_what_they_do_not_name(self, reports):
        server = reports()
        rows = server.rows(
            filters={"apps": [mediation_app(APP)], "country": ["USA"], "placement_type": ["banner"]},
            dimensions=["app", "country", "placement_type"],
        )
        assert [(row["app"], row["country"], row["placement_type"]) for row in rows] == [
            (mediation_app(APP), "USA", "banner")
        ]
        assert server.rows(filters={"apps": ["nobody's"]}) == []

    def test_a_day_in_los_angeles_is_another_than_in_utc(self, reports):
        day = f"{DAY - timedelta(days=1)}"
        asked = {"dimensions": ["app"], "metrics": ["requests"], "date_min": day, "date_max": day}
        server = reports()
        assert server.rows(**asked) != server.rows(**{**asked, "timezone": "America/Los_Angeles"})


def by_source(server):
    rows = server.rows(dimensions=["demand_source"], filters={"placements": ["bottom"]})
    return {row["demand_source"]: row["impressions"] for row in rows}


class TestWays:
    """How mediation APIs differ."""

    def test_metrics_of_nothing_may_be_null(self, reports):
        asked = {"dimensions": LINE, "metrics": ["impressions", "estimated_earnings", "ecpm", "fill_rate"]}
        rows = reports(mediation=("nulls",)).rows(**asked)
        bare = [row for row in rows if not row["impressions"]]
        assert bare
        assert {(row["estimated_earnings"], row["ecpm"]) for row in bare} == {(None, None)}
        assert not any(None in row.values() for row in reports().rows(**asked))

    def test_today_may_have_rows(self, reports):
        day = f"{DAY + timedelta(days=1)}"
        asked = {"dimensions": ["date"], "metrics": ["requests"], "date_min": f"{DAY}", "date_max": day}
        assert [row["date"] for row in reports().rows(**asked)] == [f"{DAY}"]
        whole, half = reports(mediation=("today",)).rows(**asked)
        assert half["date"] == day
        assert 0 < half["requests"] < whole["requests"]

    def test_empty_lists_may_count_as_none(self, reports):
        server = reports(mediation=("default-lists",))
        assert server.rows(dimensions=[], metrics=[], filters={}) == reports().rows()

    @each(("way", "blamed"), [("no-partner", "partner_placement_name"), ("no-partner-unnamed", "dimensions")])
    def test_the_partners_placement_may_be_refused(self, reports, way, blamed):
        server = reports(mediation=(way,))
        assert list(errors_of(server, dimensions=LINE)) == [blamed]
        assert "partner_placement_name" not in server.rows(dimensions=LINE[:4])[0]

    def test_tokens_may_be_given_at_another_path_and_for_a_form(self, reports):
        said = {**KEYS, "audience": AUDIENCE}
        assert reports(mediation=("v5-token",)).post("/v5/oauth/token", **said)[0] == 200
        assert reports(mediation=("v5-token",)).call("POST", "/oauth/token", said).status == 404
        form = SandboxRequest("POST", "/oauth/token", {}, urlencode(said).encode())
        statuses = []
        for ways in ((), ("form-token",)):
            front = reports(mediation=ways).front
            statuses.append(front.answer(form, None).status)
        assert statuses == [400, 200]
