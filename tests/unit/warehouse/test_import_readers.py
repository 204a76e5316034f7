"""Evidence from tables of DuckDB files, databases and object stores, and what is said where one cannot be had."""

import re
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import duckdb
import psycopg
import pytest
from support.evidence import row, rows_of, take_in, text
from support.postgres import PASSWORD, running_server
from support.reports import serving

from reconciler.errors import ProjectError, UsageError
from reconciler.model.secret import Secret
from reconciler.warehouse.engines import connect_ibis
from reconciler.warehouse.import_readers import open_records, parquet_records
from reconciler.warehouse.import_schema import StoreKeys, table_location, without_secrets
from reconciler.warehouse.report_store import ReportStore

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

each = pytest.mark.parametrize
ROWS = """SELECT day + CAST(n AS INTEGER) AS day, 'com.a' AS app, 'level_end' AS ad_unit, 'Fyber' AS source,
    'int_13' AS placement, 'mediation' AS network_type, 'US' AS country, 1000 + n AS requests, 100 AS impressions,
    0.25 AS revenue
    FROM (SELECT DATE '2026-10-01' AS day), range(40) AS numbers(n)"""


@pytest.fixture
def store(tmp_path):
    return ReportStore(tmp_path / "reports")


@pytest.fixture(scope="module")
def postgres_server():
    with running_server() as server:
        yield server


