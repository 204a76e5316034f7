from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from reconciler.apis.mediation_query import RATIOS, MediationWish
from reconciler.errors import UnreadableAnswer
from reconciler.warehouse.mediation_answers import MediationAnswer

each = pytest.mark.parametrize
NOW = datetime(2026, 11, 21, 13, tzinfo=UTC)
FIRST, LAST = date(2026, 9, 1), date(2026, 11, 14)


def answered(*rows, **said):
    """The answer to a question about three days, of rows that came in one piece."""
    asked = {"dimensions": ["country"], "metrics": ["requests", "impressions", "estimated_earnings"], "zone": "UTC"}
    days = {"first": date(2026, 11, 1), "last": date(2026, 11, 3)}
    query = MediationWish(**{**asked, **days, **said}).query(NOW)
    answer = MediationAnswer(query)
    answer.add(query.span, rows)
    return answer


def cells(answer):
    return [tuple(row) for row in answer.rows(NOW).rows]


def row(country="USA", requests=1000, impressions=100, earnings=0.25, **more):
    figures = {"requests": requests, "impressions": impressions, "estimated_earnings": earnings}
    return {"country": country, **figures, **more}


def test_windows_add_up_and_ratios_are_computed_of_the_sums():
    """Seventy-five days by country, with all ratios, as by hand."""
    ratios = list(RATIOS)
    said = {"dimensions": ["country"], "metrics": ratios, "network": "bidding", "first": FIRST, "last": LAST}
    query = MediationWish(**said).query(NOW)
    chance, answer, by_hand = Random(7), MediationAnswer(query), defaultdict(lambda: defaultdict(Decimal))
    for window in query.windows():
        rows = []
        for country in ("USA", "DEU", "NAM"):
            impressions = chance.randrange(1, 10_000)
            figures = {
                "impressions": impressions,
                "winning_bids": impressions + 7,
                "valid_bids": 3 * impressions,
                "requests": 9 * impressions + 1,
                "estimated_earnings": round(chance.random() * impressions / 100, 2),
            }
            rows.append({"country": country, **figures, **dict.fromkeys(ratios, 0.5)})
            for name, value in figures.items():
                by_hand[country][name] += Decimal(str(value))
        answer.add(window, rows)
    for country, *told in cells(answer):
        for ratio, value in zip(ratios, told, strict=True):
            part, whole, times = RATIOS[ratio]
            assert abs(value - by_hand[country][part] * times / by_hand[country][whole]) < Decimal("1e-9")
    assert [line[0] for line in cells(answer)] == ["DEU", "NAM", "USA"]


def test_columns_stand_as_they_were_asked_for_with_their_units():
    found = answered(row(), metrics=["fill_rate", "ecpm", "requests"], dimensions=["country"]).rows(NOW)
    assert [(column.name, column.type, column.unit) for column in found.columns] == [
        ("country", "text", None),
        ("fill_rate", "number", "share"),
        ("ecpm", "number", "USD per 1,000 impressions"),
        ("requests", "count", None),
    ]
    assert [tuple(each) for each in found.rows] == [("USA", Decimal("0.10"), Decimal("2.50"), 1000)]


def test_a_ratio_of_nothing_is_null_and_earnings_without_impressions_are_nothing():
    found = answered(row(impressions=0, earnings=None, ecpm=None), metrics=["requests", "ecpm", "fill_rate"])
    assert cells(found) == [("USA", 1000, None, Decimal("0.00"))]
    assert found.is_whole


