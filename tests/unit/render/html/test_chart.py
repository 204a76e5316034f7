"""What a chart is drawn from stays within it, whatever the curve."""

import re
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pages import suggestions

from reconciler.model.evidence import Bounds, CurvePoint
from reconciler.render.html import BOTTOM, HEIGHT, LEFT, NEAREST, RIGHT, TOP, WIDTH, chart

money = st.floats(0, 1e6, allow_nan=False)
prices = st.floats(0.01, 100).map(lambda price: round(price, 4))


@st.composite
def curves(draw):
    floors = sorted(draw(st.sets(prices, min_size=2, max_size=12)))
    points = []
    for floor in floors:
        low, mid, high = sorted(draw(st.tuples(money, money, money)))
        share = draw(st.floats(0, 1))
        points.append(CurvePoint(floor, Bounds(low, mid, high), share * mid, (1 - share) * mid))
    return points


def coordinates(path):
    return [tuple(map(float, pair)) for pair in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


@given(curves(), st.data())
def test_everything_that_is_drawn_lies_in_the_chart(curve, data):
    floors = [point.floor for point in curve]
    drawn = chart(curve, data.draw(st.sampled_from(floors)), data.draw(st.sampled_from(floors)))
    for panel in (drawn.revenue, drawn.parts):
        for x, y in [pair for path in (*panel.areas, panel.line) for pair in coordinates(path)]:
            assert LEFT - 0.1 <= x <= WIDTH - RIGHT + 0.1
            assert TOP - 0.1 <= y <= HEIGHT - BOTTOM + 0.1
        assert all(LEFT <= marker.at <= WIDTH - RIGHT for marker in panel.markers)
        assert 1 <= len(panel.up) <= 7
        apart = [after.at - before.at for before, after in zip(panel.across, panel.across[1:], strict=False)]
        assert len(panel.across) < 2 or min(apart) >= NEAREST or len(apart) <= 5


@pytest.mark.parametrize("low", [0.0, 1e-300, 1e-12, 1.0, 1e6, 1e12])
@pytest.mark.parametrize("more", [0.0, 5e-324, 1e-310, 1e-20, 1e-10, 1e-9, 2e-4])
def test_revenues_that_hardly_differ_are_drawn_and_their_levels_too(low, more):
    drawn = chart([point(1, low), point(2, low + more)], 1, 2)
    for panel in (drawn.revenue, drawn.parts):
        assert all(TOP - 0.1 <= y <= HEIGHT - BOTTOM + 0.1 for _, y in coordinates(panel.line))
        assert 1 <= len({tick.at for tick in panel.up}) == len(panel.up) <= 7


def test_the_line_goes_from_the_first_floor_to_the_last():
    drawn = chart([point(1, 10), point(2, 12), point(4, 11)], 1, 2)
    (start, middle, end) = coordinates(drawn.revenue.line)
    assert (start[0], end[0]) == (LEFT, WIDTH - RIGHT)
    assert middle[0] == pytest.approx((start[0] + end[0]) / 2, abs=0.1)
    assert middle[1] < end[1] < start[1]


def test_a_floor_that_stays_has_one_marker():
    curve = [point(1, 10), point(2, 12)]
    assert [marker.label for marker in chart(curve, 1, 1).revenue.markers] == ["current 1"]
    assert [marker.label for marker in chart(curve, 1, 2).revenue.markers] == ["current 1", "suggested 2"]


@pytest.mark.parametrize("curve", [[], [1], [1, 1]])
def test_without_two_floors_there_is_no_chart(curve):
    assert chart([point(floor, 1) for floor in curve], 1, 1) is None


@pytest.mark.parametrize("wrong", [nan, inf, -inf])
def test_what_is_no_number_is_not_drawn(wrong):
    drawn = chart([point(1, 10), point(2, wrong), point(wrong, 3), point(4, 11)], 1, 4)
    assert len(coordinates(drawn.revenue.line)) == 2


def test_every_suggestion_with_evidence_has_a_chart():
    for made in suggestions().cells:
        assert (chart(made.curve, made.current, made.suggested) is not None) == (made.verdict != "insufficient")


def point(floor, revenue):
    return CurvePoint(floor, Bounds(revenue * 0.9, revenue, revenue * 1.1), revenue / 4, revenue * 3 / 4)
