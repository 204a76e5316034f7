"""Reports of other platforms taken in: what is read, what is refused and why, what is stored then."""

import codecs
import json
from datetime import date

import duckdb
import pytest
from support.evidence import NOW, SAMPLES, many, row, rows_of, take_in, text
from support.reports import DAY, mediation_row, store_mediation

from reconciler.apis.reports import DayRange
from reconciler.errors import LockHeld, ProjectError
from reconciler.model.address import Address
from reconciler.model.evidence import Cell, EvidenceQuery, KnownPlacement
from reconciler.warehouse.import_csv import read_header
from reconciler.warehouse.report_store import ReportStore
from reconciler.warehouse.warehouse import Warehouse

# Ibis calls DuckDB by a name that DuckDB is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

each = pytest.mark.parametrize
INT, IOS = Address("android:com.a/int_13"), Address("ios:com.a/int_13")
KNOWN = (
    KnownPlacement(INT, "int_13", "1", "243713", "Interstitial"),
    KnownPlacement(IOS, "int_13", "2", "243714", "Interstitial"),
)


@pytest.fixture
def store(tmp_path):
    return ReportStore(tmp_path / "reports")


@pytest.fixture
def took(store, tmp_path):
    """Takes a text in, under the name of a file."""

    def take(told, *mapped, network=None, name="report.csv"):
        (tmp_path / name).write_bytes(told if isinstance(told, bytes) else told.encode())
        return take_in(tmp_path / name, store, *mapped, network=network)

    return take


def refused(took, *given, **named):
    with pytest.raises(ProjectError) as wrong:
        took(*given, **named)
    return f"{wrong.value} | {wrong.value.hint}"


def evidence(store, country="US", address=INT, first=DAY, last=DAY):
    cells = [Cell(address, code) for code in (country, *{"US", "WW"} - {country})]
    with Warehouse(store.root) as warehouse:
        found, unmatched = warehouse.evidence(EvidenceQuery(cells, first, last, KNOWN))
    return found[0], unmatched


@each(
    ("sample", "network", "kept"),
    [("max.csv", "max", 84), ("levelplay.csv", "levelplay", 84), ("admob.csv", "admob", 84)],
)
def test_a_report_of_each_platform_is_known_by_its_columns(store, sample, network, kept):
    found = take_in(SAMPLES / sample, store)
    assert (found.header.adapter.name, found.kept, found.account.refused.total()) == (network, kept, 0)
    assert found.days == tuple(f"{date(2025, 3, 17 + number)}" for number in range(14))


@each("sample", ["max.csv", "levelplay.csv", "admob.csv"])
def test_the_three_platforms_tell_the_same_figures_in_their_own_ways(store, sample):
    take_in(SAMPLES / sample, store)
    own = [one for one in rows_of(store) if one["source"] == "fyber"]
    told = {(one["country"], one["requests"], one["impressions"], str(one["earnings"]), one["network"]) for one in own}
    assert told == {("US", 4000, 150, "0.240000", "mediation"), ("BR", 6000, 300, "0.300000", "mediation")}
    assert {one["format"] for one in own} <= {"Interstitial", "INTER"}
    assert "bidding" in {one["network"] for one in rows_of(store)} or sample == "max.csv"


