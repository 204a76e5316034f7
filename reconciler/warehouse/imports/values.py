"""PURE. Numbers and days as people and programs write them: how a file writes them, and what a text then means.

One text alone may mean two things (`1,234` is a thousand here and a fraction there, `03/04/2026` is in March or in
April). So all texts of a file are looked at before the first is read: what can only mean one thing decides.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal, TypeAlias

Decimals: TypeAlias = Literal["point", "comma"]
"""What stands before the fraction; the other one may stand between thousands."""
Order: TypeAlias = Literal["day first", "month first"]

_USD_BEFORE: Final = re.compile(r"(?:US\$|\$|USD)", re.IGNORECASE)
_USD_BEHIND: Final = re.compile(r"(?:US\$|\$|USD)$", re.IGNORECASE)
_FOREIGN: Final = re.compile(
    r"[€£¥₹₽₩₺₴₪฿₫]|\b(?!US\$)[A-Z]{1,2}\$|\b(?!USD)[A-Z]{3}[$]?\s*[-+.\d]|[.\d]\s*(?!USD)[A-Z]{3}\b"
)
_BLANK_GROUPS: Final = re.compile(r"\d{1,3}(?:[ \u00a0\u202f\u2009'\u2019]\d{3})+(?![\d ])")
_SIGN: Final = re.compile(r"([-\u2212+]?)\s*(.*)", re.DOTALL)
_EXPONENT: Final = re.compile(r"\d{1,40}(?:\.\d{0,40})?[eE][-+]?\d{1,3}")
_PLAIN: Final = re.compile(r"[0-9]{1,40}(?:[.,][0-9]{1,40})?")
_ONE_MARK: Final = re.compile(r"(\d{0,40})([.,])(\d{0,40})")
_GROUPED: Final = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?:[.,]\d{0,40})?")
_WITH_POINT: Final = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d{0,40})(?:\.\d{0,40})?", re.ASCII)
_WITH_COMMA: Final = re.compile(r"(?:\d{1,3}(?:\.\d{3})+|\d{0,40})(?:,\d{0,40})?", re.ASCII)
_READ: Final[dict[Decimals, re.Pattern[str]]] = {"point": _WITH_POINT, "comma": _WITH_COMMA}
_NO_DIGIT: Final = re.compile(r"[^\d]")
NOTHING: Final = frozenset({"", "-", "--", "\u2013", "\u2014", "n/a", "na", "null", "none", "nan", "(not set)"})
"""What stands where there is no number, in lower case."""


@dataclass(slots=True)
class Clues:
    """How often the texts of a file can only be read in one way, and how often they leave it open."""

    decimals: Counter[Decimals] = field(default_factory=Counter)
    open_marks: Counter[str] = field(default_factory=Counter)
    orders: Counter[Order] = field(default_factory=Counter)
    open_days: int = 0

    def see_number(self, text: str, *, whole: bool) -> None:
        """Look at a number; `whole`: it has no fraction, so that a mark in it stands between thousands."""
        if text.isdecimal():
            return
        digits = _bare(text)[1]
        if _EXPONENT.fullmatch(digits):
            return
        one = _ONE_MARK.fullmatch(digits)
        if one is None:
            grouped = _GROUPED.fullmatch(digits)
            if grouped:
                self.decimals["point" if grouped[1] == "," else "comma"] += 1
            return
        before, mark, after = one.groups()
        if not before + after:
            return
        if len(after) != 3 or not 1 <= len(before) <= 3 or before.startswith("0"):
            self.decimals["point" if mark == "." else "comma"] += 1
        elif whole and after != "000":
            self.decimals["comma" if mark == "." else "point"] += 1
        else:
            self.open_marks[mark] += 1

    def see_day(self, text: str) -> None:
        """Look at a day."""
        match = _SLASHED.fullmatch(text.strip())
        if match is None or match["mark"] == ".":
            return
        first, second = int(match["first"]), int(match["second"])
        if first > 12 >= second:
            self.orders["day first"] += 1
        elif second > 12 >= first:
            self.orders["month first"] += 1
        elif first != second:
            self.open_days += 1

    def settled_decimals(self, most_doubt: float, delimiter: str = "") -> Decimals | None:
        """How numbers are written, None where that cannot be told.

        The way that the smaller part of them is written in is taken for wrong up to the share `most_doubt`. Where
        nothing decides, a point stands before a fraction, as programs write it, and so does a comma in a file whose
        columns are parted by semicolons.
        """
        if self.decimals:
            (first, _), rest = self.decimals.most_common(1)[0], self.decimals.total()
            return first if self.decimals[first] >= (1 - most_doubt) * rest else None
        if self.open_marks["."] and self.open_marks[","]:
            return None
        if self.open_marks[","]:
            return "comma" if delimiter == ";" else None
        return "point"

    def settled_order(self, most_doubt: float) -> Order | None:
        """In which order days are written, None where that cannot be told; any where all days have their year first."""
        if self.orders:
            first = self.orders.most_common(1)[0][0]
            return first if self.orders[first] >= (1 - most_doubt) * self.orders.total() else None
        return None if self.open_days else "day first"


def read_number(text: str, decimals: Decimals) -> Decimal | None:
    """The number, or None for what is none; `$` and `USD` beside it, and blanks between thousands, are looked over."""
    sign, digits = _bare(text)
    if not digits.isascii() or not any(character.isdigit() for character in digits):
        return None
    if not _EXPONENT.fullmatch(digits):
        if not _READ[decimals].fullmatch(digits):
            return None
        digits = digits.replace("," if decimals == "point" else ".", "").replace(",", ".")
    number = Decimal(digits)
    return -number if sign in {"-", "\u2212"} else number


def is_foreign(text: str) -> bool:
    """Whether an amount says that it is in another currency than USD."""
    return _FOREIGN.search(text) is not None


def _bare(text: str) -> tuple[str, str]:
    """The sign, and the digits with their marks."""
    if _PLAIN.fullmatch(text):  # nearly all are, and it is many times faster
        return "", text
    told = text.strip().strip("\u00a0\u202f")
    if told.startswith("(") and told.endswith(")"):  # as accountants write what is negative
        return "-", _bare(told[1:-1])[1]
    match = _SIGN.fullmatch(told)
    sign, rest = match.groups() if match else ("", told)
    if _USD_BEFORE.match(rest):
        rest = _USD_BEFORE.sub("", rest, count=1).strip()
    else:
        rest = _USD_BEHIND.sub("", rest, count=1).strip()
    if not sign and rest[:1] in {"-", "\u2212"}:
        sign, rest = rest[0], rest[1:].strip()
    groups = _BLANK_GROUPS.match(rest)
    if groups:
        rest = _NO_DIGIT.sub("", groups[0]) + rest[groups.end() :]
    return sign, rest


_TIME: Final = r"(?:[T ,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)?"
_YEAR_FIRST: Final = re.compile(
    rf"(?P<year>\d{{4}})(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark)(?P<day>\d{{1,2}}){_TIME}"
)
_COMPACT: Final = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})")
_SLASHED: Final = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<mark>[-/.])(?P<second>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}){_TIME}"
)
_NAMED: Final = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?"
    r"(?:(?P<before>[A-Za-z]{3,9})\.?[ -]+(?P<day>\d{1,2})|(?P<first>\d{1,2})[ -]+(?P<after>[A-Za-z]{3,9})\.?)"
    r",?[ -]+(?P<year>\d{4})"
)
_ZONED: Final = re.compile(
    r"(?P<stamp>\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)\s*(?P<zone>Z|UTC|GMT|[-+]\d{2}(?::?\d{2})?)"
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@lru_cache(maxsize=4096)
def read_day(text: str, order: Order) -> date | None:
    """The day (UTC), or None for what is none; a time with an offset is brought to UTC, one without is taken for it."""
    told = text.strip()
    try:
        if zoned := _ZONED.fullmatch(told):
            return _in_utc(zoned["stamp"], zoned["zone"])
        if match := _YEAR_FIRST.fullmatch(told) or _COMPACT.fullmatch(told):
            return date(int(match["year"]), int(match["month"]), int(match["day"]))
        if match := _SLASHED.fullmatch(told):
            first, second = int(match["first"]), int(match["second"])
            day_first = order == "day first" or match["mark"] == "."
            return date(int(match["year"]), second if day_first else first, first if day_first else second)
        if match := _NAMED.fullmatch(told):
            month = _MONTHS.index((match["before"] or match["after"])[:3].lower()) + 1
            return date(int(match["year"]), month, int(match["day"] or match["first"]))
    except (ValueError, OverflowError):
        return None
    return None


def _in_utc(stamp: str, zone: str) -> date:
    when = datetime.fromisoformat(stamp.replace(" ", "T"))
    if zone[0] in "+-":
        hours, minutes = int(zone[1:3]), int(zone[3:].strip(":") or 0)
        ahead = timedelta(hours=hours, minutes=minutes)
        when = when - ahead if zone[0] == "+" else when + ahead
    return when.replace(tzinfo=UTC).date()
