"""From reports to floors in the account, against servers that are not ours."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from support.command import Project
from support.reports import serving
from support.rival_reports import Demand, RivalReports, spread

MANIFEST = """\
# The game that pays the rent.
version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - name: int_13   # shown after each level
        placementType: Interstitial
        floorPrices: {WW: 0.01, nordics: 0.80, US: 1.20}   # set by hand in spring
      - name: int_14
        placementType: Interstitial
        floorPrices:
          WW: &low 0.01

          "DE": 0.50
"""
# Ibis calls DuckDB by a name that DuckDB is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

INT_13, INT_14 = "android:com.a/int_13", "android:com.a/int_14"
CANARIES = ("report-id-canary", "report-secret-canary", "chart-id-canary", "chart-secret-canary", "tok-canary-1")


def market(app):
    cell = lambda place, country, alpha3, requests, prices, rest, **more: Demand(  # noqa: E731
        app, place, country, alpha3, requests, prices, rest, **more
    )
    return [
        cell("int_13", "US", "USA", 4000, spread(1.2, 6, 150), 0.30),
        cell("int_13", "SE", "SWE", 4000, spread(0.8, 6, 900), 5.0),
        cell("int_13", "NO", "NOR", 4000, spread(0.8, 4, 900), 1.2),
        cell("int_13", "DK", "DNK", 20, spread(0.8, 4, 2), 1.2),
        cell("int_13", "BR", "BRA", 6000, spread(0.01, 1, 2000), 0.6),
        cell("int_14", "DE", "DEU", 4000, spread(0.5, 2, 400), 0.9, bidding=True),
        cell("nobody_knows", "US", "USA", 50, spread(1, 2, 5), 0.9),
    ]


@pytest.fixture
def reports():
    with serving(RivalReports([])) as server:
        yield server


@pytest.fixture
def project(tmp_path, rival, reports):
    """Applied once, with reports to be had."""
    project = Project(tmp_path / "project", rival.url)
    project.env |= dict.fromkeys(("DT_REPORTING_URL", "CHARTBOOST_API_URL", "CHARTBOOST_AUTH_URL"), reports.url)
    project.env |= dict(zip(KEYS, CANARIES, strict=False))
    project.write("reconciler.yaml", SETTINGS)
    project.write("apps/a.yaml", MANIFEST)
    assert project.call("apply", "--yes").code == 0
    reports.market = market(app_id(rival))
    return project


KEYS = ("DT_REPORTING_CLIENT_ID", "DT_REPORTING_CLIENT_SECRET", "CHARTBOOST_CLIENT_ID", "CHARTBOOST_CLIENT_SECRET")
SETTINGS = 'version: 1\npublisherId: "3432"\ncountryGroups: {nordics: [SE, "NO", DK, FI]}\n'


def app_id(rival):
    return str(next(number for number, fields in rival.apps.items() if fields["name"] == "A"))


def by_cell(document):
    return {(one["address"], one["country"]): one for one in document["suggestions"]}


def table(rival, name):
    return {country: Decimal(str(price)) for country, price in rival.named(name)["floorPrices"].items()}


def test_suggested_floors_and_no_others_reach_the_account(project, rival):
    fetched = project.call("floors", "fetch", "--format", "json")
    assert fetched.code == 0, fetched.err
    assert fetched.json["summary"]["failed"] == 0

    suggested = project.call("floors", "suggest", "--format", "json")
    assert suggested.code == 0, suggested.err
    cells = by_cell(suggested.json)
    assert {cell: one["verdict"] for cell, one in cells.items()} == {
        (INT_13, "WW"): "raise",
        (INT_13, "US"): "lower",
        (INT_13, "SE"): "raise",
        (INT_13, "NO"): "keep",
        (INT_13, "DK"): "insufficient",
        (INT_13, "FI"): "insufficient",
        (INT_14, "WW"): "insufficient",
        (INT_14, "DE"): "lower",
    }
    assert suggested.json["unmatched"]["dtPlacements"] == ["nobody_knows"]

    before = {name: table(rival, name) for name in ("int_13", "int_14")}
    text = project.read("apps/a.yaml")
    written = project.call("floors", "write")
    assert written.code == 0, written.err
    moved = {cell: Decimal(str(one["suggested"])) for cell, one in cells.items() if one["suggested"] != one["current"]}
    assert len(moved) == 4

    new = project.read("apps/a.yaml")
    own_line, world = f"nordics: 0.80, SE: {moved[INT_13, 'SE']:.2f}", f"WW: {moved[INT_13, 'WW']}"
    expected = text.replace("WW: 0.01, nordics: 0.80", f"{world}, {own_line}")
    expected = expected.replace("US: 1.20", f"US: {moved[INT_13, 'US']:.2f}")
    assert new == expected.replace('"DE": 0.50', f'"DE": {moved[INT_14, "DE"]}')

    plan = project.call("plan", "--format", "json", "--out", "plan.json")
    assert plan.code == 0, plan.err
    fields = {
        (change["address"], field["path"].removeprefix("floorPrices.")): field
        for change in plan.json["changes"]
        for field in change["fields"]
    }
    assert {cell: Decimal(str(field["after"])) for cell, field in fields.items()} == moved
    assert all("requests" in field["evidence"] for field in fields.values())
    assert "the rest of the waterfall pays" in project.call("show", "plan.json").out

    assert project.call("apply", "plan.json", "--yes").code == 0
    after = {name: table(rival, name) for name in ("int_13", "int_14")}
    for (address, country), price in moved.items():
        before[address.rpartition("/")[2]][country] = price
    assert after == before
    assert project.call("plan", "--detailed-exitcode").code == 0


def test_a_floor_that_has_just_changed_stands_still(project):
    assert project.call("floors", "fetch").code == 0
    assert project.call("floors", "write").code == 0
    pending = by_cell(project.call("floors", "suggest", "--format", "json").json)[INT_13, "US"]
    assert pending["verdict"] == "keep"
    assert any("apply that change first" in reason for reason in pending["reasons"])
    assert project.call("apply", "--yes").code == 0
    cooling = by_cell(project.call("floors", "suggest", "--format", "json").json)[INT_13, "US"]
    assert cooling["verdict"] == "keep"
    assert any("less than 7 days ago" in reason for reason in cooling["reasons"])
    assert project.call("floors", "write").out.startswith("No floor was changed")


def test_a_second_fetch_asks_only_for_what_may_have_been_restated(project, reports):
    assert project.call("floors", "fetch").code == 0
    orders = len(reports.of("POST /api/v1/report"))
    again = project.call("floors", "fetch", "--format", "json").json
    assert again["summary"]["fetched"] == 4
    assert len(reports.of("POST /api/v1/report")) == orders + 2


def test_nothing_secret_and_nobody_is_kept_or_told(project, reports):
    fetched = project.call("floors", "fetch", "-vv")
    outputs = [fetched, project.call("floors", "suggest"), project.call("floors", "suggest", "--format", "json")]
    told = "".join(each.out + each.err for each in outputs)
    kept = b"".join(path.read_bytes() for path in project.root.rglob("*") if path.is_file())
    for canary in (*CANARIES, "device-canary", "Signature="):
        assert canary not in told
        assert canary.encode() not in kept
    assert not [heard for heard in reports.of("GET /files/") if "Authorization" in heard.headers]


def test_explain_shows_the_working_and_backtest_replays_it(project):
    assert project.call("floors", "fetch").code == 0
    explained = project.call("floors", "suggest", "--explain", INT_13, "US")
    assert explained.code == 0
    assert "1.2" in explained.out
    unknown = project.call("floors", "suggest", "--explain", INT_13, "FR")
    assert (unknown.code, "it has floors for" in unknown.err) == (1, True)
    replayed = project.call("floors", "backtest", "--format", "json")
    assert replayed.code == 0, replayed.err


def test_what_cannot_be_done_is_said_with_what_to_do(project):
    refused = project.call("floors", "fetch", **dict.fromkeys(KEYS))
    assert (refused.code, "DT_REPORTING_CLIENT_ID" in refused.err) == (1, True)
    empty = project.call("floors", "suggest")
    assert (empty.code, "floors fetch" in empty.err) == (1, True)
    backwards = project.call("floors", "fetch", "--from", "2026-11-09", "--to", "2026-11-01")
    assert backwards.code == 64
    old = (datetime.now(UTC) - timedelta(days=40)).date().isoformat()
    late = project.call("floors", "fetch", "--source", "dt", "--from", old, "--to", old)
    assert (late.code, "DT keeps 10 days" in late.out) == (1, True)


def test_bad_reports_leave_what_was_there(project, reports):
    assert project.call("floors", "fetch").code == 0
    before = {path: path.read_bytes() for path in (project.root / ".reconciler/reports").rglob("data.parquet")}
    reports._file = lambda _: type(reports.tokens)(body=b"<html>maintenance</html>")
    failed = project.call("floors", "fetch")
    assert failed.code == 3
    assert "HTML or XML" in failed.out
    now = {path: path.read_bytes() for path in before if "source=dt" in str(path)}
    assert now == {path: data for path, data in before.items() if "source=dt" in str(path)}
