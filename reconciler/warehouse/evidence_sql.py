"""PURE. The SQL that reads evidence from the reports, in DuckDB's dialect, and the sketch of winning prices.

It uses only what other dialects have too, so that Ibis can translate it. Its tables:

    reconciler_dt         rows of user reports; `country` is as the report spells it, in upper case
    reconciler_mediation  rows of mediation reports; `reconciler_totals` the same, as totals without days
    reconciler_left_out   apps and days whose mediation rows do not count
    reconciler_places     what user reports call the placements that are asked for: app, ids, names, address
    reconciler_roles      what mediation reports call their lines, with an address and the line's role there
    reconciler_spellings  how user reports spell the countries with a line of their own
    reconciler_own        address and country of each such line

Every statement gives its columns in the order that its docstring names.
"""

from collections.abc import Mapping, Sequence
from math import floor, log
from typing import Final

from reconciler.model.evidence import PRICE_STEP
from reconciler.model.value import WORLDWIDE
from reconciler.warehouse.user_report_csv import literal

DT: Final = "reconciler_dt"
MEDIATION: Final = "reconciler_mediation"
TOTALS_TABLE: Final = "reconciler_totals"
LEFT_OUT: Final = "reconciler_left_out"
PLACES: Final = "reconciler_places"
ROLES: Final = "reconciler_roles"
SPELLINGS: Final = "reconciler_spellings"
OWN: Final = "reconciler_own"

DT_COLUMNS: Final[Mapping[str, str]] = {
    "app": "VARCHAR",
    "day": "DATE",
    **dict.fromkeys(("placement_id", "placement_name", "placement_type", "country", "device_os", "person"), "VARCHAR"),
    "masked": "BOOLEAN",
    "impressions": "BIGINT",
    "revenue": "DECIMAL(18, 10)",
}
"""The columns of a file of user report rows."""
LINE: Final = ("app", "placement", "network", "source", "partner_placement")
"""The columns that identify a row's line of a waterfall in a mediation report."""
MEDIATION_COLUMNS: Final[Mapping[str, str]] = {
    **dict.fromkeys((*LINE, "format", "country"), "VARCHAR"),
    "day": "DATE",
    **dict.fromkeys(("requests", "responses", "valid_bids", "winning_bids", "impressions"), "BIGINT"),
    "earnings": "DECIMAL(18, 6)",
}
"""The columns of a file of mediation rows."""

_DT_NAMES: Final = ("app", "placement_id", "placement_name")
"""The columns that identify a row's placement in a user report."""
_EDGE: Final = 1e-9
"""Of a bin, by which a price may fall short of the bin's edge: engines differ in the last digit of a logarithm."""
_NEARLY: Final = 1e-9
"""Of a bin: below what arithmetic can tell."""
_SINGLE: Final = "impressions = 1 AND NOT masked AND revenue > 0"
"""Rows that tell one winning price; not those that sum users whose revenue is hidden."""
_SUMS: Final = "sum(requests) AS requests, sum(impressions) AS impressions, sum(earnings) AS earnings"


def dt_names_sql() -> str:
    """How user reports name each placement (absent: empty), its rows and its revenue: the fields of `DtName`."""
    names = ", ".join(_DT_NAMES)
    return f"""SELECT {_coalesced(_DT_NAMES)}, row_count, CAST(revenue AS DOUBLE) AS revenue FROM (
        SELECT {names}, count(*) AS row_count, sum(revenue) AS revenue FROM {DT} GROUP BY {names}) AS summed"""  # noqa: S608 - names of ours


def dt_countries_sql() -> str:
    """The countries, each once, as user reports spell them."""
    return f"SELECT DISTINCT country FROM {DT} WHERE country IS NOT NULL"  # noqa: S608 - as above


def mediation_sources_sql() -> str:
    """App, day and source of demand."""
    return f"SELECT DISTINCT app, day, source FROM {MEDIATION}"  # noqa: S608 - as above


