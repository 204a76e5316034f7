"""What two names or bundles may differ in and still look the same."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.address import fold, folded_app, folded_placement

ALIKE = {
    "case": ("level_end", "LEVEL_End"),
    "case beyond ascii": ("straße", "STRASSE"),
    "a final sigma": ("λόγος", "ΛΌΓΟΣ"),
    "another unicode form": ("caf\u00e9", "cafe\u0301"),
    "the order of accents": ("a\u0323\u0301", "a\u0301\u0323"),
    "fullwidth letters": ("int_1", "\uff49\uff4e\uff54\uff3f\uff11"),
    "a ligature": ("fine", "\ufb01ne"),
    "blanks at the ends": ("int_1", " int_1\u00a0\t"),
    "a line end": ("int_1", "int_1\r\n"),
    "kinds of blank": ("level end", "level\u3000end"),
    "a blank braille pattern": ("level end", "level\u2800end"),
    "blank for underscore": ("level end", "level_end"),
    "hyphen for underscore": ("level-end", "level_end"),
    "a dash": ("level-end", "level\u2013end"),
    "a hyphen that does not break": ("level-end", "level\u2011end"),
    "a minus sign": ("level-end", "level\u2212end"),
    "runs of them": ("level_end", "level - _end"),
    "a zero-width space": ("int_1", "int\u200b_1"),
    "a joiner": ("int_1", "int_\u200d1"),
    "a byte order mark": ("int_1", "\ufeffint_1"),
    "a soft hyphen": ("int_1", "in\u00adt_1"),
    "a variation selector": ("int_1", "int_1\ufe0f"),
    "a variation selector of the supplement": ("int_1", "int_1\U000e0100"),
    "a filler": ("int_1", "int_1\u3164"),
    "a direction mark": ("int_1", "\u202eint_1\u202c"),
    "a control character": ("int_1", "int\x07_1"),
    "what joins an accent": ("caf\u00e9", "cafe\u200d\u0301"),
}
OTHERS = {
    "a digit": ("int_1", "int_2"),
    "an accent": ("cafe", "caf\u00e9"),
    "an underscore at the end": ("int_1", "int_1_"),
    "no underscore": ("int1", "int_1"),
    "a dot": ("int.1", "int_1"),
    "a letter of another script": ("int_1", "\u0456nt_1"),
    "a number": ("id123", "123"),
}


@pytest.mark.parametrize("pair", ALIKE.values(), ids=ALIKE)
def test_names_that_differ_in_this_alone_look_the_same(pair):
    one, other = pair
    assert one != other
    assert folded_placement(one) == folded_placement(other)


@pytest.mark.parametrize("pair", OTHERS.values(), ids=OTHERS)
def test_names_that_differ_in_this_are_others(pair):
    one, other = pair
    assert folded_placement(one) != folded_placement(other)


@pytest.mark.parametrize("bundle", ["id1234567", "ID1234567", "id 1234567", "\uff11234567", " 1234567"])
def test_a_store_number_may_be_written_with_id_before_it(bundle):
    assert folded_app("ios", bundle) == folded_app("iOS", "1234567")


@pytest.mark.parametrize("bundle", ["id.1234567", "idle", "xid1234567", "id1234567a", "id"])
def test_id_is_dropped_before_a_number_alone(bundle):
    assert folded_app("ios", bundle) == ("ios", bundle)


def test_apps_on_two_platforms_are_two():
    assert folded_app("ios", "com.a") != folded_app("android", "com.a")


@settings(derandomize=True)
@given(st.text())
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@settings(derandomize=True)
@given(st.text(), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_no_unicode_form_makes_another_name(text, form):
    assert fold(unicodedata.normalize(form, text)) == fold(text)


@settings(derandomize=True)
@given(st.text(alphabet=st.characters(exclude_characters="\u0131")))
def test_no_case_makes_another_name(text):
    """But for the dotless i, whose capital is the plain one's in every alphabet but the Turkish."""
    assert fold(text.upper()) == fold(text.lower()) == fold(text)


@pytest.mark.parametrize("kept", ["A &amp; B", "A &#38; B", "A &amp;amp; B", "a&#x26;b", "A &AMP; B"])
def test_a_name_in_escapes_of_html_is_like_the_name(kept):
    assert fold(kept).replace("-", "") == fold("A & B").replace("-", "")
