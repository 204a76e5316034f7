"""Declared fields against live ones: which leaves differ, whose doing it was, and what is sent."""

from datetime import date
from decimal import Decimal

import pytest
from support.builders import at, canonical, desired_placement, entry, floors, live_placement

from reconciler.diff.change import FieldChange
from reconciler.diff.compare import IN_SYNC, compare, field_changes
from reconciler.model.ledger import LedgerEntry
from reconciler.model.state import AcceptedDrift, Lifecycle
from reconciler.model.value import ABSENT

TODAY = date(2026, 11, 21)
AS_USUAL = Lifecycle()


def comparison(declared, live, applied=None, lifecycle=AS_USUAL, *, kind="placement", unconfirmed=()):
    known = LedgerEntry(at("x"), "1", canonical(applied), frozenset(unconfirmed)) if applied is not None else None
    return compare(kind, canonical(declared), canonical(live), known, lifecycle, TODAY)


def changed(found):
    return [(change.path, change.before, change.after, change.origin) for change in found.changes]


def table(**prices):
    return {"floorPrices": prices}


class TestEquality:
    def test_what_is_as_declared_is_in_sync(self):
        block = desired_placement(floorPrices={"US": 1.2}, capping={"value": 1, "unit": "day"}, geo=None)
        live = live_placement(floorPrices={"US": 1.20}, capping={"unit": "day", "value": 1}, skipability="NonSkippable")
        assert compare("placement", block.fields, live.fields, None, AS_USUAL, TODAY) is IN_SYNC

    def test_a_field_that_is_not_declared_is_never_compared(self):
        assert comparison({"coppa": True}, {"coppa": True, "status": "inactive"}) == IN_SYNC

    def test_a_block_declared_off_is_in_sync_with_one_shown_as_off(self):
        assert comparison({"capping": None}, {"capping": None}) == IN_SYNC

    def test_a_block_declared_off_is_in_sync_with_one_that_is_not_shown(self):
        assert comparison({"ssrConfig": None}, {}) == IN_SYNC

    def test_false_is_not_off(self):
        assert changed(comparison({"coppa": False}, {})) == [("coppa", None, False, "unknown")]


class TestOrigin:
    @pytest.mark.parametrize(
        ("applied", "origin"),
        [
            (None, "unknown"),
            ({}, "unknown"),
            ({"bannerRefresh": 30}, "pending"),
            ({"bannerRefresh": 45}, "drift"),
            ({"bannerRefresh": 60}, "conflict"),
        ],
    )
    def test_it_follows_from_what_was_applied_last(self, applied, origin):
        found = comparison({"bannerRefresh": 45}, {"bannerRefresh": 30}, applied)
        assert found.changes == (FieldChange("bannerRefresh", 30, 45, origin),)
        assert found.send == {"bannerRefresh": 45}

    @pytest.mark.parametrize(
        ("applied", "live", "declared", "origin"),
        [
            (table(US=1), table(US=1), table(US=2), "pending"),
            (table(US=1), table(US=2), table(US=1), "drift"),
            (table(US=1), table(US=2), table(US=3), "conflict"),
            (table(), table(), table(US=2), "pending"),
            (table(), table(US=2), table(), "drift"),
            (table(), table(US=2), table(US=3), "conflict"),
            (table(US=1), table(US=1), table(), "pending"),
            (table(US=1), table(), table(US=1), "drift"),
            (table(US=1), table(), table(US=3), "conflict"),
        ],
    )
    def test_each_country_of_a_floor_table_has_its_own(self, applied, live, declared, origin):
        (change,) = comparison(declared, live, applied).changes
        assert change.origin == origin
        assert change.path == "floorPrices.US"
        assert change.before == floors(**live["floorPrices"]).get("US")
        assert change.after == floors(**declared["floorPrices"]).get("US")

    def test_leaves_of_one_table_differ_in_origin(self):
        found = comparison(table(US=2, CA=1, GB=5), table(US=1, CA=3, GB=4), table(US=1, CA=1, GB=3))
        assert changed(found) == [
            ("floorPrices.CA", 3, 1, "drift"),
            ("floorPrices.GB", 4, 5, "conflict"),
            ("floorPrices.US", 1, 2, "pending"),
        ]

    def test_a_part_of_a_block_has_its_own(self):
        day, hour = {"value": 2, "unit": "day"}, {"value": 2, "unit": "hour"}
        assert changed(comparison({"capping": day}, {"capping": hour}, {"capping": hour})) == [
            ("capping.unit", "hour", "day", "pending")
        ]

    def test_a_block_switched_on_or_off_is_one_change(self):
        day = {"value": 2, "unit": "day"}
        on = comparison({"capping": day}, {"capping": None}, {"capping": None})
        off = comparison({"capping": None}, {"capping": day}, {"capping": day})
        assert changed(on) == [("capping", None, day, "pending")]
        assert changed(off) == [("capping", day, None, "pending")]
        assert off.send == {"capping": None}

    def test_a_block_switched_off_in_the_console_is_drift(self):
        day = {"value": 2, "unit": "day"}
        assert changed(comparison({"capping": day}, {"capping": None}, {"capping": day})) == [
            ("capping", None, day, "drift")
        ]

    def test_part_of_a_block_that_was_off_when_last_applied_is_a_conflict(self):
        wanted, live = {"value": 2, "unit": "day"}, {"value": 3, "unit": "day"}
        assert changed(comparison({"pacing": wanted}, {"pacing": live}, {"pacing": None})) == [
            ("pacing.value", 3, 2, "conflict")
        ]


