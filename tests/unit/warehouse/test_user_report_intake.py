import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.reports import APP, DAY, HEADER, NOON, RULES, dt_csv, dt_row

from reconciler.apis.user_reports import ReceivedReport
from reconciler.errors import UnreadableAnswer
from reconciler.warehouse.user_report_csv import with_own_aliases
from reconciler.warehouse.user_report_intake import read_user_report

each = pytest.mark.parametrize


def read_payload(folder, body, rules=RULES):
    (folder / "received").write_bytes(body)
    lines = body.count(b"\n") + (not body.endswith(b"\n"))
    return read_user_report(ReceivedReport(folder / "received", lines, "sha256:0"), APP, DAY, rules, NOON)


def rows_in(payload):
    with duckdb.connect() as connection:
        found = connection.execute(f"FROM '{payload.data}'")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def payload_of(folder, *rows, rules=RULES, **said):
    return read_payload(folder, dt_csv(rows, **said), rules)


def test_a_row_comes_out_typed_and_exact(tmp_path):
    payload = payload_of(tmp_path, dt_row(revenue="0.0012300000000000000456", impressions=3))
    assert rows_in(payload) == [
        {
            "app": APP,
            "day": DAY,
            "placement_id": None,
            "placement_name": "int_13",
            "placement_type": "Interstitial",
            "country": "US",
            "device_os": "Android",
            "person": None,
            "masked": False,
            "impressions": 3,
            "revenue": Decimal("0.00123"),
        }
    ]
    assert (payload.metadata.rows, payload.metadata.quarantined, payload.quarantine) == (1, {}, None)


@each("newline", ["\n", "\r\n", "\r"])
@each("mark", [b"", b"\xef\xbb\xbf"])
@each("end", [True, False])
def test_line_ends_and_marks_do_not_matter(tmp_path, newline, mark, end):
    body = mark + dt_csv([dt_row(), dt_row(impressions=2)], newline=newline)
    assert read_payload(tmp_path, body if end else body.rstrip()).metadata.rows == 2


def test_quoted_commas_quotes_and_line_breaks_are_part_of_a_name(tmp_path):
    name = 'a, "b"\r\nc'
    payload = payload_of(tmp_path, dt_row(placement=name), dt_row())
    assert rows_in(payload)[0]["placement_name"] == name
    assert payload.metadata.quarantined == {}


@each("name", ["=HYPERLINK(1)", "+1", "-1", "@x", "=cmd|' /C calc'!A0"])
def test_formulas_in_names_are_kept_as_text(tmp_path, name):
    assert rows_in(payload_of(tmp_path, dt_row(placement=name)))[0]["placement_name"] == name


@each("order", [reversed, sorted])
def test_columns_may_come_in_any_order_with_strangers_among_them(tmp_path, order):
    header = [*order(HEADER), "Bid Floor"]
    assert payload_of(tmp_path, dt_row(), header=header).metadata.rows == 1


BAD = [
    ({"revenue": "NaN"}, "the revenue is no number"),
    ({"revenue": "inf"}, "the revenue is no number"),
    ({"revenue": "1,000.0"}, "the revenue is no number"),
    ({"revenue": "1_000"}, "the revenue is no number"),
    ({"revenue": "1e30"}, "the revenue is no number"),
    ({"revenue": "-0.1"}, "the revenue is negative"),
    ({"revenue": ""}, "a required value is missing"),
    ({"impressions": "-1"}, "the impressions are negative"),
    ({"impressions": "1.5"}, "the impressions are no whole number"),
    ({"impressions": "many"}, "the impressions are no whole number"),
    ({"impressions": ""}, "a required value is missing"),
    ({"placement": ""}, "a required value is missing"),
    ({"date": "2026-13-01"}, "the date is none"),
    ({"date": "yesterday"}, "the date is none"),
    ({"date": "2026-11-19"}, "of another day"),
    ({"app": "999"}, "of another app"),
]


@each(("said", "why"), BAD)
def test_a_bad_row_is_set_aside_with_the_reason(tmp_path, said, why):
    payload = payload_of(tmp_path, dt_row(), dt_row(**said), dt_row(impressions=2))
    assert (payload.metadata.rows, payload.metadata.quarantined) == (2, {why: 1})
    (row,) = map(json.loads, payload.quarantine.read_text().splitlines())
    assert row["reason"] == why


def test_bad_rows_are_counted_by_reason(tmp_path):
    payload = payload_of(tmp_path, dt_row(), *(dt_row(**said) for said, _ in BAD))
    assert payload.metadata.quarantined == Counter(why for _, why in BAD)
    assert len(payload.quarantine.read_text().splitlines()) == len(BAD)


