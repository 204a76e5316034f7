"""PURE. What is asked of the reports, in Ibis: written once, run by any engine.

Every function takes tables and gives a table that nothing has computed yet. `places` and `lines` say which rows of a
report belong to which address, `own` which countries of an address have a line of their own in its floors.
"""

from collections.abc import Mapping, Sequence
from math import floor, log
from typing import TYPE_CHECKING, Final

from reconciler.model.evidence import PRICE_STEP
from reconciler.model.floors import WORLDWIDE

if TYPE_CHECKING:
    from ibis import Schema, Table


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
    found: dict[int, float] = {}
    for place, count in sorted(bins.items()):
        for target, share in ((place + whole, 1 - part), (place + whole + 1, part)):
            if share > _NEARLY:
                found[target] = found.get(target, 0.0) + count * weight * share
    return dict(sorted(found.items()))


_NEARLY = 1e-9
"""Of a bin: below what arithmetic can tell."""


DT_NAMES: Final = ("app", "placement_id", "placement_name")
"""What a row of DT's names its placement by; an absent one is an empty text, so that rows can be joined by all."""
LINE: Final = ("app", "placement", "network", "source", "partner_placement")
"""What a row of Chartboost's names its line of a waterfall by."""

_EDGE: Final = 1e-9
"""Of a bin, by which a price may fall short of the bin's edge: engines differ in the last digit of a logarithm."""


def dt_schema() -> "Schema":
    """The columns of a file of DT's rows. `country` is as the report spells it, in upper case."""
    import ibis  # noqa: PLC0415 - an extra, and 0.6 s

    texts = ("placement_id", "placement_name", "placement_type", "country", "device_os", "person")
    return ibis.schema(
        {"app": "string", "day": "date", **dict.fromkeys(texts, "string"), "masked": "boolean"}
        | {"impressions": "int64", "revenue": "decimal(18, 10)"}
    )


def mediation_schema() -> "Schema":
    """The columns of a file of Chartboost's rows."""
    import ibis  # noqa: PLC0415 - as above

    counts = ("requests", "responses", "valid_bids", "winning_bids", "impressions")
    texts = dict.fromkeys((*LINE, "format", "country"), "string")
    return ibis.schema({**texts, "day": "date", **dict.fromkeys(counts, "int64"), "earnings": "decimal(18, 6)"})


def dt_names(dt: "Table") -> "Table":
    """How many rows each placement has and what it was paid, by the names that DT's report gives it."""
    summed = dt.group_by(DT_NAMES).agg(
        rows=lambda rows: rows.count(), revenue=lambda rows: rows.revenue.sum().cast("float64")
    )
    return _named(summed, DT_NAMES)


def dt_countries(dt: "Table") -> "Table":
    """The countries, each once, as the reports spell them."""
    return dt.select("country").distinct()


def mediation_sources(rows: "Table") -> "Table":
    """The sources of demand by app and day."""
    return rows.select("app", "day", "source").distinct()


def without_days(rows: "Table", left_out: "Table") -> "Table":
    """Mediation rows but those of the apps and days that are left out."""
    return rows.anti_join(
        left_out, [rows.app.fill_null("") == left_out.left_app, rows.day == left_out.left_day.cast("date")]
    )


def dt_days(dt: "Table", places: "Table", spellings: "Table", own: "Table") -> "Table":
    """Impressions and revenue by address, cell and day; of rows with one impression, how many and their revenue."""
    single = _is_single(dt)
    summed = (
        dt.mutate(single=single)
        .group_by([*DT_NAMES, "country", "day"])
        .agg(
            impressions=lambda rows: rows.impressions.sum(),
            revenue=lambda rows: rows.revenue.sum(),
            singles=lambda rows: rows.single.sum(),
            single_revenue=lambda rows: rows.revenue.sum(where=rows.single),
        )
    )
    cells = _in_cells(_spelled(_named(summed, DT_NAMES), spellings), places, DT_NAMES, own)
    return cells.group_by(["address", "cell", "day"]).agg(
        impressions=lambda rows: rows.impressions.sum(),
        revenue=lambda rows: rows.revenue.sum().cast("float64"),
        singles=lambda rows: rows.singles.sum(),
        single_revenue=lambda rows: rows.single_revenue.sum().cast("float64"),
    )


