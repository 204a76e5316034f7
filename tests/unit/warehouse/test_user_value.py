"""What users are worth, against sums by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest
from support.reports import DAY, dt_row, store_dt

from reconciler.model.secret import Secret
from reconciler.warehouse.engines import EMBEDDED, connect
from reconciler.warehouse.report_store import ReportStore
from reconciler.warehouse.user_report_intake import IntakeSettings
from reconciler.warehouse.user_value import TOPS, user_value

FIRST = DAY - timedelta(days=2)
HASHED = IntakeSettings(Secret("5a" * 32), people="hash")
IDS = [f"38400000-8cf0-11bd-b23e-{number:012x}" for number in range(20)]


def valued(tmp_path, by_day, app="170709"):
    store = ReportStore(tmp_path)
    for day, rows in by_day.items():
        store_dt(store, [dt_row(date=day, **row) for row in rows], day, app, settings=HASHED)
    engine = connect(EMBEDDED, "500MB", tmp_path / "spill")
    try:
        files = [*store.files("dt", FIRST, DAY).values()]
        return user_value(engine, files, FIRST, DAY, lambda app: f"app {app}")
    finally:
        engine.close()


def lifetime(value, view, key=""):
    return {row["age"]: row for row in value.lifetime.records() if (row["view"], row["key"]) == (view, key)}


THREE_DAYS = {
    FIRST: [{"device": IDS[0], "revenue": "0.10"}, {"device": IDS[1], "revenue": "0.20", "country": "DE"}],
    FIRST + timedelta(days=1): [{"device": IDS[0], "revenue": "0.30"}],
    DAY: [{"device": IDS[0], "revenue": "0.40"}, {"device": IDS[2], "revenue": "0.60"}],
}


def test_lifetime_value_counts_for_each_age_the_users_who_can_have_reached_it(tmp_path):
    value = valued(tmp_path, THREE_DAYS)
    ages = lifetime(value, "all")

    assert [ages[age]["users"] for age in (0, 1, 2)] == [3, 2, 2]
    assert ages[0]["revenue_per_user"] == Decimal("0.30")
    assert ages[1]["revenue_per_user"] == Decimal("0.45")
    assert ages[2]["revenue_per_user"] == Decimal("0.65")
    assert (value.users, value.revenue) == (3, Decimal("1.6"))


def test_a_country_is_that_of_the_first_day(tmp_path):
    value = valued(tmp_path, THREE_DAYS)

    assert lifetime(value, "country", "DE")[2]["revenue_per_user"] == Decimal("0.20")
    assert lifetime(value, "country", "US")[0]["users"] == 2
    assert lifetime(value, "app", "app 170709")[0]["users"] == 3


@pytest.mark.parametrize(
    ("places", "home"),
    [
        ([("US", 9, "1"), ("", 1, "0.01")], "US"),
        ([("US", 1, "0.01"), ("", 90, "9"), ("XX", 90, "9")], "US"),
        ([("DE", 1, "9"), ("US", 2, "1")], "US"),
        ([("DE", 2, "1"), ("US", 1, "1"), ("USA", 2, "1")], "US"),
        ([("DE", 1, "1"), ("US", 1, "2")], "US"),
        ([("US", 1, "1"), ("VN", 1, "1")], "US"),
        ([("", 1, "1"), ("XX", 1, "1")], "unknown"),
    ],
)
def test_of_several_countries_on_the_first_day_that_of_most_impressions_is_home(tmp_path, places, home):
    rows = [
        {"device": IDS[0], "country": country, "impressions": shown, "revenue": earned}
        for country, shown, earned in places
    ]
    value = valued(tmp_path, {DAY: rows})
    assert [row["key"] for row in value.lifetime.records() if row["view"] == "country"] == [home]


def test_the_bounds_of_a_country_are_of_all_its_spellings(tmp_path):
    """By hand: users bring 3 USD, hidden ones 9; three users, and 101 hidden impressions."""
    one = [{"device": user, "impressions": 10, "revenue": "1"} for user in IDS[:2]]
    masked = {"device": "masked", "impressions": 100, "revenue": "8"}
    other = [{"device": IDS[2], "impressions": 10, "revenue": "1"}, {"device": "hidden", "revenue": "1"}]
    value = valued(tmp_path, {FIRST: [*one, masked], DAY: [{**row, "country": "USA"} for row in other]})
    ages = lifetime(value, "country", "US")
    assert (ages[0]["users"], ages[0]["revenue_per_user"], ages[0]["high"]) == (3, Decimal(1), Decimal(4))
    assert ages[0]["low"] == (Decimal(12) / 104).quantize(Decimal("0.000001"))
    assert {key: lifetime(value, "all")[0][key] for key in ("low", "high")} == {
        key: ages[0][key] for key in ("low", "high")
    }


def test_hidden_users_are_in_totals_and_in_the_bounds(tmp_path):
    rows = [{"device": IDS[0], "revenue": "0.30"}, {"device": "masked", "revenue": "0.10", "impressions": 4}]
    value = valued(tmp_path, {DAY: rows})
    (day,) = value.daily.records()

    assert (day["users"], day["revenue"], day["hidden_revenue"]) == (1, Decimal("0.4"), Decimal("0.1"))
    assert (day["arpdau"], day["low"], day["high"]) == (Decimal("0.3"), Decimal("0.08"), Decimal("0.4"))
    assert value.hidden == Decimal("0.25")
    assert value.users == 1
    assert "25.0 % of the revenue" in value.notes[2]


def test_the_share_of_the_top_users(tmp_path):
    rows = [{"device": user, "revenue": f"{number + 1}"} for number, user in enumerate(IDS)]
    value = valued(tmp_path, {DAY: rows})
    shares = {row["top_percent"]: row for row in value.concentration.records()}

    assert set(shares) == set(TOPS)
    assert (shares[5]["users"], shares[5]["revenue"]) == (1, Decimal(20))
    assert shares[10]["share"] == (Decimal(39) / 210).quantize(Decimal("0.000001"))
    assert [row["rank"] for row in value.most_valuable.records()] == [1, 2]
    assert value.lorenz.rows[-1] == (Decimal(1), Decimal(1))


def test_no_id_is_in_clear(tmp_path):
    value = valued(tmp_path, THREE_DAYS)

    assert all(len(row["id"]) == 32 and row["id"] not in IDS for row in value.most_valuable.records())


@pytest.mark.parametrize("by_day", [{DAY: [{"device": "masked", "revenue": "0.1"}]}])
def test_without_any_known_user_there_is_nothing_to_say_of_users(tmp_path, by_day):
    value = valued(tmp_path, by_day)

    assert (value.users, list(value.lifetime.records()), list(value.most_valuable.records())) == (0, [], [])
