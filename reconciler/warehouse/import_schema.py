"""PURE. Reports to import: a header and rows of texts; where tables lie; and the columns that a row of evidence has.

A row is what one source of demand did on one day, in one ad unit and country.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from reconciler.errors import UsageError
from reconciler.model.secret import Secret

LONGEST_TEXT: Final = 1_000
"""Characters of a value; no name or number of a report is longer."""
_WHOLE: Final = 10**15
"""Below it every whole number is exact as a double."""
ImportRow: TypeAlias = tuple[int, Sequence[str]]
"""The number of a row (see `ImportRecords.unit`), and its values as texts; a missing value is an empty text."""


@dataclass(frozen=True, slots=True)
class ImportRecords:
    """A report as it is read. `unit`: what rows are numbered by, `line` or `row`; `rows` can be iterated once.

    `name` is its name in messages, without secrets. `delimiter` separates the columns of a text file; `notes` are
    remarks for the user on how it was read.
    """

    name: str
    unit: str
    header: tuple[str, ...]
    rows: Iterator[ImportRow]
    delimiter: str = ""
    notes: tuple[str, ...] = ()


def as_text(value: Any) -> str:
    """A value of a typed column as an unambiguous text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return _number_text(value)
        case datetime() if value.tzinfo is not None:
            return value.isoformat(sep="T", timespec="seconds")
        case date():
            return value.isoformat()[:10]
        case _:
            return str(value)[: LONGEST_TEXT + 1]


def _number_text(value: float | Decimal) -> str:
    """With an exponent, so that its point cannot be taken for one between thousands; whole ones by their digits.

    An id is whole as well, in a column that became one of fractions because a value is missing in it.
    """
    if isinstance(value, int):
        return str(value)
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if number.is_finite() and abs(number) < _WHOLE and number == number.to_integral_value():
        return str(int(number))
    return f"{number:E}".replace("E", "e") if number.is_finite() else "nan"


STORES: Final = ("s3://", "gs://")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SECRETS: Final = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)
_DUCKDB_NAMES: Final = (".duckdb", ".ddb", ".db")
_SAFE_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True, slots=True)
class StoreKeys:
    """The credentials of an object store, its region and endpoint; None for what is not set: access is anonymous."""

    key_id: Secret | None = None
    secret: Secret | None = None
    token: Secret | None = None
    region: str = ""
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class TableLocation:
    """Where a table is: `url` is a connection string, which may hold a password, or the path of a DuckDB file."""

    url: Secret
    table: str
    shown: str = field(compare=False)


def table_location(location: str, url: Secret | None) -> TableLocation | None:
    """The table that a text names: `URL#TABLE`, `FILE.duckdb#TABLE`, or, with the `url` of a database, `TABLE`.

    None where it names a file. Raises `UsageError` for a URL that holds a password or names no table: what stands in a
    command is seen by every process of the machine.
    """
    if location.lower().startswith(STORES):
        return None
    before, mark, table = location.rpartition("#")
    if not mark or not table:
        if _URL.match(location) or (mark and before.lower().endswith(_DUCKDB_NAMES) and not Path(location).exists()):
            raise UsageError(f"{without_secrets(location)} names no table", hint="write URL#TABLE or FILE.duckdb#TABLE")
        bare = not mark and url is not None and _SAFE_NAME.fullmatch(location) and not Path(location).is_file()
        return (
            TableLocation(url, location, f"{without_secrets(url.reveal())}#{location}")
            if bare and url is not None
            else None
        )
    if _URL.match(before):
        if _holds_secrets(before):
            raise UsageError(
                f"{without_secrets(before)} is given with a password or other secrets",
                hint="put the URL into RECONCILER_EVIDENCE_URL, and name the table alone",
            )
        return TableLocation(Secret(before), table, f"{without_secrets(before)}#{table}")
    if before.lower().endswith(_DUCKDB_NAMES) and not Path(location).exists():
        return TableLocation(Secret(before), table, location)
    return None


