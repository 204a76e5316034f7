"""PURE. Whether a report is there yet, by what its URL answers with."""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from reconciler.web.exchange import Attempt, NoResponse, RequestNotSent, Response
from reconciler.web.message import server_message


@dataclass(frozen=True, slots=True)
class Ready:
    """The file is there, and looks like one."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Not there yet: ask again."""

    why: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The network or the server failed: ask again, but not for ever."""

    why: str


@dataclass(frozen=True, slots=True)
class Hopeless:
    """There will never be a report at this URL."""

    why: str
    hint: str = ""


Readiness: TypeAlias = Ready | Pending | Broken | Hopeless

_MARK: Final = b"\xef\xbb\xbf"
_CODE: Final = re.compile(rb"<Code>\s*([A-Za-z]{3,60})\s*</Code>|(AccessDenied|SignatureDoesNotMatch)")
_NOT_YET: Final = {"AccessDenied", "NoSuchKey", "NotFound"}
_BUSY: Final = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"}
_AGAIN: Final = "run the command again to ask for a new report"


def readiness(end: Attempt, size: int, head: bytes) -> Readiness:
    """What an answer means. Of a 200, `size` is the body's length and `head` its beginning."""
    match end:
        case RequestNotSent(why=why, final=True, hint=hint):
            return Hopeless(why, hint)
        case NoResponse(why=why, final=True):
            return Hopeless(why)
        case RequestNotSent(why=why) | NoResponse(why=why):
            return Broken(why)
        case Response(status=200):
            return _of_a_body(size, head)
        case Response():
            return _of_a_refusal(end)
        case never:
            assert_never(never)


def _of_a_body(size: int, head: bytes) -> Readiness:
    text = head.removeprefix(_MARK).lstrip()
    if not text:
        return (
            Pending("it is still empty") if size <= len(head) else Hopeless("the file begins with nothing but blanks")
        )
    if text[:1] == b"<":
        return _of_markup(head) or Hopeless("the file is an HTML or XML page, not CSV")
    if text[:1] not in {b"{", b"["}:
        return Ready()
    words = server_message(200, head)
    return Hopeless(f"the file is JSON, not CSV{f': {words}' if words != 'OK' else ''}")


def _of_a_refusal(reply: Response) -> Readiness:
    status = reply.status
    spoken = _of_markup(reply.body)
    if status in {202, 204, 404}:
        return Pending(str(status))
    if status == 403:
        return spoken or (Hopeless("403") if reply.body.strip() else Pending("403"))
    if 300 <= status < 400:
        return Hopeless(f"it answers with a redirect ({status}), and redirects are not followed")
    if status in {408, 429} or status >= 500:
        return Broken(f"HTTP {status}")
    return spoken if isinstance(spoken, Hopeless) else Hopeless(f"HTTP {status}")


def _of_markup(body: bytes) -> Readiness | None:
    """What a page of the file store says by its code; None where it is some other page."""
    if b"Request has expired" in body:
        return Hopeless("the URL has expired", _AGAIN)
    found = _CODE.search(body)
    code = (found[1] or found[2]).decode("ascii") if found else ""
    if code in _NOT_YET:
        return Pending(code)
    if code in _BUSY:
        return Broken(code)
    return Hopeless(f"the file store refuses the URL ({code})", _AGAIN) if code else None
