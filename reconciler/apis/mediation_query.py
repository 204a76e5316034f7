"""PURE. Questions to Chartboost's Mediation Reporting API: its vocabulary, what goes together, and the bodies of calls.

Source: the vendor's page. What it calls invalid is refused here, in the server's words, before anything is sent.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from difflib import get_close_matches
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reconciler.apis.reports import DayRange, day_ranges
from reconciler.errors import UsageError
from reconciler.model.rows import SHARE, USD, USD_PER_THOUSAND, Column

NetworkFilter: TypeAlias = Literal["all", "bidding", "mediation"]
Zone: TypeAlias = Literal["UTC", "America/Los_Angeles"]

NETWORK_FILTERS: Final[tuple[NetworkFilter, ...]] = get_args(NetworkFilter)
ZONES: Final[tuple[Zone, ...]] = get_args(Zone)
DEFAULT_ZONE: Final[Zone] = "America/Los_Angeles"
DIMENSIONS: Final = (
    *("date", "app", "helium_placement_name", "placement_type", "demand_source", "country"),
    *("helium_line_item_name", "partner_placement_name"),
)
DEFAULT_DIMENSIONS: Final = DIMENSIONS[:6]
COUNTS: Final = ("requests", "responses", "valid_bids", "winning_bids", "impressions")
EARNINGS: Final = "estimated_earnings"
SUMMED: Final = (*COUNTS, EARNINGS)
"""Metrics that add up; the others are ratios of them."""


class Ratio(NamedTuple):
    """A metric that is `times` one metric by another."""

    part: str
    whole: str
    times: int = 1


RATIOS: Final[Mapping[str, Ratio]] = {
    "ecpm": Ratio(EARNINGS, "impressions", 1000),
    "bid_rate": Ratio("valid_bids", "requests"),
    "win_rate": Ratio("winning_bids", "valid_bids"),
    "fill_rate": Ratio("impressions", "requests"),
    "impression_show_rate": Ratio("impressions", "winning_bids"),
}
METRICS: Final = (*SUMMED, *RATIOS)
DEFAULT_METRICS: Final = ("requests", "impressions", EARNINGS, "ecpm", "fill_rate")
ONLY_FOR: Final[Mapping[str, NetworkFilter]] = {
    "responses": "mediation",
    "valid_bids": "bidding",
    "winning_bids": "bidding",
    "bid_rate": "bidding",
    "win_rate": "bidding",
    "impression_show_rate": "bidding",
}
"""The network type that a metric is for; those that are not here go with all."""
FILTERS: Final = ("apps", "placements", "country", "placement_type", "demand_source")
"""Filters that are lists; `network_type` is one word."""
NETWORK_TYPE: Final = "network_type"
FIRST_DAY: Final = date(2018, 1, 1)
"""Before it there was no such mediation."""

_PACIFIC: Final = timezone(timedelta(hours=-8))
_READY_FROM: Final = time(12)
_OWN_CODES: Final = {"XK": "XKX", "UK": "GBR"}
"""Kosovo has no ISO code; UK is what people write."""


@dataclass(frozen=True, slots=True)
class MediationQuery:
    """A question that the API answers. `network` is None where nobody chose one: then the API takes all.

    Days are those of `zone`. `notes` are sentences about values that were sent although nothing is known of them.
    """

    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    filters: Mapping[str, tuple[str, ...]]
    network: NetworkFilter | None
    zone: Zone
    span: DayRange
    notes: tuple[str, ...] = ()

    @property
    def asked_metrics(self) -> tuple[str, ...]:
        """The metrics, then those that ratios among them are ratios of."""
        parts = (name for metric in self.metrics if metric in RATIOS for name in RATIOS[metric][:2])
        return tuple(dict.fromkeys((*self.metrics, *parts)))

    @property
    def summed_metrics(self) -> tuple[str, ...]:
        """Of `asked_metrics` those that add up."""
        return tuple(metric for metric in self.asked_metrics if metric in SUMMED)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the answer: dimensions, then metrics, as they were asked for."""
        return (*map(_dimension_column, self.dimensions), *map(_metric_column, self.metrics))

    def windows(self) -> tuple[DayRange, ...]:
        """The days in as few windows as calls allow."""
        return day_ranges(self.span.days())

    def body(self, window: DayRange) -> Mapping[str, Any]:
        """The body of the call for a window of at most 30 days. Without filters it has no `filters`."""
        filters: dict[str, Any] = {name: list(values) for name, values in self.filters.items()}
        if self.network is not None:
            filters[NETWORK_TYPE] = self.network
        return {
            "dimensions": list(self.dimensions),
            "metrics": list(self.asked_metrics),
            **({"filters": filters} if filters else {}),
            "date_min": window.first.isoformat(),
            "date_max": window.last.isoformat(),
            "timezone": self.zone,
        }

    def incomplete(self, now: datetime) -> tuple[date, ...]:
        """Its days whose figures are not final: a day is complete at noon of the next, by its own zone."""
        here = now.astimezone(_zone_info(self.zone))
        complete = here.date() - timedelta(days=1 if here.time() >= _READY_FROM else 2)
        return tuple(day for day in self.span.days() if day > complete)


