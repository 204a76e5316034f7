"""Rows that stand twice and rows that sum others: each thing counts once."""

import pytest
from support.reports import DAY, dt_csv, dt_row, mediation_row, of_users
from unit.warehouse.test_user_report_intake import read_payload, rows_in

from reconciler.apis.reports import DayRange
from reconciler.warehouse.acceptance import NO_SUM, SUM, TWICE
from reconciler.warehouse.mediation_intake import row_batches

each = pytest.mark.parametrize
DAYS = DayRange(DAY, DAY)


def batch(*mediation, bidding=(), dated=True):
    return row_batches({"bidding": bidding, "mediation": mediation}, DAYS, dated=dated)[DAY if dated else None]


def row(country="USA", requests=1000, **said):
    figures = {"impressions": requests // 10, "estimated_earnings": requests / 10_000}
    return mediation_row(**{"country": country, "requests": requests, **figures, **said})


def total(rows, **said):
    sums = {
        name: round(sum(each[name] for each in rows), 2) for name in ("requests", "impressions", "estimated_earnings")
    }
    return {**rows[0], **sums, **said}


def test_a_row_that_stands_twice_counts_once():
    found = batch(row(), row("DEU"), row(), row())
    assert (len(found.rows), found.repeated, found.quarantined, found.unread_reason) == (2, 2, {}, "")


@each("name", ["app", "helium_placement_name", "partner_placement_name"])
@each("other", ["banner a", "Banner  A", "BANNER A"])
def test_names_that_differ_in_case_or_blanks_are_two(name, other):
    for requests in (1000, 2000):
        found = batch(row(**{name: "Banner A"}), row(requests=requests, **{name: other}))
        assert (len(found.rows), found.repeated, found.quarantined) == (2, 0, {})


@each("kind", ["All", "total"])
def test_a_total_over_types_is_no_type(kind):
    rows = [row(), row(requests=400, placement_type="rewarded")]
    found = batch(*rows, total(rows, placement_type=kind))
    assert (len(found.rows), found.quarantined) == (2, {SUM: 1})


def test_the_same_row_in_both_network_types_is_two():
    assert (len(batch(row(), bidding=[row()]).rows)) == 2


def test_rows_that_differ_in_figures_alone_are_both_set_aside_and_doubt_the_day():
    found = batch(row(), row(requests=2000), *(row(partner_placement_name=f"x{at}") for at in range(50)))
    assert (len(found.rows), found.quarantined) == (50, {TWICE: 2})
    assert "twice, with different figures" in found.unread_reason


@each("word", ["All", "ALL", "Total", "total", "Grand Total", "", None, "WW", "unknown", "Worldwide"])
def test_a_row_over_all_countries_is_not_summed_with_them(word):
    rows = [row("USA"), row("DEU", 400), row("FRA", 250)]
    found = batch(*rows, total(rows, country=word))
    assert (sum(each["requests"] for each in found.rows), found.quarantined) == (1650, {SUM: 1})
    assert found.unread_reason == ""


@each(
    "said",
    [
        {"demand_source": "Total"},
        {"demand_source": None},
        {"helium_placement_name": "Total", "partner_placement_name": None, "demand_source": "All"},
        {"helium_placement_name": "", "partner_placement_name": "", "demand_source": "", "country": ""},
        {"app": "All", "helium_placement_name": None, "partner_placement_name": None, "demand_source": "All"},
        {"app": "Total", "helium_placement_name": "", "partner_placement_name": "", "demand_source": "", "country": ""},
        {"date": "Total", "app": "", "demand_source": ""},
        {"placement_type": "All", "demand_source": "All"},
        {"partner_placement_name": "Total", "demand_source": "All"},
    ],
    ids=str,
)
def test_totals_of_apps_placements_and_sources_are_not_summed_with_them(said):
    rows = [row("USA"), row("USA", 700, demand_source="admob")]
    if "country" in said:
        rows.append(row("DEU", 300))
    found = batch(*rows, total(rows, **said))
    assert (len(found.rows), found.quarantined, found.unread_reason) == (len(rows), {SUM: 1}, "")


def test_sums_of_sums_are_none_of_the_rows_either():
    rows = [row("USA"), row("DEU", 400), row("", 10)]
    others = [row("USA", 600, demand_source="admob"), row("DEU", 200, demand_source="admob")]
    sums = [total(rows, country="All"), total(others, country="All"), total(rows + others, country="", app="Total")]
    sums[-1] |= {"demand_source": "", "helium_placement_name": "", "partner_placement_name": ""}
    found = batch(*rows, *others, *sums)
    assert (len(found.rows), found.quarantined) == (5, {SUM: 3})


def test_users_whom_nobody_could_place_count_as_worldwide():
    found = batch(row("USA"), row("DEU", 400), row("", 90), row("EU", 80))
    assert [each["country"] for each in found.rows] == ["US", "DE", None, None]
    assert (found.unknown_countries, found.unread_reason) == ({"": 1, "EU": 1}, "")


def test_a_report_without_countries_counts_as_worldwide():
    found = batch(row("All"), row("All", 400, demand_source="admob"))
    assert ([each["country"] for each in found.rows], found.unread_reason) == ([None, None], "")


def test_a_sum_that_does_not_add_up_doubts_the_day():
    found = batch(row("USA"), row("DEU", 400), row("All", 5000))
    assert (len(found.rows), found.quarantined) == (2, {NO_SUM: 1})
    assert NO_SUM in found.unread_reason


def test_a_placement_called_total_is_a_placement():
    found = batch(row(), row("DEU", 400), row(requests=77, helium_placement_name="Total", partner_placement_name="x"))
    assert (len(found.rows), found.quarantined) == (3, {})


@each(
    ("name", "code"),
    [
        ("Russia", "RU"),
        ("Russian Federation", "RU"),
        ("Turkey", "TR"),
        ("T\u00fcrkiye", "TR"),
        ("TUERKIYE", None),
        ("United States", "US"),
        ("United States of America", "US"),
        ("USA", "US"),
        ("us", "US"),
        ("South Korea", "KR"),
        ("Vietnam", "VN"),
        ("Czech Republic", "CZ"),
        ("C\u00f4te d'Ivoire", "CI"),
        ("Ivory Coast", "CI"),
        ("United Kingdom", "GB"),
        ("UK", "GB"),
        ("Namibia", "NA"),
    ],
)
def test_names_of_countries_are_read_as_codes(name, code):
    (read,) = batch(row(name)).rows
    assert read["country"] == code


def test_a_large_answer_is_settled_in_the_time_that_its_rows_take():
    rows = [
        row(f"-{a}{b}{c}", 10 + at, demand_source=f"s{at % 10}", helium_placement_name=f"p{at % 20}")
        for at, (a, b, c) in enumerate(
            (a, b, c) for a in "ABCDEFGHIJKLMNOPQRST" for b in "ABCDEFGHIJKLMNOPQRST" for c in "ABCDEFGHIJKLMNOPQRST"
        )
    ]
    blank = [
        row("", 5, demand_source=f"s{at % 10}", helium_placement_name=f"p{at}", partner_placement_name=f"n{at}")
        for at in range(2000)
    ]
    assert len(batch(*rows, *blank).rows) == 10_000


# DT's files


def kept(folder, *rows):
    payload = read_payload(folder, dt_csv(rows))
    return sum(each["impressions"] for each in rows_in(payload)), payload


PLACED = of_users([dt_row(impressions=20, revenue="0.02"), dt_row(country="DE", impressions=15, revenue="0.011")])


@each("word", ["", "All", "Total", "ALL", "WW", "ZZ", "unknown"])
def test_a_row_of_dt_over_all_countries_is_left_out_and_counted(tmp_path, word):
    over = dt_row(country=word, impressions=35, revenue="0.031", device="")
    impressions, payload = kept(tmp_path, *PLACED, over)
    assert (impressions, payload.metadata.rows, payload.unread_reason) == (35, 2, "")
    assert payload.metadata.quarantined == {SUM: 1}


@each(
    "said",
    [
        {"placement": "Total"},
        {"placement": ""},
        {"placement": "", "country": ""},
        {"date": "Total", "app": "", "placement": "", "country": ""},
        {"app": "Total", "placement": ""},
        {"date": "", "app": "", "placement": "", "country": ""},
    ],
    ids=str,
)
def test_totals_in_a_file_of_dt_are_left_out_and_counted(tmp_path, said):
    impressions, payload = kept(tmp_path, *PLACED, dt_row(impressions=35, revenue="0.031", device="", **said))
    assert (impressions, payload.metadata.quarantined, payload.unread_reason) == (35, {SUM: 1}, "")


def test_users_of_dt_whom_nobody_could_place_are_kept(tmp_path):
    impressions, payload = kept(tmp_path, *PLACED, dt_row(country="", impressions=3), dt_row(country="EU"))
    assert (impressions, payload.metadata.quarantined, payload.unread_reason) == (39, {}, "")