@pytest.fixture
def warehouse(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    (tmp_path / "elsewhere.csv").write_text("day,ad_unit,source,country,impressions,revenue\n", encoding="utf-8")
    with duckdb.connect(str(path)) as database:
        database.execute(f"CREATE SCHEMA ads; CREATE TABLE ads.mediation AS {ROWS}; CREATE TABLE evidence AS {ROWS}")
        database.execute(f"CREATE VIEW spy AS SELECT * FROM read_csv('{tmp_path}/elsewhere.csv')")
    return path


def requests_of(store):
    return sorted(one["requests"] for one in rows_of(store))


@each("name", ["#evidence", "#ads.mediation"])
@each("scheme", ["", "duckdb://"])
def test_a_table_of_a_duckdb_file_is_evidence(store, warehouse, name, scheme):
    found = take_in(f"{scheme}{warehouse}{name}", store)
    assert (found.kept, found.unit, len(found.days)) == (40, "row", 40)
    assert requests_of(store) == [1000 + number for number in range(40)]


def test_a_duckdb_file_reaches_for_no_other_file_and_is_not_written(store, warehouse):
    before = warehouse.read_bytes()
    with pytest.raises(ProjectError, match="may not be read"):
        take_in(f"{warehouse}#spy", store)
    assert warehouse.read_bytes() == before


@each(("name", "why"), [("#nowhere", "is not there"), ('#a"; DROP TABLE evidence; --', "is not there")])
def test_a_table_that_is_not_there_is_said_to_be(store, warehouse, name, why):
    with pytest.raises(ProjectError, match=why):
        take_in(f"{warehouse}{name}", store)
    assert take_in(f"{warehouse}#evidence", store).kept == 40


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")  # Ibis reads SQLite through Pandas
def test_a_table_of_sqlite_is_evidence_through_ibis(store, tmp_path):
    columns = list(row())
    with sqlite3.connect(tmp_path / "w.sqlite") as database:
        database.execute(f"CREATE TABLE evidence ({', '.join(columns)})")
        database.execute(f"INSERT INTO evidence VALUES ({', '.join('?' * len(columns))})", list(row().values()))
    database.close()
    assert take_in(f"sqlite:///{tmp_path}/w.sqlite#evidence", store).kept == 1


def test_a_table_of_postgresql_is_evidence_and_its_password_stays_a_secret(store, postgres_server):
    url = Secret(postgres_server.url("postgres"))
    with psycopg.connect(url.reveal(), autocommit=True) as database:
        database.execute("DROP SCHEMA IF EXISTS ads CASCADE; CREATE SCHEMA ads")
        database.execute("""CREATE TABLE ads.evidence AS SELECT DATE '2026-10-01' + n AS day, 'com.a' AS app,
            'level_end' AS ad_unit, 'Fyber' AS source, 'int_13' AS placement, 'US' AS country, 1000 + n AS requests,
            100 AS impressions, 0.25::numeric AS revenue FROM generate_series(0, 39) AS n""")
    found = take_in("ads.evidence", store, url=url)
    assert requests_of(store) == [1000 + number for number in range(40)]
    kept = "".join(path.read_text() for path in store.root.rglob("fetched.json"))
    assert PASSWORD not in kept + repr(found)
    assert f"postgresql://127.0.0.1:{postgres_server.port}/postgres#ads.evidence" in kept
    with pytest.raises(ProjectError, match="is not there") as wrong:
        take_in("ads.nowhere", store, url=url)
    assert PASSWORD not in f"{wrong.value} {wrong.value.hint}"


def test_a_database_that_cannot_be_reached_is_told_without_its_password(store):
    with pytest.raises(ProjectError, match="no connection") as wrong:
        take_in("evidence", store, url=Secret("postgres://user:hunter2@127.0.0.1:1/x"))
    told = f"{wrong.value} {wrong.value.hint}"
    assert "postgres://127.0.0.1:1/x" in told
    assert "hunter2" not in told


@each(
    "told",
    ["postgres://user:hunter2@host/x#t", "snowflake://host/x?password=hunter2#t", "bigquery://p/d?api_key=hunter2#t"],
)
def test_a_password_in_a_command_is_refused(told):
    with pytest.raises(UsageError, match="is given with a password") as wrong:
        table_location(told, None)
    assert "hunter2" not in f"{wrong.value} {wrong.value.hint}"


def test_a_url_without_a_table_is_refused():
    with pytest.raises(UsageError, match="names no table"):
        table_location("bigquery://project/dataset", None)


@each(
    ("url", "shown"),
    [
        ("postgres://user:hunter2@host:5432/db?sslmode=require", "postgres://host:5432/db"),
        ("snowflake://u:p@x@account/db", "snowflake://account/db"),
        ("warehouse.duckdb", "warehouse.duckdb"),
    ],
)
def test_a_url_is_shown_without_what_is_secret(url, shown):
    assert without_secrets(url) == shown


@each(
    ("url", "why"),
    [
        ("mysql://u:hunter2@host/x", "ibis-framework[mysql]"),
        ("snowflake://u:hunter2@host/x/y", "snowflake: not installed"),
        ("nonsense://u:hunter2@host/x", "no engine is called nonsense; Ibis knows"),
    ],
)
def test_a_missing_library_is_named_with_how_to_install_it(url, why):
    with pytest.raises(ProjectError) as wrong:
        connect_ibis(url, "the warehouse")
    told = f"{wrong.value} {wrong.value.hint}"
    assert why in told
    assert "hunter2" not in told
    assert "Error" not in told


def test_the_extension_for_object_stores_is_named_where_it_cannot_be_had(monkeypatch, tmp_path):
    """With a folder of extensions that is empty, and nowhere to fetch them from."""
    monkeypatch.setenv("HOME", str(tmp_path))
    keys = StoreKeys(Secret("key-id-canary"), Secret("secret-canary"))
    with pytest.raises(ProjectError) as wrong, parquet_records("s3://bucket/r.parquet", "s3://bucket/r.parquet", keys):
        pass
    told = f"{wrong.value} {wrong.value.hint}"
    assert "httpfs, an extension of DuckDB: not installed" in told
    assert "INSTALL httpfs" in told
    assert "canary" not in told


@pytest.fixture
def _httpfs():
    try:
        duckdb.connect().execute("LOAD httpfs")
    except duckdb.Error:
        pytest.skip("DuckDB has no extension httpfs here")


class Store(BaseHTTPRequestHandler):
    """An object store that hands out what is in a folder, with its requests' headers remembered."""

    heard: ClassVar[list] = []
    folder: ClassVar[Path]

    def do_GET(self):
        self.heard.append(self.headers.get("Authorization") or "")
        path = self.folder / self.path.lstrip("/").partition("?")[0]
        data = path.read_bytes() if path.is_file() else b""
        part = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        told = data[int(part[1]) : int(part[2]) + 1] if part else data
        self.send_response(404 if not data else 206 if part else 200)
        self.send_header("Content-Length", str(len(told)))
        self.send_header("Last-Modified", "Fri, 20 Nov 2026 10:00:00 GMT")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(told)

    do_HEAD = do_GET  # noqa: N815 - named by the base class

    def log_message(self, *args):
        """Tests are quiet."""


@pytest.mark.usefixtures("_httpfs")
def test_objects_of_a_store_are_evidence_and_are_asked_for_with_its_keys(tmp_path, store):
    Store.folder = tmp_path
    (tmp_path / "bucket").mkdir()
    duckdb.sql(f"COPY ({ROWS}) TO '{tmp_path}/bucket/r.parquet' (FORMAT parquet)")
    (tmp_path / "bucket/r.csv").write_text(text(row(day="2026-11-19"), row()), encoding="utf-16")
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Store)) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        keys = StoreKeys(Secret("key-id-canary"), Secret("secret-canary"), None, "eu-west-1", url)
        for name, rows in (("r.parquet", 40), ("r.csv", 2)):
            with open_records(f"s3://bucket/{name}", None, keys, StoreKeys()) as records:
                assert len(list(records.rows)) == rows
        with (
            pytest.raises(ProjectError, match="is not there"),
            open_records("s3://bucket/none.csv", None, keys, StoreKeys()),
        ):
            pass
    assert all("Credential=key-id-canary/" in heard for heard in Store.heard)
    assert "secret-canary" not in "".join(Store.heard)


