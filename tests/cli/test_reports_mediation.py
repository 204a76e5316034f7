"""Mediation reports for people, against the sandbox and against servers that are not ours."""

import csv
import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from support.command import Project
from support.reports import Answer, report_server

from reconciler.http import connections as http
from reconciler.sandbox.quirks import Quirks
from reconciler.sandbox.server import RunningSandbox, SandboxOptions

each = pytest.mark.parametrize
KEYS = ("CHARTBOOST_CLIENT_ID", "CHARTBOOST_CLIENT_SECRET")
CANARIES = ("chart-id-canary", "chart-secret-canary", "tok-canary-1")
TODAY = datetime.now(UTC).date()
RATIOS = ("ecpm", "fill_rate", "bid_rate", "win_rate", "impression_show_rate")


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "project")
    project.env |= dict(zip(KEYS, CANARIES, strict=False))
    return project


@pytest.fixture
def server(project):
    with report_server() as server:
        project.env |= dict.fromkeys(("CHARTBOOST_API_URL", "CHARTBOOST_AUTH_URL"), server.url)
        yield server


@pytest.fixture
def sandbox(project):
    """Starts a sandbox that differs in these ways."""
    running = []

    def start(*ways):
        options = SandboxOptions(seed="demo", quirks=Quirks(mediation=ways))
        running.append(RunningSandbox(options).__enter__())
        url = running[-1].url
        project.env |= {"CHARTBOOST_API_URL": url, "CHARTBOOST_AUTH_URL": url}
        return running[-1]

    yield start
    for one in running:
        one.__exit__(None, None, None)


def asked(project, *words, code=0, **more):
    done = project.call("reports", "mediation", *words, **more)
    assert done.code == code, done.out + done.err
    assert not any(canary in done.out + done.err for canary in (*CANARIES, "Traceback"))
    return done


def rows_of(*rows):
    return Answer(body=json.dumps({"data": rows, "row_count": len(rows)}).encode())


def window(heard):
    return date.fromisoformat(heard.json["date_min"]), date.fromisoformat(heard.json["date_max"])


def figures(day, country):
    """Raw figures of a day and country, as the API rounds them."""
    number = day.toordinal() * 31 + len(country) * 7 + ord(country[0])
    impressions = number % 977
    return {
        "impressions": impressions,
        "winning_bids": impressions + number % 13,
        "valid_bids": 3 * impressions + number % 29 + 13,
        "requests": 9 * impressions + number % 101 + 200,
        "estimated_earnings": round(impressions * (number % 17) / 1000, 2),
    }


def test_seventy_five_days_by_country_are_those_computed_by_hand_from_raw_rows(project, server):
    first = TODAY - timedelta(days=80)
    last = first + timedelta(days=74)
    by_hand = defaultdict(lambda: defaultdict(Decimal))
    countries = ("USA", "DEU", "NAM", "XKX")

    def metrics(heard):
        begin, end = window(heard)
        assert (end - begin).days < 30
        assert heard.json["filters"] == {"network_type": "bidding"}
        rows = []
        for country in countries:
            sums = defaultdict(Decimal)
            for at in range((end - begin).days + 1):
                for name, value in figures(begin + timedelta(days=at), country).items():
                    sums[name] += Decimal(str(value))
            told = {name: float(value) for name, value in sums.items() if name in heard.json["metrics"]}
            rows.append({"country": country, **told, **dict.fromkeys(set(RATIOS) & set(heard.json["metrics"]), 9.99)})
        return rows_of(*rows)

    for country in countries:
        for at in range(75):
            for name, value in figures(first + timedelta(days=at), country).items():
                by_hand[country][name] += Decimal(str(value))
    server.metrics = metrics
    done = asked(
        project, "--from", f"{first}", "--to", f"{last}", "--dimensions", "country", "--network-type", "bidding",
        "--metrics", ",".join(("estimated_earnings", *RATIOS)), "--timezone", "UTC", "--format", "csv",
    )  # fmt: skip
    told = {row["country"]: row for row in csv.DictReader(StringIO(done.out))}
    assert sorted(told) == sorted(countries)
    for country, row in told.items():
        raw = by_hand[country]
        assert list(row) == ["country", "estimated_earnings", *RATIOS]
        assert Decimal(row["estimated_earnings"]) == raw["estimated_earnings"]
        expected = {
            "ecpm": raw["estimated_earnings"] / raw["impressions"] * 1000,
            "fill_rate": raw["impressions"] / raw["requests"],
            "bid_rate": raw["valid_bids"] / raw["requests"],
            "win_rate": raw["winning_bids"] / raw["valid_bids"],
            "impression_show_rate": raw["impressions"] / raw["winning_bids"],
        }
        assert all(abs(Decimal(row[name]) - value) < Decimal("1e-9") for name, value in expected.items())
    calls = list(server.of("POST /v2"))
    assert [window(heard)[0] for heard in calls] == [first + timedelta(days=at) for at in (0, 30, 60)]
    assert f"days are those of UTC: {first} to {last}" in done.err