class TestLeaves:
    def test_floors_are_compared_as_a_map_and_sent_whole(self):
        found = comparison(table(US=1.2, CA=3), table(CA=3, US=1, WW=0.01))
        assert changed(found) == [("floorPrices.US", Decimal(1), Decimal("1.2"), "unknown")]
        assert found.send == {"floorPrices": floors(US=1.2, CA=3, WW=0.01)}

    def test_a_country_removed_from_the_manifest_is_removed_from_the_table(self):
        found = comparison(table(US=1), table(US=1, CA=2))
        assert changed(found) == [("floorPrices.CA", 2, None, "unknown")]
        assert found.send == {"floorPrices": floors(US=1)}

    def test_a_worldwide_line_left_out_of_the_manifest_is_one_cent(self):
        found = comparison(table(US=1), table(US=1, WW=2))
        assert changed(found) == [("floorPrices.WW", 2, Decimal("0.01"), "unknown")]

    def test_a_table_the_account_has_not_shown_is_new_line_by_line(self):
        assert changed(comparison(table(US=1), {}, {})) == [
            ("floorPrices.US", None, 1, "unknown"),
            ("floorPrices.WW", None, Decimal("0.01"), "unknown"),
        ]

    def test_its_lines_come_in_the_order_of_countries(self):
        found = comparison(table(SE=1, NO=2, DK=3, FI=4, US=5, CA=6, GB=7), {})
        countries = [change.path.partition(".")[2] for change in found.changes]
        assert countries == ["CA", "DK", "FI", "GB", "NO", "SE", "US", "WW"]

    def test_a_hundredth_of_a_cent_is_a_difference(self):
        assert len(comparison(table(US=1.0001), table(US=1)).changes) == 1

    def test_a_millionth_is_the_least_difference(self):
        assert len(comparison(table(US=1.000001), table(US=1)).changes) == 1

    def test_binary_noise_is_no_difference(self):
        assert not comparison(table(US=1.00000000000001), table(US=1)).changes

    def test_lists_are_one_value(self):
        found = comparison({"creativeTypes": ["video", "display"]}, {"creativeTypes": ["video"]})
        assert changed(found) == [("creativeTypes", ("video",), ("display", "video"), "unknown")]

    def test_a_list_inside_a_block_is_one_value(self):
        wanted, live = {"include": True, "countries": ["SE", "NO", "DK"]}, {"include": True, "countries": ["SE", "FI"]}
        assert changed(comparison({"geo": wanted}, {"geo": live}, {"geo": live})) == [
            ("geo.countries", ("FI", "SE"), ("DK", "NO", "SE"), "pending")
        ]

    def test_several_parts_of_a_block_come_in_the_order_of_their_paths(self):
        wanted, live = {"value": 1, "unit": "day"}, {"value": 2, "unit": "hour"}
        found = comparison({"pacing": wanted, "capping": wanted}, {"pacing": live, "capping": live})
        assert [change.path for change in found.changes] == [
            "capping.unit", "capping.value", "pacing.unit", "pacing.value",
        ]  # fmt: skip
        assert found.send == {"pacing": wanted, "capping": wanted}

    def test_amounts_are_exact(self):
        coins, half = {"currency": "coins", "amount": 1}, {"currency": "coins", "amount": Decimal("1.5")}
        assert changed(comparison({"ssrConfig": half}, {"ssrConfig": coins})) == [
            ("ssrConfig.amount", 1, Decimal("1.5"), "unknown")
        ]


