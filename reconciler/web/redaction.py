"""PURE. The server's words without credentials: those we know, and what looks like one that we do not know."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"

_URL: Final = re.compile(r"([a-z][a-z0-9+.-]*://)(?:[^\s/?#\"'<>@]*@)?([^\s?#\"'<>]*)([?#][^\s\"'<>]*)?", re.IGNORECASE)
_SCHEME: Final = re.compile(
    r"\b(bearer|basic|digest|token)\s+(?=[\w.~+/=:-]*\d|[\w.~+/=:-]{20})[\w.~+/=:-]{6,}", re.IGNORECASE
)
_NAMED: Final = re.compile(
    r"([\w-]*(?:token|secret|passw|signature|credential|authorization|api[_-]?key|x-amz-|cookie)[\w-]*"
    r"(?:\\?[\"']\s*:|\s*=|\s*:(?=\s*\\?[\"']))\s*)(\\?\"[^\"]*\"?|\\?'[^']*'?|[^\s\"',;&}]+)",
    re.IGNORECASE,
)
_OPAQUE: Final = re.compile(
    r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"
    r"|(?<![A-Za-z0-9])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{32,}(?![A-Za-z0-9])={0,2}"
    r"|(?=[\w+/-]*\d)(?=[\w+/-]*[A-Z])(?=[\w+/-]*[a-z])[A-Za-z0-9_+/-]{40,}={0,2}"
)
"""A JSON Web Token; 32 and more letters and digits without a break (a UUID has breaks); a long text in base64."""

_FINDABLE: Final = 8
"""Characters from which a secret is looked for inside other words, too; shorter ones may be part of an honest word."""


def discreet(text: str) -> str:
    """The text without what looks like a credential: queries of URLs (which may be signed), tokens, passwords."""
    text = _URL.sub(lambda url: f"{url[1]}{url[2]}{f'?{MASK}' if url[3] else ''}", text)
    text = _NAMED.sub(rf"\1{MASK}", text)
    text = _SCHEME.sub(rf"\1 {MASK}", text)
    return _OPAQUE.sub(MASK, text)


def without(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets, however they are spelled, one cut off at its end (`…`) included."""
    spellings = sorted({spelling for secret in secrets for spelling in _spellings(secret)}, key=len, reverse=True)
    for spelling in spellings:
        known = re.escape(spelling)
        inside = known if len(spelling) >= _FINDABLE else rf"(?<!\w){known}(?!\w)"
        text = re.sub(inside, MASK, text, flags=re.IGNORECASE)
    return _without_stump(text, spellings)


def _spellings(secret: str) -> Iterator[str]:
    """The secret as it is, and as URLs, JSON, HTML, base64 and hex dumps have it."""
    if not secret:
        return
    data = secret.encode()
    yield from (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], escape(secret))
    yield from (b64encode(data).decode().rstrip("="), urlsafe_b64encode(data).decode().rstrip("="), data.hex())


def _without_stump(text: str, spellings: Iterable[str]) -> str:
    if not text.endswith("…"):
        return text
    body = text[:-1]
    for spelling in spellings:
        for length in range(len(spelling) - 1, 3, -1):
            if body.lower().endswith(spelling[:length].lower()):
                return f"{body[:-length]}{MASK}…"
    return text
