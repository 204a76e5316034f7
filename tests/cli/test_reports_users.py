"""`reports users` against a server that is not ours: whole reports, people, resumption, and what is missing."""

import csv
import io
import json
import stat
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest
from pyarrow import parquet
from support.command import Project
from support.reports import Answer, ReportServer, dt_csv, dt_row, serving

from reconciler.apis import user_reports

each = pytest.mark.parametrize
LAST = datetime.now(UTC).date() - timedelta(days=2)
FIRST = LAST - timedelta(days=1)
DAYS = ("--from", f"{FIRST}", "--to", f"{LAST}")
ONE_DAY = ("--from", f"{LAST}", "--to", f"{LAST}")
UUID = "38400000-8cf0-11bd-b23e-10b96e40000d"
KEYS = {"DT_REPORTING_CLIENT_ID": "id-canary-7", "DT_REPORTING_CLIENT_SECRET": "secret-canary-7"}
MANIFEST = """version: 1
apps:
  - {platform: android, bundle: com.a, name: A, category1: Finance, coppa: false}
"""


def row(**said):
    """A row of the report that app 99 has of the last day."""
    return dt_row(**{"app": "99", "date": LAST, **said})


class Vendor(ReportServer):
    """Orders lead to a file of their own; `files_of` holds the file of an app and a day, or how it is answered."""

    def __init__(self):
        super().__init__()
        self.orders = self._order
        self.files_of = {}
        self.usual = lambda app, day: dt_csv([row(date=day, app=app, device=UUID)])

    def _order(self, heard):
        app, day = heard.json["appId"], heard.json["date"]
        answer = self.files_of.get((app, day))
        if isinstance(answer, Answer) and answer.status == 400:
            return answer
        return Answer(
            body=json.dumps({"id": f"job-{app}-{day}", "url": f"{self.url}/f/{app}/{day}.csv?Signature=LbhE5"}).encode()
        )

    def answer(self, heard):
        if heard.line.startswith("GET /f/"):
            self.heard.append(heard)
            app, day = heard.line.split()[1].split("?")[0].removesuffix(".csv").split("/")[2:]
            made = self.files_of.get((app, day))
            if isinstance(made, list):
                made = made.pop(0) if len(made) > 1 else made[0]
            return made if isinstance(made, Answer) else Answer(body=made or self.usual(app, day))
        return super().answer(heard)


@pytest.fixture
def vendor():
    with serving(Vendor()) as server:
        yield server


@pytest.fixture
def alone(tmp_path, vendor):
    """A folder without a project."""
    folder = Project(tmp_path / "alone")
    (folder.root / "reconciler.yaml").unlink(missing_ok=True)
    folder.env |= {**KEYS, "DT_REPORTING_URL": vendor.url, "HOME": f"{tmp_path}/home", "XDG_STATE_HOME": ""}
    return folder


@pytest.fixture
def project(alone):
    alone.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\n')
    return alone


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def users(project, *words, code=0, **env):
    done = project.call("reports", "users", *words, **env)
    assert done.code == code, done.out + done.err
    assert not any(word in done.out + done.err for word in ("canary", "Canary", "Signature", "LbhE5", "Traceback"))
    return done


def orders(vendor):
    return [(heard.json["appId"], heard.json["date"]) for heard in vendor.of("POST /api")]


def test_apps_and_days_stand_in_order_below_one_header_without_people(alone, vendor):
    done = users(alone, "--app", "1000", "--app", "99", *DAYS, "--format", "csv")
    assert done.out.splitlines()[0] == (
        "Date,Fyber App ID,App Name,Placement Name,Placement Type,Country,Device OS,Impressions,Revenue (USD)"
    )
    assert [(row["Fyber App ID"], row["Date"]) for row in rows_of(done.out)] == [
        (app, f"{day}") for app in ("99", "1000") for day in (FIRST, LAST)
    ]
    assert "Device ID" in done.err
    assert UUID not in done.out + done.err


