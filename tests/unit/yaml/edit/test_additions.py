from decimal import Decimal

import pytest

from reconciler.yaml.edits import AddEntry, AddItem

DE = AddEntry((0, "f"), "DE", Decimal("0.4"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f: {WW: 0.01, US: 1.2}  # c\n", "f: {WW: 0.01, US: 1.2, DE: 0.4}  # c\n"),
        ("f: {WW: 0.01,US: 1}\n", "f: {WW: 0.01,US: 1,DE: 0.4}\n"),
        ("f: { WW: 0.1 }\n", "f: { WW: 0.1, DE: 0.4 }\n"),
        ("f: {WW: 0.1, }\n", "f: {WW: 0.1, DE: 0.4, }\n"),
        ('f: {"WW":1,"US":2}\n', 'f: {"WW":1,"US":2,"DE":0.4}\n'),
        ("f: {'WW': 1}\n", "f: {'WW': 1, 'DE': 0.4}\n"),
        ("f: {}\n", "f: {DE: 0.4}\n"),
        ("f: { }\n", "f: { DE: 0.4 }\n"),
        ("f: &x {}\n", "f: &x {DE: 0.4}\n"),
        ("f: {WW: 0.1, US: 1 # u\n}\n", "f: {WW: 0.1, US: 1, DE: 0.4 # u\n}\n"),
        ("f: {\n  WW: 1, # w\n  US: 2 # u\n}\n", "f: {\n  WW: 1, # w\n  US: 2, # u\n  DE: 0.4\n}\n"),
        ("f: {\n  WW: 1,\n  US: 2, # u\n}\n", "f: {\n  WW: 1,\n  US: 2, # u\n  DE: 0.4,\n}\n"),
        ("f: {\r\n  WW: 1,\r\n  US: 2\r\n}\r\n", "f: {\r\n  WW: 1,\r\n  US: 2,\r\n  DE: 0.4\r\n}\r\n"),
        ("f: {WW: 1,\n    US: 2}\n", "f: {WW: 1,\n    US: 2,\n    DE: 0.4}\n"),
        ("f:\n  WW: 0.01\n  US: 1.20 # u\ng: 1\n", "f:\n  WW: 0.01\n  US: 1.20 # u\n  DE: 0.40\ng: 1\n"),
        ("f:\n  US: 1\n", "f:\n  US: 1\n  DE: 0.4\n"),
        ("f:\n  US: 1", "f:\n  US: 1\n  DE: 0.4"),
        ("f:\r\n  US: 1", "f:\r\n  US: 1\r\n  DE: 0.4"),
        ("f:\n  US: 1\n\n# of g\ng: 1\n", "f:\n  US: 1\n  DE: 0.4\n\n# of g\ng: 1\n"),
        ("f:\n  US: 1 # one\n        # two\ng: 1\n", "f:\n  US: 1 # one\n        # two\n  DE: 0.4\ng: 1\n"),
        ("f:\n  US: 1\n...\n", "f:\n  US: 1\n  DE: 0.4\n...\n"),
        ("f:\n    US: 1\n---\ng: 1\n", "f:\n    US: 1\n    DE: 0.4\n---\ng: 1\n"),
        ("f: &x\n  US: 1\n", "f: &x\n  US: 1\n  DE: 0.4\n"),
        ("f:\n  US:\n    a: {b: 1,\n      c: 2}\n", "f:\n  US:\n    a: {b: 1,\n      c: 2}\n  DE: 0.4\n"),
        ("f:\n  US: |\n    a\n\n\ng: 1\n", "f:\n  US: |\n    a\n\n\n  DE: 0.4\ng: 1\n"),
        ("f:\n  US: 'a\n\n    b'  # c\ng: 1\n", "f:\n  US: 'a\n\n    b'  # c\n  DE: 0.4\ng: 1\n"),
        ("f:\n  US:\ng: 1\n", "f:\n  US:\n  DE: 0.4\ng: 1\n"),
        ('f:\n  "US": 1\n', 'f:\n  "US": 1\n  "DE": 0.4\n'),
        ("b: &b {DE: 9}\nf:\n  <<: *b\n", "b: &b {DE: 9}\nf:\n  <<: *b\n  DE: 0.4\n"),
    ],
)
def test_an_entry_is_added_in_the_manner_of_its_mapping(edited, before, after):
    assert edited(before, DE) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f: {tier1: 0.80, WW: 1}\n", "f: {tier1: 0.80, DE: 0.40, WW: 1}\n"),
        ("f: {\n  tier1: 0.80, # t\n  WW: 1}\n", "f: {\n  tier1: 0.80, # t\n  DE: 0.40,\n  WW: 1}\n"),
        ("f: {\n  tier1: 0.80, WW: 1}\n", "f: {\n  tier1: 0.80, DE: 0.40, WW: 1}\n"),
        ("f:\n  tier1: 0.80 # t\n\n  # w\n  WW: 1\n", "f:\n  tier1: 0.80 # t\n  DE: 0.40\n\n  # w\n  WW: 1\n"),
    ],
)
def test_an_entry_goes_behind_the_one_it_is_told_to(edited, before, after):
    assert edited(before, AddEntry((0, "f"), "DE", Decimal("0.4"), after="tier1")) == after


