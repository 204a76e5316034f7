"""The page of an audit says what the audit says, the gravest first, and draws the trend where it belongs."""

import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from support.builders import at
from support.pages import AUDIT, history
from unit.render.html.test_page import words

from reconciler.diff.audit import AuditItem, Day, Trend
from reconciler.render.drift_html import (
    BOTTOM,
    HEIGHT,
    LEFT,
    MOST_DAYS,
    MOST_ITEMS,
    MOST_NAMES,
    RIGHT,
    TOP,
    WIDTH,
    audit_page,
    trend_chart,
)
from reconciler.render.drift_text import headline

FIRST = date(2026, 1, 1)
GROUND = HEIGHT - BOTTOM


def days(*still_open, first=FIRST):
    return Trend(first, tuple(Day(first + timedelta(n), 1, 0, 0, number) for n, number in enumerate(still_open)), ())


def headings(html):
    return re.findall(r'<h2 id="(\w+)"', html)


def items(html, section):
    body = html.split(f'<section aria-labelledby="{section}">')[1].split("</section>")[0]
    return words(body)


class TestPage:
    def test_alarms_come_first_by_gravity_then_the_trend_then_what_is_no_alarm(self):
        told = headings(audit_page(AUDIT, history()))
        alarms = ["missing", "conflict", "drift"]
        assert told == [*alarms, "trend", "accepted", "pending", "unmanaged", "inSync", "notes"]

    def test_the_headline_the_numbers_and_the_account_are_at_the_top(self):
        told = words(audit_page(AUDIT)).split("Search addresses")[0]
        assert headline(AUDIT) in told
        assert "1 missing 1 conflict 3 drift 2 accepted 2 pending 2 unmanaged 2 in sync 81.8 % managed" in told
        assert "Looked at 2026-11-21 19:00 UTC" in told

    def test_a_field_shows_applied_live_and_declared_and_how_far_a_floor_moved(self):
        html = audit_page(AUDIT)
        assert "Field Applied Live Declared Remark" in items(html, "drift")
        assert "floorPrices.DE 0.8 1.1 +38 % 0.8" in items(html, "drift")
        assert "capping.value 10 20 12" in items(html, "conflict")
        assert "coppa never applied false true pending" in items(html, "conflict")
        assert "bannerRefresh 30 30 45" in items(html, "pending")

    def test_the_new_value_is_the_strong_one(self):
        html = audit_page(AUDIT)
        assert '<td class="after" data-label="Live">20</td>' in html
        assert '<td class="after" data-label="Declared">12</td>' in html
        assert '<td class="before" data-label="Applied">10</td>' in html
        assert '<td class="after" data-label="Declared">45</td>' in html

    def test_a_resource_without_a_block_has_no_declared_values(self):
        unnamed = replace(AUDIT, items=tuple(item for item in AUDIT.items if item.address == at("unnamed")))
        told = items(audit_page(unnamed), "drift")
        assert "owned, but no manifest names it any more" in told
        assert "Field Applied Live status active inactive" in told

    def test_it_says_since_when_an_alarm_is_open_and_where_its_block_stands(self):
        told = items(audit_page(AUDIT), "missing")
        assert "android:com.acme/gone open since 2026-11-19 06:00 UTC id 3 apps/acme.yaml:31" in told

    def test_acceptances_show_reason_and_end_whether_they_hold_or_ended(self):
        html = audit_page(AUDIT)
        told = items(html, "accepted")
        assert "android:com.acme/sale until 2026-12-01" in told
        assert "accepted until 2026-12-01 (black friday, agreed with the shop)" in told
        assert "the acceptance ended on 2026-11-14 (store review)" in items(html, "drift")

    def test_a_calm_audit_says_so(self):
        calm = replace(AUDIT, items=AUDIT.items[:1])
        assert "Nothing is missing, in conflict or adrift." in words(audit_page(calm))
        assert "Nothing is missing" not in words(audit_page(AUDIT))

    def test_what_is_in_sync_is_folded_and_all_there(self):
        html = audit_page(AUDIT)
        assert '<details class="app" data-group="in sync">' in html
        assert {"android:com.acme", "ios:1234567890/calm"} <= set(items(html, "inSync").split())

    def test_notes_of_the_account_stand_without_an_address(self):
        assert "the account x" in words(
            audit_page(replace(AUDIT, notes=(replace(AUDIT.notes[0], address="", text="x"),)))
        )

    def test_of_a_very_large_audit_the_gravest_are_drawn_and_the_rest_is_counted(self):
        many = [AuditItem(at(f"d{number}"), "1", "drift") for number in range(MOST_ITEMS)]
        quiet = [AuditItem(at(f"u{number}"), "1", "inSync") for number in range(MOST_NAMES + 5)]
        gone, later = AuditItem(at("gone"), "2", "missing"), AuditItem(at("later"), "3", "pending")
        html = audit_page(replace(AUDIT, items=(*many, *quiet, later, gone), notes=()))
        assert html.count('<div class="change single"') == MOST_ITEMS
        assert "android:com.acme/gone" in items(html, "missing")
        assert "And 1 more." in items(html, "drift")
        assert "Pending 1" in items(html, "pending")
        assert "And 1 more." in items(html, "pending")
        assert "And 5 more." in items(html, "inSync")


