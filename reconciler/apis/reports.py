"""PURE. Reports as the vendors' APIs give them: which days can be had, and what an answer says beside its rows.

A vendor gives some days and may still correct some; all days and times are UTC. Beside its rows an answer may tell a
failure, why there are none, or that there are more. Both reporting APIs document few such words, and no pages. So rows
are taken as the whole only where nothing beside them says otherwise, and an answer without rows only where nothing
unknown stands beside it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal, TypeAlias

from reconciler.http.exchange import (
    count_of,
    is_count,
    is_size,
    is_total,
    more_in_headers,
    of_paging,
    plain,
    says_something,
    words_of,
)

ReportSource: TypeAlias = Literal["dt", "chartboost"]

_READY_FROM: Final = time(12)
"""Day D is there at noon of D+1 (User Level Reporting page; taken to hold for Chartboost too)."""
_KEPT_DAYS: Final = 10
_BEGINNING: Final = date(2020, 2, 16)
"""The first day of which the User Level Reporting API has reports."""
_USUAL_DAYS: Final = 14
RESTATED_DAYS: Final = 2
"""The latest days, which either vendor may still correct."""
LONGEST_SPAN: Final = 30
"""Days that one call of Chartboost's API may ask for."""

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class DayRange:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    def days(self) -> Iterator[date]:
        """Each day, in order."""
        for number in range(len(self)):
            yield self.first + number * _DAY

    def __len__(self) -> int:
        return max(0, (self.last - self.first).days + 1)

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"

    def halves(self) -> tuple["DayRange", "DayRange"]:
        """Split the range in two; it has two days or more."""
        middle = self.first + timedelta(days=len(self) // 2 - 1)
        return DayRange(self.first, middle), DayRange(middle + _DAY, self.last)


def last_complete(now: datetime) -> date:
    """The last day whose reports are complete."""
    return now.date() - (_DAY if now.time() >= _READY_FROM else 2 * _DAY)


def usual_range(source: ReportSource, now: datetime) -> DayRange:
    """The days that are fetched unless a user names others: all that DT keeps, two weeks of Chartboost."""
    last = last_complete(now)
    if source == "chartboost":
        return DayRange(last - (_USUAL_DAYS - 1) * _DAY, last)
    return DayRange(_oldest_kept(now), last)


def refusal(source: ReportSource, day: date, now: datetime) -> str | None:
    """Why reports of a day cannot be fetched: not complete yet, or too old. None where they can."""
    if day > last_complete(now):
        ready = datetime.combine(day + _DAY, _READY_FROM)
        return f"not complete before {ready:%Y-%m-%d %H:%M} UTC"
    if source != "dt":
        return None
    if day < _BEGINNING:
        return f"the API knows nothing before {_BEGINNING}"
    if day < min(_oldest_kept(now), last_complete(now) - (_KEPT_DAYS - 1) * _DAY):
        return f"DT keeps {_KEPT_DAYS} days: the oldest is {_oldest_kept(now)}"
    return None


def is_settled(day: date, fetched_at: datetime) -> bool:
    """Whether a day was fetched once the vendor could no longer restate it."""
    return (last_complete(fetched_at) - day).days >= RESTATED_DAYS


def day_ranges(days: Iterable[date], longest: int = LONGEST_SPAN) -> tuple[DayRange, ...]:
    """The days as ranges without gaps, none longer than `longest`."""
    found: list[DayRange] = []
    for day in sorted(set(days)):
        if found and found[-1].last + _DAY == day and len(found[-1]) < longest:
            found[-1] = DayRange(found[-1].first, day)
        else:
            found.append(DayRange(day, day))
    return tuple(found)


def _oldest_kept(now: datetime) -> date:
    """The oldest of the ten days before today. Before noon DT may still have one more, which is asked for if named."""
    return now.date() - _KEPT_DAYS * _DAY


_KNOWN: Final = frozenset(("rowcount", "processtime", "querytime"))
"""What stands beside the rows in the example of the Mediation Reporting page."""
_FAILURES: Final = frozenset(
    (
        *("error", "errors", "errormessage", "errorcode", "errordescription", "errormsg", "exception", "fault"),
        *("failure", "failures", "failed"),
    )
)
_VERDICTS: Final = frozenset(("success", "ok", "succeeded", "successful", "complete", "iscomplete", "completed"))
_STATES: Final = frozenset(("status", "state", "result", "code", "statuscode", "outcome"))
_PARTIAL: Final = frozenset(("truncated", "istruncated", "partial", "ispartial", "incomplete"))
_FINE: Final = frozenset(("", "ok", "okay", "success", "succeeded", "true", "200", "none", "null", "[]", "{}"))
"""Texts that say that all is well, or nothing."""
_BAD: Final = re.compile(
    r"error|fail|exceed|quota|throttl|limit|timed? ?out|timeout|partial|incomplete|truncat|unavailable|denied|abort"
    r"|cancel|expired|invalid|forbidden|unauthori[sz]ed|maintenance|try again|retry|sampled",
    re.IGNORECASE,
)
_DEEPEST: Final = 4


def more_rows(answer: Mapping[str, Any], rows: int, headers: Mapping[str, str]) -> str | None:
    """How an answer speaks of more than the `rows` rows that it holds; None where it does not.

    `answer` is without its rows. A limit that is just reached counts: the rows behind it are not in the answer.
    """
    for key, hint in _parts(answer, _DEEPEST):
        name = plain(key)
        if name in _PARTIAL and says_something(hint):
            return f"it speaks of more rows ({key})"
        if of_paging(name, hint, rows):
            if is_total(name) and is_count(hint):
                return f"it speaks of {count_of(hint):,.0f} rows and holds {rows:,} ({key})"
            return f"it speaks of {'pages' if 'page' in name else 'more rows'} ({key})"
        if is_size(name) and rows and count_of(hint) == rows:
            return f"it holds as many rows as its {key} allows, so there may be more"
    header = more_in_headers(headers, rows)
    return f"it speaks of more rows ({header})" if header else None


def failure(answer: Mapping[str, Any]) -> str | None:
    """What an answer says went wrong, in its own words; None where it says nothing of the kind."""
    for key, part in answer.items():
        name = plain(key)
        if (
            (name in _FAILURES and says_something(part))
            or (name in _VERDICTS and (part is False or str(part).strip().lower() in {"false", "no", "0"}))
            or (name in _STATES and _is_bad_state(part))
        ):
            return words_beside(answer, {}) or f"{key}: {part}"[:200]
    return None


def answered_otherwise(answer: Mapping[str, Any], asked: Mapping[str, Any]) -> str | None:
    """The first thing in which an answer says that it answers another question; None where it does not.

    `asked` holds texts: days, the time zone, the currency and the like. What has a time behind it is told by its day.
    """
    wanted = {plain(key): str(part) for key, part in asked.items()}
    for key, part in _parts(answer, _DEEPEST):
        want = wanted.get(plain(key), "")
        said, meant = str(part).strip().lower(), want.lower()
        if want and isinstance(part, str) and said and not said.startswith(meant) and not _same_zone(said, meant):
            return f"{words_of(key)} is {words_of(part)}, where {want} was asked for"
    return None


def _same_zone(one: str, other: str) -> bool:
    return {one, other} <= _UTC or {one, other} <= _PACIFIC


_PACIFIC: Final = frozenset(("america/los_angeles", "us/pacific", "pst", "pdt", "pst8pdt", "pacific", "pacific time"))
_UTC: Final = frozenset(("utc", "etc/utc", "gmt", "z", "utc+0", "+00:00", "utc+00:00"))


def words_beside(answer: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """What an answer says beside its rows that is neither known, nor says that all is well, nor repeats the call."""
    strange = {key: part for key, part in answer.items() if not _is_known(key, part, asked, _DEEPEST)}
    return _words_text(strange, _DEEPEST)


def is_alarming(words: str) -> bool:
    """Whether words beside rows say that something failed or is missing."""
    return _BAD.search(words) is not None


def _is_known(key: str, part: Any, asked: Mapping[str, Any], depth: int) -> bool:
    if plain(key) in _KNOWN or key.lower().endswith(("_time", "time_ms")) or (is_total(plain(key)) and is_count(part)):
        return part is None or is_count(part)
    if isinstance(part, dict):
        return depth > 0 and all(_is_known(inner, each, asked, depth - 1) for inner, each in part.items())
    if isinstance(part, list | tuple):
        return not part or part == asked.get(key)
    return (
        not part
        or part == asked.get(key)
        or (part is not True and str(part).strip().lower() in _FINE)
        or (part is True and plain(key) in _VERDICTS | _STATES)
    )


def _words_text(answer: Mapping[str, Any], depth: int) -> str:
    """The words of an answer: its message, and else each text with its key."""
    texts = [
        words_of({key: part}) or _part_text(key, part, depth)
        for key, part in answer.items()
        if part not in (None, "", [])
    ]
    return "; ".join(dict.fromkeys(filter(None, texts)))[:500]


def _part_text(key: str, part: Any, depth: int) -> str:
    if isinstance(part, dict) and part and depth:
        return _words_text(part, depth - 1)
    if any(word in key.lower() for word in ("token", "secret", "password", "authorization", "url")):
        return f"{key} is there"
    words = words_of(part if isinstance(part, str | list | dict) else str(part))
    return words_of(f"{key}: {words}") if words else f"{words_of(key)} is there"


def _parts(answer: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    """All keys with what they say, also those in blocks and in lists of blocks; of a block of totals each number."""
    for key, part in answer.items():
        yield key, part
        blocks = [part] if isinstance(part, dict) else part if isinstance(part, list) else []
        for block in (block for block in blocks if isinstance(block, dict) and depth):
            yield from _parts(block, depth - 1)
            if is_total(plain(key)):
                yield from ((key, said) for said in block.values() if is_count(said))


def _is_bad_state(part: Any) -> bool:
    if isinstance(part, bool):
        return False
    if count_of(part) >= 400:
        return True
    return isinstance(part, str) and is_alarming(part)