def test_what_the_api_would_refuse_is_refused_before_anything_is_sent(project, server):
    done = asked(project, "--metrics", "win_rate,responses", "--dimensions", "contry", code=64)
    assert "'win_rate' metric is for network_type 'bidding' only" in done.err
    assert "'responses' metric is for network_type 'mediation' only" in done.err
    assert "did you mean country?" in done.err
    for words in (["--filter", "country"], ["--from", "2026-13-01"], ["--dimensions", ","], ["--network-type", "both"]):
        asked(project, *words, code=64)
    assert server.heard == []


def test_without_any_word_the_defaults_of_the_page_are_sent_and_today_is_marked(project, server):
    server.metrics = lambda heard: rows_of({"date": heard.json["date_min"], "app": "a", "requests": 3})
    done = asked(project, "--format", "json")
    (call,) = server.of("POST /v2")
    assert "filters" not in call.json
    assert call.json["timezone"] == "America/Los_Angeles"
    assert call.json["date_min"] == call.json["date_max"]
    assert done.json["incomplete"] == [call.json["date_max"]]
    assert (
        done.json["rows"][0] | {"requests": 3, "impressions": 0, "estimated_earnings": 0, "ecpm": None}
        == (done.json["rows"][0])
    )
    assert "not final yet" in asked(project).out
    told = asked(project, "--format", "csv")
    assert "not final yet" in told.err
    assert "not final yet" not in told.out


def test_a_report_goes_to_a_file(project, server):
    server.metrics = lambda _: rows_of({"country": "USA", "requests": 3})
    done = asked(project, "--dimensions", "country", "--metrics", "requests", "--out", "r.parquet")
    assert (project.root / "r.parquet").read_bytes()[:4] == b"PAR1"
    assert "1 rows written to" in done.err
    assert "not final yet" in done.err
    asked(project, "--dimensions", "country", "--metrics", "requests", "--out", "r.csv")
    assert project.read("r.csv") == "country,requests\nUSA,3\n"


