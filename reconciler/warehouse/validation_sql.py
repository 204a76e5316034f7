"""PURE. The SQL (DuckDB's) that types the rows of a user report and names the first fault of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, TypeAlias

from reconciler.warehouse.acceptance import SUM
from reconciler.warehouse.countries import SUMS

People: TypeAlias = Literal["hash", "drop"]
"""What becomes of the ids of users and devices: hashed with the project's salt, or not kept at all."""

MASKED: Final = ("masked", "hidden", "redacted", "restricted", "other", "others", "aggregate", "aggregated", "total")
"""What stands for the user in the row that sums users whose revenue is hidden, in the sibling report and its like."""

AGAIN: Final = "the header again"
MISSING: Final = "a required value is missing"
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""The advertising id of a device whose owner allows none: one row may sum many of them."""

_TEXTS: Final = ("placement_id", "placement_name", "placement_type", "device_os")
_LONGEST_RECORD: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class ReportFile:
    """What is read: a file of `width` columns, of which `places` (see `columns`) are known, for one app and day.

    `distinct`: of rows that are the same in all columns, one. `names`: what the header calls the columns of `places`.
    """

    path: str
    width: int
    places: Mapping[str, int]
    app: str
    day: date
    people: People = "drop"
    masked: Sequence[str] = MASKED
    distinct: bool = False
    names: Mapping[str, str] = field(default_factory=dict)


def rows_sql(file: ReportFile, *, keep_rejects: bool) -> str:
    """Every row, typed, with `wrong`: why it cannot be used, NULL for a good one.

    Needs the table `salts(salt)`. `keep_rejects`: records that do not have the header's form go to `reject_errors`.
    """
    return f"""
        WITH told AS (
            SELECT {", ".join(_columns(file))}
            FROM (SELECT {"DISTINCT *" if file.distinct else "*"} FROM {_csv(file, keep_rejects=keep_rejects)})
        ),
        typed AS (
            SELECT *,
                CASE WHEN contains(told_impressions, '_') THEN NULL
                     ELSE try_cast(told_impressions AS DECIMAL(18, 3)) END AS shown,
                CASE WHEN contains(told_revenue, '_') THEN NULL
                     ELSE try_cast(told_revenue AS DECIMAL(18, 10)) END AS revenue
            FROM told
        )
        SELECT *, {_user(file)} AS person, {_masked(file)} AS masked, {_fault(file)} AS wrong FROM typed
    """  # noqa: S608 - values go in through `literal` alone


def good_sql(file: ReportFile, rows: str) -> str:
    """The rows that are kept, in the columns that are kept. The country is still as told, in upper case."""
    return f"""
        SELECT {literal(file.app)} AS app, {_day(file)} AS day, placement_id, placement_name, placement_type,
               upper(told_country) AS country, device_os, person, masked, CAST(shown AS BIGINT) AS impressions, revenue
        FROM ({rows}) WHERE wrong IS NULL
    """  # noqa: S608 - as above


def quarantined_sql(rows: str, most: int) -> str:
    """The first rows that are not kept, in the report's words, without what tells of people."""
    told = "told_date AS date, app_id AS app, placement_id, placement_name, told_country AS country"
    return f"""
        SELECT wrong AS reason, {told}, told_impressions AS impressions, told_revenue AS revenue
        FROM ({rows}) WHERE wrong IS NOT NULL LIMIT {most:d}
    """  # noqa: S608 - as above


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _csv(file: ReportFile, *, keep_rejects: bool) -> str:
    """DuckDB's reader, told everything, so that it guesses nothing. An empty field is NULL, quoted or not."""
    names = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(file.width))
    faults = "store_rejects = true" if keep_rejects else "ignore_errors = true"
    return f"""read_csv({literal(file.path)}, auto_detect = false, header = true, delim = ',', quote = '"',
        escape = '"', nullstr = '', columns = {{{names}}}, strict_mode = true, compression = 'none',
        max_line_size = {_LONGEST_RECORD:d}, {faults})"""


def _columns(file: ReportFile) -> Sequence[str]:
    named = {name: f"nullif(trim(c{place:d}), '')" for name, place in file.places.items()}
    texts = [f"{named.get(name, 'NULL::VARCHAR')} AS {name}" for name in ("app_id", "currency", *_TEXTS)]
    values = [f"{named[name]} AS told_{name}" for name in ("date", "country", "impressions", "revenue")]
    return [*texts, *values, f"{named.get('user', 'NULL::VARCHAR')} AS told_user"]


def _user(file: ReportFile) -> str:
    """Half of a SHA-256 over salt and id is more than enough to tell a publisher's users apart."""
    if file.people == "drop" or "user" not in file.places:
        return "NULL::VARCHAR"
    hashed = "left(sha256((SELECT salt FROM salts) || told_user), 32)"
    return f"CASE WHEN {_masked(file)} THEN NULL ELSE {hashed} END"


def _masked(file: ReportFile) -> str:
    """No id of a user or device is as short as these words are, so that most rows are settled by their length."""
    words = [word.lower() for word in file.masked]
    listed = ", ".join(map(literal, words))
    word = f"trim(lower(told_user), ' *()[]<>-_') IN ({listed}) OR trim(told_user, '*-') = ''"
    short = max(map(len, words), default=0) + 4
    return f"CASE WHEN length(told_user) <= {short} THEN {word} ELSE coalesce(told_user = '{_NOBODY}', false) END"


def _day(file: ReportFile) -> str:
    return f"DATE {literal(file.day.isoformat())}"


def _fault(file: ReportFile) -> str:
    """The first thing that is wrong with a row, in words."""
    words = ", ".join(map(literal, sorted(SUMS)))
    says_so = f"trim(lower({{}}), ' *()[]<>-_:') IN ({words})"
    names = {name: literal(said.strip()) for name, said in file.names.items()}
    again = f"""WHEN told_date = {names["date"]} AND told_revenue = {names["revenue"]} THEN {literal(AGAIN)}"""
    return f"""CASE {again if {"date", "revenue"} <= names.keys() else ""}
        WHEN (told_date <> {literal(file.day.isoformat())} AND {says_so.format("told_date")})
          OR (app_id <> {literal(file.app)} AND {says_so.format("app_id")})
          OR (length(told_country) > 2 AND {says_so.format("told_country")}) THEN {literal(SUM)}
        WHEN told_date IS NULL OR app_id IS NULL OR told_impressions IS NULL OR told_revenue IS NULL
          OR coalesce(placement_id, placement_name) IS NULL THEN {literal(MISSING)}
        WHEN told_date <> {literal(file.day.isoformat())} AND try_cast(told_date AS DATE) IS NULL
          THEN 'the date is none'
        WHEN told_date <> {literal(file.day.isoformat())} AND try_cast(told_date AS DATE) <> {_day(file)}
          THEN 'of another day'
        WHEN app_id <> {literal(file.app)} THEN 'of another app'
        WHEN shown IS NULL OR shown <> floor(shown) THEN 'the impressions are no whole number'
        WHEN shown < 0 THEN 'the impressions are negative'
        WHEN revenue IS NULL THEN 'the revenue is no number'
        WHEN revenue < 0 THEN 'the revenue is negative'
        WHEN upper(currency) NOT IN ('USD', 'US$', '$') THEN 'the revenue is not in USD'
    END"""
