"""The class of a resource, by what was applied to it, what lives and what is declared."""

from dataclasses import replace
from datetime import date

import pytest
from support.builders import (
    APP,
    APP_ID,
    at,
    audit_of,
    desired_app,
    desired_placement,
    desired_state,
    entry,
    floors,
    ledger_of,
    live_app,
    live_placement,
    live_state,
)

from reconciler.diff.assess import FORGOTTEN, GONE_UNMANAGED
from reconciler.diff.audit import summary
from reconciler.diff.classes import DOUBT, UNNAMED, WAITS_FOR_LEAVE
from reconciler.model.state import AcceptedDrift, Lifecycle
from reconciler.render.drift_text import field_words

BLOCK = desired_placement("int_1", status="active", floorPrices={"US": 2})
APP_BLOCK = desired_app(BLOCK)
LIVE = live_placement("1", "int_1", floorPrices={"US": 2})
OWNED = (entry(APP_BLOCK, APP_ID), entry(BLOCK, "1"))


def audit(*blocks, live=(LIVE,), ledger=OWNED, app_live=True, prune="report", app=None, **more):
    desired = desired_state(app or desired_app(*blocks, prune=prune), prune=prune)
    here = live_state(*([live_app()] if app_live else []), *live)
    return audit_of(desired, here, ledger_of(*ledger), **more)


def classes(found):
    return {item.address: item.of for item in found.items}


def of(found, name="int_1"):
    return next(item for item in found.items if item.address == at(name))


def test_what_is_as_applied_and_as_declared_is_in_sync():
    assert set(classes(audit(BLOCK)).values()) == {"inSync"}


class TestFields:
    def test_the_gravest_of_its_fields_is_the_class_of_a_resource(self):
        block = desired_placement("int_1", status="active", floorPrices={"US": 3}, coppa=True)
        known = entry(block, "1", applied={"floorPrices": {"US": 2}, "coppa": True})
        found = audit(block, live=(live_placement("1", "int_1", floorPrices={"US": 2}),), ledger=(OWNED[0], known))
        assert of(found).of == "drift"
        assert {field.change.path: field.of for field in of(found).fields} == {
            "coppa": "drift", "floorPrices.US": "pending",
        }  # fmt: skip

    def test_a_field_the_server_never_shows_is_in_sync(self):
        block = desired_placement("int_1", skipability="NonSkippable")
        known = entry(block, "1", unconfirmed=frozenset({"skipability"}))
        assert of(audit(block, live=(live_placement("1", "int_1"),), ledger=(OWNED[0], known))).of == "inSync"

    def test_and_pending_where_the_manifest_moved_as_nobody_can_have_seen_it_move(self):
        block = desired_placement("int_1", skipability="Other")
        known = entry(block, "1", applied={"skipability": "NonSkippable"}, unconfirmed=frozenset({"skipability"}))
        assert of(audit(block, live=(live_placement("1", "int_1"),), ledger=(OWNED[0], known))).of == "pending"

    def test_a_field_that_is_no_longer_declared_is_not_compared(self):
        block = desired_placement("int_1")
        known = entry(block, "1", applied={"coppa": True})
        assert of(audit(block, live=(live_placement("1", "int_1"),), ledger=(OWNED[0], known))).of == "inSync"

    def test_the_name_of_an_app_is_the_stores_and_nobodys_drift(self):
        found = audit_of(desired_state(APP_BLOCK), live_state(live_app(name="Acme - Store"), LIVE), ledger_of(*OWNED))
        assert classes(found)[APP] == "inSync"

    def test_a_field_that_the_api_cannot_change_drifts_all_the_same(self):
        moved = live_state(live_app(category1="Games"), LIVE)
        found = audit_of(desired_state(APP_BLOCK), moved, ledger_of(*OWNED))
        assert classes(found)[APP] == "drift"

    @pytest.mark.parametrize(("until", "expected"), [(date(2026, 11, 21), "accepted"), (date(2026, 11, 20), "drift")])
    def test_an_acceptance_holds_up_to_and_including_its_day(self, until, expected):
        care = Lifecycle(accept_drift=(AcceptedDrift("status", "review", until),))
        block = desired_placement("int_1", status="active", lifecycle=care)
        found = audit(
            block, live=(live_placement("1", "int_1", status="inactive"),), ledger=(OWNED[0], entry(block, "1"))
        )
        (field,) = of(found).fields
        assert (of(found).of, field.of, field.acceptance) == (expected, expected, care.accept_drift[0])

    def test_an_acceptance_does_not_cover_a_conflict(self):
        care = Lifecycle(accept_drift=(AcceptedDrift("floorPrices", "review"),))
        block = desired_placement("int_1", floorPrices={"US": 3}, lifecycle=care)
        known = entry(block, "1", applied={"floorPrices": {"US": 2}})
        found = audit(block, live=(live_placement("1", "int_1", floorPrices={"US": 9}),), ledger=(OWNED[0], known))
        assert of(found).of == "conflict"


