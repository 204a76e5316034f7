import pytest

from reconciler.yaml.scalar import described, did_you_mean, quoted, shown


def test_what_does_not_print_is_escaped():
    assert shown("a\x1b[31m\n\u202eb") == "a\\x1b[31m\\n\\u202eb"


def test_long_text_is_cut():
    assert len(quoted("x" * 10_000)) == 82


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "empty"),
        (True, "true"),
        (1, "the number 1"),
        (0, "the number 0"),
        (10**500, "a huge number"),
        (1.5, "the number 1.5"),
        ("a", 'the text "a"'),
        ({}, "a mapping"),
        ([], "a list"),
    ],
)
def test_values_are_described_in_words(value, words):
    assert described(value) == words


def test_case_is_no_obstacle_to_a_guess():
    assert did_you_mean("FLOORPRICES", ["floorPrices", "name"]) == "did you mean floorPrices?"
    assert did_you_mean("zzz", ["floorPrices"]) == ""
