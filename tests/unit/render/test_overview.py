"""A large plan as a page: what is dangerous first, the rest counted by app."""

from support.builders import at, origin

from reconciler.diff.change import Create, Delete, FieldChange, Note, Unmanaged, Update
from reconciler.model.address import Address
from reconciler.model.state import Source
from reconciler.model.value import price
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import Plan
from reconciler.render.plan_overview import READABLE, SHOWN, plan_overview
from reconciler.render.plan_text import plan_lines

SOURCE = Source("apps/acme.yaml", 4)


def app(number):
    return Address(f"android:com.a{number:03}")


def create(number, of):
    return Create(at(f"n{number}", of), SOURCE, (FieldChange("coppa", None, after=False, origin="pending"),), {}, {})


def floors(name, of, countries=("US",)):
    fields = [FieldChange(f"floorPrices.{each}", price(2), price(3), "pending") for each in countries]
    return Update(at(name, of), "5", SOURCE, tuple(fields), {}, {}, "sha256:")


def delete(name, of):
    return Delete(at(name, of), "4", "its quarantine is over", "sha256:")


def lines_of(plan, refusals=(), **options):
    return ["".join(span.text for span in line) for line in plan_overview(plan, refusals, **options)]


def large(*others):
    """More than anybody reads: three new placements in each of many apps, and others."""
    changes = [*(create(number, app(number // 3)) for number in range(READABLE)), *others]
    return Plan(origin(), tuple(sorted(changes, key=lambda each: each.address)))


def test_a_plan_that_can_be_read_is_told_whole():
    plan = Plan(origin(), tuple(create(number, app(0)) for number in range(READABLE)))
    assert lines_of(plan) == ["".join(span.text for span in line) for line in plan_lines(plan)]


def test_a_large_plan_is_told_whole_to_who_asks_for_it():
    plan = large(delete("gone", app(1)))
    assert len(lines_of(plan, whole=True)) > READABLE


def test_a_large_plan_shows_what_is_dangerous_and_counts_the_rest():
    told = lines_of(large(delete("gone", app(77)), floors("dear", app(5))))
    assert told[:8] == [
        "To be looked at first (1):", "  x delete android:com.a077/gone  id 4", "      its quarantine is over", "",
        "Floors that move (1):", "  ~ update android:com.a005/dear  id 5  apps/acme.yaml:4",
        "      floorPrices.US: 2 -> 3 (+50 %)", "",
    ]  # fmt: skip
    assert told[8:12] == [
        "By app, the gravest first:",
        "  android:com.a077: + 3 create, x 1 delete",
        "  android:com.a005: + 3 create, ~ 1 update (1 of floors)",
        "  android:com.a000: + 3 create",
    ]
    assert f"  and {167 - SHOWN} apps more with 200 changes" in told
    assert told[-2:] == [
        "Plan: 500 to create, 1 to update, 1 to delete; 0 unchanged, 0 unmanaged.",
        "This is a summary by app; -v shows every change.",
    ]


def test_its_length_does_not_grow_with_the_plan():
    changes = [
        change
        for number in range(2_000)
        for change in (delete("gone", app(number)), floors("dear", app(number), [f"C{n}" for n in range(90)]))
    ]
    many = tuple(Unmanaged(Address(f"ios:{number}"), "7") for number in range(900))
    plan = Plan(origin(), tuple(changes), many, tuple(Note(each.address, "n") for each in many))
    told = lines_of(plan, [Refusal("maxFloor", "too dear", "x")] * 3_000)
    assert len(told) < 6 * SHOWN
    assert "  and 1950 more" in told
    assert "and 2900 more breaks of limits and policies" in told
    assert any("900" in line and "Not in any manifest" in line for line in told)


def test_a_change_of_very_many_fields_is_shortened_with_a_word():
    plan = large(floors("dear", app(5), [f"C{number}" for number in range(250)]))
    assert "      and 151 lines more" in lines_of(plan)


def test_many_strangers_alone_make_a_large_plan():
    plan = Plan(origin(), unmanaged=tuple(Unmanaged(Address(f"ios:{number}"), "7") for number in range(5_000)))
    told = lines_of(plan)
    assert len(told) < 10
    assert "Not in any manifest (5000), left alone; -v lists them." in told
