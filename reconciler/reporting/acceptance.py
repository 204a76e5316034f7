"""PURE. Whether a day that came may take its place: enough of it was read, and it holds no less than what is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MOST_UNREAD: Final = 0.01
"""Share of the rows, the impressions or the revenue of a day that may be unread. Above it the day is a gap, for what is
missing need not be like what was read. Few reports are near it: one that spells figures oddly does so in all rows."""
HALF: Final = 0.5
"""A day that comes again with this share, or less, of what is there is not taken by itself. Vendors restate a day by
a few per cent; a report that lost half of it was cut, or one of its sources was late."""
SUM: Final = "a row that sums others"
STRAY: Final = frozenset(("of another day", "of another app", "the header again", SUM))
"""Reasons for which a row is left out although it can be read: nothing of the day is missing without it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How much there is of something: rows, impressions, and USD."""

    rows: int = 0
    impressions: float = 0
    money: float = 0.0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(self.rows + other.rows, self.impressions + other.impressions, self.money + other.money)

    def __str__(self) -> str:
        return f"{self.rows:,} rows, {self.impressions:,.0f} impressions, {self.money:,.2f} USD"

    def share_of(self, whole: "Figures") -> float:
        """The largest of the shares that these have of the rows, the impressions and the money of the whole."""
        pairs = ((self.rows, whole.rows), (self.impressions, whole.impressions), (self.money, whole.money))
        return max((part / of for part, of in pairs if of > 0), default=0.0)


def doubt(unread: Figures, whole: Figures, reasons: Mapping[str, int]) -> str:
    """Why a day is not believed, of which so much of the whole could not be read; empty where it is."""
    share = unread.share_of(whole)
    if share <= MOST_UNREAD:
        return ""
    told = ", ".join(f"{rows:,} {why}" for why, rows in sorted(reasons.items()) if why not in STRAY)
    return (
        f"{unread.rows:,} of {whole.rows:,} rows cannot be read, {share:.1%} of the day where {MOST_UNREAD:.0%} is let "
        f"pass ({told})"
    )


def shrinkage(before: Figures, now: Figures) -> str:
    """How a day shrank beyond what vendors restate; empty where it did not, or nothing was there."""
    pairs = ((before.rows, now.rows), (before.impressions, now.impressions), (before.money, now.money))
    if not any(had > 0 and has <= HALF * had for had, has in pairs):
        return ""
    came = f"comes with {now}" if now.rows else "comes without any rows"
    return f"it {came}; there are {before}, which are kept"
