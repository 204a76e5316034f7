import csv
import gzip
import json
import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from unit.sandbox.report_world import APP, DAY, IOS_APP, KEYS, ORDERS, URL

from reconciler.sandbox.exchange import SandboxRequest
from reconciler.sandbox.faults import Bomb, Garbage, Redirect, WrongHost
from reconciler.sandbox.quirks import Quirks

each = pytest.mark.parametrize


def text_of(answer):
    body = gzip.decompress(answer.body) if answer.body.startswith(b"\x1f\x8b") else answer.body
    return body.decode()


def rows_of(answer):
    return list(csv.DictReader(text_of(answer).splitlines()))


def report(server, **said):
    answer = server.call("GET", server.link(**said))
    assert answer.status == 200
    return rows_of(answer)


class TestToken:
    def test_it_lasts_an_hour(self, reports):
        status, told = reports().post("/auth/v1/token", **KEYS)
        assert (status, told["tokenType"], told["expiresIn"]) == (200, "bearer", 3600)

    @each(
        ("change", "error"),
        [
            ({"client_secret": ""}, "invalid_request"),
            ({"client_id": None}, "invalid_request"),
            ({"grant_type": "management_client_credentials"}, "unsupported_grant_type"),
            ({"client_secret": "wrong"}, "invalid_client"),
        ],
    )
    def test_bad_credentials_are_a_400(self, reports, change, error):
        assert reports().post("/auth/v1/token", **{**KEYS, **change}) == (400, {"error": error})

    def test_only_the_fixed_pair_is_taken_where_there_is_one(self, reports):
        assert reports(credentials=("id", "x")).post("/auth/v1/token", **KEYS) == (400, {"error": "invalid_client"})

    def test_a_token_of_another_api_is_none(self, reports):
        server = reports()
        server.token = server.account.issue_token(60)
        assert server.post(f"{ORDERS}?format=csv", date=f"{DAY}", appId=APP) == (401, {"error": "invalid_token"})


class TestOrder:
    def test_the_answer_names_a_report_and_a_url_of_this_server_with_escapes(self, reports):
        status, told = reports().order()
        assert status == 200
        assert told["id"] in told["url"]
        assert told["url"].startswith(f"{URL}/group%3D3432/")
        assert re.search(r"%7E.*&Signature=\S+%3D$", told["url"])

    @each("app", ["999", 170709, None, ""])
    def test_an_unknown_app_is_refused(self, reports, app):
        status, told = reports().order(app=app)
        assert (status, told["error"]) == (400, "invalid_query")
        assert "appId" in told["error_description"]

    @each("day", ["20.11.2026", "2026-16-02", "", None])
    def test_a_date_that_is_none_is_refused(self, reports, day):
        assert reports().order(day=day)[1]["error"] == "invalid_query"

    def test_a_day_is_complete_at_noon_of_the_next(self, reports):
        server = reports()
        assert server.order(day=DAY)[0] == 200
        server.clock.time -= 1
        assert "not complete" in server.order(day=DAY)[1]["error_description"]

    @each(("back", "status"), [(10, 200), (11, 400)])
    def test_ten_days_are_kept(self, reports, back, status):
        assert reports().order(day=DAY + timedelta(days=1 - back))[0] == status

    def test_another_format_is_refused(self, reports):
        server = reports()
        server.order()
        assert server.post(f"{ORDERS}?format=json", date=f"{DAY}", appId=APP)[0] == 400


