"""The countries a manifest may name, and guesses at what a wrong name was meant to be.

The codes are ISO 3166-1 alpha-2, written out here because reading them from pycountry takes longer than reading most
projects; a test holds the two together. Kosovo's XK is no ISO code, but every store and ad network uses it.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Final
from unicodedata import normalize

from reconciler.model.floors import WORLDWIDE
from reconciler.yaml.hints import did_you_mean

_ISO: Final = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES: Final = frozenset((*_ISO.split(), "XK"))

_HABITS: Final = {"UK": "GB", "EN": "GB", "EL": "GR"}
"""Codes that people write though ISO gives them to nobody."""


def looks_like_country(text: str) -> bool:
    """Whether a wrong name was rather meant as a country than as a group."""
    return len(text) == 2 or (len(text) == 3 and text.isupper()) or meant_country(text) is not None


def meant_country(text: str) -> str | None:
    """The alpha-2 code that a habit, a lower-case code, an alpha-3 code or a country's name stands for.

    Blanks around it and characters of another width count for nothing.
    """
    text = normalize("NFKC", text).strip()
    upper = text.upper()
    if upper in _HABITS:
        return _HABITS[upper]
    if upper in COUNTRIES or upper == WORLDWIDE:
        return upper
    return _looked_up(text)


def country_hint(text: str, groups: Collection[str]) -> str:
    """What was perhaps meant by a name that is neither a country nor a group."""
    country = meant_country(text)
    if country is not None:
        return f"did you mean {country}?"
    if len(text) == 2 and not text.isascii():
        strange = " and ".join(f"U+{ord(each):04X}" for each in text if not each.isascii())
        return f"codes are written with the letters A to Z, and {strange} is none of them"
    return did_you_mean(text, groups) or "countries are ISO 3166 alpha-2 codes, as in US; groups stand in countryGroups"


@lru_cache(maxsize=1024)
def _looked_up(text: str) -> str | None:
    import pycountry  # noqa: PLC0415 - slow to import, and needed only where something is wrong already

    try:
        return str(pycountry.countries.lookup(text).alpha_2)
    except LookupError:
        return None