@each(
    ("line", "why"),
    [
        (b"2026-11-20,170709", "fewer columns than the header"),
        (b"2026-11-20,170709,a,b,c,US,Android,x,1,0.1,9", "more columns than the header"),
        (b"2026-11-20,170709,a,\xff\xfe,c,US,Android,x,1,0.1", "not UTF-8 text"),
        (b'2026-11-20,170709,a,"b" c,c,US,Android,x,1,0.1', "a quote that is not closed"),
        (b"2026-11-20,170709,a," + b"b" * 3_000_000 + b",c,US,Android,x,1,0.1", "longer than 2 MB"),
    ],
    ids=["few", "many", "encoding", "quote", "long"],
)
def test_a_misshapen_line_is_set_aside_with_its_place(tmp_path, line, why):
    body = dt_csv([dt_row(), dt_row(impressions=2)], newline="\n").splitlines(keepends=True)
    payload = read_payload(tmp_path, b"".join([*body[:2], line + b"\n", *body[2:]]))
    assert (payload.metadata.rows, payload.metadata.quarantined) == (2, {why: 1})
    assert json.loads(payload.quarantine.read_text()) == {"reason": why, "line": 3}


OPEN = b'2026-11-20,170709,a,"b,c,US,Android,x,1,0.1\n'
MISUSED = b'2026-11-20,170709,a,"b" c,c,US,Android,x,1,0.1\n'


@each("bad", [OPEN, MISUSED])
@each("at", [1, 6, 11])
def test_an_open_quote_costs_its_own_line_and_no_other(tmp_path, bad, at):
    body = dt_csv([dt_row(impressions=at) for at in range(10)], newline="\n").splitlines(keepends=True)
    payload = read_payload(tmp_path, b"".join([*body[:at], bad, *body[at:]]))
    assert (payload.metadata.rows, payload.metadata.quarantined) == (10, {"a quote that is not closed": 1})
    assert json.loads(payload.quarantine.read_text())["line"] == at + 1


@each(
    "body",
    [
        b"",
        b"\n\n",
        b"<html></html>",
        b'{"error": "x"}',
        b"nonsense",
        b"\0\0\0\0",
        b"\xff\xfeD\0a\0",
        dt_csv([dt_row()]).split(b"\r\n", 1)[1],
        dt_csv([dt_row()], header=HEADER[:-1]),
        dt_csv([dt_row(app="999"), dt_row(date="2026-11-19")]),
        dt_csv([dt_row(revenue="NaN")]),
    ],
)
def test_what_is_no_report_of_that_app_and_day_is_an_error(tmp_path, body):
    with pytest.raises(UnreadableAnswer):
        read_payload(tmp_path, body)


def test_a_report_without_rows_is_a_day_on_which_nothing_was_sold(tmp_path):
    payload = payload_of(tmp_path)
    assert (payload.metadata.rows, rows_in(payload)) == (0, [])


@each("who", ["masked", "(Masked)", "OTHERS", "***", "00000000-0000-0000-0000-000000000000"])
def test_the_row_of_masked_users_is_kept_and_marked(tmp_path, who):
    (row,) = rows_in(payload_of(tmp_path, dt_row(device=who), rules=replace(RULES, people="hash")))
    assert (row["masked"], row["person"], row["impressions"]) == (True, None, 1)


def test_namibia_is_a_country_and_an_empty_one_is_none(tmp_path):
    payload = payload_of(tmp_path, dt_row(country="NA"), dt_row(country=""), dt_row(country="ZZ"), dt_row(country="xk"))
    assert [row["country"] for row in rows_in(payload)] == ["NA", None, "ZZ", "XK"]
    assert payload.metadata.unknown_countries == {"": 1, "ZZ": 1}


DEVICE = "38400000-8cf0-11bd-b23e-10b96e40000d"


@each("people", ["hash", "drop"])
def test_no_device_id_is_kept_in_clear(tmp_path, people):
    rules = replace(RULES, people=people)
    payload_of(tmp_path, dt_row(device=DEVICE), dt_row(device=DEVICE, revenue="NaN"), rules=rules)
    kept = [path for path in tmp_path.iterdir() if path.name != "received"]
    assert len(kept) == 2
    assert not [path for path in kept if DEVICE.encode() in path.read_bytes() or b"8cf0" in path.read_bytes()]


