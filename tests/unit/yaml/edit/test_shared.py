import pytest

from reconciler.yaml.edits import AddEntry, AddItem, MergeAlias, RemoveEntry, RemoveMerge, SetScalar

US = SetScalar((0, "f", "US"), 2)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("x: &x {US: 1}\nf: *x\n", 2, "*x stands for &x on line 1"),
        ("x: &x {US: 1}\nf: {<<: *x, WW: 1}\n", 2, '"US" comes from &x on line 1 by <<'),
        ("x: &x {US: 1}\ny: &y {WW: 1}\nf: {<<: [*x, *y]}\n", 3, "&x on line 1 or &y on line 2"),
        ("f: &x {US: 1}\ng: *x\nh: *x\n", 1, "&x is used on lines 2, 3 as well"),
        ("f: &x {US: 1}\ng: {<<: *x}\n", 1, "&x is used on line 2 as well"),
        ("f: &x {US: 1, WW: 1}\ng: {<<: *x, WW: 2}\n", 1, "&x is used on line 2 as well"),
        ("f: {US: &p 1}\ng: *p\n", 1, "&p is used on line 2 as well"),
        ("f: {US: &p 1, DE: *p}\n", 1, "&p is used on line 1 as well"),
    ],
)
def test_a_value_that_others_share_is_refused_with_anchor_and_line(refused, text, line, said):
    (finding,) = refused(text, US)
    assert finding.line == line
    assert said in finding.message
    assert finding.hint


@pytest.mark.parametrize("edit", [AddEntry((0, "f"), "DE", 1), RemoveEntry((0, "f", "US"))])
def test_shared_mappings_are_not_added_to_or_taken_from(refused, edit):
    (finding,) = refused("f: &x {US: 1, WW: 1}\ng: {<<: *x, US: 3}\nh: *x\n", edit)
    assert finding.code == "edit-shared"


def test_shared_lists_are_not_added_to(refused):
    (finding,) = refused("f: &x [1]\ng: *x\n", AddItem((0, "f"), 1))
    assert finding.code == "edit-shared"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f: &x {US: 1}\ng: {<<: *x, US: 3}\n", "f: &x {US: 2}\ng: {<<: *x, US: 3}\n"),
        ("f: &x {US: 1}\n", "f: &x {US: 2}\n"),
        ("x: &x 1\nf: {US: *x }\ng: *x\n", "x: &x 1\nf: {US: 2 }\ng: *x\n"),
        ("x: &x {US: 1}\nf:\n  <<: *x\n  US: 1\n", "x: &x {US: 1}\nf:\n  <<: *x\n  US: 2\n"),
        ('f: {"<<": 1, US: 1}\n', 'f: {"<<": 1, US: 2}\n'),
        (
            "g: &x {US: 1}\nf: &x {US: 1}\nh: &x {US: 1}\ni: *x\n",
            "g: &x {US: 1}\nf: &x {US: 2}\nh: &x {US: 1}\ni: *x\n",
        ),
    ],
)
def test_a_value_of_its_own_changes_though_anchors_are_near(edited, before, after):
    assert edited(before, US) == after


def test_a_country_gets_a_line_over_a_merged_one(edited):
    assert edited("x: &x {US: 1}\nf: {<<: *x}\n", AddEntry((0, "f"), "US", 2)) == "x: &x {US: 1}\nf: {<<: *x, US: 2}\n"


def test_a_whole_block_may_be_merged_where_the_edited_part_is_overridden(edited):
    text = "l:\n  - &b\n    f: {US: 1}\n    k: 1\n  - <<: *b\n    f: {US: 5}\n"
    assert edited(text, SetScalar((0, "l", 0, "f", "US"), 2)) == text.replace("{US: 1}", "{US: 2}")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("x: &x {US: 1, WW: 1}\nf: {<<: *x, DE: 2}\n", "x: &x {US: 1, WW: 1}\nf: {DE: 2, WW: 1}\n"),
        ("x: &x {US: 1, WW: 1}\nf: {DE: 2, <<: *x}\n", "x: &x {US: 1, WW: 1}\nf: {DE: 2, WW: 1}\n"),
        (
            "x: &x {US: 1, WW: 1}\nf:\n  <<: [*x]   # all\n  # own\n  DE: 2\n",
            "x: &x {US: 1, WW: 1}\nf:\n  # own\n  DE: 2\n  WW: 1\n",
        ),
    ],
)
def test_a_merge_ends_without_what_it_brought_and_the_rest_stays(edited, text, after):
    assert edited(text, AddEntry((0, "f"), "WW", 1), RemoveMerge((0, "f"), ("US",))) == after


def test_nothing_merged_cannot_be_removed(refused):
    (finding,) = refused("f: {US: 1}\n", RemoveMerge((0, "f"), ()))
    assert finding.code == "edit-missing"


@pytest.mark.parametrize(
    ("text", "path", "after"),
    [
        ("x: &x {US: 1}\nf: *x   # c\n", (0, "f"), "x: &x {US: 1}\nf: {<<: *x, US: 2}   # c\n"),
        ("x: &x {US: 1}\nf: [*x, *x]\n", (0, "f", 0), "x: &x {US: 1}\nf: [{<<: *x, US: 2}, *x]\n"),
        ("x: &x {US: 1}\nf:\n- *x\n", (0, "f", 0), "x: &x {US: 1}\nf:\n- {<<: *x, US: 2}\n"),
    ],
)
def test_an_alias_becomes_a_mapping_that_merges_it(edited, text, path, after):
    assert edited(text, MergeAlias(path, {"US": 2})) == after


@pytest.mark.parametrize("text", ["f: {US: 1}\n", "x: &x 1\nf: *x\n"])
def test_only_an_alias_of_a_mapping_is_merged(refused, text):
    (finding,) = refused(text, MergeAlias((0, "f"), {"US": 2}))
    assert finding.code == "edit-missing"
