from decimal import Decimal

import pytest

from reconciler.errors import EditError
from reconciler.yaml.apply_edits import apply_edits
from reconciler.yaml.edits import AddEntry, SetScalar

US = (0, "f", "US")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f: {US: 1.20}\n", "f: {US: 1.30}\n"),
        ("f:\n  US: 1.20   # kept  \n", "f:\n  US: 1.30   # kept  \n"),
        ("f:\n  US: 1.20\t# tab\n", "f:\n  US: 1.30\t# tab\n"),
        ("f:\n  US: 1.20  \n\n\n", "f:\n  US: 1.30  \n\n\n"),
        ("f:\r\n  US: 1.20 # c\r\n", "f:\r\n  US: 1.30 # c\r\n"),
        ("f:\n  US: 1.20", "f:\n  US: 1.30"),
        ("\ufefff: {é: 1, US: 1.20}\n", "\ufefff: {é: 1, US: 1.30}\n"),
        ("# 😀 日本\nf: {US: 1.20} # ü\n", "# 😀 日本\nf: {US: 1.30} # ü\n"),
        ("%YAML 1.2\n--- # start\nf: {US: 1.20}\n...\n# end\n", "%YAML 1.2\n--- # start\nf: {US: 1.30}\n...\n# end\n"),
        ("f:\n  US:\n    # why\n    1.20 # c\n  DE: 1\n", "f:\n  US:\n    # why\n    1.30 # c\n  DE: 1\n"),
        ("f: {\n  US:\n    1.20 # c\n    , DE: 1}\n", "f: {\n  US:\n    1.30 # c\n    , DE: 1}\n"),
        ("f: {US: &p 1.20 }\n", "f: {US: &p 1.30 }\n"),
        ("f:\n  US: &p # why\n    1.20\n", "f:\n  US: &p # why\n    1.30\n"),
        ('f: {"US": 1.20, NO: 1.20}\n', 'f: {"US": 1.30, NO: 1.20}\n'),
        ("f:\n  ? US\n  : 1.20\n", "f:\n  ? US\n  : 1.30\n"),
        ('g: {US: 1.20}\n"f": {US: 1.20}\n', 'g: {US: 1.20}\n"f": {US: 1.30}\n'),
        ("US: 1.20\nf: {U: 1.20, US: 1.20, USA: 1.20}\n", "US: 1.20\nf: {U: 1.20, US: 1.30, USA: 1.20}\n"),
        ("f: {US: '1.20'}\n", "f: {US: 1.3}\n"),
        ("f: {US: }\n", "f: {US: 1.3}\n"),
        ("f: {US}\n", "f: {US: 1.3}\n"),
        ("f:\n  US:\n  DE: 1\n", "f:\n  US: 1.3\n  DE: 1\n"),
        ("f:\n  US: # c\n  DE: 1\n", "f:\n  US: 1.3 # c\n  DE: 1\n"),
        ("f:\n  US: &p\n  DE: 1\n", "f:\n  US: &p 1.3\n  DE: 1\n"),
        ("f:\n  US: !!float 1.20\n", None),
        ("f: {US: 1.20, US: 2}\n", None),
        ("f: {US: [1]}\n", None),
        ("f:\n  US: |\n    1\n", None),
    ],
)
def test_a_price_changes_in_its_place(before, after):
    edits = [SetScalar(US, Decimal("1.3"))]
    if after is None:
        with pytest.raises(EditError):
            apply_edits(before.encode(), edits)
    else:
        assert apply_edits(before.encode(), edits).decode() == after


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        ("0.80", "0.9", "0.90"),
        ("0.80", "1", "1.00"),
        ("0.80", "0.855", "0.855"),
        ("0.8", "0.80", "0.8"),
        ("12", "6.5", "6.5"),
        ("12", "6", "6"),
        ("12", "1E+2", "100"),
        ("1.5e1", "2.5", "2.5"),
        ("0.01", "0.0000001", "0.0000001"),
        ("-1.0", "-2", "-2.0"),
    ],
)
def test_a_number_keeps_its_decimals_and_has_no_exponent(edited, old, new, written):
    assert edited(f"f: {{US: {old}}}\n", SetScalar(US, Decimal(new))) == f"f: {{US: {written}}}\n"


