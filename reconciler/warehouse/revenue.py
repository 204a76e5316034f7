"""What was earned, by day, week, app, placement, type, country or platform: from the reports that are stored.

DT's report gives impressions and revenue; mediation reports give requests, what the rest of the waterfall earned, and
DT's figures on days of an app without a report of DT's. Both are summed by the same keys in SQL, and joined afterwards.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, get_args

from reconciler.apis.reports import DayRange, is_settled
from reconciler.model.address import Address, app_of
from reconciler.model.evidence import KnownPlacement
from reconciler.model.rows import SHARE, USD, USD_PER_THOUSAND, Column, ColumnType, Rows
from reconciler.warehouse import evidence_sql as sql
from reconciler.warehouse.acceptance import alpha2
from reconciler.warehouse.engines import Engine
from reconciler.warehouse.join import DtName, Matches, MediationLine, match
from reconciler.warehouse.report_store import IMPORTED, Partition, ReportStore
from reconciler.warehouse.user_report_csv import literal

Key: TypeAlias = Literal["day", "week", "app", "placement", "type", "country", "platform"]
KEYS: Final[tuple[Key, ...]] = get_args(Key)

UNKNOWN: Final = "unknown"
"""The text of a key that the reports do not say."""
_TYPES: Final[Mapping[Key, ColumnType]] = {"day": "day", "week": "day"}
_FIGURES: Final = (
    Column("impressions", "count"),
    Column("revenue", "number", USD),
    Column("ecpm", "number", USD_PER_THOUSAND),
    Column("requests", "count"),
    Column("fill", "number", SHARE),
    Column("rest_revenue", "number", USD),
    Column("rest_share", "number", SHARE),
)
_NAMED: Final = "reconciler_named"
_LINES: Final = "reconciler_lines"
_COVERED: Final = "reconciler_covered"
_PLATFORMS: Final = ("android", "ios")
_CENT: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class RevenueQuery:
    """The days from `first` to `last`, both included, and the placements of ours with what reports may call them.

    `wanted` selects addresses; with `is_part` what is no placement of ours is left out.
    """

    first: date
    last: date
    known: Sequence[KnownPlacement]
    wanted: Callable[[Address], bool] = field(default=lambda _: True)
    is_part: bool = False


@dataclass(slots=True)
class _Figures:
    impressions: int = 0
    revenue: Decimal = Decimal()
    requests: int = 0
    rest: Decimal = Decimal()

    def cells(self, *, mediated: bool) -> tuple[Any, ...]:
        """In the order of `_FIGURES`; what only a mediation report tells is None where there is none."""
        whole = self.revenue + self.rest
        return (
            self.impressions,
            self.revenue.quantize(_CENT),
            _ratio(1000 * self.revenue, self.impressions),
            self.requests if mediated else None,
            _ratio(Decimal(self.impressions), self.requests) if mediated else None,
            self.rest.quantize(_CENT) if mediated else None,
            _ratio(self.rest, whole) if mediated else None,
        )


def _ratio(part: Decimal, whole: Decimal | int) -> Decimal | None:
    return (part / whole).quantize(_CENT) if whole else None


class RevenueTables:
    """The reports of a query, loaded into an engine; `rows` sums them."""

    def __init__(self, store: ReportStore, engine: Engine, query: RevenueQuery) -> None:
        self._engine, self._query = engine, query
        dt, chartboost, imported = (
            store.files(source, query.first, query.last) for source in ("dt", "chartboost", IMPORTED)
        )
        mediation = {**chartboost, **imported}
        self._has_dt, self._has_mediation = bool(dt), bool(mediation)
        engine.load_files(sql.DT, [*dt.values()], sql.DT_COLUMNS)
        engine.load_files(sql.MEDIATION, [*mediation.values()], sql.MEDIATION_COLUMNS)
        self._lines = [MediationLine(*row) for row in engine.rows(sql.mediation_lines_sql(sql.MEDIATION))]
        names = [DtName(*row) for row in engine.rows(sql.dt_names_sql())]
        self._matches = match(query.known, sorted(names, key=str), sorted(self._lines, key=str))
        _load_names(engine, query, self._matches)
        _load_days(engine, self._matches, dt)
        _load_countries(engine)
        self._unsettled = tuple(_unsettled(store, [*dt, *chartboost]))

    def rows(self, by: Sequence[Key]) -> Rows:
        """A row for each combination of the keys: by time where it is a key, else the most revenue first."""
        figures: dict[tuple[Any, ...], _Figures] = {}
        for *keys, impressions, revenue in self._engine.rows(_dt_sql(by, is_part=self._query.is_part)):
            one = figures.setdefault(tuple(keys), _Figures())
            one.impressions += int(impressions)
            one.revenue += Decimal(str(revenue))
        if self._has_mediation:
            _load_lines(self._engine, self._query, self._matches, self._lines, by_placement="placement" in by)
            for *keys, requests, impressions, earnings, rest in self._engine.rows(_mediation_sql(by)):
                one = figures.setdefault(tuple(keys), _Figures())
                one.requests += int(requests)
                one.impressions += int(impressions)
                one.revenue += Decimal(str(earnings))
                one.rest += Decimal(str(rest))
        rows = [(*keys, *one.cells(mediated=self._has_mediation)) for keys, one in figures.items()]
        rows.sort(key=_order(by))
        columns = (*(Column(key, _TYPES.get(key, "text")) for key in by), *_FIGURES)
        return Rows(columns, rows, tuple(self._notes(by)), self._unsettled)

    def _notes(self, by: Sequence[Key]) -> Iterable[str]:
        yield f"reports of {DayRange(self._query.first, self._query.last)}, days in UTC"
        if not self._has_mediation:
            yield "no mediation report is stored for these days: requests, fill and the rest are not known"
        elif "placement" in by:
            yield "the rest is that of the placement's waterfall in mediation reports; tiers of one waterfall share it"
        if not self._has_dt:
            yield "no report of DT is stored for these days: impressions and revenue are those of mediation reports"
        if unmatched := len({line.shown for line in self._matches.unmatched_lines}):
            yield f"{unmatched} of DT's lines in mediation reports match no placement: their requests are not counted"
        if (unnamed := len(self._matches.unmatched_dt)) and not self._query.is_part:
            yield f"{unnamed} placements in DT's reports are none of ours: they go by the names of the report"


def _order(by: Sequence[Key]) -> Callable[[tuple[Any, ...]], Any]:
    timed = [at for at, key in enumerate(by) if key in {"day", "week"}]
    revenue = len(by) + 1

    def order(row: tuple[Any, ...]) -> Any:
        return ([row[at] for at in timed], -row[revenue], [str(part) for part in row[: len(by)]])

    return order


def _unsettled(store: ReportStore, partitions: Iterable[Partition]) -> Sequence[date]:
    """The days that were fetched before the vendor could no longer restate them."""
    days = set()
    for partition in partitions:
        day, metadata = date.fromisoformat(partition.day), store.metadata(partition)
        if metadata is None or not is_settled(day, metadata.fetched_at):
            days.add(day)
    return sorted(days)


def _load_names(engine: Engine, query: RevenueQuery, matches: Matches) -> None:
    """Load what DT's reports call the placements of ours, with their address, app, type and platform."""
    types = {placement.address: placement.placement_type or "" for placement in query.known}
    rows = (
        (name.app, name.placement_id, name.placement_name, address, *_app(address), types.get(address, ""))
        for name, address in matches.dt.items()
        if query.wanted(address)
    )
    columns = ("app", "placement_id", "placement_name", "address", "app_address", "platform", "type")
    engine.load_texts(_NAMED, columns, rows)


