"""What answers say beside their rows: failures, and signs that rows are missing.

An empty list is believed only where nothing stands beside it but words that are known to be harmless: what is taken for
an empty account is created anew. Beside rows, words that speak of further ones, or of an incomplete answer, count.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.http.exchange import (
    count_of,
    is_count,
    is_size,
    is_total,
    of_paging,
    plain,
    says_something,
    words_of,
)
from reconciler.model.address import Kind
from reconciler.model.field import FIELDS, STATUSES

_FAILURES: Final = ("error", "errors", "errormessage", "errorcode", "error_description", "exception")
_VERDICTS: Final = ("success", "ok", "succeeded")
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
_OWN: Final = frozenset(name.lower() for known in FIELDS.values() for name in known) | {
    *("appid", "placementid", "publisherid", "createtypes", "rewardedconfig", "storeurl", "rewardedadsecuritytoken"),
}
"""The keys of a resource itself, in lower case."""
_DEEPEST: Final = 4
"""Blocks within blocks beside the rows that are looked at."""


def speaks_of_failure(value: Mapping[str, Any]) -> str | None:
    """What an object with lower-case keys, or a block in it that is no field, says went wrong; else None."""
    blocks = [part for key, part in value.items() if isinstance(part, dict) and key not in _OWN]
    inner = [{key.lower(): part for key, part in block.items()} for block in blocks]
    return next((failure for block in (value, *inner) if (failure := _failure(block))), None)


def _failure(value: Mapping[str, Any]) -> str | None:
    telling = [key for key in value if key in _TELLING]
    if not telling or (telling == ["status"] and value["status"] in STATUSES):
        return None  # nearly every row: no other key has to be looked for
    if any(value.get(key) for key in _FAILURES):
        return _with_words("it speaks of an error", value)
    if any(_denies(value.get(key)) for key in _VERDICTS):
        return _with_words("it says that it did not succeed", value)
    status = next((said for key in _STATUSES if is_count(said := value.get(key)) and count_of(said) >= _REFUSED), None)
    if status is not None:
        return _with_words(f"it speaks of a status {words_of(str(status))}", value)
    if any(str(value.get(key)).strip().lower() in _FAILED for key in _ENDS):
        return _with_words("it says that it failed", value)
    return None


def _with_words(text: str, value: Mapping[str, Any]) -> str:
    words = words_of(value)
    return f"{text}: {words}" if words else text


def _denies(said: Any) -> bool:
    """Whether a verdict is no; one that is not there says nothing."""
    return said is not None and str(said).strip().lower() in {"false", "no", "0", *_FAILED}


_FAILED: Final = frozenset(("error", "fail", "failed", "failure"))
_REFUSED: Final = 400
_ENDS: Final = ("status", "result", "outcome")
_TELLING: Final = frozenset((*_FAILURES, *_VERDICTS, *_STATUSES, *_ENDS))
"""Keys that a failure may be spoken of by."""


def speaks_of_more(kind: Kind, value: Mapping[str, Any], rows: int) -> str | None:
    """The key beside the fields of a resource, in lower case, by which it speaks of more than `rows` rows.

    Its own fields say nothing of the kind, whatever they hold.
    """
    beside = {key: part for key, part in value.items() if key not in _OWN}
    return next((key for key, hint in _all_hints(beside, 1) if _is_more(kind, plain(key), hint, rows)), None)


def beside_rows(kind: Kind, value: Mapping[str, Any], rows: int) -> str | None:
    """Why a list of `rows` rows may not be all of them, by the lower-case keys that stand beside it; None where it is.

    With no rows every word counts that is not known to be harmless.
    """
    hints = [(key, said) for key, said in _all_hints(value) if not _is_empty(said)]
    for key, said in hints:
        if (doubt := _doubt(kind, key, said, rows)) is not None:
            return f"{doubt} ({key}: {words_of(said)})" if isinstance(said, str) else f"{doubt} ({key})"
    if rows and not any(is_total(plain(key)) for key, _ in hints):
        full = next((key for key, said in hints if is_size(plain(key)) and count_of(said) == rows), None)
        return None if full is None else f"it holds as many rows as an answer may, {rows} ({full})"
    return None


def _doubt(kind: Kind, key: str, said: Any, rows: int) -> str | None:
    """Why one word beside so many rows keeps them from being taken for all; None where it does not."""
    name = plain(key)
    if (is_more := _is_more(kind, name, said, rows)) is not None:
        return f"it speaks of more than the {rows} it holds" if is_more else None
    in_key, in_text = (any(word in text for word in _INCOMPLETE) for text in (name, str(said).lower()))
    if _is_known_as_harmless(name, said) or (in_key and not says_something(said)):
        return None
    if in_key or (in_text and isinstance(said, str)):
        return f"it speaks of an incomplete answer beside {rows} rows"
    if name in _VERDICTS:
        return "it says that it did not succeed"
    return None if rows else "it holds no rows, and a word of unknown meaning beside them"


def _is_more(kind: Kind, name: str, said: Any, rows: int) -> bool | None:
    """As `of_paging`; how many resources of the other kind there are says nothing of these rows."""
    other = "placement" if kind == "app" else "app"
    return None if other in name else of_paging(name, said, rows)


def _is_known_as_harmless(name: str, said: Any) -> bool:
    text = str(said).strip().lower()
    if name in _VERDICTS:
        return text in {"true", "1", *_FINE}
    if name in _STATUSES and is_count(said):
        return 0 <= count_of(said) < 300
    if name in _STATUSES or name in _REMARKS:
        return text.rstrip(".!") in _FINE
    return (is_size(name) and is_count(said)) or (name in _ECHOES and isinstance(said, str | int))


def _all_hints(value: Mapping[str, Any], depth: int = _DEEPEST) -> Iterator[tuple[str, Any]]:
    """The keys beside the rows, in lower case, with what they say; of a block those in it, or of a list of blocks."""
    for key, part in value.items():
        blocks = [part] if isinstance(part, dict) else part if isinstance(part, list) else []
        inner = [block for block in blocks if isinstance(block, dict) and block]
        if is_total(plain(key)) and inner:
            yield from ((key, said) for block in inner for said in block.values() if is_count(said))
        elif inner and depth and not _is_spoken_of_by_its_key(key):
            for block in inner:
                yield from _all_hints({name.lower(): hint for name, hint in block.items()}, depth - 1)
        else:
            yield key, part


def _is_spoken_of_by_its_key(key: str) -> bool:
    """Whether that a block is there says it all, whatever is in it."""
    name = plain(key)
    return of_paging(name, True, 0) is True or any(word in name for word in _INCOMPLETE)


def _is_empty(said: Any) -> bool:
    return said is None or said in ("", [], {}) or (isinstance(said, str) and not said.strip())
