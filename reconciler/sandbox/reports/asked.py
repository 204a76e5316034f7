"""What a call for metrics asks for, checked by the rules of the Mediation Reporting page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final, Literal, TypeAlias, get_args

from reconciler.sandbox.exchange import RefusalError

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
LISTS: Final = ("apps", "placements", "country", "placement_type", "demand_source")
"""Filters that are lists; the other one is `network_type`."""
_PARAMETERS: Final = ("dimensions", "metrics", "filters", "date_min", "date_max", "timezone")
_LONGEST: Final = 30
TIMEZONES: Final = {"America/Los_Angeles": timezone(timedelta(hours=-8)), "UTC": UTC}
"""The page calls the first one PST: summer time is left out."""

NetworkType: TypeAlias = Literal["all", "bidding", "mediation"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that is in order. Days are those of `zone`, both ends included."""

    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    filters: Mapping[str, frozenset[str]]
    network: NetworkType
    first: date
    last: date
    zone: str


def asked(body: Mapping[str, Any], now: float) -> Asked:
    """The call in a body. Raises `RefusalError` (400) that names everything that is wrong, under `errors`."""
    wrong: dict[str, str] = {name: "unknown field" for name in body if name not in _PARAMETERS}
    dimensions = _names(body, "dimensions", DIMENSIONS, _USUAL_DIMENSIONS, wrong)
    metrics = _names(body, "metrics", METRICS, _USUAL_METRICS, wrong)
    filters, network = _filters(body, wrong)
    zone = body.get("timezone", next(iter(TIMEZONES)))
    if zone not in TIMEZONES:
        wrong["timezone"], zone = f"must be one of {', '.join(TIMEZONES)}", "UTC"
    today = datetime.fromtimestamp(now, TIMEZONES[zone]).date()
    first, last = (_day(body, name, today, wrong) for name in ("date_min", "date_max"))
    if not wrong:
        _check_span(first, last, wrong)
    for metric in metrics:
        only = "bidding" if metric in BIDDING_ONLY else "mediation" if metric in MEDIATION_ONLY else network
        if only != network:
            wrong[metric] = f"'{metric}' metric is for network_type '{only}' only"
    if wrong:
        raise RefusalError(400, "ValidationError", errors=wrong)
    return Asked(dimensions, metrics, filters, network, first, last, zone)


def _names(
    body: Mapping[str, Any], key: str, known: Sequence[str], usual: tuple[str, ...], wrong: dict[str, str]
) -> tuple[str, ...]:
    told = body.get(key, usual)
    if not isinstance(told, list | tuple) or not told:
        wrong[key] = "must be a list with at least one entry"
        return usual
    if unknown := [str(name) for name in told if name not in known]:
        wrong[key] = f"unsupported: {', '.join(unknown)}"
        return usual
    return tuple(dict.fromkeys(told))


def _filters(body: Mapping[str, Any], wrong: dict[str, str]) -> tuple[Mapping[str, frozenset[str]], NetworkType]:
    told = body.get("filters")
    if "filters" not in body:
        return {}, "all"
    if not isinstance(told, dict) or not told:
        wrong["filters"] = "must be an object with at least one filter"
        return {}, "all"
    networks: tuple[NetworkType, ...] = get_args(NetworkType)
    network = next((name for name in networks if name == told.get("network_type", "all")), None)
    if network is None:
        wrong["network_type"] = f"must be one of {', '.join(networks)}"
    lists: dict[str, frozenset[str]] = {}
    for name, values in told.items():
        if name in LISTS and isinstance(values, list) and values and all(isinstance(value, str) for value in values):
            lists[name] = frozenset(values)
        elif name != "network_type":
            wrong[str(name)] = "must be a list with at least one entry" if name in LISTS else "unsupported filter"
    return lists, network or "all"


def _day(body: Mapping[str, Any], name: str, today: date, wrong: dict[str, str]) -> date:
    told = body.get(name)
    if name not in body:
        return today
    try:
        day = date.fromisoformat(told) if isinstance(told, str) and len(told) == 10 else None
    except ValueError:
        day = None
    if day is None:
        wrong[name] = "must be a date as YYYY-MM-DD"
    return day or today


def _check_span(first: date, last: date, wrong: dict[str, str]) -> None:
    if last < first:
        wrong["date_max"] = "must not be before date_min"
    elif last - first >= timedelta(days=_LONGEST):
        wrong["date_max"] = f"date range is limited to {_LONGEST} days"