@each(
    ("broken", "why"),
    [
        ({"earnings": None}, "the estimated earnings are missing"),
        ({"impressions": None}, "the impressions are missing"),
        ({"requests": None}, "the requests are missing"),
        ({"requests": -1}, "the requests are negative"),
        ({"requests": "1,000"}, "the requests are no number"),
        ({"earnings": "0,25"}, "the earnings are no number"),
        ({"currency": "EUR"}, "not in USD"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_left_out_and_told(broken, why):
    found = answered(row("DEU"), row("USA", **broken))
    assert [line[0] for line in cells(found)] == ["DEU"]
    assert f"1 of 2 rows were left out: 1 {why}" in found.rows(NOW).notes
    assert not found.is_whole


def test_rows_without_any_figure_are_left_out_and_nothing_is_missing():
    found = answered(row("DEU"), row("USA", None, None, None))
    assert [line[0] for line in cells(found)] == ["DEU"]
    assert found.is_whole


def test_a_day_without_one_good_row_is_named():
    found = answered(row(date="2026-11-01"), row(None, 10, 10, None, date="2026-11-02"), dimensions=["date", "country"])
    assert "no row of these days could be read: 2026-11-02" in found.rows(NOW).notes
    assert not found.is_whole


def test_equal_rows_count_once_and_those_that_differ_in_figures_are_left_out():
    found = answered(row("DEU"), row("DEU"), row("USA"), row("usa ", 7))
    assert cells(found) == [("DEU", 1000, 100, Decimal("0.25"))]
    notes = found.rows(NOW).notes
    assert "1 rows stood there again and count once" in notes
    assert any("2 stands there twice, with different figures" in note for note in notes)


@each("of_all", [None, "", "All", "total", "WW", "unknown"])
def test_a_row_that_sums_others_does_not_count(of_all):
    found = answered(row("DEU"), row("USA"), row(of_all, 2000, 200, 0.5))
    assert [line[0] for line in cells(found)] == ["DEU", "USA"]
    assert found.is_whole


def test_users_whom_nobody_could_place_are_a_row_of_their_own():
    assert cells(answered(row("DEU"), row(None, 5, 1, 0.01)))[-1] == (None, 5, 1, Decimal("0.01"))


@each("nowhere", [None, ""])
def test_a_row_that_equals_the_single_other_one_of_its_group_is_no_sum(nowhere):
    said = {"dimensions": ["app", "country"]}
    found = answered(row("USA", 9, 4, 0.05, app="a"), row(nowhere, 9, 4, 0.05, app="a"), **said)
    assert [line[1:] for line in cells(found)] == [("USA", 9, 4, Decimal("0.05")), (None, 9, 4, Decimal("0.05"))]
    assert [line[1] for line in cells(answered(row(app="a"), row("All", app="a"), **said))] == ["USA"]


def test_days_that_were_not_asked_for_are_no_answer():
    with pytest.raises(UnreadableAnswer, match="of other days"):
        answered(row(date="2026-10-31"), dimensions=["date", "country"])


def test_the_apis_defaults_are_no_answer_to_another_question():
    with pytest.raises(UnreadableAnswer, match="have no partner_placement_name and have app"):
        answered(row(app="a"), dimensions=["country", "partner_placement_name"])
    with pytest.raises(UnreadableAnswer, match="have no valid_bids"):
        answered(row(), metrics=["valid_bids", "requests"], network="bidding")


def test_finer_rows_than_were_asked_for_are_added_up():
    found = answered(row(date="2026-11-01"), row(date="2026-11-02", earnings=0.5))
    assert cells(found) == [("USA", 2000, 200, Decimal("0.75"))]


def test_keys_and_countries_may_be_spelled_in_any_way():
    odd = {"Country": "us", "REQUESTS": "1e3", "Impressions": 100.0, "estimated_earnings": "0.1"}
    assert cells(answered(odd)) == [("USA", 1000, 100, Decimal("0.10"))]


def test_cents_add_up_without_binary_noise():
    rows = [row(date=f"{FIRST + timedelta(days=at)}", earnings=0.1) for at in range(30)]
    found = answered(*rows, first=FIRST, last=FIRST + timedelta(days=29), metrics=["estimated_earnings"])
    assert cells(found) == [("USA", Decimal("3.00"))]


def test_zone_days_and_what_is_not_final_are_told():
    found = answered(row(), first=date(2026, 11, 19), last=date(2026, 11, 21)).rows(NOW)
    assert found.incomplete == (date(2026, 11, 21),)
    assert "days are those of UTC: 2026-11-19 to 2026-11-21; money is USD" in found.notes


def test_rows_of_both_network_types_add_up_where_all_are_asked_for():
    found = answered(row(network_type="bidding"), row(requests=7, network_type="mediation"))
    assert cells(found) == [("USA", 1007, 200, Decimal("0.50"))]


GIVEN = ["app", "helium_placement_name", "helium_line_item_name", "partner_placement_name"]


@each("name", GIVEN)
@each("other", ["banner a", "Banner  A", "Banner A ", "BANNER A"])
def test_names_that_differ_in_case_or_blanks_are_two(name, other):
    said = {"dimensions": [name]}
    one, two = ({**row(earnings=earned), name: text} for text, earned in (("Banner A", 0.25), (other, 0.25)))
    assert sorted(cells(answered(one, two, **said))) == sorted(
        [("Banner A", 1000, 100, Decimal("0.25")), (other, 1000, 100, Decimal("0.25"))]
    )
    assert len(cells(answered(one, {**two, "requests": 7}, **said))) == 2
    assert answered(one, {**two, "requests": 7}, **said).is_whole


@each("name", [*GIVEN, "placement_type", "demand_source", "country"])
@each("of_all", ["All", " TOTAL ", "", None])
def test_a_sum_over_any_dimension_does_not_count(name, of_all):
    said = {"dimensions": ["app", name] if name != "app" else [name, "country"]}
    beside = {"app": "a"} if name != "app" else {"country": "USA"}
    values = ("DEU", "USA") if name == "country" else ("one", "two")
    rows = [{**row(), **beside, name: text} for text in values]
    found = answered(*rows, {**row(None, 2000, 200, 0.5), **beside, name: of_all}, **said)
    assert len(cells(found)) == 2
    assert found.is_whole


def test_a_sum_has_parts_without_a_value_among_others():
    """Rows without a partner's placement are no sums; one over all countries sums them, with and without the others."""
    said = {"dimensions": ["country", "partner_placement_name"]}
    parts = [
        row("DEU", partner_placement_name="p"), row("USA", 500, 60, 0.15, partner_placement_name="p"),
        row("DEU", 30, 20, 0.05, partner_placement_name=""), row("USA", 20, 10, 0.03, partner_placement_name=None),
    ]  # fmt: skip
    alone = row("All", 50, 30, 0.08, partner_placement_name="")
    whole = row("", 1550, 190, 0.48, partner_placement_name="")
    for sums in ([], [alone], [whole], [row("Total", 1500, 160, 0.4, partner_placement_name="p"), alone, whole]):
        found = answered(*parts, *sums, **said)
        assert sorted(line[2] for line in cells(found)) == [20, 30, 500, 1000]
        assert found.is_whole


def test_a_row_without_a_partners_placement_is_no_sum_by_accident_of_small_counts():
    said = {"dimensions": ["partner_placement_name"], "metrics": ["impressions"]}
    rows = [{"partner_placement_name": name, "impressions": shown} for name, shown in (("p", 1), ("q", 2), ("", 3))]
    assert len(cells(answered(*rows, **said))) == 3


@each(
    "rows",
    [
        [row(None, None, None, None)],
        [row("USA", None, 10, 10), row("DEU", None, 10, 10)],
        [row(date="Total")],
        [row(), row(requests=7)],
        [row(currency="EUR")],
    ],
    ids=["no figures", "missing figures", "a sum", "twice", "another currency"],
)
def test_rows_of_which_none_can_be_used_are_no_whole_answer(rows):
    found = answered(*rows)
    assert not cells(found)
    assert not found.is_whole
    assert "not one row of 2026-11-01 to 2026-11-03 can be used" in found.rows(NOW).notes
    assert answered().is_whole