def test_a_hashed_device_is_the_same_under_one_salt_and_another_under_the_next(tmp_path):
    rows = dt_row(), dt_row(impressions=2)
    one = [row["person"] for row in rows_in(payload_of(tmp_path, *rows, rules=replace(RULES, people="hash")))]
    salted = replace(RULES, people="hash", salt=type(RULES.salt)("ab" * 32))
    (other,) = [row["person"] for row in rows_in(payload_of(tmp_path, dt_row(), rules=salted))]
    assert one[0] == one[1] != other
    assert len(other) == 32


def test_columns_of_a_projects_own_are_read(tmp_path):
    body = dt_csv([dt_row()]).replace(b"Revenue (USD)", b"Umsatz", 1)
    assert (
        read_payload(tmp_path, body, replace(RULES, aliases=with_own_aliases({"revenue": ["umsatz"]}))).metadata.rows
        == 1
    )


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_every_row_is_either_kept_or_counted(tmp_path_factory, data):
    texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)
    numbers = st.one_of(st.integers(-3, 10).map(str), st.floats().map(str), texts)
    rows = data.draw(st.lists(st.builds(dt_row, placement=texts, impressions=numbers, revenue=numbers), max_size=12))
    folder = tmp_path_factory.mktemp("report")
    try:
        metadata = payload_of(folder, dt_row(), *rows, newline="\n").metadata
    except UnreadableAnswer:
        raise AssertionError(rows) from None
    assert metadata.rows + sum(metadata.quarantined.values()) + metadata.repeated == 1 + len(rows)


@each("people", ["hash", "drop"])
@each("between", [0, 3])
def test_a_row_that_stands_there_again_counts_once_and_is_counted_as_repeated(tmp_path, people, between):
    others = [dt_row(country=country) for country in ("DE", "FR", "GB")[:between]]
    payload = payload_of(tmp_path, dt_row(), *others, dt_row(), dt_row(), rules=replace(RULES, people=people))
    assert (payload.metadata.rows, payload.metadata.repeated, payload.metadata.quarantined) == (1 + between, 2, {})
    assert sum(row["impressions"] for row in rows_in(payload)) == 1 + between


@each("said", [{"device": "another"}, {"app_name": "Other"}, {"revenue": "0.0010"}, {"placement": "int_13 "}])
def test_rows_that_differ_in_any_column_are_two_even_where_what_is_kept_of_them_is_the_same(tmp_path, said):
    other = {**dt_row(), "App Name": said["app_name"]} if "app_name" in said else dt_row(**said)
    metadata = payload_of(tmp_path, dt_row(), other).metadata
    assert (metadata.rows, metadata.repeated) == (2, 0)


def test_bad_rows_are_counted_each_beside_rows_that_are_repeated(tmp_path):
    bad = dt_row(revenue="NaN")
    metadata = payload_of(tmp_path, dt_row(), bad, dt_row(), bad).metadata
    assert (metadata.rows, metadata.repeated, metadata.quarantined) == (1, 1, {"the revenue is no number": 2})


def test_repeated_rows_are_told_apart_from_what_an_open_quote_costs(tmp_path):
    body = dt_csv([dt_row(), dt_row(), dt_row(impressions=2)], newline="\n")
    metadata = read_payload(
        tmp_path, body + OPEN + dt_csv([dt_row(impressions=3)], newline="\n").split(b"\n", 1)[1]
    ).metadata
    assert (metadata.rows, metadata.repeated, metadata.quarantined) == (3, 1, {"a quote that is not closed": 1})


WHOLE = dt_csv([dt_row(), dt_row(impressions=2, revenue="0.125")])


@each("newline", ["\n", "\r\n", "\r"])
@each(
    ("end", "why"),
    [
        (b"2026-11-20,170709,CashCrash,int", "it has 4 of 10 columns"),
        (b"2", "it has 1 of 10 columns"),
        (b'2026-11-20,170709,CashCrash,"int', "a quote is not closed"),
        (b'2026-11-20,170709,CashCrash,"a\nb', "it has 1 of 10 columns"),
        (b"2026-11-20,170709,CashCrash,a,b,US,iOS,x,1,", "its last value is missing"),
        (b"2026-11-20,170709,CashCrash,a,b,US,iOS,x,1,0.", "its last number is not whole"),
        (b"2026-11-20,170709,CashCrash,a,b,US,iOS,x,1,1.5e-", "its last number is not whole"),
        (b'2026-11-20,170709,CashCrash,a,b,US,iOS,x,1,"0.1', "a quote is not closed"),
    ],
)
def test_a_report_that_ends_amid_a_row_is_none(tmp_path, newline, end, why):
    body = dt_csv([dt_row(), dt_row(country="")], newline=newline)
    with pytest.raises(UnreadableAnswer, match=why):
        read_payload(tmp_path, body + end)


