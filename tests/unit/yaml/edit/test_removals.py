import pytest

from reconciler.yaml.edits import RemoveEntry

B = (0, "f", "b")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f:\n  a: 1\n  b: 2 # two\n  c: 3\n", "f:\n  a: 1\n  c: 3\n"),
        ("f:\n  a: 1 # one\n  # about b\n  b: 2", "f:\n  a: 1 # one\n  # about b"),
        ("f:\r\n  b:\r\n    - 1\r\n    # in b\r\n    - 2\r\n  c: 3\r\n", "f:\r\n  c: 3\r\n"),
        ("f:\n  a: 1\n  b: |\n    text\n\ng: 1\n", "f:\n  a: 1\ng: 1\n"),
        ("f: {a: 1, b: 2, c: 3}\n", "f: {a: 1, c: 3}\n"),
        ("f: {b: 2, c: 3}\n", "f: {c: 3}\n"),
        ("f: {a: 1, b: 2}\n", "f: {a: 1}\n"),
        ("f: {a: 1, b: 2, }\n", "f: {a: 1, }\n"),
        ("f: {b: 2}\n", "f: {}\n"),
        ("f: {b: 2,}\n", "f: {}\n"),
        ("f: {\n  a: 1, # one\n  b: 2, # two\n  c: 3\n}\n", "f: {\n  a: 1, # one\n  c: 3\n}\n"),
        ("f: {\n  a: 1, # one\n  b: 2 # two\n}\n", "f: {\n  a: 1 # one\n}\n"),
        ("f: {\n  a: 1, # one\n  b: 2, # two\n}\n", "f: {\n  a: 1, # one\n}\n"),
        ("f: {a: 1, # one\n  b: 2, c: 3}\n", "f: {a: 1, # one\n  c: 3}\n"),
        ("f: {a: 1, # one\n  b: 2}\n", "f: {a: 1, # one\n  }\n"),
        ("x: &x {b: 1}\nf: {<<: *x, a: 1, b: 1}\n", None),
    ],
)
def test_an_entry_goes_with_its_comment_and_its_comma(edited, refused, before, after):
    if after is None:
        (finding,) = refused(before, RemoveEntry(B))
        assert finding.code == "edit-unsure"  # the merged value would come to light
    else:
        assert edited(before, RemoveEntry(B)) == after


def test_the_next_key_moves_up_to_the_dash(edited):
    assert edited("f:\n  - a: 1 # one\n    b: 2\n", RemoveEntry((0, "f", 0, "b"))) == "f:\n  - a: 1 # one\n"
    assert edited("f:\n  - a: 1\n    b: 2\n", RemoveEntry((0, "f", 0, "a"))) == "f:\n  - b: 2\n"


def test_an_item_goes_with_all_its_lines(edited):
    text = "f:\n  - a: 1\n    b: 2\n  # three\n  - 3 # c\n"
    assert edited(text, RemoveEntry((0, "f", 0))) == "f:\n  # three\n  - 3 # c\n"
    assert edited(text, RemoveEntry((0, "f", 1))) == "f:\n  - a: 1\n    b: 2\n  # three\n"
    assert edited("f: [1, 2, 3]\n", RemoveEntry((0, "f", 1)), RemoveEntry((0, "f", 1))) == "f: [1]\n"


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        ("f:\n  b: 1\n", B, "edit-last"),
        ("f:\n  - 1\n", (0, "f", 0), "edit-last"),
        ("f:\n  - - 1\n    - 2\n", (0, "f", 0, 0), "edit-layout"),
        ("f:\n  - b: 1 # why\n    c: 2\n", (0, "f", 0, "b"), "edit-layout"),
        ("f: {b: 1, # why\n c: 2}\n", B, "edit-layout"),
        ("f: {a: 1}\n", B, "edit-missing"),
        ("x: &x {b: 1}\nf: {<<: *x}\n", B, "edit-merged"),
    ],
)
def test_what_cannot_be_removed_is_refused(refused, text, path, code):
    (finding,) = refused(text, RemoveEntry(path))
    assert finding.code == code