def _app(address: Address) -> tuple[str, str]:
    """The address of its app, and the app's platform."""
    app = app_of(address)
    return app, app.partition(":")[0]


def _load_lines(
    engine: Engine, query: RevenueQuery, matches: Matches, lines: Sequence[MediationLine], *, by_placement: bool
) -> None:
    """Load the lines of mediation reports: DT's own with their placement, the others with what they belong to.

    `by_placement`: a line of another source belongs to each placement of its waterfall; else to the app alone.
    """
    apps: dict[str, Address] = {}
    waterfalls: dict[tuple[str, str], set[Address]] = {}
    for line, address in matches.lines.items():
        apps.setdefault(line.app, app_of(address))
        if query.wanted(address):
            waterfalls.setdefault((line.app, line.placement), set()).add(address)
    types = {placement.address: placement.placement_type or "" for placement in query.known}
    rows: list[tuple[str, ...]] = []
    for line in lines:
        key = (line.app, line.placement, line.network, line.source, line.partner_placement)
        own = matches.lines.get(line)
        beside = sorted(waterfalls.get((line.app, line.placement), ()))
        if own is not None:
            if query.wanted(own):
                rows.append((*key, "own", own, *_app(own), types.get(own) or line.format or UNKNOWN))
        elif not line.is_dt and (beside or not query.is_part):
            places = _rest_places(line, apps.get(line.app), beside, types, by_placement=by_placement)
            rows += [(*key, "rest", *place) for place in places]
    columns = (*sql.LINE, "role", "address", "app_address", "platform", "type")
    engine.load_texts(_LINES, columns, rows)


def _rest_places(
    line: MediationLine,
    app: Address | None,
    beside: Sequence[Address],
    types: Mapping[Address, str],
    *,
    by_placement: bool,
) -> Iterable[tuple[str, str, str, str]]:
    """Address, app, platform and type under which a line of another source counts."""
    here = (app, app.partition(":")[0]) if app else (line.app or UNKNOWN, UNKNOWN)
    own_type = line.format or UNKNOWN
    if by_placement and beside:
        return [(address, *_app(address), types.get(address) or own_type) for address in beside]
    shared = {types.get(address) or own_type for address in beside}
    return [(f"{here[0]}/{line.placement}", *here, shared.pop() if len(shared) == 1 else own_type)]


