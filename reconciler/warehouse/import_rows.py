"""PURE. The texts of an imported row as evidence: number and date formats, and the row in the columns that are stored.

One text alone may be ambiguous (`1,234` is a thousand or a fraction, `03/04/2026` is in March or in April). So all
texts of a file are examined first (`Clues`): those that can only be read in one way decide for all.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from reconciler.warehouse.acceptance import NOWHERE, alpha2
from reconciler.warehouse.import_csv import UTC_WORDS, Header
from reconciler.warehouse.import_schema import LONGEST_TEXT
from reconciler.warehouse.join import source_name
from reconciler.warehouse.mediation_intake import FORMATS
from reconciler.warehouse.user_report_csv import folded

Decimals: TypeAlias = Literal["point", "comma"]
"""The decimal mark; the other one may separate thousands."""
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
"""Texts that mean that there is no number, in lower case."""


@dataclass(slots=True)
class Clues:
    """Counts of the texts of a file that can only be read in one way, and of those that are ambiguous."""

    decimals: Counter[Decimals] = field(default_factory=Counter)
    open_marks: Counter[str] = field(default_factory=Counter)
    orders: Counter[Order] = field(default_factory=Counter)
    open_days: int = 0

    def see_number(self, text: str, *, whole: bool) -> None:
        """Count a number; `whole`: it has no fraction, so that a mark in it separates thousands."""
        if text.isdecimal():
            return
        digits = _sign_and_digits(text)[1]
        if _EXPONENT.fullmatch(digits):
            return
        single_mark = _ONE_MARK.fullmatch(digits)
        if single_mark is None:
            grouped = _GROUPED.fullmatch(digits)
            if grouped:
                self.decimals["point" if grouped[1] == "," else "comma"] += 1
            return
        before, mark, after = single_mark.groups()
        if not before + after:
            return
        if len(after) != 3 or not 1 <= len(before) <= 3 or before.startswith("0"):
            self.decimals["point" if mark == "." else "comma"] += 1
        elif whole and after != "000":
            self.decimals["comma" if mark == "." else "point"] += 1
        else:
            self.open_marks[mark] += 1

    def see_day(self, text: str) -> None:
        """Count a date."""
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
        """The decimal mark of the file; None where it cannot be decided.

        Up to the share `most_doubt` of the numbers may contradict it. Where no number decides, it is a point, as
        programs write it, or a comma in a file whose columns are separated by semicolons.
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
        """The order of day and month; None where it cannot be decided. Either where all dates begin with the year."""
        if self.orders:
            first = self.orders.most_common(1)[0][0]
            return first if self.orders[first] >= (1 - most_doubt) * self.orders.total() else None
        return None if self.open_days else "day first"


def read_number(text: str, decimals: Decimals) -> Decimal | None:
    """The number, or None for what is none; `$`, `USD` and blanks between thousands are ignored."""
    sign, digits = _sign_and_digits(text)
    if not digits.isascii() or not any(character.isdigit() for character in digits):
        return None
    if not _EXPONENT.fullmatch(digits):
        if not _READ[decimals].fullmatch(digits):
            return None
        digits = digits.replace("," if decimals == "point" else ".", "").replace(",", ".")
    number = Decimal(digits)
    return -number if sign in {"-", "\u2212"} else number


def is_foreign(text: str) -> bool:
    """Whether an amount names another currency than USD."""
    return _FOREIGN.search(text) is not None


