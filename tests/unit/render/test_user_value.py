"""What users are worth, as text, page and rows."""

from datetime import date
from decimal import Decimal

import pytest

from reconciler.model.rows import Rows, UserValue
from reconciler.render.rows import rows_document
from reconciler.render.user_value import by_age, value_lines, value_page, value_rows
from reconciler.warehouse.user_value import CONCENTRATION, DAILY, IDS, LIFETIME, LORENZ


@pytest.fixture
def value():
    lifetime = [
        (view, key, age, 10 - age, Decimal(age + 1) / 100, Decimal(age) / 100, Decimal(age + 2) / 100)
        for view, key in (("all", ""), ("cohort", "2026-11-16"), ("app", "android:com.a"), ("country", "<US>"))
        for age in range(5)
    ]
    day = (
        date(2026, 11, 20),
        "android:com.a",
        10,
        Decimal(1),
        Decimal("0.1"),
        Decimal("0.09"),
        Decimal("0.05"),
        Decimal("0.1"),
    )
    return UserValue(
        Rows(LIFETIME, lifetime),
        Rows(DAILY, [day]),
        Rows(CONCENTRATION, [(1, 1, Decimal("0.5"), Decimal("0.5")), (5, 1, Decimal("0.5"), Decimal("0.5"))]),
        Rows(LORENZ, [(Decimal(0), Decimal(0)), (Decimal("0.1"), Decimal("0.5")), (Decimal(1), Decimal(1))]),
        Rows(IDS, [("abc", "android:com.a", 1, Decimal("0.5"), 7, date(2026, 11, 16), date(2026, 11, 20), 3)]),
        users=10,
        revenue=Decimal("0.9"),
        hidden=Decimal("0.1"),
        notes=("reports of a week", "another note"),
    )


def test_a_table_has_a_column_for_each_age_that_was_reached(value):
    table = by_age(value.lifetime, "all")

    assert table.names == ("users", "day_0", "day_1", "day_3")
    assert table.rows == [(10, Decimal("0.01"), Decimal("0.02"), Decimal("0.04"))]


def test_text_says_users_revenue_and_notes(value):
    text = ["".join(span.text for span in line) for line in value_lines(value)]

    assert text[0] == "10 users brought 0.90 USD"
    assert "Share of the most valuable users" in text
    assert text[-2:] == ["reports of a week", "another note"]


def test_the_page_draws_each_part_and_escapes_names(value):
    page = value_page(value)

    for heading in ("Lifetime value", "By weekly cohort", "Revenue a user and day", "How few bring most"):
        assert heading in page
    assert "&lt;US&gt;" in page
    assert "<US>" not in page


def test_the_document_has_the_other_tables_by_name(value):
    document = rows_document(value_rows(value))

    assert [table["name"] for table in document["tables"]] == ["daily", "concentration", "lorenz", "mostValuable"]
    assert document["tables"][3]["rows"][0]["id"] == "abc"
