"""Rows as text, CSV and JSON."""

from datetime import date
from decimal import Decimal

import pytest

from reconciler.model.rows import SHARE, USD, Column, Rows
from reconciler.render.rows import MOST_SHOWN, csv_text, harmless, rows_document, table_lines

ROWS = Rows(
    (
        Column("day", "day"),
        Column("country", "text"),
        Column("impressions", "count"),
        Column("revenue", "number", USD),
        Column("fill", "number", SHARE),
        Column("settled", "flag"),
    ),
    (
        (date(2026, 11, 20), "US", 12345, Decimal("1.20"), 0.5, True),
        (date(2026, 11, 21), "=cmd|' /C calc'!A0", 0, None, None, False),
    ),
    notes=("a note",),
    incomplete=(date(2026, 11, 21),),
)


def text(rows):
    return ["".join(span.text for span in line) for line in table_lines(rows)]


def test_a_table_has_numbers_to_the_right_shares_in_per_cent_and_its_notes_below():
    assert text(ROWS) == [
        "day         country             impressions  revenue    fill  settled",
        "2026-11-20  US                       12,345     1.20  50.0 %  yes",
        "2026-11-21  =cmd|' /C calc'!A0            0        -       -  no",
        "not final yet: 2026-11-21",
        "a note",
    ]


def test_a_long_table_says_how_many_rows_it_leaves_out():
    many = Rows((Column("n", "count"),), [(n,) for n in range(MOST_SHOWN + 5)])

    assert text(many)[-1] == "... and 5 more rows; --out FILE writes all of them"
    assert len(text(many)) == MOST_SHOWN + 2


def test_csv_has_plain_numbers_and_no_formula():
    assert "".join(csv_text(ROWS)) == (
        "day,country,impressions,revenue,fill,settled\n"
        "2026-11-20,US,12345,1.20,0.5,true\n"
        "2026-11-21,'=cmd|' /C calc'!A0,0,,,false\n"
    )


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1"])
def test_a_text_that_a_spreadsheet_would_run_is_marked_as_text(formula):
    assert not harmless(formula).startswith(("=", "+", "-", "@", "\t"))


@pytest.mark.parametrize("plain", ["US", "", "-", "level_end", "a=b"])
def test_other_texts_stay(plain):
    assert harmless(plain) == plain


def test_the_document_names_columns_with_units_and_rows_by_them():
    document = rows_document(ROWS)

    assert document["format"] == "reconciler.rows/1"
    assert document["columns"][3] == {"name": "revenue", "type": "number", "unit": "USD"}
    assert document["rows"][0] == {
        "day": "2026-11-20",
        "country": "US",
        "impressions": 12345,
        "revenue": 1.2,
        "fill": 0.5,
        "settled": True,
    }
    assert document["incomplete"] == ["2026-11-21"]
    assert document["notes"] == ["a note"]