class TestIdentity:
    def test_a_rename_in_the_manifest_is_pending(self):
        found = audit(desired_placement("new", renamed_from="int_1", status="active", floorPrices={"US": 2}))
        assert classes(found) == {APP: "inSync", at("new"): "pending"}

    def test_one_whose_resource_is_gone_is_missing_under_its_new_name(self):
        found = audit(desired_placement("new", renamed_from="int_1"), live=())
        assert (classes(found)[at("new")], found.notes) == ("missing", ())

    def test_a_suspected_rename_is_a_pending_block_beside_an_owned_resource(self):
        found = audit(desired_placement("int_2", status="active", floorPrices={"US": 2}))
        assert classes(found) == {APP: "inSync", at("int_1"): "inSync", at("int_2"): "pending"}

    def test_a_twin_made_in_the_account_leaves_the_owned_one_audited_as_drift(self):
        found = audit(BLOCK, live=(replace(LIVE, fields={**LIVE.fields, "name": "old"}), live_placement("2", "int_1")))
        assert [(item.id, item.of) for item in found.items if "/" in item.address] == [
            ("1", "drift"),
            ("2", "unmanaged"),
        ]

    def test_a_pin_that_is_gone_is_missing_where_the_ledger_knows_it_and_pending_where_it_does_not(self):
        pinned = desired_placement("int_1", pin="1")
        assert of(audit(pinned, live=())).of == "missing"
        assert of(audit(pinned, live=(), ledger=())).of == "pending"

    def test_a_resource_the_ledger_has_lost_is_missing_only_where_something_was_applied(self):
        assert of(audit(BLOCK, live=())).of == "missing"
        assert of(audit(BLOCK, live=(), ledger=(OWNED[0],))).of == "pending"

    def test_without_its_app_what_was_applied_is_missing_and_the_rest_pending(self):
        found = audit(BLOCK, desired_placement("new"), live=(), app_live=False)
        assert classes(found) == {APP: "missing", at("int_1"): "missing", at("new"): "pending"}
        assert summary(found).coverage_percent == 100

    def test_an_app_under_an_unclear_pin_is_still_audited_as_the_one_that_was_applied(self):
        app = desired_app(BLOCK, pin="999")
        found = audit(app=app, live=(replace(LIVE, fields={**LIVE.fields, "coppa": True}),))
        assert classes(found) == {APP: "pending", at("int_1"): "inSync"}
        moved = live_placement("1", "int_1", status="inactive", floorPrices={"US": 2})
        assert classes(audit(app=app, live=(moved,)))[at("int_1")] == "drift"


