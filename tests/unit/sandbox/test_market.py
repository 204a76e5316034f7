from contextlib import closing
from math import inf
from statistics import mean

import pytest
from unit.sandbox.report_world import DAY

from reconciler.sandbox.account import SandboxAccount
from reconciler.sandbox.market import Bids, Market, count, normal, uniform
from reconciler.sandbox.server import generated, seed_resources

LADDER = {"high": 6.0, "mid": 2.0, "low": 0.01}


def ladder(**changes):
    yield {"kind": "app", "id": "1", "fields": {"platform": "android", "name": "a", "bundle": "a", "status": "active"}}
    for number, (name, floor) in enumerate(LADDER.items()):
        fields = {"name": f"end_{name}", "placementType": "Interstitial", "status": "active", "coppa": False}
        more = {"floorPrices": {"WW": floor, **changes.get(name, {})}}
        yield {"kind": "placement", "id": str(10 + number), "appId": "1", "fields": {**fields, **more}}


@pytest.fixture
def account():
    with closing(SandboxAccount()) as fresh:
        yield fresh


def trade_in(code, **changes):
    with closing(SandboxAccount()) as account:
        seed_resources(account, ladder(**changes))
        (waterfall,) = Market(account, 0).waterfalls(account.apps()[0])
        return next(each for each in Market(account, 0).trades(waterfall, DAY) if each.country.code == code)


def test_rungs_are_asked_dearest_first_for_what_is_left():
    trade = trade_in("US")
    assert [sale.placement.fields["name"] for sale in trade.sales] == ["end_high", "end_mid", "end_low"]
    left = trade.requests
    for sale in trade.sales:
        assert sale.requests == left
        left -= sale.impressions


def test_a_rung_sells_between_its_floor_and_that_of_the_rung_above():
    assert [(band.low, band.high) for sale in trade_in("US").sales for band in sale.bands] == [
        (6.0, inf),
        (2.0, 6.0),
        (0.01, 2.0),
    ]


def test_a_country_of_its_own_can_turn_the_order():
    names = [sale.placement.fields["name"] for sale in trade_in("GB", low={"GB": 9.0}).sales]
    assert names == ["end_low", "end_high", "end_mid"]


def test_the_floor_of_one_placement_moves_nothing_but_its_waterfall(account):
    seed_resources(account, generated(2, 3))
    market = Market(account, 0)
    first, other = (market.waterfalls(app) for app in account.apps())
    one = first[0].tiers[0]
    before = [list(market.trades(waterfall, DAY)) for waterfall in (*first[1:], *other)]
    account.replace("placement", one.id, {**one.fields, "floorPrices": {"WW": 40.0}})
    first, other = (market.waterfalls(app) for app in account.apps())
    assert first[0].tiers[0].fields != one.fields
    assert [list(market.trades(waterfall, DAY)) for waterfall in (*first[1:], *other)] == before


def test_an_app_of_many_placements_has_no_more_requests_than_can_be_reported(account):
    seed_resources(
        account,
        (
            {**each, "fields": {**each["fields"], "name": f"x{each['id']}"}} if each["kind"] == "placement" else each
            for each in many(40)
        ),
    )
    waterfalls = Market(account, 0).waterfalls(account.apps()[0])
    assert len(waterfalls) == 40
    assert sum(each.requests for each in waterfalls) == pytest.approx(16_000)


def many(placements):
    first, rung, *_ = ladder()
    yield first
    for number in range(placements):
        yield {**rung, "id": str(100 + number)}


def test_chance_is_the_same_for_the_same_words_and_spreads_evenly():
    assert uniform("a", 1) == uniform("a", 1) != uniform("a1")
    drawn = [normal("n", number) for number in range(2000)]
    assert mean(drawn) == pytest.approx(0, abs=0.1)
    assert mean(number**2 for number in drawn) == pytest.approx(1, abs=0.15)
    assert mean(uniform("u", number) for number in range(2000)) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("noise", "expected"), [(0, 50), (2, 60), (-2, 40), (99, 100), (-99, 0)])
def test_a_count_is_what_is_expected_and_noise_within_its_bounds(noise, expected):
    assert count(100, 0.5, noise) == expected


def test_bids_between_two_prices_have_the_mean_that_drawing_them_has():
    bids = Bids(2.0, 0.75)
    drawn = [bids.at((step + 0.5) / 4000, 1.5, 6.0) for step in range(4000)]
    assert min(drawn) >= 1.5
    assert max(drawn) <= 6.0
    assert mean(drawn) == pytest.approx(bids.mean(1.5, 6.0), rel=0.001)
    assert bids.below(2.0) == pytest.approx(0.5)
    assert bids.mean(1e9) == 1e9