class TestFile:
    def test_it_is_pending_in_all_three_ways_before_it_is_there(self, reports):
        server = reports(report_reads=3)
        link = server.link()
        ways = [server.call("GET", link) for _ in range(3)]
        assert {(way.status, b"AccessDenied" in way.body, way.body == b"") for way in ways} == {
            (404, False, False), (403, True, False), (200, False, True),
        }  # fmt: skip
        assert rows_of(server.call("GET", link))

    @each("change", [("%7E", "~"), ("%3D", "%3d"), ("/group%3D", "/group="), ("&Expires", "&expires"), ("%3D", "=")])
    def test_it_fits_no_other_spelling_of_its_url(self, reports, change):
        server = reports(report_reads=0)
        answer = server.call("GET", server.link().replace(*change))
        assert answer.status == 403
        assert b"SignatureDoesNotMatch" in answer.body

    def test_an_authorization_header_is_refused(self, reports):
        server = reports(report_reads=0)
        answer = server.call("GET", server.link(), authorized=True)
        assert answer.status == 400
        assert b"Only one auth mechanism" in answer.body

    def test_its_url_expires(self, reports):
        server = reports(report_reads=0)
        link = server.link()
        server.clock.time += 3 * 3600
        answer = server.call("GET", link)
        assert answer.status == 403
        assert b"Request has expired" in answer.body

    def test_some_are_packed_and_some_are_not(self, reports):
        server = reports(report_reads=0)
        days = [DAY - timedelta(days=back) for back in range(10)]
        packed = {server.call("GET", server.link(day=day)).body.startswith(b"\x1f\x8b") for day in days[:9]}
        assert packed == {True, False}

    def test_a_file_can_be_read_and_nothing_else(self, reports):
        server = reports()
        assert server.call("POST", server.link()).status == 405


class TestRows:
    def test_they_are_of_the_app_and_the_day(self, reports):
        rows = report(reports(report_reads=0))
        assert {(row["Date"], row["Fyber App ID"]) for row in rows} == {(f"{DAY}", APP)}
        assert 1000 < len(rows) < 10_000

    def test_the_same_account_and_day_give_the_same_file(self, reports):
        texts = {text_of(server.call("GET", server.link())) for server in (reports(report_reads=0) for _ in range(2))}
        assert len(texts) == 1

    def test_another_market_and_another_day_give_another(self, reports):
        yesterday = DAY - timedelta(days=1)
        files = [
            report(reports(report_reads=0)),
            report(reports(report_reads=0, market=1)),
            report(reports(report_reads=0), day=yesterday),
        ]
        assert len({tuple(row["Revenue (USD)"] for row in rows) for rows in files}) == 3

    def test_some_users_see_several_ads_and_one_row_sums_the_masked(self, reports):
        rows = report(reports(report_reads=0))
        shown = {int(row["Impressions"]) for row in rows if len(row["Device ID"]) == 36}
        assert {1, 2, 3} <= shown
        cells = [(row["Placement Name"], row["Country"]) for row in rows if row["Device ID"] == "masked"]
        assert cells
        assert len(cells) == len(set(cells))

    def test_a_country_may_be_none(self, reports):
        assert {"US", "NA", "XK", "ZZ"} <= {row["Country"] for row in report(reports(report_reads=0))}

    def test_targeting_keeps_other_countries_out(self, reports):
        rows = report(reports(report_reads=0))
        assert {row["Country"] for row in rows if row["Placement Name"] == "int_13"} == {"US", "GB"}

    def test_nothing_is_sold_below_the_floor(self, reports):
        rows = [row for row in report(reports(report_reads=0), app=IOS_APP) if row["Country"] == "US"]
        prices = [1000 * float(row["Revenue (USD)"]) / int(row["Impressions"]) for row in rows]
        assert 2.5 - 1e-9 <= min(prices) < 2.7

    def test_a_higher_floor_sells_less_and_dearer(self, reports):
        server = reports(report_reads=0)
        before = [row for row in report(server) if row["Placement Name"] == "reward_daily"]
        fields = server.account.get("placement", "243714").fields
        server.account.replace("placement", "243714", {**fields, "floorPrices": {"WW": 4.0}})
        after = [row for row in report(server) if row["Placement Name"] == "reward_daily"]
        assert 0 < impressions(after) < impressions(before)
        assert revenue(after) / impressions(after) > revenue(before) / impressions(before)

    def test_what_is_inactive_sells_nothing(self, reports):
        server = reports(report_reads=0)
        assert report(server, app="170650") == []
        assert {row["Placement Name"] for row in report(server, app=IOS_APP)} == {"int_13"}


def impressions(rows):
    return sum(int(row["Impressions"]) for row in rows)


def revenue(rows):
    return sum(float(row["Revenue (USD)"]) for row in rows)