class TestNoBlock:
    def test_an_owned_resource_without_a_block_is_audited_against_what_was_applied(self):
        assert classes(audit())[at("int_1")] == "inSync"
        assert classes(audit(live=(live_placement("1", "int_1", floorPrices={"US": 9}),)))[at("int_1")] == "drift"

    @pytest.mark.parametrize("prune", ["deactivate", "delete"])
    def test_one_that_is_to_be_pruned_is_pending(self, prune):
        assert classes(audit(prune=prune))[at("int_1")] == "pending"

    @pytest.mark.parametrize(
        ("prune", "expected"), [("report", "drift"), ("deactivate", "inSync"), ("delete", "inSync")]
    )
    def test_one_that_somebody_has_set_inactive_drifted_unless_that_is_wanted(self, prune, expected):
        gone_quiet = live_placement("1", "int_1", status="inactive", floorPrices={"US": 2})
        assert classes(audit(live=(gone_quiet,), prune=prune))[at("int_1")] == expected

    def test_one_that_was_deactivated_by_us_and_is_active_again_has_drifted(self):
        known = replace(OWNED[1], applied={}, orphaned=True, inactive_since="2026-11-20T00:00:00+00:00")
        assert classes(audit(ledger=(OWNED[0], known), prune="deactivate"))[at("int_1")] == "drift"

    def test_one_that_is_gone_is_only_a_note(self):
        found = audit(live=())
        assert [(note.address, note.text) for note in found.notes] == [(at("int_1"), FORGOTTEN)]
        assert at("int_1") not in classes(found)

    def test_placements_of_an_app_whose_block_says_nothing_of_them_count_only_where_they_are_owned(self):
        app = desired_app(managed=False)
        found = audit(app=app, live=(LIVE, live_placement("2", "stranger")))
        assert classes(found) == {APP: "inSync", at("int_1"): "inSync"}

    def test_what_is_gone_from_such_an_app_is_told_and_not_said_to_be_forgotten(self):
        found = audit(app=desired_app(managed=False), live=())
        assert [(note.address, note.text) for note in found.notes] == [(at("int_1"), GONE_UNMANAGED)]

    def test_an_owned_app_without_a_block_is_audited_with_what_is_owned_in_it(self):
        moved = live_placement("1", "int_1", coppa=True, floorPrices={"US": 9})
        found = audit_of(
            desired_state(desired_app(bundle="com.other")), live_state(live_app(), moved), ledger_of(*OWNED)
        )
        assert classes(found) == {APP: "inSync", at("int_1"): "drift", "android:com.other": "pending"}

    def test_a_tombstone_is_pending_while_there_is_something_to_do_and_in_sync_once_it_is_gone(self):
        tombstone = desired_placement("int_1", state="absent")
        assert of(audit(tombstone)).of == "pending"
        assert of(audit(tombstone, live=())).of == "inSync"
        assert of(audit(tombstone, live=(live_placement("1", "int_1", floorPrices={"US": 9}),))).of == "drift"

    def test_a_list_that_left_out_resources_is_a_note(self):
        assert DOUBT in {note.text for note in audit(BLOCK, doubtful=frozenset({APP_ID})).notes}


class TestCoverage:
    def test_it_is_the_managed_share_of_what_lives(self):
        strangers = (live_placement("8", "a"), live_placement("9", "b"))
        assert summary(audit(BLOCK, desired_placement("new"), live=(LIVE, *strangers))).coverage_percent == 50

    def test_an_account_without_anything_is_covered(self):
        found = audit_of(desired_state(), live_state(), {})
        assert summary(found).coverage_percent == 100

    def test_a_hundred_percent_is_said_only_where_nothing_is_left_over(self):
        blocks = [desired_placement(f"p{n}") for n in range(3000)]
        live = [live_placement(str(n), f"p{n}") for n in range(3000)]
        found = audit(*blocks, live=(*live, live_placement("x", "stranger")), ledger=())
        assert summary(found).coverage_percent == 99.9

    def test_what_a_block_stands_for_is_managed_before_it_was_ever_applied(self):
        assert summary(audit(BLOCK, ledger=())).coverage_percent == 100


class TestLookAlikes:
    LIKE = live_placement("7", "INT_1")

    def test_a_block_beside_its_look_alike_waits_and_says_why(self):
        found = audit(BLOCK, live=(self.LIKE,), ledger=OWNED[:1])
        assert of(found).of == "pending"
        assert "live id 7 ('INT_1') looks like it" in of(found).note
        assert of(found, "INT_1").of == "unmanaged"

    def test_one_that_is_missing_says_what_looks_like_it(self):
        item = of(audit(BLOCK, live=(self.LIKE,)))
        assert (item.of, item.id) == ("missing", "1")
        assert "live id 7 ('INT_1') looks like it" in item.note

    def test_so_does_an_app(self):
        app = desired_app(BLOCK, bundle="COM.ACME")
        found = audit_of(desired_state(app), live_state(live_app()), {})
        assert f"live id {APP_ID} ('android:com.acme') looks like it" in found.items[0].note

    def test_a_tombstone_says_what_looks_like_it(self):
        found = audit(desired_placement("int_1", state="absent"), live=(self.LIKE,), ledger=OWNED[:1])
        assert of(found).of == "inSync"
        assert [note.address for note in found.notes] == [at("int_1")]

    def test_crossed_ids_are_told_and_the_names_have_drifted(self):
        blocks = desired_placement("a"), desired_placement("b")
        known = (OWNED[0], entry(blocks[0], "1"), entry(blocks[1], "2"))
        found = audit(*blocks, live=(live_placement("1", "b"), live_placement("2", "a")), ledger=known)
        assert [of(found, name).of for name in "ab"] == ["drift", "drift"]
        assert all("mixed up" in of(found, name).note for name in "ab")

    def test_of_namesakes_the_active_one_is_audited_and_the_archived_one_is_unmanaged(self):
        live = (LIVE, live_placement("7", "int_1", status="inactive"))
        found = audit(BLOCK, live=live, ledger=OWNED[:1])
        assert sorted((item.id, item.of) for item in found.items if item.address == at("int_1")) == [
            ("1", "inSync"), ("7", "unmanaged"),
        ]  # fmt: skip
        assert "inactive id 7 has this name too" in found.notes[0].text

    def test_a_bundle_that_the_account_spells_otherwise_is_no_drift(self):
        app = desired_app(pin=APP_ID, bundle="COM.ACME", managed=False)
        found = audit_of(desired_state(app), live_state(live_app()), {})
        assert classes(found) == {app.address: "inSync"}