def test_a_table_shows_the_first_rows_and_says_how_many_there_are(alone, vendor):
    vendor.usual = lambda app, day: dt_csv([row(date=day, app=app)] * 500)
    done = users(alone, "--app", "99", *ONE_DAY)
    assert done.out.count("int_13") == 20
    assert "480 more rows" in done.out


def test_values_are_the_vendors_and_typed_where_columns_are(alone, vendor, tmp_path):
    rows = [
        row(date=LAST, revenue="0.0012300000000000001", placement="=1+1", impressions="7"),
        row(date=LAST, revenue="1.5e-05", placement='a "b", c'),
        row(date=LAST, revenue="much", impressions="1,234"),
    ]
    vendor.usual = lambda *_: dt_csv(rows)
    found = rows_of(users(alone, "--app", "99", *ONE_DAY, "--format", "csv").out)
    assert [row["Revenue (USD)"] for row in found] == ["0.0012300000000000001", "1.5e-05", "much"]
    assert [row["Placement Name"] for row in found] == ["'=1+1", 'a "b", c', "int_13"]
    told = users(alone, "--app", "99", *ONE_DAY, "--format", "json", code=3).json
    assert (told["format"], told["columns"][0]["type"]) == ("reconciler.rows/1", "day")
    assert [row["Revenue (USD)"] for row in told["rows"]] == [0.0012300000000000001, 0.000015, None]
    assert told["rows"][0]["Placement Name"] == "=1+1"
    out = tmp_path / "users.parquet"
    done = users(alone, "--app", "99", *ONE_DAY, "--out", f"{out}", code=3)
    assert "cannot be read, and are null: 1 Impressions, 1 Revenue (USD)" in done.err
    table = parquet.read_table(out)
    assert [f"{table.schema.field(name).type}" for name in ("Date", "Impressions", "Revenue (USD)", "Country")] == [
        "date32[day]", "int64", "decimal128(38, 24)", "string",
    ]  # fmt: skip
    assert table.column("Revenue (USD)").to_pylist()[:2] == [Decimal("0.0012300000000000001"), Decimal("0.000015")]
    assert table.column("Date").to_pylist() == [LAST] * 3


def test_date_and_app_come_from_the_order_where_the_file_has_neither(alone, vendor):
    header = ("Placement Name", "Country", "Device ID", "Impressions", "Revenue (USD)")
    vendor.usual = lambda *_: dt_csv([row()], header)
    found = rows_of(users(alone, "--app", "99", *DAYS, "--format", "csv").out)
    assert [(row["Date"], row["App ID"]) for row in found] == [(f"{FIRST}", "99"), (f"{LAST}", "99")]
    assert list(found[0])[:3] == ["Date", "App ID", "Placement Name"]


@each("name", ["Device ID", "IDFV", "Custom ID", "IP address", "user_agent", "Ref", "Xyz", "Visitor"])
def test_no_id_leaks_under_any_name(alone, vendor, name):
    looks = {"IP address": "10.1.2.3", "user_agent": "Mozilla/5.0", "Ref": UUID.upper(), "Xyz": "a1" * 16}
    header = ("Date", "Fyber App ID", "Placement Name", "Country", name, "Impressions", "Revenue (USD)")
    rows = [{**row(date=LAST), name: ""}, {**row(date=LAST), name: looks.get(name, "id-4711")}]
    vendor.usual = lambda *_: dt_csv(rows, header)
    dropped = users(alone, "--app", "99", *ONE_DAY, "--format", "csv")
    assert name not in dropped.out.splitlines()[0]
    assert f'"{name}"' in dropped.err
    hashed = rows_of(users(alone, "--app", "99", *ONE_DAY, "--format", "csv", "--people", "hash").out)
    assert [len(row[name]) for row in hashed] == [0, 32]
    kept = users(alone, "--app", "99", *ONE_DAY, "--format", "csv", "--people", "keep")
    assert rows_of(kept.out)[1][name] == rows[1][name]
    assert "personal data" in kept.err


