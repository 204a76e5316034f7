"""Countries as reports write them: alpha-2 (DT), alpha-3 (Chartboost), or by name; ours are alpha-2."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final
from unicodedata import combining, normalize

import pycountry

_SAINT: Final = re.compile(r"\bST\.?\s")
_OWN: Final = {"XK": "XK", "XKX": "XK", "XKO": "XK", "KOSOVO": "XK", "UK": "GB"}
"""Kosovo has no ISO code, and three that are used; UK is what people write."""

NOWHERE: Final = frozenset({
    "", "ww", "worldwide", "world", "unknown", "other", "others", "xx", "zz", "zzz", "n/a", "-", "--", "null", "none",
    "(not set)", "not set", "unknown region", "undefined", "t1", "a1", "a2", "o1", "ap", "eu",
})  # fmt: skip
"""What stands for no country in particular, in lower case."""
SUMS: Final = frozenset({
    "total", "totals", "grand total", "subtotal", "sub-total", "sub total", "sum", "summary", "overall", "all",
    "all countries", "all apps", "all regions", "all geos",
})  # fmt: skip
"""What stands where a country or another name should, in a row that sums others, in lower case."""

_CALLED: Final[Mapping[str, str]] = MappingProxyType({
    name: code
    for code, names in {
        "AE": "UAE",
        "BN": "BRUNEI",
        "BQ": "CARIBBEAN NETHERLANDS",
        "BS": "THE BAHAMAS",
        "CD": "CONGO - KINSHASA|DR CONGO|DEMOCRATIC REPUBLIC OF THE CONGO|CONGO (DRC)",
        "CG": "CONGO - BRAZZAVILLE|CONGO (REPUBLIC)",
        "CI": "COTE D'IVOIRE|IVORY COAST",
        "CV": "CAPE VERDE",
        "FK": "FALKLAND ISLANDS",
        "FM": "MICRONESIA",
        "GB": "GREAT BRITAIN",
        "GM": "THE GAMBIA",
        "GS": "SOUTH GEORGIA AND SOUTH SANDWICH ISLANDS",
        "HK": "HONG KONG SAR CHINA|HONG KONG SAR",
        "HM": "HEARD AND MCDONALD ISLANDS",
        "KR": "KOREA|REPUBLIC OF KOREA",
        "MF": "SAINT MARTIN",
        "MK": "MACEDONIA",
        "MM": "BURMA|MYANMAR (BURMA)",
        "MO": "MACAU|MACAO SAR CHINA|MACAU SAR",
        "NL": "THE NETHERLANDS",
        "PM": "SAINT PIERRE AND MIQUELON",
        "PN": "PITCAIRN ISLANDS",
        "PS": "PALESTINE|PALESTINIAN TERRITORIES",
        "RU": "RUSSIA",
        "SH": "SAINT HELENA",
        "SJ": "SVALBARD AND JAN MAYEN",
        "SX": "SINT MAARTEN",
        "SZ": "SWAZILAND",
        "TC": "TURKS AND CAICOS ISLANDS",
        "TL": "EAST TIMOR",
        "TR": "TURKEY",
        "UM": "U.S. OUTLYING ISLANDS",
        "US": "U.S.|U.S.A.",
        "VA": "VATICAN CITY",
        "VC": "SAINT VINCENT AND GRENADINES",
        "VG": "BRITISH VIRGIN ISLANDS",
        "VI": "U.S. VIRGIN ISLANDS|US VIRGIN ISLANDS",
        "WF": "WALLIS AND FUTUNA",
    }.items()
    for name in names.split("|")
})  # fmt: skip
"""Names that people and platforms (those of the Unicode CLDR, as AdMob has them) give to countries beside ISO's."""


@cache
def alpha2_by_spelling() -> Mapping[str, str]:
    """Every spelling that is understood, in upper case, and its alpha-2 code. `NA` is Namibia, not a missing value."""
    codes = dict(_OWN)
    for country in pycountry.countries:
        names = (getattr(country, key, None) for key in ("name", "common_name", "official_name"))
        for spelling in (country.alpha_2, country.alpha_3, *names):
            if spelling:
                codes.setdefault(spelling.upper(), country.alpha_2)
    return MappingProxyType(codes)


def alpha2(spelling: str | None) -> str | None:
    """The alpha-2 code, or None for what is no country that we know.

    Names may be written without accents, with `&` for and, with `St.` for Saint.
    """
    if spelling is None:
        return None
    name = spelling.strip().upper()
    return alpha2_by_spelling().get(name) or _by_plain_name().get(_plain_name(name))


@cache
def _by_plain_name() -> Mapping[str, str]:
    return MappingProxyType({_plain_name(name): code for name, code in {**alpha2_by_spelling(), **_CALLED}.items()})


def _plain_name(name: str) -> str:
    """A name in upper case without accents, in one spelling."""
    bare = "".join(sign for sign in normalize("NFKD", name.replace("\u2019", "'")) if not combining(sign))
    return _SAINT.sub("SAINT ", " ".join(bare.replace("&", " AND ").split()))
