"""PURE. Which rows of a day count, whether the day may replace the stored one, and countries as reports write them.

Mediation rows that occur twice count once, and rows that sum others do not count. Countries are written as alpha-2
(DT), as alpha-3 (Chartboost), or by name; ours are alpha-2.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final
from unicodedata import combining, normalize

import pycountry

MOST_UNREAD: Final = 0.01
"""Share of the rows, the impressions or the revenue of a day that may be unread. Above it the day is a gap, as the
missing rows may differ from those that were read. Few reports are near it: one that spells figures oddly does so in all
rows."""
HALF: Final = 0.5
"""A day that is fetched again with this share, or less, of what is stored does not replace it. Vendors restate a day by
a few per cent; a report that lost half of it was cut, or one of its sources was late."""
SUM: Final = "a row that sums others"
STRAY: Final = frozenset(("of another day", "of another app", "the header again", SUM))
"""Reasons for which a readable row is left out; nothing of the day is missing without it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Rows, impressions and USD, added up over some part of a report."""

    rows: int = 0
    impressions: float = 0
    money: float = 0.0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(self.rows + other.rows, self.impressions + other.impressions, self.money + other.money)

    def __str__(self) -> str:
        return f"{self.rows:,} rows, {self.impressions:,.0f} impressions, {self.money:,.2f} USD"

    def share_of(self, whole: "Figures") -> float:
        """The largest of three shares of the whole, 0..1: of its rows, of its impressions and of its money."""
        pairs = ((self.rows, whole.rows), (self.impressions, whole.impressions), (self.money, whole.money))
        return max((part / of for part, of in pairs if of > 0), default=0.0)


def unread_reason(unread: Figures, whole: Figures, reasons: Mapping[str, int]) -> str:
    """Why a day is not accepted, with `unread` of the whole unread; empty where it is accepted."""
    share = unread.share_of(whole)
    if share <= MOST_UNREAD:
        return ""
    counts = ", ".join(f"{rows:,} {why}" for why, rows in sorted(reasons.items()) if why not in STRAY)
    return (
        f"{unread.rows:,} of {whole.rows:,} rows cannot be read, {share:.1%} of the day; at most "
        f"{MOST_UNREAD:.0%} is accepted ({counts})"
    )


def shrinkage(before: Figures, now: Figures) -> str:
    """How a day shrank beyond what vendors restate; empty where it did not, or nothing was stored."""
    pairs = ((before.rows, now.rows), (before.impressions, now.impressions), (before.money, now.money))
    if not any(had > 0 and has <= HALF * had for had, has in pairs):
        return ""
    content = str(now) if now.rows else "no rows"
    return f"the report now holds {content}; the stored {before} are kept"


TWICE: Final = "stands there twice, with different figures"
NO_SUM: Final = "a sum that the rows of its countries do not add up to"
NO_SOURCE: Final = "no demand source"
NAMING: Final = (
    *("app", "helium_placement_name", "placement_type", "demand_source", "country", "partner_placement_name"),
    "helium_line_item_name",
)
"""The dimensions that tell the rows of one answer and day apart."""
GIVEN_NAMES: Final = frozenset(("app", "helium_placement_name", "partner_placement_name", "helium_line_item_name"))
"""Dimensions whose values people gave, in whatever spelling: `A` and `a` are two."""
_COUNTRY: Final = NAMING.index("country")
_SOURCE: Final = NAMING.index("demand_source")
_MAY_BE_ALL: Final = frozenset(map(NAMING.index, ("app", "helium_placement_name", "demand_source", "country")))
"""Dimensions whose absence may mean that a row sums over them; a partner's placement is often missing."""
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row that could be read: as in the report (`told`), and in our columns (`row`).

    `names` are its values of `NAMING` (see `dimension_text`). `over` are the positions in `NAMING` of the dimensions
    that it may sum over: they are empty, or say `All`.
    """

    told: Mapping[str, Any]
    row: Mapping[str, Any]
    names: tuple[str, ...]
    over: frozenset[int]

    @property
    def figures(self) -> tuple[Any, ...]:
        """All values that are counted: every column but day, country and format."""
        return tuple(value for name, value in self.row.items() if name not in {"day", "country", "format"})


@dataclass(slots=True)
class DistinctRows:
    """Rows that count, the number of repeated ones, and those quarantined, with their reasons."""

    rows: list[ParsedRow] = field(default_factory=list)
    repeated: int = 0
    quarantined: list[tuple[str, ParsedRow]] = field(default_factory=list)


def word_of(text: Any) -> str:
    """A text as the words of `SUMS` and `NOWHERE` are spelled, and those of which the API has a list."""
    return " ".join(str(text or "").split()).casefold()


def dimension_text(name: str, value: Any) -> str:
    """What tells the value of a dimension from another: a name that people give is its very text, blanks and case too.

    Countries, types and sources are words; empty is what is not there.
    """
    word = word_of(value)
    return str(value) if word and name in GIVEN_NAMES else word


def parsed_row(source: Mapping[str, Any], row: Mapping[str, Any]) -> ParsedRow:
    """The row with its naming dimensions, as a `ParsedRow`."""
    names = tuple(dimension_text(name, source.get(name)) for name in NAMING)
    over = {at for at, name in enumerate(names) if word_of(name) in SUMS or (not name and at in _MAY_BE_ALL)}
    if names[_COUNTRY] in NOWHERE:
        over.add(_COUNTRY)
    return ParsedRow(source, row, names, frozenset(over))


def distinct_rows(rows: Sequence[ParsedRow]) -> DistinctRows:
    """Which rows of one answer and day count, and which would count a second time.

    Of equal rows one counts; rows that differ in their figures alone are quarantined, as either may be wrong. A row
    without a country, app, placement or source, or with a word such as `All` in its place, is a sum where its figures
    are those of the rows that it would sum. Otherwise it counts as it stands: its country, say, is unknown.
    """
    result = DistinctRows()
    candidates = list(_without_repeats(rows, result))
    plain = [row for row in candidates if not row.over]
    # What turns out to be no sum may be a part of larger ones, so it joins the plain rows.
    doubtful = sorted((row for row in candidates if row.over), key=_sum_order)
    for dimensions, group in groupby(doubtful, key=_named_dimensions):
        index = _rows_by_key(plain, dimensions)
        for row in group:
            members = index[_group_key(row, dimensions)]
            why = _quarantine_reason(row, members)
            if why:
                result.quarantined.append((why, row))
            else:
                plain.append(row)
                members.append(row)
    counted = {id(row) for row in plain}
    result.rows = [row for row in candidates if id(row) in counted]
    return result


def _without_repeats(rows: Sequence[ParsedRow], result: DistinctRows) -> Iterable[ParsedRow]:
    alike: dict[tuple[Any, ...], list[ParsedRow]] = defaultdict(list)
    for row in rows:
        alike[row.names, row.row["network"]].append(row)
    figures_seen: set[tuple[Any, ...]] = set()
    for same in alike.values():
        if any(row.figures != same[0].figures for row in same):
            result.quarantined += [(TWICE, row) for row in same]
            continue
        # DT may stand there under two of its names: the same line then, where its figures are the same.
        under_any_name = (*(name for at, name in enumerate(same[0].names) if at != _SOURCE), *same[0].figures)
        result.repeated += len(same) - (under_any_name not in figures_seen)
        if under_any_name not in figures_seen:
            yield same[0]
        figures_seen.add(under_any_name)


def _quarantine_reason(row: ParsedRow, members: Sequence[ParsedRow]) -> str:
    """Why a row does not count, given the rows that it may sum; empty where it counts."""
    if members and _is_sum(row, members):
        return SUM
    if _SOURCE in row.over and not row.names[_SOURCE]:
        return NO_SOURCE
    return NO_SUM if members and row.names[_COUNTRY] in SUMS else ""


def _named_dimensions(row: ParsedRow) -> tuple[int, ...]:
    """Positions in `NAMING` of the dimensions that the row names: the rows that it may sum are equal to it in these."""
    return tuple(at for at in range(len(NAMING)) if at not in row.over and (row.names[at] or at in _MAY_BE_ALL))


def _sum_order(row: ParsedRow) -> tuple[int, tuple[int, ...], int]:
    return len(row.over), _named_dimensions(row), row.row["requests"]


def _rows_by_key(
    rows: Iterable[ParsedRow], dimensions: tuple[int, ...]
) -> defaultdict[tuple[Any, ...], list[ParsedRow]]:
    index: defaultdict[tuple[Any, ...], list[ParsedRow]] = defaultdict(list)
    for row in rows:
        index[_group_key(row, dimensions)].append(row)
    return index


def _group_key(row: ParsedRow, dimensions: tuple[int, ...]) -> tuple[Any, ...]:
    return row.row["network"], *(row.names[at] for at in dimensions)


def _is_sum(row: ParsedRow, members: Sequence[ParsedRow]) -> bool:
    if not row.row["requests"] and not row.row["impressions"]:
        return row.names[_COUNTRY] in SUMS
    for name in ("requests", "impressions"):
        if row.row[name] != sum(member.row[name] for member in members):
            return False
    earned = sum((member.row["earnings"] for member in members), Decimal(0))
    return bool(abs(row.row["earnings"] - earned) <= _CENT * (len(members) + 1) / 2)


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
