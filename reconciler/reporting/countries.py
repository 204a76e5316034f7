"""Countries however a report writes them: alpha-2 (DT), alpha-3 (Chartboost), or by name; ours are alpha-2."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import pycountry

_OWN: Final = {"XK": "XK", "XKX": "XK", "XKO": "XK", "KOSOVO": "XK", "UK": "GB"}
"""Kosovo has no ISO code, and three that are used; UK is what people write."""


@cache
def alpha2_by_spelling() -> Mapping[str, str]:
    """Every spelling that is understood, in upper case, and its alpha-2 code. `NA` is Namibia, not a missing value."""
    known = dict(_OWN)
    for country in pycountry.countries:
        names = (getattr(country, key, None) for key in ("name", "common_name", "official_name"))
        for spelling in (country.alpha_2, country.alpha_3, *names):
            if spelling:
                known.setdefault(spelling.upper(), country.alpha_2)
    return MappingProxyType(known)


def alpha2(spelling: str | None) -> str | None:
    """The alpha-2 code, or None for what is no country that we know."""
    return None if spelling is None else alpha2_by_spelling().get(spelling.strip().upper())