@each("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@each("delimiter", [",", ";", "\t", "|"])
def test_any_encoding_and_delimiter_is_found(took, store, encoding, delimiter):
    told = text(row(ad_unit="Début — niveau", country="C\u00f4te d\u2019Ivoire"), delimiter=delimiter, newline="\r\n")
    took(told.encode(encoding))
    assert [(one["placement"], one["country"]) for one in rows_of(store)] == [("Début — niveau", "CI")]


def test_titles_before_the_header_and_what_excel_writes_there_are_passed_over(took):
    assert took(f"sep=;\nMediation report\n\n{text(row(), delimiter=';')}").kept == 1


def test_a_quoted_value_may_hold_delimiters_and_line_ends_and_its_place_is_its_first_line(took):
    found = took(text(row(ad_unit='a,"b"\nc'), *many(30), row(requests="few")))
    assert found.account.places == {"the requests is no number": [34]}


@each(
    ("revenue", "requests", "meant"),
    [
        ("1.234,5678", "1.000", (1234.5678, 1000)),
        ("1,234.5678", "1,000", (1234.5678, 1000)),
        ("1 234,50", "1 000", (1234.5, 1000)),
        ("$1,234.50", "12,345", (1234.5, 12345)),
        ("0,5 USD", "1000", (0.5, 1000)),
        ("1.5e-05", "1e3", (0.000015, 1000)),
        ("3", "1000.0", (3.0, 1000)),
    ],
)
def test_numbers_are_read_in_the_way_the_file_writes_them(took, store, revenue, requests, meant):
    took(text(row(revenue=revenue, requests=requests), delimiter=";"))
    (one,) = rows_of(store)
    assert (float(one["earnings"]), one["requests"]) == pytest.approx(meant)


def test_numbers_that_may_mean_two_things_are_not_guessed(took, store):
    assert "1,234 may be a thousand and more" in refused(took, text(row(revenue="1,234", requests="900")))
    assert rows_of(store) == []


def test_days_that_may_mean_two_days_are_not_guessed(took, store):
    assert "03/04/2026 may be in March or in April" in refused(took, text(row(day="03/04/2026")))
    assert took(text(row(day="03/04/2026"), row(day="03/25/2026"))).days == ("2026-03-04", "2026-03-25")
    assert took(text(row(day="03/04/2026"), row(day="25/03/2026"))).days == ("2026-03-25", "2026-04-03")


def test_hours_of_other_zones_count_for_their_day_in_utc(took):
    rows = [row(day="2026-11-19T23:30:00-05:00"), row(day="2026-11-20 01:00+02:00"), row(day="2026-11-20T12:00:00Z")]
    assert took(text(*rows)).days == ("2026-11-19", "2026-11-20")


@each(
    ("said", "why"),
    [
        ({"revenue": "€ 0.10"}, "only USD is taken"),
        ({"revenue": "0.10 EUR"}, "only USD is taken"),
        ({"currency": "EUR"}, "the revenue is in EUR"),
        ({"timezone": "America/Los_Angeles"}, "the days are in America/Los_Angeles"),
    ],
)
def test_another_currency_or_time_zone_is_refused_with_its_place(took, store, said, why):
    rows = [{"currency": "USD", "timezone": "UTC", **one} for one in [*many(3), row(country="DE", **said)]]
    told = refused(took, text(*rows))
    assert why in told
    assert "line 5" in told
    assert rows_of(store) == []


@each(
    ("column", "why"),
    [("Est. earnings (EUR)", "the revenue is in EUR"), ("Date (America/New_York)", "the days are in America/New_York")],
)
def test_a_header_may_tell_the_currency_and_the_zone(column, why):
    names = ["Date", "Ad unit", "Ad source", "Country", "Requests", "Impressions", "Est. earnings (USD)"]
    assert set(read_header(["Date (UTC)", *names[1:]]).places) >= {"day", "revenue"}
    wrong = [column if name.split(" (")[0] == column.split(" (")[0] else name for name in names]
    with pytest.raises(ProjectError, match=why):
        read_header(wrong)


@each(
    ("said", "why"),
    [
        ({"day": "soon"}, "the day is none"),
        ({"day": "2026-11-22"}, "the day is to come"),
        ({"day": "1999-01-01"}, "the day is before 2015"),
        ({"country": "Atlantis"}, "the country is none that is known"),
        ({"requests": "=1+1"}, "the requests is no number"),
        ({"requests": "1.5"}, "the requests are no whole number"),
        ({"impressions": "-3"}, "the impressions is negative"),
        ({"impressions": ""}, "no impressions"),
        ({"revenue": "(0.50)"}, "the revenue is negative"),
        ({"revenue": "1e13"}, "the revenue is beyond belief"),
        ({"revenue": "NaN"}, "no revenue"),
        ({"source": " "}, "no source"),
        ({"network_type": "perhaps"}, "the network_type is neither bidding nor mediation"),
        ({"ad_unit": "x" * 1001}, "the ad_unit is longer than 1,000 signs"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_with_its_place_and_the_others_are_kept(took, store, said, why):
    found = took(text(*many(30), row(**{"country": "FR", **said}), *many(30, country="DE")))
    assert (dict(found.account.refused), found.account.places) == ({why: 1}, {why: [32]})
    assert (found.kept, len(rows_of(store))) == (60, 60)


def test_lines_of_another_width_are_refused(took):
    told = text(*many(60))
    lines = [*told.splitlines()[:20], "2026-11-20,com.a", *told.splitlines()[20:], "a" + "," * 40]
    assert took("\n".join(lines)).account.refused == {
        "fewer columns than the header": 1,
        "more columns than the header": 1,
    }


def test_above_a_small_share_of_such_rows_nothing_is_imported(took, store):
    told = refused(took, text(*many(17), row(requests="a lot", country="FR")))
    assert "1 of 18 rows cannot be read, more than 5%: 1 the requests is no number (line 19)" in told
    assert rows_of(store) == []
    assert took(text(*many(19), row(requests="a lot", country="FR"))).kept == 19


def test_rows_of_totals_and_headers_again_are_left_out(took):
    told = text(*many(3))
    total = ",".join(["Total", *[""] * 7, "3000", "300", "0.3"])
    again = told + told.replace("US", "DE") + f"{total}\n"
    found = took(again)
    assert (found.kept, found.account.left_out, found.account.refused.total()) == (6, 2, 0)


def test_the_same_row_twice_counts_once(took, store):
    found = took(text(*many(3), *many(3)))
    assert (found.kept, found.repeated) == (3, 3)
    assert sum(one["impressions"] for one in rows_of(store)) == 300


def test_a_thing_that_is_told_twice_with_other_figures_is_not_believed(took):
    found = took(text(*many(60), row(revenue="0.2")))
    assert dict(found.account.refused) == {"told twice, with other figures": 2}
    assert found.account.places == {"told twice, with other figures": [2, 62]}
    assert found.kept == 59


def test_rows_that_differ_in_columns_that_are_not_ours_are_summed(took, store):
    took(text({**row(), "device": "phone"}, {**row(), "device": "tablet"}))
    assert [(one["impressions"], one["requests"]) for one in rows_of(store)] == [(200, 2000)]


def test_a_day_that_is_imported_again_is_replaced_and_others_stay(took, store):
    took(text(*many(3)))
    found = took(text(row(impressions="7"), row(app="com.b", impressions="9")))
    assert (found.replaced, found.kept) == (1, 2)
    assert sorted(one["impressions"] for one in rows_of(store)) == [7, 9, 100, 100]


def test_the_same_figures_under_another_app_or_platform_are_not_counted_twice(took, store):
    took(text(*many(5)))
    told = refused(took, text(*many(5, app=None, platform=None)))
    assert "were imported before as other.android:com.a" in told
    assert "would count twice" in told
    assert len(rows_of(store)) == 5
    assert took(text(*many(5, app="com.b", impressions="31"))).kept == 5


def test_where_evidence_came_from_is_kept(took, store):
    took(text(*many(1)), name="may.csv")
    (partition,) = store.partitions("imported")
    metadata = store.metadata(partition)
    assert (metadata.origin["network"], metadata.origin["column requests"], metadata.fetched_at) == (
        "other",
        "requests",
        NOW,
    )
    assert metadata.origin["name"].endswith("may.csv")
    assert metadata.digest.startswith("sha256:")


def test_columns_are_mapped_by_name(took, store):
    renamed = [{"Wann": one["day"], "Spot": one["placement"], **one} for one in many(1)]
    for one in renamed:
        del one["day"], one["placement"]
    took(text(*renamed), ("wann", "day"), ("Spot", "placement"))
    assert rows_of(store)[0]["partner_placement"] == "int_13"
    assert "no column 'nowhere'" in refused(took, text(row()), ("nowhere", "day"))


def test_what_is_missing_is_named_with_what_is_there(took):
    told = refused(took, "day,network,country,impressions,note\n")
    assert "no column for ad_unit, revenue" in told
    assert '"impressions", "note"' in told
    max_report = "day,network,network_placement,country,attempts,impressions,estimated_revenue\n"
    assert "AppLovin MAX calls it max_ad_unit_id" in refused(took, max_report)


def test_a_header_that_fits_two_platforms_alike_is_asked_about(took):
    names = "Date,Ad unit,Ad source,Instance,Country,Requests,Impressions,Revenue\n"
    assert "say which it is, as in --network" in refused(took, names)
    told = names + "2026-11-20,level_end,Fyber,int_13,US,1000,100,0.1\n"
    assert took(told, network="other").kept == 1


def test_millionths_of_the_api_are_dollars_and_what_is_no_millionth_is_refused(took, store):
    names = "DATE,APP,AD_UNIT,AD_SOURCE,AD_SOURCE_INSTANCE,COUNTRY,AD_REQUESTS,IMPRESSIONS,ESTIMATED_EARNINGS\n"
    took(f"{names}20261120,A,level_end,DT Exchange (bidding),int_13,US,1000,100,6500000\n")
    (one,) = rows_of(store)
    assert (float(one["earnings"]), one["source"], one["network"]) == (6.5, "fyber", "bidding")
    told = refused(took, f"{names}20261120,A,level_end,DT Exchange,int_13,US,1000,100,6.5\n")
    assert "--map COLUMN=revenue" in told
    took(f"{names}20261120,A,level_end,DT Exchange,int_13,US,1000,100,6.5\n", ("ESTIMATED_EARNINGS", "revenue"))
    assert float(rows_of(store)[0]["earnings"]) == 6.5


@each(
    ("name", "network"),
    [
        ("Fyber", ""),
        ("DT Exchange", ""),
        ("FYBER_BIDDING", "bidding"),
        ("Fyber Bidding", "bidding"),
        ("INNERACTIVE_BIDDING", "bidding"),
        ("DT_EXCHANGE_NETWORK", ""),
        ("DT Exchange (bidding)", "bidding"),
        ("Digital Turbine", ""),
    ],
)
def test_dt_is_known_by_all_its_names(took, store, name, network):
    took(text(row(source=name, network_type=None)))
    assert [(one["source"], one["network"]) for one in rows_of(store)] == [("fyber", network)]


@each(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b"\x1f\x8b\x08", "packed with gzip"),
        (b"PK\x03\x04....", "a ZIP archive or an Excel workbook"),
        (b"<html>sign in</html>", "HTML or XML"),
        (b"a,b,c\n1,2,3\n", "no header that is known"),
        (b"PAR1 and no more", "cannot be read"),
        (codecs.BOM_UTF16_LE, "no header that is known"),
        (text(row()).encode() + b'"' + b"x" * 200_000, "a quote there that is not closed"),
    ],
)
def test_what_is_no_report_is_refused(took, store, data, why):
    assert why in refused(took, data)
    assert rows_of(store) == []


def test_what_is_no_file_is_refused(store, tmp_path):
    for name, why in ((tmp_path, "no regular file"), (tmp_path / "none.csv", "cannot be read: No such file")):
        with pytest.raises(ProjectError, match=why):
            take_in(name, store)


def test_a_report_of_headers_alone_holds_no_rows(took):
    assert "holds no rows" in refused(took, text(row()).splitlines()[0] + "\n")


def test_nothing_is_imported_beside_a_fetch(took, store):
    with store.locked(), pytest.raises(LockHeld):
        took(text(row()))


def test_typed_columns_of_parquet_mean_what_they_say(store, tmp_path):
    path = tmp_path / "evidence.parquet"
    rows = """SELECT DATE '2026-11-20' AS day, 'com.a' AS app, 'level_end' AS ad_unit, 'Fyber' AS source,
        243713 AS placement, false AS "is bidder", 'us' AS country, 1234 AS requests, 567::DOUBLE AS impressions,
        1.234::DECIMAL(9,3) AS revenue"""
    duckdb.sql(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
    take_in(path, store)
    (one,) = rows_of(store)
    assert (one["requests"], one["impressions"], str(one["earnings"])) == (1234, 567, "1.234000")
    assert (one["network"], one["partner_placement"]) == ("mediation", "243713")


def test_evidence_is_asked_like_a_fetched_report(took, store):
    rows = [
        row(placement="243713"),
        row(source="AdMob", placement="x", requests="880", impressions="300", revenue="2.5"),
        row(source="AppLovin", placement="y", requests="5000", revenue="9"),
        row(country="DE", placement="243713", requests="70", impressions="7"),
    ]
    took(text(*rows))
    one, unmatched = evidence(store)
    assert (one.mode, one.requests, one.impressions, one.after, one.after_requests) == (
        "waterfall",
        1000,
        100,
        2.5,
        880,
    )
    assert unmatched.rows == 0
    assert evidence(store, "WW")[0].requests == 70


@each(
    ("said", "address"),
    [
        ({"placement": "243714"}, IOS),
        ({"placement": "int_13", "platform": "iOS"}, IOS),
        ({"placement": "int_13", "platform": "android"}, INT),
        ({"placement": "android:com.a/int_13", "app": "My Game", "platform": None}, INT),
        ({"placement": None, "ad_unit": "Int_13"}, INT),
    ],
)
def test_rows_are_joined_by_id_name_or_address_within_their_app(took, store, said, address):
    if said.get("placement") == "243714":
        said = {**said, "platform": "ios"}
    took(text(row(**said)))
    other = IOS if address == INT else INT
    assert (evidence(store, address=address)[0].requests, evidence(store, address=other)[0].requests) == (1000, 0)


def test_a_name_of_another_app_is_not_joined(took, store):
    took(text(row(platform="android", placement="243714")))
    assert evidence(store)[1].chartboost_placements == ("243714",)


def test_only_days_of_which_its_app_was_imported_count_for_a_placement(took, store):
    took(text(*many(2, placement="243713"), *many(4, app="com.b", placement="elsewhere")))
    one, _ = evidence(store, first=date(2026, 11, 10))
    assert [f"{day.day}" for day in one.days] == ["2026-11-19", "2026-11-20"]
    assert one.requests == 2000


def test_imported_rows_stand_beside_chartboosts_and_its_totals(took, store):
    both = DayRange(DAY, DAY)
    store_mediation(store, both, mediation=[mediation_row(partner_placement_name="243713", requests=10)])
    total = [mediation_row(partner_placement_name="243713", requests=11)]
    store_mediation(store, both, mediation=total, dated=False)
    took(text(row(placement="243713")))
    assert evidence(store)[0].requests == 1011


def test_a_large_report_takes_no_more_partitions_than_there_can_be(took, monkeypatch):
    monkeypatch.setattr("reconciler.warehouse.importing._MOST_PARTITIONS", 3)
    assert "tells of 4 days of apps" in refused(took, text(*many(4)))


def test_names_of_apps_lead_nowhere_else(took, store):
    for app in ("../../outside", "a/b", "..", "x" * 300, "ünï", "a\x00b"):
        took(text(row(app=app, impressions=f"{len(app)}")), name="one.csv")
    files = list(store.root.parent.rglob("data.parquet"))
    assert len(files) == 6
    assert all(path.is_relative_to(store.root / "source=imported") for path in files)
    assert {json.loads(path.with_name("fetched.json").read_text())["rows"] for path in files} == {1}


@each("revenue", ["0.30000000000000004", "0.1234567890123456789", "1e-13", "1e-400", "0.000000000000000000001"])
def test_revenue_with_more_digits_than_are_kept_is_rounded(took, store, revenue):
    took(text(row(revenue=revenue)))
    assert float(rows_of(store)[0]["earnings"]) == pytest.approx(float(revenue), abs=1e-6)


@each("title", ["", "Bericht\n\n"])
def test_a_header_is_found_by_the_columns_that_are_mapped_alone(took, store, title):
    names = {name: f"spalte {number}" for number, name in enumerate(row())}
    renamed = {names[name]: value for name, value in row().items()}
    took(title + text(renamed), *[(theirs.upper(), ours) for ours, theirs in names.items()])
    assert [(one["requests"], one["country"]) for one in rows_of(store)] == [(1000, "US")]


@each(
    "total",
    [
        {"source": "Total", "placement": ""},
        {"source": "Grand total", "placement": "", "ad_unit": "", "country": ""},
        dict.fromkeys(["day", "app", "platform", "ad_unit", "source", "placement", "network_type", "country"], ""),
        {**dict.fromkeys(["app", "platform", "ad_unit", "source", "placement", "country"], ""), "day": "2026-11-20"},
        {**dict.fromkeys(["app", "platform", "ad_unit", "source", "placement", "country"], ""), "day": "Gesamt"},
    ],
)
def test_rows_that_sum_others_count_for_no_source_of_their_own(took, store, total):
    found = took(text(*many(3), row(requests="3000", impressions="300", revenue="0.3", **total)))
    assert (found.kept, found.account.left_out, found.account.refused.total()) == (3, 1, 0)
    assert {one["source"] for one in rows_of(store)} == {"fyber"}


@each("amount", ["CA$0.10", "NT$ 0.10", "R$0,10", "A$0.10", "PLN 0.10", "0.10 SEK", "SEK0.10"])
def test_an_amount_of_any_other_currency_refuses_the_report(took, store, amount):
    told = refused(took, text(*many(60), row(country="FR", revenue=amount)))
    assert "only USD is taken" in told
    assert rows_of(store) == []


@each("amount", ["US$0.10", "$0.10", "USD 0.10", "0.10 USD", "0.10USD", "1E-1", "USD0.10"])
def test_dollars_are_written_in_many_ways(took, store, amount):
    took(text(row(revenue=amount)))
    assert float(rows_of(store)[0]["earnings"]) == 0.1


def test_a_report_of_admob_that_does_not_say_its_currency_is_taken_for_usd_with_a_note(took):
    names = "DATE,APP,AD_UNIT,AD_SOURCE,AD_SOURCE_INSTANCE,COUNTRY,AD_REQUESTS,IMPRESSIONS,ESTIMATED_EARNINGS"
    line = "20261120,A,level_end,DT Exchange,int_13,US,1000,100,100000"
    told = [
        took(f"{names}\n{line}\n"),
        took(f"{names} (USD)\n{line}\n".replace("ESTIMATED_", "Est. ").replace("100000", "1")),
    ]
    told.append(took(f"{names},CURRENCY\n{line},USD\n"))
    assert [any("currency of the AdMob account" in note for note in one.notes) for one in told] == [True, False, False]
    assert not any("currency" in note for note in took(text(row())).notes)


def test_millionths_in_a_column_that_does_not_say_so_are_not_taken_for_dollars(took, store):
    rows = [row(revenue="100000"), row(revenue="250000", country="DE")]
    told = refused(took, text(*rows))
    assert "an impression pays 1,750 USD on average" in told
    assert "--map COLUMN=revenue_micros" in told
    assert rows_of(store) == []
    took(text(*rows), ("revenue", "revenue_micros"))
    assert sorted(float(one["earnings"]) for one in rows_of(store)) == [0.1, 0.25]


@each(
    ("data", "why"),
    [
        (b'{"code":200,"results":[{"day":"2026-11-20","network":"FYBER_BIDDING"}]}', "is JSON, not CSV"),
        (b'[{"date":"2026-11-20","adUnits":"Interstitial"}]', "is JSON, not CSV"),
        (b"SQLite format 3\x00" + b"\x00" * 90, "sqlite://PATH#TABLE"),
        (b"\x00" * 8 + b"DUCK" + b"\x00" * 90, "report.csv#TABLE"),
    ],
)
def test_what_holds_a_report_in_another_way_is_told_with_the_way_to_it(took, data, why):
    assert why in refused(took, data)


def test_columns_of_one_name_are_told_apart_where_they_can_be(took):
    header, line = text(row()).splitlines()
    assert "leave one of them out" in refused(took, f"{header},revenue\n{line},0.2\n")
    assert "--map COLUMN=revenue" in refused(took, f"{header},Revenue\n{line},0.2\n")
    assert took(f"{header},Revenue\n{line},0.2\n", ("Revenue", "revenue")).kept == 1