class TestTrend:
    def test_alarms_that_are_still_open_come_first_then_those_that_ended_last(self):
        rows = re.findall(r"<tr data-item>.*?</tr>", audit_page(AUDIT, history()))
        told = [words(row).strip() for row in rows]
        assert re.fullmatch(r"~ drift android:com.acme/moved 2026-11-03 06:00 UTC still open 18 d 13 h", told[0])
        assert ["still open" in row for row in told] == sorted(("still open" in row for row in told), reverse=True)
        assert "2026-11-14 06:00 UTC 7 d 0 h" in told[-2]
        assert "x missing android:com.acme/blinked 2026-11-08 06:00 UTC 2026-11-09 06:00 UTC 1 d 0 h" in told[-1]

    def test_the_table_holds_every_day_and_the_drawing_is_described(self):
        html = audit_page(AUDIT, history())
        assert "2026-11-19 1 1 0 2" in items(html, "trend")
        assert "18 days with audits. Most at the end of 2026-11-21: 5; at the end of the last: 5." in words(html)

    def test_without_since_there_is_no_trend_and_without_audits_it_says_so(self):
        assert "trend" not in headings(audit_page(AUDIT))
        assert "No audit is remembered." in words(audit_page(AUDIT, Trend(FIRST, (), ())))

    def test_a_history_of_quiet_days_is_described_as_one(self):
        assert "No alarm was open at the end of any." in words(audit_page(AUDIT, days(0, 0)))


class TestChart:
    def test_bars_are_as_high_as_alarms_were_open(self):
        drawn = trend_chart(days(1, 4, 0, 2))
        one, four, none, two = drawn.bars
        assert four.height == pytest.approx(4 * one.height) == pytest.approx(2 * two.height)
        assert (none.quiet, one.quiet) == (True, False)
        assert 0 < none.height < one.height
        assert all(bar.top + bar.height == pytest.approx(GROUND) for bar in drawn.bars)

    def test_a_day_without_an_audit_has_no_bar_and_keeps_its_place(self):
        sparse = Trend(FIRST, (Day(FIRST, 1, 1, 0, 1), Day(FIRST + timedelta(9), 1, 0, 0, 1)), ())
        first, last = trend_chart(sparse).bars
        assert last.left - first.left == pytest.approx(0.9 * (WIDTH - LEFT - RIGHT))

    @pytest.mark.parametrize("number", [1, 2, 30, 31, MOST_DAYS - 1, MOST_DAYS, MOST_DAYS + 50])
    @pytest.mark.parametrize("most", [0, 1, 5, 7, 999])
    def test_everything_stays_within_the_drawing_and_labels_apart(self, number, most):
        drawn = trend_chart(days(*([most] * number)))
        assert len(drawn.bars) == min(number, MOST_DAYS)
        assert drawn.bars[-1].left + drawn.bars[-1].width <= WIDTH - RIGHT
        assert drawn.bars[0].left >= LEFT
        assert all(bar.top >= TOP - 1e-9 and bar.width > 1 for bar in drawn.bars)
        places = [tick.at for tick in drawn.across]
        assert all(after - before >= 84 for before, after in pairwise(places))
        assert 2 <= len(drawn.up) <= 5
        assert int(drawn.up[-1].label) >= most

    def test_what_is_older_than_the_drawing_is_left_out_of_it(self):
        assert trend_chart(days(*([1] * (MOST_DAYS + 50)))).first == FIRST + timedelta(50)

    def test_nothing_is_drawn_of_nothing(self):
        assert trend_chart(Trend(FIRST, (), ())) is None
