"""Laws of floor suggestions: what no evidence, however odd, may bring about."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from math import isfinite

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.market_evidence import FIRST, LAST, TODAY, evidence, price_bin

from reconciler.floors.current_floors import CurrentFloor, current_floors_of
from reconciler.floors.curve import Reaction
from reconciler.floors.decide import Rules, exact
from reconciler.floors.pooling import opportunity_costs
from reconciler.floors.suggest import suggest
from reconciler.model.address import Address
from reconciler.model.evidence import Cell, UnmatchedReports
from reconciler.model.state import Safety
from reconciler.model.value import MINIMUM, effective, percent_change

FIGURES = ["requests", "impressions", "revenue", "after", "after_requests", "single_rows"]
PRICES = st.floats(0.01, 40).map(lambda price: round(price, 2))
CELLS = [Cell(Address(f"android:com.a.b/{name}"), country) for name in ("high", "mid") for country in ("US", "WW")]


@st.composite
def evidences(draw, cell):
    requests = draw(st.integers(0, 60_000))
    return evidence(
        cell,
        requests=requests,
        impressions=draw(st.integers(0, requests)),
        cost=draw(st.floats(0, 20)),
        prices=draw(st.lists(st.floats(0.01, 40), min_size=1, max_size=12)),
        mode=draw(st.sampled_from(["waterfall", "waterfall", "unified", "unknown"])),
        floors=draw(st.lists(PRICES, min_size=1, max_size=2)),
        single_rows=draw(st.integers(0, 500)),
    )


@st.composite
def stands(draw):
    current = draw(PRICES)
    return CurrentFloor(
        current=exact(current),
        worldwide=exact(draw(PRICES)),
        own_line=draw(st.booleans()),
        dearer=draw(st.none() | st.floats(current, 50).map(lambda price: exact(max(current, round(price, 2))))),
        cheaper=draw(st.none() | st.floats(0.01, current).map(lambda price: exact(min(current, round(price, 2))))),
        changed=draw(st.none() | st.integers(0, 20).map(lambda days: TODAY - timedelta(days=days))),
    )


rules = st.builds(
    Rules,
    safety=st.builds(Safety, max_floor=st.floats(0.5, 60), max_floor_change_percent=st.floats(1, 90)),
    known=st.builds(Reaction, below=st.just(1e5), kept=st.floats(-4e4, 9e4), variance=st.just(100.0)),
)
accounts = st.fixed_dictionaries({cell: st.tuples(evidences(cell), stands()) for cell in CELLS})


def run(account, chosen, *, backwards=False):
    cells = sorted(account, reverse=backwards)
    told = [account[cell][0] for cell in cells]
    return suggest(
        told, {cell: account[cell][1] for cell in cells}, FIRST, LAST, TODAY, chosen, UnmatchedReports()
    ).cells


@given(accounts, rules)
def test_no_suggestion_passes_a_limit(account, chosen):
    for made in run(account, chosen):
        stand, before, after = account[made.cell][1], made.current, made.suggested
        if before == after:
            continue
        percent = percent_change(before, after)
        assert after >= MINIMUM
        assert after <= Decimal(repr(chosen.safety.max_floor))
        assert percent is None or abs(percent) <= Decimal(repr(chosen.safety.max_floor_change_percent))
        assert after >= before / 2
        assert after.normalize().as_tuple().exponent >= -2
        assert stand.dearer is None or made.suggested <= stand.dearer
        assert stand.cheaper is None or made.suggested >= stand.cheaper
        assert stand.changed is None or (TODAY - stand.changed).days >= chosen.cool_down


@given(accounts, rules)
def test_a_raise_is_a_step_or_lies_where_it_can_hardly_lose(account, chosen):
    for made in run(account, chosen):
        if made.verdict == "raise":
            sure = chosen.dominance * made.opportunity_cost.low
            assert float(made.suggested) <= max(sure, float(made.current) * 1.3) + 1e-9


@given(accounts, rules)
def test_the_verdict_says_which_way_the_floor_goes(account, chosen):
    for made in run(account, chosen):
        way = {"raise": 1, "lower": -1}.get(made.verdict, 0)
        assert (made.suggested > made.current) - (made.suggested < made.current) == way
        assert made.reasons
        assert bool(made.assumptions) == bool(way)


@given(accounts, rules)
def test_little_evidence_moves_nothing(account, chosen):
    for made in run(account, chosen):
        one = made.evidence
        if one.requests < 400 or one.impressions < 20 or one.mode == "unknown":
            assert made.verdict == "insufficient"
        if one.impressions < 80:
            assert made.verdict != "raise"


@given(accounts, rules)
def test_the_order_of_cells_does_not_matter(account, chosen):
    assert run(account, chosen) == run(account, chosen, backwards=True)


@given(st.floats(0.01, 20), st.floats(0.01, 20), accounts, rules)
def test_two_rungs_that_move_at_once_never_cross(one, other, account, chosen):
    low, high = sorted((exact(round(one, 2)), exact(round(other, 2))))
    dear, cheap = CELLS[0], CELLS[2]
    both = {
        dear: (account[dear][0], CurrentFloor(high, high, cheaper=low)),
        cheap: (account[cheap][0], CurrentFloor(low, low, dearer=high)),
    }
    by_cell = {made.cell: made.suggested for made in run(both, chosen)}
    assert by_cell[cheap] <= by_cell[dear]


TABLES = st.fixed_dictionaries({"WW": PRICES}, optional={"US": PRICES, "DE": PRICES, "BR": PRICES})
LADDER = [Address(f"android:com.a.b/{name}") for name in ("high", "mid", "low")]


@st.composite
def ladders(draw):
    """Three rungs whose floors are in order in every country."""
    drawn = [draw(TABLES) for _ in LADDER]
    tables = []
    for rung in drawn:
        last = tables[-1] if tables else {}
        capped = {
            country: min(price, *(effective(last, one) for one in ({country} if country != "WW" else {"WW", *last})))
            if last
            else price
            for country, price in {one: Decimal(str(price)) for one, price in rung.items()}.items()
        }
        tables.append({**{one: min(capped["WW"], price) for one, price in last.items() if one != "WW"}, **capped})
    return dict(zip(LADDER, tables, strict=True))


@given(st.data(), ladders(), rules)
def test_a_ladder_in_order_stays_so_in_every_country_when_all_of_it_moves(data, tables, chosen):
    assume(_in_order(tables))
    stands = current_floors_of(tables, [LADDER])
    told = [data.draw(evidences(cell)) for cell in stands]
    after = {address: dict(table) for address, table in tables.items()}
    for made in suggest(told, stands, FIRST, LAST, TODAY, chosen, UnmatchedReports()).cells:
        after[made.cell.address][made.cell.country] = made.suggested
    assert _in_order(after)
    for address, table in tables.items():
        for country in ("WW", "US", "DE", "BR", "XX"):
            percent = percent_change(effective(table, country), effective(after[address], country))
            assert percent is None or abs(percent) <= Decimal(repr(chosen.safety.max_floor_change_percent))


def _in_order(tables):
    rungs = list(tables.values())
    return all(
        effective(cheap, country) <= effective(dear, country)
        for dear, cheap in pairwise(rungs)
        for country in ("WW", "US", "DE", "BR")
    )


@given(accounts, rules)
def test_a_line_of_its_own_has_to_be_worth_it(account, chosen):
    for made in run(account, chosen):
        moves = made.suggested != made.current
        if moves and not account[made.cell][1].own_line and made.cell.country != "WW":
            assert made.change.estimate >= chosen.line_worth


@given(accounts, st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(FIGURES))
def test_no_figure_however_odd_stops_a_run(account, figure, name):
    odd = {cell: (replace(one, **{name: figure}), stand) for cell, (one, stand) in account.items()}
    for made in run(odd, Rules()):
        assert isfinite(made.suggested)
        assert made.suggested >= MINIMUM


@given(accounts, st.sampled_from([0.25, 4.0, 100.0]))
def test_costs_scale_with_the_unit_of_money(account, scale):
    told = [one for one, _ in account.values()]
    scaled = [
        replace(
            one,
            after=one.after * scale,
            days=tuple(replace(day, after=day.after * scale) for day in one.days),
        )
        for one in told
        if one.after == 0 or one.after * min(scale, 1) > 5
    ]
    plain = [one for one in told if one.after == 0 or one.after * min(scale, 1) > 5]
    small, large = (opportunity_costs(part, Rules(cent=0)) for part in (plain, scaled))
    for cell, estimate in small.items():
        assert large[cell].bounds.estimate == pytest.approx(scale * estimate.bounds.estimate, rel=1e-6, abs=1e-9)
        assert large[cell].sd == pytest.approx(scale * estimate.sd, rel=1e-6, abs=1e-9)


@given(accounts, rules)
def test_the_curve_never_lies_outside_its_own_bounds(account, chosen):
    for made in run(account, chosen):
        for point in made.curve:
            assert point.revenue.low - 1e-9 <= point.revenue.estimate <= point.revenue.high + 1e-9


def test_a_sketch_bin_holds_its_price():
    assert price_bin(1.0) == 0
