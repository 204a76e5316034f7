import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.text import Span, columns, line, wrapped

WORDS = st.lists(
    st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=30), min_size=1, max_size=30
)


def told(each):
    return "".join(span.text for span in each)


@given(WORDS, st.integers(20, 120), st.sampled_from(["", "  ", "      ", "error: ", "warning: "]))
def test_every_word_is_there_and_no_line_of_several_is_too_wide(words, width, head):
    whole = head + " ".join(words)
    lines = [told(each) for each in wrapped(line(whole), width)]
    assert " ".join(lines).split() == whole.split()
    assert [each for each in lines if columns(each) > width and len(each.split()) > 2] == []


@given(WORDS, st.integers(20, 80))
def test_tones_stay_with_their_words(words, width):
    tones = ["plain", "strong", "faint"]
    spans = tuple(Span(f"{word} ", tones[at % 3]) for at, word in enumerate(words))
    signs = [(sign, span.tone) for span in spans for sign in span.text if not sign.isspace()]
    after = [(s, span.tone) for each in wrapped(spans, width) for span in each for s in span.text if not s.isspace()]
    assert after == signs


@pytest.mark.parametrize("width", [0, 5, 19])
def test_a_terminal_that_is_hardly_one_breaks_lines_itself(width):
    assert [told(each) for each in wrapped(line("a " * 50), width)] == ["a " * 50]


def test_lines_after_the_first_are_indented_further_and_below_a_label():
    assert [told(each) for each in wrapped(line("    one two three four five"), 20)] == [
        "    one two three",
        "      four five",
    ]
    assert [told(each) for each in wrapped(line("error: one two three four"), 20)] == [
        "error: one two three",
        "       four",
    ]


def test_wide_characters_count_twice_and_marks_not_at_all():
    assert columns("名前") == 4
    assert columns("e\u0301") == 1
