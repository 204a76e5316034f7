"""Where cells stand in tables and ladders."""

from datetime import date
from decimal import Decimal

from reconciler.floors.current_floors import current_floors_of
from reconciler.model.address import Address
from reconciler.model.evidence import Cell

HIGH, MID, LOW = (Address(f"android:com.a.b/{tier}") for tier in ("high", "mid", "low"))


def table(**floors):
    return {country: Decimal(str(price)) for country, price in floors.items()}


TABLES = {HIGH: table(US=12, WW=6, NO=9), MID: table(US=6, WW=2), LOW: table(WW=0.01, DE=1)}


def stand(address, country):
    return current_floors_of(TABLES, [(HIGH, MID, LOW)])[Cell(address, country)]


def test_a_rung_sees_its_neighbours_in_its_own_country():
    assert (stand(MID, "US").dearer, stand(MID, "US").cheaper) == (12, Decimal("0.01"))


def test_a_country_without_a_line_sees_the_neighbours_worldwide_floor():
    assert stand(LOW, "DE").dearer == 2


def test_the_worldwide_line_sees_the_nearest_of_all_that_it_stands_for():
    assert stand(HIGH, "WW").cheaper == 2
    assert stand(MID, "WW").dearer == 6
    assert stand(MID, "WW").cheaper == 1


def test_the_ends_of_a_ladder_have_one_neighbour():
    assert stand(HIGH, "US").dearer is None
    assert stand(LOW, "WW").cheaper is None


def test_placements_without_a_ladder_have_no_neighbours_and_the_worldwide_floor_is_always_there():
    found = current_floors_of({MID: table(US=6)}, changed={Cell(MID, "US"): date(2026, 1, 1)})
    assert {cell.country for cell in found} == {"US", "WW"}
    assert found[Cell(MID, "US")].changed == date(2026, 1, 1)
    assert (found[Cell(MID, "WW")].current, found[Cell(MID, "WW")].dearer) == (Decimal("0.01"), None)


def test_rungs_that_are_not_declared_are_passed_over():
    found = current_floors_of({HIGH: TABLES[HIGH], LOW: TABLES[LOW]}, [(HIGH, MID, LOW)])
    assert found[Cell(LOW, "WW")].dearer == 6
