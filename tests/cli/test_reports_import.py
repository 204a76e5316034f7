"""Reports of other mediation platforms, from the file as it comes to floors in a manifest: no vendor is asked."""

import shutil
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from support.command import Project
from support.evidence import SAMPLES, many, recent, row, text
from support.harmless import assert_harmless
from support.schemas import assert_as_published

# Ibis calls DuckDB by a name that DuckDB is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

each = pytest.mark.parametrize
SAMPLE = pytest.mark.parametrize("sample", ["max.csv", "levelplay.csv", "admob.csv"])
INT_13 = "android:com.a/int_13"
MANIFEST = """\
version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {name: int_13, placementId: "243713", placementType: Interstitial, floorPrices: {WW: 0.01, US: 1.20}}
"""
NASTY = "=HYPERLINK(1)\x1b[31m::error::x ##[error]"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project that has never spoken to anybody, and the working folder."""
    project = Project(tmp_path / "project")
    project.write("apps/a.yaml", MANIFEST)
    monkeypatch.chdir(project.root)
    return project


def yesterday():
    return datetime.now(UTC).date() - timedelta(days=1)


def cells(project):
    suggested = project.call("floors", "suggest", "--format", "json")
    assert suggested.code == 0, suggested.err
    assert_as_published(suggested.json, "floors")
    return {one["country"]: one for one in suggested.json["suggestions"]}


@SAMPLE
def test_floors_are_suggested_and_written_from_a_platforms_report_alone(project, sample):
    project.write(sample, recent(sample, yesterday()))
    taken = project.call("reports", "import", sample)
    assert taken.code == 0, taken.err
    assert "Imported 84 rows of 1 app, 14 days" in taken.out
    found = cells(project)
    assert {country: one["verdict"] for country, one in found.items()} == {"US": "lower", "WW": "raise"}
    us, world = found["US"], found["WW"]
    assert (us["mode"], us["evidence"]["requests"], us["evidence"]["impressions"]) == ("waterfall", 56000, 2100)
    assert us["opportunityCost"]["estimate"] == pytest.approx(1000 * 18.1 / 53900, rel=0.05)
    assert (us["suggested"], world["suggested"]) == (0.6, 0.44)
    assert us["expectedChangePerWeek"] is None
    assert any("what the change would bring is not known" in reason for reason in us["reasons"])
    written = project.call("floors", "write")
    assert written.code == 0, written.err
    assert "floorPrices: {WW: 0.44, US: 0.60}" in project.read("apps/a.yaml")


@SAMPLE
def test_an_import_is_told_as_its_schema_says(project, sample):
    shutil.copy(SAMPLES / sample, project.root)
    told = project.call("reports", "import", sample, "--format", "json")
    assert told.code == 0, told.err
    assert_as_published(told.json, "import")
    assert told.json["network"] == sample.removesuffix(".csv")
    assert told.json["summary"]["imported"] == 84
    assert told.json["sources"]["fyber"] == 28
    assert told.json["decimals"] == ("comma" if sample == "admob.csv" else "point")
    assert any("time zone of the AdMob account" in note for note in told.json["notes"]) == (sample == "admob.csv")


def test_a_second_import_replaces_and_does_not_double(project):
    project.write("max.csv", recent("max.csv", yesterday()))
    assert project.call("reports", "import", "max.csv").code == 0
    before = cells(project)
    again = project.call("reports", "import", "max.csv")
    assert "14 were there before and are replaced" in again.out
    assert cells(project) == before


def test_without_requests_or_the_way_dt_is_asked_what_is_missing_is_said(project):
    rows = [{**one, "impressions": "900"} for one in recent_rows()]
    bare = [{name: value for name, value in one.items() if name != "requests"} for one in rows]
    project.write("bare.csv", text(*bare))
    taken = project.call("reports", "import", "bare.csv")
    assert (taken.code, "there is no column of requests" in taken.out) == (0, True)
    us = cells(project)["US"]
    assert us["verdict"] == "insufficient"
    assert any("No report tells how often DT was asked" in reason for reason in us["reasons"])

    unsaid = [{name: value for name, value in one.items() if name != "network_type"} for one in rows]
    project.write("unsaid.csv", text(*unsaid))
    taken = project.call("reports", "import", "unsaid.csv")
    assert "do not say how it is asked (network_type)" in taken.out
    assert any("asked in turn or in one auction" in reason for reason in cells(project)["US"]["reasons"])


def recent_rows():
    """Two weeks of DT and of a source behind it."""
    shift = yesterday() - datetime.fromisoformat(row()["day"]).date()
    moved = [{**one, "day": f"{datetime.fromisoformat(one['day']).date() + shift}"} for one in many(14)]
    rest = {"source": "AdMob", "placement": "x", "impressions": "300", "revenue": "1.5"}
    return [line for one in moved for line in (one, {**one, **rest})]


def test_a_report_without_dt_is_said_to_be_one(project):
    project.write("others.csv", text(*[{**one, "source": "Vungle"} for one in many(3)]))
    assert "no row is of DT" in project.call("reports", "import", "others.csv").out


def test_refused_rows_are_told_with_counts_and_places_and_above_a_share_nothing_is_kept(project):
    project.write("some.csv", text(*many(40), row(requests="lots", country="FR")))
    told = project.call("reports", "import", "some.csv")
    assert told.code == 0
    assert "Rows refused: 1 of 41" in told.out
    assert "1 the requests is no number (line 42)" in told.out
    project.write("more.csv", text(*[row(requests="lots", country=code) for code in ("FR", "DE", "IT")], *many(9)))
    before = stored(project)
    refused = project.call("reports", "import", "more.csv")
    assert refused.code == 1
    assert "3 of 12 rows cannot be read, more than 5%" in refused.err
    assert stored(project) == before


def stored(project):
    return {path: path.read_bytes() for path in (project.root / ".reconciler").rglob("*.parquet")}


@each(
    ("words", "code", "why"),
    [
        (("none.csv",), 1, "cannot be read: No such file"),
        (("max.csv", "--map", "day"), 64, "no COLUMN=NAME"),
        (("max.csv", "--map", "day=when"), 64, "there are day, app"),
        (("max.csv", "--map", "day=day", "--map", "hour=day"), 64, "names day twice"),
        (("max.csv", "--map", "nothing=day"), 1, "no column 'nothing'"),
        (("max.csv", "--network", "meta"), 64, "not one of"),
        (("max.csv", "--network", "levelplay"), 1, "no column for"),
        (("bigquery://project/dataset",), 64, "names no table"),
        (("postgres://me:hunter2@host/db#t",), 64, "RECONCILER_EVIDENCE_URL"),
        ((), 64, "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_exit_code_and_no_secret(project, words, code, why):
    shutil.copy(SAMPLES / "max.csv", project.root)
    done = project.call("reports", "import", *words)
    assert (done.code, why in done.err) == (code, True), done.err
    assert "hunter2" not in done.out + done.err
    assert stored(project) == {}


def test_the_database_of_the_environment_is_asked_and_its_password_never_told(project):
    env = {"RECONCILER_EVIDENCE_URL": "postgres://me:hunter2@127.0.0.1:1/db"}
    project.env |= env
    done = project.call("reports", "import", "evidence", "-vv")
    assert (done.code, "postgres://127.0.0.1:1/db" in done.err) == (1, True)
    assert "hunter2" not in done.out + done.err
    assert "OperationalError" not in done.err


def test_a_table_of_a_duckdb_file_is_imported_by_name(project):
    project.write("evidence.csv", text(*recent_rows()))
    with duckdb.connect(str(project.root / "w.duckdb")) as database:
        database.execute(f"CREATE TABLE ads AS SELECT * FROM read_csv('{project.root}/evidence.csv', all_varchar=true)")
    told = project.call("reports", "import", "w.duckdb#ads")
    assert told.code == 0, told.err
    assert "Imported 28 rows" in told.out
    assert cells(project)["US"]["evidence"]["requests"] == 14000


def test_the_platform_may_be_named_in_other_words_and_columns_mapped(project):
    told = (SAMPLES / "max.csv").read_text().replace("network_placement", "spot").replace("attempts", "tries")
    project.write("max.csv", told)
    mapped = ("--map", "spot=placement", "--map", "tries=requests")
    taken = project.call("reports", "import", "max.csv", "--network", "AppLovin", *mapped)
    assert taken.code == 0, taken.err
    assert "placement = spot" in taken.out


def test_names_in_a_report_reach_screens_as_text(project):
    rows = [
        row(source=f"{NASTY}<script>", ad_unit=NASTY, app=NASTY, placement=NASTY),
        row(source="Fyber", ad_unit=NASTY, placement=NASTY, app="com.b"),
    ]
    named = [{**one, NASTY: "x"} for one in rows]
    project.write("nasty.csv", text(*named))
    taken = project.call("reports", "import", "nasty.csv")
    assert taken.code == 0, taken.err
    assert_harmless(taken.out)
    assert_harmless(project.call("floors", "suggest").out)
    project.write("wrong.csv", f"day,network,country,impressions,{NASTY}\n")
    refused = project.call("reports", "import", "wrong.csv")
    assert refused.code == 1
    assert_harmless(refused.err)


def test_a_file_with_a_name_that_steers_terminals_is_told_harmlessly(project):
    name = "re\x1b[31mport\u202e.csv"
    project.write(name, text(*many(2)))
    told = project.call("reports", "import", name)
    assert told.code == 0, told.err
    assert_harmless(told.out)
