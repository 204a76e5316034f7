"""PURE. A row of a report becomes a row of evidence, or is refused with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from reconciler.warehouse.countries import NOWHERE, alpha2
from reconciler.warehouse.imports.header import UTC_WORDS, Header
from reconciler.warehouse.imports.records import LONGEST_TEXT
from reconciler.warehouse.imports.values import NOTHING, Decimals, Order, is_foreign, read_day, read_number
from reconciler.warehouse.join import source_name
from reconciler.warehouse.mediation_intake import FORMATS
from reconciler.warehouse.user_report_csv import folded

_BIDDING: Final = frozenset({"bidding", "bidder", "bid", "true", "yes", "1", "inapp bidding", "in-app bidding"})
_IN_TURN: Final = frozenset({"mediation", "waterfall", "network", "false", "no", "0", "non-bidding", "traditional"})
TOTALS: Final = frozenset({"total", "totals", "grandtotal", "sum", "summary", "overall", "alltotal", "reporttotal"})
_NAMING: Final = ("day", "app", "ad_unit", "source", "placement", "country")
"""The columns that say what a row is of."""
_EARLIEST: Final = date(2015, 1, 1)
_MOST: Final = Decimal(10) ** 12
_MILLION: Final = Decimal(1_000_000)
_LEAST: Final = Decimal("1e-12")
"""USD to which revenue is rounded: what lies behind it comes of computing with binary fractions."""


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How the texts of a report are written, and the day on which it is read."""

    decimals: Decimals
    order: Order
    today: date


class Refused(ValueError):
    """A row that is no evidence; its text says why, in words that are the same for all rows of that fault."""


class Unusable(ValueError):
    """A row that shows that the whole report is none: of another currency or time zone."""


def is_total(record: Sequence[str], told: Mapping[str, str]) -> bool:
    """Whether a row sums others: it says so where the day or the source stands, or anywhere in place of a day."""
    day = folded(told.get("day", ""))
    if day in TOTALS or folded(told.get("source", "")) in TOTALS:
        return True
    return not day and any(folded(text) in TOTALS for text in record)


def is_bare(told: Mapping[str, str]) -> bool:
    """Whether a row says at most one thing of what it is of: so do sums, such as that of a day."""
    return sum(1 for name in _NAMING if told.get(name, "").strip()) <= 1


def evidence_row(told: Mapping[str, str], header: Header, formats: NumberFormat) -> dict[str, Any]:
    """A row in the columns in which evidence is kept. Raises `Refused`, and `Unusable`."""
    for name, text in told.items():
        if len(text) > LONGEST_TEXT:
            raise Refused(f"the {name} is longer than {LONGEST_TEXT:,} signs")
    _check_units(told)
    source, network = source_of(told, header.adapter.usual_type)
    impressions = _count(told, "impressions", formats)
    kind = told.get("format", "").strip()
    return {
        "app": app_of(told),
        "network": network,
        "source": source,
        "placement": _named(told, "ad_unit"),
        "partner_placement": told.get("placement", "").strip() or None,
        "format": FORMATS.get("_".join(kind.lower().split()), kind),
        "country": _country(told["country"].strip()),
        "day": _day(told["day"], formats),
        "requests": _count(told, "requests", formats) if "requests" in told else 0,
        "responses": _count(told, "responses", formats) if told.get("responses", "").strip() else 0,
        "impressions": impressions,
        "earnings": _earnings(told, formats, impressions),
    }


def source_of(told: Mapping[str, str], usual_type: str = "") -> tuple[str, str]:
    """What the source is called among reports, and how it is asked.

    That is `bidding`, `mediation`, or an empty text where it is not told. Raises `Refused`.
    """
    return _source(_named(told, "source"), told.get("network_type", "").strip().lower(), usual_type)


@lru_cache(maxsize=4096)
def _source(name: str, said: str, usual_type: str) -> tuple[str, str]:
    words = folded(name)
    if said and said not in _BIDDING | _IN_TURN:
        raise Refused("the network_type is neither bidding nor mediation")
    by_name = "bidding" if words.endswith(("bidding", "bidder")) else usual_type
    network = ("bidding" if said in _BIDDING else "mediation") if said else by_name
    return source_name(name), network


def app_of(told: Mapping[str, str]) -> str:
    """What tells the apps of a report apart: the bundle or name, with the platform before it where it is told."""
    app, platform = told.get("app", "").strip(), told.get("platform", "").strip().lower()
    known = {"android": "android", "ios": "ios", "iphone": "ios", "ipad": "ios", "google play": "android"}
    return f"{known.get(platform, platform)}:{app}" if platform else app


def _named(told: Mapping[str, str], name: str) -> str:
    text = told[name].strip()
    if not text:
        raise Refused(f"no {name}")
    return text


def _check_units(told: Mapping[str, str]) -> None:
    currency = told.get("currency", "").strip()
    if currency and currency.upper() not in {"USD", "US$", "$"}:
        raise Unusable(f"the revenue is in {currency[:20]}: only USD is taken")
    zone = told.get("timezone", "").strip()
    if zone and zone.upper() not in UTC_WORDS:
        raise Unusable(f"the days are in {zone[:40]}: only UTC is taken")
    if is_foreign(told.get("revenue", "")):
        raise Unusable(f"the revenue is {told['revenue'].strip()[:20]}: only USD is taken")


@lru_cache(maxsize=4096)
def _country(text: str) -> str | None:
    if text.lower() in NOWHERE:
        return None
    code = alpha2(text)
    if code is None:
        raise Refused("the country is none that is known")
    return code


def _day(text: str, formats: NumberFormat) -> date:
    day = read_day(text, formats.order)
    if day is None:
        raise Refused("the day is none")
    if not _EARLIEST <= day <= formats.today:
        raise Refused("the day is to come" if day > formats.today else f"the day is before {_EARLIEST.year}")
    return day


def _count(told: Mapping[str, str], name: str, formats: NumberFormat) -> int:
    number = _number(told[name], name, formats)
    if number != number.to_integral_value():
        raise Refused(f"the {name} are no whole number")
    return int(number)


def _earnings(told: Mapping[str, str], formats: NumberFormat, impressions: int) -> Decimal:
    name = "revenue" if "revenue" in told else "revenue_micros"
    if not impressions and told[name].strip().lower() in NOTHING:
        return Decimal(0)
    number = _number(told[name], name, formats)
    if name == "revenue_micros" and number != number.to_integral_value():
        raise Unusable("the revenue is not in whole millionths: name the column with --map COLUMN=revenue if it is USD")
    return (number / _MILLION if name == "revenue_micros" else number).quantize(_LEAST)


def _number(text: str, name: str, formats: NumberFormat) -> Decimal:
    if text.strip().lower() in NOTHING:
        raise Refused(f"no {name}")
    number = read_number(text, formats.decimals)
    if number is None:
        raise Refused(f"the {name} is no number")
    if number < 0:
        raise Refused(f"the {name} is negative")
    if number > _MOST:
        raise Refused(f"the {name} is beyond belief")
    return number
