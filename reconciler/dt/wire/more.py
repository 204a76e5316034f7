"""What an answer says beside its rows: that something failed, or that there are more rows than it holds.

An empty list is believed only where nothing stands beside it but words that are known to be harmless: what is taken for
an empty account is created anew. Beside rows, words that speak of further ones, or of an incomplete answer, count.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.web.message import words_of

_FAILURES: Final = ("error", "errors", "errormessage", "errorcode", "error_description", "exception")
_VERDICTS: Final = ("success", "ok", "succeeded")
_NEXT: Final = frozenset(
    (
        *("next", "nextpage", "nextpagetoken", "nexttoken", "nexturl", "nextlink", "nextcursor", "nextoffset"),
        *("cursor", "continuation", "continuationtoken"),
        *("hasmore", "hasnext", "hasnextpage", "more", "moreavailable", "truncated"),
    )
)
_TOTALS: Final = frozenset(
    ("total", "totalcount", "count", "totalitems", "totalresults", "totalrecords", "totalrows", "totalelements")
)
_PAGES: Final = frozenset(("totalpages", "pages", "pagecount", "lastpage", "page", "currentpage", "pagenumber"))
_BEFORE: Final = frozenset(("offset", "skip", "from", "start", "startindex"))
"""Keys that count the rows before those of the answer."""
_SIZES: Final = frozenset(("limit", "pagesize", "perpage", "maxresults"))
"""Keys that name the most rows that an answer holds."""
_WHOLE: Final = frozenset(("complete", "iscomplete", "completed", "whole", "final", "isfinal", "last", "islast"))
"""Keys that say that this is all."""
_ECHOES: Final = frozenset(("publisherid", "appid"))
"""Keys that repeat what was asked for."""
_STATUSES: Final = frozenset(("status", "statuscode", "httpstatus", "code"))
_REMARKS: Final = frozenset(("message", "msg"))
_FINE: Final = frozenset(("ok", "success", "successful", "succeeded", "complete", "completed", "done", "200"))
_INCOMPLETE: Final = (
    *("partial", "incomplete", "truncat", "warn", "quota", "degrad", "throttl", "ratelimit", "rate limit", "exceed"),
    *("omitted", "skipped", "dropped", "timeout", "timed out", "unavailable", "try again", "not all", "stale", "error"),
    *("fail", "exception", "remaining"),
)
"""Beginnings of words, in keys or texts, by which an answer speaks of rows that it does not hold."""
_NOTHING: Final = ("", "false", "null", "none", "0")
_DEEPEST: Final = 4
"""Blocks within blocks beside the rows that are looked at."""


def speaks_of_failure(value: Mapping[str, Any]) -> str | None:
    """What an object with lower-case keys says went wrong; None where it says nothing of the kind."""
    if any(value.get(key) for key in _FAILURES):
        return f"it speaks of an error: {words_of(value)}"
    if any(value.get(key) is False for key in _VERDICTS):
        return f"it says that it did not succeed: {words_of(value)}"
    status = value.get("status")
    if isinstance(status, int) and not isinstance(status, bool) and status >= 400:
        return f"it speaks of a status {status}: {words_of(value)}"
    if isinstance(status, str) and status.strip().lower() in {"error", "fail", "failed", "failure"}:
        return f"it says that it failed: {words_of(value)}"
    return None


def speaks_of_more(value: Mapping[str, Any], rows: int) -> str | None:
    """The key by which an object with lower-case keys speaks of more than `rows` rows, beside them or in a block."""
    for key, hint in _hints(value):
        name = _plain(key)
        if name in _NEXT and _says_something(hint):
            return key
        if name in _TOTALS and _count(hint) > rows:
            return key
        if name in _PAGES and _count(hint) > 1:
            return key
    return None


def beside_rows(value: Mapping[str, Any], rows: int) -> str | None:
    """Why a list of `rows` rows may not be all of them, by the lower-case keys that stand beside it; None where it is.

    With no rows every word counts that is not known to be harmless.
    """
    hints = [(key, said) for key, said in _all_hints(value) if not _is_empty(said)]
    for key, said in hints:
        if (doubt := _doubt(key, said, rows)) is not None:
            return f"{doubt} ({key}: {words_of(said)})" if isinstance(said, str) else f"{doubt} ({key})"
    if rows and not any(_plain(key) in _TOTALS for key, _ in hints):
        full = next((key for key, said in hints if _plain(key) in _SIZES and _count(said) == rows), None)
        return None if full is None else f"it holds as many rows as an answer may, {rows} ({full})"
    return None


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "")


def _doubt(key: str, said: Any, rows: int) -> str | None:
    """Why one word beside so many rows keeps them from being taken for all; None where it does not."""
    name = _plain(key)
    if (is_more := _speaks_of_more_rows(name, said, rows)) is not None:
        return f"it speaks of more than the {rows} it holds" if is_more else None
    if name in _WHOLE and isinstance(said, bool):
        return None if said else f"it says that the {rows} it holds are not all"
    in_key, in_text = (any(word in text for word in _INCOMPLETE) for text in (name, str(said).lower()))
    if _is_known_as_harmless(name, said) or (in_key and not _says_something(said)):
        return None
    if in_key or (in_text and isinstance(said, str)):
        return f"it speaks of an incomplete answer beside {rows} rows"
    if name in _VERDICTS:
        return "it says that it did not succeed"
    return None if rows else "it holds no rows, and a word of unknown meaning beside them"


def _speaks_of_more_rows(name: str, said: Any, rows: int) -> bool | None:
    """Whether a key of paging speaks of further rows; None for any other key."""
    if name in _NEXT or name.startswith("next"):
        return _says_something(said)
    if name in _TOTALS and _is_count(said):
        return _count(said) > rows
    if name in _PAGES | _BEFORE and _is_count(said):
        return _count(said) > (name not in {"offset", "skip", "from"})
    return None


def _is_known_as_harmless(name: str, said: Any) -> bool:
    text = str(said).strip().lower()
    if name in _VERDICTS:
        return text in {"true", "1", *_FINE}
    if name in _STATUSES and _is_count(said):
        return 0 <= _count(said) < 300
    if name in _STATUSES or name in _REMARKS:
        return text.rstrip(".!") in _FINE
    return (name in _SIZES and _is_count(said)) or (name in _ECHOES and isinstance(said, str | int))


def more_in_headers(headers: Mapping[str, str], rows: int) -> str | None:
    """The response header by which a list speaks of more than `rows` rows."""
    link = headers.get("link", "").lower().replace('"', "").replace(" ", "")
    if "rel=next" in link:
        return "Link"
    return "X-Total-Count" if _count(headers.get("x-total-count")) > rows else None


def _hints(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, part in value.items():
        yield key, part
        if isinstance(part, dict):
            yield from ((inner.lower(), hint) for inner, hint in part.items())


def _all_hints(value: Mapping[str, Any], depth: int = _DEEPEST) -> Iterator[tuple[str, Any]]:
    """The keys beside the rows, in lower case, with what they say; of a block those in it."""
    for key, part in value.items():
        speaks = key.startswith("next") or any(word in key for word in (*_NEXT, *_INCOMPLETE))
        if isinstance(part, dict) and part and depth and not speaks:
            yield from _all_hints({inner.lower(): hint for inner, hint in part.items()}, depth - 1)
        else:
            yield key, part


def _is_empty(said: Any) -> bool:
    return said is None or said in ("", [], {}) or (isinstance(said, str) and not said.strip())


def _is_count(said: Any) -> bool:
    """Whether it is a number, be it as a text."""
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return False
    try:
        float(said)
    except (ValueError, OverflowError):
        return False
    return True


def _says_something(hint: Any) -> bool:
    return hint.strip().lower() not in _NOTHING if isinstance(hint, str) else bool(hint)


def _count(hint: Any) -> float:
    if isinstance(hint, bool) or not isinstance(hint, int | float | str):
        return 0
    try:
        return float(hint)
    except (ValueError, OverflowError):
        return 0
