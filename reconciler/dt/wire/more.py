"""What an answer says beside its rows: that something failed, or that there are more rows than it holds."""

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
_NOTHING: Final = ("", "false", "null", "none", "0")


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
        name = key.replace("_", "").replace("-", "")
        if name in _NEXT and _says_something(hint):
            return key
        if name in _TOTALS and _count(hint) > rows:
            return key
        if name in _PAGES and _count(hint) > 1:
            return key
    return None


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


def _says_something(hint: Any) -> bool:
    return hint.strip().lower() not in _NOTHING if isinstance(hint, str) else bool(hint)


def _count(hint: Any) -> float:
    if isinstance(hint, bool) or not isinstance(hint, int | float | str):
        return 0
    try:
        return float(hint)
    except (ValueError, OverflowError):
        return 0