class TestFaults:
    def test_a_file_can_be_html_of_one_app_and_day(self, reports):
        server = reports(Garbage(on="GET file", containing=f"{APP}%7E{DAY}"), report_reads=0)
        assert server.call("GET", server.link()).body.startswith(b"<!doctype")
        assert rows_of(server.call("GET", server.link(app=IOS_APP)))

    def test_a_file_can_lead_elsewhere(self, reports):
        server = reports(Redirect(on="GET file", to="https://elsewhere.example/x"))
        answer = server.call("GET", server.link())
        assert (answer.status, answer.headers) == (302, ((b"location", b"https://elsewhere.example/x"),))

    def test_a_url_can_lead_elsewhere(self, reports):
        status, told = reports(WrongHost(on="POST user-level-data")).order()
        assert status == 200
        assert told["url"].startswith("https://reports.example.net/group%3D3432/")

    def test_an_answer_without_a_url_is_not_led_astray(self, reports):
        answer = reports(WrongHost()).call("POST", "/auth/v1/token", {})
        assert json.loads(answer.body) == {"error": "invalid_request"}

    def test_a_small_file_can_unpack_to_much(self, reports):
        body = reports(Bomb(on="GET file", megabytes=3)).call("GET", "/group%3D3432/x.csv").body
        assert len(body) < 10_000
        assert len(gzip.decompress(body)) == 3 * 1024 * 1024

    @each("megabytes", [0, 10**9])
    def test_a_bomb_has_a_size(self, megabytes):
        with pytest.raises(ValueError, match="megabytes"):
            Bomb(megabytes=megabytes)


class TestQuirks:
    def test_loose_orders_need_no_format_and_take_a_number_for_the_app(self, reports):
        server = reports(report_orders="loose")
        assert server.order(app=int(APP))[0] == 200
        assert server.post(ORDERS, date=f"{DAY}", appId=APP)[0] == 200
        strict = reports()
        strict.order()
        assert strict.post(ORDERS, date=f"{DAY}", appId=APP)[0] == 400

    def test_a_loose_server_gives_tokens_for_a_form(self, reports):
        form = b"grant_type=client_credentials&client_id=id&client_secret=secret"
        for orders, status in (("loose", 200), ("strict", 400)):
            server = reports(report_orders=orders)
            assert server.front.answer(SandboxRequest("POST", "/auth/v1/token", body=form), None).status == status

    def test_the_url_redirects_as_often_as_is_told(self, reports):
        server = reports(report_redirects=3, report_reads=0)
        link = server.link()
        for _ in range(3):
            answer = server.call("GET", link)
            assert answer.status == 302
            link = dict(answer.headers)[b"location"].decode().removeprefix(URL)
        assert rows_of(server.call("GET", link))

    def test_a_part_of_a_file_is_given_where_it_is_of_the_same_file(self, reports):
        server = reports(report_reads=0)
        link = server.link()
        whole = server.call("GET", link)
        etag = dict(whole.headers)[b"etag"].decode()
        path, _, query = link.partition("?")

        def part(headers):
            call = SandboxRequest("GET", unquote(path), {}, target=link.encode(), **headers)
            return server.front.answer(call, None)

        assert query
        answer = part({"part": "bytes=100-", "part_of": etag})
        assert (answer.status, answer.body) == (206, whole.body[100:])
        assert dict(answer.headers)[b"content-range"].decode() == f"bytes 100-{len(whole.body) - 1}/{len(whole.body)}"
        assert part({"part": "bytes=100-", "part_of": '"other"'}).status == 200
        assert part({"part": f"bytes={len(whole.body)}-"}).status == 416
        assert b"etag" not in dict(reports(report_reads=0, report_ranges=False).call("GET", link).headers)

    def test_columns_of_the_order_may_be_missing_and_the_masked_be_called_otherwise(self, reports):
        word = "aggregated masked user level revenue"
        rows = report(reports(report_reads=0, report_without=("date", "appId"), masked_users=word))
        assert not {"Date", "Fyber App ID"} & rows[0].keys()
        assert word in {row["Device ID"] for row in rows}
        assert "masked" not in {row["Device ID"] for row in rows}

    def test_user_level_data_may_be_off_or_empty(self, reports):
        status, told = reports(user_level="off").order()
        assert (status, "not enabled" in told["error_description"]) == (400, True)
        assert not report(reports(report_reads=0, user_level="empty"))

    @each("quirk", [{"report_redirects": 10}, {"report_without": ("country",)}])
    def test_quirks_that_are_none_are_refused(self, quirk):
        with pytest.raises(ValueError, match="report"):
            Quirks(**quirk)
