import pytest
from support.reports import HEADER

from reconciler.errors import UnreadableAnswer
from reconciler.warehouse.user_report_csv import column_places, with_own_aliases

each = pytest.mark.parametrize


def test_the_columns_of_the_sibling_report_are_known():
    found = column_places(HEADER)
    assert {name: HEADER[place] for name, place in found.items()} == {
        "date": "Date",
        "app_id": "Fyber App ID",
        "placement_name": "Placement Name",
        "placement_type": "Placement Type",
        "country": "Country",
        "device_os": "Device OS",
        "user": "Device ID",
        "impressions": "Impressions",
        "revenue": "Revenue (USD)",
    }


@each("spell", [str.upper, str.lower, lambda name: name.replace(" ", "_"), lambda name: f" {name} "])
def test_case_spaces_and_punctuation_do_not_matter(spell):
    assert column_places([spell(name) for name in HEADER]) == column_places(HEADER)


def test_a_placement_may_be_named_by_its_id_alone():
    assert column_places(["date", "app_id", "placement_id", "country", "impressions", "revenue"])["placement_id"] == 2


def test_a_missing_column_is_an_error_that_lists_what_there_is():
    with pytest.raises(UnreadableAnswer) as error:
        column_places(["Date", "Fyber App ID", "Placement Name", "Country", "Umsatz\x1b[31m"])
    assert "no column for impressions, revenue" in error.value.message
    assert '"Umsatz\\x1b[31m"' in error.value.message


def test_a_column_that_is_there_twice_is_an_error():
    with pytest.raises(UnreadableAnswer, match="Revenue 2 times"):
        column_places([*HEADER[:-1], "Revenue", "revenue"])


def test_a_project_names_columns_of_its_own():
    aliases = with_own_aliases({"revenue": ["Umsatz"]})
    assert column_places([*HEADER[:-1], "UMSATZ"], aliases)["revenue"] == len(HEADER) - 1
    with pytest.raises(ValueError, match="no such column: money"):
        with_own_aliases({"money": ["Umsatz"]})
