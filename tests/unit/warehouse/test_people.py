import duckdb
import pyarrow as pa
import pytest

from reconciler.model.secret import Secret
from reconciler.warehouse.people import NO_USER_PATTERN, is_harmless_name, is_personal_name
from reconciler.warehouse.user_report_csv import ALIASES
from reconciler.warehouse.user_report_pieces import PeopleRules

each = pytest.mark.parametrize


@each(
    "name",
    [
        *("Device ID", "IDFV", "Custom ID", "IP address", "User ID", "IDFA/GAID", "deviceId", "device_id", "clientIp"),
        *("Publisher User ID", "User Agent", "userid", "Android ID", "ID", "Identifier", "e-mail", "GPS lat"),
    ],
)
def test_a_column_that_may_tell_of_people_is_known_by_its_name(name):
    assert is_personal_name(name, ALIASES["user"])


@each("name", [*(name for ours, names in ALIASES.items() if ours != "user" for name in names)])
def test_a_column_that_is_known_to_be_something_else_is_none(name):
    assert not is_personal_name(name, ALIASES["user"])


@each("name", ["App Name", "Users", "eCPM", "Device Type", "Creative ID", "SDK Version", "Campaign ID", "Ad Unit"])
def test_other_columns_are_none(name):
    assert not is_personal_name(name, ALIASES["user"])


@each("value", ["n/a", "None", " NULL ", "masked (12)", "below threshold", "***", "", "user-1-anonymous", "maryanne7"])
def test_who_is_no_user_is_told_alike_before_hashing_and_after(value):
    (kept,) = PeopleRules("hash", Secret("salt")).treat(pa.array([value])).to_pylist()
    with duckdb.connect() as connection:
        said = connection.execute("SELECT regexp_matches(?, ?)", [value, NO_USER_PATTERN]).fetchone()
    assert (kept == value.strip()) is said[0]


OTHERS = [name for ours, names in ALIASES.items() if ours != "user" for name in names]


@each(
    "name",
    [
        *("Login", "Member", "Telephone", "Handle", "Ref", "Customer No", "Tracking", "Hashed", "Client", "IDs", "Tel"),
        *(
            "GoogleAID",
            "Install",
            "Account No",
            "Roku RIDA",
            "",
            "Name",
            "Ad ID",
            "App User ID",
            "Device",
            "Device Name",
        ),
        *(
            "Session",
            "Пользователь",
            "User ID",
            "Advertiser",
            "Key",
            "Test ID",
            "Platform ID",
            "Line ID",
            "Network Impression ID",
            "App Request IDs",
            "Appstore Login",
            "ad" * 99,
        ),
    ],
)
def test_a_column_that_nobody_knows_may_tell_of_people(name):
    assert not is_harmless_name(name, OTHERS)
    assert PeopleRules("drop").is_personal(name)


@each(
    "name",
    [
        *OTHERS,
        *(
            "eCPM",
            "App Name",
            "Bundle ID",
            "Store",
            "Ad Unit ID",
            "Line Item ID",
            "App Store ID",
            "adUnitName",
            "creative_id",
            "Campaign Name",
            "Hour",
        ),
        *("Network Name", "Demand Source", "Device Type", "Device Model", "OS Version", "SDK Version", "Fill Rate"),
        *(
            "Advertiser Domain",
            "Ad Requests",
            "Connection Type",
            "Carrier",
            "Region",
            "Language",
            "fillrate",
            "Day 7 Revenue",
        ),
    ],
)
def test_a_column_of_plain_words_tells_of_nobody(name):
    assert is_harmless_name(name, OTHERS)
