"""The CSV text of a user report: columns, lines with open quotes, a cut last record, and the SQL that reads it.

The vendor publishes no list of columns for this report. Its sibling reports have names for people ("Fyber App ID",
"Revenue (USD)"), so names are compared without case, spaces and punctuation.
"""

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import SEEK_END, StringIO
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final, Literal, TypeAlias

from reconciler.errors import UnreadableAnswer
from reconciler.render.text import visible
from reconciler.warehouse.acceptance import SUM, SUMS
from reconciler.warehouse.people import NO_USER_PATTERN

Aliases: TypeAlias = Mapping[str, Sequence[str]]

ALIASES: Final[Aliases] = MappingProxyType(
    {
        "date": ("Date", "Day", "Report Date", "Event Date", "Date (UTC)"),
        "app_id": ("Fyber App ID", "App ID", "DT App ID", "DT Exchange App ID", "Application ID", "Publisher App ID"),
        "placement_id": (
            "Placement ID",
            "Fyber Placement ID",
            "DT Placement ID",
            "DT Exchange Placement ID",
            "Spot ID",
        ),
        "placement_name": (
            "Placement Name",
            "Placement",
            "Fyber Placement Name",
            "DT Placement Name",
            "Spot Name",
            "Spot",
        ),
        "placement_type": ("Placement Type", "Ad Format", "Ad Type", "Format"),
        "country": ("Country", "Country Code", "Country ISO", "Geo", "Country Name"),
        "device_os": ("Device OS", "OS", "Operating System", "Platform"),
        "user": (
            *("User ID", "Device ID", "Advertising ID", "Advertiser ID", "Identifier", "IFA", "IDFA", "GAID", "AAID"),
            *("IDFA/GAID", "Device IFA", "Encrypted User ID", "Publisher User ID"),
        ),
        "currency": ("Currency", "Currency Code", "Revenue Currency"),
        "impressions": ("Impressions", "Impression", "Imps", "Ad Impressions", "Impression Count"),
        "revenue": (
            *("Revenue (USD)", "Revenue", "Publisher Revenue", "Net Revenue", "Publisher Revenue (USD)", "Earnings"),
            *("Earnings (USD)", "Revenue USD", "Net Payout", "Payout", "Estimated Revenue"),
        ),
    }
)
"""Our name -> the vendor's, the likeliest first. A project may add names of its own in front."""

_REQUIRED: Final = ("placement_name", "country", "impressions", "revenue")
"""Date and app are what the report was ordered for: where it has no column for them, they come from the order."""
_LONGEST_LIST: Final = 40


def folded(name: str) -> str:
    """A column's name without case, spaces and punctuation."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def with_own_aliases(own: Aliases) -> Aliases:
    """`ALIASES` with a project's own names in front. Raises `ValueError` for a column that does not exist."""
    if unknown := sorted(set(own) - set(ALIASES)):
        raise ValueError(f"no such column: {', '.join(unknown)}; there are {', '.join(ALIASES)}")
    return {name: (*own.get(name, ()), *theirs) for name, theirs in ALIASES.items()}


def column_places(header: Sequence[str], aliases: Aliases = ALIASES) -> Mapping[str, int]:
    """Our name -> the position of its column in the header, from 0; unknown columns are left out.

    Raises `UnreadableAnswer`, which lists what the header holds, for a required column that is missing or there twice.
    """
    names = [folded(name) for name in header]
    places: dict[str, int] = {}
    for ours, theirs in aliases.items():
        place = _column_place(names, theirs, header)
        if place is not None:
            places[ours] = place
    either = {"placement_name": "placement_id"}
    missing = [name for name in _REQUIRED if name not in places and either.get(name, name) not in places]
    if missing:
        names_missing = ", ".join(name.replace("_", " ") for name in missing)
        raise UnreadableAnswer(
            f"the report has no column for {names_missing}; it has {header_text(header)}",
            hint="if it goes by another name there, add that name to the column aliases",
        )
    return places


def known_columns(header: Sequence[str], aliases: Aliases = ALIASES) -> Mapping[str, int]:
    """Our name -> the position of the first column that is called so, as far as there is one."""
    names = [folded(name) for name in header]
    found = {
        ours: [names.index(folded(each)) for each in theirs if folded(each) in names]
        for ours, theirs in aliases.items()
    }
    return {ours: places[0] for ours, places in found.items() if places}


def _column_place(names: Sequence[str], theirs: Sequence[str], header: Sequence[str]) -> int | None:
    for alias in theirs:
        count = names.count(folded(alias))
        if count > 1:
            raise UnreadableAnswer(f"the report has the column {alias} {count} times; it has {header_text(header)}")
        if count:
            return names.index(folded(alias))
    return None


def header_text(header: Sequence[str]) -> str:
    """The names of a header as a text, quoted; at most 40 of them."""
    shown = [f'"{visible(name[:_LONGEST_LIST])}"' for name in header[:_LONGEST_LIST]]
    more = len(header) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


