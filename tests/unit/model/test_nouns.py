"""Addresses, floors, patterns, the ledger's lines, live digests, findings and secrets."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from support.builders import APP, at, entry, floors, live_app, live_placement

from reconciler.model.address import (
    Address,
    address_order,
    app_address,
    app_of,
    kind_of,
    name_of,
    placement_address,
    selector,
)
from reconciler.model.diagnostic import Finding, finding_order
from reconciler.model.field import FIELDS, REQUIRED_TO_CREATE
from reconciler.model.ledger import LedgerEntry, entry_from_json, entry_to_json
from reconciler.model.secret import Secret
from reconciler.model.state import LiveResource, live_app_address
from reconciler.model.value import complete, effective, percent_change

PLACEMENT = placement_address(APP, "a/b: c")


class TestAddress:
    def test_a_placement_is_named_below_its_app(self):
        assert PLACEMENT == "android:com.acme/a/b: c"
        assert (app_of(PLACEMENT), name_of(PLACEMENT), kind_of(PLACEMENT)) == (APP, "a/b: c", "placement")

    def test_an_app_is_its_own(self):
        assert (app_of(APP), name_of(APP), kind_of(APP)) == (APP, "", "app")

    def test_an_app_comes_before_its_placements_and_these_before_the_next_app(self):
        other = Address("android:com.acme-2")
        assert sorted([other, at("b"), at("a"), APP], key=address_order) == [APP, at("a"), at("b"), other]

    def test_a_live_app_has_a_natural_address(self):
        assert live_app_address(live_app(platform="ios", bundle="12")) == app_address("ios", "12")


class TestFloors:
    def test_a_table_without_a_worldwide_line_has_one_of_a_cent(self):
        assert complete({"US": Decimal(2)}) == {"US": Decimal(2), "WW": Decimal("0.01")}

    def test_a_table_with_one_keeps_it(self):
        assert complete({"WW": Decimal(2)}) == {"WW": Decimal(2)}

    @pytest.mark.parametrize(("country", "expected"), [("US", "2"), ("CA", "0.5"), ("WW", "0.5")])
    def test_a_country_without_a_line_has_the_worldwide_floor(self, country, expected):
        assert effective(floors(US=2, WW=0.5), country) == Decimal(expected)

    def test_a_table_without_any_line_has_no_floor(self):
        assert effective({}, "US") == Decimal("0.01")

    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [("2", "3", "50"), ("2", "1", "-50"), ("0.02", "0.04", "100"), ("0.01", "9", None), ("0.001", "9", None)],
    )
    def test_a_change_is_in_percent_of_what_was_before_unless_that_was_none(self, before, after, expected):
        found = percent_change(Decimal(before), Decimal(after))
        assert found == (None if expected is None else Decimal(expected))


class TestSelector:
    @pytest.mark.parametrize(
        ("patterns", "chosen"),
        [
            ([], True),
            (["android:*"], True),
            (["*/int_1"], True),
            (["*int_?"], True),
            (["ios:*", "*/int_1"], True),
            (["ios:*"], False),
            (["int_1"], False),
            (["ANDROID:*"], False),
            (["android:com.acme"], False),
        ],
    )
    def test_a_pattern_matches_the_whole_address(self, patterns, chosen):
        assert selector(patterns)(at("int_1")) is chosen


class TestLedgerLine:
    def test_a_short_entry_is_a_short_line(self):
        known = LedgerEntry(APP, "7", {"coppa": False})
        assert entry_to_json(known) == {"address": APP, "kind": "app", "id": "7", "applied": {"coppa": False}}

    def test_marks_are_written_only_when_set(self):
        known = entry(
            at("p"), "7", unconfirmed=frozenset({"b", "a"}), protect=True, orphaned=True, inactive_since="2026-01-01"
        )
        assert entry_to_json(known) == {
            "address": at("p"), "kind": "placement", "id": "7", "applied": {}, "unconfirmed": ["a", "b"],
            "protect": True, "orphaned": True, "inactiveSince": "2026-01-01",
        }  # fmt: skip

    @pytest.mark.parametrize(
        "marks",
        [
            {},
            {"protect": True},
            {"orphaned": True},
            {"inactive_since": "2026-11-01T00:00:00+00:00"},
            {"unconfirmed": frozenset("ab")},
        ],
    )
    def test_an_entry_read_back_is_the_entry(self, marks):
        known = entry(at("p"), "7", applied={"floorPrices": {"US": 1.25}, "capping": None}, **marks)
        assert entry_from_json(json.loads(json.dumps(entry_to_json(known)))) == known

    @pytest.mark.parametrize("raw", [{}, {"address": "x"}, {"address": "x", "id": "1"}, []])
    def test_a_line_of_another_shape_is_refused(self, raw):
        with pytest.raises((KeyError, TypeError, ValueError)):
            entry_from_json(raw)

    def test_an_id_is_a_text(self):
        assert entry_from_json({"address": "x", "id": 7, "applied": {}}).id == "7"

    def test_a_rename_keeps_the_rest(self):
        known = entry(at("p"), "7", protect=True)
        assert known.moved_to(at("q")) == replace(known, address=at("q"))


class TestLive:
    def test_its_digest_moves_with_all_that_is_known_of_it(self):
        known = live_placement("7", "p")
        others = [
            live_placement("8", "p"), live_placement("7", "q"), live_placement("7", "p", coppa=True),
            live_placement("7", "p", app_id="200"), live_placement("7", "p", capping=...),
        ]  # fmt: skip
        assert known.digest() == live_placement("7", "p").digest()
        assert len({each.digest() for each in (known, *others)}) == 6

    def test_it_has_an_empty_name_where_the_answer_had_none(self):
        assert LiveResource("placement", "7", {}).name == ""


class TestFinding:
    def test_it_reads_from_the_place_to_the_hint(self):
        found = Finding("a.yaml", 3, 5, "bad", "it is wrong", address="android:x", hint="mend it")
        assert str(found) == "a.yaml:3:5: android:x: it is wrong [bad] (mend it)"

    def test_a_warning_says_so(self):
        assert str(Finding("a.yaml", 3, 5, "bad", "it is odd", "warning")) == "a.yaml:3:5: warning: it is odd [bad]"

    def test_findings_are_ordered_by_place(self):
        places = [("b", 1, 1, "x"), ("a", 2, 1, "x"), ("a", 1, 2, "x"), ("a", 1, 1, "y"), ("a", 1, 1, "x")]
        ordered = sorted((Finding(*place, "m") for place in places), key=finding_order)
        assert [finding_order(each) for each in ordered] == sorted(places)


def test_a_secret_is_not_printed_by_accident():
    secret = Secret("hush")
    assert "hush" not in f"{secret} {secret!r} {[secret]} {secret!s}"
    assert secret.reveal() == "hush"


def test_what_creates_need_are_fields_of_their_kind():
    for kind, names in REQUIRED_TO_CREATE.items():
        assert set(names) <= FIELDS[kind].keys()


@pytest.mark.parametrize("kind", ["app", "placement"])
def test_fields_are_listed_by_their_own_names(kind):
    assert all(name == spec.name for name, spec in FIELDS[kind].items())
