"""The answer to a request for a token."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from reconciler.web.json_body import AnswerError, decode, folded

_USUAL_LIFETIME: Final = 3600.0
"""Seconds, as the API's page shows; taken where an answer gives none that makes sense. A 401 renews in any case."""
_LONGEST_LIFETIME: Final = 86400.0
_CODE: Final = re.compile(r"[a-z][a-z_]{2,40}", re.ASCII)
_SENDABLE: Final = re.compile(r"[\x21-\x7e]+")


def read_token(body: bytes) -> tuple[str, float]:
    """The token's text and its lifetime in seconds. Raises `AnswerError`, whose message never repeats the body."""
    answer = _object(body)
    text = answer.get("accesstoken")
    if not isinstance(text, str) or not _SENDABLE.fullmatch(text.strip()):
        raise AnswerError("the answer holds no token")
    return text.strip(), _lifetime(answer.get("expiresin"))


def error_code(body: bytes) -> str | None:
    """The OAuth error code of a refusal, as in `invalid_client`; None where there is none."""
    try:
        code = _object(body).get("error")
    except AnswerError:
        return None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def _object(body: bytes) -> Mapping[str, Any]:
    value = decode(body)
    if not isinstance(value, dict):
        raise AnswerError("the answer holds no token")
    return folded({key.replace("_", ""): part for key, part in value.items()})


def _lifetime(raw: Any) -> float:
    if isinstance(raw, bool):
        return _USUAL_LIFETIME
    try:
        seconds = float(raw)
    except (TypeError, ValueError, OverflowError):
        return _USUAL_LIFETIME
    return min(seconds, _LONGEST_LIFETIME) if math.isfinite(seconds) and seconds > 0 else _USUAL_LIFETIME