_FIELD: Final = rb'(?:"(?:[^"]|"")*"|[^",\r\n][^,\r\n]*|)'
_WELL_QUOTED: Final = re.compile(rb"%b(?:,%b)*\r?\n?" % (_FIELD, _FIELD))
_LONGEST: Final = 2 * 1024 * 1024


def drop_open_quotes(path: Path, mended: Path) -> list[int]:
    """Write the file without lines that are no complete record; returns the numbers of those lines, from 1.

    A record over several lines is dropped too: it cannot be told which of its quotes is the wrong one.
    """
    dropped: list[int] = []
    with path.open("rb") as source, mended.open("wb") as target:
        for number, line in enumerate(_read_lines(source), 1):
            if len(line) < _LONGEST and (b'"' not in line or _WELL_QUOTED.fullmatch(line)):
                target.write(line)
            else:
                dropped.append(number)
    return dropped


def _read_lines(source: BinaryIO) -> Iterator[bytes]:
    """The lines of a file; of a line longer than `_LONGEST` the beginning."""
    while line := source.readline(_LONGEST):
        yield line
        rest = line
        while len(rest) == _LONGEST and not rest.endswith(b"\n"):
            rest = source.readline(_LONGEST)


_BREAK: Final = re.compile(r"\r\n|\n|\r")
_MOST_LINES: Final = 100
"""The most lines of a quoted field; beyond them its quote counts as not closed."""
_HALF_A_NUMBER: Final = re.compile(r".*[-+.eE]", re.DOTALL)


def cut_reason(path: Path, width: int, needed: Collection[int], numbers: Collection[int]) -> str:
    """Why a file certainly ends within its last record; empty where it may be complete, and for a file of one line.

    A last record needs no line end (RFC 4180). One that has none was cut where it lacks columns, a closing quote, or
    the value of its last column. `width` is the number of columns; `needed` are the positions (from 0) that every
    record fills, and `numbers` those that hold numbers.
    """
    lines = _last_lines(path)
    record = lines.pop()
    if not lines or not record.strip():
        return ""
    while record.count('"') % 2 and lines:
        record = f"{lines.pop()}\n{record}"
    try:
        fields = list(csv.reader(StringIO(record, newline=""), strict=True))[-1]
    except csv.Error:
        return "a quote is not closed"
    last = width - 1
    if len(fields) < width:
        return f"it has {len(fields)} of {width} columns"
    if len(fields) > width or record.endswith('"'):
        return ""
    if not fields[last]:
        return "its last value is missing" if last in needed else ""
    return "its last number is not whole" if last in numbers and _HALF_A_NUMBER.fullmatch(fields[last]) else ""


def _last_lines(path: Path) -> list[str]:
    """The last lines of a file; the last one is empty where the file ends with a line end."""
    with path.open("rb") as file:
        file.seek(-min(file.seek(0, SEEK_END), 2 * _LONGEST), SEEK_END)
        text = file.read().decode("utf-8", errors="replace")
    return _BREAK.split(text)[-_MOST_LINES:]


People: TypeAlias = Literal["hash", "drop", "keep"]
"""How ids of users and devices are treated: hashed with the project's salt, dropped, or kept as the file has them."""

AGAIN: Final = "the header again"
MISSING: Final = "a required value is missing"

_TEXTS: Final = ("placement_id", "placement_name", "placement_type", "device_os")
_LONGEST_RECORD: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class ReportFile:
    """The report to read: a file of `width` columns, of which `places` are known (see `column_places`).

    `distinct`: equal rows are read once. `names`: the header's names of the columns of `places`.
    """

    path: str
    width: int
    places: Mapping[str, int]
    app: str
    day: date
    people: People = "drop"
    distinct: bool = False
    names: Mapping[str, str] = field(default_factory=dict)


def rows_sql(file: ReportFile, *, keep_rejects: bool) -> str:
    """SQL of all rows, typed, with `wrong`: the reason to quarantine the row, NULL for a good one.

    Needs the table `salts(salt)`. `keep_rejects`: records that do not have the header's form go to `reject_errors`.
    """
    return f"""
        WITH told AS (
            SELECT {", ".join(_columns_sql(file))}
            FROM (SELECT {"DISTINCT *" if file.distinct else "*"} FROM {_csv_sql(file, keep_rejects=keep_rejects)})
        ),
        typed AS (
            SELECT *,
                CASE WHEN contains(told_impressions, '_') THEN NULL
                     ELSE try_cast(told_impressions AS DECIMAL(18, 3)) END AS shown,
                CASE WHEN contains(told_revenue, '_') THEN NULL
                     ELSE try_cast(told_revenue AS DECIMAL(18, 10)) END AS revenue
            FROM told
        )
        SELECT *, {_user_sql(file)} AS person, {_masked_sql()} AS masked, {_fault_sql(file)} AS wrong FROM typed
    """  # noqa: S608 - values go in through `literal` alone


def good_rows_sql(file: ReportFile, rows: str) -> str:
    """SQL of the good rows in the columns that are stored. The country is the report's text in upper case."""
    return f"""
        SELECT {literal(file.app)} AS app, {_day_sql(file)} AS day, placement_id, placement_name, placement_type,
               upper(told_country) AS country, device_os, person, masked, CAST(shown AS BIGINT) AS impressions, revenue
        FROM ({rows}) WHERE wrong IS NULL
    """  # noqa: S608 - as above


