"""A plan as a comment: what is to be looked at first, names that are only names, and never too long."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.builders import APP, at, origin
from support.hostile import LONG, NAMES, changes_called, plan_called, refusals_called
from support.rendered import Rendered, assert_inert

from reconciler.diff.change import Blocked, Create, Deactivate, Delete, FieldChange, Note, Unmanaged, Update
from reconciler.model.address import Address
from reconciler.model.state import Source
from reconciler.model.value import price
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import MARK, Plan
from reconciler.render.markdown import LIMIT, marker
from reconciler.render.plan_markdown import plan_markdown
from reconciler.render.text import visible

SOURCE = Source("apps/acme.yaml", 4)
MARKER = re.compile(r"<!-- reconciler:plan [\w-]+ -->")


def floor_update(name="u", *others, evidence=None, app=APP, countries=("US",)):
    floors = [FieldChange(f"floorPrices.{each}", price(2), price(3), "pending", evidence) for each in countries]
    return Update(at(name, app), "5", SOURCE, (*others, *floors), {}, {}, "sha256:")


def created(name="n", app=APP):
    return Create(at(name, app), SOURCE, (FieldChange("coppa", None, after=False, origin="pending"),), {}, {})


def utf16(text):
    return len(text.encode("utf-16-le")) // 2


def sections(text):
    return re.findall(r"^#### (.*)$|<summary>(.*)</summary>", text, re.MULTILINE)


@pytest.mark.parametrize("name", [*NAMES, "int_13", LONG])
def test_names_from_outside_are_text_and_nothing_else(name):
    text = plan_markdown(plan_called(name), refusals_called(name), key=name)
    seen = assert_inert(text)
    if len(name) < 100:
        assert visible(name).strip() in seen.words
    assert MARKER.fullmatch(text.splitlines()[0])
    assert MARK.fullmatch(text.splitlines()[-1])
    assert len(re.findall("<!--", text)) == 2


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_text(name):
    assert_inert(plan_markdown(plan_called(name), refusals_called(name), key=name))


def test_a_large_plan_of_hostile_names_is_inert_too():
    changes = tuple(change for _ in range(20) for name in NAMES for change in changes_called(name))
    text = plan_markdown(Plan(origin(), changes), refusals_called("x"))
    assert_inert(text)
    assert utf16(text) <= LIMIT


def test_what_can_cost_money_stands_first_and_unfolded():
    gone = Address(f"{APP}/gone")
    changes = (
        Blocked(at("b"), "fixed: do this", "2"), created(), Deactivate(at("d"), "3", "no manifest names it", "sha256:"),
        Delete(gone, "4", "its quarantine is over", "sha256:"), floor_update(evidence="12,000 auctions"),
    )  # fmt: skip
    notes, unmanaged = (Note(at("x"), "drift accepted"),), (Unmanaged(Address("ios:1"), "77"),)
    text = plan_markdown(Plan(origin(), changes, unmanaged, notes), [Refusal("maxDeletes", "one too many", "--max 1")])
    assert [title or summary for title, summary in sections(text)] == [
        "Apply would refuse this", "To be looked at first", "Floors that move",
        "android:com.acme — 1 to create, 1 to update, 1 to deactivate, 1 to delete, 1 blocked",
        "1 in no manifest, left alone", "1 note",
    ]  # fmt: skip
    places = [text.index(word) for word in ("x delete", "deactivate** and", "blocked** and", "12,000", "create** and")]
    assert places == sorted(places)
    assert text.splitlines()[1] == (
        "### Plan: 1 to create, 1 to update, 1 to deactivate, 1 to delete, 1 blocked; 0 unchanged, 1 unmanaged."
    )


def test_evidence_stands_beside_the_floor_it_speaks_for():
    text = plan_markdown(Plan(origin(), (floor_update(evidence="12,000 auctions"),)))
    assert [f"{APP}/u", "US", "2", "3 (+50 %)", "12,000 auctions"] in Rendered.of(text).rows()


def test_a_field_is_told_with_both_values_and_where_it_comes_from_and_once():
    coppa = FieldChange("coppa", before=False, after=True, origin="drift")
    text = plan_markdown(Plan(origin(), (floor_update("u", coppa),)))
    rows = Rendered.of(text).rows()
    assert ["coppa", "false", "true", "changed in the account"] in rows
    assert sum("floorPrices" in cell or cell == "US" for row in rows for cell in row) == 1


def test_an_update_of_floors_alone_has_no_fold():
    assert "<details>" not in plan_markdown(Plan(origin(), (floor_update(),)))


def test_a_plan_without_changes_is_a_line():
    text = plan_markdown(Plan(origin(), unchanged=40))
    assert "### No changes: 40 as declared, 0 unmanaged." in text
    assert "####" not in text


class TestTheMarker:
    def test_it_is_the_same_however_the_plan_changes(self):
        later = replace(origin("2027-01-01T00:00:00Z"), manifest_digest="sha256:other", tool="9")
        assert plan_markdown(Plan(origin())).splitlines()[0] == plan_markdown(Plan(later)).splitlines()[0]

    def test_it_tells_projects_documents_and_keys_apart(self):
        other_api, other = replace(origin(), api="https://other"), replace(origin(), publisher_id="3433")
        markers = [
            marker("plan", origin()), marker("plan", other), marker("plan", other_api), marker("apply", origin()),
            marker("plan", origin(), "ios"), marker("plan", origin(), "i-os"), marker("plan", origin(), "i os"),
        ]  # fmt: skip
        assert len(set(markers)) == len(markers)

    @pytest.mark.parametrize("name", ["-->", "a--b", "--", "", "\n", "<!--", "x" * 500, "\ud800"])
    def test_no_name_ends_it_early(self, name):
        told = marker("plan", replace(origin(), publisher_id=name), name)
        assert MARKER.fullmatch(told)
        assert "--" not in told[4:-3]
        assert len(told) < 150


class TestTooMuch:
    def test_what_is_cut_is_said_by_kind_and_adds_up(self):
        creates = [replace(created(f"n{number}"), reason="why " * 200) for number in range(400)]
        text = plan_markdown(Plan(origin(), (*creates, *(floor_update(f"u{number}") for number in range(50)))))
        assert utf16(text) <= LIMIT
        assert_inert(text)
        cut = re.search(r"Not shown: (\d+) to create\.", text)
        assert int(cut[1]) + text.count("create** ") == 400
        assert text.count("| android:com.acme/u") == 50

    def test_nothing_is_said_to_be_cut_where_nothing_is(self):
        assert "Cut to fit" not in plan_markdown(Plan(origin(), (created(),)))

    @pytest.mark.parametrize("limit", [2_000, 3_000, 5_001, 9_999])
    @pytest.mark.parametrize("letter", ["x", "東", "😀", "|", "\x1b"])
    def test_it_is_cut_between_pieces_and_counted_in_utf_16(self, limit, letter):
        changes = tuple(change for number in range(9) for change in changes_called(letter * 20 + str(number)))
        text = plan_markdown(Plan(origin(), changes), refusals_called(letter), limit=limit)
        assert utf16(text) <= limit
        assert_inert(text)
        assert "Cut to fit" in text

    def test_dangers_are_the_last_to_be_cut(self):
        deletes = [Delete(at(f"gone{number}"), "4", "over " * 50, "sha256:") for number in range(100)]
        text = plan_markdown(Plan(origin(), (*deletes, *(created(f"n{number}") for number in range(399)))))
        assert text.count("x delete") == 100
        assert re.search(r"Not shown: \d+ to create\.", text)

    def test_thousands_are_told_by_app_the_gravest_first(self):
        changes = []
        for number in range(3_000):
            app = Address(f"android:com.a{number // 10:03}")
            changes.append(created(f"n{number}", app))
        changes[2_000] = Delete(at("gone", Address("android:com.a200")), "4", "over", "sha256:")
        changes[1_000] = floor_update("u", app=Address("android:com.a100"))
        text = plan_markdown(Plan(origin(), tuple(changes)))
        assert utf16(text) <= LIMIT
        apps = [row for row in Rendered.of(text).rows() if re.fullmatch(r"android:com\.a\d+", row[0])]
        assert apps[0] == ["android:com.a200", "9", "", "", "1", "", ""]
        assert apps[1] == ["android:com.a100", "9", "1", "", "", "", "1"]
        assert len(apps) == 300
        assert "<details>" not in text
        assert text.index("x delete") < text.index("By app")

    def test_thousands_of_dangers_leave_room_for_the_apps(self):
        changes = tuple(
            Delete(at(f"gone{number}", Address(f"ios:{number // 100:03}")), "4", "no manifest names it", "sha256:")
            for number in range(5_000)
        )
        limits = [Refusal("maxFloor", f"floor {number}", "x") for number in range(5_000)]
        text = plan_markdown(Plan(origin(), changes), limits)
        assert utf16(text) <= LIMIT
        assert "| ios:049 |" in text
        shown = text.count("x delete")
        assert f"{5_000 - shown} to delete" in text
        assert shown > 100

    def test_a_change_with_hundreds_of_fields_says_how_many_more(self):
        countries = [f"C{number}" for number in range(250)]
        text = plan_markdown(Plan(origin(), (floor_update(countries=countries),)))
        assert "and 190 more" in text