APPLIED = {"skipability": "NonSkippable"}


class TestNeverShown:
    def test_a_field_once_taken_and_never_shown_counts_as_in_sync(self):
        assert comparison(APPLIED, {}, APPLIED, unconfirmed=["skipability"]) == IN_SYNC

    def test_so_does_a_block_that_is_shown_as_off(self):
        day = {"capping": {"value": 2, "unit": "day"}}
        assert comparison(day, {"capping": None}, day, unconfirmed=["capping"]) == IN_SYNC

    def test_until_the_manifest_changes(self):
        found = comparison({"skipability": "Skippable"}, {}, APPLIED, unconfirmed=["skipability"])
        assert found.send == {"skipability": "Skippable"}

    def test_until_the_account_shows_another_value(self):
        found = comparison(APPLIED, {"skipability": "Skippable"}, APPLIED, unconfirmed=["skipability"])
        assert changed(found) == [("skipability", "Skippable", "NonSkippable", "drift")]

    def test_a_field_the_ledger_does_not_call_unconfirmed_is_drift_when_it_is_gone(self):
        found = comparison(APPLIED, {}, APPLIED)
        assert changed(found) == [("skipability", None, "NonSkippable", "drift")]

    def test_a_false_that_is_shown_is_shown(self):
        found = comparison({"coppa": True}, {"coppa": False}, {"coppa": True}, unconfirmed=["coppa"])
        assert found.send == {"coppa": True}


class TestIgnoreChanges:
    def test_a_field_that_is_ignored_is_never_changed(self):
        found = comparison({"status": "active"}, {"status": "inactive"}, None, Lifecycle(("status",)))
        assert found == IN_SYNC

    def test_an_ignored_country_keeps_its_live_line_while_the_others_change(self):
        found = comparison(table(US=2, CA=2), table(US=1, CA=1), None, Lifecycle(("floorPrices.US",)))
        assert [change.path for change in found.changes] == ["floorPrices.CA"]
        assert found.send == {"floorPrices": floors(US=1, CA=2)}

    def test_an_ignored_country_without_a_live_line_gets_none(self):
        found = comparison(table(US=2, CA=2), table(CA=1), None, Lifecycle(("floorPrices.US",)))
        assert found.send == {"floorPrices": floors(CA=2)}

    def test_an_ignored_country_alone_is_no_change(self):
        assert comparison(table(US=2), table(US=1), None, Lifecycle(("floorPrices.US",))) == IN_SYNC

    def test_an_ignored_part_of_a_block_keeps_its_live_value(self):
        wanted, live = {"value": 1, "unit": "day"}, {"value": 2, "unit": "hour"}
        found = comparison({"capping": wanted}, {"capping": live}, None, Lifecycle(("capping.value",)))
        assert found.send == {"capping": {"value": 2, "unit": "day"}}

    def test_an_ignored_field_is_ignored_with_all_its_leaves(self):
        assert comparison(table(US=2), table(US=1), None, Lifecycle(("floorPrices",))) == IN_SYNC

    def test_a_path_covers_whole_names_only(self):
        found = comparison(table(US=2), table(US=1), None, Lifecycle(("floorPrices.U", "floor")))
        assert len(found.changes) == 1


