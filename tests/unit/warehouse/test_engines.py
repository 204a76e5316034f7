"""The same expressions on DuckDB and on Spark, over the same files."""

import os
import random
import shutil
from datetime import timedelta

import pytest
from support.reports import DAY, dt_row, mediation_row, store_dt, store_mediation

from reconciler.apis.reports import DayRange
from reconciler.errors import ProjectError
from reconciler.model.address import Address
from reconciler.model.evidence import Cell, EvidenceQuery, KnownPlacement
from reconciler.warehouse.report_store import ReportStore
from reconciler.warehouse.warehouse import Warehouse

# Ibis calls DuckDB by a name that DuckDB is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

SPARK = "pyspark://?spark.master=local[1]&spark.sql.shuffle.partitions=1&spark.driver.bindAddress=127.0.0.1"
NAMES = [f"int_{number}" for number in range(6)]
COUNTRIES = {"US": "USA", "CA": "CAN", "NA": "NAM", "": None, "XK": "XKX", "DE": "DEU"}
SPAN = DayRange(DAY - timedelta(days=1), DAY)


def question(apps=("170709",)):
    known = [KnownPlacement(Address(f"android:a/{name}"), name, apps[0], None, "Interstitial") for name in NAMES[1:]]
    cells = [Cell(each.address, country) for each in known for country in ("US", "NA", "WW")]
    return EvidenceQuery(cells, SPAN.first, SPAN.last, known)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store, chance = ReportStore(tmp_path_factory.mktemp("reports")), random.Random(7)
    for day in SPAN.days():
        rows = [
            dt_row(
                date=day,
                placement=chance.choice(NAMES),
                country=chance.choice([*COUNTRIES]),
                impressions=chance.choice([1, 1, 1, 4]),
                revenue=f"{chance.lognormvariate(-7, 1):.10f}",
                device=chance.choice(["masked", "38400000-8cf0-11bd-b23e-10b96e40000d"]),
            )
            for _ in range(3000)
        ]
        store_dt(store, [*rows, *(dt_row(date=day, revenue=f"{1.01**n / 1000:.10f}") for n in range(-40, 40))], day)
    store_mediation(store, SPAN, bidding=lines(chance, NAMES[:2]), mediation=lines(chance, NAMES[2:]))
    return store


def lines(chance, names):
    return [
        mediation_row(
            date=f"{day}",
            helium_placement_name=name,
            partner_placement_name=name if source == "fyber" else "other",
            demand_source=source,
            country=country,
            requests=chance.randint(100, 1000),
            estimated_earnings=round(chance.uniform(0, 3), 2),
        )
        for day in SPAN.days()
        for name in names
        for source in ("fyber", "admob")
        for country in COUNTRIES.values()
    ]


def answer(store, engine):
    with Warehouse(store.root, engine) as warehouse:
        return warehouse.evidence(question())


@pytest.mark.skipif(shutil.which("java") is None and "CI" not in os.environ, reason="Spark runs on a JVM")
@pytest.mark.filterwarnings("ignore")
def test_spark_and_duckdb_give_equal_evidence(store):
    (ours, unmatched), (theirs, their_unmatched) = answer(store, "duckdb"), answer(store, SPARK)
    assert unmatched == their_unmatched
    assert unmatched.dt_placements == ("int_0", "int_13")
    assert sum(one.single_rows for one in ours) > 1000
    for one, other in zip(ours, theirs, strict=True):
        assert (one.cell, one.mode, one.requests, one.impressions, one.after_requests, one.single_rows) == (
            *(other.cell, other.mode, other.requests, other.impressions, other.after_requests, other.single_rows),
        )
        assert one.prices == pytest.approx(dict(other.prices))
        assert (one.revenue, one.after) == pytest.approx((other.revenue, other.after))
        assert [day.impressions for day in one.days] == [day.impressions for day in other.days]


def test_another_engine_is_named_by_a_connection_string(store):
    assert answer(store, "duckdb://") == answer(store, "duckdb")


@pytest.mark.parametrize("engine", ["nonsense://user:hunter2@host", "postgres://user:hunter2@127.0.0.1:1/x", ""])
def test_an_engine_that_cannot_be_used_is_an_error_that_keeps_the_password(store, engine):
    with pytest.raises(ProjectError) as error:
        Warehouse(store.root, engine)
    assert "hunter2" not in f"{error.value} {error.value.hint}"
