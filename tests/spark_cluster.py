"""A Spark standalone cluster of a master and two workers on loopback gives DuckDB's answers over ten million rows.

`make cluster` runs it; it is no part of `make test`, as it takes a minute of two cores and 3 GB of memory.
SOAK_ROWS sets another number of rows.
"""

import os
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyspark
import pytest
from support.reports import DAY

from reconciler.apis.reports import DayRange
from reconciler.model.address import Address
from reconciler.model.evidence import Cell, EvidenceQuery, KnownPlacement
from reconciler.warehouse.report_store import DATA, Partition, PartitionMetadata, PartitionPayload, ReportStore
from reconciler.warehouse.revenue import KEYS, RevenueQuery
from reconciler.warehouse.user_value import user_value
from reconciler.warehouse.warehouse import Warehouse

pytestmark = pytest.mark.filterwarnings("ignore")

ROWS = int(os.environ.get("SOAK_ROWS", "10000000"))
DAYS = DayRange(DAY - timedelta(days=4), DAY)
KNOWN = tuple(
    KnownPlacement(Address(f"android:a/int_{number}"), f"int_{number}", "170709", None, "Interstitial")
    for number in range(6)
)
SPARK = Path(pyspark.__file__).parent
WORKERS = 2
STARTS = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def started(log, name, *call):
    """A process of Spark's, from its own scripts."""
    env = {**os.environ, "SPARK_HOME": str(SPARK), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
    with (log / f"{name}.log").open("w") as out:
        process = subprocess.Popen([SPARK / "bin/spark-class", *call], env=env, stdout=out, stderr=out, cwd=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def wait_for(log, words, times=1):
    ends = time.monotonic() + STARTS
    while log.read_text().count(words) < times:
        assert time.monotonic() < ends, f"{words} is not said in {log.read_text()[-3000:]}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The connection string of a cluster."""
    log, port, deploy = tmp_path_factory.mktemp("spark"), free_port(), "org.apache.spark.deploy"
    host = ("--host", "127.0.0.1", "--webui-port", "0")
    with ExitStack() as running:
        running.enter_context(started(log, "master", f"{deploy}.master.Master", *host, "--port", f"{port}"))
        wait_for(log / "master.log", "I have been elected leader")
        for number in range(WORKERS):
            size = ("--cores", "1", "--memory", "1g", "--work-dir", f"{log}/work{number}")
            call = (f"{deploy}.worker.Worker", *host, *size, f"spark://127.0.0.1:{port}")
            running.enter_context(started(log, f"worker{number}", *call))
        wait_for(log / "master.log", "Registering worker", WORKERS)
        settings = {
            "spark.master": f"spark://127.0.0.1:{port}",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.executor.memory": "800m",
            "spark.executor.cores": "1",
            "spark.sql.shuffle.partitions": "4",
        }
        yield "pyspark://?" + "&".join(f"{name}={value}" for name, value in settings.items())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """User reports of five days, with ten million rows of half a million users."""
    store = ReportStore(tmp_path_factory.mktemp("reports"))
    for number, day in enumerate(DAYS.days()):
        with store.draft() as folder:
            duckdb.execute(
                f"""COPY (SELECT '170709' AS app, DATE '{day}' AS day, '' AS placement_id,
                    'int_' || (hash(i) % 7)::VARCHAR AS placement_name, 'Interstitial' AS placement_type,
                    ['US', 'DE', 'GB', 'BR', ''][1 + (hash(i + 1) % 5)::INTEGER] AS country, 'Android' AS device_os,
                    CASE WHEN hash(i + 2) % 50 = 0 THEN NULL
                        ELSE md5((hash(i + {number} * 7) % 500000)::VARCHAR) END AS person,
                    hash(i + 2) % 50 = 0 AS masked, (1 + hash(i + 3) % 3)::BIGINT AS impressions,
                    (((hash(i + 4) % 9973)::DOUBLE / 1000000))::DECIMAL(18, 10) AS revenue
                FROM range({ROWS // len(DAYS)}) AS numbers(i)) TO '{folder / DATA}' (FORMAT parquet)"""
            )
            metadata = PartitionMetadata(datetime.now(UTC), "sha256:0", ROWS // len(DAYS))
            store.put(Partition("dt", "170709", f"{day}"), PartitionPayload(folder / DATA, metadata))
    return store


@pytest.fixture(scope="module")
def engines(store, cluster):
    with Warehouse(store.root) as ours, Warehouse(store.root, cluster) as theirs:
        yield ours, theirs


def test_revenue_by_every_key(engines):
    query = RevenueQuery(DAYS.first, DAYS.last, KNOWN)
    ours, theirs = (warehouse.revenue(query) for warehouse in engines)
    for keys in ((key,) for key in KEYS):
        assert ours.rows(keys) == theirs.rows(keys)
    assert sum(row["impressions"] for row in ours.rows(("day",)).records()) > ROWS


def test_evidence(engines):
    cells = [Cell(each.address, country) for each in KNOWN for country in ("US", "WW")]
    query = EvidenceQuery(cells, DAYS.first, DAYS.last, KNOWN)
    (ours, _), (theirs, _) = (warehouse.evidence(query) for warehouse in engines)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.cell, one.impressions, one.single_rows) == (other.cell, other.impressions, other.single_rows)
        assert one.revenue == pytest.approx(other.revenue)


def test_what_users_are_worth(engines, store):
    files = [*store.files("dt", DAYS.first, DAYS.last).values()]
    ours, theirs = (
        user_value(warehouse.engine, files, DAYS.first, DAYS.last, lambda app: app) for warehouse in engines
    )
    assert ours.users == theirs.users > 100_000 * min(1, ROWS // 10_000_000)
    for name in ("lifetime", "daily", "concentration", "lorenz", "most_valuable"):
        assert getattr(ours, name) == getattr(theirs, name)
