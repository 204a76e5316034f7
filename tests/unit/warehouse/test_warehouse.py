from datetime import date, timedelta

import pytest
from support.reports import APP, DAY, NOON, dt_row, mediation_row, of_users, store_dt, store_mediation

from reconciler.apis.reports import DayRange
from reconciler.model.address import Address
from reconciler.model.evidence import PRICE_STEP, Absence, Cell, Evidence, EvidenceQuery, KnownPlacement
from reconciler.warehouse.evidence_sql import rescaled
from reconciler.warehouse.report_store import ReportStore
from reconciler.warehouse.warehouse import Warehouse

# Ibis calls DuckDB by a name that DuckDB is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

each = pytest.mark.parametrize
INT = Address("android:a/int_13")
KNOWN = (KnownPlacement(INT, "int_13", APP, "5001", "Interstitial"),)
CELLS = (Cell(INT, "US"), Cell(INT, "WW"))
FIRST = DAY - timedelta(days=1)
TODAY = DayRange(DAY, DAY)


@pytest.fixture
def store(tmp_path):
    return ReportStore(tmp_path)


def read_evidence(store, cells=CELLS, first=DAY, last=DAY, known=KNOWN, floors=None):
    with Warehouse(store.root) as warehouse:
        return warehouse.evidence(EvidenceQuery(cells, first, last, known, floors or {}))


def evidence(store, cell=CELLS[0], **said):
    found, _ = read_evidence(store, **said)
    return next(one for one in found if one.cell == cell)


def mediation(store, *rows, span=TODAY, **said):
    store_mediation(store, span, mediation=rows, **said)


def admob(**said):
    usual = {"demand_source": "admob", "partner_placement_name": "x", "requests": 900, "estimated_earnings": 2.5}
    return mediation_row(**{**usual, **said})


def test_an_empty_warehouse_answers_for_every_cell_with_nothing(store):
    found, unmatched = read_evidence(store)
    assert found == tuple(Evidence(cell, "unknown", 0, 0, 0.0, 0.0, 0) for cell in CELLS)
    assert unmatched.rows == 0


def test_requests_are_chartboosts_and_sales_are_dts(store):
    store_dt(store, [dt_row(revenue="0.002"), dt_row(impressions=3, revenue="0.003")])
    mediation(store, mediation_row(requests=50, impressions=9, estimated_earnings=9.0), admob(requests=40))
    one = evidence(store)
    assert (one.requests, one.impressions, one.revenue, one.single_rows) == (50, 4, 0.005, 1)
    assert (one.after, one.after_requests, one.mode) == (2.5, 40, "waterfall")


def test_countries_without_a_line_are_worldwide_and_so_is_an_empty_one(store):
    store_dt(
        store, [dt_row(), dt_row(country="NA"), dt_row(country=""), dt_row(country="Nowhere"), dt_row(country="DE")]
    )
    mediation(store, mediation_row(), mediation_row(country="NAM", requests=7), mediation_row(country=None, requests=8))
    assert evidence(store).impressions == 1
    assert (evidence(store, CELLS[1]).impressions, evidence(store, CELLS[1]).requests) == (4, 15)
    assert evidence(store, Cell(INT, "NA"), cells=(*CELLS, Cell(INT, "NA"))).requests == 7


def test_alpha_three_and_names_are_countries_too(store):
    store_dt(store, [dt_row(country="USA"), dt_row(country="united states"), dt_row(country="us")])
    assert evidence(store).impressions == 3


def test_the_masked_row_counts_in_totals_and_tells_no_price(store):
    store_dt(store, [dt_row(), dt_row(device="masked", revenue="9")])
    one = evidence(store)
    assert (one.impressions, one.revenue, one.single_rows) == (2, 9.001, 1)


def mean(prices):
    return sum(PRICE_STEP ** (place + 0.5) * count for place, count in prices.items()) / sum(prices.values())


def test_the_sketch_holds_all_impressions_at_their_mean_price(store):
    singles = [dt_row(revenue=f"{0.0005 + 0.0001 * n:.4f}") for n in range(40)]
    store_dt(store, [*singles, dt_row(impressions=60, revenue="0.03")])
    one = evidence(store)
    assert sum(one.prices.values()) == pytest.approx(100)
    assert mean(one.prices) == pytest.approx(1000 * one.revenue / one.impressions, rel=0.006)