def _load_days(engine: Engine, matches: Matches, files: Mapping[Partition, Any]) -> None:
    """Load the days of each app that DT's own report covers: there its figures count, not those of the mediation."""
    apps: dict[str, set[Address]] = {}
    for name, address in matches.dt.items():
        apps.setdefault(name.app, set()).add(app_of(address))
    rows = {(app, partition.day) for partition in files for app in apps.get(partition.app, ())}
    engine.load_texts(_COVERED, ("app_address", "day"), sorted(rows))


def _load_countries(engine: Engine) -> None:
    spellings = [country for (country,) in engine.rows(sql.dt_countries_sql()) if country]
    rows = [(spelling, code) for spelling in spellings if (code := alpha2(spelling))]
    engine.load_texts(sql.SPELLINGS, ("spelling", "alpha2"), rows)


def _dt_sql(by: Sequence[Key], *, is_part: bool) -> str:
    """The keys, impressions and revenue of DT's reports."""
    join = "JOIN" if is_part else "LEFT JOIN"
    on = " AND ".join(f"coalesce(dt.{name}, '') = named.{name}" for name in ("app", "placement_id", "placement_name"))
    unnamed = f"dt.app || '/' || coalesce(dt.placement_name, dt.placement_id, {literal(UNKNOWN)})"
    system = "lower(coalesce(dt.device_os, ''))"
    parts = {
        "day": "dt.day",
        "week": "CAST(date_trunc('week', dt.day) AS DATE)",
        "app": "coalesce(named.app_address, dt.app)",
        "placement": f"coalesce(named.address, {unnamed})",
        "type": f"coalesce(nullif(named.type, ''), dt.placement_type, {literal(UNKNOWN)})",
        "country": f"coalesce(spellings.alpha2, nullif(dt.country, ''), {literal(UNKNOWN)})",
        "platform": f"""coalesce(named.platform, CASE WHEN {system} LIKE 'android%' THEN 'android'
            WHEN {system} LIKE 'ios%' OR {system} LIKE 'iphone%' OR {system} LIKE 'ipad%' THEN 'ios'
            ELSE {literal(UNKNOWN)} END)""",
    }
    keys = _keys_sql(by, parts)
    listed = ", ".join(by)
    return f"""SELECT {listed}, CAST(sum(impressions) AS BIGINT) AS impressions, sum(revenue) AS revenue FROM (
        SELECT {keys}, dt.impressions AS impressions, dt.revenue AS revenue FROM {sql.DT} AS dt
        {join} {_NAMED} AS named ON {on} LEFT JOIN {sql.SPELLINGS} AS spellings ON dt.country = spellings.spelling
        ) AS keyed GROUP BY {listed}"""  # noqa: S608 - names of ours and literals


def _mediation_sql(by: Sequence[Key]) -> str:
    """The keys; requests of DT's lines, their impressions and earnings where no report of DT's counts, and the rest."""
    on = " AND ".join(f"coalesce(told.{name}, '') = lines.{name}" for name in sql.LINE)
    parts = {
        "day": "told.day",
        "week": "CAST(date_trunc('week', told.day) AS DATE)",
        "app": "lines.app_address",
        "placement": "lines.address",
        "type": "lines.type",
        "country": f"coalesce(told.country, {literal(UNKNOWN)})",
        "platform": "lines.platform",
    }
    keys = _keys_sql(by, parts)
    listed = ", ".join(by)
    counted = "role = 'own' AND covered_day IS NULL"
    return f"""SELECT {listed},
            CAST(sum(CASE WHEN role = 'own' THEN requests ELSE 0 END) AS BIGINT) AS requests,
            CAST(sum(CASE WHEN {counted} THEN impressions ELSE 0 END) AS BIGINT) AS impressions,
            sum(CASE WHEN {counted} THEN earnings ELSE 0 END) AS earnings,
            sum(CASE WHEN role = 'rest' THEN earnings ELSE 0 END) AS rest
        FROM (SELECT {keys}, lines.role AS role, covered.day AS covered_day, told.requests AS requests,
                told.impressions AS impressions, told.earnings AS earnings
            FROM {sql.MEDIATION} AS told JOIN {_LINES} AS lines ON {on}
            LEFT JOIN {_COVERED} AS covered
                ON covered.app_address = lines.app_address AND CAST(covered.day AS DATE) = told.day) AS keyed
        GROUP BY {listed}"""  # noqa: S608 - as above


def _keys_sql(by: Sequence[Key], parts: Mapping[str, str]) -> str:
    return ", ".join(f"{parts[key]} AS {key}" for key in by)
