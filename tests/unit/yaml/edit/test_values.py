import pytest

from reconciler.errors import EditError
from reconciler.yaml.apply_edits import apply_edits
from reconciler.yaml.edits import AddEntry, SetValue


def edited(text, *edits):
    return apply_edits(text.encode(), edits).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1   # why\n", 'a: {US: 1.5, "NO": [x]}   # why\n'),
        ("a: {x: 1,\n  y: 2}\nb: 1\n", 'a: {US: 1.5, "NO": [x]}\nb: 1\n'),
        ("a:\n  x: 1\n  y:\n    - 2\nb: 1\n", 'a: {US: 1.5, "NO": [x]}\nb: 1\n'),
        ("b: &b {x: 1}\na: *b  # as b\n", 'b: &b {x: 1}\na: {US: 1.5, "NO": [x]}  # as b\n'),
        ("{a: ~, b: 1}\n", '{a: {US: 1.5, "NO": [x]}, b: 1}\n'),
        ("a:\nb: 1\n", 'a: {US: 1.5, "NO": [x]}\nb: 1\n'),
    ],
)  # fmt: skip
def test_any_value_takes_the_place_of_another(before, after):
    assert edited(before, SetValue((0, "a"), {"US": 1.5, "NO": ["x"]})) == after


def test_an_empty_list_becomes_one_of_blocks():
    text = "apps:\n  - bundle: a\n    placements: []   # none yet\n    name: A\n"
    assert edited(text, SetValue((0, "apps", 0, "placements"), [{"name": "on", "coppa": True}, {"name": "b"}])) == (
        "apps:\n  - bundle: a\n    placements:\n"
        '      - name: "on"\n        coppa: true\n      - name: b   # none yet\n    name: A\n'
    )


def test_a_new_list_of_blocks_stands_below_its_key():
    assert edited("a: 1\nb: 2\n", AddEntry((0,), "c", [{"x": 1, "p": {"z": [1]}}], "a")) == (
        "a: 1\nc:\n  - x: 1\n    p: {z: [1]}\nb: 2\n"
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a:\n  x: 1  # why\n  z: 2\n", "edit-layout"),
        ("a: &a {x: 1}\nb: *a\n", "edit-shared"),
        ("b: &b {a: 1}\nc:\n  <<: *b\n", "edit-missing"),
        ("a: |\n  text\n", "edit-layout"),
    ],
)
def test_what_would_lose_or_change_more_is_refused(text, code):
    with pytest.raises(EditError) as refused:
        edited(text, SetValue((0, "a"), 1))
    assert refused.value.findings[0].code == code