def test_a_column_that_nobody_knows_is_one_of_people_and_named(alone, vendor):
    header = ("Date", "Placement Name", "Country", "Login", "eCPM", "Impressions", "Revenue (USD)")
    vendor.usual = lambda *_: dt_csv([{**row(date=LAST), "Login": "anna", "eCPM": "1.5"}], header)
    dropped = users(alone, "--app", "99", *ONE_DAY, "--format", "csv")
    assert "anna" not in dropped.out
    assert "eCPM" in dropped.out
    assert 'dropped, as they may tell of people: "Login"' in dropped.err
    hashed = users(alone, "--app", "99", *ONE_DAY, "--format", "csv", "--people", "hash")
    assert "anna" not in hashed.out
    assert 'hashed with your salt: "Login"' in hashed.err
    assert (
        rows_of(users(alone, "--app", "99", *ONE_DAY, "--format", "csv", "--people", "keep").out)[0]["Login"] == "anna"
    )


def test_a_column_that_shows_ids_on_one_day_is_dropped_on_all(alone, vendor):
    header = ("Date", "Placement Name", "Country", "Xyz", "Impressions", "Revenue (USD)")
    vendor.files_of["99", f"{FIRST}"] = dt_csv([{**row(date=FIRST), "Xyz": "plain"}], header)
    vendor.files_of["99", f"{LAST}"] = dt_csv([{**row(date=LAST), "Xyz": UUID}], header)
    done = users(alone, "--app", "99", *DAYS, "--format", "csv")
    assert "Xyz" not in done.out
    hashed = rows_of(users(alone, "--app", "99", *DAYS, "--format", "csv", "--people", "hash").out)
    assert [len(row["Xyz"]) for row in hashed] == [32, 32]


def test_hashes_are_those_of_floors_fetch_and_masked_rows_stay(project, vendor):
    masked = "aggregated masked user level revenue"
    vendor.usual = lambda _, day: dt_csv([row(date=day, device=UUID), row(date=day, device=masked)])
    found = rows_of(users(project, "--app", "99", *ONE_DAY, "--format", "csv", "--people", "hash").out)
    assert found[1]["Device ID"] == masked
    salt = (project.root / ".reconciler/salt").read_text().strip()
    assert found[0]["Device ID"] == sha256(f"{salt}{UUID}".encode()).hexdigest()[:32]


def test_the_setting_of_the_project_says_what_becomes_of_people(project, vendor):
    project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nreports: {people: hash}\n')
    assert "Device ID" in users(project, "--app", "99", *ONE_DAY, "--format", "csv").out


def test_days_that_are_missing_are_named_and_the_rest_is_written(alone, vendor, tmp_path):
    vendor.files_of["99", f"{FIRST}"] = Answer(400, b'{"error": "invalid_query", "message": "user level is off"}')
    out = tmp_path / "users.csv"
    done = users(alone, "--app", "99", *DAYS, "--out", f"{out}", code=3)
    assert f"app 99, {FIRST}" in done.err
    assert "user level is off" in done.err
    assert "account manager" in done.err
    assert [row["Date"] for row in rows_of(out.read_text())] == [f"{LAST}"]
    del vendor.files_of["99", f"{FIRST}"]
    users(alone, "--app", "99", *DAYS, "--out", f"{out}")
    assert len(rows_of(out.read_text())) == 2
    assert orders(vendor).count(("99", f"{LAST}")) == 1


def test_where_nothing_is_there_nothing_is_written(alone, vendor, tmp_path):
    vendor.usual = lambda *_: b"<html>"
    out = tmp_path / "users.csv"
    done = users(alone, "--app", "99", *ONE_DAY, "--out", f"{out}", code=1)
    assert f"job job-99-{LAST}" in done.err
    assert not out.exists()
    old = datetime.now(UTC).date() - timedelta(days=40)
    assert "keeps 10 days" in users(alone, "--app", "99", "--from", f"{old}", "--to", f"{old}", code=1).err