def counted_mediation(*, left_out: bool) -> str:
    """The mediation rows that count, as a table to select from: not those of the days in `LEFT_OUT`, if any."""
    if not left_out:
        return MEDIATION
    return f"""(SELECT * FROM {MEDIATION} AS every WHERE NOT EXISTS (
        SELECT 1 FROM {LEFT_OUT} AS gone WHERE gone.app = coalesce(every.app, '') AND CAST(gone.day AS DATE) = every.day
    )) AS counted"""  # noqa: S608 - as above


def dt_days_sql(spellings: Sequence[str]) -> str:
    """Address, cell and day; impressions and revenue; of rows with one impression their number and revenue."""
    group = ", ".join((*_DT_NAMES, "country", "day"))
    summed = f"""SELECT {group}, sum(impressions) AS impressions, sum(revenue) AS revenue,
            sum(CASE WHEN {_SINGLE} THEN 1 ELSE 0 END) AS singles,
            sum(CASE WHEN {_SINGLE} THEN revenue END) AS single_revenue
        FROM ({_with_folded_countries(spellings)}) AS folded GROUP BY {group}"""  # noqa: S608 - as above
    return f"""SELECT address, cell, day, CAST(sum(impressions) AS BIGINT) AS impressions,
            CAST(sum(revenue) AS DOUBLE) AS revenue, CAST(sum(singles) AS BIGINT) AS singles,
            CAST(sum(single_revenue) AS DOUBLE) AS single_revenue
        FROM ({_dt_in_cells(summed, "day, impressions, revenue, singles, single_revenue")}) AS cells
        GROUP BY address, cell, day"""  # noqa: S608 - as above


def dt_prices_sql(spellings: Sequence[str]) -> str:
    """Address, cell and bin; how many rows with one impression were paid a price in the bin."""
    price_bin = f"CAST(floor(ln(CAST(revenue AS DOUBLE) * 1000) / {log(PRICE_STEP)!r} + {_EDGE!r}) AS BIGINT)"
    group = ", ".join((*_DT_NAMES, "country", "bin"))
    summed = f"""SELECT {group}, count(*) AS row_count FROM (
            SELECT {", ".join((*_DT_NAMES, "country"))}, {price_bin} AS bin
            FROM ({_with_folded_countries(spellings)}) AS folded WHERE {_SINGLE}) AS binned
        GROUP BY {group}"""  # noqa: S608 - as above
    return f"""SELECT address, cell, bin, CAST(sum(row_count) AS BIGINT) AS row_count
        FROM ({_dt_in_cells(summed, "bin, row_count")}) AS cells GROUP BY address, cell, bin"""  # noqa: S608 - as above


def mediation_lines_sql(rows: str) -> str:
    """Figures of each line of the waterfalls over all countries and days: the fields of `MediationLine`."""
    line = ", ".join(LINE)
    return f"""SELECT {_coalesced(LINE)}, kind, row_count, CAST(requests AS BIGINT) AS requests,
            CAST(impressions AS BIGINT) AS impressions, CAST(earnings AS DOUBLE) AS earnings
        FROM (
            SELECT {line}, max(format) AS kind, count(*) AS row_count, {_SUMS} FROM {rows} GROUP BY {line}) AS summed"""  # noqa: S608 - as above


def mediation_cells_sql(rows: str) -> str:
    """Address, cell and role, a row for each waterfall: requests, earnings, and the most requests of one line."""
    line = ", ".join(LINE)
    return f"""SELECT address, cell, role, CAST(sum(requests) AS BIGINT) AS requests,
            CAST(sum(earnings) AS DOUBLE) AS earnings, CAST(max(requests) AS BIGINT) AS most
        FROM (SELECT address, role, cell, {line}, {_SUMS} FROM ({_lines_in_cells(rows, ())}) AS cells
            GROUP BY address, role, cell, {line}) AS by_line
        GROUP BY address, role, cell, app, placement ORDER BY app, placement"""  # noqa: S608 - as above


