"""Typos: one character more, less or another, or two neighbours that changed places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.address import one_typo_apart


@pytest.mark.parametrize(
    ("one", "other"),
    [("abc", "abd"), ("abc", "xbc"), ("abc", "ab"), ("abc", "bc"), ("abc", "abcc"), ("abc", "acb"), ("ab", "ba")],
)
def test_one_typo(one, other):
    assert one_typo_apart(one, other)
    assert one_typo_apart(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("abc", "abc"), ("abc", "cba"), ("abcd", "badc"), ("abc", "a"), ("a", "b"), ("", "a"), ("a", "")]
)
def test_none_or_more_than_one(one, other):
    assert not one_typo_apart(one, other)
    assert not one_typo_apart(other, one)


def distance(one, other):
    """Optimal string alignment, the slow and plain way."""
    rows = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) + 1):
        for j in range(len(other) + 1):
            if not (i and j):
                rows[i][j] = i + j
                continue
            costs = [rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (one[i - 1] != other[j - 1])]
            if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
                costs.append(rows[i - 2][j - 2] + 1)
            rows[i][j] = min(costs)
    return rows[-1][-1]


texts = st.text("abc", max_size=6)


@given(texts, texts)
def test_it_is_a_distance_of_one(one, other):
    long_enough = min(len(one), len(other)) > 1
    assert one_typo_apart(one, other) is (long_enough and distance(one, other) == 1)