@dataclass(frozen=True, slots=True)
class MediationWish:
    """What somebody asks for, unchecked. What is None, or filters that are not there, is as the API's page has it.

    `filters` are pairs of a name and its values; a name may be there more than once.
    """

    dimensions: Sequence[str] | None = None
    metrics: Sequence[str] | None = None
    filters: Sequence[tuple[str, Sequence[str]]] = ()
    network: str | None = None
    zone: str | None = None
    first: date | None = None
    last: date | None = None

    def query(self, now: datetime) -> MediationQuery:
        """The question. Raises `UsageError` that names all that is wrong with it."""
        faults = _Faults()
        dimensions = faults.names("dimension", self.dimensions, DIMENSIONS, DEFAULT_DIMENSIONS)
        metrics = faults.names("metric", self.metrics, METRICS, DEFAULT_METRICS)
        filters, networks = faults.filters(self.filters)
        network = faults.network(self.network, networks)
        zone = faults.zone(self.zone)
        faults.compatible(metrics, network or "all")
        span = faults.days(self.first, self.last, zone, now)
        faults.raise_any()
        return MediationQuery(dimensions, metrics, filters, network, zone, span, tuple(faults.notes))


class _Faults:
    """What is wrong with a wish, with hints; its methods return what is right with it."""

    def __init__(self) -> None:
        self._faults: list[str] = []
        self._hints: list[str] = []
        self.notes: list[str] = []

    def raise_any(self) -> None:
        """Raise `UsageError` where anything is wrong."""
        if self._faults:
            raise UsageError("; ".join(dict.fromkeys(self._faults)), hint="; ".join(dict.fromkeys(self._hints)))

    def names(
        self, what: str, given: Sequence[str] | None, known: Sequence[str], usual: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Names of a list, each once, in order."""
        if given is None:
            return usual
        names = tuple(dict.fromkeys(name.strip() for name in given if name.strip()))
        if not names:
            self._add(f"{what}s: an empty list: name at least one {what}", f"{what}s are {', '.join(known)}")
        for name in names:
            if name not in known:
                self._unknown(what, name, known)
        return tuple(name for name in names if name in known) or usual

    def filters(
        self, given: Iterable[tuple[str, Sequence[str]]]
    ) -> tuple[Mapping[str, tuple[str, ...]], tuple[str, ...]]:
        """Lists by filter, and the network types that are named as filters."""
        found: dict[str, tuple[str, ...]] = {}
        for name, values in given:
            told = tuple(value.strip() for value in values if value.strip())
            if name not in (*FILTERS, NETWORK_TYPE):
                self._unknown("filter", name, (*FILTERS, NETWORK_TYPE))
                continue
            if not told:
                self._add(f"filter {name}: an empty list: name at least one value", "leave the filter out for all")
            if name == "country":
                told = tuple(filter(None, map(self._country, told)))
            if told:
                found[name] = tuple(dict.fromkeys((*found.get(name, ()), *told)))
        return {name: values for name, values in found.items() if name != NETWORK_TYPE}, found.get(NETWORK_TYPE, ())

    def network(self, given: str | None, filtered: Sequence[str]) -> NetworkFilter | None:
        """The network type, named by an option, by a filter, or by both alike."""
        named = tuple(dict.fromkeys((*([given] if given is not None else []), *filtered)))
        for name in named:
            if name not in NETWORK_FILTERS:
                self._unknown("network_type", name, NETWORK_FILTERS)
        known = [network for network in NETWORK_FILTERS if network in named]
        if len(named) > 1:
            self._add(f"network_type is {' and '.join(named)} at once", f"name one of {', '.join(NETWORK_FILTERS)}")
        return known[0] if known else None

    def zone(self, given: str | None) -> Zone:
        """The time zone."""
        zone = next((zone for zone in ZONES if zone == (given or DEFAULT_ZONE)), None)
        if zone is None:
            self._add(f"there is no timezone {given!r} in the API", f"it is {' or '.join(ZONES)}")
        return zone or DEFAULT_ZONE

    def compatible(self, metrics: Sequence[str], network: NetworkFilter) -> None:
        """Each metric against the network type, in the server's words."""
        wrong = {metric: ONLY_FOR[metric] for metric in metrics if ONLY_FOR.get(metric, network) != network}
        for metric, only in wrong.items():
            self._faults.append(f"'{metric}' metric is for network_type '{only}' only")
        needed = {ONLY_FOR[metric] for metric in metrics if metric in ONLY_FOR}
        if wrong:
            one = next(iter(needed))
            self._hints.append(
                f"ask with --network-type {one}" if len(needed) == 1 else "ask for bidding and mediation one by one"
            )

    def days(self, first: date | None, last: date | None, zone: Zone, now: datetime) -> DayRange:
        """From the first day to today, or the last day alone; without either, today."""
        today = now.astimezone(_zone_info(zone)).date()
        latest = max(today, now.date())  # what is today in UTC may only begin in Los Angeles
        span = DayRange(first or last or today, last or max(today, first or today))
        if first is not None and first > latest:
            self._add(f"--from {first} is yet to come", f"today is {today} in {zone}")
        elif not len(span):
            self._add(f"--from {span.first} comes after --to {span.last}")
        elif span.last > latest:
            self._add(f"--to {span.last} is yet to come", f"today is {today} in {zone}")
        if span.first < FIRST_DAY:
            self._add(f"the API can know nothing of {span.first}", f"the first day is {FIRST_DAY}")
        return span

    def _country(self, given: str) -> str | None:
        code = alpha3(given)
        if code is None:
            self._add(f"country: {given!r} is no country", "codes are those of ISO 3166-1, as in USA or US")
        elif not _is_known(code):
            self.notes.append(f"country {code} is none of ISO 3166-1: it was sent as it is")
        return code

    def _unknown(self, what: str, name: str, known: Sequence[str]) -> None:
        near = _nearest(name, known)
        self._add(f"there is no {what} {name!r}", f"did you mean {near}?" if near else f"there are {', '.join(known)}")

    def _add(self, fault: str, hint: str = "") -> None:
        self._faults.append(fault)
        if hint:
            self._hints.append(hint)


def _nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that somebody may have meant."""
    wanted = name.strip().lower().replace("-", "_").replace(" ", "_")
    close = get_close_matches(wanted, known, 1, 0.6)
    within = [each for each in known if len(wanted) > 2 and (wanted in each or each in wanted)]
    return next(iter((*close, *within)), None)


def alpha3(country: str) -> str | None:
    """The alpha-3 code for a code or an English name; three letters that ISO does not know are taken as they are."""
    import pycountry  # noqa: PLC0415 - for who filters by country, or reads rows

    name = country.strip().upper()
    if name in _OWN_CODES:
        return _OWN_CODES[name]
    if len(name) == len("XXX") and name.isascii() and name.isalpha():
        return name
    try:
        return str(pycountry.countries.lookup(name).alpha_3)
    except LookupError:
        return None


def _is_known(code: str) -> bool:
    import pycountry  # noqa: PLC0415 - as above

    return code in _OWN_CODES.values() or pycountry.countries.get(alpha_3=code) is not None


def split_list(text: str) -> list[str]:
    """The parts of a list with commas; a part that holds one stands in double quotes."""
    return [part.strip() for part in next(csv.reader([text], skipinitialspace=True), [])]


def _zone_info(zone: Zone) -> tzinfo:
    try:
        return ZoneInfo(zone)
    except ZoneInfoNotFoundError:  # a machine without time zones: standard time, as the vendor's page calls it
        return _PACIFIC if zone == DEFAULT_ZONE else UTC


def _dimension_column(name: str) -> Column:
    return Column(name, "day" if name == "date" else "text")


def _metric_column(name: str) -> Column:
    if name in COUNTS:
        return Column(name, "count")
    return Column(name, "number", {EARNINGS: USD, "ecpm": USD_PER_THOUSAND}.get(name, SHARE))
