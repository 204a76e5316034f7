"""Reports as they are read: a header and rows of texts; and the locations of tables and object stores."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from reconciler.errors import UsageError
from reconciler.model.secret import Secret

LONGEST_TEXT: Final = 1_000
"""Characters of a value; no name or number of a report is longer."""
_WHOLE: Final = 10**15
"""Below it every whole number is exact as a double."""
ImportRow: TypeAlias = tuple[int, Sequence[str]]
"""The number of a row (see `ImportRecords.unit`), and its values as texts; a missing value is an empty text."""


@dataclass(frozen=True, slots=True)
class ImportRecords:
    """A report as it is read. `unit`: what rows are numbered by, `line` or `row`; `rows` can be iterated once.

    `name` is its name in messages, without secrets. `delimiter` separates the columns of a text file; `notes` are
    remarks for the user on how it was read.
    """

    name: str
    unit: str
    header: tuple[str, ...]
    rows: Iterator[ImportRow]
    delimiter: str = ""
    notes: tuple[str, ...] = ()


def as_text(value: Any) -> str:
    """A value of a typed column as an unambiguous text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return _number_text(value)
        case datetime() if value.tzinfo is not None:
            return value.isoformat(sep="T", timespec="seconds")
        case date():
            return value.isoformat()[:10]
        case _:
            return str(value)[: LONGEST_TEXT + 1]


def _number_text(value: float | Decimal) -> str:
    """With an exponent, so that its point cannot be taken for one between thousands; whole ones by their digits.

    An id is whole as well, in a column that became one of fractions because a value is missing in it.
    """
    if isinstance(value, int):
        return str(value)
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if number.is_finite() and abs(number) < _WHOLE and number == number.to_integral_value():
        return str(int(number))
    return f"{number:E}".replace("E", "e") if number.is_finite() else "nan"


STORES: Final = ("s3://", "gs://")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SECRETS: Final = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)
_DUCKDB_NAMES: Final = (".duckdb", ".ddb", ".db")
_SAFE_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True, slots=True)
class StoreKeys:
    """The credentials of an object store, its region and endpoint; None for what is not set: access is anonymous."""

    key_id: Secret | None = None
    secret: Secret | None = None
    token: Secret | None = None
    region: str = ""
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class TableLocation:
    """Where a table is: `url` is a connection string, which may hold a password, or the path of a DuckDB file."""

    url: Secret
    table: str
    shown: str = field(compare=False)


def table_location(location: str, url: Secret | None) -> TableLocation | None:
    """The table that a text names: `URL#TABLE`, `FILE.duckdb#TABLE`, or, with the `url` of a database, `TABLE`.

    None where it names a file. Raises `UsageError` for a URL that holds a password or names no table: what stands in a
    command is seen by every process of the machine.
    """
    if location.lower().startswith(STORES):
        return None
    before, mark, table = location.rpartition("#")
    if not mark or not table:
        if _URL.match(location) or (mark and before.lower().endswith(_DUCKDB_NAMES) and not Path(location).exists()):
            raise UsageError(f"{without_secrets(location)} names no table", hint="write URL#TABLE or FILE.duckdb#TABLE")
        bare = not mark and url is not None and _SAFE_NAME.fullmatch(location) and not Path(location).is_file()
        return (
            TableLocation(url, location, f"{without_secrets(url.reveal())}#{location}")
            if bare and url is not None
            else None
        )
    if _URL.match(before):
        if _holds_secrets(before):
            raise UsageError(
                f"{without_secrets(before)} is given with a password or other secrets",
                hint="put the URL into RECONCILER_EVIDENCE_URL, and name the table alone",
            )
        return TableLocation(Secret(before), table, f"{without_secrets(before)}#{table}")
    if before.lower().endswith(_DUCKDB_NAMES) and not Path(location).exists():
        return TableLocation(Secret(before), table, location)
    return None


def without_secrets(url: str) -> str:
    """Scheme, host and path of a URL: no user, password or options."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    bare = rest.partition("?")[0].partition("#")[0]
    host, slash, path = bare.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _holds_secrets(url: str) -> bool:
    try:
        app_days = urlsplit(url)
    except ValueError:
        return True
    return bool(app_days.password) or bool(_SECRETS.search(app_days.query))