def test_no_project_is_needed_and_the_limit_lies_in_the_users_cache(project, server, tmp_path):
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    project.env["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    asked(project, cwd=nowhere)
    assert (tmp_path / "cache/reconciler/chartboost-calls.json").is_file()
    assert list(nowhere.iterdir()) == []
    asked(project)
    assert len(json.loads(project.read(".reconciler/reports/chartboost-calls.json"))) == 1
    done = asked(project, "--project", str(nowhere), cwd=nowhere, code=1)
    assert "reconciler.yaml" in done.err


def test_broken_manifests_and_settings_do_not_matter(project, server):
    project.write("reconciler.yaml", "version: nine\n")
    project.write("apps/a.yaml", "{")
    asked(project)


def test_keys_that_are_not_there_are_named(project, server):
    del project.env["CHARTBOOST_CLIENT_ID"]
    assert "CHARTBOOST_CLIENT_ID is not set" in asked(project, code=1).err


def test_too_many_rows_for_one_answer_are_asked_for_in_halves(project, server, monkeypatch):
    monkeypatch.setattr(http, "LARGEST_BODY", 3000)

    def metrics(heard):
        begin, end = window(heard)
        days = [begin + timedelta(days=at) for at in range((end - begin).days + 1)]
        return rows_of(*({"date": f"{day}", "country": f"A{sign}A", "requests": 1} for day in days for sign in "BCDEF"))

    server.metrics = metrics
    first, last = (f"{TODAY - timedelta(days=days)}" for days in (40, 4))
    words = ("--dimensions", "date,country", "--metrics", "requests", "--timezone", "UTC")
    done = asked(project, *words, "--from", first, "--to", last, "--format", "json")
    assert len(done.json["rows"]) == 37 * 5
    monkeypatch.setattr(http, "LARGEST_BODY", 200)
    done = asked(project, *words, "--to", last, code=1)
    assert "more than can be read" in done.err
    assert "--filter apps=" in done.err


def test_more_unread_than_a_hundredth_is_incomplete(project, server):
    good = [{"country": f"A{one}{two}", "requests": 9, "impressions": 1, "estimated_earnings": 0.1}
            for one in "BCDEFGHIJKLM" for two in "BCDEFGHIJKNM"]  # fmt: skip
    bad = {"country": "USA", "requests": 9, "impressions": 1, "estimated_earnings": None}
    words = ("--dimensions", "country", "--metrics", "requests,impressions,estimated_earnings")
    server.metrics = lambda _: rows_of(*good, bad)
    assert "1 of 145 rows were left out: 1 the estimated earnings are missing" in asked(project, *words).out
    server.metrics = lambda _: rows_of(*good[:50], bad)
    asked(project, *words, code=3)


@pytest.mark.parametrize(
    ("empty", "code"),
    [({"data": [], "row_count": "0"}, 0), ({"data": None, "row_count": 0}, 0), ({"data": [], "request_id": "abc"}, 3)],
)
def test_a_window_without_rows_does_not_cost_the_others(project, server, empty, code):
    first, last = TODAY - timedelta(days=50), TODAY - timedelta(days=4)
    server.metrics = lambda heard: (
        Answer(body=json.dumps(empty).encode())
        if window(heard)[0] == first
        else rows_of({"country": "USA", "requests": 9, "impressions": 1, "estimated_earnings": 0.5})
    )
    words = ("--dimensions", "country", "--metrics", "estimated_earnings", "--format", "json")
    done = asked(project, *words, "--from", f"{first}", "--to", f"{last}", code=code)
    assert done.json["rows"] == [{"country": "USA", "estimated_earnings": 0.5}]
    assert ("no rows, but request_id: abc" in " ".join(done.json["notes"])) is (code == 3)


def test_a_partner_dimension_that_somebody_asked_for_is_not_dropped_in_silence(project, server):
    server.metrics = lambda _: Answer(400, b'{"errors": {"dimensions": "unsupported"}}')
    done = asked(project, "--dimensions", "partner_placement_name", code=1)
    assert "unsupported" in done.err
    assert len(server.of("POST /v2")) == 1


@each("path", ["/v5/oauth/token", "/"])
def test_the_url_of_tokens_may_have_a_path(project, server, path):
    project.env["CHARTBOOST_AUTH_URL"] = server.url + path
    asked(project)
    expected = "/oauth/token" if path == "/" else path
    assert next(heard.line.split()[1] for heard in server.of("POST")) == expected


def test_a_token_that_is_not_there_hints_at_the_other_path(project, sandbox):
    sandbox("v5-token")
    done = asked(project, code=1)
    assert "CHARTBOOST_AUTH_URL" in done.err
    assert "/v5/oauth/token" in done.err
    asked(project, CHARTBOOST_AUTH_URL=project.env["CHARTBOOST_AUTH_URL"] + "/v5/oauth/token")


def test_the_sandbox_gives_todays_rows_where_it_is_told_to(project, sandbox):
    sandbox("today", "nulls")
    day = f"{TODAY}"
    words = ("--from", day, "--timezone", "UTC", "--dimensions", "date", "--format", "json")
    found = asked(project, *words).json
    assert [row["date"] for row in found["rows"]] in ([day], [])
    assert found["incomplete"] == [day]


def test_every_dimension_metric_filter_and_zone_is_taken_by_the_sandbox(project, sandbox):
    sandbox()
    days = ("--from", f"{TODAY - timedelta(days=6)}", "--to", f"{TODAY - timedelta(days=3)}", "--format", "json")
    every = "date,app,helium_placement_name,placement_type,demand_source,country,helium_line_item_name"
    bidding = asked(
        project, *days, "--dimensions", f"{every},partner_placement_name", "--network-type", "bidding", "--metrics",
        ",".join(("requests", "valid_bids", "winning_bids", "impressions", "estimated_earnings", *RATIOS)),
        "--filter", "country=US,DE", "--filter", "demand_source=fyber",
        "--filter", "placement_type=banner,interstitial,rewarded",
    ).json  # fmt: skip
    assert {row["country"] for row in bidding["rows"]} == {"USA", "DEU"}
    app, place = bidding["rows"][0]["app"], bidding["rows"][0]["helium_placement_name"]
    mediation = asked(
        project, *days, "--metrics", "responses", "--filter", "network_type=mediation", "--filter", f"apps={app}",
        "--filter", f"placements={place},other", "--timezone", "UTC",
    ).json  # fmt: skip
    assert {row["app"] for row in mediation["rows"]} <= {app}


FOUND = ("--dimensions", "country", "--metrics", "requests")


@each("name", ["r.html", "r.htm", "r.xml", "r", "r.csv.gz"])
def test_an_ending_that_says_no_format_is_wrong_usage(project, server, name):
    server.metrics = lambda _: rows_of({"country": "USA", "requests": 5})
    assert "give --format" in asked(project, *FOUND, "--out", name, code=64).err
    assert not (project.root / name).exists()
    assert not server.heard
    asked(project, *FOUND, "--out", name, "--format", "csv")
    assert (project.root / name).read_text() == "country,requests\nUSA,5\n"


def test_a_text_file_holds_the_table_and_capitals_are_endings(project, server):
    server.metrics = lambda _: rows_of({"country": "USA", "requests": 5})
    asked(project, *FOUND, "--out", "r.txt")
    assert (project.root / "r.txt").read_text().split()[:4] == ["country", "requests", "USA", "5"]
    asked(project, *FOUND, "--out", "r.JSON")
    assert json.loads((project.root / "r.JSON").read_text())["rows"] == [{"country": "USA", "requests": 5}]