def dt_prices(dt: "Table", places: "Table", spellings: "Table", own: "Table") -> "Table":
    """How many rows with one impression were paid a price in each bin, by address and cell."""
    price = (dt.revenue.cast("float64") * 1000).ln() / log(PRICE_STEP)
    summed = (
        dt.filter(_is_single(dt))
        .mutate(bin=(price + _EDGE).floor().cast("int64"))
        .group_by([*DT_NAMES, "country", "bin"])
        .agg(rows=lambda rows: rows.count())
    )
    cells = _in_cells(_spelled(_named(summed, DT_NAMES), spellings), places, DT_NAMES, own)
    return cells.group_by(["address", "cell", "bin"]).agg(rows=lambda rows: rows["rows"].sum())


def mediation_lines(rows: "Table") -> "Table":
    """What each line of the waterfalls did, all countries and days together."""
    summed = rows.group_by(LINE).agg(
        format=lambda each: each["format"].max(),
        rows=lambda each: each.count(),
        requests=lambda each: each.requests.sum(),
        impressions=lambda each: each.impressions.sum(),
        earnings=lambda each: each.earnings.sum().cast("float64"),
    )
    return _named(summed, LINE)


def mediation_cells(rows: "Table", lines: "Table", own: "Table") -> "Table":
    """Requests, impressions and earnings by address, its `role` there (own or behind), waterfall and cell.

    `most` is the requests of the line that had the most of them.
    """
    cells = _in_cells(_of_lines(rows, ()), lines, LINE, own)
    by_line = cells.group_by(["address", "role", "cell", *LINE]).agg(**_sums())
    return by_line.group_by(["address", "role", "cell", "app", "placement"]).agg(
        requests=lambda each: each.requests.sum(),
        impressions=lambda each: each.impressions.sum(),
        earnings=lambda each: each.earnings.sum().cast("float64"),
        most=lambda each: each.requests.max(),
    )


def mediation_days(rows: "Table", lines: "Table", own: "Table") -> "Table":
    """Requests, impressions and earnings by address, role, cell and day."""
    cells = _in_cells(_of_lines(rows, ("day",)), lines, LINE, own)
    return (
        cells.group_by(["address", "role", "cell", "day"])
        .agg(**_sums())
        .mutate(earnings=lambda each: each.earnings.cast("float64"))
    )


def folded(dt: "Table", spellings: Sequence[str]) -> "Table":
    """DT's rows without a country where it is none of these: fewer groups, and most countries have no line anywhere."""
    import ibis  # noqa: PLC0415 - as above

    return dt.mutate(country=dt.country.isin(list(spellings)).ifelse(dt.country, ibis.null("string")))


def _is_single(dt: "Table") -> "Table":
    """Rows that tell one winning price; not those that sum users whose revenue is hidden."""
    return (dt.impressions == 1) & ~dt.masked & (dt.revenue > 0)


def _named(rows: "Table", names: Sequence[str]) -> "Table":
    return rows.mutate(**{name: rows[name].fill_null("") for name in names})


def _spelled(rows: "Table", spellings: "Table") -> "Table":
    """With alpha-2 codes for countries; one that is none has no code, and is not lost."""
    joined = rows.left_join(spellings, rows.country == spellings.spelling)
    return joined.drop("country", "spelling").rename(country="alpha2")


def _in_cells(rows: "Table", places: "Table", names: Sequence[str], own: "Table") -> "Table":
    """The rows that belong to an address, with the cell they count in: their country's line, else the worldwide one."""
    placed = rows.inner_join(places, list(names))
    lines = own.select(line_address=own.address, line=own.country)
    on = [placed.address == lines.line_address, placed.country == lines.line]
    return placed.left_join(lines, on).mutate(cell=lambda joined: joined.line.fill_null(WORLDWIDE))


def _of_lines(rows: "Table", more: Sequence[str]) -> "Table":
    return _named(rows.group_by([*LINE, "country", *more]).agg(**_sums()), LINE)


def _sums() -> dict[str, object]:
    return {
        "requests": lambda each: each.requests.sum(),
        "impressions": lambda each: each.impressions.sum(),
        "earnings": lambda each: each.earnings.sum(),
    }
