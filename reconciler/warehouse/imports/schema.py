"""PURE. The schema of imported evidence: the columns of a row, their types, units and names on other platforms.

A row is what one source of demand did on one day, in one ad unit and country.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

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
