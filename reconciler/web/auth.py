"""Authentication: an API's credentials, and the token that all workers share until it ends or the server refuses it."""

import math
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.errors import ApiError, CredentialsError
from reconciler.model.secret import Secret
from reconciler.ports import Clock
from reconciler.web.exchange import Request
from reconciler.web.json_body import AnswerError, decode, folded

_MARGIN: Final = 60.0
"""Seconds before its end at which a token is no longer used: longer than a call waits for an answer."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The client id and secret of the Management API, as the console shows them."""

    client_id: Secret
    client_secret: Secret


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """A bearer token, and the monotonic second from which it is renewed.

    Compared by identity: a server may give the same text twice.
    """

    text: Secret
    renew_at: float


def renewal_time(fetched_at: float, lifetime: float) -> float:
    """The second from which a token is renewed: 60 s before its end, half-way where it lives less than two minutes."""
    return fetched_at + lifetime - min(_MARGIN, lifetime / 2)


class TokenSource:
    """Hands out the current token. Safe to share: however many workers want a new one, one of them fetches it."""

    def __init__(self, fetch: Callable[[], Token], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._held: Token | None = None
        self._rounds = 0
        self._failure: ApiError | CredentialsError | None = None

    @property
    def held(self) -> Token | None:
        """The token last fetched, good or not."""
        return self._held

    def current(self) -> Token:
        """A token that is good as far as we know. Raises what fetching one raises."""
        held = self._held
        return held if held is not None and self._is_fresh(held) else self._renewed(held)

    def after(self, refused: Token) -> Token:
        """Another token than the one the server has refused; fetched unless some other worker already has."""
        return self._renewed(refused)

    def _is_fresh(self, token: Token) -> bool:
        return self._clock.monotonic() < token.renew_at

    def _renewed(self, unwanted: Token | None) -> Token:
        seen = self._rounds
        with self._lock:
            held = self._held
            if held is not None and held is not unwanted and self._is_fresh(held):
                return held
            # Who waited behind a failure shares it. Refused credentials stay refused: asking again may lock them.
            failure = self._failure
            if failure is not None and (self._rounds != seen or isinstance(failure, CredentialsError)):
                raise type(failure)(failure.message, hint=failure.hint)
            return self._fetched()

    def _fetched(self) -> Token:
        self._rounds += 1
        try:
            self._held = self._fetch()
        except (ApiError, CredentialsError) as failure:
            self._failure = failure
            raise
        self._failure = None
        return self._held


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


@dataclass(frozen=True, slots=True)
class Service:
    """An API: its `name` in sentences, the environment `variable` that holds its base URL, and an `example` of one.

    `keys` tells where its credentials come from, `token` makes the call that asks for a token. `token_variable` names
    the base URL of that call where tokens come from a host of their own.
    """

    name: str
    variable: str
    example: str
    keys: str
    token: Callable[[Credentials], Request]
    token_variable: str = ""
    token_example: str = ""