@each(("revenue", "place"), [("0.001", 0), ("0.00101", 1), ("0.0010201", 2), ("0.0009", -11)])
def test_a_price_lies_in_the_bin_that_begins_at_or_below_it(store, revenue, place):
    store_dt(store, [dt_row(revenue=revenue)])
    assert evidence(store).prices == {place: 1.0}


def test_prices_that_tell_nothing_make_no_sketch():
    assert rescaled({}, 0.0, 5, 1.0) == {}
    assert rescaled({3: 1}, 0.0, 5, 1.0) == {}
    assert rescaled({3: 1}, 0.1, 5, 0.0) == {}


def test_days_tell_what_happened_at_which_floor(store):
    for day, rows in ((FIRST, 1), (DAY, 2)):
        store_dt(store, of_users([dt_row(date=day)] * rows), day)
        mediation(
            store, mediation_row(date=f"{day}", requests=10 * rows), admob(date=f"{day}"), span=DayRange(day, day)
        )
    floors = {CELLS[0]: {FIRST: 0.5, DAY: None}}
    days = evidence(store, first=FIRST, floors=floors).days
    assert [(day.day, day.requests, day.impressions, day.floor) for day in days] == [
        (FIRST, 10, 1, 0.5),
        (DAY, 20, 2, None),
    ]


def test_only_days_that_both_sides_speak_of_count(store):
    store_dt(store, [dt_row()])
    store_dt(store, [dt_row(date=FIRST)], FIRST)
    mediation(store, mediation_row())
    assert [day.day for day in evidence(store, first=FIRST).days] == [DAY]
    assert evidence(store, first=FIRST).impressions == 1


def test_a_day_without_a_report_of_dts_is_taken_from_chartboost(store):
    store_dt(store, [dt_row()])
    both = DayRange(FIRST, DAY)
    mediation(store, *(mediation_row(date=f"{day}") for day in both.days()), span=both)
    one = evidence(store, first=FIRST)
    assert (one.requests, one.impressions) == (2000, 101)
    assert one.revenue == pytest.approx(0.101)


def test_totals_over_the_window_are_taken_before_sums_of_rounded_days(store):
    both = DayRange(FIRST, DAY)
    mediation(store, *(r for d in both.days() for r in (mediation_row(date=f"{d}"), admob(date=f"{d}"))), span=both)
    assert evidence(store, first=FIRST).after == 5.0
    mediation(store, mediation_row(), admob(estimated_earnings=5.04), span=both, dated=False)
    assert evidence(store, first=FIRST).after == 5.04
    assert sum(day.after for day in evidence(store, first=FIRST).days) == 5.0
    assert evidence(store).after == 2.5


def test_totals_that_are_older_than_a_day_of_theirs_are_not_believed(store):
    mediation(store, mediation_row(), admob(estimated_earnings=9), dated=False, fetched_at=NOON - timedelta(days=1))
    mediation(store, mediation_row(), admob())
    assert evidence(store).after == 2.5


def test_what_cannot_be_joined_is_counted_and_listed(store):
    store_dt(store, [dt_row(), dt_row(placement="=old"), dt_row(placement="INT 13x")])
    mediation(store, mediation_row(partner_placement_name="stranger"), admob())
    found, unmatched = read_evidence(store)
    assert unmatched.chartboost_placements == ("stranger",)
    assert unmatched.dt_placements == ("=old", "INT 13x", "int_13")
    assert unmatched.rows == 4
    assert found[0].mode == "unknown"


def test_a_loose_join_is_counted(store):
    store_dt(store, [dt_row(placement="INT_13"), dt_row(placement="Int _13")])
    found, unmatched = read_evidence(store)
    assert (found[0].impressions, unmatched.loose, unmatched.rows) == (2, 2, 0)


def test_bidding_rows_mean_a_unified_auction(store):
    store_mediation(store, TODAY, bidding=[mediation_row()])
    assert evidence(store).mode == "unified"


