"""PURE. Whether and when a call is tried again. Decisions come as seconds or None; the client does the waiting."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Final

from reconciler.web.exchange import Attempt, NoResponse, RequestNotSent, Response


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long and how often. Times are seconds.

    `deadline` bounds a call with all its tries and waits; `connect` and `read` a single wait for the network. A server
    that asks for less traffic (429) is not in trouble, so it is given more tries than one that fails.
    """

    deadline: float = 120.0
    connect: float = 10.0
    read: float = 30.0
    tries: int = 5
    throttled_tries: int = 12
    first_pause: float = 0.25
    longest_pause: float = 8.0


def is_throttled(end: Attempt) -> bool:
    """Whether the server asked for less traffic, and so did nothing."""
    return isinstance(end, Response) and end.status == 429


def may_have_been_done(end: Attempt) -> bool:
    """Whether the server may have acted although it did not say so."""
    match end:
        case Response(status=status):
            return status == 408 or status >= 500
        case NoResponse():
            return True
        case RequestNotSent():
            return False


def pause(  # noqa: PLR0913 - a decision over six plain facts
    end: Attempt, *, nth: int, repeatable: bool, asked: float | None, chance: float, left: float, patience: RetryPolicy
) -> float | None:
    """Seconds to wait before the next try, or None where there is none.

    `nth` counts the tries that ended this way (throttled or failed), from 1; `asked` is what Retry-After asks for;
    `chance` is in 0..1 and spreads the workers over the pause (full jitter); `left` is the time the call still has.
    """
    if not _worth_another(end, repeatable=repeatable):
        return None
    if nth >= (patience.throttled_tries if is_throttled(end) else patience.tries):
        return None
    seconds = (asked or 0.0) + chance * min(patience.longest_pause, patience.first_pause * 2 ** (nth - 1))
    return seconds if seconds < left else None


def _worth_another(end: Attempt, *, repeatable: bool) -> bool:
    if isinstance(end, NoResponse | RequestNotSent) and end.final:
        return False
    if isinstance(end, RequestNotSent) or is_throttled(end):
        return True
    return repeatable and may_have_been_done(end)


_SECONDS: Final = re.compile(r"\d{1,20}(\.\d{1,20})?", re.ASCII)


def retry_after(header: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or as a date; None where it asks for nothing."""
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


_MOST_SECONDS: Final = 100 * 366 * 86_400
"""A century: what a server asks for beyond that is a mistake of its own, and no date is reckoned from it."""
_UNITS: Final = ((2 * 86_400, 86_400, "days"), (5_400, 3_600, "h"), (90, 60, "min"), (0, 1, "s"))


def until_words(seconds: float, now: datetime) -> str:
    """When seconds from now are over, in words: a time in UTC, never too early, and how long that is."""
    whole = ceil(min(seconds, _MOST_SECONDS))
    try:
        until = (now + timedelta(seconds=whole + (now.microsecond > 0))).astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        return "for more than a lifetime"
    size, name = next((size, name) for least, size, name in _UNITS if whole >= least)
    return f"until {until:%Y-%m-%d %H:%M:%S} UTC, in {whole / size:.3g} {name}"
