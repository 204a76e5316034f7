"""What users are worth: lifetime value by age, revenue a user and day, and how few users bring most of the revenue.

Only rows of users with an id count for users; rows that sum users whose revenue is hidden count in totals. A user is
one id in one app. All figures are of the window: who was there before it counts from the window's first day.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from reconciler.model.rows import SHARE, USD, Column, Rows, UserValue
from reconciler.warehouse import evidence_sql as sql
from reconciler.warehouse.acceptance import NOWHERE, alpha2
from reconciler.warehouse.engines import Engine

View: TypeAlias = Literal["all", "cohort", "app", "country"]
VIEWS: Final[tuple[View, ...]] = ("all", "cohort", "app", "country")
TOPS: Final = (1, 5, 10)
"""Per cent of users whose share of the revenue is told."""
MOST_IDS: Final = 100_000
_POINTS: Final = 100
_CENT: Final = Decimal("0.000001")
_ZERO: Final = Decimal()

_KNOWN: Final = "person IS NOT NULL AND NOT masked"
_USERS: Final = "reconciler_users"
"""Each user with the first day, the last one, the number of days, revenue and impressions."""
_HOMES: Final = "reconciler_homes"
"""Each user with the first day, and the country of that day: of several that of the most impressions, then revenue."""
_COUNTRY: Final = "coalesce(spellings.alpha2, told.country, '')"
"""One text for all spellings of a country; empty for none in particular."""
_SPELLINGS: Final = f"LEFT JOIN {sql.SPELLINGS} AS spellings ON told.country = spellings.spelling"


@dataclass(frozen=True, slots=True)
class HiddenBounds:
    """Factors on what is known of a user: between them lies the truth, whoever the hidden users are.

    `low`: each hidden impression was another user's. `high`: hidden rows are of users that are known.
    """

    low: Decimal = Decimal(1)
    high: Decimal = Decimal(1)
    hidden: Decimal = _ZERO
    """The share of the revenue that is hidden."""


def user_value(
    engine: Engine, files: Sequence[Path], first: date, last: date, label: Callable[[str], str]
) -> UserValue:
    """Everything about the users in these files of the days from `first` to `last`. `label` names an app by its id."""
    engine.load_files(sql.DT, files, sql.DT_COLUMNS)
    _load_countries(engine)
    _make_users(engine)
    bounds = {view: _bounds(engine, view, label) for view in ("all", "app", "country")}
    whole = bounds["all"].get("", HiddenBounds())
    users, revenue = engine.rows(
        f"""SELECT CAST(count(*) AS BIGINT) AS users, sum(earned) AS earned
            FROM {_USERS}"""  # noqa: S608 - names of ours
    )[0]
    lifetime = [row for view in VIEWS for row in _lifetime(engine, view, last, bounds.get(view, {}), whole, label)]
    ranked = _ranked(engine)
    return UserValue(
        Rows(LIFETIME, lifetime),
        Rows(DAILY, list(_daily(engine, label))),
        Rows(CONCENTRATION, list(_concentration(ranked))),
        Rows(LORENZ, list(_lorenz(ranked))),
        Rows(IDS, list(_ids(engine, int(users or 0), label))),
        int(users or 0),
        _exact(revenue),
        whole.hidden,
        tuple(_notes(whole, first, last)),
    )


def _make_users(engine: Engine) -> None:
    engine.make_table(
        _USERS,
        f"""SELECT app, person, min(day) AS first_day, max(day) AS last_day, count(DISTINCT day) AS days,
            sum(revenue) AS earned, CAST(sum(impressions) AS BIGINT) AS impressions
        FROM {sql.DT} WHERE {_KNOWN} GROUP BY app, person""",  # noqa: S608 - as above
    )
    engine.make_table(
        _HOMES,
        f"""SELECT app, person, first_day, country FROM (
            SELECT app, person, first_day, country, row_number() OVER (
                PARTITION BY app, person
                ORDER BY CASE WHEN country = '' THEN 1 ELSE 0 END, shown DESC, earned DESC, country) AS place
            FROM (
                SELECT seen.app AS app, seen.person AS person, seen.first_day AS first_day, {_COUNTRY} AS country,
                    sum(told.impressions) AS shown, sum(told.revenue) AS earned
                FROM {sql.DT} AS told JOIN {_USERS} AS seen
                    ON told.app = seen.app AND told.person = seen.person AND told.day = seen.first_day {_SPELLINGS}
                WHERE NOT told.masked GROUP BY seen.app, seen.person, seen.first_day, {_COUNTRY}) AS places
            ) AS ranked WHERE place = 1""",  # noqa: S608 - as above
    )


def _load_countries(engine: Engine) -> None:
    """Load the alpha-2 code of each spelling; it is empty for words that name no country in particular."""
    spellings = [country for (country,) in engine.rows(sql.dt_countries_sql()) if country]
    codes = [(country, "" if country.strip().lower() in NOWHERE else alpha2(country)) for country in spellings]
    engine.load_texts(sql.SPELLINGS, ("spelling", "alpha2"), [(word, code) for word, code in codes if code is not None])


LIFETIME: Final = (
    Column("view", "text"),
    Column("key", "text"),
    Column("age", "count", "days"),
    Column("users", "count"),
    Column("revenue_per_user", "number", USD),
    Column("low", "number", USD),
    Column("high", "number", USD),
)
DAILY: Final = (
    Column("day", "day"),
    Column("app", "text"),
    Column("users", "count"),
    Column("revenue", "number", USD),
    Column("hidden_revenue", "number", USD),
    Column("arpdau", "number", USD),
    Column("low", "number", USD),
    Column("high", "number", USD),
)
CONCENTRATION: Final = (
    Column("top_percent", "count", "per cent of users"),
    Column("users", "count"),
    Column("revenue", "number", USD),
    Column("share", "number", SHARE),
)
LORENZ: Final = (Column("users", "number", SHARE), Column("revenue", "number", SHARE))
IDS: Final = (
    Column("id", "text"),
    Column("app", "text"),
    Column("rank", "count"),
    Column("revenue", "number", USD),
    Column("impressions", "count"),
    Column("first_day", "day"),
    Column("last_day", "day"),
    Column("days", "count"),
)


def _exact(value: Any) -> Decimal:
    return Decimal(str(value or 0)).quantize(_CENT)


def _notes(whole: HiddenBounds, first: date, last: date) -> Iterator[str]:
    yield f"reports of {first} to {last}, days in UTC; a user is one id in one app"
    yield f"users first seen on {first} may be older: ages count from the first day of these reports"
    if whole.hidden:
        yield (
            f"{100 * whole.hidden:.1f} % of the revenue is of users whose revenue is hidden: it is in totals, not in "
            "figures of users; low and high say how far those may be off"
        )


def _view_sql(view: View, day: str, app: str, country: str) -> str:
    """The key of a view as SQL."""
    match view:
        case "all":
            return "''"
        case "cohort":
            return f"CAST(date_trunc('week', {day}) AS VARCHAR)"
        case "app":
            return app
        case "country":
            return f"coalesce({country}, '')"


def _named(view: View, key: Any, label: Callable[[str], str]) -> str:
    """The key of a view as a text."""
    text = str(key or "")
    match view:
        case "app":
            return label(text)
        case "country":
            return alpha2(text) or text or "unknown"
        case _:
            return text[:10]


def _bounds(engine: Engine, view: View, label: Callable[[str], str]) -> Mapping[str, HiddenBounds]:
    """How far hidden users may move what is known of a user, by the key of a view."""
    key = _view_sql(view, "told.day", "told.app", _COUNTRY)
    rows = engine.rows(
        f"""SELECT {key} AS key, count(DISTINCT CASE WHEN {_KNOWN} THEN app || '/' || person END) AS users,
            sum(CASE WHEN {_KNOWN} THEN revenue ELSE 0 END) AS known,
            sum(CASE WHEN {_KNOWN} THEN 0 ELSE revenue END) AS hidden,
            CAST(sum(CASE WHEN {_KNOWN} THEN 0 ELSE impressions END) AS BIGINT) AS unseen
        FROM {sql.DT} AS told {_SPELLINGS} GROUP BY 1"""  # noqa: S608 - as above
    )
    found: dict[str, HiddenBounds] = {}
    for raw, users, known, hidden, unseen in rows:
        earned, masked = _exact(known), _exact(hidden)
        if users and earned > 0:
            high = (earned + masked) / earned
            low = min(Decimal(1), high * users / (users + unseen))
            found[_named(view, raw, label)] = HiddenBounds(low, high, masked / (earned + masked))
    return found


def _lifetime(
    engine: Engine,
    view: View,
    last: date,
    bounds: Mapping[str, HiddenBounds],
    whole: HiddenBounds,
    label: Callable[[str], str],
) -> Iterator[tuple[Any, ...]]:
    """The mean revenue that a user has brought by each age, for each key of a view.

    The revenue of an age is divided by the users who can have reached it within the reports; the means are added up. So
    later cohorts, which are younger, do not pull the value of an old age down.
    """
    key = _view_sql(view, "home.first_day", "home.app", "home.country")
    sizes: dict[str, dict[date, int]] = {}
    for raw, day, users in engine.rows(
        f"""SELECT {key} AS key, home.first_day AS first_day, CAST(count(*) AS BIGINT) AS users
            FROM {_HOMES} AS home GROUP BY 1, 2"""  # noqa: S608 - as above
    ):
        of = sizes.setdefault(_named(view, raw, label), {})
        of[day] = of.get(day, 0) + users
    earned: dict[str, dict[int, Decimal]] = {}
    for raw, age, revenue in engine.rows(
        f"""SELECT {key} AS key, date_diff('day', home.first_day, told.day) AS age, sum(told.revenue) AS revenue
            FROM {sql.DT} AS told JOIN {_HOMES} AS home ON told.app = home.app AND told.person = home.person
            WHERE NOT told.masked GROUP BY 1, 2"""  # noqa: S608 - as above
    ):
        by_age = earned.setdefault(_named(view, raw, label), {})
        by_age[int(age)] = by_age.get(int(age), _ZERO) + _exact(revenue)
    for name in sorted(sizes):
        factor = bounds.get(name, whole)
        total = _ZERO
        for age in range((last - min(sizes[name])).days + 1):
            reached = sum(users for day, users in sizes[name].items() if day + timedelta(days=age) <= last)
            total += earned.get(name, {}).get(age, _ZERO) / reached
            low, high = total * factor.low, total * factor.high
            yield view, name, age, reached, *(value.quantize(_CENT) for value in (total, low, high))


def _daily(engine: Engine, label: Callable[[str], str]) -> Iterator[tuple[Any, ...]]:
    """Users, revenue and revenue a user of each day and app (ARPDAU)."""
    for day, app, users, known, hidden, unseen in engine.rows(
        f"""SELECT day, app, count(DISTINCT CASE WHEN {_KNOWN} THEN person END) AS users,
            sum(CASE WHEN {_KNOWN} THEN revenue ELSE 0 END) AS known,
            sum(CASE WHEN {_KNOWN} THEN 0 ELSE revenue END) AS hidden,
            CAST(sum(CASE WHEN {_KNOWN} THEN 0 ELSE impressions END) AS BIGINT) AS unseen
        FROM {sql.DT} GROUP BY day, app ORDER BY day, app"""  # noqa: S608 - as above
    ):
        earned, masked = _exact(known), _exact(hidden)
        mean = (earned / users).quantize(_CENT) if users else None
        high = ((earned + masked) / users).quantize(_CENT) if users else None
        low = None if mean is None else min(mean, ((earned + masked) / (users + unseen)).quantize(_CENT))
        yield day, label(app), users, earned + masked, masked, mean, low, high


def _ranked(engine: Engine) -> Sequence[tuple[int, int, Decimal]]:
    """The users by revenue in hundredths: number of the hundredth (the most valuable first), its users and revenue."""
    rows = engine.rows(
        f"""SELECT CAST(floor((place - 1) * {_POINTS} / number) AS BIGINT) AS part, CAST(count(*) AS BIGINT) AS users,
            sum(earned) AS revenue
        FROM (SELECT earned, row_number() OVER (ORDER BY earned DESC, person, app) AS place, count(*) OVER () AS number
            FROM {_USERS}) AS ranked
        GROUP BY 1 ORDER BY 1"""  # noqa: S608 - as above
    )
    return [(int(part), int(users), _exact(revenue)) for part, users, revenue in rows]


def _concentration(ranked: Sequence[tuple[int, int, Decimal]]) -> Iterator[tuple[Any, ...]]:
    total = sum((revenue for _, _, revenue in ranked), _ZERO)
    for top in TOPS:
        inside = [(users, revenue) for part, users, revenue in ranked if part < top]
        earned = sum((revenue for _, revenue in inside), _ZERO)
        share = (earned / total).quantize(_CENT) if total else None
        yield top, sum(users for users, _ in inside), earned, share


def _lorenz(ranked: Sequence[tuple[int, int, Decimal]]) -> Iterator[tuple[Any, ...]]:
    users = sum(number for _, number, _ in ranked)
    total = sum((revenue for _, _, revenue in ranked), _ZERO)
    seen, earned = 0, _ZERO
    yield _ZERO, _ZERO
    for _, number, revenue in ranked:
        seen, earned = seen + number, earned + revenue
        yield (Decimal(seen) / users).quantize(_CENT), (earned / total).quantize(_CENT) if total else _ZERO


def _ids(engine: Engine, users: int, label: Callable[[str], str]) -> Iterator[tuple[Any, ...]]:
    """The ids of the top tenth of the users, at most 100,000, the most valuable first."""
    most = min(MOST_IDS, -(-users * TOPS[-1] // 100))
    rows = engine.rows(
        f"""SELECT person, app, earned, impressions, first_day, last_day, days
        FROM {_USERS} ORDER BY earned DESC, person, app LIMIT {most:d}"""  # noqa: S608 - as above
    )
    for rank, (person, app, revenue, impressions, first, last, days) in enumerate(rows, 1):
        yield person, label(app), rank, _exact(revenue), impressions, first, last, days