class TestAcceptDrift:
    @staticmethod
    def accepting(path="status", until=None):
        return Lifecycle(accept_drift=(AcceptedDrift(path, "store review", until),))

    @pytest.mark.parametrize(
        ("until", "accepted"), [(None, 1), (TODAY, 1), (date(2026, 11, 22), 1), (date(2026, 11, 20), 0)]
    )
    def test_it_holds_up_to_and_including_its_day(self, until, accepted):
        found = comparison(
            {"status": "active"}, {"status": "inactive"}, {"status": "active"}, self.accepting(until=until)
        )
        assert len(found.accepted) == accepted
        assert len(found.changes) == 1 - accepted

    @pytest.mark.parametrize(
        ("applied", "accepted"), [({"status": "active"}, True), (None, True), ({"status": "inactive"}, False)]
    )
    def test_a_change_of_the_manifest_is_not_held_back(self, applied, accepted):
        found = comparison({"status": "active"}, {"status": "inactive"}, applied, self.accepting())
        assert bool(found.accepted) is accepted
        assert ("status" in found.send) is not accepted

    def test_a_conflict_is_not_held_back(self):
        found = comparison(table(US=3), table(US=2), table(US=1), self.accepting("floorPrices.US"))
        assert found.accepted == ()
        assert len(found.changes) == 1

    def test_an_accepted_country_keeps_its_live_line_while_a_pending_one_changes(self):
        found = comparison(table(US=1, CA=2), table(US=5, CA=1), table(US=1, CA=1), self.accepting("floorPrices.US"))
        assert [change.path for change in found.changes] == ["floorPrices.CA"]
        assert [each.change.path for each in found.accepted] == ["floorPrices.US"]
        assert found.send == {"floorPrices": floors(US=5, CA=2)}

    def test_the_first_acceptance_that_holds_is_named(self):
        lapsed = AcceptedDrift("status", "old", date(2026, 1, 1))
        lifecycle = Lifecycle(accept_drift=(lapsed, AcceptedDrift("status", "new")))
        found = comparison({"status": "active"}, {"status": "inactive"}, None, lifecycle)
        assert [each.drift.reason for each in found.accepted] == ["new"]

    def test_other_fields_are_not_covered(self):
        found = comparison(
            {"status": "active", "coppa": True}, {"status": "inactive", "coppa": False}, None, self.accepting()
        )
        assert found.send == {"coppa": True}


class TestFixed:
    def test_what_the_api_cannot_change_is_set_apart_and_not_sent(self):
        declared, live = {"category1": "Games", "coppa": True}, {"category1": "Finance", "coppa": False}
        found = comparison(declared, live, kind="app")
        assert [change.path for change in found.fixed] == ["category1"]
        assert [change.path for change in found.changes] == ["coppa"]
        assert found.send == {"coppa": True}

    def test_an_ignored_one_is_left_out(self):
        found = comparison(
            {"category1": "Games"}, {"category1": "Finance"}, None, Lifecycle(("category1",)), kind="app"
        )
        assert found == IN_SYNC

    def test_an_accepted_one_is_accepted(self):
        lifecycle = TestAcceptDrift.accepting("category1")
        found = comparison({"category1": "Games"}, {"category1": "Finance"}, None, lifecycle, kind="app")
        assert (found.fixed, len(found.accepted)) == ((), 1)


def test_an_entry_that_never_had_the_field_makes_its_leaves_unknown():
    block = desired_placement(floorPrices={"US": 1})
    known = entry(desired_placement(), "1")
    live = live_placement(floorPrices={"US": 2})
    (change,) = compare("placement", block.fields, live.fields, known, AS_USUAL, TODAY).changes
    assert change.origin == "unknown"
    assert known.applied.get("floorPrices", ABSENT) is ABSENT


def test_of_a_table_that_has_few_lines_in_common_only_those_that_differ_are_changes():
    declared = floors(US=1.2, CA=2, DE=3, GB=4, JP=5, SE=6)
    changes = field_changes("floorPrices", floors(US=1.2, NO=7), declared, None)
    assert [change.path.partition(".")[2] for change in changes] == ["CA", "DE", "GB", "JP", "NO", "SE"]
