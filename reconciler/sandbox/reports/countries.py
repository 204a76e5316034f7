"""The countries of the sandbox's market: codes as each vendor writes them, share of requests, and how well they pay."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Country:
    """`price` is the median bid for an interstitial, USD per thousand impressions."""

    code: str
    alpha3: str
    share: float
    price: float


COUNTRIES: Final = (
    Country("US", "USA", 0.30, 4.0),
    Country("GB", "GBR", 0.10, 2.8),
    Country("DE", "DEU", 0.08, 2.4),
    Country("CA", "CAN", 0.06, 2.9),
    Country("AU", "AUS", 0.05, 3.0),
    Country("JP", "JPN", 0.06, 2.5),
    Country("FR", "FRA", 0.06, 1.8),
    Country("SE", "SWE", 0.03, 2.2),
    Country("NO", "NOR", 0.02, 2.6),
    Country("BR", "BRA", 0.08, 0.6),
    Country("IN", "IND", 0.10, 0.3),
    Country("NA", "NAM", 0.01, 0.4),
    Country("XK", "XKX", 0.01, 0.4),
    Country("ZZ", "ZZZ", 0.02, 0.5),
)
"""With three that are easily lost: `NA` is Namibia and no missing value, `XK` (Kosovo) is not in ISO 3166, and `ZZ` is
nobody's."""


def aims_at(fields: Mapping[str, Any], country: Country) -> bool:
    """Whether a placement with these fields is shown in a country."""
    geo = fields.get("geo") if fields.get("targetingEnabled") else None
    return geo is None or (country.code in geo["countries"]) == geo.get("include", True)