def mediation_days_sql(rows: str) -> str:
    """Address, cell, role and day; requests, impressions and earnings."""
    return f"""SELECT address, cell, role, day, CAST(sum(requests) AS BIGINT) AS requests,
            CAST(sum(impressions) AS BIGINT) AS impressions, CAST(sum(earnings) AS DOUBLE) AS earnings
        FROM ({_lines_in_cells(rows, ("day",))}) AS cells GROUP BY address, role, cell, day"""  # noqa: S608 - as above


def _coalesced(names: Sequence[str]) -> str:
    """Columns with an empty text for what is absent, so that rows can be joined by all of them."""
    return ", ".join(f"coalesce({name}, '') AS {name}" for name in names)


def _with_folded_countries(spellings: Sequence[str]) -> str:
    """User report rows, without a country where it is none of these: most countries have no line of their own."""
    listed = ", ".join(map(literal, spellings)) or "NULL"
    kept = ", ".join((*_DT_NAMES, "day", "masked", "impressions", "revenue"))
    return f"SELECT {kept}, CASE WHEN country IN ({listed}) THEN country END AS country FROM {DT}"  # noqa: S608 - as above


def _dt_in_cells(summed: str, columns: str) -> str:
    """The sums that belong to an address, with the cell they count in; a country that is none is not lost."""
    on = " AND ".join(f"coalesce(summed.{name}, '') = places.{name}" for name in _DT_NAMES)
    return f"""SELECT places.address AS address, coalesce(own.country, {literal(WORLDWIDE)}) AS cell, {columns}
        FROM ({summed}) AS summed JOIN {PLACES} AS places ON {on}
        LEFT JOIN {SPELLINGS} AS spellings ON summed.country = spellings.spelling
        LEFT JOIN {OWN} AS own ON own.address = places.address AND own.country = spellings.alpha2"""  # noqa: S608 - as above


def _lines_in_cells(rows: str, more: Sequence[str]) -> str:
    """The sums of lines that belong to an address, with the line's role there and the cell they count in."""
    group = ", ".join((*LINE, "country", *more))
    on = " AND ".join(f"coalesce(summed.{name}, '') = roles.{name}" for name in LINE)
    shown = ", ".join((*(f"roles.{name} AS {name}" for name in LINE), *more))
    return f"""SELECT roles.address AS address, roles.role AS role, coalesce(own.country, {literal(WORLDWIDE)}) AS cell,
            {shown}, requests, impressions, earnings
        FROM (SELECT {group}, {_SUMS} FROM {rows} GROUP BY {group}) AS summed JOIN {ROLES} AS roles ON {on}
        LEFT JOIN {OWN} AS own ON own.address = roles.address AND own.country = summed.country"""  # noqa: S608 - as above


def rescaled(bins: Mapping[int, int], single_revenue: float, impressions: int, revenue: float) -> Mapping[int, float]:
    """How many impressions were paid in each bin, for all impressions: sums to `impressions`, with their mean price.

    `bins` counts rows with one impression, which earned `single_revenue` USD together. Users who see more than one
    impression may be worth less each: all prices move by the ratio of both means. What falls between two bins is
    shared by them.
    """
    singles = sum(bins.values())
    if not singles or not impressions or single_revenue <= 0 or revenue <= 0:
        return {}
    ratio = (revenue / impressions) / (single_revenue / singles)
    shift = log(ratio) / log(PRICE_STEP)
    whole = floor(shift + _NEARLY)
    part = max(0.0, shift - whole)
    weight = impressions / singles
    rescaled_bins: dict[int, float] = {}
    for place, count in sorted(bins.items()):
        for target, share in ((place + whole, 1 - part), (place + whole + 1, part)):
            if share > _NEARLY:
                rescaled_bins[target] = rescaled_bins.get(target, 0.0) + count * weight * share
    return dict(sorted(rescaled_bins.items()))
