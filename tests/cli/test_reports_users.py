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


class Vendor(ReportServer):
    """Orders lead to a file of their own; `files_of` holds the file of an app and a day, or how it is answered."""

    def __init__(self):
        super().__init__()
        self.orders = self._order
        self.files_of = {}
        self.usual = lambda app, day: dt_csv([dt_row(date=day, app=app, device=UUID)])

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
    vendor.usual = lambda app, day: dt_csv([dt_row(date=day, app=app)] * 500)
    done = users(alone, "--app", "99", *ONE_DAY)
    assert done.out.count("int_13") == 20
    assert "480 more rows" in done.out


def test_values_are_the_vendors_and_typed_where_columns_are(alone, vendor, tmp_path):
    rows = [
        dt_row(date=LAST, revenue="0.0012300000000000001", placement="=1+1", impressions="7"),
        dt_row(date=LAST, revenue="1.5e-05", placement='a "b", c'),
        dt_row(date=LAST, revenue="much", impressions="1,234"),
    ]
    vendor.usual = lambda *_: dt_csv(rows)
    found = rows_of(users(alone, "--app", "99", *ONE_DAY, "--format", "csv").out)
    assert [row["Revenue (USD)"] for row in found] == ["0.0012300000000000001", "1.5e-05", "much"]
    assert [row["Placement Name"] for row in found] == ["'=1+1", 'a "b", c', "int_13"]
    told = users(alone, "--app", "99", *ONE_DAY, "--format", "json").json
    assert (told["format"], told["columns"][0]["type"]) == ("reconciler.rows/1", "day")
    assert [row["Revenue (USD)"] for row in told["rows"]] == [0.0012300000000000001, 0.000015, None]
    assert told["rows"][0]["Placement Name"] == "=1+1"
    out = tmp_path / "users.parquet"
    done = users(alone, "--app", "99", *ONE_DAY, "--out", f"{out}")
    assert "cannot be read, and are null: 1 Impressions, 1 Revenue (USD)" in done.err
    table = parquet.read_table(out)
    assert [f"{table.schema.field(name).type}" for name in ("Date", "Impressions", "Revenue (USD)", "Country")] == [
        "date32[day]", "int64", "decimal128(38, 24)", "string",
    ]  # fmt: skip
    assert table.column("Revenue (USD)").to_pylist()[:2] == [Decimal("0.0012300000000000001"), Decimal("0.000015")]
    assert table.column("Date").to_pylist() == [LAST] * 3


def test_date_and_app_come_from_the_order_where_the_file_has_neither(alone, vendor):
    header = ("Placement Name", "Country", "Device ID", "Impressions", "Revenue (USD)")
    vendor.usual = lambda *_: dt_csv([dt_row()], header)
    found = rows_of(users(alone, "--app", "99", *DAYS, "--format", "csv").out)
    assert [(row["Date"], row["App ID"]) for row in found] == [(f"{FIRST}", "99"), (f"{LAST}", "99")]
    assert list(found[0])[:3] == ["Date", "App ID", "Placement Name"]


@each("name", ["Device ID", "IDFV", "Custom ID", "IP address", "user_agent", "Ref", "Xyz", "Visitor"])
def test_no_id_leaks_under_any_name(alone, vendor, name):
    looks = {"IP address": "10.1.2.3", "user_agent": "Mozilla/5.0", "Ref": UUID.upper(), "Xyz": "a1" * 16}
    header = ("Date", "Fyber App ID", "Placement Name", "Country", name, "Impressions", "Revenue (USD)")
    rows = [{**dt_row(date=LAST), name: ""}, {**dt_row(date=LAST), name: looks.get(name, "id-4711")}]
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
    vendor.usual = lambda *_: dt_csv([{**dt_row(date=LAST), "Login": "anna", "eCPM": "1.5"}], header)
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
    vendor.files_of["99", f"{FIRST}"] = dt_csv([{**dt_row(date=FIRST), "Xyz": "plain"}], header)
    vendor.files_of["99", f"{LAST}"] = dt_csv([{**dt_row(date=LAST), "Xyz": UUID}], header)
    done = users(alone, "--app", "99", *DAYS, "--format", "csv")
    assert "Xyz" not in done.out
    hashed = rows_of(users(alone, "--app", "99", *DAYS, "--format", "csv", "--people", "hash").out)
    assert [len(row["Xyz"]) for row in hashed] == [32, 32]


def test_hashes_are_those_of_floors_fetch_and_masked_rows_stay(project, vendor):
    masked = "aggregated masked user level revenue"
    vendor.usual = lambda _, day: dt_csv([dt_row(date=day, device=UUID), dt_row(date=day, device=masked)])
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
    whole = dt_csv([dt_row(date=LAST, app="99", device=UUID)])
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
    good = dt_row(date=LAST)
    body = (
        dt_csv([good, good])
        + b'2026-11-20,"99,open\r\na,b\r\n'
        + dt_csv([good])
        + b"\xff\xfe"
        + dt_csv([good]).split(b"\r\n")[1]
        + b"\r\n"
    )
    vendor.usual = lambda *_: body
    done = users(alone, "--app", "99", *ONE_DAY, "--format", "csv")
    assert len(rows_of(done.out)) == 4
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