def test_reports_without_rows_say_that_data_may_be_disabled(alone, vendor):
    vendor.usual = lambda *_: dt_csv([])
    done = users(alone, "--app", "99", *ONE_DAY, "--format", "csv")
    assert done.out.startswith("Date,")
    assert "account manager" in done.err


def test_a_run_that_was_stopped_waits_for_the_same_jobs_and_keeps_what_is_there(project, vendor):
    project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nreports: {waitMinutes: 0.02}\n')
    vendor.files_of["99", f"{LAST}"] = Answer(404)
    users(project, "--app", "99", *DAYS, "--format", "csv", code=3)
    kept = [
        path for path in (project.root / ".reconciler/user-reports").rglob("*.json") if path.parent.name == "orders"
    ]
    assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o600]
    assert stat.S_IMODE((project.root / ".reconciler/user-reports").stat().st_mode) == 0o700
    everything = [path for path in (project.root / ".reconciler").rglob("*") if path.is_file()]
    assert not [path for path in everything if UUID.encode() in path.read_bytes()]
    del vendor.files_of["99", f"{LAST}"]
    assert len(rows_of(users(project, "--app", "99", *DAYS, "--format", "csv").out)) == 2
    assert sorted(orders(vendor)) == [("99", f"{FIRST}"), ("99", f"{LAST}")]
    left = [path for path in (project.root / ".reconciler/user-reports").rglob("*") if path.is_file()]
    assert [path.name for path in left] in ([".lock"], [])


def test_an_order_whose_file_ends_amid_a_line_is_kept_for_a_later_call(project, vendor, monkeypatch):
    monkeypatch.setattr(user_reports, "_CUTS", 2)
    whole = dt_csv([row(date=LAST, app="99", device=UUID)])
    vendor.files_of["99", f"{LAST}"] = Answer(parts=[whole[:-4]])
    assert "ends amid a line" in users(project, "--app", "99", *ONE_DAY, "--format", "csv", code=1).err
    vendor.files_of["99", f"{LAST}"] = Answer(parts=[whole])
    assert len(rows_of(users(project, "--app", "99", *ONE_DAY, "--format", "csv").out)) == 1
    assert orders(vendor) == [("99", f"{LAST}")]


