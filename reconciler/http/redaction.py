"""PURE. The server's words without credentials: those we know, and what looks like one that we do not know.

Everything here sees texts of strangers, and takes time in proportion to their length.
"""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"
_CUT: Final = "…"

LONGEST: Final = 8192
"""Characters of a text that are looked at: many times what is shown of any."""

_AUTHORITY: Final = re.compile(r"://(?:[^\s/?#\"'<>]*@)?([^\s?#\"'<>]*)([?#][^\s\"'<>]*)?")
_SCHEME: Final = re.compile(
    r"\b(bearer|basic|digest|token)\s+(?=[\w.~+/=:-]*\d|[\w.~+/=:-]{20})[\w.~+/=:-]{6,}", re.IGNORECASE
)
_WORD: Final = re.compile(r"[\w-]+")
_TELLING: Final = re.compile(
    r"token|secret|passw|signature|credential|authorization|api[_-]?key|x-amz-|cookie", re.IGNORECASE
)
_VALUE: Final = re.compile(
    r"((?:\\?[\"']\s*:|\s*=|\s*:(?=\s*\\?[\"']))\s*)(?:\\?\"[^\"]*\"?|\\?'[^']*'?|[^\s\"',;&}]+)"
)
"""What follows the name of a credential: a sign that gives it a value, and the value."""

_WEB_TOKEN: Final = re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}")
_DIGITS_AND_LETTERS: Final = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{32,}(?![A-Za-z0-9])={0,2}"
)
"""32 and more letters and digits without a break; a UUID has breaks."""

_BASE64: Final = re.compile(r"[A-Za-z0-9_+/-]{40,}={0,2}")
_ENDS: Final = "\"'<>"
"""Besides blanks, the characters that a credential of the kinds above does not go on behind."""

_FINDABLE: Final = 8
"""Characters from which a secret is looked for inside other words, too; shorter ones may be part of an honest word."""

_CUTS: Final = re.compile(r"(…|\*\*\*)")
_STUMP: Final = 4
"""Characters from which the beginning or the end of a secret is taken for one."""


def discreet(text: str) -> str:
    """The text without what looks like a credential: queries of URLs (which may be signed), tokens, passwords.

    Of a text longer than `LONGEST` the beginning: see `bounded`.
    """
    text = _AUTHORITY.sub(lambda url: f"://{url[1]}{f'?{MASK}' if url[2] else ''}", bounded(text))
    text = _without_named(text)
    text = _SCHEME.sub(rf"\1 {MASK}", text)
    text = _DIGITS_AND_LETTERS.sub(MASK, _WEB_TOKEN.sub(MASK, text))
    return _BASE64.sub(lambda run: MASK if _is_mixed(run[0]) else run[0], text)


def bounded(text: str, limit: int = LONGEST) -> str:
    """The text, or as much of its beginning as ends before a word that the limit would cut in two, and `…`.

    Half a credential does not look like one any more: it is left out whole.
    """
    if len(text) <= limit:
        return text
    head = text[:limit]
    end = limit
    while end and not (head[end - 1].isspace() or head[end - 1] in _ENDS):
        end -= 1
    return f"{head[:end].rstrip()}{_CUT}"


def _without_named(text: str) -> str:
    """The text without the values that stand behind names such as `client_secret`."""
    parts: list[str] = []
    done = 0
    for word in _WORD.finditer(text):
        if word.start() < done or not _TELLING.search(word[0]):
            continue
        value = _VALUE.match(text, word.end())
        if value is not None:
            parts += (text[done : value.end(1)], MASK)
            done = value.end()
    return "".join((*parts, text[done:]))


def _is_mixed(run: str) -> bool:
    """Whether a long run has what base64 of anything has: digits, capitals and small letters."""
    return any(map(str.isdigit, run)) and any(map(str.isupper, run)) and any(map(str.islower, run))


def without(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets, however they are spelled, whole or as far as a cut or a mask has left them."""
    known = {spelling for secret in secrets for spelling in _spellings(secret)}
    for spelling in sorted(known, key=len, reverse=True):
        text = _without_whole(text, _small(spelling))
    for spelling in sorted(known, key=len, reverse=True):
        text = _without_stumps(text, _small(spelling))
    return text


def _spellings(secret: str) -> Iterator[str]:
    """The secret as it is, and as URLs, JSON, HTML, base64 and hex dumps have it."""
    if not secret:
        return
    data = secret.encode(errors="surrogatepass")
    yield from (secret, quote(data, safe=""), quote_plus(data), json.dumps(secret)[1:-1], escape(secret))
    yield from (b64encode(data).decode().rstrip("="), urlsafe_b64encode(data).decode().rstrip("="), data.hex())


def _small(text: str) -> str:
    """The text in lower case, every character still at its place."""
    if text.isascii():
        return text.lower()
    return "".join(small if len(small := sign.lower()) == 1 else sign for sign in text)


def _without_whole(text: str, spelling: str) -> str:
    parts: list[str] = []
    small, done = _small(text), 0
    at = small.find(spelling)
    while at >= 0:
        end = at + len(spelling)
        if len(spelling) >= _FINDABLE or _stands_alone(small, at, end):
            parts += (text[done:at], MASK)
            done = end
            at = small.find(spelling, end)
        else:
            at = small.find(spelling, at + 1)
    return "".join((*parts, text[done:]))


def _stands_alone(text: str, start: int, end: int) -> bool:
    around = text[start - 1 : start] + text[end : end + 1] if start else text[end : end + 1]
    return not any(sign.isalnum() or sign == "_" for sign in around)


def _without_stumps(text: str, spelling: str) -> str:
    """The text without beginnings of a secret before a cut or a mask, ends behind a mask, and what is between both.

    A mask that stands for what looked like a credential may cover a part of one that is known.
    """
    words = _CUTS.split(text)
    for at in range(1, len(words), 2):
        before, sign, after = words[at - 1 : at + 2]
        if cut := _overlap(_small(before), spelling[:-1]):
            words[at - 1] = f"{before[:-cut]}{MASK if sign == _CUT else ''}"
        if sign == MASK and (cut := _overlap(spelling[1:], _small(after))):
            words[at + 1] = after[cut:]
        elif sign == MASK and at + 2 < len(words) and len(after) >= _STUMP and _small(after) in spelling:
            words[at + 1] = ""
    return "".join(words)


def _overlap(ends: str, begins: str) -> int:
    """How many characters the one text ends with and the other begins with; 0 where they are few.

    By the prefix table of Knuth, Morris and Pratt over the two as one text.
    """
    most = min(len(ends), len(begins))
    if most < _STUMP:
        return 0
    whole = [*begins[:most], "", *ends[len(ends) - most :]]
    table = [0] * len(whole)
    for at in range(1, len(whole)):
        size = table[at - 1]
        while size and whole[at] != whole[size]:
            size = table[size - 1]
        table[at] = size + (whole[at] == whole[size])
    return table[-1] if table[-1] >= _STUMP else 0