@each("size", range(1, WHOLE.count(b",", WHOLE.rindex(b"\r\n", 0, -2)) + 40))
def test_wherever_the_last_line_is_cut_no_row_is_lost_or_made_smaller_unseen(tmp_path, size):
    body = WHOLE[:-2][:-size]
    try:
        payload = read_payload(tmp_path, body)
    except UnreadableAnswer:
        return
    whole_numbers = body.endswith((b"0.1", b"0.12", b"0"))
    assert body.endswith(b"\n") or whole_numbers, "such a cut can be told by the transport alone"
    assert payload.metadata.quarantined == {}


@each(
    "end",
    [
        b"2026-11-20,170709,CashCrash,a,b,US,iOS,x,1,0.1",
        b'2026-11-20,170709,CashCrash,a,b,US,iOS,x,1,"0.1"',
        b'2026-11-20,170709,CashCrash,"a, ""b""\nc",b,US,iOS,x,1,0.1',
        b'2026-11-20,170709,5" wide,a,b,US,iOS,x,1,0.1',
        "2026-11-20,170709,a\u2028b,a,b,US,iOS,x,1,0.1".encode(),
        b"2026-11-20,170709,CashCrash,a,b,,iOS,x,1,0.1",
    ],
)
def test_a_last_row_needs_no_line_end(tmp_path, end):
    metadata = read_payload(tmp_path, dt_csv([dt_row()], newline="\n") + end).metadata
    assert (metadata.rows + sum(metadata.quarantined.values()), metadata.repeated) == (2, 0)


def test_blanks_behind_the_last_row_are_no_row_that_was_cut(tmp_path):
    assert read_payload(tmp_path, dt_csv([dt_row()]) + b" ").metadata.rows == 1


def test_a_header_alone_may_end_without_a_line_end(tmp_path):
    header = dt_csv([]).replace(b"Revenue (USD)", b"Revenue").rstrip()
    assert read_payload(tmp_path, header).metadata.rows == 0


@each("lacks", [("Date",), ("Fyber App ID",), ("Date", "Fyber App ID")])
def test_date_and_app_come_from_the_order_where_the_report_has_no_columns_for_them(tmp_path, lacks):
    header = [name for name in HEADER if name not in lacks]
    payload = payload_of(tmp_path, dt_row(), dt_row(country="DE"), header=header)
    assert [(row["app"], row["day"]) for row in rows_in(payload)] == [(APP, DAY)] * 2
    assert not payload.metadata.quarantined


def test_a_header_that_is_there_again_is_left_out_without_a_date_too(tmp_path):
    header = [name for name in HEADER if name not in {"Date", "Fyber App ID"}]
    body = dt_csv([dt_row()], header) + dt_csv([dt_row(country="DE")], header)
    payload = read_payload(tmp_path, body)
    assert [row["country"] for row in rows_in(payload)] == ["US", "DE"]


@each(
    "who",
    [
        *("aggregated masked user level revenue", "Aggregated_masked...", "masked_users", "(hidden)", "Other users"),
        *("AGGREGATED", "revenue masked for 37 users", "aggregatedMasked", "<redacted>", "*****", "Hidden by policy"),
        *("privacy threshold", "Below Threshold", "not available", "Unavailable", "no consent", "opted out", "LAT"),
        *("n/a", "N/A", "None", "NULL", "(none)", "limit ad tracking", "unattributed", "masked (12)", "unknown"),
        *("masked [1,234]", "37 users masked", "fewer than 10 users", "not set", "no device id", "0" * 32),
    ],
)
def test_masked_users_are_known_by_meaning(tmp_path, who):
    payload = payload_of(tmp_path, dt_row(device=who), rules=replace(RULES, people="hash"))
    (row,) = rows_in(payload)
    assert (row["masked"], row["person"]) == (True, None)


@each(
    "who",
    [
        *("deadbeefmasked0000", "hidden_dragon_77", "other-4711", "mother", "user", "hidden77", "brotherhood"),
        *("38400000-8cf0-11bd-b23e-10b96e40000d", "facade0000000000", "maskedman", "total_war_fan"),
        *("user-1-anonymous", "anonymous 7", "adnan", "nana", "lata", "nonesuch", "user 12", "masked 4 u"),
    ],
)
def test_an_id_in_which_such_letters_merely_occur_is_a_user(tmp_path, who):
    payload = payload_of(tmp_path, dt_row(device=who), rules=replace(RULES, people="hash"))
    (row,) = rows_in(payload)
    assert (row["masked"], len(row["person"])) == (False, 32)
