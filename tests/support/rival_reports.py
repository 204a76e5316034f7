"""Both reporting APIs as another implementation would have them: a market of a few cells, the same every day."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from support.reports import Answer, Heard, ReportServer, dt_csv, gz


@dataclass(frozen=True)
class Demand:
    """A day of a placement in a country: requests, prices that DT pays, what the rest pays for the others (USD CPM)."""

    app: str
    placement: str
    country: str
    alpha3: str
    requests: int
    prices: tuple[float, ...]
    rest: float
    bidding: bool = False

    @property
    def left(self) -> int:
        return self.requests - len(self.prices)


def spread(low: float, high: float, count: int) -> tuple[float, ...]:
    """Prices from low to high, evenly in their logarithms."""
    return tuple(low * (high / low) ** ((at + 0.5) / count) for at in range(count))


class RivalReports(ReportServer):
    """Serves the demand that it is given; `sources` are those behind DT, with their share of what it left."""

    sources = (("admob", 0.6), ("vungle", 0.4))

    def __init__(self, market: list[Demand]) -> None:
        super().__init__()
        self.market = market
        self.orders = self._order
        self.metrics = self._metrics
        self.pending: set[str] = set()
        """Files that are not there when they are first asked for."""

    def answer(self, heard: Heard) -> Answer:
        if heard.line.startswith("GET /files/"):
            self.heard.append(heard)
            return self._file(heard.line.split()[1].split("?")[0])
        return super().answer(heard)

    def _order(self, heard: Heard) -> Answer:
        app, day = heard.json["appId"], heard.json["date"]
        url = f"{self.url}/files/{app}/{day}.csv.gz?Expires=9&Signature=a%2Bb%3D"
        return Answer(201, json.dumps({"id": f"{app}-{day}", "url": url}).encode())

    def _file(self, path: str) -> Answer:
        if path in self.pending:
            self.pending.discard(path)
            return Answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        _, _, app, name = path.split("/")
        day = name.removesuffix(".csv.gz")
        return Answer(body=gz(dt_csv(row for one in self.market if one.app == app for row in _rows(one, day))))

    def _metrics(self, heard: Heard) -> Answer:
        asked = heard.json
        first, last = date.fromisoformat(asked["date_min"]), date.fromisoformat(asked["date_max"])
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        network = asked["filters"]["network_type"]
        cells = [one for one in self.market if one.bidding == (network == "bidding")]
        dated = "date" in asked["dimensions"]
        parts = [[day] for day in days] if dated else [days]
        rows = [row for one in cells for part in parts for row in self._lines(one, part)]
        told = rows if dated else [{key: row[key] for key in row if key != "date"} for row in rows]
        return Answer(body=json.dumps({"data": told, "row_count": len(told)}).encode())

    def _lines(self, one: Demand, days: list[date]) -> list[dict[str, Any]]:
        shared = {
            "date": days[0].isoformat(),
            "app": f"cb-{one.app}",
            "helium_placement_name": f"at_{one.placement}",
            "placement_type": "interstitial",
            "country": one.alpha3,
        }
        many = len(days)
        own = {
            "demand_source": "fyber",
            "partner_placement_name": one.placement,
            "requests": one.requests * many,
            "impressions": len(one.prices) * many,
            "estimated_earnings": round(sum(one.prices) / 1000 * many, 2),
        }
        others = [
            {
                "demand_source": source,
                "partner_placement_name": f"{source}-{one.placement}",
                "requests": one.left * many,
                "impressions": one.left * many // 2,
                "estimated_earnings": round(share * one.rest * one.left / 1000 * many, 2),
            }
            for source, share in self.sources
        ]
        return [{**shared, **line} for line in (own, *others)]


def _rows(one: Demand, day: str) -> list[dict[str, Any]]:
    return [
        {
            "Date": day,
            "Fyber App ID": one.app,
            "App Name": "Any",
            "Placement Name": one.placement,
            "Placement Type": "Interstitial",
            "Country": one.country,
            "Device OS": "Android",
            "Device ID": f"device-canary-{one.country}-{at}",
            "Impressions": 1,
            "Revenue (USD)": repr(price / 1000),
        }
        for at, price in enumerate(one.prices)
    ]