def test_a_float_is_written_as_short_as_it_is_read(edited):
    assert edited("f: {US: 1}\n", SetScalar(US, 1e-7)) == "f: {US: 0.0000001}\n"
    assert edited("f: {US: 1}\n", SetScalar(US, 1e22)) == "f: {US: 10000000000000000000000}\n"


@pytest.mark.parametrize("value", [Decimal("NaN"), float("inf")])
def test_what_is_no_number_is_never_written(value):
    with pytest.raises(ValueError, match="finite"):
        apply_edits(b"f: {US: 1}\n", [SetScalar(US, value)])


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        ("a", "b c", "b c"),
        ("a", "NO", "NO"),
        ("a", "12", '"12"'),
        ("a", "true", '"true"'),
        ("a", "", '""'),
        ("a", "x: y", '"x: y"'),
        ("a", "x #y", '"x #y"'),
        ("a", "- x", '"- x"'),
        ("a", "<<", '"<<"'),
        ("a", 'say "hi"\n\\', '"say \\"hi\\"\\n\\\\"'),
        ("a", "\u2028\x07😀\ue000", '"\\u2028\\x07😀\\uE000"'),
        ("'a'", "it's", "'it''s'"),
        ("'a'", "b\tc", '"b\\tc"'),
        ('"a"', "b", '"b"'),
        ('"a"', True, "true"),
        ("a", None, "null"),
        ("1", "1", '"1"'),
        ("false", 3, "3"),
        ("https://a.b/c?d={{E}}#f", "https://a.b/c?g={{E}}#f", "https://a.b/c?g={{E}}#f"),
    ],
)
def test_text_keeps_its_quotes_where_it_may(edited, old, new, written):
    assert edited(f"k: {old} # c\n", SetScalar((0, "k"), new)) == f"k: {written} # c\n"


@pytest.mark.parametrize("text", ["a,b", "{a}", "a:b", "a]"])
def test_text_that_would_end_a_flow_collection_is_quoted_in_it(edited, text):
    assert edited("{k: a}\n", SetScalar((0, "k"), text)) == f'{{k: "{text}"}}\n'


def test_the_first_step_counts_documents_that_are_not_empty(edited):
    text = "---\n# nothing\n---\na: 1\n---\n~\n---\na: 1\n"
    assert edited(text, SetScalar((1, "a"), 2)) == "---\n# nothing\n---\na: 1\n---\n~\n---\na: 2\n"


def test_no_edit_leaves_even_broken_bytes_alone():
    assert apply_edits(b"a: [\xff", []) == b"a: [\xff"


def test_a_broken_file_is_not_edited(refused):
    (finding,) = refused("a: 1\na: 2\n", SetScalar((0, "a"), 3))
    assert (finding.file, finding.line, finding.code) == ("apps/a.yaml", 2, "duplicate-key")


@pytest.mark.parametrize("path", [(1, "a"), (-1, "a"), (0, "b"), (0, "a", 0), (0, "l", 5), (0, "l", "a"), (0, "l", -1)])
def test_a_path_that_leads_nowhere_is_refused(refused, path):
    (finding,) = refused("a: 1\nl: [1]\n", SetScalar(path, 3))
    assert finding.code == "edit-missing"


def test_all_refusals_come_at_once_with_their_lines(refused):
    text = "a: 1\nb: {}\nc: [1]\n"
    found = refused(text, SetScalar((0, "b"), 1), SetScalar((0, "a"), 2), SetScalar((0, "c"), 1))
    assert [(finding.line, finding.code) for finding in found] == [(2, "edit-layout"), (3, "edit-layout")]


def test_edits_are_made_in_order(edited):
    text = "a: 1\n"
    edits = [SetScalar((0, "a"), 2), AddEntry((0,), "b", {"c": 1}), SetScalar((0, "b", "c"), 5), SetScalar((0, "a"), 3)]
    assert edited(text, *edits) == "a: 3\nb: {c: 5}\n"