def test_entries_of_one_mapping_come_in_the_order_asked_for(edited):
    adds = [AddEntry((0, "f"), key, 1) for key in ("B", "A")]
    assert edited("f: {\n  US: 1 # u\n}\n", *adds) == "f: {\n  US: 1, # u\n  B: 1,\n  A: 1\n}\n"
    assert edited("f:\n  US: 1\n", *adds) == "f:\n  US: 1\n  B: 1\n  A: 1\n"


def test_entries_of_nested_mappings_that_end_together_stay_apart(edited):
    outer, inner = AddEntry((0, "f"), "b", 1), AddEntry((0, "f", "a"), "c", 1)
    expected = "f:\n  a:\n    x: 1\n    c: 1\n  b: 1\n"
    assert edited("f:\n  a:\n    x: 1\n", outer, inner) == expected
    assert edited("f:\n  a:\n    x: 1\n", inner, outer) == expected


def test_a_key_that_other_readers_take_for_false_is_quoted(edited):
    assert edited("f: {WW: 1}\n", AddEntry((0, "f"), "NO", 1)) == 'f: {WW: 1, "NO": 1}\n'


@pytest.mark.parametrize("text", ["1:30", "2026-12-31", "0x1g", ".a", "+a", "Yes", "OFF", "null"])
def test_new_text_that_other_readers_take_for_something_else_is_quoted(edited, text):
    assert edited("a: 1\n", AddEntry((0,), "b", text)) == f'a: 1\nb: "{text}"\n'


def test_a_mapping_or_list_is_added_on_one_line(edited):
    geo = {"include": True, "countries": ["US", "NO"], "note": "a, b", "none": None, "empty": []}
    written = 'geo: {include: true, countries: [US, "NO"], note: "a, b", none: null, empty: []}'
    assert edited("a: 1\n", AddEntry((0,), "geo", geo)) == f"a: 1\n{written}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f: [{c: US, p: 1.20}]\n", "f: [{c: US, p: 1.20}, {c: DE, p: 0.40}]\n"),
        ("f: []\n", "f: [{c: DE, p: 0.4}]\n"),
        ("f:\n  - {c: US, p: 1}\n", "f:\n  - {c: US, p: 1}\n  - {c: DE, p: 0.4}\n"),
        ("f:\n  - c: US\n    p: 1.20 # u\n", "f:\n  - c: US\n    p: 1.20 # u\n  - c: DE\n    p: 0.40\n"),
        ("f:\n-   c: US\n    p: 1\ng: 1\n", "f:\n-   c: US\n    p: 1\n-   c: DE\n    p: 0.4\ng: 1\n"),
        ("f:\n  -\n    c: US\n", "f:\n  -\n    c: US\n  - c: DE\n    p: 0.4\n"),
        ("f: &x\n  - a\n", "f: &x\n  - a\n  - {c: DE, p: 0.4}\n"),
    ],
)
def test_an_item_is_added_in_the_form_of_the_last_one(edited, before, after):
    assert edited(before, AddItem((0, "f"), {"c": "DE", "p": Decimal("0.4")})) == after


def test_several_items_follow_one_another(edited):
    adds = [AddItem((0, "f"), 2), AddItem((0, "f"), "NO")]
    assert edited("f: [1]\n", *adds) == 'f: [1, 2, "NO"]\n'
    assert edited("f:\n- 1 # c\n", *adds) == 'f:\n- 1 # c\n- 2\n- "NO"\n'


@pytest.mark.parametrize(
    ("text", "edit", "code"),
    [
        ("f: {DE: 1}\n", DE, "edit-exists"),
        ("f: [1]\n", DE, "edit-missing"),
        ("f: 1\n", DE, "edit-missing"),
        ("f: {US: 1}\n", AddEntry((0, "f"), "DE", 1, after="WW"), "edit-missing"),
        ("f: {US: 1}\n", AddItem((0, "f"), 1), "edit-missing"),
        ("f:\n  ? US\n  : 1\n", DE, "edit-unsure"),
        ("f:\n  - # why\n    1\n", AddItem((0, "f"), 1), "edit-layout"),
        ("f: [US: 1]\n", AddEntry((0, "f", 0), "DE", 1), "edit-layout"),
        ("f:\n  US: |+\n    a", DE, "edit-unsure"),
    ],
)
def test_what_cannot_be_added_is_refused(refused, text, edit, code):
    (finding,) = refused(text, edit)
    assert (finding.file, finding.code) == ("apps/a.yaml", code)