def test_an_order_whose_url_is_dead_is_made_again(project, vendor):
    project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\nreports: {waitMinutes: 0.02}\n')
    vendor.files_of["99", f"{LAST}"] = Answer(404)
    users(project, "--app", "99", *ONE_DAY, code=1)
    expired = Answer(403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
    vendor.files_of["99", f"{LAST}"] = [expired, Answer(body=vendor.usual("99", LAST))]
    users(project, "--app", "99", *ONE_DAY)
    assert len(orders(vendor)) == 2


def test_kept_people_are_left_nowhere_but_in_the_file_for_its_owner(project, vendor, tmp_path):
    out = tmp_path / "users.csv"
    vendor.files_of["99", f"{FIRST}"] = b"<html>"
    done = users(project, "--app", "99", *DAYS, "--out", f"{out}", "--people", "keep", code=3)
    assert UUID in out.read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "delete it" in done.err
    kept = [path for path in (project.root / ".reconciler").rglob("*") if path.is_file()]
    assert {path.suffix for path in kept} <= {"", ".lock"}


def test_lines_that_cannot_be_read_are_counted_and_the_others_there(alone, vendor):
    good = row(date=LAST)
    body = (
        dt_csv([good, good])
        + b'2026-11-20,"99,open\r\na,b\r\n'
        + dt_csv([good])
        + b"\xff\xfe"
        + dt_csv([good]).split(b"\r\n")[1]
        + b"\r\n"
    )
    vendor.usual = lambda *_: body
    done = users(alone, "--app", "99", *ONE_DAY, "--format", "csv", code=3)
    assert len(rows_of(done.out)) == 4
    assert "more than 1 %" in done.err
    assert "left out" in done.err
    assert f"job-99-{LAST}" in done.err


def test_apps_are_found_by_address_pin_and_account(project, vendor, rival):
    project.env |= {"DT_MANAGEMENT_URL": rival.url}
    project.write("apps/a.yaml", MANIFEST.replace("name: A", 'name: A, appId: "77"'))
    assert rows_of(users(project, "--app", "android:com.a", *ONE_DAY, "--format", "csv").out)[0]["Fyber App ID"] == "77"
    assert rows_of(users(project, *ONE_DAY, "--format", "csv").out)[0]["Fyber App ID"] == "77"
    project.write("apps/a.yaml", MANIFEST)
    assert project.call("apply", "--yes").code == 0
    (number,) = rival.apps
    (project.root / "apps/a.yaml").unlink()
    (project.root / "reconciler.lock").unlink()
    for words in ((), ("--app", "android:com.a")):
        assert rows_of(users(project, *words, *ONE_DAY, "--format", "csv").out)[0]["Fyber App ID"] == f"{number}"
    assert "no id is known" in users(project, "--app", "android:com.b", *ONE_DAY, code=1).err


def test_wrong_calls_are_usage_errors(alone, vendor, tmp_path):
    assert "--app ID" in users(alone, *ONE_DAY, code=64).err
    assert "--app ID" in users(alone, "--app", "android:com.a", *ONE_DAY, code=64).err
    users(alone, "--app", "1", "--from", f"{LAST}", "--to", f"{FIRST}", code=64)
    users(alone, "--app", "1", *ONE_DAY, "--out", f"{tmp_path}/x.txt", code=64)
    users(alone, "--app", "1", *ONE_DAY, code=1, DT_REPORTING_CLIENT_ID="")
    assert not vendor.heard


def test_the_oldest_day_that_nobody_named_may_be_gone(alone, vendor):
    oldest = datetime.now(UTC).date() - timedelta(days=10)
    vendor.files_of["99", f"{oldest}"] = Answer(400, b'{"error": "invalid_query"}')
    done = users(alone, "--app", "99", "--format", "csv")
    assert f"no longer gives {oldest}" in done.err
    assert len(rows_of(done.out)) in {8, 9}


@pytest.fixture
def signed(vendor):
    """Orders lead to a URL with a signature that is spelled in two ways."""
    vendor.orders = lambda heard: Answer(
        body=json.dumps(
            {"id": "job-1", "url": f"{vendor.url}/f/99/{heard.json['date']}.csv?Sig=SigCanary%2B1&Expires=15705"}
        ).encode()
    )
    return vendor


SPOKEN = "signature SigCanary%2B1 is not SigCanary+1; client secret-canary-7, id-canary-7"


@each(
    "file",
    [
        Answer(body=json.dumps({"message": SPOKEN}).encode()),
        Answer(body=json.dumps({"message": SPOKEN, "rest": "x " * 3000}).encode()),
        Answer(body=(" " * 4000 + '{"message": "' + "y" * 70 + " secret-canary-7").encode()),
        Answer(body=f"error: {SPOKEN}\n".encode()),
        Answer(body=f"error,{SPOKEN}\n1,2\n".encode()),
        Answer(302, headers={"Location": "https://secret-canary-7.example/f"}),
    ],
    ids=["json", "long json", "cut json", "a line", "a header", "redirect"],
)
@each("words", [("--format", "json"), ("--summary", "--people", "hash")], ids=["rows", "summary"])
def test_what_is_told_of_a_file_repeats_no_secret_of_its_url_or_the_client(alone, signed, file, words):
    signed.files_of["99", f"{LAST}"] = file
    done = users(alone, "--app", "99", *ONE_DAY, *words, code=1)
    assert "job-1" in done.err
    assert "SigCanary" not in done.out + done.err


def test_words_of_a_redirect_repeat_neither_of_both_signatures(alone, signed):
    signed.files_of["99", f"{LAST}"] = Answer(302, headers={"Location": "/elsewhere?sig=OtherCanary%2F2"})
    signed.files = [Answer(body=b'{"message": "OtherCanary/2 and SigCanary+1 do not agree"}')]
    assert "do not agree" in users(alone, "--app", "99", *ONE_DAY, code=1).err


def test_what_stands_beside_an_order_repeats_no_signature(alone, vendor):
    for beside in ({"warning": "the signature SigCanary+1 is young"}, {"status": "failed", "message": "SigCanary+1"}):
        told = {"id": "job-1", "url": f"{vendor.url}/f/99/{LAST}.csv?Sig=SigCanary%2B1", **beside}
        vendor.orders = lambda _, told=told: Answer(body=json.dumps(told).encode())
        vendor.usual = lambda *_: dt_csv([])
        done = users(alone, "--app", "99", *ONE_DAY, code=1)
        assert "SigCanary" not in done.err


def test_revenue_in_powers_of_ten_and_of_any_size_is_read_or_null_and_never_fails(alone, vendor):
    """Fourteen digits before the point and 24 behind it fit the type; what has more is null, and told."""
    fits = {"1.2345E+4": 12345, "1e13": 10**13, "99999999999999.5": 99999999999999.5, "1e-30": 0, "007.5": 7.5}
    for text, number in fits.items():
        vendor.usual = lambda *_, text=text: dt_csv([row(revenue=text)])
        told = users(alone, "--app", "99", *ONE_DAY, "--format", "json").json
        assert [each["Revenue (USD)"] for each in told["rows"]] == [number]
    for text in ("100000000000000", "123456789012345.25", "1e14", "1e999", "9" * 60):
        vendor.usual = lambda *_, text=text: dt_csv([row(revenue=text)])
        done = users(alone, "--app", "99", *ONE_DAY, "--format", "json", code=3)
        assert [each["Revenue (USD)"] for each in done.json["rows"]] == [None]
        assert "1 Revenue (USD)" in done.err
        assert rows_of(users(alone, "--app", "99", *ONE_DAY, "--format", "csv").out)[0]["Revenue (USD)"] == text


@each("people", ["keep", "hash"])
def test_a_failure_leaves_no_clear_id_and_no_day_that_a_later_call_fails_on(
    project, vendor, tmp_path, monkeypatch, people
):
    def broken(*_):
        raise ArithmeticError("unforeseen")

    vendor.usual = lambda *_: dt_csv([row(device=UUID)])
    with monkeypatch.context() as patch:
        patch.setattr("reconciler.warehouse.user_report_run.typed_cells", broken)
        project.call("reports", "users", "--app", "99", *ONE_DAY, "--format", "json", "--people", people)
    left = [path for path in (project.root / ".reconciler/user-reports").rglob("*") if path.is_file()]
    assert [path.name for path in left] in ([".lock"], [])
    users(project, "--app", "99", *ONE_DAY, "--format", "json", "--people", people)


def test_no_clear_id_stays_where_the_file_cannot_be_written_or_the_report_is_none(project, vendor, tmp_path):
    vendor.files_of["99", f"{FIRST}"] = dt_csv([row(date=FIRST, device=UUID)]) + b'"9'
    vendor.usual = lambda *_: dt_csv([row(device=UUID)])
    (tmp_path / "a folder").write_text("")
    out = tmp_path / "a folder/users.csv"
    users(project, "--app", "99", *DAYS, "--out", f"{out}", "--people", "keep", code=1)
    everything = [path for path in (project.root / ".reconciler").rglob("*") if path.is_file()]
    assert not [path for path in everything if UUID.encode() in path.read_bytes()]
    assert not [path for path in everything if "parts" in path.parts]


def test_more_than_one_in_a_hundred_rows_left_out_is_no_whole_answer(alone, vendor):
    good = [row()] * 300
    vendor.usual = lambda *_: dt_csv(good) + b"short,line\r\n" * 3
    assert "3 rows left out" in users(alone, "--app", "99", *ONE_DAY, "--format", "csv").err
    vendor.usual = lambda *_: dt_csv(good) + b"short,line\r\n" * 4
    done = users(alone, "--app", "99", *ONE_DAY, "--format", "csv", code=3)
    assert "warning" in done.err
    assert "4 rows left out: 4 not of the header's form" in done.err
    assert len(rows_of(done.out)) == 300
    summed = users(alone, "--app", "99", *ONE_DAY, "--summary", "--people", "hash", code=1)
    assert "4 not of the header's form" in summed.err


@each(("other", "why"), [({"app": "7"}, "of another app"), ({"date": FIRST}, "of another day")], ids=["app", "day"])
def test_rows_of_another_order_are_set_aside_and_a_day_of_none_but_such_fails(alone, vendor, other, why):
    vendor.usual = lambda *_: dt_csv([*[row()] * 200, row(**other)])
    done = users(alone, "--app", "99", *ONE_DAY, "--format", "csv")
    assert len(rows_of(done.out)) == 200
    assert f"1 rows left out: 1 {why}" in done.err
    vendor.usual = lambda *_: dt_csv([*[row()] * 20, *[row(**other)] * 2])
    assert len(rows_of(users(alone, "--app", "99", *ONE_DAY, "--format", "csv", code=3).out)) == 20
    vendor.usual = lambda *_: dt_csv([row(**other)] * 2)
    assert f"2 {why}" in users(alone, "--app", "99", *ONE_DAY, "--format", "csv", code=1).err


def test_a_date_with_a_time_and_an_id_with_blanks_are_those_of_the_order(alone, vendor):
    rows = [row(date=f"{LAST} 00:00:00"), row(date=f"{LAST}T23:59:59Z"), row(app=" 99 "), row(date="", app="")]
    vendor.usual = lambda *_: dt_csv(rows)
    assert len(rows_of(users(alone, "--app", "99", *ONE_DAY, "--format", "csv").out)) == 4


def test_columns_that_mean_the_same_are_one_under_the_first_name_and_typed_throughout(alone, vendor):
    vendor.files_of["99", f"{FIRST}"] = b"Placement Name,Country,User ID,Impressions,Revenue (USD)\np,US,u,1,0.5\n"
    vendor.files_of["99", f"{LAST}"] = b"Placement,Geo,GAID,Imps,Net Revenue,app_version\np,US,u,1,0.25,7\n"
    told = users(alone, "--app", "99", *DAYS, "--format", "json", "--people", "hash")
    names = ["Date", "App ID", "Placement Name", "Country", "User ID", "Impressions", "Revenue (USD)", "app_version"]
    assert [column["name"] for column in told.json["columns"]] == names
    assert [each["Revenue (USD)"] for each in told.json["rows"]] == [0.5, 0.25]
    assert len({each["User ID"] for each in told.json["rows"]}) == 1
    assert told.err.count('"Net Revenue" is "Revenue (USD)"') == 1
    vendor.files_of["99", f"{FIRST}"] = b"Placement,Geo,Imps,Net Revenue,App Version\np,US,1,0.5,6\n"
    vendor.files_of["99", f"{LAST}"] = (
        b"Placement,Geo,Imps,Revenue (USD),Net Revenue,App Version\np,US,1,0.25,0.125,7\n"
    )
    told = users(alone, "--app", "99", *DAYS, "--format", "json").json
    assert [(each["Net Revenue"], each["Revenue (USD)"]) for each in told["rows"]] == [(0.5, None), (0.125, 0.25)]


def test_line_ends_within_a_value_stay_within_quotes(alone, vendor):
    placement = "two\r\nlines\n::stop-commands::x"
    vendor.usual = lambda *_: dt_csv([row(placement=placement, device=UUID), row(placement="\n=1+1", device=UUID)])
    found = rows_of(users(alone, "--app", "99", *ONE_DAY, "--format", "csv").out.replace("\r\n", "\r\n"))
    assert [each["Placement Name"].replace("\r", "") for each in found] == [
        "two\nlines\n\\::stop-commands::x", "'\n=1+1",
    ]  # fmt: skip
    users(alone, "--app", "99", *ONE_DAY, "--summary", "--people", "hash")
