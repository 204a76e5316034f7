"""What users are worth: as text, as a page, and as rows with further tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.model.rows import USD, Cell, Column, Rows, UserValue
from reconciler.render.html import Tile
from reconciler.render.rows import table_lines
from reconciler.render.rows_html import PageSection, bar_chart, line_chart, number_of, rows_page, table_view
from reconciler.render.text import Line, Span, line

AGES: Final = (0, 1, 3, 7, 14, 30, 60, 90)
"""Days since first seen that a table has a column for, as far as the reports go."""
MOST_KEYS: Final = 20
MOST_LINES: Final = 8


def value_rows(value: UserValue) -> Rows:
    """The lifetime value as rows, with the other tables: what the JSON document holds."""
    tables = {
        "daily": value.daily,
        "concentration": value.concentration,
        "lorenz": value.lorenz,
        "mostValuable": value.most_valuable,
    }
    return Rows(value.lifetime.columns, value.lifetime.rows, value.notes, tables=tuple(tables.items()))


def value_lines(value: UserValue) -> Iterator[Line]:
    """The summary for a terminal."""
    yield line(Span(f"{value.users:,} users brought {value.revenue:,.2f} USD", "strong"))
    for title, rows in _tables(value):
        if rows.rows:
            yield ()
            yield line(Span(title, "strong"))
            yield from table_lines(rows, most=MOST_KEYS)
    yield ()
    for note in value.notes:
        yield line(note)


def _tables(value: UserValue) -> Iterator[tuple[str, Rows]]:
    yield "Revenue a user by days since first seen, USD", by_age(value.lifetime, "all")
    yield "by week of the first day", by_age(value.lifetime, "cohort")
    yield "by app", by_age(value.lifetime, "app")
    yield "by country", by_age(value.lifetime, "country")
    yield "Revenue a user and day (ARPDAU)", value.daily
    yield "Share of the most valuable users", value.concentration


def by_age(lifetime: Rows, view: str) -> Rows:
    """A row for each key of a view, the most users first, with a column for each of `AGES` that was reached."""
    values: dict[str, dict[int, Cell]] = {}
    users: dict[str, int] = {}
    for row in lifetime.records():
        if row["view"] == view:
            age = int(number_of(row["age"]))
            values.setdefault(str(row["key"]), {})[age] = row["revenue_per_user"]
            if age == 0:
                users[str(row["key"])] = int(number_of(row["users"]))
    reached = max((age for of in values.values() for age in of), default=-1)
    ages = [age for age in AGES if age <= reached]
    columns = (
        *((Column(view, "text"),) if view != "all" else ()),
        Column("users", "count"),
        *(Column(f"day_{age}", "number", USD) for age in ages),
    )
    ordered = sorted(values, key=lambda name: (name,) if view == "cohort" else (-users[name], name))
    rows = [
        (*((name,) if view != "all" else ()), users[name], *(values[name].get(age) for age in ages)) for name in ordered
    ]
    return Rows(columns, rows)


def value_page(value: UserValue) -> str:
    """The page of `reports users --summary --format html`."""
    top = next(iter(value.concentration.records()), None)
    tiles = [
        Tile(f"{value.users:,}", "users"),
        Tile(f"{number_of(value.revenue):,.2f}", "USD from them"),
        Tile(f"{number_of(value.revenue) / value.users:,.4f}" if value.users else "-", "USD a user"),
        Tile(f"{100 * number_of(top['share']):.0f} %" if top and top["share"] is not None else "-", "from the top 1 %"),
        Tile(f"{100 * number_of(value.hidden):.1f} %", "of the revenue hidden"),
    ]
    facts = [(f"Note {number}", note) for number, note in enumerate(value.notes[1:], 1)]
    lead = value.notes[0] if value.notes else ""
    return rows_page("What users are worth", lead, facts, tiles, list(_sections(value)))


def _sections(value: UserValue) -> Iterator[PageSection]:
    yield _ages(value.lifetime)
    yield _cohorts(value.lifetime)
    for view, title in (("app", "By app"), ("country", "By country of the first day")):
        yield PageSection(
            title,
            "Revenue a user until each day since first seen, USD.",
            table=table_view(by_age(value.lifetime, view)),
        )
    yield _daily(value.daily)
    yield _lorenz(value.lorenz, value.concentration)


def _of_view(lifetime: Rows, view: str) -> Mapping[str, Sequence[Mapping[str, Cell]]]:
    found: dict[str, list[Mapping[str, Cell]]] = {}
    for row in lifetime.records():
        if row["view"] == view:
            found.setdefault(str(row["key"]), []).append(row)
    return found


def _ages(lifetime: Rows) -> PageSection:
    rows = _of_view(lifetime, "all").get("", ())
    lines = [
        (name.replace("_", " "), kind, [number_of(row[name]) for row in rows])
        for name, kind in (("low", "faint"), ("high", "faint"), ("revenue_per_user", "main"))
    ]
    chart = line_chart([str(row["age"]) for row in rows], lines, lambda level: f"{level:,.6g}")
    described = "; ".join(f"day {row['age']}: {number_of(row['revenue_per_user']):.4f} USD" for row in rows)
    about = (
        "USD a user until each day since first seen; between low and high lies the truth, whoever the hidden users are."
    )
    return PageSection(
        "Lifetime value", about, line=chart, described=described, table=table_view(by_age(lifetime, "all"))
    )


def _cohorts(lifetime: Rows) -> PageSection:
    weeks = list(_of_view(lifetime, "cohort").items())[-MOST_LINES:]
    longest = max((len(rows) for _, rows in weeks), default=0)
    lines = [
        (
            week,
            "main" if (week, rows) == weeks[-1] else "faint",
            [number_of(row["revenue_per_user"]) for row in rows] + [None] * (longest - len(rows)),
        )
        for week, rows in weeks
    ]
    chart = line_chart([str(age) for age in range(longest)], lines, lambda level: f"{level:,.6g}")
    about = "A line for each week in which users were first seen; the latest stands out."
    described = f"Cohorts of {', '.join(week for week, _ in weeks)}; the table below has their values."
    return PageSection(
        "By weekly cohort", about, line=chart, described=described, table=table_view(by_age(lifetime, "cohort"))
    )


def _daily(daily: Rows) -> PageSection:
    sums: dict[str, list[float]] = {}
    for row in daily.records():
        of = sums.setdefault(str(row["day"]), [0.0, 0.0])
        of[0] += number_of(row["revenue"]) - number_of(row["hidden_revenue"])
        of[1] += number_of(row["users"])
    values = [earned / users if users else None for earned, users in sums.values()]
    chart = line_chart([day[5:] for day in sums], [("ARPDAU", "main", values)], lambda level: f"{level:,.6g}")
    described = "; ".join(f"{day}: {value:.4f}" for day, value in zip(sums, values, strict=True) if value is not None)
    about = "USD a user and day, of users with an id; a user of two apps counts in both."
    return PageSection(
        "Revenue a user and day", about, line=chart, described=described, table=table_view(daily), folded=True
    )


def _lorenz(lorenz: Rows, concentration: Rows) -> PageSection:
    points = [(number_of(users), number_of(revenue)) for users, revenue in lorenz.rows]
    names = [f"{100 * users:.0f} %" for users, _ in points]
    lines = [
        ("if all were equal", "faint", [100 * users for users, _ in points]),
        ("share of the revenue", "main", [100 * revenue for _, revenue in points]),
    ]
    chart = line_chart(names, lines, lambda level: f"{level:.0f} %")
    shares = [
        (f"top {row['top_percent']} %", number_of(row["share"]), f"{100 * number_of(row['share']):.1f} %")
        for row in concentration.records()
        if row["share"] is not None
    ]
    described = "; ".join(f"{name}: {figure}" for name, _, figure in shares)
    about = "The share of the revenue that the most valuable users bring (Lorenz curve, the most valuable first)."
    bars = bar_chart(shares)
    return PageSection(
        "How few bring most", about, line=chart, bars=bars, described=described, table=table_view(concentration)
    )