def quarantined_rows_sql(rows: str, most: int) -> str:
    """SQL of the first `most` quarantined rows, as the report has them, without ids of users."""
    columns = "told_date AS date, app_id AS app, placement_id, placement_name, told_country AS country"
    return f"""
        SELECT wrong AS reason, {columns}, told_impressions AS impressions, told_revenue AS revenue
        FROM ({rows}) WHERE wrong IS NOT NULL LIMIT {most:d}
    """  # noqa: S608 - as above


def literal(text: str) -> str:
    """A text as a literal of SQL, quoted."""
    return "'" + text.replace("'", "''") + "'"


def _csv_sql(file: ReportFile, *, keep_rejects: bool) -> str:
    """DuckDB's CSV reader with every option set, so that none is detected. An empty field is NULL, quoted or not."""
    names = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(file.width))
    faults = "store_rejects = true" if keep_rejects else "ignore_errors = true"
    return f"""read_csv({literal(file.path)}, auto_detect = false, header = true, delim = ',', quote = '"',
        escape = '"', nullstr = '', columns = {{{names}}}, strict_mode = true, compression = 'none',
        max_line_size = {_LONGEST_RECORD:d}, {faults})"""


def _columns_sql(file: ReportFile) -> Sequence[str]:
    ordered = {"date": literal(file.day.isoformat()), "app_id": literal(file.app)}
    named = {**ordered, **{name: f"nullif(trim(c{place:d}), '')" for name, place in file.places.items()}}
    texts = [f"{named.get(name, 'NULL::VARCHAR')} AS {name}" for name in ("app_id", "currency", *_TEXTS)]
    values = [f"{named[name]} AS told_{name}" for name in ("date", "country", "impressions", "revenue")]
    return [*texts, *values, f"{named.get('user', 'NULL::VARCHAR')} AS told_user"]


def _user_sql(file: ReportFile) -> str:
    """SQL of the user, hashed or as it is. Half a SHA-256 of salt and id keeps a publisher's users distinct."""
    if file.people == "drop" or "user" not in file.places:
        return "NULL::VARCHAR"
    shown = "told_user" if file.people == "keep" else "left(sha256((SELECT salt FROM salts) || told_user), 32)"
    return f"CASE WHEN {_masked_sql()} THEN NULL ELSE {shown} END"


def _masked_sql() -> str:
    """SQL of whether the row is of several users or of none that is known: as `people.NO_USER_PATTERN` has it.

    Most ids begin with five signs of hex, which but the id of nobody does.
    """
    return f"""CASE WHEN told_user IS NULL THEN NULL
        WHEN regexp_matches(told_user, '^[0-9a-fA-F]{{5}}') AND NOT starts_with(told_user, '00000') THEN false
        ELSE regexp_matches(told_user, {literal(NO_USER_PATTERN)}) END"""


def _day_sql(file: ReportFile) -> str:
    return f"DATE {literal(file.day.isoformat())}"


def _fault_sql(file: ReportFile) -> str:
    """SQL of the first reason to quarantine a row."""
    words = ", ".join(map(literal, sorted(SUMS)))
    says_so = f"trim(lower({{}}), ' *()[]<>-_:') IN ({words})"
    names = {name: literal(said.strip()) for name, said in file.names.items()}
    again = [f"told_{name} = {names[name]}" for name in ("date", "country", "revenue") if name in names]
    is_header = f"WHEN {' AND '.join(again)} THEN {literal(AGAIN)}" if len(again) > 1 else ""
    return f"""CASE {is_header}
        WHEN (told_date <> {literal(file.day.isoformat())} AND {says_so.format("told_date")})
          OR (app_id <> {literal(file.app)} AND {says_so.format("app_id")})
          OR (length(told_country) > 2 AND {says_so.format("told_country")}) THEN {literal(SUM)}
        WHEN told_date IS NULL OR app_id IS NULL OR told_impressions IS NULL OR told_revenue IS NULL
          OR coalesce(placement_id, placement_name) IS NULL THEN {literal(MISSING)}
        WHEN told_date <> {literal(file.day.isoformat())} AND try_cast(told_date AS DATE) IS NULL
          THEN 'the date is none'
        WHEN told_date <> {literal(file.day.isoformat())} AND try_cast(told_date AS DATE) <> {_day_sql(file)}
          THEN 'of another day'
        WHEN app_id <> {literal(file.app)} THEN 'of another app'
        WHEN shown IS NULL OR shown <> floor(shown) THEN 'the impressions are no whole number'
        WHEN shown < 0 THEN 'the impressions are negative'
        WHEN revenue IS NULL THEN 'the revenue is no number'
        WHEN revenue < 0 THEN 'the revenue is negative'
        WHEN upper(currency) NOT IN ('USD', 'US$', '$') THEN 'the revenue is not in USD'
    END"""
