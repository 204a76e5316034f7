"""Answers of both reporting APIs that are odd in ways that nobody has ruled out: no day is misread in silence."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from support.command import Project
from support.reports import HEADER, Answer, Heard, dt_csv, gz, serving
from support.rival_reports import Demand, RivalReports, spread

MANIFEST = """version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {name: int_13, placementType: Interstitial, floorPrices: {WW: 0.5}}
"""
KEYS = ("DT_REPORTING_CLIENT_ID", "DT_REPORTING_CLIENT_SECRET", "CHARTBOOST_CLIENT_ID", "CHARTBOOST_CLIENT_SECRET")
URLS = ("DT_REPORTING_URL", "CHARTBOOST_API_URL", "CHARTBOOST_AUTH_URL")
FIRST, LAST = ((datetime.now(UTC).date() - timedelta(days=days)).isoformat() for days in (4, 3))
ROWS = 40
each = pytest.mark.parametrize
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")


@pytest.fixture
def reports():
    with serving(RivalReports([])) as server:
        yield server


@pytest.fixture
def project(tmp_path, rival, reports):
    project = Project(tmp_path / "project", rival.url)
    project.env |= dict.fromkeys(URLS, reports.url) | {key: f"canary-{key.lower()}" for key in KEYS}
    project.write("apps/a.yaml", MANIFEST)
    assert project.call("apply", "--yes").code == 0
    app = str(next(iter(rival.apps)))
    reports.market = [
        Demand(app, "int_13", country, alpha3, 400, spread(0.5, 3, ROWS), 0.6, bidding=alpha3 == "DEU")
        for country, alpha3 in (("US", "USA"), ("DE", "DEU"))
    ]
    return project


def fetched(project, source):
    days = ("--from", FIRST, "--to", LAST) if source == "chartboost" else ("--from", LAST, "--to", LAST)
    done = project.call("floors", "fetch", "--source", source, *days, "--format", "json")
    assert not any(word in done.out + done.err for word in ("Traceback", "Error(", "canary-", "tok-canary"))
    return done


def is_a_gap(project, source, told):
    """No day is stored, the reason is told, and a second fetch asks again."""
    for _ in range(2):
        done = fetched(project, source)
        assert done.code == 1, done.out + done.err
        assert {each["state"] for each in done.json["reports"]} == {"failed"}
        assert all(told in each["why"] for each in done.json["reports"]), done.out


def is_stored(project, source, rows, quarantined=None):
    done = fetched(project, source)
    assert done.code == 0, done.out + done.err
    assert [each["rows"] for each in done.json["reports"]] == rows
    assert all(each["quarantined"] == (quarantined or {}) for each in done.json["reports"])
    return done


def file_of(reports, make):
    """Serve what is made of the rows that the report would have."""

    def file(path):
        day = path.rsplit("/", 1)[1].removesuffix(".csv.gz")
        rows = [
            {**dict.fromkeys(HEADER, "x"), "Date": day, "Fyber App ID": path.split("/")[2], "Placement Name": "int_13",
             "Country": "US", "Device ID": f"user-{at}", "Impressions": 1, "Revenue (USD)": f"0.00{at + 1}"}
            for at in range(ROWS)
        ]  # fmt: skip
        made = make(rows)
        return made if isinstance(made, Answer) else Answer(body=made)

    reports._file = file


def changed(**values):
    return lambda rows: dt_csv(
        [{**row, **values} for row in rows], [*HEADER, *(key for key in values if key not in HEADER)]
    )


FILES = {
    "semicolons": (lambda rows: dt_csv(rows).replace(b",", b";"), "no column for placement name"),
    "a title line": (lambda rows: b"User level report\r\n\r\n" + dt_csv(rows), "no column for placement name"),
    "a zip": (lambda rows: b"PK\x03\x04" + dt_csv(rows), "a ZIP archive"),
    "gzip in gzip": (lambda rows: gz(gz(dt_csv(rows))), "packed twice"),
    "UTF-16": (lambda rows: dt_csv(rows).decode().encode("utf-16"), "UTF-16"),
    "a cut gzip": (lambda rows: gz(dt_csv(rows))[:-9], "cut short"),
    "euros in a column": (changed(Currency="EUR"), "not in USD"),
    "euros in the header": (lambda rows: dt_csv(rows).replace(b"(USD)", b"(EUR)"), "no column for revenue"),
    "decimal commas": (changed(**{"Revenue (USD)": "0,001"}), "the revenue is no number"),
    "a currency sign": (changed(**{"Revenue (USD)": "$0.001"}), "the revenue is no number"),
    "no country": (lambda rows: dt_csv(rows, [name for name in HEADER if name != "Country"]), "no column for country"),
    "another day": (changed(Date="2026-01-01"), "of another day"),
    "another app": (changed(**{"Fyber App ID": "77"}), "of another app"),
    "an app with a fraction": (changed(**{"Fyber App ID": "77.0"}), "of another app"),
    "a sentence": (lambda _: b"Sorry, try again later", "no column for placement name"),
    "a page": (lambda _: b"<html>Maintenance</html>", "an HTML or XML page"),
    "JSON": (lambda _: b'{"error": "no data"}', "JSON, not CSV: no data"),
    "part of it": (lambda rows: Answer(206, dt_csv(rows)), "HTTP 206"),
    "another encoding": (lambda rows: Answer(200, dt_csv(rows), {"Content-Encoding": "br"}), "was not asked for"),
    "another host": (lambda _: Answer(302, headers={"Location": "https://evil.example/"}), "redirect"),
    "a url that has expired": (lambda _: Answer(403, b"<Error><Message>Request has expired"), "has expired"),
}  # fmt: skip
READ = {
    "another order of columns": lambda rows: dt_csv(rows, HEADER[::-1]),
    "a byte order mark": lambda rows: b"\xef\xbb\xbf" + dt_csv(rows),
    "more columns": changed(Note="x", Currency="usd"),
    "a time behind the day": lambda rows: dt_csv([{**row, "Date": row["Date"] + " 00:00:00"} for row in rows]),
}


@each(("make", "told"), FILES.values(), ids=FILES)
def test_a_file_that_is_not_the_report_is_a_gap_with_its_reason(project, reports, make, told):
    file_of(reports, make)
    is_a_gap(project, "dt", told)
    assert not any("Authorization" in heard.headers for heard in reports.of("GET /files"))


@each("make", READ.values(), ids=READ)
def test_a_file_that_is_only_written_otherwise_is_read(project, reports, make):
    file_of(reports, make)
    is_stored(project, "dt", [ROWS])


@each("packed", [bytes, gz])
def test_parts_that_each_begin_with_the_header_are_one_report_at_any_size(project, reports, packed):
    file_of(reports, lambda rows: packed(dt_csv(rows[:5])) + packed(dt_csv(rows[5:])))
    is_stored(project, "dt", [ROWS], {"the header again": 1})


ORDERS = [
    ({"status": "EXPIRED"}, "EXPIRED"), ({"status": "partial"}, "partial"), ({"date": "2026-01-01"}, "where"),
    ({"appId": "77"}, "77"), ({"currency": "EUR"}, "EUR"), ({"url": "https://evil.example/r.csv"}, "evil.example"),
    ({"url": "/files/1.csv"}, "not a plain https URL"), ({"url": ["x"]}, "no URL"), ({"url": None}, "no URL"),
]  # fmt: skip


@each(("said", "told"), ORDERS, ids=str)
def test_an_order_that_was_answered_otherwise_than_asked_is_a_gap(project, reports, said, told):
    usual = reports.orders
    reports.orders = lambda heard: Answer(200, json.dumps({**json.loads(usual(heard).body), **said}).encode())
    is_a_gap(project, "dt", told)
    assert reports.of("GET") == []


def rows(change):
    return lambda told, asked: {**told, "data": [change(dict(row), asked) for row in told["data"]]}


def beside(**said):
    return lambda told, _: {**told, **said}


def moved(days):
    def move(row, _):
        row["date"] = (date.fromisoformat(row["date"]) + timedelta(days=days)).isoformat() if "date" in row else None
        return row

    return rows(move)


METRICS = {
    "days long past": (moved(-300), "of another day than was asked for"),
    "each a day late": (moved(1), "of another day than was asked for"),
    "euros in the rows": (rows(lambda row, _: {**row, "currency": "EUR"}), "not in USD"),
    "euros beside": (beside(currency="EUR"), "currency is EUR, where USD was asked for"),
    "another time zone": (beside(query={"timezone": "America/Los_Angeles"}), "America/Los_Angeles, where UTC"),
    "another window": (beside(date_min="2026-01-01"), "date_min is 2026-01-01"),
    "another network type": (rows(lambda row, _: {**row, "network_type": "hybrid"}), "of another network type"),
    "negative earnings": (rows(lambda row, _: {**row, "estimated_earnings": -1}), "negative"),
    "earnings with commas": (rows(lambda row, _: {**row, "estimated_earnings": "1,5"}), "no number"),
    "a sample": (beside(sampled=True), "sampled"), "more pages": (beside(hasMorePages=True), "not the whole"),
    "no last page": (beside(last_page=False), "not the whole"),
    "a total in a block": (beside(total={"value": 999}), "999 rows"),
    "a link": (beside(links=[{"rel": "next", "href": "/2"}]), "not the whole"),
    "no rows and a word": (lambda *_: {"data": [], "cached": True}, "no rows, but cached"),
    "rows by number": (lambda told, _: {"data": dict(enumerate(told["data"]))}, "no list of rows"),
    "a bare list": (lambda told, _: told["data"], "no list of rows"), "null": (lambda *_: {"data": None}, "no list"),
}  # fmt: skip


@each(("change", "told"), METRICS.values(), ids=METRICS)
def test_metrics_of_another_question_or_of_a_part_are_gaps_with_their_reason(project, reports, change, told):
    usual = reports.metrics
    reports.metrics = lambda heard: Answer(
        body=json.dumps(change(json.loads(usual(heard).body), heard.json), default=str).encode()
    )
    is_a_gap(project, "chartboost", told)


@each(("answer", "told"), [(Answer(202), "HTTP 202"), (Answer(204), "HTTP 204"), (Answer(200), "an empty body"),
                           (Answer(302, headers={"Location": "https://evil.example"}), "HTTP 302"),
                           (Answer(200, b"<html>Maintenance"), "an HTML page")], ids=str)  # fmt: skip
def test_what_are_no_metrics_is_a_gap_with_its_status(project, reports, answer, told):
    reports.metrics = lambda _: answer
    is_a_gap(project, "chartboost", told)


@each("headers", [{"Link": "</2>; rel='next'"}, {"X-Next-Page": "2"}, {"X-Total": "99"}], ids=str)
def test_metrics_whose_headers_speak_of_more_are_not_the_whole(project, reports, headers):
    usual = reports.metrics
    reports.metrics = lambda heard: Answer(200, usual(heard).body, headers)
    is_a_gap(project, "chartboost", "not the whole")


def test_a_network_type_that_is_not_heeded_counts_no_row_twice(project, reports):
    usual = reports.metrics

    def both(heard):
        asked = [{**heard.json, "filters": {"network_type": network}} for network in ("bidding", "mediation")]
        told = [usual(Heard(heard.line, heard.headers, json.dumps(one).encode())).body for one in asked]
        return Answer(body=json.dumps({"data": [row for one in told for row in json.loads(one)["data"]]}).encode())

    reports.metrics = both
    is_a_gap(project, "chartboost", "network_type was not heeded")


def test_totals_that_do_not_match_their_days_are_not_kept_and_the_days_are(project, reports):
    usual = reports.metrics

    def metrics(heard):
        told = json.loads(usual(heard).body)
        if "date" not in heard.json["dimensions"]:
            told["data"] = [{**row, "impressions": row["impressions"] * 2} for row in told["data"]]
        return Answer(body=json.dumps(told).encode())

    reports.metrics = metrics
    done = is_stored(project, "chartboost", [6, 6])
    assert "are not kept, so sums of days are used" in done.json["notes"][0]


def test_rows_that_stand_twice_count_once_and_are_told(project, reports):
    usual = reports.metrics
    reports.metrics = lambda heard: Answer(
        body=json.dumps({"data": json.loads(usual(heard).body)["data"] * 2}).encode()
    )
    done = is_stored(project, "chartboost", [6, 6])
    assert [each["repeated"] for each in done.json["reports"]] == [6, 6]
