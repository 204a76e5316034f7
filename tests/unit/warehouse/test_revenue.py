"""What was earned, summed by any keys, against sums by hand."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from support.reports import DAY, dt_row, mediation_row, store_dt, store_mediation

from reconciler.apis.reports import DayRange
from reconciler.model.address import Address, selector
from reconciler.model.evidence import KnownPlacement
from reconciler.warehouse.report_store import ReportStore
from reconciler.warehouse.revenue import KEYS, RevenueQuery
from reconciler.warehouse.warehouse import Warehouse

HIGH, LOW = Address("android:com.a/high"), Address("android:com.a/low")
KNOWN = (
    KnownPlacement(HIGH, "high", "170709", "1", "Interstitial"),
    KnownPlacement(LOW, "low", "170709", "2", "Rewarded"),
)
BEFORE = DAY - timedelta(days=1)


def mediated(name, source, day, **figures):
    return mediation_row(
        date=f"{day}",
        app="chart-app",
        helium_placement_name="ladder",
        partner_placement_name=name,
        demand_source=source,
        country="USA",
        placement_type="interstitial",
        **figures,
    )


@pytest.fixture
def store(tmp_path):
    """DT's report of one day, and mediation reports of that day and the one before."""
    store = ReportStore(tmp_path)
    rows = [
        dt_row(date=DAY, placement="high", country="US", impressions=2, revenue="0.030"),
        dt_row(date=DAY, placement="low", country="DE", impressions=3, revenue="0.005"),
        dt_row(date=DAY, placement="stranger", country="US", impressions=1, revenue="0.001"),
    ]
    store_dt(store, rows, DAY)
    lines = [
        line
        for day in (BEFORE, DAY)
        for line in (
            mediated("high", "fyber", day, requests=100, impressions=4, estimated_earnings=0.05, ecpm=12.5),
            mediated("low", "fyber", day, requests=80, impressions=5, estimated_earnings=0.02, ecpm=4),
            mediated("other", "admob", day, requests=70, impressions=10, estimated_earnings=0.07, ecpm=7),
        )
    ]
    store_mediation(store, DayRange(BEFORE, DAY), bidding=[], mediation=lines)
    return store


def summed(store, *by, only=()):
    query = RevenueQuery(BEFORE, DAY, KNOWN, selector(only), is_part=bool(only))
    with Warehouse(store.root) as warehouse:
        return warehouse.revenue(query).rows(by)


def figures(rows, width=1):
    names = rows.names[width:]
    return {row[:width] if width > 1 else row[0]: dict(zip(names, row[width:], strict=True)) for row in rows.rows}


def test_dt_earns_by_its_own_report_and_by_the_mediation_s_on_days_without_one(store):
    days = figures(summed(store, "day"))

    assert days[DAY]["revenue"] == Decimal("0.036")
    assert days[DAY]["impressions"] == 6
    assert days[BEFORE]["revenue"] == Decimal("0.07")
    assert days[BEFORE]["impressions"] == 9


def test_requests_fill_and_the_rest_are_those_of_the_mediation(store):
    day = figures(summed(store, "day"))[DAY]

    assert day["requests"] == 180
    assert day["fill"] == Decimal("0.033333")
    assert day["rest_revenue"] == Decimal("0.07")
    assert day["rest_share"] == Decimal("0.660377")
    assert day["ecpm"] == Decimal(6)


def test_tiers_of_one_waterfall_share_the_rest_and_a_stranger_goes_by_its_name(store):
    places = figures(summed(store, "placement"))

    assert places[HIGH]["rest_revenue"] == places[LOW]["rest_revenue"] == Decimal("0.14")
    assert places[HIGH]["requests"] == 200
    assert places["170709/stranger"]["revenue"] == Decimal("0.001")


def test_each_combination_of_keys_has_a_row(store):
    rows = figures(summed(store, "type", "country", "platform"), 3)

    assert rows["Interstitial", "US", "android"]["revenue"] == Decimal("0.081")
    assert rows["Rewarded", "DE", "android"]["revenue"] == Decimal("0.005")


@pytest.mark.parametrize("key", KEYS)
def test_the_sums_by_any_key_are_the_same(store, key):
    rows = figures(summed(store, key))

    assert sum(row["revenue"] for row in rows.values()) == Decimal("0.106")
    assert sum(row["impressions"] for row in rows.values()) == 15
    assert sum(row["requests"] for row in rows.values()) == 360


def test_a_part_holds_what_matches_and_the_rest_beside_it(store):
    rows = figures(summed(store, "app", only=("*/high",)))

    assert rows.keys() == {"android:com.a"}
    assert rows["android:com.a"]["revenue"] == Decimal("0.08")
    assert rows["android:com.a"]["rest_revenue"] == Decimal("0.14")


def test_a_week_begins_on_monday(store):
    weeks = [row[0] for row in summed(store, "week").rows]

    assert {day.weekday() for day in weeks} == {0}
    assert weeks == sorted({day - timedelta(days=day.weekday()) for day in (BEFORE, DAY)})
    assert all(isinstance(day, date) for day in weeks)


def test_without_mediation_reports_what_they_tell_is_not_known(tmp_path):
    store = ReportStore(tmp_path)
    store_dt(store, [dt_row(date=DAY, placement="high", country="US", impressions=2, revenue="0.030")], DAY)
    rows = summed(store, "day")

    assert figures(rows)[DAY] == {
        "impressions": 2,
        "revenue": Decimal("0.03"),
        "ecpm": Decimal(15),
        "requests": None,
        "fill": None,
        "rest_revenue": None,
        "rest_share": None,
    }
    assert any("no mediation report" in note for note in rows.notes)