def test_a_ladder_is_two_placements_in_one_waterfall(store):
    known = (*KNOWN, KnownPlacement(Address("android:a/low"), "low", APP, "5002", "Interstitial"))
    cells = (Cell(INT, "WW"), Cell(Address("android:a/low"), "WW"))
    low = mediation_row(partner_placement_name="low", requests=900, impressions=300, estimated_earnings=0.09)
    mediation(store, mediation_row(), low, admob(requests=600))
    high, low = read_evidence(store, cells=cells, known=known)[0]
    assert (high.after, high.after_requests) == (2.59, 900)
    assert (low.after, low.after_requests, low.requests) == (2.5, 600, 900)


def test_revenue_is_added_exactly(store):
    store_dt(store, of_users([dt_row(revenue="0.1", impressions=2)] * 30))
    assert evidence(store).revenue == 3.0


def test_dates_outside_the_window_are_not_looked_at(store):
    store_dt(store, [dt_row()])
    assert evidence(store, first=date(2026, 1, 1), last=FIRST).impressions == 0


@each(
    ("spelling", "code"),
    [
        ("Russia", "RU"),
        ("Turkey", "TR"),
        ("T\u00fcrkiye", "TR"),
        ("Russian Federation", "RU"),
        ("UAE", "AE"),
        ("UK", "GB"),
    ],
)
def test_dt_may_call_a_country_by_any_name(store, spelling, code):
    store_dt(store, [dt_row(country=spelling, impressions=7)])
    assert evidence(store, Cell(INT, code), cells=(*CELLS, Cell(INT, code))).impressions == 7


@each("name", ["Digital Turbine", "dt_exchange", "DTX", "Fyber_Network", "digitalturbine-exchange"])
def test_dt_is_dt_under_each_of_its_names(store, name):
    store_dt(store, of_users([dt_row()] * 3))
    mediation(store, mediation_row(demand_source=name), admob())
    one = evidence(store)
    assert (one.requests, one.after, one.after_requests) == (1000, 2.5, 900)


def test_the_same_line_of_dt_under_two_names_counts_once(store):
    mediation(store, mediation_row(), mediation_row(demand_source="digital_turbine"), admob())
    assert evidence(store).requests == 1000


LATER = DayRange(DAY - timedelta(days=3), DAY)


def of_days(*rows, span=LATER):
    return [{**each, "date": str(day)} for day in span.days() for each in rows]


def test_days_on_which_dt_has_another_name_are_left_out_and_told(store):
    """Under an unknown name DT would be a source behind itself, and its money would count as that of the rest."""
    renamed = DayRange(DAY - timedelta(days=1), DAY)
    store_dt(store, [dt_row(date=DAY)])
    usual = of_days(mediation_row(), admob(), span=DayRange(LATER.first, renamed.first - timedelta(days=1)))
    other = of_days(mediation_row(demand_source="acme_x", estimated_earnings=50.0), admob(), span=renamed)
    mediation(store, *usual, *other, span=LATER)
    found, unmatched = read_evidence(store, first=LATER.first)
    assert unmatched.basis.absences == (Absence("cb-android", tuple(renamed.days()), ("acme_x",)),)
    us = found[0]
    assert (us.requests, us.after, [day.day for day in us.days]) == (2000, 5.0, [*LATER.days()][:2])


def test_an_app_without_dt_is_no_absence(store):
    mediation(store, mediation_row(), admob(app="another"))
    assert read_evidence(store)[1].basis.absences == ()


def test_the_basis_says_how_much_of_days_rows_and_money_is_there(store):
    rows = of_users([dt_row()] * 300)
    store_dt(store, [*rows, dt_row(placement="nobody_knows", revenue="0.1"), dt_row(revenue="$1")])
    mediation(store, *of_days(mediation_row(), mediation_row(), admob(), span=TODAY))
    basis = read_evidence(store, first=LATER.first)[1].basis
    assert (basis.days, basis.mediation_days, basis.dt_days, basis.dt_expected) == (4, 1, 1, 4)
    assert (basis.rows, basis.unread, basis.repeated) == (304, 1, 1)
    assert (round(basis.revenue, 6), round(basis.joined, 6)) == (0.4, 0.3)
