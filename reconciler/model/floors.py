"""Floors: a table of country -> price in USD per thousand impressions, with `WW` for countries without a line."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from reconciler.model.value import Value

WORLDWIDE: Final = "WW"
MINIMUM: Final = Decimal("0.01")
"""The least floor the API takes, and the one that counts as no floor at all."""

Floors: TypeAlias = Mapping[str, Decimal]


def complete(floors: Floors) -> Floors:
    """The table with the worldwide line the server adds when it is not sent (USD 0.01)."""
    return floors if WORLDWIDE in floors else {**floors, WORLDWIDE: MINIMUM}


def floor_table(value: Value) -> Floors | None:
    """The value of the field `floorPrices` as a whole table; None for what is none."""
    if not isinstance(value, Mapping):
        return None
    return complete({country: price for country, price in value.items() if isinstance(price, Decimal)})


def effective(floors: Floors, country: str) -> Decimal:
    """The floor that holds in a country: its own line, else the worldwide one."""
    own = floors.get(country)
    return own if own is not None else floors.get(WORLDWIDE, MINIMUM)


def percent_change(before: Decimal, after: Decimal) -> Decimal | None:
    """The change in percent of `before`; None where `before` counts as no floor."""
    return None if before <= MINIMUM else (after - before) * 100 / before