def _sign_and_digits(text: str) -> tuple[str, str]:
    """The sign, and the digits with their decimal and thousands marks."""
    if _PLAIN.fullmatch(text):  # nearly all are, and it is many times faster
        return "", text
    trimmed = text.strip().strip("\u00a0\u202f")
    if trimmed.startswith("(") and trimmed.endswith(")"):  # as accountants write what is negative
        return "-", _sign_and_digits(trimmed[1:-1])[1]
    match = _SIGN.fullmatch(trimmed)
    sign, rest = match.groups() if match else ("", trimmed)
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
    """The date (UTC), or None for what is none; a time with an offset is converted, one without counts as UTC."""
    trimmed = text.strip()
    try:
        if zoned := _ZONED.fullmatch(trimmed):
            return _utc_date(zoned["stamp"], zoned["zone"])
        if match := _YEAR_FIRST.fullmatch(trimmed) or _COMPACT.fullmatch(trimmed):
            return date(int(match["year"]), int(match["month"]), int(match["day"]))
        if match := _SLASHED.fullmatch(trimmed):
            first, second = int(match["first"]), int(match["second"])
            day_first = order == "day first" or match["mark"] == "."
            return date(int(match["year"]), second if day_first else first, first if day_first else second)
        if match := _NAMED.fullmatch(trimmed):
            month = _MONTHS.index((match["before"] or match["after"])[:3].lower()) + 1
            return date(int(match["year"]), month, int(match["day"] or match["first"]))
    except (ValueError, OverflowError):
        return None
    return None


def _utc_date(stamp: str, zone: str) -> date:
    when = datetime.fromisoformat(stamp.replace(" ", "T"))
    if zone[0] in "+-":
        hours, minutes = int(zone[1:3]), int(zone[3:].strip(":") or 0)
        ahead = timedelta(hours=hours, minutes=minutes)
        when = when - ahead if zone[0] == "+" else when + ahead
    return when.replace(tzinfo=UTC).date()


_BIDDING: Final = frozenset({"bidding", "bidder", "bid", "true", "yes", "1", "inapp bidding", "in-app bidding"})
_IN_TURN: Final = frozenset({"mediation", "waterfall", "network", "false", "no", "0", "non-bidding", "traditional"})
TOTALS: Final = frozenset({"total", "totals", "grandtotal", "sum", "summary", "overall", "alltotal", "reporttotal"})
_NAMING: Final = ("day", "app", "ad_unit", "source", "placement", "country")
"""The dimensions of a row."""
_EARLIEST: Final = date(2015, 1, 1)
_MOST: Final = Decimal(10) ** 12
_MILLION: Final = Decimal(1_000_000)
_LEAST: Final = Decimal("1e-12")
"""USD to which revenue is rounded: smaller digits come from binary fractions."""


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """The decimal mark and date order of a report, and today's date (UTC)."""

    decimals: Decimals
    order: Order
    today: date


class RefusedRow(ValueError):
    """A row cannot be used; the message is the reason by which such rows are counted."""


class UnusableReport(ValueError):
    """The whole report cannot be used: a row is of another currency or time zone."""


def is_total(record: Sequence[str], texts: Mapping[str, str]) -> bool:
    """Whether a row sums others: its day or source says so, or any value does where it has no day."""
    day = folded(texts.get("day", ""))
    if day in TOTALS or folded(texts.get("source", "")) in TOTALS:
        return True
    return not day and any(folded(text) in TOTALS for text in record)


def is_unnamed(texts: Mapping[str, str]) -> bool:
    """Whether a row has at most one dimension, as sums have (of a day, say)."""
    return sum(1 for name in _NAMING if texts.get(name, "").strip()) <= 1


def evidence_row(texts: Mapping[str, str], header: Header, formats: NumberFormat) -> dict[str, Any]:
    """A row in the columns of stored mediation rows. Raises `RefusedRow` and `UnusableReport`."""
    for name, text in texts.items():
        if len(text) > LONGEST_TEXT:
            raise RefusedRow(f"the {name} is longer than {LONGEST_TEXT:,} signs")
    _check_units(texts)
    source, network = source_of(texts, header.adapter.usual_type)
    impressions = _parse_count(texts, "impressions", formats)
    kind = texts.get("format", "").strip()
    return {
        "app": app_of(texts),
        "network": network,
        "source": source,
        "placement": _required_text(texts, "ad_unit"),
        "partner_placement": texts.get("placement", "").strip() or None,
        "format": FORMATS.get("_".join(kind.lower().split()), kind),
        "country": _country_code(texts["country"].strip()),
        "day": _parse_day(texts["day"], formats),
        "requests": _parse_count(texts, "requests", formats) if "requests" in texts else 0,
        "responses": _parse_count(texts, "responses", formats) if texts.get("responses", "").strip() else 0,
        "impressions": impressions,
        "earnings": _parse_earnings(texts, formats, impressions),
    }


