"""The CSV text of a user report: the names of its columns, lines with open quotes, and a cut last record.

The vendor publishes no list of columns for this report. Its sibling reports have names for people ("Fyber App ID",
"Revenue (USD)"), so names are compared without case, spaces and punctuation.
"""

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from io import SEEK_END, StringIO
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final, TypeAlias

from reconciler.errors import UnreadableAnswer
from reconciler.report.sanitise import visible

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
"""Our name -> theirs, the likeliest first. A project may add names of its own in front."""

_REQUIRED: Final = ("date", "app_id", "placement_name", "country", "impressions", "revenue")
_LONGEST_LIST: Final = 40


def folded(name: str) -> str:
    """A column's name without case, spaces and punctuation."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def with_own(own: Aliases) -> Aliases:
    """The table with a project's own names in front. Raises `ValueError` for one of our names that there is not."""
    if unknown := sorted(set(own) - set(ALIASES)):
        raise ValueError(f"no such column: {', '.join(unknown)}; there are {', '.join(ALIASES)}")
    return {name: (*own.get(name, ()), *theirs) for name, theirs in ALIASES.items()}


def places(header: Sequence[str], aliases: Aliases = ALIASES) -> Mapping[str, int]:
    """Our name -> which column of the header it is, from 0; columns that mean nothing to us are left out.

    Raises `UnreadableAnswer`, which lists what the header holds, for a required column that is missing or there twice.
    """
    names = [folded(name) for name in header]
    found: dict[str, int] = {}
    for ours, theirs in aliases.items():
        place = _place(names, theirs, header)
        if place is not None:
            found[ours] = place
    either = {"placement_name": "placement_id"}
    missing = [name for name in _REQUIRED if name not in found and either.get(name, name) not in found]
    if missing:
        said = ", ".join(name.replace("_", " ") for name in missing)
        raise UnreadableAnswer(
            f"the report has no column for {said}; it has {listed(header)}",
            hint="if it goes by another name there, add that name to the column aliases",
        )
    return found


def _place(names: Sequence[str], theirs: Sequence[str], header: Sequence[str]) -> int | None:
    for alias in theirs:
        count = names.count(folded(alias))
        if count > 1:
            raise UnreadableAnswer(f"the report has the column {alias} {count} times; it has {listed(header)}")
        if count:
            return names.index(folded(alias))
    return None


def listed(header: Sequence[str]) -> str:
    """The names of a header, as many of them as can be shown."""
    shown = [f'"{visible(name[:_LONGEST_LIST])}"' for name in header[:_LONGEST_LIST]]
    more = len(header) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


_FIELD: Final = rb'(?:"(?:[^"]|"")*"|[^",\r\n][^,\r\n]*|)'
_WELL_QUOTED: Final = re.compile(rb"%b(?:,%b)*\r?\n?" % (_FIELD, _FIELD))
_LONGEST: Final = 2 * 1024 * 1024


def without_open_quotes(path: Path, mended: Path) -> list[int]:
    """Write the file without lines that are no whole record; the numbers of those lines, from 1.

    A record over several lines goes with them: which of its quotes is the wrong one, nobody can tell.
    """
    dropped: list[int] = []
    with path.open("rb") as source, mended.open("wb") as target:
        for number, line in enumerate(_lines(source), 1):
            if len(line) < _LONGEST and (b'"' not in line or _WELL_QUOTED.fullmatch(line)):
                target.write(line)
            else:
                dropped.append(number)
    return dropped


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """The lines, each cut where it is too long to be one."""
    while line := source.readline(_LONGEST):
        yield line
        rest = line
        while len(rest) == _LONGEST and not rest.endswith(b"\n"):
            rest = source.readline(_LONGEST)


_BREAK: Final = re.compile(r"\r\n|\n|\r")
_MOST_LINES: Final = 100
"""Lines that a quoted field may go on over before its quote is taken for one that is not closed."""
_HALF_A_NUMBER: Final = re.compile(r".*[-+.eE]", re.DOTALL)


def cut_short(path: Path, width: int, needed: Collection[int], numbers: Collection[int]) -> str:
    """Why a file surely ends amid its last record; empty where it may be whole, and for a file of one line.

    A last record needs no line end (RFC 4180). One that has none was cut where it lacks columns, a closing quote, or
    the value of its last column. `width` counts the columns; `needed` are those (from 0) that no record is without,
    and `numbers` those that hold numbers.
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
    """The last lines of a file; the last of them is empty where a line end ends the file."""
    with path.open("rb") as file:
        file.seek(-min(file.seek(0, SEEK_END), 2 * _LONGEST), SEEK_END)
        text = file.read().decode("utf-8", errors="replace")
    return _BREAK.split(text)[-_MOST_LINES:]