class TestFloorsThatAreNotThere:
    def words(self, applied, live, declared):
        block = desired_placement("int_1", floorPrices=declared)
        known = entry(block, "1", applied={"floorPrices": floors(**applied)})
        found = audit(block, live=(live_placement("1", "int_1", floorPrices=live),), ledger=(OWNED[0], known))
        return {field.change.path: field_words(field) for field in of(found).fields}

    def test_drift_tells_the_worldwide_floor_that_holds_in_their_place_on_each_side(self):
        table = {"DE": "1.50", "WW": 1}
        assert self.words(table, {"WW": 1}, table) == {"floorPrices.DE": "applied 1.5, live (none; WW 1 holds)"}
        assert self.words({"WW": 1}, table, {"WW": 1}) == {"floorPrices.DE": "applied (none; WW 1 holds), live 1.5"}

    def test_a_conflict_tells_three_of_them(self):
        told = self.words({"DE": 1, "WW": 1}, {"WW": 2}, {"DE": 4, "WW": 1})
        assert told["floorPrices.DE"] == "applied 1, live (none; WW 2 holds), manifest 4"
        told = self.words({"WW": 1}, {"DE": 5, "WW": 3}, {"DE": 4, "WW": 1})
        assert told["floorPrices.DE"] == "applied (none; WW 1 holds), live 5, manifest 4"


class TestWhatThePlanLeavesAlone:
    """The note of a resource on its way out says what the plan does, and nothing else."""

    TOMBSTONE = desired_placement("int_1", state="absent")
    RESTING = live_placement("1", "int_1", status="inactive", floorPrices={"US": 2})
    WAITED = replace(OWNED[1], inactive_since="2026-01-01T00:00:00+00:00")

    @pytest.mark.parametrize("prune", ["deactivate", "delete"])
    def test_one_that_a_new_block_may_be_under_another_name_is_not_said_to_be_pruned(self, prune):
        found = audit(desired_placement("int_2", status="active", floorPrices={"US": 2}), prune=prune)
        assert (of(found).of, of(found).note) == ("inSync", UNNAMED)

    def test_a_protected_tombstone_says_what_forbids_its_removal(self):
        care = Lifecycle(protect=True)
        item = of(audit(desired_placement("int_1", state="absent", lifecycle=care)))
        assert item.of == "pending"
        assert "but it is protected" in item.note

    def test_a_tombstone_whose_quarantine_is_over_waits_for_leave(self):
        item = of(audit(self.TOMBSTONE, live=(self.RESTING,), ledger=(OWNED[0], self.WAITED)))
        assert (item.of, item.note) == ("pending", f"declared absent; {WAITS_FOR_LEAVE}")

    def unnamed_app(self, *live, app_status="inactive"):
        since = "2026-01-01T00:00:00+00:00" if app_status == "inactive" else None
        known = replace(OWNED[0], inactive_since=since)
        other = desired_app(bundle="com.unlike.it", name="Other", lifecycle=Lifecycle(distinct=True))
        here = live_state(live_app(status=app_status), *live)
        return audit_of(desired_state(other, prune="delete"), here, ledger_of(known, OWNED[1]))

    def test_a_placement_is_pending_where_it_is_deleted_with_its_app(self):
        found = self.unnamed_app(LIVE)
        assert [(item.of, item.note) for item in found.items if item.address in (APP, at("int_1"))] == [
            ("pending", f"{UNNAMED}; {WAITS_FOR_LEAVE}")
        ] * 2

    def test_and_not_where_nothing_but_its_app_is_deactivated(self):
        found = self.unnamed_app(LIVE, app_status="active")
        assert (classes(found)[APP], of(found).of) == ("pending", "inSync")

    def test_an_app_with_a_stranger_in_it_says_why_it_stays(self):
        found = self.unnamed_app(LIVE, live_placement("2", "stranger"))
        (app,) = [item for item in found.items if item.address == APP]
        assert app.of == "pending"
        assert "placements 2 in it are not ours" in app.note