def source_of(texts: Mapping[str, str], usual_type: str = "") -> tuple[str, str]:
    """The name of the demand source among stored rows, and its network type.

    The type is `bidding`, `mediation`, or an empty text where the row does not say. Raises `RefusedRow`.
    """
    return _parse_source(_required_text(texts, "source"), texts.get("network_type", "").strip().lower(), usual_type)


@lru_cache(maxsize=4096)
def _parse_source(name: str, network_type: str, usual_type: str) -> tuple[str, str]:
    words = folded(name)
    if network_type and network_type not in _BIDDING | _IN_TURN:
        raise RefusedRow("the network_type is neither bidding nor mediation")
    by_name = "bidding" if words.endswith(("bidding", "bidder")) else usual_type
    network = ("bidding" if network_type in _BIDDING else "mediation") if network_type else by_name
    return source_name(name), network


def app_of(texts: Mapping[str, str]) -> str:
    """The app of a row: its bundle or name, with `platform:` before it where the row has a platform."""
    app, platform = texts.get("app", "").strip(), texts.get("platform", "").strip().lower()
    platforms = {"android": "android", "ios": "ios", "iphone": "ios", "ipad": "ios", "google play": "android"}
    return f"{platforms.get(platform, platform)}:{app}" if platform else app


def _required_text(texts: Mapping[str, str], name: str) -> str:
    text = texts[name].strip()
    if not text:
        raise RefusedRow(f"no {name}")
    return text


def _check_units(texts: Mapping[str, str]) -> None:
    currency = texts.get("currency", "").strip()
    if currency and currency.upper() not in {"USD", "US$", "$"}:
        raise UnusableReport(f"the revenue is in {currency[:20]}: only USD is taken")
    zone = texts.get("timezone", "").strip()
    if zone and zone.upper() not in UTC_WORDS:
        raise UnusableReport(f"the days are in {zone[:40]}: only UTC is taken")
    if is_foreign(texts.get("revenue", "")):
        raise UnusableReport(f"the revenue is {texts['revenue'].strip()[:20]}: only USD is taken")


@lru_cache(maxsize=4096)
def _country_code(text: str) -> str | None:
    if text.lower() in NOWHERE:
        return None
    code = alpha2(text)
    if code is None:
        raise RefusedRow("the country is none that is known")
    return code


def _parse_day(text: str, formats: NumberFormat) -> date:
    day = read_day(text, formats.order)
    if day is None:
        raise RefusedRow("the day is none")
    if not _EARLIEST <= day <= formats.today:
        raise RefusedRow("the day is to come" if day > formats.today else f"the day is before {_EARLIEST.year}")
    return day


def _parse_count(texts: Mapping[str, str], name: str, formats: NumberFormat) -> int:
    number = _parse_number(texts[name], name, formats)
    if number != number.to_integral_value():
        raise RefusedRow(f"the {name} are no whole number")
    return int(number)


def _parse_earnings(texts: Mapping[str, str], formats: NumberFormat, impressions: int) -> Decimal:
    name = "revenue" if "revenue" in texts else "revenue_micros"
    if not impressions and texts[name].strip().lower() in NOTHING:
        return Decimal(0)
    number = _parse_number(texts[name], name, formats)
    if name == "revenue_micros" and number != number.to_integral_value():
        raise UnusableReport(
            "the revenue is not in whole millionths: name the column with --map COLUMN=revenue if it is USD"
        )
    return (number / _MILLION if name == "revenue_micros" else number).quantize(_LEAST)


def _parse_number(text: str, name: str, formats: NumberFormat) -> Decimal:
    if text.strip().lower() in NOTHING:
        raise RefusedRow(f"no {name}")
    number = read_number(text, formats.decimals)
    if number is None:
        raise RefusedRow(f"the {name} is no number")
    if number < 0:
        raise RefusedRow(f"the {name} is negative")
    if number > _MOST:
        raise RefusedRow(f"the {name} is beyond belief")
    return number
