"""Answers that are not what they should be: what each fault makes of an answer."""

import gzip
import json
from functools import cache
from typing import Any, Final, assert_never

from reconciler.sandbox.exchange import JSON_TYPE, Answer, json_answer
from reconciler.sandbox.faults import (
    AnswerFault,
    Astray,
    BadGzip,
    Bomb,
    CutRow,
    Duplicate,
    Empty,
    ExpireToken,
    Garbage,
    ListFault,
    Null,
    Omit,
    Paging,
    Redirect,
    RepeatRow,
    ReportFault,
    Status,
)

_ANSWERS: Final = {
    "garbage": Answer(
        200, b"<!doctype html><title>Sign in</title><h1>Please sign in</h1>", ((b"content-type", b"text/html"),)
    ),
    "empty": Answer(200, b""),
    "null": Answer(200, b"null"),
    "bad-gzip": Answer(200, b"this is not gzip", (JSON_TYPE, (b"content-encoding", b"gzip"))),
    "expire-token": json_answer(401, {"error": "invalid_token"}),
}
_GZIP: Final = b"\x1f\x8b"
_WRAPPERS: Final = ("apps", "placements", "data", "list")


def broken(fault: AnswerFault, answer: Answer) -> Answer:
    """The answer that the fault gives instead of the one that was due."""
    match fault:
        case Status():
            after = () if fault.retry_after is None else ((b"retry-after", str(fault.retry_after).encode()),)
            told = json_answer(fault.status, {"message": "A fault of the sandbox."})
            return Answer(told.status, told.body, told.headers + after)
        case Garbage() | Empty() | Null() | BadGzip() | ExpireToken():
            return _ANSWERS[fault.do]
        case Bomb():
            return Answer(200, _packed_megabyte() * fault.megabytes, ((b"content-type", b"application/gzip"),))
        case Redirect():
            return Answer(302, b"", ((b"location", fault.to.encode()),))
        case Astray():
            return _astray(fault, answer)
        case Paging() | Omit() | Duplicate() | CutRow() | RepeatRow():
            return answer if answer.status != 200 else _body_with(fault, answer)
        case _:
            assert_never(fault)


@cache
def _packed_megabyte() -> bytes:
    """A whole gzip file by itself, so that several in a row are one too."""
    return gzip.compress(bytes(1024 * 1024), mtime=0)


def _astray(fault: Astray, answer: Answer) -> Answer:
    """The answer with another host in its URL; one without a URL as it is."""
    told = json.loads(answer.body) if answer.body.startswith(b"{") else {}
    if "url" not in told:
        return answer
    target = "/" + told["url"].split("/", 3)[3]
    return json_answer(answer.status, {**told, "url": fault.to.rstrip("/") + target})


def _body_with(fault: ListFault | ReportFault, answer: Answer) -> Answer:
    if isinstance(fault, CutRow | RepeatRow):
        return _report_with(fault, answer)
    return _list_with(fault, answer)


def _report_with(fault: ReportFault, answer: Answer) -> Answer:
    """The report in the answer with the fault in it, packed if it was; one without rows as it is."""
    packed = answer.body.startswith(_GZIP)
    header, _, rows = (gzip.decompress(answer.body) if packed else answer.body).partition(b"\n")
    last = rows[rows.rstrip().rfind(b"\n") + 1 :]
    if not last:
        return answer
    body = header + b"\n" + (rows + last if isinstance(fault, RepeatRow) else rows[: -(len(last) + 1) // 2])
    return Answer(answer.status, gzip.compress(body, mtime=0) if packed else body, answer.headers)


def _list_with(fault: ListFault, answer: Answer) -> Answer:
    """The list in the answer with the fault in it, in the wrapper it had."""
    content = json.loads(answer.body) if answer.body else []
    wrapper, rows = _wrapped(content)
    if isinstance(fault, Paging):
        return json_answer(200, _first_page(fault, wrapper or "data", rows))
    struck = _without(fault, rows) if isinstance(fault, Omit) else rows[:1] + rows
    return json_answer(200, {wrapper: struck} if wrapper else struck)


def _wrapped(content: Any) -> tuple[str | None, list[Any]]:
    """The rows of a list and the key they stand under, if any; a lone resource is a list of one."""
    if isinstance(content, list):
        return None, content
    wrapper = next((key for key in _WRAPPERS if isinstance(content.get(key), list)), None)
    return wrapper, content[wrapper] if wrapper else [content]


def _first_page(fault: Paging, wrapper: str, rows: list[Any]) -> dict[str, Any]:
    shown = rows[: (len(rows) + 1) // 2]
    more = {"next": "?page=2", "nextPage": 2, "cursor": "cGFnZSAy", "total": len(rows) + 1}
    return {wrapper: shown, fault.hint: more[fault.hint]}


def _without(fault: Omit, rows: list[Any]) -> list[Any]:
    if isinstance(fault.omit, int):
        return rows[: max(0, len(rows) - fault.omit)]
    gone = {str(resource_id) for resource_id in fault.omit}
    return [row for row in rows if _own_id(row) not in gone]


def _own_id(row: dict[str, Any]) -> str:
    by_key = {key.lower(): str(value) for key, value in row.items()}
    return by_key.get("placementid", by_key.get("appid", ""))
