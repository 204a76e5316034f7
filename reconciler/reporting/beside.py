"""PURE. What an answer says beside its rows: a failure, a word on why there are none, or that there are more.

Both reporting APIs document few such words, and none of pages. So rows are believed as the whole only where nothing
beside them says otherwise, and an answer without rows only where nothing at all stands beside it that is not known.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.web.message import words_of

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
_NEXT: Final = frozenset(
    (
        *("next", "nextpage", "nextpagetoken", "nexttoken", "nexturl", "nextpageurl", "nextlink", "nextcursor"),
        *("nextoffset", "pagetoken", "cursor", "endcursor", "continuation", "continuationtoken", "scrollid"),
        *("hasmore", "hasnext", "hasnextpage", "more", "moreavailable", "moreresults", "morerows", "morepages"),
        *("truncated", "istruncated", "partial", "ispartial", "incomplete"),
    )
)
_TOTALS: Final = frozenset(
    (
        *("total", "totalcount", "count", "totalitems", "totalresults", "totalrecords", "totalrows", "totalelements"),
        *("rowcount", "rows", "recordcount", "numrows", "resultcount"),
    )
)
_PAGES: Final = frozenset(("totalpages", "pages", "pagecount", "lastpage", "numpages", "page", "currentpage", "pageno"))
_LIMITS: Final = frozenset(("limit", "pagesize", "perpage", "maxrows", "rowlimit"))
_FINE: Final = frozenset(("", "ok", "okay", "success", "succeeded", "true", "200", "none", "null", "[]", "{}"))
"""Texts that say that all is well, or nothing."""
_NOTHING: Final = frozenset(("", "false", "null", "none", "0", "no"))
_BAD: Final = re.compile(
    r"error|fail|exceed|quota|throttl|limit|timed? ?out|timeout|partial|incomplete|truncat|unavailable|denied|abort"
    r"|cancel|expired|invalid|forbidden|unauthori[sz]ed|maintenance|try again|retry",
    re.IGNORECASE,
)
_NO_LETTER: Final = re.compile(r"[^a-z0-9]")
_DEEPEST: Final = 4


def more_rows(answer: Mapping[str, Any], rows: int, headers: Mapping[str, str]) -> str | None:
    """How an answer speaks of more than the `rows` rows that it holds; None where it does not.

    `answer` is without its rows. A limit that is just reached counts: the rows behind it are not in the answer.
    """
    for key, hint in _parts(answer, _DEEPEST):
        name = _folded(key)
        if name in _NEXT and _says_something(hint):
            return f"it speaks of more rows ({key})"
        if name in _TOTALS and _number(hint) > rows:
            return f"it speaks of {_number(hint):,.0f} rows and holds {rows:,} ({key})"
        if name in _PAGES and _number(hint) > 1:
            return f"it speaks of pages ({key})"
        if name in _LIMITS and rows and _number(hint) == rows:
            return f"it holds as many rows as its {key} allows, so there may be more"
    link = headers.get("link", "").lower().replace('"', "").replace(" ", "")
    if "rel=next" in link:
        return "it speaks of more rows (Link)"
    return "it speaks of more rows (X-Total-Count)" if _number(headers.get("x-total-count")) > rows else None


def failure(answer: Mapping[str, Any]) -> str | None:
    """What an answer says went wrong, in its own words; None where it says nothing of the kind."""
    for key, part in answer.items():
        name = _folded(key)
        if (
            (name in _FAILURES and _says_something(part))
            or (name in _VERDICTS and (part is False or str(part).strip().lower() in {"false", "no", "0"}))
            or (name in _STATES and _is_bad_state(part))
        ):
            return words_beside(answer, {}) or f"{key}: {part}"[:200]
    return None


def words_beside(answer: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """What an answer says beside its rows that is neither known, nor says that all is well, nor repeats the call."""
    strange = {key: part for key, part in answer.items() if not _is_known(key, part, asked, _DEEPEST)}
    return _said(strange, _DEEPEST)


def is_alarming(words: str) -> bool:
    """Whether words beside rows say that something failed or is missing."""
    return _BAD.search(words) is not None


def _is_known(key: str, part: Any, asked: Mapping[str, Any], depth: int) -> bool:
    if _folded(key) in _KNOWN or key.lower().endswith(("_time", "time_ms")):
        return isinstance(part, int | float | None)
    if isinstance(part, dict):
        return depth > 0 and all(_is_known(inner, each, asked, depth - 1) for inner, each in part.items())
    if isinstance(part, list | tuple):
        return not part or part == asked.get(key)
    return not part or part is True or str(part).strip().lower() in _FINE or part == asked.get(key)


def _said(answer: Mapping[str, Any], depth: int) -> str:
    """The words of an answer: its message, and else each text with its key."""
    told = [
        words_of({key: part}) or _plainly(key, part, depth)
        for key, part in answer.items()
        if part not in (None, "", [])
    ]
    return "; ".join(dict.fromkeys(filter(None, told)))[:500]


def _plainly(key: str, part: Any, depth: int) -> str:
    if isinstance(part, dict) and part and depth:
        return _said(part, depth - 1)
    if any(word in key.lower() for word in ("token", "secret", "password", "authorization", "url")):
        return f"{key} is there"
    words = words_of(part if isinstance(part, str | list | dict) else str(part))
    return words_of(f"{key}: {words}") if words else f"{words_of(key)} is there"


def _parts(answer: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    for key, part in answer.items():
        yield key, part
        if isinstance(part, dict) and depth:
            yield from _parts(part, depth - 1)


def _is_bad_state(part: Any) -> bool:
    if isinstance(part, bool):
        return False
    if _number(part) >= 400:
        return True
    return isinstance(part, str) and is_alarming(part)


def _says_something(hint: Any) -> bool:
    return hint.strip().lower() not in _NOTHING if isinstance(hint, str) else bool(hint)


def _number(hint: Any) -> float:
    if isinstance(hint, bool) or not isinstance(hint, int | float | str):
        return 0
    try:
        return float(hint)
    except (ValueError, OverflowError):
        return 0


def _folded(key: str) -> str:
    return _NO_LETTER.sub("", key.lower())
