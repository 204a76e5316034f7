"""PURE. The columns of a DT report by the many names they may have.

The vendor publishes no list for this report. Its sibling reports have names for people ("Fyber App ID", "Revenue
(USD)"), so names are compared without case, spaces and punctuation.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

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
            f"the report has no column for {said}; it has {_listed(header)}",
            hint="if it goes by another name there, add that name to the column aliases",
        )
    return found


def _place(names: Sequence[str], theirs: Sequence[str], header: Sequence[str]) -> int | None:
    for alias in theirs:
        count = names.count(folded(alias))
        if count > 1:
            raise UnreadableAnswer(f"the report has the column {alias} {count} times; it has {_listed(header)}")
        if count:
            return names.index(folded(alias))
    return None


def _listed(header: Sequence[str]) -> str:
    shown = [f'"{visible(name[:_LONGEST_LIST])}"' for name in header[:_LONGEST_LIST]]
    more = len(header) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