def test_a_parquet_file_that_unpacks_to_more_than_the_memory_is_refused(tmp_path, monkeypatch, store):
    monkeypatch.setattr("reconciler.warehouse.import_readers.MEMORY", "40MB")
    path = tmp_path / "bomb.parquet"
    duckdb.sql(f"COPY (SELECT repeat('x', 300000000) AS day) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ProjectError, match="takes more memory than it may"):
        take_in(path, store)


def test_ids_and_amounts_in_columns_of_fractions_are_what_they_say(store, tmp_path):
    with duckdb.connect(str(tmp_path / "w.duckdb")) as database:
        database.execute(
            f"CREATE TABLE typed AS SELECT * REPLACE (243713.0::DOUBLE AS placement, 0.1::FLOAT AS revenue, "
            f"1000.0::DOUBLE AS requests) FROM ({ROWS})"
        )
    take_in(f"{tmp_path}/w.duckdb#typed", store)
    assert {(one["partner_placement"], one["requests"], float(one["earnings"])) for one in rows_of(store)} == {
        ("243713", 1000, 0.1)
    }


@each("name", ["a*b.parquet", "report[1].parquet", "report?.parquet"])
def test_the_name_of_a_file_is_no_pattern(store, tmp_path, name):
    for each_name, impressions in ((name, 100), ("aXb.parquet", 7), ("report1.parquet", 7)):
        duckdb.sql(f"SELECT * REPLACE ({impressions} AS impressions) FROM ({ROWS})").write_parquet(
            str(tmp_path / "draft")
        )
        (tmp_path / "draft").replace(tmp_path / each_name)
    take_in(tmp_path / name, store)
    assert {one["impressions"] for one in rows_of(store)} == {100}


@each("scheme", ["sqlite", "file"])
def test_a_database_that_is_not_there_is_not_made(store, tmp_path, scheme):
    with pytest.raises(ProjectError, match="is not there"):
        take_in(f"{scheme}://{tmp_path}/none.db#evidence", store)
    assert not (tmp_path / "none.db").exists()


@each("told", ["w.duckdb#", "sqlite:///w.db#"])
def test_a_name_that_ends_before_the_table_is_refused(told):
    with pytest.raises(UsageError, match="names no table"):
        table_location(told, None)


def test_a_table_may_be_called_as_a_folder_here_is_and_a_file_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "apps").mkdir()
    (tmp_path / "ads").write_text("", encoding="utf-8")
    url = Secret("postgres://db.example/w")
    place = table_location("apps", url)
    assert place is not None
    assert (place.url, place.table) == (url, "apps")
    assert table_location("ads", url) is None
