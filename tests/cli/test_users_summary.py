"""`reports users --summary`: what users are worth, over more calls than one."""

import csv
import json
import stat
from datetime import UTC, datetime, timedelta

import pytest
from support.command import Project
from support.reports import Answer, ReportServer, dt_csv, dt_row, serving

LAST = datetime.now(UTC).date() - timedelta(days=4)
FIRST = LAST - timedelta(days=2)
DAYS = ("--from", f"{FIRST}", "--to", f"{LAST}")
IDS = [f"38400000-8cf0-11bd-b23e-{number:012x}" for number in range(3)]
KEYS = {"DT_REPORTING_CLIENT_ID": "id-canary-7", "DT_REPORTING_CLIENT_SECRET": "secret-canary-7"}
EARNED = {
    FIRST: [(IDS[0], "0.10"), (IDS[1], "0.20")],
    FIRST + timedelta(days=1): [(IDS[0], "0.30"), ("aggregated masked user level revenue", "0.15")],
    LAST: [(IDS[0], "0.40"), (IDS[2], "0.60")],
}


class Vendor(ReportServer):
    def __init__(self):
        super().__init__()
        self.orders = lambda heard: Answer(
            body=json.dumps({"id": "job-1", "url": f"{self.url}/f/{heard.json['date']}.csv"}).encode()
        )

    def answer(self, heard):
        if not heard.line.startswith("GET /f/"):
            return super().answer(heard)
        self.heard.append(heard)
        day = heard.line.split()[1].removesuffix(".csv").rpartition("/")[2]
        rows = [
            dt_row(date=day, device=user, revenue=revenue)
            for when, earned in EARNED.items()
            for user, revenue in earned
            if f"{when}" == day
        ]
        return Answer(body=dt_csv(rows))


@pytest.fixture
def vendor():
    with serving(Vendor()) as server:
        yield server


@pytest.fixture
def project(tmp_path, vendor):
    project = Project(tmp_path / "project")
    project.write("reconciler.yaml", 'version: 1\npublisherId: "3432"\n')
    project.env |= {**KEYS, "DT_REPORTING_URL": vendor.url}
    return project


def summary(project, *more):
    return project.call("reports", "users", "--app", "170709", *DAYS, "--summary", *more)


def orders(vendor):
    return [heard for heard in vendor.heard if heard.line.startswith("POST /api/v1/report")]


def test_lifetime_value_shares_and_masked_revenue(project):
    done = summary(project, "--people", "hash", "--format", "json")

    assert done.code == 0, done.err
    document = json.loads(done.out)
    ages = {row["age"]: row for row in document["rows"] if row["view"] == "all"}
    assert [ages[age]["revenue_per_user"] for age in range(3)] == [0.3, 0.45, 0.65]
    assert ages[0]["low"] < ages[0]["revenue_per_user"] < ages[0]["high"]
    tables = {table["name"]: table["rows"] for table in document["tables"]}
    assert tables["concentration"][0]["share"] == 0.5
    assert sum(row["hidden_revenue"] for row in tables["daily"]) == pytest.approx(0.15)
    assert not any(user in done.out for user in IDS)
    assert any("hidden" in note for note in document["notes"])


def test_a_second_call_orders_nothing_and_says_the_same(project, vendor):
    first = summary(project, "--people", "hash", "--format", "json")
    ordered = len(orders(vendor))
    second = summary(project, "--people", "hash", "--format", "json")

    assert ordered == 3
    assert len(orders(vendor)) == ordered
    assert second.out == first.out


def test_ids_in_clear_go_to_a_file_of_their_owner_and_nowhere_else(project, tmp_path):
    out = tmp_path / "ids.csv"
    done = summary(project, "--people", "keep", "--format", "csv", "--out", f"{out}")

    assert done.code == 0, done.err
    assert [row["id"] for row in csv.DictReader(out.read_text().splitlines())] == [IDS[0]]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "personal data" in done.err
    kept = [path for path in project.root.rglob("*") if path.is_file()]
    assert not any(user.encode() in path.read_bytes() for path in kept for user in IDS)


def test_hashed_or_in_clear_the_same_users_are_counted(project, monkeypatch):
    nobody = ["n/a", "None", "NULL", "below threshold", "masked (12)"]
    monkeypatch.setitem(EARNED, LAST, [*EARNED[LAST], *((who, "0.05") for who in nobody), ("user-1-anonymous", "0.07")])
    by_hash, in_clear = (summary(project, "--people", how, "--format", "json").json for how in ("hash", "keep"))
    assert by_hash["rows"] == in_clear["rows"]
    daily = [[table for table in found["tables"] if table["name"] == "daily"] for found in (by_hash, in_clear)]
    assert daily[0] == daily[1] != []


def test_text_and_page(project):
    text = summary(project, "--people", "hash")
    assert text.code == 0
    assert text.out.splitlines()[0] == "3 users brought 1.60 USD"

    page = summary(project, "--people", "hash", "--format", "html").out
    assert "How few bring most" in page


def test_without_ids_there_is_nothing_to_say(project, vendor):
    done = summary(project)

    assert (done.code, done.out) == (64, "")
    assert "--people hash" in done.err
    assert not vendor.heard


def test_a_page_of_plain_rows_is_refused(project):
    done = project.call("reports", "users", "--app", "170709", *DAYS, "--format", "html")

    assert done.code == 64
    assert "--summary" in done.err
