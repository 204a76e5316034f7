"""Lines of the market added up the way a call for metrics asks for, in the mediation platform's words and rounding."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from reconciler.sandbox.account import Account
from reconciler.sandbox.reports.asked import Asked
from reconciler.sandbox.reports.days import is_complete
from reconciler.sandbox.reports.lines import Line, days, lines, mediation_app
from reconciler.sandbox.reports.market import Market
from reconciler.sandbox.stored import Stored

_OF_THE_NEXT_DAY: Final = 1 / 3
"""Of a day in Los Angeles, the part that is the next day in UTC."""
_DIMENSIONS: Final[Mapping[str, Callable[[Line], str]]] = {
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

    def add(self, line: Line, part: float) -> None:
        for name in _Sums.__slots__:
            setattr(self, name, self._sum(name) + part * getattr(line, name))

    def told(self, metric: str) -> float:
        """One metric. Earnings and ratios are rounded to two digits, each by itself (Mediation Reporting page)."""
        if metric == "estimated_earnings":
            return round(self.earnings, 2)
        if metric not in _RATIOS:
            return round(self._sum(metric))
        part, whole, times = _RATIOS[metric]
        return round(times * self._sum(part) / (self._sum(whole) or 1), 2)

    def _sum(self, name: str) -> float:
        return float(getattr(self, name))


def figures(account: Account, market: Market, told: Asked) -> list[dict[str, Any]]:
    """The rows of the answer, in the order of their dimensions. Days that are not complete have none."""
    apps = [app for app in account.apps() if mediation_app(app.id) in told.filters.get("apps", {mediation_app(app.id)})]
    sums: dict[tuple[str, ...], _Sums] = {}
    for shown, day, part in _parts(told, account.clock()):
        for line in _asked_for(market, apps, day, told):
            key = tuple(shown.isoformat() if name == "date" else _DIMENSIONS[name](line) for name in told.dimensions)
            sums.setdefault(key, _Sums()).add(line, part)
    return [
        dict(zip(told.dimensions, key, strict=True)) | {metric: found.told(metric) for metric in told.metrics}
        for key, found in sorted(sums.items())
    ]


def _asked_for(market: Market, apps: Iterable[Stored], day: date, told: Asked) -> Iterable[Line]:
    wanted = [(_DIMENSIONS[_FILTERS[name]], values) for name, values in told.filters.items() if name in _FILTERS]
    for app in apps:
        for line in lines(market, app, day):
            if told.network in {"all", line.network} and all(read(line) in values for read, values in wanted):
                yield line


def _parts(told: Asked, now: float) -> Iterable[tuple[date, date, float]]:
    """Each day of the answer, the day in UTC that it is made of, and how much of that."""
    for day in days(told.first, told.last):
        following = day + timedelta(days=1)
        made_of = [(day, 1.0)]
        if told.zone != "UTC":
            made_of = [(day, 1 - _OF_THE_NEXT_DAY), (following, _OF_THE_NEXT_DAY)]
        if is_complete(made_of[-1][0], now):
            yield from ((day, utc, part) for utc, part in made_of)
