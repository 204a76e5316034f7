"""Queries for mediation metrics: the request body, checked as the vendor's page says, and the rows that answer it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final, Literal, TypeAlias, get_args

from reconciler.sandbox.account import SandboxAccount, StoredResource
from reconciler.sandbox.exchange import RefusalError
from reconciler.sandbox.market import Market, is_complete
from reconciler.sandbox.quirks import MediationQuirk
from reconciler.sandbox.report_rows import ReportLine, days, mediation_app, report_lines

DIMENSIONS: Final = (
    *("date", "app", "helium_placement_name", "placement_type", "demand_source", "country", "helium_line_item_name"),
    "partner_placement_name",
)
BIDDING_ONLY: Final = ("valid_bids", "winning_bids", "bid_rate", "win_rate", "impression_show_rate")
MEDIATION_ONLY: Final = ("responses",)
METRICS: Final = (
    *("requests", "impressions", "estimated_earnings", "ecpm", "fill_rate"),
    *BIDDING_ONLY,
    *MEDIATION_ONLY,
)
_USUAL_DIMENSIONS: Final = DIMENSIONS[:6]
_USUAL_METRICS: Final = METRICS[:5]
_PARTNER: Final = "partner_placement_name"
LISTS: Final = ("apps", "placements", "country", "placement_type", "demand_source")
"""Filters that are lists; the other one is `network_type`."""
_PARAMETERS: Final = ("dimensions", "metrics", "filters", "date_min", "date_max", "timezone")
_LONGEST: Final = 30
TIMEZONES: Final = {"America/Los_Angeles": timezone(timedelta(hours=-8)), "UTC": UTC}
"""The page calls the first one PST; daylight saving is not modelled."""

NetworkFilter: TypeAlias = Literal["all", "bidding", "mediation"]


@dataclass(frozen=True, slots=True)
class MetricsQuery:
    """A valid query. Days are those of `zone`, both ends included."""

    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    filters: Mapping[str, frozenset[str]]
    network: NetworkFilter
    first: date
    last: date
    zone: str


def parse_query(body: Mapping[str, Any], now: float, quirks: Sequence[MediationQuirk] = ()) -> MetricsQuery:
    """The query in a request body. Raises `RefusalError` (400) with all errors by parameter, under `errors`."""
    if "default-lists" in quirks:
        body = {name: value for name, value in body.items() if value not in ([], {}, None)}
    errors: dict[str, str] = {name: "unknown field" for name in body if name not in _PARAMETERS}
    dimensions = _parse_names(body, "dimensions", DIMENSIONS, _USUAL_DIMENSIONS, errors)
    metrics = _parse_names(body, "metrics", METRICS, _USUAL_METRICS, errors)
    filters, network = _parse_filters(body, errors)
    if _PARTNER in dimensions and {"no-partner", "no-partner-unnamed"} & set(quirks):
        named = "no-partner" in quirks
        errors[_PARTNER if named else "dimensions"] = f"'{_PARTNER}' is not supported" if named else "not supported"
    zone = body.get("timezone", next(iter(TIMEZONES)))
    if zone not in TIMEZONES:
        errors["timezone"], zone = f"must be one of {', '.join(TIMEZONES)}", "UTC"
    today = datetime.fromtimestamp(now, TIMEZONES[zone]).date()
    first, last = (_parse_day(body, name, today, errors) for name in ("date_min", "date_max"))
    if not errors:
        _check_span(first, last, errors)
    for metric in metrics:
        only = "bidding" if metric in BIDDING_ONLY else "mediation" if metric in MEDIATION_ONLY else network
        if only != network:
            errors[metric] = f"'{metric}' metric is for network_type '{only}' only"
    if errors:
        raise RefusalError(400, "ValidationError", errors=errors)
    return MetricsQuery(dimensions, metrics, filters, network, first, last, zone)


def _parse_names(
    body: Mapping[str, Any], key: str, allowed: Sequence[str], usual: tuple[str, ...], errors: dict[str, str]
) -> tuple[str, ...]:
    raw = body.get(key, usual)
    if not isinstance(raw, list | tuple) or not raw:
        errors[key] = "must be a list with at least one entry"
        return usual
    if unknown := [str(name) for name in raw if name not in allowed]:
        errors[key] = f"unsupported: {', '.join(unknown)}"
        return usual
    return tuple(dict.fromkeys(raw))


def _parse_filters(
    body: Mapping[str, Any], errors: dict[str, str]
) -> tuple[Mapping[str, frozenset[str]], NetworkFilter]:
    raw = body.get("filters")
    if "filters" not in body:
        return {}, "all"
    if not isinstance(raw, dict) or not raw:
        errors["filters"] = "must be an object with at least one filter"
        return {}, "all"
    networks: tuple[NetworkFilter, ...] = get_args(NetworkFilter)
    network = next((name for name in networks if name == raw.get("network_type", "all")), None)
    if network is None:
        errors["network_type"] = f"must be one of {', '.join(networks)}"
    lists: dict[str, frozenset[str]] = {}
    for name, values in raw.items():
        if name in LISTS and isinstance(values, list) and values and all(isinstance(value, str) for value in values):
            lists[name] = frozenset(values)
        elif name != "network_type":
            errors[str(name)] = "must be a list with at least one entry" if name in LISTS else "unsupported filter"
    return lists, network or "all"


def _parse_day(body: Mapping[str, Any], name: str, today: date, errors: dict[str, str]) -> date:
    raw = body.get(name)
    if name not in body:
        return today
    try:
        day = date.fromisoformat(raw) if isinstance(raw, str) and len(raw) == 10 else None
    except ValueError:
        day = None
    if day is None:
        errors[name] = "must be a date as YYYY-MM-DD"
    return day or today


def _check_span(first: date, last: date, errors: dict[str, str]) -> None:
    if last < first:
        errors["date_max"] = "must not be before date_min"
    elif last - first >= timedelta(days=_LONGEST):
        errors["date_max"] = f"date range is limited to {_LONGEST} days"


_OF_THE_NEXT_DAY: Final = 1 / 3
"""The part of a day in Los Angeles that is the next day in UTC."""
_DIMENSIONS: Final[Mapping[str, Callable[[ReportLine], str]]] = {
    "app": lambda line: line.app,
    "helium_placement_name": lambda line: line.placement,
    "placement_type": lambda line: line.kind,
    "demand_source": lambda line: line.source,
    "country": lambda line: line.country,
    "helium_line_item_name": lambda line: f"{line.source} {line.placement}",
    "partner_placement_name": lambda line: line.partner,
}
_FILTERS: Final = {
    "placements": "helium_placement_name",
    "country": "country",
    "placement_type": "placement_type",
    "demand_source": "demand_source",
}


_RATIOS: Final = {
    "ecpm": ("earnings", "impressions", 1000),
    "fill_rate": ("impressions", "requests", 1),
    "bid_rate": ("valid_bids", "requests", 1),
    "win_rate": ("winning_bids", "valid_bids", 1),
    "impression_show_rate": ("impressions", "winning_bids", 1),
}


@dataclass(slots=True)
class _Sums:
    requests: float = 0
    responses: float = 0
    valid_bids: float = 0
    winning_bids: float = 0
    impressions: float = 0
    earnings: float = 0

    def add(self, line: ReportLine, part: float) -> None:
        for name in _Sums.__slots__:
            setattr(self, name, self._amount(name) + part * getattr(line, name))

    def value(self, metric: str, *, nulls: bool = False) -> float | None:
        """One metric. Earnings and ratios are rounded to two digits, each by itself (Mediation Reporting page).

        `nulls`: a ratio of nothing is null, and so is what no impression earned.
        """
        base = "impressions" if metric == "estimated_earnings" else _RATIOS[metric][1] if metric in _RATIOS else ""
        if nulls and base and not round(self._amount(base)):
            return None
        if metric == "estimated_earnings":
            return round(self.earnings, 2)
        if metric not in _RATIOS:
            return round(self._amount(metric))
        part, whole, times = _RATIOS[metric]
        return round(times * self._amount(part) / (self._amount(whole) or 1), 2)

    def _amount(self, name: str) -> float:
        return float(getattr(self, name))


def metrics_rows(
    account: SandboxAccount, market: Market, query: MetricsQuery, quirks: Sequence[MediationQuirk] = ()
) -> list[dict[str, Any]]:
    """The rows of the response, in the order of their dimensions. Incomplete days have none, unless by a quirk."""
    apps = [
        app for app in account.apps() if mediation_app(app.id) in query.filters.get("apps", {mediation_app(app.id)})
    ]
    sums: dict[tuple[str, ...], _Sums] = {}
    for shown, day, part in _day_parts(query, account.clock(), with_today="today" in quirks):
        for line in _matching_lines(market, apps, day, query):
            key = tuple(shown.isoformat() if name == "date" else _DIMENSIONS[name](line) for name in query.dimensions)
            sums.setdefault(key, _Sums()).add(line, part)
    return [
        dict(zip(query.dimensions, key, strict=True))
        | {metric: total.value(metric, nulls="nulls" in quirks) for metric in query.metrics}
        for key, total in sorted(sums.items())
    ]


def _matching_lines(
    market: Market, apps: Iterable[StoredResource], day: date, query: MetricsQuery
) -> Iterable[ReportLine]:
    wanted = [(_DIMENSIONS[_FILTERS[name]], values) for name, values in query.filters.items() if name in _FILTERS]
    for app in apps:
        for line in report_lines(market, app, day):
            if query.network in {"all", line.network} and all(read(line) in values for read, values in wanted):
                yield line


def _day_parts(query: MetricsQuery, now: float, *, with_today: bool) -> Iterable[tuple[date, date, float]]:
    """Each day of the response, a day in UTC that it overlaps, and the share of that day: of today what is over."""
    for day in days(query.first, query.last):
        following = day + timedelta(days=1)
        made_of = [(day, 1.0)]
        if query.zone != "UTC":
            made_of = [(day, 1 - _OF_THE_NEXT_DAY), (following, _OF_THE_NEXT_DAY)]
        if is_complete(made_of[-1][0], now):
            yield from ((day, utc, part) for utc, part in made_of)
        elif with_today:
            yield from ((day, utc, part * over) for utc, part in made_of if (over := _share_over(utc, now)))


def _share_over(day: date, now: float) -> float:
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    return min(1.0, max(0.0, (now - begin) / 86400))
