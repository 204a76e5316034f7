"""The floors of a placement as the API answers with them -> prices in USD by country."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from reconciler.dt.wire.memo import Known
from reconciler.model.floors import Floors, complete
from reconciler.model.value import price
from reconciler.web.json_body import folded


def read_country(raw: Any) -> str:
    """A country as it is kept, in upper case. Raises ValueError."""
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError("a country that is not a text")
    return raw.strip().upper()


_CODES: Final = Known(read_country, 1024)


def _floor(raw: Any) -> Decimal:
    exact = price(raw)
    if exact < 0:
        raise ValueError("a floor below zero")
    return exact


_PRICES: Final = Known(_floor, 8192)
_OF_BOOLEANS: Final = (price(0.0), price(1.0))
"""A boolean finds these, as True == 1.0."""


def read_floors(raw: Any) -> Floors:
    """The table of floors by country, from a list of lines or a mapping. Raises ValueError for what cannot be read."""
    if isinstance(raw, list):
        try:
            table = {_CODES[line["country"]]: _PRICES[line["price"]] for line in raw}
        except (KeyError, TypeError):  # a line that is spelled otherwise, or none
            table = {}
        prices = table.values()
        plain = len(table) == len(raw) and max(map(len, raw), default=0) <= _COUNTRY_AND_PRICE
        if plain and not any(each in prices for each in _OF_BOOLEANS):
            return complete(table)
    lines = raw.items() if isinstance(raw, dict) else _lines(raw)
    return complete(_checked(lines))


def _checked(lines: Iterable[tuple[Any, Any]]) -> Floors:
    """The table with every line looked at by itself."""
    table: dict[str, Decimal] = {}
    for named, amount in lines:
        country, exact = read_country(named), _floor(amount)
        if country in table and table[country] != exact:
            raise ValueError(f"two prices for {country}")
        table[country] = exact
    return table


_COUNTRY_AND_PRICE: Final = 2
"""Keys of a line; what has more is looked at."""


def _lines(raw: Any) -> list[tuple[Any, Any]]:
    if not isinstance(raw, list):
        raise ValueError("not a list")  # noqa: TRY004 - one error for every wrong form
    if not all(isinstance(line, dict) for line in raw):
        raise ValueError("not an object")
    lines = [folded(line) for line in raw]
    for line in lines:
        currency = line.get("currency")
        if currency is not None and str(currency).strip().upper() not in _USD:
            raise ValueError(f"a floor in {str(currency).strip()[:20]}, not in USD")
    return [(line.get("country"), line.get("price")) for line in lines]


_USD: Final = ("", "USD", "$", "US$")