def without_secrets(url: str) -> str:
    """Scheme, host and path of a URL: no user, password or options."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    bare = rest.partition("?")[0].partition("#")[0]
    host, slash, path = bare.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _holds_secrets(url: str) -> bool:
    try:
        app_days = urlsplit(url)
    except ValueError:
        return True
    return bool(app_days.password) or bool(_SECRETS.search(app_days.query))


ColumnKind: TypeAlias = Literal["text", "day", "count", "amount"]


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """A column by our name. `others`: names that files of no platform in particular may have for it."""

    name: str
    kind: ColumnKind
    meaning: str
    unit: str = ""
    required: bool = False
    example: str = ""
    others: tuple[str, ...] = ()


_COLUMNS: Final = (
    ReportColumn("day", "day", "The day of the figures.", "UTC", required=True, example="2026-11-20", others=("date",)),
    ReportColumn(
        "app",
        "text",
        "The app's bundle or package name, or what else tells apps apart.",
        example="com.cash_crash.54",
        others=("bundle", "package name", "application"),
    ),
    ReportColumn("platform", "text", "`android` or `ios`.", example="android", others=("os",)),
    ReportColumn(
        "ad_unit",
        "text",
        "The mediation's own ad unit or placement: the waterfall or auction in which the sources meet.",
        required=True,
        example="level_end",
        others=("ad unit name", "mediation placement"),
    ),
    ReportColumn("format", "text", "The ad format.", example="interstitial", others=("ad format", "placement type")),
    ReportColumn(
        "source",
        "text",
        "The source of demand. `Fyber`, `DT Exchange`, `Digital Turbine` and `Inneractive` are DT.",
        required=True,
        example="DT Exchange",
        others=("demand source", "network", "ad network", "ad source"),
    ),
    ReportColumn(
        "placement",
        "text",
        "What the source calls its placement: for DT the id, the name or the address of one of yours.",
        example="243713",
        others=("partner placement", "placement id", "placement name", "network placement", "instance"),
    ),
    ReportColumn(
        "network_type",
        "text",
        "How the source is asked: `bidding` or `mediation` (`true` and `false` of a column that asks for bidders).",
        example="mediation",
        others=("is bidder", "is bidding"),
    ),
    ReportColumn(
        "country",
        "text",
        "Alpha-2, alpha-3, or an English name; empty counts as worldwide.",
        required=True,
        example="US",
        others=("country code",),
    ),
    ReportColumn(
        "requests",
        "count",
        "How often the source was asked. Without it no floor can be suggested.",
        "requests",
        example="51234",
        others=("ad requests", "attempts"),
    ),
    ReportColumn(
        "responses", "count", "How often it had an ad.", "responses", example="2410", others=("matched requests",)
    ),
    ReportColumn("impressions", "count", "How often its ad was shown.", "impressions", required=True, example="2311"),
    ReportColumn(
        "revenue",
        "amount",
        "What it paid, or is estimated to pay.",
        "USD",
        required=True,
        example="3.11",
        others=("earnings", "estimated earnings", "estimated revenue"),
    ),
    ReportColumn("revenue_micros", "count", "The same in millionths, in place of `revenue`.", "USD / 1,000,000"),
    ReportColumn("currency", "text", "The currency of the revenue: nothing but USD is taken.", example="USD"),
    ReportColumn(
        "timezone", "text", "The time zone of the days: nothing but UTC is taken.", example="UTC", others=("tz",)
    ),
)
COLUMNS: Final[Mapping[str, ReportColumn]] = MappingProxyType({each.name: each for each in _COLUMNS})
"""The schema, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A platform whose report files are known.

    `names`: our name -> theirs, the likeliest first; names are compared without case, spaces and punctuation, and
    without a currency or time zone in brackets behind them. `exact`: names that are compared as they stand. `marks`:
    names that no other platform has. `usual_type`: how a source is asked whose name does not say `bidding`; empty
    where the file has to say it in a column. `days` and `money`: what is known of the time zone of its days, and of the
    currency of its amounts, where a report need not say them.
    """

    name: str
    title: str
    names: Mapping[str, Sequence[str]]
    marks: Sequence[str] = ()
    exact: Mapping[str, Sequence[str]] = field(default_factory=dict)
    usual_type: str = ""
    days: str = ""
    money: str = ""


MAX: Final = Adapter(
    "max",
    "AppLovin MAX",
    {
        "day": ("day", "date"),
        "app": ("package_name", "store_id", "application"),
        "platform": ("platform",),
        "ad_unit": ("max_ad_unit_id", "ad_unit_id", "max_ad_unit", "ad_unit", "ad_unit_name"),
        "format": ("ad_format", "ad_type"),
        "source": ("network",),
        "placement": ("network_placement", "network_placement_id"),
        "country": ("country",),
        "requests": ("attempts",),
        "responses": ("responses",),
        "impressions": ("impressions",),
        "revenue": ("estimated_revenue", "est. revenue", "revenue"),
    },
    marks=(
        *("max_ad_unit_id", "max_ad_unit", "max_ad_unit_test", "max_placement", "ad_unit_waterfall_name"),
        *("network_placement", "custom_network_name", "estimated_revenue", "attempts"),
    ),
    usual_type="mediation",
)
"""Columns of the Revenue Reporting API, which the dashboard shows under the same names; days are UTC, revenue is USD
(https://support.axon.ai/en/max/reporting-apis/revenue-reporting-api). Sources that bid are called `..._BIDDING`."""

LEVELPLAY: Final = Adapter(
    "levelplay",
    "Unity LevelPlay (ironSource)",
    {
        "day": ("date", "day"),
        "app": ("bundleId", "appName", "app", "appKey"),
        "platform": ("platform",),
        "ad_unit": (
            *("mediationAdUnitName", "mediationAdUnitId", "mediationAdUnit", "ad unit name"),
            *("ad unit", "adUnits", "adFormat"),
        ),
        "format": ("adFormat", "adUnits"),
        "source": ("adNetwork", "adSource", "providerName"),
        "placement": ("instanceName", "instance", "instances", "instanceId"),
        "network_type": ("isBidder",),
        "country": ("country", "countryCode"),
        "requests": ("adSourceChecks", "ad source requests"),
        "responses": ("adSourceResponses",),
        "impressions": ("impressions",),
        "revenue": ("revenue",),
    },
    marks=(
        *("adSourceChecks", "adSourceResponses", "adSourceAvailabilityRate", "isBidder", "isLevelPlayMediation"),
        *("mediationAdUnit", "mediationAdUnitName", "mediationAdUnitId", "mediationGroup", "providerName"),
        *("instanceName", "instance", "appKey"),
    ),
)
"""Breakdowns and metrics of the Reporting API and of Performance Reports; days are UTC
(https://docs.unity.com/grow/levelplay/platform/api/reporting,
https://docs.unity.com/grow/en-us/levelplay/platform/measurement/performance-reports,
https://developers.is.com/ironsource-mobile/air/supported-breakdown-metric). An older waterfall is one of an app and
format, and there the format stands for the ad unit."""

ADMOB: Final = Adapter(
    "admob",
    "AdMob",
    {
        "day": ("date",),
        "app": ("app", "app id"),
        "platform": ("platform",),
        "ad_unit": ("ad unit", "ad unit id"),
        "format": ("format",),
        "source": ("ad source",),
        "placement": ("ad source instance",),
        "country": ("country",),
        "requests": ("requests", "ad requests"),
        "responses": ("matched requests",),
        "impressions": ("impressions",),
        "revenue": ("est. earnings", "estimated earnings"),
    },
    marks=(
        *("ad source instance", "ad source", "matched requests", "est. earnings", "estimated earnings", "match rate"),
        *("observed ecpm", "mediation group", "show rate"),
    ),
    exact={"revenue_micros": ("ESTIMATED_EARNINGS",)},
    usual_type="mediation",
    days="the time zone of the AdMob account",
    money="the currency of the AdMob account",
)
"""Dimensions and metrics of the Mediation and Ads Activity reports, as the console writes them and as the API does,
whose ESTIMATED_EARNINGS are millionths (https://support.google.com/admob/table/9462111,
https://support.google.com/admob/answer/9005741, https://developers.google.com/admob/api/v1/report-metrics-dimensions).
Days are those of the account's time zone. Sources that bid have `(bidding)` behind their name."""

OTHER: Final = Adapter("other", "other files and tables", {each.name: (each.name, *each.others) for each in _COLUMNS})
"""Files and tables of no platform in particular, by our own names and some that mean the same."""

ADAPTERS: Final[Mapping[str, Adapter]] = MappingProxyType({each.name: each for each in (MAX, LEVELPLAY, ADMOB, OTHER)})
ALSO: Final[Mapping[str, str]] = MappingProxyType(
    {"applovin": "max", "applovin-max": "max", "ironsource": "levelplay", "unity": "levelplay", "google": "admob"}
)
"""Other names of the platforms."""
