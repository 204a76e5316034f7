"""`reports revenue`: sums of what was fetched, in every format."""

import csv
import json

import pytest
from support.command import Project
from support.reports import serving
from support.rival import Rival
from support.rival_reports import Demand, RivalReports, spread

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

KEYS = ("DT_REPORTING_CLIENT_ID", "DT_REPORTING_CLIENT_SECRET", "CHARTBOOST_CLIENT_ID", "CHARTBOOST_CLIENT_SECRET")
MANIFEST = """\
version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    waterfalls:
      - name: level_end
        placementType: Interstitial
        coppa: false
        tiers:
          - {name: high, floorPrices: {WW: 2.00}}
          - {name: low, floorPrices: {WW: 0.01}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("revenue")
    with Rival().running() as rival, serving(RivalReports([])) as reports:
        project = Project(folder / "project", rival.url)
        project.env |= dict.fromkeys(("DT_REPORTING_URL", "CHARTBOOST_API_URL", "CHARTBOOST_AUTH_URL"), reports.url)
        project.env |= dict.fromkeys(KEYS, "key")
        project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\n')
        project.write("apps/a.yaml", MANIFEST)
        assert project.call("apply", "--yes").code == 0
        app = str(next(number for number, fields in rival.apps.items() if fields["name"] == "A"))
        reports.market = [
            Demand(app, "level_end_high", "US", "USA", 4000, spread(2, 6, 150), 0.30),
            Demand(app, "level_end_low", "US", "USA", 3800, spread(0.1, 1, 900), 0.30),
            Demand(app, "level_end_low", "=cmd", "DEU", 500, spread(0.1, 1, 90), 0.30),
        ]
        assert project.call("floors", "fetch").code in {0, 3}
    return project


def rows(done):
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert document["format"] == "reconciler.rows/1"
    return document["rows"]


def test_sums_by_any_keys_agree(project):
    days = rows(project.call("reports", "revenue", "--format", "json"))
    places = rows(project.call("reports", "revenue", "--by", "placement", "--format", "json"))
    both = rows(project.call("reports", "revenue", "--by", "country", "--by", "type", "--format", "json"))

    assert len(days) >= 9
    assert {row["placement"] for row in places} == {"android:com.a/level_end_high", "android:com.a/level_end_low"}
    for name in ("revenue", "impressions", "requests"):
        whole = sum(row[name] for row in days)
        assert whole > 0
        assert sum(row[name] for row in places) == pytest.approx(whole)
        assert sum(row[name] for row in both) == pytest.approx(whole)


def test_formats(project, tmp_path):
    table = project.call("reports", "revenue", "--by", "country")
    assert table.out.splitlines()[0].split()[:3] == ["country", "impressions", "revenue"]

    assert project.call("reports", "revenue", "--out", f"{tmp_path}/days.csv").code == 0
    found = list(csv.DictReader((tmp_path / "days.csv").read_text().splitlines()))
    assert float(found[0]["revenue"]) > 0

    parquet = pytest.importorskip("pyarrow.parquet")
    assert project.call("reports", "revenue", "--by", "app", "--out", f"{tmp_path}/apps.parquet").code == 0
    assert parquet.read_table(tmp_path / "apps.parquet").to_pylist()[0]["app"] == "android:com.a"

    page = project.call("reports", "revenue", "--format", "html").out
    for heading in ("Revenue by day", "Countries", "Waterfall of android:com.a", "Rows"):
        assert heading in page
    assert "<script src" not in page
    for by in ("week", "day", "country"):
        out = tmp_path / f"{by}.html"
        assert project.call("reports", "revenue", "--by", by, "--out", f"{out}").code == 0
        assert "Revenue by day" in out.read_text()
        assert out.read_text().rstrip().endswith("</html>")


def test_a_table_has_no_formula_for_a_spreadsheet(project):
    text = project.call("reports", "revenue", "--by", "country", "--format", "csv").out

    assert not any(line.startswith(("=", "+", "@")) for line in text.splitlines())


@pytest.mark.parametrize(
    ("flags", "code", "told"),
    [
        (("--by", "moon"), 64, "moon"),
        (("--format", "parquet"), 64, "--out"),
        (("--out", "revenue"), 64, "its ending says no format"),
        (("--out", "revenue.xlsx"), 64, ".csv, .parquet or .html"),
        (("--only", "ios:*"), 1, "no placement matches"),
        (("--from", "2020-01-01", "--to", "2020-01-02"), 1, "no reports"),
    ],
)
def test_what_cannot_be_answered_is_an_error(project, flags, code, told):
    done = project.call("reports", "revenue", *flags)

    assert (done.code, done.out) == (code, "")
    assert told in done.err
